/**
 * Decisions about leases and desired states (DESIGN §2). Memory holds what the rows hold: a decision changes memory
 * at once, so that the next decision sees it, and puts its rows and its consequences (timers, commands) into a change.
 * Rows must reach the disk in the order of the decisions, which the record's writer keeps when a change is committed
 * in the same turn in which it was made.
 */
import { isDeepStrictEqual } from 'node:util';
import type { DevicePlace } from '../domain/devices';
import {
  decidingLease,
  desiredState,
  type Lease,
  type OutputDefinition,
  type OutputId,
  type OutputManner,
  outputId,
  ptzPlace,
  soundsSince,
  withPlace,
} from '../domain/outputs';
import type { Change } from '../domain/record';
import { LeaseBook } from './lease-book';
import { endAfterClear, lastEnd, leaseTimer, leaseTimerId, movedBy } from './leases';
import { type DefinedManner, definedManner, type ManagedOutput } from './managed';
import type { OutputsOptions } from './options';
import { deleteLease, deleteTimer, writeLease, writeOutput, writeTimer } from './writes';

/** An output as a node works on it. */
export interface ManagedDefinition extends Pick<OutputDefinition, 'deviceId' | 'kind' | 'output'> {
  nodeId: string;
  /** null: it keeps the name it has. */
  name: string | null;
  /** How the node would have it on when it is set on by hand; absent: a claim, which says nothing of that. */
  defined?: DefinedManner;
}

export interface Holding {
  readonly book: LeaseBook;
  readonly managed: Map<OutputId, ManagedOutput>;
  /** A lease begins, goes on with another end, or comes back to life. */
  hold(lease: Lease, change: Change): void;
  /** A lease ends; that of an alarm is remembered until the alarm ends, that of a message is gone. */
  end(lease: Lease, change: Change): void;
  /** A lease and its memory go. */
  drop(lease: Lease, change: Change): void;
  /** The condition of a living lease ended at `at`. */
  countDown(lease: Lease, at: number, change: Change): void;
  /** The wall clock was set by `byMs`: the lease's times move with it, and nothing else changes. */
  move(lease: Lease, byMs: number, change: Change): void;
  /** Recomputes the desired state of an output after its leases or mode changed. */
  refresh(id: OutputId, change: Change): void;
  /** Writes an output's state once more and has it driven: an earlier change of it may be lost. */
  rewrite(id: OutputId, change: Change): void;
  /** Knows an output from now on; `nodeId` is one that works on it. A name of null keeps the name it has. */
  manage(definition: ManagedDefinition, change: Change): ManagedOutput;
  /** How an output that is on is to be on, as its claims or, without any, its nodes say. */
  mannerOf(output: ManagedOutput): OutputManner | undefined;
  /** When the claims on an output end by themselves; null: one has no end, or it is on by hand. */
  endOf(output: Pick<ManagedOutput, 'state'>): number | null;
  /** From when the times of an output's sound count; null: it has none, or is on by hand. */
  sinceOf(output: Pick<ManagedOutput, 'state'>): number | null;
  /** Where an output is found now, as far as it matters what is left on there; null: it does not, or nobody knows. */
  placeOf(output: Pick<ManagedOutput, 'state'>): DevicePlace | null;
  /** Whether what holds an output on is older than the dry run that it makes. */
  isHeldForReal(output: ManagedOutput): boolean;
  /** Where an output makes no dry run any more, what was held only on paper counts. */
  endDry(id: OutputId, change: Change): void;
  /** Asks the executor to drive an output. */
  ask(id: OutputId): void;
  /** Sets or stops the timer of a lease as the book has it now. */
  setTimer(leaseId: string): void;
  /** Whether a lease of the alarm lives. */
  livesFor(alarmId: string): boolean;
  /** Tells those alarms that no lease lives for any more. */
  tellEnded(alarmIds: Iterable<string>): void;
  commit(change: Change): Promise<void>;
}

