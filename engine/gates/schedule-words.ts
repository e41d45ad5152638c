/** Why a schedule turns, in words. */
import type { ArmingSchedule, SunEvent } from '../domain/schedules';
import { civilOf, DAY, MINUTE, weekdayOf } from './calendar';
import { type DayPlan, plansOf } from './schedule-days';
import { type ArmedInterval, dayAt } from './schedule-intervals';
import { beginningOf, endOf, isSunTime, type Moment } from './schedule-times';
import type { Zone } from './zone';

const two = (value: number): string => String(value).padStart(2, '0');

const minuteText = (minute: number): string => `${two(Math.floor(minute / 60))}:${two(minute % 60)}`;

/** `18:00` on the zone's clocks. */
function clockAt(zone: Zone, at: number): string {
  const local = at + zone.offsetAt(at);
  return minuteText(Math.floor((((local % DAY) + DAY) % DAY) / MINUTE));
}

function dayName(day: number): string {
  const weekday = weekdayOf(day);
  return `${weekday.charAt(0).toUpperCase()}${weekday.slice(1)}`;
}

function dateText(day: number): string {
  const { year, month, day: dayOfMonth } = civilOf(day);
  return `${String(year).padStart(4, '0')}-${two(month)}-${two(dayOfMonth)}`;
}

/** `Mon 18:00` on the zone's clocks. */
export const shortTime = (zone: Zone, at: number): string =>
  `${dayName(dayAt(zone, at)).slice(0, 3)} ${clockAt(zone, at)}`;

/** `Mon 2026-11-23 18:00` on the zone's clocks. */
export function localTime(zone: Zone, at: number): string {
  const day = dayAt(zone, at);
  return `${dayName(day).slice(0, 3)} ${dateText(day)} ${clockAt(zone, at)}`;
}

const NEVER: Record<SunEvent, { up: string; down: string }> = {
  dawn: { up: 'it stays light', down: 'it stays dark' },
  sunrise: { up: 'the sun stays up', down: 'the sun stays down' },
  sunset: { up: 'the sun stays up', down: 'the sun stays down' },
  dusk: { up: 'it stays light', down: 'it stays dark' },
};

/** `18:00`, or `sunset 16:02 − 15 min`. */
function timeText(zone: Zone, { time, sun }: Moment): string {
  if (!isSunTime(time) || sun === null) return minuteText(time as number);
  const stays = sun.stays === 'none' ? '' : ` (${NEVER[time.sun][sun.stays]})`;
  const { offsetMinutes } = time;
  const offset = offsetMinutes === 0 ? '' : ` ${offsetMinutes < 0 ? '−' : '+'} ${Math.abs(offsetMinutes)} min`;
  return `${time.sun}${stays} ${clockAt(zone, sun.at)}${offset}`;
}

const planText = ({ kind, name }: DayPlan): string => `${kind} ${name}`;

const prefix = (plan: DayPlan): string => (plan.kind === 'weekday' ? '' : `${planText(plan)}: `);

/** Why an armed interval begins. */
export function reasonOfBeginning(schedule: ArmingSchedule, zone: Zone, interval: ArmedInterval): string {
  const { day, plan, period } = interval.opening;
  const moment = beginningOf(schedule, zone, day, period);
  const begins = `${prefix(plan)}${dayName(day)} ${timeText(zone, moment)} begins`;
  if (moment.clocks === 'skipped')
    return `clocks go forward: ${begins} at ${clockAt(zone, moment.at)}, the end of the gap`;
  if (moment.clocks === 'repeated') return `clocks go back: ${begins} when it comes for the first time`;
  const before = plansOf(schedule)(day - 1);
  if (period.from === 0 && before !== plan && before.kind !== 'weekday') return `${begins}, after ${planText(before)}`;
  return begins;
}

/** Whether it is a holiday or exception that ends arming at its first midnight, where the weekday would go on. */
function cutOff(schedule: ArmingSchedule, moment: Moment, plan: DayPlan): DayPlan | null {
  if (moment.time !== 1_440) return null;
  const next = plansOf(schedule)(moment.day + 1);
  const goesOn = schedule.week[weekdayOf(moment.day + 1)].some(({ from }) => from === 0);
  return next !== plan && next.kind !== 'weekday' && goesOn ? next : null;
}

/** Why an armed interval ends. */
export function reasonOfEnd(schedule: ArmingSchedule, zone: Zone, interval: ArmedInterval): string {
  const { day, plan, period } = interval.closing;
  const moment = endOf(schedule, zone, day, period);
  const next = cutOff(schedule, moment, plan);
  if (next !== null) {
    const rest = next.periods.length === 0 ? 'not armed' : 'not armed until its first period';
    return `${planText(next)}: ${rest}`;
  }
  const ends = `${prefix(plan)}${dayName(moment.day)} ${timeText(zone, moment)} ends`;
  if (moment.clocks === 'skipped')
    return `clocks go forward: ${ends} at ${clockAt(zone, moment.at)}, the end of the gap`;
  if (moment.clocks === 'repeated') return `clocks go back: ${ends} when it comes for the second time`;
  return ends;
}
