/** What restarts and deploys mean for leases and outputs (DESIGN §4). */
import { endedWithin } from '../clock/clock';
import { desiredState, type OutputId, samePlace } from '../domain/outputs';
import { type Change, emptyChange, type ResumeState } from '../domain/record';
import { setBackBy } from '../gates';
import type { Holding } from './holding';
import { leaseTimerId, movedBy } from './leases';
import type { LeftOns } from './left-on';
import type { ManagedOutput } from './managed';
import type { OutputsOptions } from './options';
import { deleteLease, deleteTimer, writeOutput } from './writes';

/** How long a deploy waits for outputs that it has removed, before their device may go as well. */
const RETIRE_WAIT_MS = 3_000;

export interface FlowLife {
  resume(state: ResumeState): void;
  flowsStarted(): Promise<void>;
}

export function createFlowLife(
  options: OutputsOptions,
  holding: Holding,
  leftOns: LeftOns,
  reconcile: (id: OutputId) => Promise<void>,
): FlowLife {
  const { clock, log } = options;
  const { book, managed } = holding;
  /** Lease rows on disk that the last run has left and nothing needs; deleted when the flows have started. */
  const stale = new Set<string>();
  /** Leases whose times are others than on disk: the wall clock was set back while the process was away. */
  const moved = new Set<string>();
  /** Alarms to be told that a lease of theirs ended while the process was away. */
  const endedWhileAway = new Set<string>();

  /** What is removed together with its device is driven off while the device is still there. */
  async function driveOff(ids: OutputId[]): Promise<void> {
    // Rejections are the executor's to try again; the end of the wait is no failure.
    await endedWithin(clock, Promise.allSettled(ids.map(reconcile)), RETIRE_WAIT_MS);
  }

  /** What the last run had switched on where the flow has no such device now: it was moved or removed meanwhile. */
  function leaveBehind(change: Change): void {
    for (const output of managed.values()) {
      const { onAt, ...state } = output.state;
      const here = options.places?.placeOf(state.deviceId) ?? null;
      const left = onAt?.filter((place) => !here || !samePlace(place, here)) ?? [];
      if (left.length === 0) continue;
      for (const place of left)
        leftOns.add(output, place, 'its address was changed or its device removed while alarmflow was stopped', change);
      const kept = onAt?.filter((place) => !left.includes(place)) ?? [];
      output.state =
        kept.length > 0 ? { ...state, onAt: kept } : { ...state, confirmed: null, confirmedAt: null, lastError: null };
      // What was true there says nothing of what is found here.
      output.mayBeOn = kept.length > 0;
    }
  }

  let first = true;

  return {
    resume(state) {
      leftOns.resume(state.standing);
      const now = clock.now();
      const setBack = setBackBy(state, now);
      const alarms = new Set(state.alarms.map((alarm) => alarm.id));
      const counting = new Set(state.timers.map((timer) => timer.id));
      for (const row of state.leases) {
        // An output must not stay on for as long as a clock was set back.
        const lease = setBack > 0 ? movedBy(row, -setBack) : row;
        if (lease !== row) moved.add(lease.id);
        if (lease.alarmId !== null && !alarms.has(lease.alarmId)) {
          stale.add(lease.id);
          continue;
        }
        const living = lease.endsAt === null || (lease.endsAt > now && counting.has(leaseTimerId(lease.id)));
        if (!living && lease.alarmId === null) stale.add(lease.id);
        else book.put(lease, living);
        if (!living && lease.alarmId !== null) endedWhileAway.add(lease.alarmId);
      }
      for (const row of state.outputs) {
        const desired = desiredState(row.mode, book.livingCount(row.id));
        // One step on in any case, so that no command of the last run is taken for one of this.
        const output: ManagedOutput = {
          state: { ...row, desired, generation: row.generation + 1 },
          definers: new Map(),
          retiring: false,
          demand: 0,
          settled: null,
          netUntil: null,
          soundsSince: null,
          mayBeOn:
            row.onAt !== undefined ||
            row.confirmed === true ||
            (row.lastError !== null && (row.confirmed === false || row.desired)),
          leftToAnother: false,
          undriven: false,
          driving: null,
        };
        const { manner: _former, ...state } = output.state;
        const manner = desired ? holding.mannerOf(output) : row.manner;
        output.state = manner === undefined ? state : { ...state, manner };
        managed.set(row.id, output);
      }
    },

    async flowsStarted() {
      const change = emptyChange();
      if (first) leaveBehind(change);
      const released = new Set(endedWhileAway);
      const gone = [...stale].filter((leaseId) => book.get(leaseId) === undefined);
      for (const leaseId of gone) {
        deleteLease(change, leaseId);
        deleteTimer(change, leaseTimerId(leaseId));
        change.afterCommit.push(() => holding.setTimer(leaseId));
      }
      for (const lease of book.all()) {
        const nodeGone = !managed.get(lease.outputId)?.definers.has(lease.nodeId);
        const alarmGone = lease.alarmId !== null && !options.alarm(lease.alarmId);
        if (nodeGone || alarmGone) {
          log.info('output.lease-released', { lease: lease.id, reason: nodeGone ? 'node removed' : 'alarm gone' });
          holding.drop(lease, change);
          if (lease.alarmId !== null) released.add(lease.alarmId);
        } else if (moved.has(lease.id)) holding.move(lease, 0, change);
        else holding.setTimer(lease.id);
      }
      const retiring: OutputId[] = [];
      for (const [id, output] of managed) {
        if (output.definers.size === 0 && !output.retiring) {
          output.retiring = true;
          output.demand++;
          output.state = { ...output.state, mode: 'auto' };
          holding.refresh(id, change);
        }
        holding.endDry(id, change);
        if (output.retiring) retiring.push(id);
        writeOutput(change, output.state);
      }
      await holding.commit(change);
      first = false;
      leftOns.begin();
      for (const leaseId of gone) stale.delete(leaseId);
      endedWhileAway.clear();
      moved.clear();
      holding.tellEnded(released);
      for (const id of managed.keys()) holding.ask(id);
      if (retiring.length > 0) await driveOff(retiring);
    },
  };
}
