/**
 * Pure rules of a lease's life (DESIGN §1.4, §2). All times are wall milliseconds.
 *
 * A lease of an alarm that ended before its alarm did is kept as an ended row. Two things need it: a message that is
 * sent again after a crash must not switch the output a second time, and an alarm that comes back while another of
 * its outputs still counts down must switch this one on again.
 */
import { createHash } from 'node:crypto';
import type { Lease, OutputClaim } from '../domain/outputs';
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

/** The cap's end, counted from the first moment; null without a cap. */
export const capEnd = (lease: Pick<Lease, 'hold' | 'acquiredAt'>): number | null =>
  lease.hold.capMs === null ? null : lease.acquiredAt + lease.hold.capMs;

/**
 * When a lease ends by itself.
 * @param clearedAt when the condition ended; null while it goes on
 */
export function leaseEnd(lease: Pick<Lease, 'hold' | 'acquiredAt'>, clearedAt: number | null): number | null {
  const { afterClearMs } = lease.hold;
  const hold = clearedAt === null || afterClearMs === null ? null : clearedAt + afterClearMs;
  const cap = capEnd(lease);
  if (hold === null) return cap;
  return cap === null ? hold : Math.min(hold, cap);
}

/** Whether an ended lease may never live again: its cap is used up, or somebody has reset it. */
export function isUsedUp(lease: Lease, now: number): boolean {
  const cap = capEnd(lease);
  return cap !== null && cap <= now;
}

/** An ended lease that may never live again: a reset by hand counts like a cap that was reached at that moment. */
export function usedUp(lease: Lease, now: number): Lease {
  const capMs = Math.max(0, now - lease.acquiredAt);
  return { ...lease, hold: { ...lease.hold, capMs }, endsAt: lease.acquiredAt + capMs };
}

export const alarmLeaseId = (alarmId: string, nodeId: string): string => `${alarmId}:${nodeId}`;

/** Longest topic that is written out in a lease id; a database index takes no text of any length. */
const LONGEST_TOPIC = 200;

/** Lease of a plain message: one for each node and topic. Topics that no key can hold are hashed. */
export function messageLeaseId(claim: Pick<OutputClaim, 'nodeId' | 'topic'>): string {
  const { topic } = claim;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: a topic is whatever a flow puts there, NUL included
  const plain = topic.length <= LONGEST_TOPIC && topic.isWellFormed() && !/[\u0000-\u001f]/.test(topic);
  return `msg:${claim.nodeId}:${plain ? topic : `#${createHash('sha256').update(topic).digest('hex')}`}`;
}
