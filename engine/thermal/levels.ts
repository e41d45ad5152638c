import type { EventLevel } from '../domain/events';
import { exact } from '../domain/temperature';
import type { ThermalCondition } from '../domain/thermal';

/** What one condition remembers of one place, pair or group. */
export interface HeldLevels {
  /** Since when each level has been reached without being left, in milliseconds; absent: it is not. */
  preAlarm?: number;
  alarm?: number;
  /** The alarm level has held for the filtering time, or began with the condition. */
  confirmed?: true;
}

/** The limit is reached: "reaches or exceeds" (A3.3.4); a sudden change must exceed its value. */
function reaches(condition: ThermalCondition, value: number, limit: number): boolean {
  switch (condition.kind) {
    case 'sudden-change':
      return value > limit;
    case 'section':
      return value >= limit && value <= condition.maximum;
    case 'threshold':
    case 'difference':
      return condition.direction === 'above' ? value >= limit : value <= limit;
    case 'rise':
    case 'group':
      return value >= limit;
  }
}

/** A level that was reached is not left yet: 55 with a tolerance of 3 is cancelled below 52, not at 52 (A3.3.4). */
function stays(condition: ThermalCondition, value: number, limit: number): boolean {
  const { tolerance } = condition;
  if (tolerance === 0) return reaches(condition, value, limit);
  const low = exact(limit - tolerance);
  switch (condition.kind) {
    case 'section':
      return value >= low && value <= exact(condition.maximum + tolerance);
    case 'threshold':
    case 'difference':
      return condition.direction === 'above' ? value >= low : value <= exact(limit + tolerance);
    default:
      return value >= low;
  }
}

/** Since when the level holds, after one more value. */
function since(
  condition: ThermalCondition,
  limit: number | null,
  held: number | undefined,
  value: number,
  at: number,
): number | undefined {
  if (limit === null) return undefined;
  if (reaches(condition, value, limit)) return held === undefined ? at : Math.min(held, at);
  return held !== undefined && stays(condition, value, limit) ? Math.min(held, at) : undefined;
}

/** The levels of a condition after one more value. A time in the future is from before the clock was set back. */
export function withValue(condition: ThermalCondition, held: HeldLevels, value: number, at: number): HeldLevels {
  const preAlarm = since(condition, condition.preAlarm, held.preAlarm, value, at);
  const alarm = since(condition, condition.alarm, held.alarm, value, at);
  return {
    ...(preAlarm === undefined ? {} : { preAlarm }),
    ...(alarm === undefined ? {} : { alarm }),
    ...(alarm !== undefined && held.confirmed ? { confirmed: true as const } : {}),
  };
}

export const holdsAny = (held: HeldLevels): boolean => held.preAlarm !== undefined || held.alarm !== undefined;

/** Whether a restart that forgot the difference of the two would decide otherwise. */
export const sameLevels = (a: HeldLevels, b: HeldLevels): boolean =>
  a.preAlarm === b.preAlarm && a.alarm === b.alarm && a.confirmed === b.confirmed;

/**
 * The alarm level counts at once when it began with the condition (the trigger's on-delay waits for that), otherwise
 * when it has held for the filtering time: "when the temperature exceeds the alarm threshold, and this status keeps
 * more than Filtering Time" (A3.3.2).
 */
export function confirmedAt(held: HeldLevels, beganAt: number, filteringMs: number, at: number): HeldLevels {
  if (held.alarm === undefined || held.confirmed) return held;
  return held.alarm <= beganAt || at - held.alarm >= filteringMs ? { ...held, confirmed: true } : held;
}

/** The level that a condition tells; an alarm level in its filtering time is a pre-alarm still. */
export function levelOfHeld(held: HeldLevels): EventLevel | null {
  if (held.alarm !== undefined && held.confirmed) return 'alarm';
  return holdsAny(held) ? 'pre-alarm' : null;
}