export function createHolding(options: OutputsOptions): Holding {
  const { clock, timers } = options;
  const book = new LeaseBook();
  const managed = new Map<OutputId, ManagedOutput>();

  function ask(id: OutputId): void {
    const output = managed.get(id);
    if (!output) return;
    // What is new is not to wait until a camera rests that was sent where it is no longer to go.
    if (output.looking?.overtaken()) output.looking.stop.abort();
    options.requestReconcile(id, output.state.generation);
  }

  function mannerOf(output: ManagedOutput): OutputManner | undefined {
    if (output.state.kind === 'relay') return undefined;
    const deciding = decidingLease(book.livingOf(output.state.id));
    if (deciding) return deciding.manner;
    // Set on by hand before the nodes have told anything: as it was.
    return output.definers.size > 0 ? definedManner(output) : output.state.manner;
  }

  function endOf({ state }: Pick<ManagedOutput, 'state'>): number | null {
    return state.mode === 'on' ? null : lastEnd(book.livingOf(state.id));
  }

  /** The device's own timer would switch it off before its claims end. */
  function isCutShort(output: ManagedOutput): boolean {
    if (output.netUntil === null) return false;
    const end = endOf(output);
    return end === null || end > output.netUntil;
  }

  const sinceOf = ({ state }: Pick<ManagedOutput, 'state'>): number | null =>
    state.mode === 'on' ? null : soundsSince(book.livingOf(state.id));

  /** Another claim asks for the sound that has been played its times: it is to be heard, too. */
  function soundsAnew(output: ManagedOutput): boolean {
    const since = output.soundsSince === null ? null : sinceOf(output);
    return since !== null && output.soundsSince !== null && since > output.soundsSince;
  }

  /** Where a camera looks is no harm; its auxiliary switches are. */
  function placeOf({ state }: Pick<ManagedOutput, 'state'>): DevicePlace | null {
    if (state.kind === 'ptz' && ptzPlace(state.output)?.aux == null) return null;
    return options.places?.placeOf(state.deviceId) ?? null;
  }

  const isDry = (id: OutputId): boolean => options.dryRun?.(id) ?? false;

  function isHeldForReal({ state }: ManagedOutput): boolean {
    if (state.mode === 'on' && !state.modeDry) return true;
    return state.mode !== 'off' && book.livingOf(state.id).some((lease) => !lease.dry);
  }

  function refresh(id: OutputId, change: Change): void {
    const output = managed.get(id);
    if (!output) return;
    const { manner: former, ...state } = output.state;
    const desired = !output.retiring && desiredState(state.mode, book.livingCount(id));
    const manner = desired ? mannerOf(output) : former;
    if (desired !== state.desired || !isDeepStrictEqual(manner, former)) {
      // In the same transaction as its claim, so that the first command need not wait for another.
      const place = desired && !isDry(id) ? placeOf(output) : null;
      output.state = {
        ...state,
        desired,
        generation: state.generation + 1,
        ...(manner === undefined ? {} : { manner }),
        ...(place ? { onAt: withPlace(state.onAt, place) } : {}),
      };
      writeOutput(change, output.state);
      change.afterCommit.push(() => ask(id));
    } else if (desired && (isCutShort(output) || soundsAnew(output))) {
      output.demand++;
      change.afterCommit.push(() => ask(id));
    } else if (desired && output.mayBeOn && isDry(id) && !isHeldForReal(output)) {
      // The last claim from before the dry run is gone, and those that are left hold it only on paper.
      output.demand++;
      change.afterCommit.push(() => ask(id));
    }
    change.afterCommit.push(() => options.announce({ kind: 'output', data: { id } }));
  }

  function setTimer(leaseId: string): void {
    const lease = book.get(leaseId);
    if (lease && lease.endsAt !== null && book.isLiving(leaseId)) timers.arm(leaseTimer(lease, lease.endsAt));
    else timers.disarm(leaseTimerId(leaseId));
  }

  function hold(taken: Lease, change: Change): void {
    const known = book.get(taken.id) !== undefined;
    const lease = book.isLiving(taken.id) ? taken : withDry(taken, isDry(taken.outputId));
    book.put(lease, true);
    writeLease(change, lease);
    if (lease.endsAt !== null) writeTimer(change, leaseTimer(lease, lease.endsAt));
    else if (known) deleteTimer(change, leaseTimerId(lease.id));
    change.afterCommit.push(() => setTimer(lease.id));
    refresh(lease.outputId, change);
  }

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

  function drop(lease: Lease, change: Change): void {
    book.delete(lease.id);
    deleteLease(change, lease.id);
    deleteTimer(change, leaseTimerId(lease.id));
    change.afterCommit.push(() => setTimer(lease.id));
    refresh(lease.outputId, change);
  }

  function livesFor(alarmId: string): boolean {
    return book.ofAlarm(alarmId).some((lease) => book.isLiving(lease.id));
  }

  return {
    book,
    managed,
    hold,
    end,
    drop,
    refresh,
    mannerOf,
    endOf,
    sinceOf,
    placeOf,
    isHeldForReal,

    endDry(id, change) {
      const output = managed.get(id);
      if (!output || isDry(id)) return;
      for (const lease of book.livingOf(id)) {
        if (!lease.dry) continue;
        const real = withDry(lease, false);
        book.put(real, true);
        writeLease(change, real);
      }
      const { modeDry, ...state } = output.state;
      if (modeDry) {
        output.state = state;
        writeOutput(change, state);
      }
      if (output.undriven) output.demand++;
      output.undriven = false;
    },

    ask,
    setTimer,
    livesFor,

    countDown(lease, at, change) {
      const endsAt = endAfterClear(lease, at);
      const counting = { ...lease, endsAt };
      if (endsAt !== null && endsAt <= Math.max(at, clock.now())) end(counting, change);
      else hold(counting, change);
    },

    move(lease, byMs, change) {
      const living = book.isLiving(lease.id);
      const moved = movedBy(lease, byMs);
      const { endsAt } = moved;
      book.put(moved, living);
      writeLease(change, moved);
      if (!living || endsAt === null) return;
      writeTimer(change, leaseTimer(moved, endsAt));
      change.afterCommit.push(() => setTimer(lease.id));
    },

    rewrite(id, change) {
      const output = managed.get(id);
      if (!output) return;
      writeOutput(change, output.state);
      change.afterCommit.push(() => ask(id));
    },

    manage(definition, change) {
      const { nodeId, deviceId, kind, defined } = definition;
      const id = outputId(deviceId, kind, definition.output);
      let output = managed.get(id);
      if (!output) {
        output = newOutput(id, definition);
        managed.set(id, output);
        writeOutput(change, output.state);
      } else if (definition.name && output.state.name !== definition.name) {
        output.state = { ...output.state, name: definition.name };
        writeOutput(change, output.state);
      }
      if (defined || !output.definers.has(nodeId)) output.definers.set(nodeId, defined ?? {});
      const returns = output.retiring;
      output.retiring = false;
      if (returns || (defined && output.state.mode === 'on')) refresh(id, change);
      return output;
    },

    tellEnded(alarmIds) {
      for (const alarmId of alarmIds) if (!livesFor(alarmId)) options.holdEnded(alarmId);
    },

    async commit(change) {
      if (Object.values(change.writes).some((rows) => rows !== undefined)) await options.writer.commit(change.writes);
      for (const follow of change.afterCommit) follow();
    },
  };
}

/** The same lease, if it says so already. */
function withDry(lease: Lease, dry: boolean): Lease {
  if ((lease.dry ?? false) === dry) return lease;
  const { dry: _dry, ...rest } = lease;
  return dry ? { ...rest, dry } : rest;
}

function newOutput(id: OutputId, { deviceId, kind, output, name }: ManagedDefinition): ManagedOutput {
  return {
    state: {
      id,
      deviceId,
      kind,
      output,
      name: name || output,
      mode: 'auto',
      generation: 1,
      desired: false,
      confirmed: null,
      confirmedAt: null,
      lastError: null,
    },
    definers: new Map(),
    retiring: false,
    demand: 0,
    settled: null,
    netUntil: null,
    soundsSince: null,
    mayBeOn: false,
    leftToAnother: false,
    undriven: false,
    driving: null,
  };
}
