/**
 * Arming schedules (DESIGN §1.7): weekly periods in the local time of an IANA zone, judged in real moments.
 *
 * A period is armed from the first moment at which the clocks show its beginning to the last moment at which they show
 * its end. So a period that begins in the hour that is left out begins at the end of that gap, and a period that
 * touches the repeated hour is armed once, without a hole.
 */
import { userError } from '../domain/errors';
import {
  type ArmingSchedule,
  type ScheduleEdge,
  type SchedulePeriod,
  type Weekday,
  weekdays,
} from '../domain/schedules';
import { type Zone, zoneOf } from './zone';

const MINUTE = 60_000;
const DAY = 1_440 * MINUTE;
const MINUTES_OF_WEEK = 7 * 1_440;
/** Edges are worked out in pieces of so many days. */
const CHUNK_DAYS = 8;
/** A weekly schedule shows an edge within two weeks, even if the clocks swallow its only period once. */
const MAX_EMPTY_CHUNKS = 8;

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

interface Interval {
  from: number;
  to: number;
}

/** 1970-01-01 was a Thursday. */
const weekdayOf = (day: number): Weekday => weekdays[(((day + 3) % 7) + 7) % 7] as Weekday;

const minutesLong = (period: SchedulePeriod): number =>
  period.to > period.from ? period.to - period.from : period.to + 1_440 - period.from;

/** Armed intervals whose periods begin on local days `[firstDay, lastDay]`, merged and in order. */
function armedIntervals(schedule: ArmingSchedule, zone: Zone, firstDay: number, lastDay: number): Interval[] {
  const found: Interval[] = [];
  for (let day = firstDay; day <= lastDay; day++) {
    for (const period of schedule.week[weekdayOf(day)]) {
      const begin = day * DAY + period.from * MINUTE;
      const from = zone.instants(begin).first;
      const to = zone.instants(begin + minutesLong(period) * MINUTE).last;
      if (to > from) found.push({ from, to });
    }
  }
  found.sort((a, b) => a.from - b.from);
  const merged: Interval[] = [];
  for (const interval of found) {
    const last = merged.at(-1);
    if (last !== undefined && interval.from <= last.to) last.to = Math.max(last.to, interval.to);
    else merged.push(interval);
  }
  return merged;
}

/** Whether the week is armed throughout, never, or in part; the first two have no edges. */
function coverage(schedule: ArmingSchedule): 'always' | 'never' | 'partly' {
  const stretches: Interval[] = [];
  weekdays.forEach((weekday, index) => {
    for (const period of schedule.week[weekday]) {
      const from = index * 1_440 + period.from;
      const to = from + minutesLong(period);
      stretches.push({ from, to });
      // What runs over the end of Sunday is there at the beginning of Monday as well.
      if (to > MINUTES_OF_WEEK) stretches.push({ from: from - MINUTES_OF_WEEK, to: to - MINUTES_OF_WEEK });
    }
  });
  if (stretches.length === 0) return 'never';
  stretches.sort((a, b) => a.from - b.from);
  let covered = 0;
  for (const { from, to } of stretches) {
    if (from > covered) return 'partly';
    covered = Math.max(covered, to);
  }
  return covered >= MINUTES_OF_WEEK ? 'always' : 'partly';
}

/**
 * Checks a schedule that came from a flow.
 *
 * @throws E_TIME_ZONE, E_BAD_SCHEDULE (user)
 */
export function checkSchedule(schedule: ArmingSchedule): void {
  zoneOf(schedule.timeZone);
  const refuse = (why: string): never => {
    throw userError('E_BAD_SCHEDULE', `Schedule "${schedule.name}": ${why}`);
  };
  for (const weekday of weekdays) {
    const periods: unknown = schedule.week?.[weekday];
    if (!Array.isArray(periods))
      refuse(`${weekday} has no list of periods; give an empty one for a day that is not armed`);
    for (const { from, to } of schedule.week[weekday]) {
      if (![from, to].every((minute) => Number.isInteger(minute) && minute >= 0 && minute <= 1_440)) {
        refuse(`${weekday} has a period ${from}–${to}; times are whole minutes from 0 to 1440`);
      }
    }
  }
}

