/** Claims of the flow's nodes on outputs: by alarm messages and by plain ones. */

import { isDeepStrictEqual } from 'node:util';
import { naturalEnds } from '../domain/alarms';
import { heldOutput, type Lease, type OutputClaim, type OutputId } from '../domain/outputs';
import { type Change, emptyChange } from '../domain/record';
import { checkClaim } from './claim-check';
import type { Holding } from './holding';
import {
  alarmLeaseId,
  countsFromSwitching,
  endAfterReturn,
  endAfterStart,
  endOfLateClaim,
  firstEnd,
  messageLeaseId,
} from './leases';
import type { OutputsOptions } from './options';
import type { OwedRows } from './owed-rows';

/** What lets an alarm take an output once more after its first claim has ended: each is told by a message of its own. */
function againOf(message: NonNullable<OutputClaim['alarm']>): string | null {
  const { escalation, phase } = message;
  if (escalation && phase !== 'clear' && phase !== 'end')
    return `escalation:${escalation.nodeId}:${escalation.step}:${escalation.round}`;
  return phase === 'escalate' ? 'escalate' : null;
}

/** What of a claim says how the output is on; a relay is on or off and nothing else. */
const inForce = ({ kind, manner, priority }: OutputClaim): Pick<Lease, 'manner' | 'priority'> =>
  kind === undefined || kind === 'relay' ? {} : inForceOf({ manner, priority });

const inForceOf = ({
  manner,
  priority,
}: Pick<OutputClaim, 'manner' | 'priority'>): Pick<Lease, 'manner' | 'priority'> => ({
  ...(manner === undefined ? {} : { manner: structuredClone(manner) }),
  ...(priority === undefined ? {} : { priority }),
});

const outputOf = (claim: OutputClaim) => ({
  nodeId: claim.nodeId,
  deviceId: claim.deviceId,
  kind: claim.kind ?? ('relay' as const),
  output: heldOutput(claim),
  name: null,
});

/** @returns the nodes' request: resolves when the claim is on disk. */
export function createClaims(
  options: OutputsOptions,
  holding: Holding,
  owedRows: OwedRows,
): (claim: OutputClaim) => Promise<void> {
  const { clock, log } = options;
  const { book } = holding;
  /** Claims on their way to disk, so that the same claim asked again waits for them too. */
  const underway = new Map<string, Promise<void>>();

  /** Commits a new lease; without the record there is no lease either. */
  async function keep(lease: Lease, change: Change): Promise<void> {
    const kept = holding.commit(change);
    underway.set(lease.id, kept);
    try {
      await kept;
    } catch (error) {
      if (book.get(lease.id) === lease) {
        book.delete(lease.id);
        holding.refresh(lease.outputId, emptyChange());
      }
      throw error;
    } finally {
      if (underway.get(lease.id) === kept) underway.delete(lease.id);
    }
  }

  /** The same claim once more: nothing new, but on disk when this resolves. */
  async function again(leaseId: string, change: Change): Promise<void> {
    await holding.commit(change);
    await underway.get(leaseId);
  }

  function newLease(claim: OutputClaim, id: string, output: OutputId): Lease {
    return {
      id,
      outputId: output,
      alarmId: claim.alarm?.id ?? null,
      nodeId: claim.nodeId,
      hold: { ...claim.hold },
      ...inForce(claim),
      acquiredAt: clock.now(),
      endsAt: null,
      ...(options.dryRun?.(output) ? { dry: true as const } : {}),
    };
  }

  async function byAlarm(claim: OutputClaim, message: NonNullable<OutputClaim['alarm']>): Promise<void> {
    const anew = againOf(message);
    if (message.phase !== 'raise' && anew === null) return;
    const change = emptyChange();
    const { id } = holding.manage(outputOf(claim), change).state;
    const facts = { output: id, node: claim.nodeId, alarm: message.id, phase: message.phase };

    let leaseId = alarmLeaseId(message.id, claim, id);
    let held = book.get(leaseId);
    if (held && held.outputId !== id) {
      // The node was given another output since.
      holding.drop(held, change);
      held = undefined;
    }
    if (held && !book.isLiving(leaseId) && anew !== null) {
      leaseId = `${leaseId}:${anew}`;
      held = book.get(leaseId);
    }
    if (held) {
      if (!book.isLiving(leaseId)) log.info('output.claim-used-up', facts);
      return again(leaseId, change);
    }

    const alarm = options.alarm(message.id);
    if (!alarm || (alarm.endReason !== null && !naturalEnds.has(alarm.endReason))) {
      log.warn('output.claim-without-alarm', { ...facts, reason: alarm?.endReason ?? 'the alarm is over' });
      return holding.commit(change);
    }
    const lease = newLease(claim, leaseId, id);
    const over = alarm.state === 'clearing' || alarm.endedAt !== null;
    const clearedAt = Math.min(alarm.clearedAt ?? alarm.endedAt ?? lease.acquiredAt, lease.acquiredAt);
    lease.endsAt = over ? endOfLateClaim(lease, alarm.seenAt, clearedAt) : firstEnd(lease);
    if (lease.endsAt !== null && lease.endsAt <= lease.acquiredAt) {
      log.info('output.claim-late', { ...facts, endedAgoMs: lease.acquiredAt - lease.endsAt });
      // Remembered while the alarm lives: it may come back and then holds this output too.
      if (alarm.endedAt === null) holding.end(lease, change);
    } else holding.hold(lease, change);
    return keep(lease, change);
  }

  async function byMessage(claim: OutputClaim): Promise<void> {
    const change = emptyChange();
    const { id } = holding.manage(outputOf(claim), change).state;
    const leaseId = messageLeaseId(claim, id);
    const held = book.get(leaseId);
    if (held && held.outputId !== id) holding.drop(held, change);
    let current = held?.outputId === id ? held : undefined;
    if (current && claim.condition && !isDeepStrictEqual(inForceOf(current), inForce(claim))) {
      // The node was given another manner since.
      const { manner: _manner, priority: _priority, ...rest } = current;
      current = { ...rest, ...inForce(claim) };
      holding.hold(current, change);
    }
    if (!current && claim.condition) {
      const lease = newLease(claim, leaseId, id);
      lease.endsAt = firstEnd(lease);
      holding.hold(lease, change);
      return keep(lease, change);
    }
    if (current && countsFromSwitching(current)) {
      const endsAt = endAfterStart(current, clock.now());
      if (claim.condition && endsAt !== current.endsAt) holding.hold({ ...current, endsAt }, change);
    } else if (current) {
      const on = endAfterReturn(current);
      const counting = current.endsAt !== on;
      if (claim.condition && counting) holding.hold({ ...current, endsAt: on }, change);
      if (!claim.condition && !counting) holding.countDown(current, clock.now(), change);
    }
    // The same claim once more may only wait; what it changes is in force whether or not the record takes it.
    await owedRows.commit(change, held ? [leaseId] : []);
    await underway.get(leaseId);
  }

  return async (claim) => {
    checkClaim(claim);
    options.timers.watchWall?.();
    await (claim.alarm ? byAlarm(claim, claim.alarm) : byMessage(claim));
  };
}
