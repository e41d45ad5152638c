/** The Gregorian calendar in whole days since 1970-01-01, and the dates that schedules name. */
import { type Weekday, weekdays } from '../domain/schedules';

export const MINUTE = 60_000;
export const DAY = 1_440 * MINUTE;

export interface CivilDate {
  year: number;
  /** 1–12. */
  month: number;
  /** 1–31. */
  day: number;
}

/** Days from 1970-01-01 to a date (month 1–12); Howard Hinnant's days_from_civil. */
export function daysFromCivil(year: number, month: number, day: number): number {
  const y = month <= 2 ? year - 1 : year;
  const era = Math.floor(y / 400);
  const yearOfEra = y - era * 400;
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * 146_097 + dayOfEra - 719_468;
}

/** The date of a day; Howard Hinnant's civil_from_days. */
export function civilOf(days: number): CivilDate {
  const shifted = days + 719_468;
  const era = Math.floor(shifted / 146_097);
  const dayOfEra = shifted - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1_460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const shiftedMonth = Math.floor((5 * dayOfYear + 2) / 153);
  const month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9;
  return {
    year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0),
    month,
    day: dayOfYear - Math.floor((153 * shiftedMonth + 2) / 5) + 1,
  };
}

/** 1970-01-01 was a Thursday. */
export const weekdayOf = (day: number): Weekday => weekdays[(((day + 3) % 7) + 7) % 7] as Weekday;

const LONGEST_MONTHS = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/** The day that `2026-12-24` names, or null for anything but an existing date of the years 1000–9999. */
export function parseDate(text: unknown): number | null {
  const found = typeof text === 'string' ? /^([1-9]\d{3})-(\d\d)-(\d\d)$/.exec(text) : null;
  if (found === null) return null;
  const [year, month, day] = found.slice(1).map(Number) as [number, number, number];
  const number = daysFromCivil(year, month, day);
  const back = civilOf(number);
  return back.month === month && back.day === day ? number : null;
}

/** `12-24` as 1224, a number that grows through the year; null for anything but a day that some year has. */
export function parseDayOfYear(text: unknown): number | null {
  const found = typeof text === 'string' ? /^(\d\d)-(\d\d)$/.exec(text) : null;
  if (found === null) return null;
  const [month, day] = found.slice(1).map(Number) as [number, number];
  return day >= 1 && day <= (LONGEST_MONTHS[month - 1] ?? 0) ? month * 100 + day : null;
}
