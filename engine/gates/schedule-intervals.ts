/** The armed intervals of a stretch of days, merged and in order. */
import type { ArmingSchedule, SchedulePeriod } from '../domain/schedules';
import { weekdays } from '../domain/schedules';
import { DAY } from './calendar';
import { type DayPlan, hasSpecialDays, plansOf } from './schedule-days';
import { beginningOf, endOf, isSunTime } from './schedule-times';
import { type Zone, zoneOf } from './zone';

/** A period on the day on which it begins. */
export interface Occurrence {
  day: number;
  plan: DayPlan;
  period: SchedulePeriod;
}

/** Armed in `[from, to)`. */
export interface ArmedInterval {
  from: number;
  to: number;
  /** The period that begins it, and the one that ends it. */
  opening: Occurrence;
  closing: Occurrence;
}

/**
 * A period may end three days after the midnight it belongs to (on the next day, by a sun far from the zone's noon,
 * with an offset), or begin a day before it; zones differ from UTC by up to 16 hours.
 */
const DAYS_BEFORE = 5;
const DAYS_AFTER = 2;

/** Local time in whole days since 1970-01-01. */
export const dayAt = (zone: Zone, at: number): number => Math.floor((at + zone.offsetAt(at)) / DAY);

function occurrences(schedule: ArmingSchedule, zone: Zone, firstDay: number, lastDay: number): ArmedInterval[] {
  const plans = plansOf(schedule);
  const found: ArmedInterval[] = [];
  for (let day = firstDay; day <= lastDay; day++) {
    const plan = plans(day);
    for (const period of plan.periods) {
      const from = beginningOf(schedule, zone, day, period).at;
      const to = endOf(schedule, zone, day, period).at;
      const occurrence = { day, plan, period };
      if (to > from) found.push({ from, to, opening: occurrence, closing: occurrence });
    }
  }
  return found.sort((a, b) => a.from - b.from || b.to - a.to);
}

/** Armed intervals near a moment. */
export interface Stretch {
  intervals: ArmedInterval[];
  /** What the intervals say of `[sureFrom, sureUntil]` is the whole truth; beyond, days are missing. */
  sureFrom: number;
  sureUntil: number;
}

/** The intervals from a moment on, for about so many days. */
export function armedStretch(schedule: ArmingSchedule, at: number, days: number): Stretch {
  const zone = zoneOf(schedule.timeZone);
  const today = dayAt(zone, at);
  const lastDay = today + days + DAYS_AFTER;
  const merged: ArmedInterval[] = [];
  for (const interval of occurrences(schedule, zone, today - DAYS_BEFORE, lastDay)) {
    const last = merged.at(-1);
    if (last === undefined || interval.from > last.to) merged.push(interval);
    else if (interval.to > last.to) {
      last.to = interval.to;
      last.closing = interval.closing;
    }
  }
  return { intervals: merged, sureFrom: (today - 1) * DAY, sureUntil: (lastDay - DAYS_AFTER) * DAY };
}

const MINUTES_OF_DAY = 1_440;
const MINUTES_OF_WEEK = 7 * MINUTES_OF_DAY;

/** Stretches of the week that periods of the clock cover, in minutes since Monday's beginning. */
function weekStretches(schedule: ArmingSchedule): { from: number; to: number }[] {
  return weekdays.flatMap((weekday, index) =>
    schedule.week[weekday].flatMap(({ from, to }) => {
      if (typeof from !== 'number' || typeof to !== 'number') return [];
      const begin = index * MINUTES_OF_DAY + from;
      const end = index * MINUTES_OF_DAY + (to > from ? to : to + MINUTES_OF_DAY);
      // What runs over the end of Sunday is there at the beginning of Monday as well.
      return end > MINUTES_OF_WEEK
        ? [
            { from: begin, to: end },
            { from: begin - MINUTES_OF_WEEK, to: end - MINUTES_OF_WEEK },
          ]
        : [{ from: begin, to: end }];
    }),
  );
}

/**
 * `always` and `never` where that is plain from the schedule itself, so that it holds for all time; `partly` for all
 * others, of which some may yet have no edge for years.
 */
export function coverage(schedule: ArmingSchedule): 'always' | 'never' | 'partly' {
  const lists = [
    ...weekdays.map((weekday) => schedule.week[weekday]),
    ...(schedule.holidays ?? []).filter(({ enabled }) => enabled !== false).map(({ periods }) => periods),
    ...(schedule.exceptions ?? []).map(({ periods }) => periods),
  ];
  if (lists.every((periods) => periods.length === 0)) return 'never';
  if (hasSpecialDays(schedule)) return 'partly';
  if (lists.some((periods) => periods.some(({ from, to }) => isSunTime(from) || isSunTime(to)))) return 'partly';
  let covered = 0;
  for (const { from, to } of weekStretches(schedule).sort((a, b) => a.from - b.from)) {
    if (from > covered) return 'partly';
    covered = Math.max(covered, to);
  }
  return covered >= MINUTES_OF_WEEK ? 'always' : 'partly';
}
