/* The form for the exact values of a period: times of the clock or of the sun. */
(() => {
  window.alarmflow ??= {};
  const { alarmflow } = window;
  const t = (key, values) => alarmflow.text(`week.${key}`, values);

  /** One end of a period: what it follows, and its value. */
  function endFields(time, label) {
    const { isSun, format, parse, parseOffset, signed, sunEvents, DAY } = alarmflow.weekModel;
    const kind = $('<select>').attr('aria-label', t('follows', { end: label }));
    kind.append($('<option value="clock">').text(t('clock')));
    for (const event of sunEvents)
      kind.append(
        $('<option>')
          .val(event)
          .text(t(`sun.${event}`)),
      );
    kind.val(isSun(time) ? time.sun : 'clock');
    const value = $('<input type="text" maxlength="5">').val(
      isSun(time) ? signed(time.offsetMinutes ?? 0) : format(time),
    );
    const unit = $('<span class="alarmflow-unit">').text(t('offsetUnit'));
    const show = () => {
      const sun = kind.val() !== 'clock';
      value.attr({ 'aria-label': sun ? t('offset', { end: label }) : label, placeholder: sun ? '+0' : '00:00' });
      unit.toggle(sun);
    };
    let before = kind.val();
    kind.on('change', () => {
      // Minutes of the day make no offset, and the other way round.
      if ((before === 'clock') !== (kind.val() === 'clock')) value.val(kind.val() === 'clock' ? '' : '+0');
      before = kind.val();
      show();
    });
    show();
    return {
      elements: [kind, value, unit],
      inputs: kind.add(value),
      value,
      /** The time, or null; 24:00 is an end only. */
      read(isEnd) {
        if (kind.val() === 'clock') {
          const minutes = parse(value.val());
          return minutes === DAY && !isEnd ? null : minutes;
        }
        const offsetMinutes = parseOffset(value.val());
        return offsetMinutes === null ? null : { sun: kind.val(), offsetMinutes };
      },
    };
  }

  /** Fills `panel` with the form of one period and shows it. */
  alarmflow.periodForm = (panel, { title, period, isNew, apply, remove, cancel }) => {
    const { followsSun, endsNextDay, endsNextDayByClock } = alarmflow.weekModel;
    const start = endFields(period.from, t('from'));
    const end = endFields(period.to, t('to'));
    const nextDay = $('<input type="checkbox">').prop('checked', endsNextDay(period));
    const nextDayChoice = $('<label class="alarmflow-choice">').append(nextDay, $('<span>').text(t('endsNextDay')));
    // Until somebody says otherwise the usual course of the sun decides.
    let chosen = !isNew && period.nextDay !== undefined;
    nextDay.on('change', () => {
      chosen = true;
    });
    const read = () => ({ from: start.read(false), to: end.read(true) });
    const show = () => {
      const { from, to } = read();
      const known = from !== null && to !== null;
      nextDayChoice.toggle(known && followsSun({ from, to }));
      if (known && !chosen) nextDay.prop('checked', endsNextDayByClock({ from, to }));
    };
    const submit = () => {
      const { from, to } = read();
      const startRight = from !== null;
      const endRight = to !== null && JSON.stringify(to) !== JSON.stringify(from);
      start.value.toggleClass('input-error', !startRight).attr('aria-invalid', String(!startRight));
      end.value.toggleClass('input-error', !endRight).attr('aria-invalid', String(!endRight));
      if (!startRight) start.value.trigger('focus');
      else if (!endRight) end.value.trigger('focus');
      else apply(followsSun({ from, to }) ? { from, to, nextDay: nextDay.prop('checked') } : { from, to });
    };
    start.inputs
      .add(end.inputs)
      .add(nextDay)
      .on('change input', show)
      .on('keydown', (event) => {
        if (event.key === 'Enter') submit();
        else if (event.key === 'Escape') cancel();
        else return;
        event.preventDefault();
        event.stopPropagation();
      });
    const button = (text, act) =>
      $('<button type="button" class="red-ui-button red-ui-button-small">').text(text).on('click', act);
    panel.append(
      $('<strong>').text(title),
      ...start.elements,
      $('<span>').text('–'),
      ...end.elements,
      nextDayChoice,
      button(t('apply'), submit),
      isNew ? '' : button(t('remove'), remove),
      button(t('cancel'), cancel),
    );
    show();
    panel.show();
    start.value.trigger('focus').trigger('select');
  };
})();
