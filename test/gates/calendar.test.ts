import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { civilOf, DAY, daysFromCivil, parseDate, parseDayOfYear, weekdayOf } from '../../engine/gates/calendar';

describe('the calendar', () => {
  it('agrees with UTC on every date and weekday', () => {
    const names = ['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday'];
    fc.assert(
      fc.property(fc.integer({ min: -200_000, max: 500_000 }), (day) => {
        const date = new Date(day * DAY);
        const civil = civilOf(day);
        expect(civil).toEqual({ year: date.getUTCFullYear(), month: date.getUTCMonth() + 1, day: date.getUTCDate() });
        expect(daysFromCivil(civil.year, civil.month, civil.day)).toBe(day);
        expect(weekdayOf(day)).toBe(names[date.getUTCDay()]);
      }),
    );
  });

  it.each([
    ['2026-12-24', 20_811],
    ['2024-02-29', 19_782],
    ['2026-02-29', null],
    ['2026-13-01', null],
    ['2026-00-10', null],
    ['2026-01-00', null],
    ['0999-01-01', null],
    ['26-12-24', null],
    ['2026-12-24T00:00', null],
    [20_811, null],
    [null, null],
  ])('reads the date %j as day %s', (text, day) => {
    expect(parseDate(text)).toBe(day);
  });

  it.each([
    ['12-24', 1224],
    ['02-29', 229],
    ['02-30', null],
    ['13-01', null],
    ['00-10', null],
    ['04-31', null],
    ['1-1', null],
    ['2026-12-24', null],
    [undefined, null],
  ])('reads the day of the year %j as %s', (text, day) => {
    expect(parseDayOfYear(text)).toBe(day);
  });
});
