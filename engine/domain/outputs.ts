/** Outputs that are held, not fired: relays, sirens, lights, recordings (DESIGN §2). */
import { isDeepStrictEqual } from 'node:util';
import type { MessageAlarm } from './alarms';
import type { DevicePlace, PtzMove, SwitchKind, SwitchManner } from './devices';
import type { PtzOutcome } from './ptz-outcomes';

/** `auto`: on while a lease lives; `on` (manual, always on) and `off` overrule the leases (L1). */
export type OutputMode = 'auto' | 'on' | 'off';

/** `${deviceId}/${kind}/${name}`, made by `outputId`. */
export type OutputId = string;

/** What is held: relays, the device's switches, and a camera's direction (`output` is then its channel). */
export type OutputKind = 'relay' | SwitchKind | 'ptz';

/** How an output is to be on; which fields count depends on its kind. */
export interface OutputManner extends SwitchManner {
  /** `ptz`: where the camera is to look. */
  move?: PtzMove;
  /** `ptz`: where it goes when the last claim has ended; absent: it stays. */
  home?: PtzMove;
}

/** Of claims on one output the highest priority says how it is on, then the newest. */
export const DEFAULT_PRIORITY = 50;

export const MOST_PRIORITY = 100;

export interface OutputDefinition {
  id: OutputId;
  deviceId: string;
  kind: OutputKind;
  /** The output as the device numbers it; for `ptz` see `heldOutput`. */
  output: string;
  name: string;
}

export const outputId = (deviceId: string, kind: OutputDefinition['kind'], output: string): OutputId =>
  `${deviceId}/${kind}/${output}`;

/**
 * The output that a claim is about. Of a camera's channel two things are held apart: where it looks (`1`), and each of
 * its auxiliary switches (`1:aux2`), which a wiper and a preset must not fight for.
 */
export function heldOutput(claim: { kind?: OutputKind; output: string; manner?: OutputManner }): string {
  const { kind, output, manner } = claim;
  if (kind !== 'ptz' || manner?.move?.move !== 'aux' || output.includes(':')) return output;
  return `${output}:aux${manner.move.number}`;
}

/** What the output of a `ptz` is; null: it is none. */
export function ptzPlace(output: string): { channel: number; aux: number | null } | null {
  const match = /^(\d{1,5})(?::aux(\d{1,5}))?$/.exec(output);
  return match ? { channel: Number(match[1]), aux: match[2] === undefined ? null : Number(match[2]) } : null;
}

/**
 * How long an output is held (post-alarm M2, alarm output time M4).
 * - `after-clear`: while the alarm lasts and for a time after its clear; a re-start cancels the countdown
 * - `until-cleared`: until the alarm is reset by hand
 * - `fixed`: for a time from the switching, whatever the alarm does; further starts do not lengthen it (a pulse)
 * - `extended`: for a time from the switching that every further start of the alarm begins anew
 */
export const holdKinds = ['after-clear', 'until-cleared', 'fixed', 'extended'] as const;
export type HoldKind = (typeof holdKinds)[number];

/** How long an output is held for one claim. */
export interface HoldPolicy {
  /** Set for a hold that counts from the switching; absent: what `afterClearMs` says. */
  kind?: 'fixed' | 'extended';
  /** Milliseconds of a `fixed` or `extended` hold; 0: off at the clear. Says nothing without `kind`. */
  onMs?: number;
  /** Milliseconds after the clear; 0: off at the clear; null: until cleared by hand. Says nothing with `kind`. */
  afterClearMs: number | null;
  /** Longest time on from the first moment, whatever the alarm does; null: no cap. */
  capMs: number | null;
}

/** What a hold comes to: a `fixed` or `extended` one of no time is off at the clear (M4: 0 = until cleared). */
export function holdKind({ kind, onMs, afterClearMs }: HoldPolicy): HoldKind {
  if (kind !== undefined) return onMs ? kind : 'after-clear';
  return afterClearMs === null ? 'until-cleared' : 'after-clear';
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
  /** Absent: a relay. */
  kind?: OutputKind;
  manner?: OutputManner;
  /** 0–100; absent: DEFAULT_PRIORITY. */
  priority?: number;
}

