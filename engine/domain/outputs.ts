/** Outputs that are held, not fired: relays, sirens, lights, recordings (DESIGN §2). */

/** `auto`: on while a lease lives; `on` (manual, always on) and `off` overrule the leases (L1). */
export type OutputMode = 'auto' | 'on' | 'off';

/** `${deviceId}/${kind}/${name}`, made by `outputId`. */
export type OutputId = string;

export interface OutputDefinition {
  id: OutputId;
  deviceId: string;
  /** What kind of output; the issue "Every linkage action" adds sirens, lights, recordings. */
  kind: 'relay';
  /** The output as the device numbers it. */
  output: string;
  name: string;
}

export const outputId = (deviceId: string, kind: OutputDefinition['kind'], output: string): OutputId =>
  `${deviceId}/${kind}/${output}`;

/** How long an output stays on after its alarm has cleared (post-alarm, M2, M4). */
export interface HoldPolicy {
  /** Milliseconds after the clear; 0: off at the clear; null: until cleared by hand. */
  afterClearMs: number | null;
  /** Longest time on from the first moment, whatever the alarm does; null: no cap. */
  capMs: number | null;
}

/** One alarm's claim on an output. */
export interface Lease {
  /** `${alarmId}:${nodeId}` or, for plain messages, `msg:${nodeId}:${topic}`. */
  id: string;
  outputId: OutputId;
  /** Null for a claim made by a plain message. */
  alarmId: string | null;
  nodeId: string;
  hold: HoldPolicy;
  acquiredAt: number;
  /** When it ends by itself: the hold's or the cap's end, whichever is first; null while the alarm is on. */
  endsAt: number | null;
}

/** An output as the record keeps it. */
export interface OutputState extends OutputDefinition {
  mode: OutputMode;
  /** Counts every change of the desired state; commands carry it so that none overtakes another. */
  generation: number;
  desired: boolean;
  /** Last state that the device confirmed, or null when none is known. */
  confirmed: boolean | null;
  confirmedAt: number | null;
  /** Why the last try failed, in words for people, or null. */
  lastError: string | null;
}

/** Pure: what an output should be. */
export const desiredState = (mode: OutputMode, leases: number): boolean =>
  mode === 'auto' ? leases > 0 : mode === 'on';
