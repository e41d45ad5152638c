/** Checks a schedule that came from a flow; what it says may be anything. */
import { userError } from '../domain/errors';
import { type ArmingSchedule, sunEvents, weekdays } from '../domain/schedules';
import { parseDate, parseDayOfYear } from './calendar';
import { zoneOf } from './zone';

const MAX_PERIODS_A_DAY = 1_440;
/** Of all days together. */
const MAX_PERIODS = 20_000;
const MAX_SPECIAL_DAYS = 1_000;
const MAX_NAME = 200;
const MAX_OFFSET = 720;

type Fields = Record<string, unknown>;

const isRecord = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isMinute = (value: unknown): value is number =>
  typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 1_440;

/** A value in a message, cut short. */
function shown(value: unknown): string {
  const text = typeof value === 'string' ? `"${value}"` : (JSON.stringify(value) ?? 'nothing');
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}

const timeShown = (time: unknown): string => (typeof time === 'number' ? String(time) : shown(time));

type Refuse = (why: string) => never;

function checkTime(time: unknown, where: string, period: Fields, hasPlace: boolean, refuse: Refuse): void {
  if (!isRecord(time)) {
    if (isMinute(time)) return;
    refuse(
      `${where} has a period ${timeShown(period.from)}–${timeShown(period.to)}; times are whole minutes from 0 to 1440`,
    );
  }
  const { sun, offsetMinutes } = time as Fields;
  if (!sunEvents.some((event) => event === sun))
    refuse(`${where} has a period with the time ${shown(time)}; "sun" must be one of ${sunEvents.join(', ')}`);
  const offset = typeof offsetMinutes === 'number' && Number.isInteger(offsetMinutes) ? offsetMinutes : Number.NaN;
  if (!(Math.abs(offset) <= MAX_OFFSET))
    refuse(
      `${where} has a period with the time ${shown(time)}; "offsetMinutes" must be a whole number from −${MAX_OFFSET} to ${MAX_OFFSET}`,
    );
  if (!hasPlace)
    refuse(`${where} has a period that follows the sun, but the schedule has no place; give latitude and longitude`);
}

function checkPeriods(periods: unknown, where: string, hasPlace: boolean, refuse: Refuse): number {
  if (!Array.isArray(periods))
    return refuse(`${where} has no list of periods; give an empty one for a day that is not armed`);
  if (periods.length > MAX_PERIODS_A_DAY)
    refuse(`${where} has ${periods.length} periods; more than ${MAX_PERIODS_A_DAY} cannot differ, join some`);
  for (const period of periods as unknown[]) {
    if (!isRecord(period)) return refuse(`${where} has ${shown(period)} for a period; give "from" and "to"`);
    checkTime(period.from, where, period, hasPlace, refuse);
    checkTime(period.to, where, period, hasPlace, refuse);
    if (period.nextDay === undefined) continue;
    if (typeof period.nextDay !== 'boolean')
      refuse(`${where} has a period with "nextDay" ${shown(period.nextDay)}; it must be true or false`);
    if (isMinute(period.from) && isMinute(period.to))
      refuse(
        `${where} has a period ${period.from}–${period.to} with "nextDay"; leave it out, an end that is not after the beginning is in the next day`,
      );
  }
  return periods.length;
}

function checkPlace(place: unknown, refuse: Refuse): boolean {
  if (place === undefined) return false;
  if (!isRecord(place)) return refuse(`its place is ${shown(place)}; give latitude and longitude, or no place`);
  const within = (value: unknown, limit: number): boolean => typeof value === 'number' && Math.abs(value) <= limit;
  if (!within(place.latitude, 90))
    refuse(`latitude is ${shown(place.latitude)}; it must be a number of degrees from −90 to 90, north positive`);
  if (!within(place.longitude, 180))
    refuse(`longitude is ${shown(place.longitude)}; it must be a number of degrees from −180 to 180, east positive`);
  return true;
}

/** @returns the number of its periods */
function checkSpecial(entry: unknown, where: string, yearly: boolean, hasPlace: boolean, refuse: Refuse): number {
  if (!isRecord(entry)) return refuse(`${where} is ${shown(entry)}; give name, from and periods`);
  const { name, enabled, from, to } = entry;
  if (typeof name !== 'string' || name.trim() === '' || name.length > MAX_NAME)
    refuse(`${where} has the name ${shown(name)}; give one of 1 to ${MAX_NAME} characters`);
  const title = `${where} "${String(name).slice(0, 80)}"`;
  if (enabled !== undefined && typeof enabled !== 'boolean')
    refuse(`${title}: enabled is ${shown(enabled)}; it must be true or false`);

  const everyYear = yearly && parseDayOfYear(from) !== null;
  const first = everyYear ? parseDayOfYear(from) : parseDate(from);
  const form = yearly ? 'an existing day like 2026-12-24, or 12-24 for every year' : 'an existing day like 2026-12-24';
  if (first === null) return refuse(`${title}: the first day is ${shown(from)}; it must be ${form}`);
  if (to !== undefined) {
    const last = everyYear ? parseDayOfYear(to) : parseDate(to);
    if (last === null)
      return refuse(
        `${title}: the last day is ${shown(to)}; it must be ${everyYear ? 'a day like 12-26, as the first is' : 'an existing day like 2026-12-26'}`,
      );
    if (!everyYear && last < first)
      refuse(`${title}: the last day ${shown(to)} is before the first ${shown(from)}; exchange them`);
  }
  return checkPeriods(entry.periods, title, hasPlace, refuse);
}

/**
 * Checks a schedule that came from a flow.
 *
 * @throws E_TIME_ZONE, E_BAD_SCHEDULE (user), naming the schedule, the field and the remedy
 */
export function checkSchedule(schedule: ArmingSchedule): void {
  zoneOf(schedule.timeZone);
  const refuse: Refuse = (why) => {
    throw userError('E_BAD_SCHEDULE', `Schedule "${schedule.name}": ${why}`);
  };
  const hasPlace = checkPlace(schedule.place, refuse);
  const week: unknown = schedule.week;
  let periods = 0;
  for (const weekday of weekdays)
    periods += checkPeriods(isRecord(week) ? week[weekday] : undefined, weekday, hasPlace, refuse);

  const specials: [string, unknown, boolean][] = [
    ['holiday', schedule.holidays, true],
    ['exception', schedule.exceptions, false],
  ];
  for (const [kind, list, yearly] of specials) {
    if (list === undefined) continue;
    if (!Array.isArray(list)) refuse(`${kind}s are ${shown(list)}; give a list, an empty one for none`);
    if (list.length > MAX_SPECIAL_DAYS)
      refuse(`it has ${list.length} ${kind}s; keep to ${MAX_SPECIAL_DAYS}, delete those that are past`);
    for (const [index, entry] of (list as unknown[]).entries())
      periods += checkSpecial(entry, `${kind} ${index + 1}`, yearly, hasPlace, refuse);
  }
  if (periods > MAX_PERIODS) refuse(`it has ${periods} periods in all; keep to ${MAX_PERIODS}`);
}