/** One alarm's claim on an output. */
export interface Lease {
  /**
   * `${alarmId}:${nodeId}` (with `:escalate` behind it when the first has ended) or `msg:${nodeId}:${topic}`; for all
   * but relays the output is in it too, because one node may hold several.
   */
  id: string;
  outputId: OutputId;
  /** Null for a claim made by a plain message. */
  alarmId: string | null;
  nodeId: string;
  hold: HoldPolicy;
  /** Absent: as the output is by itself. */
  manner?: OutputManner;
  /** Absent: DEFAULT_PRIORITY. */
  priority?: number;
  acquiredAt: number;
  /**
   * When it ends by itself: the hold's or the cap's end, whichever is first; null while only the alarm's life counts.
   * A row that has ended stays until its alarm has: a message sent again must not switch the output twice.
   */
  endsAt: number | null;
  /** It may never hold its output again: it was reset by hand. */
  spent?: true;
  /** It was taken while its output made a dry run, which lasts still: it holds nothing on. */
  dry?: true;
}

/** An output as the record keeps it. */
export interface OutputState extends OutputDefinition {
  mode: OutputMode;
  /** It was set on by hand while it made a dry run, which lasts still: that holds nothing on. */
  modeDry?: true;
  /** Counts every change of the desired state; commands carry it so that none overtakes another. */
  generation: number;
  desired: boolean;
  /** How it is to be on; while it is off how it was last, which says where a camera returns to. Absent: in no special way. */
  manner?: OutputManner;
  /** Last state that the device confirmed, or null when none is known. */
  confirmed: boolean | null;
  confirmedAt: number | null;
  /** Why the last try failed, in words for people, or null. */
  lastError: string | null;
  /** What became of a camera's last move. Absent: nothing is known, or not yet. */
  turned?: PtzOutcome | undefined;
  /**
   * Where it was told to be on and has not been proven off since: on disk before the first "on" is sent, so that no move of
   * the device while nobody looked leaves it on unseen. Absent: nowhere.
   */
  onAt?: DevicePlace[];
}

/** An output that may be on where no device of the flow is any more; it stands until it is off or a person has seen to it. */
export interface LeftOn extends Pick<OutputDefinition, 'deviceId' | 'kind' | 'output' | 'name'> {
  id: string;
  place: DevicePlace;
  /** Wall milliseconds. */
  since: number;
  /** Why it could not be switched off, in words for people. */
  reason: string;
  /** People have been told of it. */
  told: boolean;
}

/** Whether outputs at two places are the same, as far as addresses say. */
export const samePlace = (a: DevicePlace, b: DevicePlace): boolean =>
  a.driver === b.driver &&
  a.host === b.host &&
  a.port === b.port &&
  isDeepStrictEqual(a.options ?? {}, b.options ?? {});

/** Longest list of `onAt`: more moves between an "on" and the next proven "off" is a mistake, the newest count. */
const MOST_PLACES = 8;

export const withPlace = (places: readonly DevicePlace[] | undefined, place: DevicePlace): DevicePlace[] =>
  [...(places ?? []).filter((other) => !samePlace(other, place)), place].slice(-MOST_PLACES);

/** Undefined instead of empty. */
export function withoutPlace(
  places: readonly DevicePlace[] | undefined,
  place: DevicePlace,
): DevicePlace[] | undefined {
  const left = places?.filter((other) => !samePlace(other, place));
  return left && left.length > 0 ? left : undefined;
}

/** Pure: what an output should be. */
export const desiredState = (mode: OutputMode, leases: number): boolean =>
  mode === 'auto' ? leases > 0 : mode === 'on';

/**
 * Pure: of the living claims on one output the one that says how it is on: the highest priority, then the newest (the
 * one that took the output last; of two in one millisecond the greater id). Undefined without any.
 */
export function decidingLease<T extends Pick<Lease, 'id' | 'acquiredAt' | 'priority'>>(
  leases: readonly T[],
): T | undefined {
  let best: T | undefined;
  for (const lease of leases) if (best === undefined || decidesBefore(lease, best)) best = lease;
  return best;
}

/**
 * Pure: from when the deciding claim's `times` count: the newest claim that sounds the same as it, so that an alarm that
 * joins is heard; null: what is held has no number of times.
 */
export function soundsSince(leases: readonly Lease[]): number | null {
  const manner = decidingLease(leases)?.manner;
  if (manner?.times === undefined) return null;
  const { sound, volume, times } = manner;
  let newest = 0;
  for (const { manner: other, acquiredAt } of leases)
    if (other?.sound === sound && other?.volume === volume && other?.times === times)
      newest = Math.max(newest, acquiredAt);
  return newest;
}

function decidesBefore(
  a: Pick<Lease, 'id' | 'acquiredAt' | 'priority'>,
  b: Pick<Lease, 'id' | 'acquiredAt' | 'priority'>,
): boolean {
  const byPriority = (a.priority ?? DEFAULT_PRIORITY) - (b.priority ?? DEFAULT_PRIORITY);
  if (byPriority !== 0) return byPriority > 0;
  return a.acquiredAt === b.acquiredAt ? a.id > b.id : a.acquiredAt > b.acquiredAt;
}
