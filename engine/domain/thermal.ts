import type { TemperatureUnit } from './events';

/**
 * Temperature rules of our own (REQUIREMENTS T1–T5, T7); `engine/thermal` decides.
 * All temperatures are in °C, all differences in kelvin (degrees Celsius), all times in milliseconds.
 */

/** Which of the numbers of a reading is judged. A reading that does not tell it is not judged. */
export type ThermalMeasure = 'maximum' | 'minimum' | 'average';

export const thermalMeasures = ['maximum', 'minimum', 'average'] as const satisfies readonly ThermalMeasure[];

/** What was measured: an area also stands for a box or polygon, the scene for a reading that names no place. */
export type ThermalPlace = 'any' | 'point' | 'line' | 'area' | 'scene';

export const thermalPlaces = ['any', 'point', 'line', 'area', 'scene'] as const satisfies readonly ThermalPlace[];

/** Which readings a condition is about. Each place that fits has a level of its own. */
interface Measured {
  measure: ThermalMeasure;
  /** A reading that does not say whether it is a point, a line or an area fits any of them. */
  place: ThermalPlace;
  /** Numbers or names of places or sensors, in any case of letters; empty: each one. */
  names: string[];
}

/** Two levels with a band below each; `null`: there is no pre-alarm. */
interface Levels {
  preAlarm: number | null;
  alarm: number;
  /** A level that is reached is left only beyond its limit by more than this, in kelvin. */
  tolerance: number;
}

/** A level rule (T1, T2; A3.3.4): a level is reached at its limit and left beyond limit and tolerance. */
export interface ThermalThreshold extends Measured, Levels {
  kind: 'threshold';
  direction: 'above' | 'below';
}

/** Sudden change (T3; A3.3.4): the difference of the extremes inside the cycle exceeds the value. */
export interface ThermalSuddenChange extends Measured, Levels {
  kind: 'sudden-change';
  /** `increase`: only where the lower reading came before the higher one; `decrease`: the other way round. */
  change: 'increase' | 'decrease' | 'either';
  cycleMs: number;
}

/** Temperature rise (T3; C3.3): a rise of at least the value within the duration, which the maker allows 1–10 s. */
export interface ThermalRise extends Measured, Levels {
  kind: 'rise';
  withinMs: number;
}

/** Section alarm (T5; C3.3): alarm ≤ temperature ≤ maximum. The pre-alarm, where there is one, lies below the alarm. */
export interface ThermalSection extends Measured, Levels {
  kind: 'section';
  maximum: number;
}

/** Two places compared (T4; A3.3.3, D5.10.7). Both are places of one device and channel, or of one message node. */
export interface ThermalDifference extends Levels {
  kind: 'difference';
  measure: ThermalMeasure;
  first: string;
  second: string;
  /** `amount`: whichever is the hotter; `first-second`: first minus second. */
  comparison: 'amount' | 'first-second';
  direction: 'above' | 'below';
}

/** A group of areas (T4; C3.3): the hottest of them less their average. */
export interface ThermalGroup extends Levels {
  kind: 'group';
  measure: ThermalMeasure;
  /** Number or name of the group. */
  group: string;
  /** Its areas; empty: every area that is named. */
  names: string[];
}

/** A condition that each place has for itself. */
export type ThermalPlaceCondition = ThermalThreshold | ThermalSuddenChange | ThermalRise | ThermalSection;

export type ThermalCondition = ThermalPlaceCondition | ThermalDifference | ThermalGroup;

/** An external sensor (T7; A3.4): its id as the receiver tells it, a name for people, and rules of its own. */
export interface ThermalSensor {
  id: string;
  /** '': it has none. */
  name: string;
  /**
   * Empty: what the rule says of each place holds for it as well. Otherwise these stand in place of every condition
   * that does not name the sensor. `names` and `place` of these are not looked at.
   */
  conditions: ThermalPlaceCondition[];
}

/** What turns readings into conditions: one trigger may have several rules, and sensors with rules of their own. */
export interface ThermalRule {
  /** Unit in which people read and write it. */
  unit: TemperatureUnit;
  conditions: ThermalCondition[];
  sensors: ThermalSensor[];
  /**
   * Filtering time of an escalation (T2): an alarm level that is reached after the pre-alarm must hold this long. That
   * of the first level is the trigger's own on-delay, which should be the same.
   */
  filteringMs: number;
  /** A place that has told nothing for this long is left out of comparisons and groups. */
  staleMs: number;
  /**
   * Node id of the trigger. Readings that were offered to another node as messages are not its own, even where the
   * trigger listens to every device.
   */
  triggerId?: string;
}

/** `vendorType` of readings that came to a node as messages. */
export const OFFERED_READING = 'offered-reading';

export const defaultStaleMs = 60_000;
