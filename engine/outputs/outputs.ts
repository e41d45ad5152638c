/**
 * Leases on outputs and their desired states (DESIGN §2). Memory holds what the rows hold: a decision changes memory
 * at once, so that the next decision sees it, and its rows go to disk in one change; commands and timers follow the
 * commit. Rows of one decision must be committed in the order of the decisions, which the record's writer keeps when
 * a change is committed in the same turn in which it was made.
 */
import type { Clock } from '../clock/clock';
import type { Alarm, EndReason } from '../domain/alarms';
import type { Announce } from '../domain/announcements';
import type { DeviceDirectory } from '../domain/devices';
import { userError } from '../domain/errors';
import type { AlarmHolds } from '../domain/holds';
import { sortableId } from '../domain/ids';
import type { Log } from '../domain/log';
import {
  desiredState,
  type Lease,
  type OutputClaim,
  type OutputId,
  type OutputMode,
  type OutputState,
  outputId,
} from '../domain/outputs';
import { addWrites, type Change, emptyChange, type RecordWriter, type ResumeState } from '../domain/record';
import type { DurableTimers } from '../domain/timers';
import { checkClaim, checkOutput } from './claims';
import { driveOutput } from './drive';
import { LeaseBook } from './lease-book';
import {
  alarmLeaseId,
  capEnd,
  isUsedUp,
  leaseEnd,
  leaseTimer,
  leaseTimerId,
  leaseTimerKind,
  messageLeaseId,
  usedUp,
} from './leases';
import type { ManagedOutput } from './managed';
import { deleteLease, deleteTimer, writeLease, writeOutput, writeTimer } from './writes';

export interface OutputsOptions {
  writer: RecordWriter;
  clock: Clock;
  log: Log;
  timers: DurableTimers;
  devices: DeviceDirectory;
  /** Asks the executor to call `reconcile` until it resolves. */
  requestReconcile(outputId: OutputId, generation: number): void;
  /** A live alarm by its id. */
  alarm(id: string): Alarm | undefined | null;
  /** The last lease of an alarm may be gone. */
  holdEnded(alarmId: string): void;
  announce: Announce;
}

export interface Outputs extends AlarmHolds {
  /** Takes over what the last run has left. Nothing is written or sent before `flowsStarted`. */
  resume(state: ResumeState): void;
  /** A relay node tells which output it works on. Throws E_BAD_OUTPUT (user). */
  define(definition: { nodeId: string; deviceId: string; output: string; name: string }): Promise<void>;
  /** The node is being closed; what becomes of its output is decided when the flows have started again. */
  detach(nodeId: string): void;
  /**
   * The flow is complete: leases of nodes and alarms that are gone are released, outputs that no node defines are
   * driven off and forgotten, all others are driven to their desired state.
   */
  flowsStarted(): Promise<void>;
  /** Resolves when the claim is on disk; the command follows. Throws E_BAD_OUTPUT, E_BAD_HOLD (user). */
  request(claim: OutputClaim): Promise<void>;
  /** Auto, manual on or off. Throws E_UNKNOWN_OUTPUT, E_BAD_MODE (user). */
  setMode(id: OutputId, mode: OutputMode, who: string): Promise<void>;
  /** Alarm reset: every lease is dropped; running alarms do not take their outputs again. Modes stay as they are. */
  resetAll(who: string): Promise<void>;
  /** Drives the output; resolves when the device has confirmed the newest desired state. */
  reconcile(outputId: OutputId): Promise<void>;
  /** A device is back: all of its outputs are driven again. */
  deviceOnline(deviceId: string): void;
  /** Known outputs by id, with their living leases. */
  list(): (OutputState & { leases: Lease[] })[];
}

/** How long a deploy waits for outputs that it has removed, before their device may go as well. */
const RETIRE_WAIT_MS = 3_000;

/** Ends after which an output that still counts down may go on; all others release at once (DESIGN §1.5). */
const naturalEnds: ReadonlySet<EndReason> = new Set<EndReason>(['cleared', 'implied-stop']);

