/**
 * Arming schedules (REQUIREMENTS S1, S2, S4): types here; `engine/gates/schedule.ts` decides.
 *
 * Which list of periods holds on a day of the zone's calendar: the first exception listed that covers it, else the
 * first enabled holiday listed that covers it, else its weekday's.
 */

/** Minutes since local midnight, 0–1440; 1440 is 24:00. */
export type MinuteOfDay = number;

/** Dawn and dusk are those of civil twilight: the sun is 6° below the horizon. */
export const sunEvents = ['dawn', 'sunrise', 'sunset', 'dusk'] as const;
export type SunEvent = (typeof sunEvents)[number];

/** A time of day that follows the sun at the schedule's place. */
export interface SunTime {
  sun: SunEvent;
  /** −720 to 720 whole minutes; negative is before the event. */
  offsetMinutes: number;
}

export type PeriodTime = MinuteOfDay | SunTime;

/** One armed period of a day. `from` is in it, `to` is not. */
export interface SchedulePeriod {
  from: PeriodTime;
  /** A minute of the day that is not after the minute `from` lies in the next day: the period runs over midnight. */
  to: PeriodTime;
  /**
   * Only where an end follows the sun: whether `to` lies in the next day. Absent: as if the sun rose at 06:00 and set
   * at 18:00 (dawn 05:30, dusk 18:30). A period that would end before it begins is not armed on that day.
   */
  nextDay?: boolean;
}

export const weekdays = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'] as const;
export type Weekday = (typeof weekdays)[number];

/** Where the sun is looked at; degrees, north and east positive. */
export interface Place {
  /** −90 to 90. */
  latitude: number;
  /** −180 to 180. */
  longitude: number;
}

/** Days on which other periods hold than on their weekday (manual D 5.15.1.3). */
export interface ScheduleHoliday {
  name: string;
  /** Absent: true. */
  enabled?: boolean;
  /** First day: `2026-12-24` once, `12-24` every year. 29 February is there in leap years only. */
  from: string;
  /** Last day, included, in the form of `from`; absent: one day. Every year it may lie beyond New Year. */
  to?: string;
  /** An empty list: not armed on these days. */
  periods: SchedulePeriod[];
}

/** Dated days that differ from everything else: stocktaking, works, a night shift. */
export interface ScheduleException {
  name: string;
  /** First day, `2026-12-24`. */
  from: string;
  /** Last day, included; absent: one day. */
  to?: string;
  /** An empty list: not armed on these days. */
  periods: SchedulePeriod[];
}

/** Weekly schedule in one IANA time zone, with holidays and dated exceptions. */
export interface ArmingSchedule {
  id: string;
  name: string;
  /** IANA zone, e.g. `Europe/Berlin`. */
  timeZone: string;
  week: Record<Weekday, SchedulePeriod[]>;
  /** Needed where a period follows the sun. */
  place?: Place;
  holidays?: ScheduleHoliday[];
  exceptions?: ScheduleException[];
}

/** A moment at which a schedule begins or ceases to arm. */
export interface ScheduleEdge {
  /** Milliseconds since the epoch. */
  at: number;
  armed: boolean;
  /** Why, in words: `Monday 18:00 begins`. */
  reason: string;
}

/** What a schedule does from a moment on, for its dialog. */
export interface SchedulePreview {
  timeZone: string;
  armed: boolean;
  /** The sentence that explains `armed`. */
  detail: string;
  /** `local` is the edge on the zone's clocks: `Mon 2026-11-23 18:00`. */
  edges: (ScheduleEdge & { local: string })[];
}
