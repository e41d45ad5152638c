/*
 * The week of an arming schedule as time bars. Pointer: drag on a day to add a period, drag a bar to move it, its ends
 * to resize it, click it to type exact values. Keyboard: Tab to a bar, arrows move it, Shift+arrows move its end,
 * Enter types exact values, Delete removes it.
 */
(() => {
  window.alarmflow ??= {};
  const { alarmflow } = window;
  const STEP = 15;
  const EDGE_PX = 7;
  const t = (key, values) => alarmflow.text(`week.${key}`, values);

  alarmflow.weekEditor = (container, given) => {
    const { DAY, days, normal, format, parse } = alarmflow.weekModel;
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
        'aria-label': t(day),
      });
      rows[day] = track;
      const tools = $('<div class="alarmflow-week-tools">').append(
        button('fa-plus', t('add', { day: t(day) }), () => openExact(day, null)),
        button('fa-copy', t('copy', { day: t(day) }), () => openCopy(day)),
        button('fa-eraser', t('clear', { day: t(day) }), () => change(day, [])),
      );
      $('<div class="alarmflow-week-row">')
        .append($('<span>').text(t(day)), track, tools)
        .appendTo(root);
      track.on('pointerdown', (event) => startDrag(day, event.originalEvent));
    }
    panel.appendTo(root);

    const same = (a, b) => a && b && a.from === b.from && a.to === b.to;
    const span = ({ from, to }) => `${format(from)}–${format(to)}`;
    const snap = (minutes) => Math.max(0, Math.min(DAY, Math.round(minutes / STEP) * STEP));

    function draw(day) {
      const track = rows[day].empty();
      for (const period of week[day]) {
        const wide = period.to - period.from >= 150;
        $('<button type="button" class="alarmflow-week-bar">')
          .attr({ title: span(period), 'aria-label': t('period', { day: t(day), span: span(period) }) })
          .text(wide ? span(period) : '')
          .css({ left: `${(period.from / DAY) * 100}%`, width: `${((period.to - period.from) / DAY) * 100}%` })
          .toggleClass('alarmflow-selected', selected?.day === day && same(selected.period, period))
          .data('period', period)
          .on('keydown', (event) => onKey(day, period, event))
          .appendTo(track);
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

    const barOf = (day, point) => {
      const found = rows[day]
        .children()
        .filter((_at, bar) => $(bar).data('period').from <= point.from && $(bar).data('period').to >= point.to);
      return found.length > 0 ? found.first() : null;
    };

    function closePanel() {
      selected = null;
      panel.hide().empty();
    }

    function onKey(day, period, event) {
      const others = week[day].filter((other) => !same(other, period));
      const step = { ArrowLeft: -STEP, ArrowDown: -STEP, ArrowRight: STEP, ArrowUp: STEP }[event.key];
      if (step) {
        const { from, to } = period;
        const moved = event.shiftKey
          ? { from, to: Math.max(from + STEP, Math.min(DAY, to + step)) }
          : { from: from + step, to: to + step };
        if (moved.from >= 0 && moved.to <= DAY) change(day, [...others, moved], moved);
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
      const bar = $(event.target).closest('.alarmflow-week-bar');
      const period = bar.length > 0 ? bar.data('period') : null;
      const others = week[day].filter((other) => !same(other, period));
      const origin = at(event);
      let mode = 'new';
      if (period) {
        bar.trigger('focus');
        const edges = bar[0].getBoundingClientRect();
        mode = event.clientX - edges.left < EDGE_PX ? 'from' : edges.right - event.clientX < EDGE_PX ? 'to' : 'move';
      }
      let next = null;

      const moved = (moment) => {
        const now = at(moment);
        if (mode === 'new') {
          const [from, to] = [snap(Math.min(origin, now)), snap(Math.max(origin, now))];
          return to > from ? { from, to } : null;
        }
        if (mode === 'from') return { from: Math.min(snap(now), period.to - 1), to: period.to };
        if (mode === 'to') return { from: period.from, to: Math.max(snap(now), period.from + 1) };
        const length = period.to - period.from;
        const from = Math.max(0, Math.min(DAY - length, snap(period.from + now - origin)));
        return { from, to: from + length };
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
      const input = (value, label) =>
        $('<input type="text" maxlength="5">').val(format(value)).attr({ 'aria-label': label, placeholder: '00:00' });
      const start = input(period ? period.from : from, t('from'));
      const end = input(period ? period.to : Math.min(from + 60, DAY), t('to'));
      const apply = () => {
        const values = { from: parse(start.val()), to: parse(end.val()) };
        const startRight = values.from !== null && values.from < DAY;
        const endRight = values.to !== null && values.to !== values.from;
        start.toggleClass('input-error', !startRight);
        end.toggleClass('input-error', !endRight);
        if (!startRight || !endRight) return;
        // An end before its start runs over midnight into the next day; the model makes two bars of it.
        change(day, [...week[day].filter((other) => !same(other, period)), values]);
        barOf(day, { from: values.from, to: values.from + 1 })?.trigger('focus');
      };
      start.add(end).on('keydown', (event) => {
        if (event.key === 'Enter') apply();
        else if (event.key === 'Escape') closePanel();
        else return;
        event.preventDefault();
        event.stopPropagation();
      });
      panel.append(
        $('<strong>').text(t(day)),
        start,
        $('<span>').text('–'),
        end,
        $('<button type="button" class="red-ui-button red-ui-button-small">').text(t('apply')).on('click', apply),
      );
      if (period)
        panel.append(
          $('<button type="button" class="red-ui-button red-ui-button-small">')
            .text(t('remove'))
            .on('click', () =>
              change(
                day,
                week[day].filter((other) => !same(other, period)),
              ),
            ),
        );
      panel.append(
        $('<button type="button" class="red-ui-button red-ui-button-small">')
          .text(t('cancel'))
          .on('click', () => {
            closePanel();
            drawAll();
          }),
      );
      panel.show();
      start.trigger('focus').trigger('select');
    }

    /** Copies a day's periods to others. */
    function openCopy(day) {
      closePanel();
      drawAll();
      const others = days.filter((other) => other !== day);
      panel.append($('<strong>').text(t('copyTo', { day: t(day) })));
      for (const other of others)
        panel.append(
          $('<label class="alarmflow-choice">').append(
            $('<input type="checkbox">').val(other).prop('checked', true),
            $('<span>').text(t(other)),
          ),
        );
      const apply = () => {
        const copies = panel
          .find('input:checked')
          .map((_at, input) => input.value)
          .get();
        week = normal({
          ...week,
          ...Object.fromEntries(copies.map((other) => [other, week[day].map((period) => ({ ...period }))])),
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