const two = (value: number): string => String(value).padStart(2, '0');

/** `Mon 18:00`, in the zone's local time. */
function clockTime(zone: Zone, at: number): string {
  const local = at + zone.offsetAt(at);
  const weekday = weekdayOf(Math.floor(local / DAY));
  const minute = Math.floor((((local % DAY) + DAY) % DAY) / MINUTE);
  const day = `${weekday.charAt(0).toUpperCase()}${weekday.slice(1, 3)}`;
  return `${day} ${two(Math.floor(minute / 60))}:${two(minute % 60)}`;
}

function describe(schedule: ArmingSchedule, zone: Zone, armed: boolean, to: number): string {
  const name = `schedule "${schedule.name}"`;
  if (to === Number.POSITIVE_INFINITY) return armed ? `${name} is always armed` : `${name} has no armed period`;
  const until = `until ${clockTime(zone, to)} (${schedule.timeZone})`;
  return armed ? `${name} is armed ${until}` : `${name} is not armed ${until}`;
}

function window(schedule: ArmingSchedule, zone: Zone, armed: boolean, from: number, to: number): ScheduleWindow {
  return { armed, from, to, detail: describe(schedule, zone, armed, to) };
}

function findWindow(schedule: ArmingSchedule, at: number): ScheduleWindow {
  const zone = zoneOf(schedule.timeZone);
  const covered = coverage(schedule);
  if (covered !== 'partly') {
    return window(schedule, zone, covered === 'always', Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY);
  }
  const today = Math.floor((at + zone.offsetAt(at)) / DAY);
  // Two days back: a period may run over midnight, and the clocks may be set back over midnight as well.
  const firstDay = today - 2;
  let lastDay = today + CHUNK_DAYS;
  for (let chunk = 0; chunk < MAX_EMPTY_CHUNKS; chunk++, lastDay += CHUNK_DAYS) {
    const intervals = armedIntervals(schedule, zone, firstDay, lastDay);
    const current = intervals.find((interval) => at < interval.to);
    if (current === undefined) continue;
    const index = intervals.indexOf(current);
    if (at >= current.from) {
      // The last interval of the list may go on in days that are not in it.
      if (index === intervals.length - 1) continue;
      return window(schedule, zone, true, current.from, current.to);
    }
    const before = intervals[index - 1];
    return window(schedule, zone, false, before?.to ?? at, current.from);
  }
  return window(schedule, zone, false, at, at + MAX_EMPTY_CHUNKS * CHUNK_DAYS * DAY);
}

/** The latest windows of each schedule; a schedule is replaced by a new object, never changed in place. */
const windows = new WeakMap<ArmingSchedule, ScheduleWindow>();

/** The window that a moment lies in. Free of charge while the moments asked for stay inside one window. */
export function scheduleWindow(schedule: ArmingSchedule, at: number): ScheduleWindow {
  const known = windows.get(schedule);
  if (known !== undefined && at >= known.from && at < known.to) return known;
  const found = findWindow(schedule, at);
  windows.set(schedule, found);
  return found;
}

/**
 * Whether the schedule arms at that moment, and why.
 *
 * @param at milliseconds since the epoch
 * @throws E_TIME_ZONE (user)
 */
export const evaluateSchedule = (schedule: ArmingSchedule, at: number): ScheduleVerdict => scheduleWindow(schedule, at);

/**
 * The next moments after `from` at which the arming changes, in order; fewer than `count` only if it never changes.
 *
 * @throws E_TIME_ZONE (user)
 */
export function nextEdges(schedule: ArmingSchedule, from: number, count: number): ScheduleEdge[] {
  const edges: ScheduleEdge[] = [];
  if (coverage(schedule) !== 'partly') return edges;
  let at = from;
  while (edges.length < count) {
    const current = findWindow(schedule, at);
    at = current.to;
    const next = findWindow(schedule, at);
    if (next.armed !== current.armed) edges.push({ at, armed: next.armed });
  }
  return edges;
}
