/**
 * The periods of a schedule's days as its dialog keeps them. The form of each value is checked here, what it means
 * (dates, the sun's place, limits) by the engine, which checks every schedule that it is given.
 */
import {
  type ArmingSchedule,
  type PeriodTime,
  type ScheduleException,
  type ScheduleHoliday,
  type SchedulePeriod,
  sunEvents,
  type Weekday,
  weekdays,
} from '../../../engine/index';
import type { Fields } from '../../shared/fields';

const MINUTES = 1440;
const EXPECTED =
  'periods of {"from", "to"} in whole minutes since midnight, from 0 to 1440 (24:00), that do not begin and end at once, or times of the sun like {"sun": "sunset", "offsetMinutes": -15}';

const dayTitle = (day: Weekday): string => `${day[0]!.toUpperCase()}${day.slice(1)}`;

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function readTime(value: unknown): PeriodTime | null {
  if (typeof value === 'number') return Number.isInteger(value) && value >= 0 && value <= MINUTES ? value : null;
  if (!isRecord(value)) return null;
  const sun = sunEvents.find((event) => event === value.sun);
  const offsetMinutes = value.offsetMinutes ?? 0;
  return sun !== undefined && typeof offsetMinutes === 'number' ? { sun, offsetMinutes } : null;
}

function readPeriod(fields: Fields, label: string, period: unknown): SchedulePeriod {
  const { from: begin, to: end, nextDay } = isRecord(period) ? period : {};
  const from = readTime(begin);
  const to = readTime(end);
  if (from === null || to === null || from === MINUTES || from === to) fields.refuse(label, period, EXPECTED);
  if (typeof from === 'number' && typeof to === 'number') return { from, to };
  if (nextDay === undefined) return { from, to };
  if (typeof nextDay !== 'boolean') fields.refuse(label, period, 'periods whose "nextDay" is true or false');
  return { from, to, nextDay };
}

const beginning = ({ from }: SchedulePeriod): number => (typeof from === 'number' ? from : MINUTES);

function readPeriods(fields: Fields, label: string, periods: unknown): SchedulePeriod[] {
  // Periods that do not overlap cannot be more than the minutes of a day.
  if (!Array.isArray(periods) || periods.length > MINUTES) fields.refuse(label, periods, 'a list of periods');
  return periods.map((period) => readPeriod(fields, label, period)).sort((a, b) => beginning(a) - beginning(b));
}

/** The periods of each weekday; a day left out has none. */
export function readWeek(fields: Fields): ArmingSchedule['week'] {
  const week = fields.raw('week');
  if (!isRecord(week)) fields.refuse('Week', week, 'an object with a list of periods for each day');
  const strange = Object.keys(week).find((day) => !weekdays.some((known) => known === day));
  if (strange !== undefined) fields.refuse('Week', strange, `a day out of ${weekdays.join(', ')}`);
  const read = (day: Weekday): SchedulePeriod[] =>
    readPeriods(fields, dayTitle(day), Object.hasOwn(week, day) ? week[day] : []);
  return Object.fromEntries(weekdays.map((day) => [day, read(day)])) as ArmingSchedule['week'];
}

function readSpecials(fields: Fields, field: string, label: string): (ScheduleException & { enabled: boolean })[] {
  const list = fields.raw(field) ?? [];
  if (!Array.isArray(list)) fields.refuse(label, list, 'a list');
  return (list as unknown[]).map((entry) => {
    if (!isRecord(entry)) fields.refuse(label, entry, 'a list of {"name", "from", "to", "periods"}');
    const { name, from, to, enabled } = entry;
    const text = (value: unknown, what: string): string =>
      typeof value === 'string' ? value : fields.refuse(label, value, `a list of entries whose ${what} is a text`);
    if (enabled !== undefined && typeof enabled !== 'boolean')
      fields.refuse(label, enabled, 'a list of entries whose "enabled" is true or false');
    return {
      name: text(name, 'name'),
      enabled: enabled ?? true,
      from: text(from, 'first day'),
      ...(to === undefined || to === null || to === '' ? {} : { to: text(to, 'last day') }),
      periods: readPeriods(fields, label, entry.periods),
    };
  });
}

export const readHolidays = (fields: Fields): ScheduleHoliday[] => readSpecials(fields, 'holidays', 'Holidays');

export const readExceptions = (fields: Fields): ScheduleException[] =>
  readSpecials(fields, 'exceptions', 'Exceptions').map(({ enabled: _enabled, ...exception }) => exception);

/** Where the sun is looked at; both or none. */
export function readPlace(fields: Fields): ArmingSchedule['place'] {
  const latitude = fields.number('latitude', 'Latitude', { min: -90, max: 90, unit: 'degrees', optional: true });
  const longitude = fields.number('longitude', 'Longitude', { min: -180, max: 180, unit: 'degrees', optional: true });
  if (latitude === null && longitude === null) return undefined;
  if (latitude === null) fields.refuse('Latitude', '', 'filled in, as the longitude is');
  if (longitude === null) fields.refuse('Longitude', '', 'filled in, as the latitude is');
  return { latitude, longitude };
}
