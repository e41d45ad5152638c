/**
 * Pure rules of a lease's life (DESIGN §1.4, §2). All times are wall milliseconds.
 *
 * A lease of an alarm that ended before its alarm did is kept as an ended row. Two things need it: a message that is
 * sent again after a crash must not switch the output a second time, and an alarm that comes back while another of
 * its outputs still counts down must switch this one on again.
 */
import { createHash } from 'node:crypto';
import {
  type HoldPolicy,
  holdKind,
  type Lease,
  type OutputClaim,
  type OutputId,
  type OutputKind,
} from '../domain/outputs';
import type { TimerRow } from '../domain/record';

/** Kind of the durable timers that end leases. */
export const leaseTimerKind = 'lease';

export const leaseTimerId = (leaseId: string): string => `lease:${leaseId}`;

/** The timer that ends a lease which has an end. */
export const leaseTimer = (lease: Lease, endsAt: number): TimerRow => ({
  id: leaseTimerId(lease.id),
  kind: leaseTimerKind,
  at: endsAt,
  payload: { leaseId: lease.id, outputId: lease.outputId, alarmId: lease.alarmId },
});

type Terms = Pick<Lease, 'hold' | 'acquiredAt'>;

/** The cap's end, counted from the first moment; null without a cap. */
export const capEnd = (lease: Terms): number | null =>
  lease.hold.capMs === null ? null : lease.acquiredAt + lease.hold.capMs;

const capped = (lease: Terms, endsAt: number | null): number | null => {
  const cap = capEnd(lease);
  return endsAt === null || cap === null ? (endsAt ?? cap) : Math.min(endsAt, cap);
};

/** Whether the hold counts from the switching and not from the alarm's life. */
export const countsFromSwitching = ({ hold }: Pick<Lease, 'hold'>): boolean => {
  const kind = holdKind(hold);
  return kind === 'fixed' || kind === 'extended';
};

/** Milliseconds that a hold lasts after the clear; null: until cleared by hand. */
const afterClear = ({ kind, afterClearMs }: HoldPolicy): number | null => (kind === undefined ? afterClearMs : 0);

/** When a lease that is switched on at `acquiredAt`, while its alarm or condition is on, ends by itself. */
export function firstEnd(lease: Terms): number | null {
  return capped(lease, countsFromSwitching(lease) ? lease.acquiredAt + (lease.hold.onMs ?? 0) : null);
}

/** When it ends after its alarm or condition ended at `clearedAt`. */
export function endAfterClear(lease: Lease, clearedAt: number): number | null {
  if (countsFromSwitching(lease)) return lease.endsAt;
  const hold = afterClear(lease.hold);
  return capped(lease, hold === null ? null : clearedAt + hold);
}

/** When it ends now that its alarm or condition has come back: the countdown is cancelled. */
export const endAfterReturn = (lease: Lease): number | null =>
  countsFromSwitching(lease) ? lease.endsAt : capEnd(lease);

/** When it ends after a further start at `startedAt`. */
export const endAfterStart = (lease: Lease, startedAt: number): number | null =>
  holdKind(lease.hold) === 'extended' ? capped(lease, startedAt + (lease.hold.onMs ?? 0)) : lease.endsAt;

/**
 * A claim that comes later than this after the switching should have been, on an alarm that is over, is too late
 * (a siren minutes after a crash must not sound), unless its own time is longer.
 */
const LATE_MS = 10_000;

/**
 * When a lease ends whose claim finds the alarm over already: short alarms are cleared before their message has
 * reached the relay node. Null: until cleared by hand; not after now: too late, nothing is switched.
 * @param startedAt last start of the alarm that the claim knows of
 */
export function endOfLateClaim(lease: Lease, startedAt: number, clearedAt: number): number | null {
  if (!countsFromSwitching(lease)) return endAfterClear(lease, clearedAt);
  const tooLate = lease.acquiredAt >= startedAt + Math.max(LATE_MS, lease.hold.onMs ?? 0);
  return tooLate ? lease.acquiredAt : firstEnd(lease);
}

/** When the last of an output's living leases ends by itself; null: one of them has no end. */
export function lastEnd(leases: readonly Lease[]): number | null {
  let last: number | null = null;
  for (const { endsAt } of leases) {
    if (endsAt === null) return null;
    last = Math.max(last ?? endsAt, endsAt);
  }
  return last;
}

/** Whether an ended lease may never live again: its time or its cap is used up, or somebody has reset it. */
export function isUsedUp(lease: Lease, now: number): boolean {
  if (lease.spent || holdKind(lease.hold) === 'fixed') return true;
  const cap = capEnd(lease);
  return cap !== null && cap <= now;
}

/** An ended lease that may never live again: a reset by hand counts like a cap that was reached at that moment. */
export function usedUp(lease: Lease, now: number): Lease {
  const capMs = Math.max(0, now - lease.acquiredAt);
  return { ...lease, hold: { ...lease.hold, capMs }, endsAt: lease.acquiredAt + capMs, spent: true };
}

/** The same lease on a clock that was set by `byMs`. */
export const movedBy = (lease: Lease, byMs: number): Lease => ({
  ...lease,
  acquiredAt: lease.acquiredAt + byMs,
  endsAt: lease.endsAt === null ? null : lease.endsAt + byMs,
});

/** What tells the leases of one node on several outputs apart. Nodes of relays have one, and ids without it. */
const leasePart = (kind: OutputKind | undefined, id: OutputId): string =>
  kind === undefined || kind === 'relay' ? '' : `:@${id}`;

export const alarmLeaseId = (alarmId: string, claim: Pick<OutputClaim, 'nodeId' | 'kind'>, id: OutputId): string =>
  `${alarmId}:${claim.nodeId}${leasePart(claim.kind, id)}`;

/** Longest topic that is written out in a lease id; a database index takes no text of any length. */
const LONGEST_TOPIC = 200;

/** Lease of a plain message: one for each node, output and topic. Topics that no key can hold are hashed. */
export function messageLeaseId(claim: Pick<OutputClaim, 'nodeId' | 'topic' | 'kind'>, id: OutputId): string {
  const { topic } = claim;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: a topic is whatever a flow puts there, NUL included
  const plain = topic.length <= LONGEST_TOPIC && topic.isWellFormed() && !/[\u0000-\u001f]/.test(topic);
  const part = leasePart(claim.kind, id);
  return `msg:${claim.nodeId}${part}:${plain ? topic : `#${createHash('sha256').update(topic).digest('hex')}`}`;
}
