/* Holidays and exceptions of a schedule: a list in the order in which they count, each with dates and periods. */
(() => {
  window.alarmflow ??= {};
  const { alarmflow } = window;
  const t = (key, values) => alarmflow.text(`week.${key}`, values);
  const two = (number) => String(number).padStart(2, '0');
  const say = (event) => t(`sun.${event}`);

  const monthName = (month) =>
    new Intl.DateTimeFormat(document.documentElement?.lang || undefined, { month: 'long', timeZone: 'UTC' }).format(
      Date.UTC(2024, month - 1, 1),
    );

  /** Fields for one day, of every year or of one; `read` gives its text, '' for none. */
  function dayFields(value, yearly, label, changed) {
    if (!yearly) {
      const input = $('<input type="date" min="1000-01-01" max="9999-12-31">').val(value).attr('aria-label', label);
      input.on('change input', changed);
      return { elements: [input], read: () => input.val(), mark: (wrong) => input.toggleClass('input-error', wrong) };
    }
    const [month = '', day = ''] = value.split('-');
    const months = $('<select>').attr('aria-label', t('month', { day: label }));
    months.append($('<option value="">').text('–'));
    for (let number = 1; number <= 12; number++) months.append($('<option>').val(two(number)).text(monthName(number)));
    months.val(month);
    const dayInput = $('<input type="number" min="1" max="31">').attr('aria-label', t('dayOfMonth', { day: label }));
    dayInput.val(day === '' ? '' : Number(day));
    dayInput.add(months).on('change input', changed);
    return {
      elements: [dayInput, months],
      read: () => (months.val() === '' && dayInput.val() === '' ? '' : `${months.val()}-${two(dayInput.val() || 0)}`),
      mark: (wrong) => dayInput.add(months).toggleClass('input-error', wrong),
    };
  }

  /**
   * The list in `container`. What is typed is in `value()` at once.
   * Triggers `alarmflow:week` on the container at every change.
   *
   * @param yearly whether an entry may be for every year and be disabled (holidays)
   */
  alarmflow.specialDays = (container, given, { kind, yearly }) => {
    const { fault, isYearly, toYearly, toOnce } = alarmflow.weekDates;
    const list = structuredClone(Array.isArray(given) ? given : []);
    let open = null;
    const rows = $('<div class="alarmflow-special-rows" role="list">');
    const add = $('<button type="button" class="red-ui-button red-ui-button-small">').append(
      '<i class="fa fa-plus"></i> ',
      $('<span>').text(t(`${kind}.add`)),
    );
    container.empty().append(rows, add);

    const changed = () => container.trigger('alarmflow:week');
    const today = () => new Date().toISOString().slice(0, 10);
    const dates = ({ from, to }) => {
      const text = !to || to === from ? from : `${from} – ${to}`;
      return isYearly(from) ? t('everyYearOn', { dates: text }) : text;
    };
    const periodsText = ({ periods }) =>
      Array.isArray(periods) && periods.length > 0
        ? periods.map((period) => alarmflow.weekModel.span(period, say)).join(', ')
        : t('notArmed');

    /** A button whose words, those of the key, name the entry. */
    const tool = (icon, key, act) =>
      $('<button type="button" class="red-ui-button red-ui-button-small">')
        .attr('data-names', key)
        .append($('<i>').addClass(`fa ${icon}`))
        .on('click', act);

    function move(index, by) {
      const other = index + by;
      if (other < 0 || other >= list.length) return;
      [list[index], list[other]] = [list[other], list[index]];
      if (open === index) open = other;
      else if (open === other) open = index;
      draw();
      rows
        .children('.alarmflow-special-row')
        .eq(other)
        .find(by < 0 ? '.fa-arrow-up' : '.fa-arrow-down')
        .parent()
        .trigger('focus');
      changed();
    }

    /** Writes what an entry says into its row; the form below may be in use and stays. */
    function describe(entry, row) {
      const title = entry.name || t('unnamed');
      row.find('.alarmflow-special-name').text(title);
      row.find('.alarmflow-special-dates').text(dates(entry));
      row.find('.alarmflow-special-periods').text(periodsText(entry));
      const wrong = fault(entry, yearly);
      row.toggleClass('alarmflow-special-wrong', wrong !== null);
      row.find('.alarmflow-special-fault').text(wrong === null ? '' : t(`fault.${wrong}`));
      row.toggleClass('alarmflow-special-off', entry.enabled === false);
      row.find('[data-names]').each((_at, element) => {
        const words = t($(element).attr('data-names'), { name: title });
        $(element).attr({ title: words, 'aria-label': words });
      });
    }

    function drawRow(entry, index) {
      const row = $('<div class="alarmflow-special-row" role="listitem">');
      const enabled = $('<input type="checkbox">')
        .attr('data-names', 'enabled')
        .prop('checked', entry.enabled !== false)
        .on('change', () => {
          entry.enabled = enabled.prop('checked');
          describe(entry, row);
          changed();
        });
      const edit = tool('fa-pencil', 'edit', () => {
        open = open === index ? null : index;
        draw();
        rows.children('.alarmflow-special-row').eq(index).find('.fa-pencil').parent().trigger('focus');
        if (open !== null) rows.find('.alarmflow-special-form input').first().trigger('focus');
      }).attr('aria-expanded', String(open === index));
      row.append(
        yearly ? enabled : '',
        $('<div class="alarmflow-special-words">').append(
          $('<strong class="alarmflow-special-name">'),
          ' ',
          $('<span class="alarmflow-special-dates">'),
          $('<div class="alarmflow-special-periods">'),
          $('<div class="alarmflow-special-fault" role="status">'),
        ),
        $('<div class="alarmflow-week-tools">').append(
          tool('fa-arrow-up', 'up', () => move(index, -1)).prop('disabled', index === 0),
          tool('fa-arrow-down', 'down', () => move(index, 1)).prop('disabled', index === list.length - 1),
          edit,
          tool('fa-trash', 'delete', () => {
            list.splice(index, 1);
            if (open === index) open = null;
            else if (open > index) open -= 1;
            draw();
            add.trigger('focus');
            changed();
          }),
        ),
      );
      describe(entry, row);
      rows.append(row);
      if (open === index) rows.append(form(entry, row));
    }

    function form(entry, row) {
      const box = $('<div class="alarmflow-special-form">');
      const line = (label, ...fields) =>
        $('<div class="alarmflow-special-line">').append(
          $('<span class="alarmflow-special-label">').text(label),
          ...fields,
        );
      const update = () => {
        describe(entry, row);
        changed();
      };
      const name = $('<input type="text" maxlength="200">')
        .val(entry.name)
        .attr('aria-label', t('name'))
        .on('input change', () => {
          entry.name = name.val();
          update();
        });
      const days = $('<span class="alarmflow-special-days">');
      const drawDays = () => {
        const everyYear = isYearly(entry.from);
        const read = () => {
          entry.from = first.read();
          const to = last.read();
          if (to === '') delete entry.to;
          else entry.to = to;
          const wrong = fault(entry, yearly);
          first.mark(wrong === 'from');
          last.mark(wrong === 'to' || wrong === 'order');
          update();
        };
        const first = dayFields(entry.from, everyYear, t('first'), read);
        const last = dayFields(entry.to ?? '', everyYear, t('last'), read);
        days
          .empty()
          .append(
            ...first.elements,
            $('<span>').text(t('until')),
            ...last.elements,
            $('<span class="alarmflow-unit">').text(t('lastHint')),
          );
      };
      drawDays();
      const repeat = $('<select>').attr('aria-label', t('repeat'));
      repeat.append($('<option value="yearly">').text(t('yearly')), $('<option value="once">').text(t('once')));
      repeat.val(isYearly(entry.from) ? 'yearly' : 'once').on('change', () => {
        const year = Number(today().slice(0, 4));
        const everyYear = repeat.val() === 'yearly';
        const { from, to } = entry;
        entry.from = everyYear ? toYearly(from || today()) : toOnce(from, year);
        if (to) entry.to = everyYear ? toYearly(to) : toOnce(to, to < from ? year + 1 : year);
        drawDays();
        update();
      });
      const bars = $('<div>');
      alarmflow.weekEditor(bars, { periods: entry.periods }, { rows: [{ key: 'periods', label: t('armed') }] });
      bars.on('alarmflow:week', (event, value) => {
        // The list's own event follows; the bars' must not be seen above as well.
        event.stopPropagation();
        entry.periods = value.periods;
        update();
      });
      return box.append(
        line(t('name'), name),
        yearly ? line(t('repeat'), repeat) : '',
        line(t('days'), days),
        bars,
        $('<div class="alarmflow-special-end">').append(
          $('<button type="button" class="red-ui-button red-ui-button-small">')
            .text(t('close'))
            .on('click', () => {
              const index = open;
              open = null;
              draw();
              rows.children('.alarmflow-special-row').eq(index).find('.fa-pencil').parent().trigger('focus');
            }),
        ),
      );
    }

    function draw() {
      rows.empty();
      if (list.length === 0) rows.append($('<p class="alarmflow-unit">').text(t(`${kind}.none`)));
      for (const [index, entry] of list.entries()) drawRow(entry, index);
    }

    add.on('click', () => {
      list.push({
        name: '',
        ...(yearly ? { enabled: true } : {}),
        from: yearly ? toYearly(today()) : today(),
        periods: [],
      });
      open = list.length - 1;
      draw();
      rows.find('.alarmflow-special-form input').first().trigger('focus');
      changed();
    });

    draw();
    return { value: () => list };
  };
})();
