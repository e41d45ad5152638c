/** Which list of periods holds on a day: exception before holiday before weekday, of several the one listed first. */
import type { ArmingSchedule, SchedulePeriod, Weekday } from '../domain/schedules';
import { civilOf, parseDate, parseDayOfYear, weekdayOf } from './calendar';

export interface DayPlan {
  kind: 'weekday' | 'holiday' | 'exception';
  /** Empty for a weekday. */
  name: string;
  periods: readonly SchedulePeriod[];
}

/** The plan of a day since 1970-01-01 of the zone's calendar. Equal plans are the same object. */
export type DayPlans = (day: number) => DayPlan;

interface Special {
  covers(day: number): boolean;
  plan: DayPlan;
}

function coversOnce(from: string, to: string): (day: number) => boolean {
  const first = parseDate(from) ?? Number.NaN;
  const last = parseDate(to) ?? Number.NaN;
  return (day) => day >= first && day <= last;
}

function coversYearly(from: string, to: string): (day: number) => boolean {
  const first = parseDayOfYear(from) ?? Number.NaN;
  const last = parseDayOfYear(to) ?? Number.NaN;
  return (day) => {
    const civil = civilOf(day);
    const number = civil.month * 100 + civil.day;
    // A span whose last day is earlier in the year than its first runs over New Year.
    return first <= last ? number >= first && number <= last : number >= first || number <= last;
  };
}

function specialsOf(schedule: ArmingSchedule): Special[] {
  const exceptions = (schedule.exceptions ?? []).map(({ name, from, to, periods }): Special => {
    return { covers: coversOnce(from, to ?? from), plan: { kind: 'exception', name, periods } };
  });
  const holidays = (schedule.holidays ?? [])
    .filter(({ enabled }) => enabled !== false)
    .map(({ name, from, to, periods }): Special => {
      const covers = parseDayOfYear(from) === null ? coversOnce(from, to ?? from) : coversYearly(from, to ?? from);
      return { covers, plan: { kind: 'holiday', name, periods } };
    });
  return [...exceptions, ...holidays];
}

/** The days of a schedule; see `plansOf`. */
function createPlans(schedule: ArmingSchedule): DayPlans {
  const specials = specialsOf(schedule);
  const weekdayPlans = new Map<Weekday, DayPlan>();
  const known = new Map<number, DayPlan>();
  const weekdayPlan = (weekday: Weekday): DayPlan => {
    const plan = weekdayPlans.get(weekday) ?? { kind: 'weekday', name: '', periods: schedule.week[weekday] };
    weekdayPlans.set(weekday, plan);
    return plan;
  };
  return (day) => {
    if (specials.length === 0) return weekdayPlan(weekdayOf(day));
    const found =
      known.get(day) ?? specials.find((special) => special.covers(day))?.plan ?? weekdayPlan(weekdayOf(day));
    if (known.size >= 4_096) known.clear();
    known.set(day, found);
    return found;
  };
}

const plans = new WeakMap<ArmingSchedule, DayPlans>();

/** The days of a schedule that has been checked; remembered by the object, which must not change. */
export function plansOf(schedule: ArmingSchedule): DayPlans {
  const known = plans.get(schedule);
  if (known !== undefined) return known;
  const created = createPlans(schedule);
  plans.set(schedule, created);
  return created;
}

/** Whether anything but the week decides on some day. */
export const hasSpecialDays = (schedule: ArmingSchedule): boolean =>
  (schedule.exceptions?.length ?? 0) > 0 || (schedule.holidays ?? []).some(({ enabled }) => enabled !== false);