export function createOutputs(options: OutputsOptions): Outputs {
  const { writer, clock, log, timers } = options;
  const book = new LeaseBook();
  const managed = new Map<OutputId, ManagedOutput>();
  /** Lease rows on disk that the last run has left and nothing needs; deleted when the flows have started. */
  const stale = new Set<string>();
  /** Alarms to be told that a lease of theirs ended while the process was away. */
  const endedWhileAway = new Set<string>();
  /** Claims on their way to disk, so that the same claim asked again waits for them too. */
  const underway = new Map<string, Promise<void>>();

  const driveParts = {
    writer,
    clock,
    log,
    devices: options.devices,
    announce: options.announce,
    forget: (id: OutputId) => {
      managed.delete(id);
    },
  };

  // ---- decisions: memory first, rows and consequences into the change -------------------------------------------

  function ask(id: OutputId): void {
    const output = managed.get(id);
    if (output) options.requestReconcile(id, output.state.generation);
  }

  /** Recomputes the desired state after its leases or mode changed. */
  function refresh(id: OutputId, change: Change): void {
    const output = managed.get(id);
    if (!output) return;
    const desired = !output.retiring && desiredState(output.state.mode, book.livingCount(id));
    if (desired !== output.state.desired) {
      output.state = { ...output.state, desired, generation: output.state.generation + 1 };
      writeOutput(change, output.state);
      change.afterCommit.push(() => ask(id));
    }
    change.afterCommit.push(() => options.announce({ kind: 'output', data: { id } }));
  }

  /** Sets or stops the timer of a lease as the book has it now. */
  function setTimer(leaseId: string): void {
    const lease = book.get(leaseId);
    if (lease && lease.endsAt !== null && book.isLiving(leaseId)) timers.arm(leaseTimer(lease, lease.endsAt));
    else timers.disarm(leaseTimerId(leaseId));
  }

  /** A lease begins, goes on with another end, or comes back to life. */
  function hold(lease: Lease, change: Change): void {
    const known = book.get(lease.id) !== undefined;
    book.put(lease, true);
    writeLease(change, lease);
    if (lease.endsAt !== null) writeTimer(change, leaseTimer(lease, lease.endsAt));
    else if (known) deleteTimer(change, leaseTimerId(lease.id));
    change.afterCommit.push(() => setTimer(lease.id));
    refresh(lease.outputId, change);
  }

  /** A lease ends; that of an alarm is remembered until the alarm ends, that of a message is gone. */
  function end(lease: Lease, change: Change): void {
    if (lease.alarmId === null) {
      drop(lease, change);
      return;
    }
    book.put(lease, false);
    writeLease(change, lease);
    deleteTimer(change, leaseTimerId(lease.id));
    change.afterCommit.push(() => setTimer(lease.id));
    refresh(lease.outputId, change);
  }

  /** A lease and its memory go. */
  function drop(lease: Lease, change: Change): void {
    book.delete(lease.id);
    deleteLease(change, lease.id);
    deleteTimer(change, leaseTimerId(lease.id));
    change.afterCommit.push(() => setTimer(lease.id));
    refresh(lease.outputId, change);
  }

  /** The condition of a living lease ended at `at`. */
  function countDown(lease: Lease, at: number, change: Change): void {
    const endsAt = leaseEnd(lease, at);
    const counting = { ...lease, endsAt };
    if (endsAt !== null && endsAt <= Math.max(at, clock.now())) end(counting, change);
    else hold(counting, change);
  }

  async function commit(change: Change): Promise<void> {
    if (Object.values(change.writes).some((rows) => rows !== undefined)) await writer.commit(change.writes);
    for (const follow of change.afterCommit) follow();
  }

  const livesFor = (alarmId: string): boolean => book.ofAlarm(alarmId).some((lease) => book.isLiving(lease.id));

  function tellEnded(alarmIds: Iterable<string>): void {
    for (const alarmId of alarmIds) if (!livesFor(alarmId)) options.holdEnded(alarmId);
  }

  /** Knows the output from now on; `nodeId` is one that works on it. */
  function manage(
    definition: { nodeId: string; deviceId: string; output: string; name: string | null },
    change: Change,
  ): ManagedOutput {
    const id = outputId(definition.deviceId, 'relay', definition.output);
    const name = definition.name || `${definition.output}`;
    let output = managed.get(id);
    if (!output) {
      output = {
        state: {
          id,
          deviceId: definition.deviceId,
          kind: 'relay',
          output: definition.output,
          name,
          mode: 'auto',
          generation: 1,
          desired: false,
          confirmed: null,
          confirmedAt: null,
          lastError: null,
        },
        definers: new Set(),
        retiring: false,
        demand: 0,
        settled: null,
        driving: null,
      };
      managed.set(id, output);
      writeOutput(change, output.state);
    } else if (definition.name && output.state.name !== definition.name) {
      output.state = { ...output.state, name };
      writeOutput(change, output.state);
    }
    output.definers.add(definition.nodeId);
    if (output.retiring) {
      output.retiring = false;
      refresh(id, change);
    }
    return output;
  }

  // ---- claims of the flow ---------------------------------------------------------------------------------------

  /** Commits a new lease; without the record there is no lease either. */
  async function keepClaim(lease: Lease, change: Change): Promise<void> {
    const kept = commit(change);
    underway.set(lease.id, kept);
    try {
      await kept;
    } catch (error) {
      if (book.get(lease.id) === lease) {
        book.delete(lease.id);
        refresh(lease.outputId, emptyChange());
      }
      throw error;
    } finally {
      if (underway.get(lease.id) === kept) underway.delete(lease.id);
    }
  }

  async function claimForAlarm(claim: OutputClaim, message: NonNullable<OutputClaim['alarm']>): Promise<void> {
    if (message.phase !== 'raise' && message.phase !== 'escalate') return;
    const id = outputId(claim.deviceId, 'relay', claim.output);
    const facts = { output: id, node: claim.nodeId, alarm: message.id, phase: message.phase };
    const change = emptyChange();
    manage({ ...claim, name: null }, change);

    let leaseId = alarmLeaseId(message.id, claim.nodeId);
    let held = book.get(leaseId);
    if (held && held.outputId !== id) {
      // The node was given another output since.
      drop(held, change);
      held = undefined;
    }
    if (held && !book.isLiving(leaseId) && message.phase === 'escalate') {
      // The worse alarm is told by a message of its own, so it may take the output once more.
      leaseId = `${leaseId}:escalate`;
      held = book.get(leaseId);
    }
    if (held) {
      if (!book.isLiving(leaseId)) log.info('output.claim-used-up', facts);
      await commit(change);
      await underway.get(leaseId);
      return;
    }

    const alarm = options.alarm(message.id);
    if (!alarm || (alarm.endReason !== null && !naturalEnds.has(alarm.endReason))) {
      log.warn('output.claim-without-alarm', { ...facts, reason: alarm?.endReason ?? 'the alarm is over' });
      await commit(change);
      return;
    }
    const now = clock.now();
    const over = alarm.state === 'clearing' || alarm.endedAt !== null;
    const lease: Lease = {
      id: leaseId,
      outputId: id,
      alarmId: message.id,
      nodeId: claim.nodeId,
      hold: { ...claim.hold },
      acquiredAt: now,
      endsAt: null,
    };
    lease.endsAt = leaseEnd(lease, over ? (alarm.clearedAt ?? alarm.endedAt ?? now) : null);
    if (lease.endsAt !== null && lease.endsAt <= now) {
      log.info('output.claim-late', { ...facts, endedAgoMs: now - lease.endsAt });
      // Remembered while the alarm lives: it may come back and then holds this output too.
      if (alarm.endedAt === null) end(lease, change);
    } else hold(lease, change);
    await keepClaim(lease, change);
  }

  async function claimByMessage(claim: OutputClaim): Promise<void> {
    const id = outputId(claim.deviceId, 'relay', claim.output);
    const leaseId = messageLeaseId(claim);
    const change = emptyChange();
    manage({ ...claim, name: null }, change);
    const held = book.get(leaseId);
    if (held && held.outputId !== id) drop(held, change);
    const current = held?.outputId === id ? held : undefined;
    const counting = current !== undefined && current.endsAt !== capEnd(current);
    if (!claim.condition) {
      if (current && !counting) countDown(current, clock.now(), change);
      await commit(change);
      await underway.get(leaseId);
      return;
    }
    if (current) {
      if (counting) hold({ ...current, endsAt: capEnd(current) }, change);
      await commit(change);
      await underway.get(leaseId);
      return;
    }
    const now = clock.now();
    const lease: Lease = {
      id: leaseId,
      outputId: id,
      alarmId: null,
      nodeId: claim.nodeId,
      hold: { ...claim.hold },
      acquiredAt: now,
      endsAt: null,
    };
    lease.endsAt = capEnd(lease);
    hold(lease, change);
    await keepClaim(lease, change);
  }

  // ---- time -----------------------------------------------------------------------------------------------------

  timers.onDue(leaseTimerKind, async (timer) => {
    const leaseId = String(timer.payload.leaseId);
    const lease = book.get(leaseId);
    const change = emptyChange();
    if (lease && book.isLiving(leaseId)) {
      // A countdown that was moved on has its own timer row on the way.
      if (lease.endsAt !== null && lease.endsAt > clock.now()) return;
      if (lease.endsAt === null) deleteTimer(change, timer.id);
      else end(lease, change);
    } else {
      // Ended already: by a try whose rows did not reach the disk, or while the process was away.
      deleteTimer(change, timer.id);
      if (lease) writeLease(change, lease);
      else deleteLease(change, leaseId);
      const output = managed.get(String(timer.payload.outputId));
      if (output) writeOutput(change, output.state);
    }
    try {
      await commit(change);
    } catch (error) {
      // Off is the safe side: a full disk must not keep a siren on.
      ask(String(timer.payload.outputId));
      throw error;
    }
    if (typeof timer.payload.alarmId === 'string') tellEnded([timer.payload.alarmId]);
  });

  return {
    // ---- alarms tell their life ---------------------------------------------------------------------------------

    alarmCleared(alarmId, at, change) {
      for (const lease of book.ofAlarm(alarmId)) if (book.isLiving(lease.id)) countDown(lease, at, change);
    },

    alarmResumed(alarmId, at, change) {
      for (const lease of book.ofAlarm(alarmId)) {
        if (isUsedUp(lease, Math.max(at, clock.now()))) continue;
        hold({ ...lease, endsAt: capEnd(lease) }, change);
      }
    },

    alarmEnded(alarmId, _at, change) {
      for (const lease of book.ofAlarm(alarmId)) drop(lease, change);
    },

    holdsFor: livesFor,

    // ---- life of the process and of the flow --------------------------------------------------------------------

    resume(state) {
      const now = clock.now();
      const alarms = new Set(state.alarms.map((alarm) => alarm.id));
      const counting = new Set(state.timers.map((timer) => timer.id));
      for (const lease of state.leases) {
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
        managed.set(row.id, {
          state: { ...row, desired, generation: row.generation + 1 },
          definers: new Set(),
          retiring: false,
          demand: 0,
          settled: null,
          driving: null,
        });
      }
    },

    async define(definition) {
      checkOutput(`Relay node "${definition.name || definition.nodeId}"`, definition.deviceId, definition.output);
      const change = emptyChange();
      manage(definition, change);
      await commit(change);
    },

    detach(nodeId) {
      for (const output of managed.values()) output.definers.delete(nodeId);
    },

    async flowsStarted() {
      const change = emptyChange();
      const released = new Set(endedWhileAway);
      const gone = [...stale].filter((leaseId) => book.get(leaseId) === undefined);
      for (const leaseId of gone) {
        deleteLease(change, leaseId);
        deleteTimer(change, leaseTimerId(leaseId));
        change.afterCommit.push(() => setTimer(leaseId));
      }
      for (const lease of book.all()) {
        const nodeGone = !managed.get(lease.outputId)?.definers.has(lease.nodeId);
        const alarmGone = lease.alarmId !== null && !options.alarm(lease.alarmId);
        if (nodeGone || alarmGone) {
          log.info('output.lease-released', { lease: lease.id, reason: nodeGone ? 'node removed' : 'alarm gone' });
          drop(lease, change);
          if (lease.alarmId !== null) released.add(lease.alarmId);
        } else setTimer(lease.id);
      }
      const retiring: OutputId[] = [];
      for (const [id, output] of managed) {
        if (output.definers.size === 0 && !output.retiring) {
          output.retiring = true;
          output.demand++;
          output.state = { ...output.state, mode: 'auto' };
          refresh(id, change);
        }
        if (output.retiring) retiring.push(id);
        writeOutput(change, output.state);
      }
      await commit(change);
      for (const leaseId of gone) stale.delete(leaseId);
      endedWhileAway.clear();
      tellEnded(released);
      for (const id of managed.keys()) ask(id);
      if (retiring.length === 0) return;
      // What is removed together with its device is driven off while the device is still there.
      const wait = new AbortController();
      const drives = retiring.map((id) => this.reconcile(id));
      const longest = clock.sleep(RETIRE_WAIT_MS, wait.signal).catch(() => undefined);
      await Promise.race([Promise.allSettled(drives), longest]);
      wait.abort();
    },

    async request(claim) {
      checkClaim(claim);
      await (claim.alarm ? claimForAlarm(claim, claim.alarm) : claimByMessage(claim));
    },

    // ---- operators ----------------------------------------------------------------------------------------------

    async setMode(id, mode, who) {
      const output = managed.get(id);
      if (!output)
        throw userError('E_UNKNOWN_OUTPUT', `There is no output "${id}": it may have been removed from the flow`);
      if (mode !== 'auto' && mode !== 'on' && mode !== 'off')
        throw userError('E_BAD_MODE', `Output "${output.state.name}" knows the modes auto, on and off, not "${mode}"`);
      const change = emptyChange();
      const now = clock.now();
      const former = output.state.mode;
      output.state = { ...output.state, mode };
      // Set by hand, it is sent in any case: somebody may have switched at the device.
      output.demand++;
      writeOutput(change, output.state);
      refresh(id, change);
      addWrites(change, 'audit', {
        id: sortableId(now),
        at: now,
        who,
        action: 'output.mode',
        subject: id,
        detail: `${output.state.name}: ${former} → ${mode}`,
      });
      change.afterCommit.push(() => ask(id));
      try {
        await commit(change);
      } catch (error) {
        // What is not on record would be forgotten at the next start: then it is not in force either.
        output.state = { ...output.state, mode: former };
        refresh(id, emptyChange());
        throw error;
      }
    },

    async resetAll(who) {
      const change = emptyChange();
      const now = clock.now();
      const alarmIds = new Set<string>();
      const outputs = new Set<OutputId>();
      let dropped = 0;
      for (const lease of book.all()) {
        if (book.isLiving(lease.id)) {
          dropped++;
          outputs.add(lease.outputId);
        }
        if (lease.alarmId !== null) alarmIds.add(lease.alarmId);
        end(lease.alarmId === null || isUsedUp(lease, now) ? lease : usedUp(lease, now), change);
      }
      addWrites(change, 'audit', {
        id: sortableId(now),
        at: now,
        who,
        action: 'output.reset',
        subject: 'all outputs',
        detail: `${dropped} leases on ${outputs.size} outputs dropped`,
      });
      await commit(change);
      tellEnded(alarmIds);
    },

    // ---- devices ------------------------------------------------------------------------------------------------

    reconcile(id) {
      const output = managed.get(id);
      if (!output) return Promise.resolve();
      output.driving ??= driveOutput(driveParts, output).finally(() => {
        output.driving = null;
      });
      return output.driving;
    },

    deviceOnline(deviceId) {
      for (const [id, output] of managed) {
        if (output.state.deviceId !== deviceId) continue;
        output.demand++;
        ask(id);
      }
    },

    list: () =>
      [...managed.values()]
        .map((output) => ({ ...output.state, leases: book.livingOf(output.state.id).map((lease) => ({ ...lease })) }))
        .sort((a, b) => (a.id < b.id ? -1 : 1)),
  };
}
