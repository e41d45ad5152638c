/*
 * Days of an arming schedule as time bars: a week, or one day of a holiday. Pointer: drag on a day to add a period, drag a bar to move it, its ends
 * to resize it, click it to type exact values. Keyboard: Tab to a bar, arrows move it, Shift+arrows move its end,
 * Enter types exact values, Delete removes it.
 */
(() => {
  window.alarmflow ??= {};
  const { alarmflow } = window;
  const STEP = 15;
  const EDGE_PX = 7;
  const t = (key, values) => alarmflow.text(`week.${key}`, values);

  /** The name of a time of the sun. */
  const say = (event) => t(`sun.${event}`);

  /**
   * The bars of a week, or of other days: `rows` are their `{ key, label }`, and `given` their periods by key.
   * Triggers `alarmflow:week` on the container at every change.
   */
  alarmflow.weekEditor = (container, given, { rows: dayRows = null } = {}) => {
    const { DAY, normalPeriods, bar: place, followsSun } = alarmflow.weekModel;
    const isWeek = dayRows === null;
    const shownDays = dayRows ?? alarmflow.weekModel.days.map((key) => ({ key, label: t(key) }));
    const days = shownDays.map(({ key }) => key);
    const labelOf = (day) => shownDays.find(({ key }) => key === day).label;
    const normal = (lists) => Object.fromEntries(days.map((day) => [day, normalPeriods(lists?.[day])]));
    let week = normal(given);
    let selected = null;

    const rows = {};
    const root = $('<div class="alarmflow-week">').appendTo(container.empty());
    const scale = $('<div class="alarmflow-week-scale">').attr('aria-hidden', 'true');
    for (let hour = 0; hour <= 24; hour += 3)
      $('<span>')
        .text(hour)
        .css('left', `${(hour / 24) * 100}%`)
        .appendTo(scale);
    $('<div class="alarmflow-week-row">').append('<span></span>', scale, '<span></span>').appendTo(root);
    const panel = $('<div class="alarmflow-week-panel">').hide();

    const button = (icon, title, act) =>
      $('<button type="button" class="red-ui-button red-ui-button-small">')
        .attr({ title, 'aria-label': title })
        .append($('<i>').addClass(`fa ${icon}`))
        .on('click', act);

    for (const day of days) {
      const track = $('<div class="alarmflow-week-track" role="group">').attr({
        'data-day': day,
        'aria-label': labelOf(day),
      });
      rows[day] = track;
      const tools = $('<div class="alarmflow-week-tools">').append(
        button('fa-plus', isWeek ? t('add', { day: labelOf(day) }) : t('addHere'), () => openExact(day, null)),
        isWeek ? button('fa-copy', t('copy', { day: labelOf(day) }), () => openCopy(day)) : '',
        button('fa-eraser', isWeek ? t('clear', { day: labelOf(day) }) : t('clearHere'), () => change(day, [])),
      );
      $('<div class="alarmflow-week-row">')
        .append($('<span>').text(labelOf(day)), track, tools)
        .appendTo(root);
      track.on('pointerdown', (event) => startDrag(day, event.originalEvent));
    }
    panel.appendTo(root);

    const same = (a, b) => Boolean(a && b) && JSON.stringify(a) === JSON.stringify(b);
    const span = (period) => alarmflow.weekModel.span(period, say);
    const title = (period) =>
      followsSun(period) && alarmflow.weekModel.endsNextDay(period)
        ? `${span(period)} (${t('nextDay')})`
        : span(period);
    const snap = (minutes) => Math.max(0, Math.min(DAY, Math.round(minutes / STEP) * STEP));
    const spot = (from, to) => ({ left: `${(from / DAY) * 100}%`, width: `${((to - from) / DAY) * 100}%` });

    function draw(day) {
      const track = rows[day].empty();
      if (isWeek) {
        // What runs over midnight is shown on the next day as well, but belongs to its own.
        const before = days[(days.indexOf(day) + days.length - 1) % days.length];
        for (const period of week[before]) {
          const { rest } = place(period);
          if (rest > 0)
            $('<div class="alarmflow-week-tail" aria-hidden="true">')
              .attr('title', t('tail', { day: labelOf(before), span: span(period) }))
              .css(spot(0, rest))
              .toggleClass('alarmflow-week-sun', followsSun(period))
              .data('owner', { day: before, period })
              .appendTo(track);
        }
      }
      for (const period of week[day]) {
        const { from, to } = place(period);
        const bar = $('<button type="button" class="alarmflow-week-bar">')
          .attr({ title: title(period), 'aria-label': t('period', { day: labelOf(day), span: title(period) }) })
          .text(span(period))
          .css(spot(from, to))
          .toggleClass('alarmflow-selected', selected?.day === day && same(selected.period, period))
          .toggleClass('alarmflow-week-sun', followsSun(period))
          .toggleClass('alarmflow-week-over', alarmflow.weekModel.endsNextDay(period))
          .data('period', period)
          .on('keydown', (event) => onKey(day, period, event))
          .appendTo(track);
        // Half a time says less than none; the bar's title has it all.
        if (bar[0].scrollWidth > bar[0].clientWidth) bar.text('');
      }
    }

    function drawAll() {
      for (const day of days) draw(day);
    }

    function change(day, periods, focus) {
      week = normal({ ...week, [day]: periods });
      closePanel();
      drawAll();
      container.trigger('alarmflow:week', [week]);
      if (focus) barOf(day, focus)?.trigger('focus');
    }

    /** The bar of a period, or the one that it was joined with. */
    const barOf = (day, period) => {
      const { from } = place(period);
      const bars = rows[day].children('.alarmflow-week-bar');
      const own = bars.filter((_at, bar) => same($(bar).data('period'), period));
      const around = bars.filter((_at, bar) => {
        const drawn = place($(bar).data('period'));
        return drawn.from <= from && drawn.to > from;
      });
      return own.length > 0 ? own.first() : around.length > 0 ? around.first() : null;
    };

    function closePanel() {
      selected = null;
      panel.hide().empty();
    }

    function onKey(day, period, event) {
      const others = week[day].filter((other) => !same(other, period));
      const step = { ArrowLeft: -STEP, ArrowDown: -STEP, ArrowRight: STEP, ArrowUp: STEP }[event.key];
      if (step && !followsSun(period)) {
        const stretched = { from: period.from, to: Math.max(period.from + STEP, Math.min(DAY, period.to + step)) };
        const overnight = period.to < period.from;
        const next = !event.shiftKey
          ? alarmflow.weekModel.moved(period, step)
          : overnight
            ? { from: period.from, to: Math.max(STEP, Math.min(period.from - STEP, period.to + step)) }
            : stretched;
        if (next) change(day, [...others, next], next);
      } else if (event.key === 'Delete' || event.key === 'Backspace') {
        change(day, others);
        rows[day].parent().find('.red-ui-button').first().trigger('focus');
      } else if (event.key === 'Enter' || event.key === ' ') openExact(day, period);
      else return;
      event.preventDefault();
      event.stopPropagation();
    }

    function startDrag(day, event) {
      if (event.button !== 0) return;
      event.preventDefault();
      const track = rows[day];
      const box = track[0].getBoundingClientRect();
      const at = (moment) => ((moment.clientX - box.left) / box.width) * DAY;
      const tail = $(event.target).closest('.alarmflow-week-tail');
      if (tail.length > 0) {
        const { day: owner, period: whole } = tail.data('owner');
        openExact(owner, whole);
        return;
      }
      const bar = $(event.target).closest('.alarmflow-week-bar');
      const period = bar.length > 0 ? bar.data('period') : null;
      const others = week[day].filter((other) => !same(other, period));
      const origin = at(event);
      let mode = 'new';
      if (period && followsSun(period)) mode = 'still';
      else if (period) {
        bar.trigger('focus');
        const edges = bar[0].getBoundingClientRect();
        mode = event.clientX - edges.left < EDGE_PX ? 'from' : edges.right - event.clientX < EDGE_PX ? 'to' : 'move';
      }
      let next = null;

      const moved = (moment) => {
        const now = at(moment);
        if (mode === 'still') return null;
        if (mode === 'new') {
          const [from, to] = [snap(Math.min(origin, now)), snap(Math.max(origin, now))];
          return to > from ? { from, to } : null;
        }
        const end = period.to > period.from ? period.to : DAY;
        if (mode === 'from') return { from: Math.min(snap(now), end - 1), to: period.to };
        if (mode === 'to') return { from: period.from, to: Math.max(snap(now), period.from + 1) };
        const wanted = snap(period.from + now - origin);
        const latest = period.to > period.from ? DAY - (period.to - period.from) : DAY - STEP;
        return alarmflow.weekModel.moved(period, Math.max(0, Math.min(latest, wanted)) - period.from);
      };
      const onMove = (moment) => {
        // A hand that trembles on a click must not move the bar.
        if (!next && Math.abs(moment.clientX - event.clientX) < 4) return;
        next = moved(moment) ?? next;
        if (!next) return;
        week[day] = [...others, next];
        draw(day);
      };
      const onUp = () => {
        window.removeEventListener('pointermove', onMove);
        window.removeEventListener('pointerup', onUp);
        window.removeEventListener('pointercancel', onUp);
        if (next) change(day, [...others, next], next);
        else if (period) openExact(day, period);
        else openExact(day, null, Math.floor(origin / 60) * 60);
      };
      window.addEventListener('pointermove', onMove);
      window.addEventListener('pointerup', onUp);
      window.addEventListener('pointercancel', onUp);
    }

    /** Exact values of a period, or of a new one. */
    function openExact(day, period, from = 480) {
      closePanel();
      selected = period ? { day, period } : null;
      drawAll();
      alarmflow.periodForm(panel, {
        title: labelOf(day),
        period: period ?? { from, to: Math.min(from + 60, DAY) },
        isNew: !period,
        apply: (next) => {
          const [kept] = normalPeriods([next]);
          change(day, [...week[day].filter((other) => !same(other, period)), kept], kept);
        },
        remove: () => {
          change(
            day,
            week[day].filter((other) => !same(other, period)),
          );
          rows[day].parent().find('.red-ui-button').first().trigger('focus');
        },
        cancel: () => {
          closePanel();
          drawAll();
          (period ? barOf(day, period) : rows[day].parent().find('.red-ui-button').first())?.trigger('focus');
        },
      });
    }

    /** Copies a day's periods to others. */
    function openCopy(day) {
      closePanel();
      drawAll();
      const others = days.filter((other) => other !== day);
      panel.append($('<strong>').text(t('copyTo', { day: labelOf(day) })));
      for (const other of others)
        panel.append(
          $('<label class="alarmflow-choice">').append(
            $('<input type="checkbox">').val(other).prop('checked', true),
            $('<span>').text(labelOf(other)),
          ),
        );
      const apply = () => {
        const copies = panel
          .find('input:checked')
          .map((_at, input) => input.value)
          .get();
        week = normal({
          ...week,
          ...Object.fromEntries(copies.map((other) => [other, structuredClone(week[day])])),
        });
        closePanel();
        drawAll();
        container.trigger('alarmflow:week', [week]);
      };
      panel.append(
        $('<button type="button" class="red-ui-button red-ui-button-small">').text(t('apply')).on('click', apply),
        $('<button type="button" class="red-ui-button red-ui-button-small">').text(t('cancel')).on('click', closePanel),
      );
      panel.show().find('input').first().trigger('focus');
    }

    drawAll();
    return { value: () => week };
  };
})();
