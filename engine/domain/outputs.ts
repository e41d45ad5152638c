/** Outputs that are held, not fired: relays, sirens, lights, recordings (DESIGN §2). */
import type { MessageAlarm } from './alarms';

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

/** What a relay node asks for; the twin of `OutputRequest` in `engine/index.ts`. */
export interface OutputClaim {
  nodeId: string;
  nodeName: string;
  deviceId: string;
  output: string;
  alarm: MessageAlarm | null;
  messageId: string;
  /** For plain messages: true holds, false begins the hold's countdown. */
  condition: boolean;
  topic: string;
  hold: HoldPolicy;
}

/** One alarm's claim on an output. */
export interface Lease {
  /** `${alarmId}:${nodeId}` (with `:escalate` behind it when the first has ended) or `msg:${nodeId}:${topic}`. */
  id: string;
  outputId: OutputId;
  /** Null for a claim made by a plain message. */
  alarmId: string | null;
  nodeId: string;
  hold: HoldPolicy;
  acquiredAt: number;
  /**
   * When it ends by itself: the hold's or the cap's end, whichever is first; null while the alarm is on.
   * A row that has ended stays until its alarm has: a message sent again must not switch the output twice.
   */
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
