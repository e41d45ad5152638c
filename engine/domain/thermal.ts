/** Temperature rules of our own (REQUIREMENTS T1–T5, T7); `engine/thermal` decides. All temperatures in °C. */

/** A level rule (T1): pre-alarm and alarm limit with a tolerance (A3.3.4). */
export interface ThermalThreshold {
  kind: 'threshold';
  direction: 'above' | 'below';
  /** null: no pre-alarm. */
  preAlarm: number | null;
  alarm: number;
  /** The condition is over only beyond the limit by this much. */
  tolerance: number;
}

/** What turns readings into a condition; the list is T1–T5 and T7. */
export type ThermalRule = ThermalThreshold;
