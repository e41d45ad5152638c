/* Periods of a week in minutes since midnight; pure, so that it is tested without a browser. */
(() => {
  window.alarmflow ??= {};
  const { alarmflow } = window;
  const DAY = 1440;
  const days = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'];

  const isMinute = (value) => Number.isInteger(value) && value >= 0 && value <= DAY;
  const isPeriod = (period) =>
    period !== null &&
    typeof period === 'object' &&
    isMinute(period.from) &&
    isMinute(period.to) &&
    period.from !== period.to &&
    period.from < DAY;

  const isWeek = (week) =>
    week !== null &&
    typeof week === 'object' &&
    !Array.isArray(week) &&
    Object.keys(week).every((day) => days.includes(day) && Array.isArray(week[day]) && week[day].every(isPeriod));

  /** Sorted, and periods that touch or overlap joined. */
  function join(periods) {
    const joined = [];
    for (const { from, to } of [...periods].sort((a, b) => a.from - b.from)) {
      const last = joined.at(-1);
      if (last && from <= last.to) last.to = Math.max(last.to, to);
      else joined.push({ from, to });
    }
    return joined;
  }

  /** Every day with its periods; one that runs over midnight becomes two bars. */
  function normal(week) {
    const result = Object.fromEntries(days.map((day) => [day, []]));
    for (const [index, day] of days.entries()) {
      for (const { from, to } of (week?.[day] ?? []).filter(isPeriod)) {
        if (to > from) result[day].push({ from, to });
        else {
          result[day].push({ from, to: DAY });
          if (to > 0) result[days[(index + 1) % days.length]].push({ from: 0, to });
        }
      }
    }
    for (const day of days) result[day] = join(result[day]);
    return result;
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

  alarmflow.weekModel = { DAY, days, isWeek, join, normal, format, parse };
})();
