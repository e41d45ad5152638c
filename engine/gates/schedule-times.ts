/** The moment of a period's beginning and end on one day: clock times with their changes, and times of the sun. */
import type { ArmingSchedule, PeriodTime, SchedulePeriod, SunEvent, SunTime } from '../domain/schedules';
import { DAY, MINUTE } from './calendar';
import { type SunMoment, solarDayAt, sunMoment } from './sun';
import type { Zone } from './zone';

/** What decides on which day a period ends that follows the sun; minutes of the day. */
const NOMINAL: Record<SunEvent, number> = { dawn: 330, sunrise: 360, sunset: 1_080, dusk: 1_110 };

export const isSunTime = (time: PeriodTime): time is SunTime => typeof time !== 'number';

/** How a time of a period came about on one day. */
export interface Moment {
  at: number;
  time: PeriodTime;
  /** The day of the zone's calendar that the time belongs to; a minute 1440 is 24:00 of that day. */
  day: number;
  /** `skipped`: the clocks leave it out; `repeated`: they show it twice. */
  clocks: 'once' | 'skipped' | 'repeated';
  sun: SunMoment | null;
}

const nominal = (time: PeriodTime): number => (isSunTime(time) ? NOMINAL[time.sun] + time.offsetMinutes : time);

/** Whether a period's end lies in the day after the one it begins on. */
export function endsNextDay(period: SchedulePeriod): boolean {
  const { from, to, nextDay } = period;
  return (isSunTime(from) || isSunTime(to) ? nextDay : undefined) ?? nominal(to) <= nominal(from);
}

function sunOn(schedule: ArmingSchedule, zone: Zone, day: number, time: SunTime): Moment {
  const { place } = schedule;
  // Checked when the schedule was defined; a bug otherwise.
  if (place === undefined) throw new Error(`schedule "${schedule.name}" follows the sun but has no place`);
  const noon = zone.instants(day * DAY + DAY / 2).first;
  const sun = sunMoment(time.sun, place, solarDayAt(place.longitude, noon));
  return { at: sun.at + time.offsetMinutes * MINUTE, time, day, clocks: 'once', sun };
}

/** The first moment at which the clocks show it; the end of the gap if they never do. */
export function beginningOf(schedule: ArmingSchedule, zone: Zone, day: number, period: SchedulePeriod): Moment {
  const { from } = period;
  if (isSunTime(from)) return sunOn(schedule, zone, day, from);
  const { first, last, skipped } = zone.instants(day * DAY + from * MINUTE);
  return { at: first, time: from, day, clocks: skipped ? 'skipped' : first === last ? 'once' : 'repeated', sun: null };
}

/** The end of the last moment at which the clocks show a time before it. */
export function endOf(schedule: ArmingSchedule, zone: Zone, day: number, period: SchedulePeriod): Moment {
  const { to } = period;
  const endDay = endsNextDay(period) ? day + 1 : day;
  if (isSunTime(to)) return sunOn(schedule, zone, endDay, to);
  const local = endDay * DAY + to * MINUTE;
  const end = zone.instants(local);
  const before = zone.instants(local - 1);
  // A period up to 02:00 has no part in an hour from 02:00 that comes twice, one up to 02:01 has.
  const at = before.skipped ? before.last : before.last + 1;
  const clocks = end.skipped ? 'skipped' : end.first !== end.last && at === end.last ? 'repeated' : 'once';
  return { at, time: to, day: endDay, clocks, sun: null };
}
