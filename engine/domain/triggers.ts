import type { AlarmKeyPart } from './alarms';
import type { CombinationRule } from './combinations';
import type {
  DeviceEvent,
  EventLevel,
  EventPhase,
  EventTarget,
  EventTemperature,
  EventType,
  PictureRef,
} from './events';
import type { ThermalRule } from './thermal';

/** Which events a trigger listens to. An absent list means any; all that are given must hold. */
export interface EventFilter {
  deviceIds?: string[];
  types: EventType[];
  /**
   * Every event that a device reports counts, whatever its type. What does not mean that something happens there
   * (messages, readings, states of relays, a device that is back) counts only where `types` has it.
   */
  anyType?: boolean;
  /** The device's own names of the events, e.g. the OID of a trap; `1.3.6.1.4.1.318.*` is all that begin so. */
  vendorTypes?: string[];
  /** Who sent it: addresses, networks (`192.0.2.0/24`), or names as the receiver's list has them. */
  senders?: string[];
  channels?: number[];
  inputs?: string[];
  rules?: string[];
  /** Ids of regions; an event with one of them counts. */
  regions?: string[];
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
  /** Area that arms and disarms it, or null: the site alone does. */
  areaId: string | null;
  /** `always`: a 24-hour trigger (fire, tamper, hold-up): site, area and device cannot disarm it. */
  arming: 'follow' | 'always';
  /**
   * Entry route of its area: `starts` begins the entry delay with its raise held back until the delay is over,
   * `follows` waits too while a delay runs and raises at once otherwise.
   */
  entry: 'none' | 'starts' | 'follows';
  /** Reminders while the alarm lasts (M5); null: none. */
  remind: ReminderPolicy | null;
  /** Whether flood control may group its notices. Life-safety types are exempt whatever stands here. */
  flood: 'control' | 'exempt';
}

/** Reminders of a running alarm (REQUIREMENTS M5: 1–1800 s, default 10). */
export interface ReminderPolicy {
  everyMs: number;
  /** `acknowledged`: they stop when somebody has acknowledged, or at the clear; `cleared`: only at the clear. */
  until: 'acknowledged' | 'cleared';
  /** Most reminders of one alarm; null: no limit. */
  most: number | null;
}

/** A trigger as the flow defines it. */
export interface TriggerDefinition {
  /** Node id. */
  id: string;
  name: string;
  filter: EventFilter;
  policy: AlarmPolicy;
  /**
   * Makes conditions out of what the filter lets pass, before the gates see them; absent: the events themselves are
   * the conditions.
   */
  source?: TriggerSource;
}

export type TriggerSource =
  /** Temperature readings become pre-alarm and alarm (T1–T5, T7). */
  | { kind: 'thermal'; rule: ThermalRule }
  /** Conditions of several triggers become one (T16). */
  | { kind: 'combination'; rule: CombinationRule };

/**
 * What a source makes of one event: its machine's answer. The gates take it as an event of its own, which keeps the
 * id, device, times and pictures of the event that led to it.
 */
export interface DerivedSignal {
  phase: EventPhase;
  type: EventType;
  level?: EventLevel;
  channel?: number;
  /** Tells the conditions of one source apart: the name of the point, area, sensor or group. */
  rule?: string;
  temperature?: EventTemperature;
  /** A sentence with the values that decided. */
  description: string;
  /** Pictures beside those of the event that led to it. */
  pictures?: PictureRef[];
}

/** The machine of one source; `State` is plain data that can be stored as JSON. */
export interface SourceMachine<State> {
  readonly initial: State;
  /**
   * @param event one that the trigger's filter has let pass; its `receivedAt` is the time
   * @returns at most one signal for each rule name, and whether the new state must survive a restart; the same state
   *   object where nothing has changed. `why` says, for people, why there is no signal.
   */
  step(state: State, event: DeviceEvent): { state: State; signals: DerivedSignal[]; durable: boolean; why?: string };
  /**
   * Takes over the state that another rule of the same source has made, so that what runs goes on under the new rule.
   * `signals` are stops of what the new rule no longer has; null: the state is of no use, everything that runs ends and
   * the machine begins anew. A machine without this works on with any state of its source.
   */
  adopt?(state: unknown): { state: State; signals: DerivedSignal[] } | null;
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
  areaId: null,
  arming: 'follow',
  entry: 'none',
  remind: null,
  flood: 'control',
};
