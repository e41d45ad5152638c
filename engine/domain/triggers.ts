import type { AlarmKeyPart } from './alarms';
import type { EventTarget, EventType } from './events';

/** Which events a trigger listens to. An absent list means any; all that are given must hold. */
export interface EventFilter {
  deviceIds?: string[];
  types: EventType[];
  channels?: number[];
  inputs?: string[];
  rules?: string[];
  targets?: EventTarget[];
  directions?: ('a-to-b' | 'b-to-a')[];
  /** Lowest level that counts; `pre-alarm` lets both pass. */
  minimumLevel?: 'pre-alarm' | 'alarm';
  /** Lowest measured temperature that counts, in °C. */
  minimumCelsius?: number;
}

/** The gates of a trigger: one page of a device's linkage settings. All times in milliseconds. */
export interface AlarmPolicy {
  enabled: boolean;
  /** Arming schedule, or null for always armed. */
  scheduleId: string | null;
  /** Filtering time (on-delay): the condition must hold this long; 0 raises at once. */
  onDelayMs: number;
  /** Instead of holding: this many starts within `withinMs`. */
  repeat: { count: number; withinMs: number } | null;
  /** Anti-dither window from the raise; 0 switches it off. */
  antiDitherMs: number;
  /** `fixed`: a refused start does not move the window; `sliding`: it does. */
  antiDitherMode: 'fixed' | 'sliding';
  /** Off-delay (tolerance): the end must hold this long before the alarm clears. */
  offDelayMs: number;
  /**
   * Quiet time after which a source that sends no end counts as ended.
   * null: what the driver knows of its source; 0: never, wait for the real end.
   */
  quietMs: number | null;
  /** Events replayed by the device: record them only, or act on them. */
  late: 'record' | 'act';
  /** A window opens while the condition holds. */
  atWindowOpen: 'raise' | 'ignore';
  /** A window closes while an alarm runs. */
  atWindowClose: 'let-run' | 'end';
  /** The alarm stays until it is acknowledged. */
  latched: boolean;
  /** What tells one alarm of this trigger from another. */
  keyParts: AlarmKeyPart[];
}

/** A trigger as the flow defines it. */
export interface TriggerDefinition {
  /** Node id. */
  id: string;
  name: string;
  filter: EventFilter;
  policy: AlarmPolicy;
}

export const defaultPolicy: AlarmPolicy = {
  enabled: true,
  scheduleId: null,
  onDelayMs: 0,
  repeat: null,
  antiDitherMs: 5_000,
  antiDitherMode: 'fixed',
  offDelayMs: 0,
  quietMs: null,
  late: 'record',
  atWindowOpen: 'raise',
  atWindowClose: 'let-run',
  latched: false,
  keyParts: ['device', 'channel', 'input', 'type'],
};
