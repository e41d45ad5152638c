/*
 * Periods of a schedule's days; pure, so that it is tested without a browser. A time is minutes since midnight or
 * { sun, offsetMinutes }. engine/domain/schedules.ts says what they mean.
 */
(() => {
  window.alarmflow ??= {};
  const { alarmflow } = window;
  const DAY = 1440;
  const days = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'];
  /** Where a time of the sun is drawn, and what decides on which day its period ends. */
  const nominalMinutes = { dawn: 330, sunrise: 360, sunset: 1080, dusk: 1110 };
  const sunEvents = Object.keys(nominalMinutes);
  const MAX_OFFSET = 720;

  const isRecord = (value) => value !== null && typeof value === 'object' && !Array.isArray(value);
  const isMinute = (value) => Number.isInteger(value) && value >= 0 && value <= DAY;
  const isSun = (time) => isRecord(time);
  const isOffset = (value) => Number.isInteger(value) && Math.abs(value) <= MAX_OFFSET;
  const isSunTime = (time) => isSun(time) && sunEvents.includes(time.sun) && isOffset(time.offsetMinutes ?? 0);
  const isTime = (time) => isMinute(time) || isSunTime(time);
  const followsSun = (period) => isSun(period.from) || isSun(period.to);
  const isPeriod = (period) =>
    isRecord(period) &&
    isTime(period.from) &&
    isTime(period.to) &&
    period.from !== period.to &&
    period.from !== DAY &&
    [undefined, true, false].includes(period.nextDay);
  const isPeriods = (periods) => Array.isArray(periods) && periods.every(isPeriod);

  const isWeek = (week) =>
    isRecord(week) && Object.keys(week).every((day) => days.includes(day) && isPeriods(week[day]));

  const nominal = (time) => (isSun(time) ? nominalMinutes[time.sun] + (time.offsetMinutes ?? 0) : time);

  /** Whether a period's end lies in the day after its beginning, where the period does not say so itself. */
  const endsNextDayByClock = ({ from, to }) => nominal(to) <= nominal(from);
  const endsNextDay = (period) => (followsSun(period) ? period.nextDay : undefined) ?? endsNextDayByClock(period);

  const copyTime = (time) => (isSun(time) ? { sun: time.sun, offsetMinutes: time.offsetMinutes ?? 0 } : time);

  /** A period as it is kept: with `nextDay` where the sun makes it necessary, with 24:00 for the end of the day. */
  function normalPeriod(period) {
    const from = copyTime(period.from);
    const to = copyTime(period.to);
    if (followsSun(period)) return { from, to, nextDay: endsNextDay(period) };
    return { from, to: to === 0 ? DAY : to };
  }

  /** Sorted; periods of the clock within one day that touch or overlap are joined, all others kept as they are. */
  function join(periods) {
    const joined = [];
    const inDay = (period) => !followsSun(period) && period.to > period.from;
    for (const period of [...periods].sort((a, b) => nominal(a.from) - nominal(b.from))) {
      const last = joined.findLast(inDay);
      if (last && inDay(period) && period.from <= last.to) last.to = Math.max(last.to, period.to);
      else joined.push(period);
    }
    return joined;
  }

  const normalPeriods = (periods) => join((periods ?? []).filter(isPeriod).map(normalPeriod));

  /** Every day with its periods. */
  const normal = (week) => Object.fromEntries(days.map((day) => [day, normalPeriods(week?.[day])]));

  const clamp = (minutes) => Math.max(0, Math.min(DAY, minutes));

  /** Where a period is drawn on its own day, and with its rest on the next. */
  function bar(period) {
    const from = clamp(nominal(period.from));
    if (endsNextDay(period)) return { from, to: DAY, rest: clamp(nominal(period.to)) };
    return { from, to: Math.max(from, clamp(nominal(period.to))), rest: 0 };
  }

  const ends = ({ from, to }) => (to > from ? to : to + DAY);

  /** A period of the clock moved as a whole; null where that cannot be. */
  function moved(period, minutes) {
    const from = period.from + minutes;
    const end = ends(period) + minutes;
    if (from < 0 || from >= DAY || (period.to > period.from && end > DAY)) return null;
    return { from, to: end > DAY ? end - DAY : end };
  }

  const format = (minutes) =>
    `${String(Math.floor(minutes / 60)).padStart(2, '0')}:${String(minutes % 60).padStart(2, '0')}`;

  /** Minutes of `8`, `8:30`, `0830`, `24:00`; null for anything else. */
  function parse(text) {
    const match = /^(\d{1,2})(?:[:.h]?(\d{2}))?$/.exec(text.trim());
    if (!match) return null;
    const minutes = Number(match[1]) * 60 + Number(match[2] ?? 0);
    return Number(match[2] ?? 0) < 60 && minutes <= DAY ? minutes : null;
  }

  /** Minutes of `-15`, `+30`, `−15`, ``; null for anything else. */
  function parseOffset(text) {
    const match = /^([+−-]?)\s*(\d{0,3})$/.exec(text.trim());
    if (!match) return null;
    const minutes = Number(match[2] || 0) * (match[1] === '' || match[1] === '+' ? 1 : -1);
    return isOffset(minutes) ? minutes + 0 : null;
  }

  const signed = (minutes) => `${minutes < 0 ? '−' : '+'}${Math.abs(minutes)}`;

  /** `18:00`, or `sunset −15 min` with the event's name from `say`. */
  const words = (time, say) => {
    if (!isSun(time)) return format(time);
    return time.offsetMinutes ? `${say(time.sun)} ${signed(time.offsetMinutes)} min` : say(time.sun);
  };
  const span = (period, say) => `${words(period.from, say)}–${words(period.to, say)}`;

  /** Whether any period of these lists follows the sun. */
  const usesSun = (lists) =>
    lists.some((periods) => Array.isArray(periods) && periods.some((period) => isRecord(period) && followsSun(period)));

  alarmflow.weekModel = {
    DAY,
    days,
    sunEvents,
    isPeriods,
    isWeek,
    isSun,
    followsSun,
    endsNextDay,
    endsNextDayByClock,
    join,
    normal,
    normalPeriods,
    bar,
    moved,
    ends,
    format,
    parse,
    parseOffset,
    signed,
    words,
    span,
    usesSun,
  };
})();
