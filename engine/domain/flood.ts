/**
 * Flood control (PEERS 14; ISA-18.2 calls more than 10 alarms in 10 minutes a flood). In a flood every alarm is raised,
 * kept, shown and holds its outputs as always; what is grouped are the notices to people: one for each interval and
 * area, instead of one for each alarm.
 */
/** More raises than `raises` within `withinMs` are a flood; it is over when fewer than `raises` lie in that time. */
export interface FloodLimits {
  raises: number;
  withinMs: number;
}

export const defaultFlood: FloodLimits = { raises: 10, withinMs: 600_000 };

/** While a flood lasts, its area tells one notice in this time. */
export const FLOOD_NOTICE_EVERY_MS = 60_000;

/** What an alarm that fell into a flood carries, on record and in its messages. */
export interface AlarmFlood {
  /** Name of the area, or of the site where the trigger has none. */
  area: string;
  /** Raises that the message stands for; on the record, the raises of the flood when this one fell into it. */
  raises: number;
  /** The first of the flood's alarms that was still on when it began. */
  firstOut: boolean;
  /** Its own notices are held back: the notice of another alarm of the area stands for it. */
  grouped: boolean;
}
