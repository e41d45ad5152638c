/* The days of holidays and exceptions: `2026-12-24` once, `12-24` every year; pure. */
(() => {
  window.alarmflow ??= {};
  const { alarmflow } = window;
  const longest = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

  const isRecord = (value) => value !== null && typeof value === 'object' && !Array.isArray(value);
  const isYearly = (text) => typeof text === 'string' && /^\d\d-\d\d$/.test(text);

  /** Whether some year has it (`12-24`), or the calendar (`2026-12-24`). */
  function isDay(text) {
    if (isYearly(text)) {
      const [month, day] = text.split('-').map(Number);
      return day >= 1 && day <= (longest[month - 1] ?? 0);
    }
    if (typeof text !== 'string' || !/^[1-9]\d{3}-\d\d-\d\d$/.test(text)) return false;
    const date = new Date(`${text}T00:00:00Z`);
    return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(text);
  }

  const isName = (name) => typeof name === 'string' && name.trim() !== '' && name.length <= 200;

  /** What is wrong with a holiday or exception: `name`, `from`, `to`, `order`, `periods`, or null. */
  function fault(entry, yearly) {
    if (!isRecord(entry) || !isName(entry.name)) return 'name';
    const { from, to } = entry;
    if (!isDay(from) || (isYearly(from) && !yearly)) return 'from';
    const last = to === undefined || to === null || to === '' ? from : to;
    if (!isDay(last) || isYearly(last) !== isYearly(from)) return 'to';
    if (!isYearly(from) && last < from) return 'order';
    if (!alarmflow.weekModel.isPeriods(entry.periods)) return 'periods';
    return null;
  }

  const areSpecial = (list, yearly) => Array.isArray(list) && list.every((entry) => fault(entry, yearly) === null);

  /** The same day with or without its year. */
  const toYearly = (text) => (isYearly(text) ? text : text.slice(5));
  const toOnce = (text, year) => {
    if (!isYearly(text)) return text;
    const dated = `${year}-${text}`;
    // 29 February becomes the day before where the year has none.
    return isDay(dated) ? dated : `${year}-02-28`;
  };

  alarmflow.weekDates = { isDay, isYearly, fault, areSpecial, toYearly, toOnce, longest };
})();
