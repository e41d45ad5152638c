/**
 * Arming schedules (REQUIREMENTS S1): types here; `engine/gates/schedule.ts` decides.
 */

/** Minutes since local midnight, 0–1440; 1440 is 24:00. */
export type MinuteOfDay = number;

/** One armed period of a day. `from` is in it, `to` is not; `to` ≤ `from` runs over midnight into the next day. */
export interface SchedulePeriod {
  from: MinuteOfDay;
  to: MinuteOfDay;
}

export const weekdays = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'] as const;
export type Weekday = (typeof weekdays)[number];

/** Weekly schedule in one IANA time zone. The issue "The timing engine" adds holidays, exceptions and the sun. */
export interface ArmingSchedule {
  id: string;
  name: string;
  /** IANA zone, e.g. `Europe/Berlin`. */
  timeZone: string;
  week: Record<Weekday, SchedulePeriod[]>;
}

/** A moment at which a schedule begins or ceases to arm. */
export interface ScheduleEdge {
  /** Milliseconds since the epoch. */
  at: number;
  armed: boolean;
}
