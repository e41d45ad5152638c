/**
 * Arming schedules (DESIGN §1.7): weekly periods, holidays and exceptions in the local time of an IANA zone, judged in
 * real moments.
 *
 * A period is armed from the first moment at which the clocks show its beginning to the last moment at which they show
 * a time before its end. So a period that begins in the hour that is left out begins at the end of that gap, and a
 * period that touches the repeated hour is armed once, without a hole.
 *
 * A period belongs to the day on which it begins: one that begins on an ordinary evening runs over midnight into a
 * holiday, and one that begins on a holiday runs into the day after it.
 */
import type { ArmingSchedule } from '../domain/schedules';
import { DAY } from './calendar';
import { armedStretch, coverage } from './schedule-intervals';
import { localTime, shortTime } from './schedule-words';
import { zoneOf } from './zone';

/** A schedule that does not turn for so long is taken to stay as it is, until it is asked again. */
export const HORIZON_DAYS = 740;
/** Days looked at first, and how many times more where nothing turns in them. */
const FIRST_DAYS = 8;
const GROWTH = 10;
/** A weekday alone names a moment that is nearer than this. */
const DATE_FROM = 6 * DAY;

/** Whether a schedule arms at a moment, and why, in words. */
export interface ScheduleVerdict {
  armed: boolean;
  detail: string;
}

/** A verdict with the time in which it stays as it is, `[from, to)`. */
export interface ScheduleWindow extends ScheduleVerdict {
  from: number;
  /** Infinite when the schedule never changes. */
  to: number;
}

/** A window that ends at an edge. */
function turning(schedule: ArmingSchedule, at: number, armed: boolean, from: number, to: number): ScheduleWindow {
  const zone = zoneOf(schedule.timeZone);
  const until = to - at > DATE_FROM ? localTime(zone, to) : shortTime(zone, to);
  const detail = `schedule "${schedule.name}" is ${armed ? 'armed' : 'not armed'} until ${until} (${schedule.timeZone})`;
  return { armed, from, to, detail };
}

/** A window without an edge in sight. */
function steady(schedule: ArmingSchedule, armed: boolean, from: number, to: number): ScheduleWindow {
  const detail = `schedule "${schedule.name}" is ${armed ? 'armed' : 'not armed'} and does not change for two years`;
  return { armed, from, to, detail };
}

function findWindow(schedule: ArmingSchedule, at: number): ScheduleWindow {
  const covered = coverage(schedule);
  if (covered !== 'partly') {
    const armed = covered === 'always';
    const detail = `schedule "${schedule.name}" ${armed ? 'is always armed' : 'has no armed period'}`;
    return { armed, from: Number.NEGATIVE_INFINITY, to: Number.POSITIVE_INFINITY, detail };
  }
  for (let days = FIRST_DAYS; ; days = Math.min(days * GROWTH, HORIZON_DAYS)) {
    const { intervals, sureFrom, sureUntil } = armedStretch(schedule, at, days);
    const next = intervals.find((interval) => at < interval.to);
    const previous = intervals.findLast((interval) => interval.to <= at);
    const armed = next !== undefined && at >= next.from;
    const since = armed ? next.from : previous?.to;
    const from = since !== undefined && since >= sureFrom ? since : at;
    const to = (armed ? next.to : next?.from) ?? Number.POSITIVE_INFINITY;
    if (to <= sureUntil) return turning(schedule, at, armed, from, to);
    if (days >= HORIZON_DAYS) return steady(schedule, armed, from, sureUntil);
  }
}

/**
 * The latest windows of each schedule, the one asked for last in front: late events lie in another window than those
 * of now. A schedule is replaced by a new object, never changed in place.
 */
const windows = new WeakMap<ArmingSchedule, ScheduleWindow[]>();
const MAX_WINDOWS = 8;

const covers = (window: ScheduleWindow, at: number): boolean => at >= window.from && at < window.to;

/**
 * The window that a moment lies in. Free of charge while the moments asked for stay inside a few windows.
 *
 * @param at milliseconds since the epoch
 * @throws E_TIME_ZONE (user)
 */
export function scheduleWindow(schedule: ArmingSchedule, at: number): ScheduleWindow {
  const known = windows.get(schedule) ?? [];
  const [latest] = known;
  if (latest !== undefined && covers(latest, at)) return latest;
  const found = known.find((window) => covers(window, at)) ?? findWindow(schedule, at);
  windows.set(schedule, [found, ...known.filter((window) => window !== found)].slice(0, MAX_WINDOWS));
  return found;
}

/**
 * Whether the schedule arms at that moment, and why.
 *
 * @param at milliseconds since the epoch
 * @throws E_TIME_ZONE (user)
 */
export const evaluateSchedule = (schedule: ArmingSchedule, at: number): ScheduleVerdict => scheduleWindow(schedule, at);
