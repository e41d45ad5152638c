/** The outputs' public face: joins leases, claims, the alarms' life, deploys, operators and the driving of devices. */
import type { ConnectedDevice, DevicePlace } from '../domain/devices';
import { asAlarmflowError, userError } from '../domain/errors';
import type { AlarmHolds } from '../domain/holds';
import { sortableId } from '../domain/ids';
import {
  heldOutput,
  type Lease,
  type LeftOn,
  type OutputClaim,
  type OutputDefinition,
  type OutputId,
  type OutputManner,
  type OutputMode,
  type OutputState,
  samePlace,
  withPlace,
} from '../domain/outputs';
import { addWrites, emptyChange, type ResumeState, type TimerRow } from '../domain/record';
import { createAlarmHolds } from './alarm-holds';
import { checkDefinition } from './claim-check';
import { createClaims } from './claims';
import { driveOutput } from './drive';
import { createFlowLife } from './flow-life';
import { createHolding } from './holding';
import { capEnd, isUsedUp, leaseTimerKind, usedUp } from './leases';
import { createLeaving } from './leaving';
import { createLeftOns } from './left-on';
import type { ManagedOutput } from './managed';
import type { OutputsOptions } from './options';
import { createOwedRows } from './owed-rows';
import { createSharedContacts } from './shared-contacts';
import { deleteLease, deleteTimer, writeLease, writeOutput } from './writes';

/** What a node tells of an output that it works on. */
export interface NodeOutput extends Pick<OutputDefinition, 'deviceId' | 'output' | 'name'> {
  nodeId: string;
  /** Absent: a relay. */
  kind?: OutputDefinition['kind'];
  /** How it is on when it is set on by hand. */
  manner?: OutputManner;
  priority?: number;
}

/** An output with its living leases. */
export type HeldOutput = OutputState & { leases: Lease[] };

export interface Outputs extends AlarmHolds {
  /** Takes over what the last run has left. Nothing is written or sent before `flowsStarted`. */
  resume(state: ResumeState): void;
  /** A node tells which output it works on; one node may tell of several. Throws E_BAD_OUTPUT, E_BAD_MANNER (user). */
  define(definition: NodeOutput): Promise<void>;
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
  /** The same for one output: a siren is silenced, the others go on. Throws E_UNKNOWN_OUTPUT (user). */
  reset(id: OutputId, who: string): Promise<void>;
  /** The node is disarmed: what it holds is released at once and stays released. Its later claims are the caller's to refuse. */
  releaseNode(nodeId: string): Promise<void>;
  /** Drives the output; resolves when the device has confirmed the newest desired state. */
  reconcile(outputId: OutputId): Promise<void>;
  /** A device is back: all of its outputs are driven again. */
  deviceOnline(deviceId: string): void;
  /** A device has told who it is: what is on there is known by its serial number from now on. */
  deviceKnown(deviceId: string): void;
  /**
   * A device is removed or found elsewhere from now on: what is or may be on there is switched off by its last
   * connection, `device`, or else told in the log and the audit trail. Never rejects; ends soon after the signal aborts.
   */
  deviceLeaving(device: ConnectedDevice, address: string, signal: AbortSignal, place?: DevicePlace): Promise<void>;
  /** What may be on where no device of the flow is any more. */
  leftOn(): LeftOn[];
  /** A person has seen to it. One that is gone meanwhile is no error. */
  acknowledgeLeftOn(id: string, who: string): Promise<void>;
  /** The site's dry run has begun or ended: what was held only on paper is driven, or no longer. */
  dryRunTurned(): Promise<void>;
  /** Known outputs by id. */
  list(): HeldOutput[];
  /** Those of these that are known, by id. */
  of(ids: Iterable<OutputId>): HeldOutput[];
}

export function createOutputs(options: OutputsOptions): Outputs {
  const { clock, log } = options;
  const holding = createHolding(options);
  const { book, managed } = holding;
  const owedRows = createOwedRows(options, holding);
  const leftOns = createLeftOns(options, holding);
  const byId = (outputs: HeldOutput[]): HeldOutput[] => outputs.sort((a, b) => (a.id < b.id ? -1 : 1));
  const held = ({ state }: ManagedOutput): HeldOutput => ({
    ...state,
    leases: book.livingOf(state.id).map((lease) => ({ ...lease })),
  });
  const driveParts = {
    ...options,
    endOf: holding.endOf,
    sinceOf: holding.sinceOf,
    placeOf: holding.placeOf,
    leaveBehind: leftOns.add,
    isHeldForReal: holding.isHeldForReal,
    contacts: createSharedContacts(managed, options.devices, (id) => options.dryRun?.(id) ?? false),
    ask: holding.ask,
    forget: (id: OutputId) => {
      managed.delete(id);
    },
  };

  function reconcile(id: OutputId): Promise<void> {
    const output = managed.get(id);
    if (!output) return Promise.resolve();
    if (output.looking?.overtaken()) output.looking.stop.abort();
    output.driving ??= driveOutput(driveParts, output).finally(() => {
      output.driving = null;
    });
    return output.driving;
  }

  async function leaseDue(timer: TimerRow, shiftMs = 0): Promise<void> {
    const leaseId = String(timer.payload.leaseId);
    const lease = book.get(leaseId);
    const change = emptyChange();
    if (lease && book.isLiving(leaseId)) {
      // A countdown that was moved on has its own timer row on the way. Its time is the row's, not the wall clock's:
      // that may have been set while the time ran down.
      if (lease.endsAt !== null && lease.endsAt > timer.at + shiftMs) return;
      if (lease.endsAt === null) deleteTimer(change, timer.id);
      else holding.end(lease.endsAt === capEnd(lease) ? { ...lease, spent: true } : lease, change);
    } else {
      // Ended already: by a try whose rows did not reach the disk, or while the process was away.
      deleteTimer(change, timer.id);
      if (lease) writeLease(change, lease);
      else deleteLease(change, leaseId);
      const output = managed.get(String(timer.payload.outputId));
      if (output) writeOutput(change, output.state);
    }
    try {
      await holding.commit(change);
    } catch (error) {
      // Off is the safe side: a full disk must not keep a siren on.
      holding.ask(String(timer.payload.outputId));
      throw error;
    }
    if (typeof timer.payload.alarmId === 'string') holding.tellEnded([timer.payload.alarmId]);
  }
  options.timers.onDue(leaseTimerKind, leaseDue);

  /** A hold is a duration: when the wall clock is set, its times move with it, in memory, on disk and at the timers. */
  function moveAll(byMs: number): void {
    const change = emptyChange();
    for (const lease of book.all()) holding.move(lease, byMs, change);
    // The devices' timers run on: as wall times they have moved as well.
    for (const output of managed.values()) {
      if (output.netUntil !== null) output.netUntil += byMs;
      if (output.soundsSince !== null) output.soundsSince += byMs;
    }
    holding.commit(change).catch((thrown: unknown) => {
      log.warn('output.leases-not-moved', { byMs, error: asAlarmflowError(thrown).message });
    });
  }
  options.timers.onWallSet?.(moveAll);

  function knownOutput(id: OutputId): ManagedOutput {
    const output = managed.get(id);
    if (output) return output;
    throw userError('E_UNKNOWN_OUTPUT', `There is no output "${id}": it may have been removed from the flow`);
  }

  /** @param only null: all outputs */
  async function reset(only: ManagedOutput | null, who: string): Promise<void> {
    options.timers.watchWall?.();
    const change = emptyChange();
    const now = clock.now();
    const alarmIds = new Set<string>();
    const outputs = new Set<OutputId>();
    const ended: string[] = [];
    let dropped = 0;
    for (const lease of book.all()) {
      if (only && lease.outputId !== only.state.id) continue;
      if (book.isLiving(lease.id)) {
        dropped++;
        outputs.add(lease.outputId);
      }
      if (lease.alarmId !== null) alarmIds.add(lease.alarmId);
      holding.end(lease.alarmId === null || isUsedUp(lease, now) ? lease : usedUp(lease, now), change);
      ended.push(lease.id);
    }
    addWrites(change, 'audit', {
      id: sortableId(now),
      at: now,
      who,
      action: 'output.reset',
      subject: only ? only.state.id : 'all outputs',
      detail: only
        ? `${only.state.name}: ${dropped} leases dropped`
        : `${dropped} leases on ${outputs.size} outputs dropped`,
      facts: { kind: 'output-reset', ...(only ? { output: only.state.id } : {}) },
    });
    await owedRows.commit(change, ended);
    holding.tellEnded(alarmIds);
  }

  return {
    ...createAlarmHolds(options, holding),
    ...createFlowLife(options, holding, leftOns, reconcile),
    request: createClaims(options, holding, owedRows),
    reconcile,

    async define(definition) {
      checkDefinition(definition);
      const { manner, priority } = definition;
      const change = emptyChange();
      holding.manage(
        {
          nodeId: definition.nodeId,
          deviceId: definition.deviceId,
          kind: definition.kind ?? 'relay',
          output: heldOutput(definition),
          name: definition.name,
          defined: { ...(manner ? { manner } : {}), ...(priority === undefined ? {} : { priority }) },
        },
        change,
      );
      await holding.commit(change);
    },

    detach(nodeId) {
      for (const output of managed.values()) output.definers.delete(nodeId);
    },

    async setMode(id, mode, who) {
      const output = knownOutput(id);
      if (mode !== 'auto' && mode !== 'on' && mode !== 'off')
        throw userError('E_BAD_MODE', `Output "${output.state.name}" knows the modes auto, on and off, not "${mode}"`);
      const change = emptyChange();
      const now = clock.now();
      const former = output.state.mode;
      const { modeDry: formerDry, ...rest } = output.state;
      const isDry = mode === 'on' && (former === 'on' ? formerDry === true : options.dryRun?.(id) === true);
      output.state = { ...rest, mode, ...(isDry ? { modeDry: true } : {}) };
      // Set by hand, it is sent in any case: somebody may have switched at the device.
      output.demand++;
      writeOutput(change, output.state);
      holding.refresh(id, change);
      addWrites(change, 'audit', {
        id: sortableId(now),
        at: now,
        who,
        action: 'output.mode',
        subject: id,
        detail: `${output.state.name}: ${former} → ${mode}`,
        facts: { kind: 'output-mode', output: id, mode },
      });
      change.afterCommit.push(() => holding.ask(id));
      try {
        await holding.commit(change);
      } catch (error) {
        // What is not on record would be forgotten at the next start: then it is not in force either.
        const { modeDry: _dry, ...now } = output.state;
        output.state = { ...now, mode: former, ...(formerDry ? { modeDry: true } : {}) };
        holding.refresh(id, emptyChange());
        throw error;
      }
    },

    resetAll: (who) => reset(null, who),
    async reset(id, who) {
      await reset(knownOutput(id), who);
    },

    async releaseNode(nodeId) {
      options.timers.watchWall?.();
      const change = emptyChange();
      const now = clock.now();
      const alarmIds = new Set<string>();
      const ended: string[] = [];
      for (const lease of book.all()) {
        if (lease.nodeId !== nodeId) continue;
        if (lease.alarmId !== null) alarmIds.add(lease.alarmId);
        holding.end(lease.alarmId === null || isUsedUp(lease, now) ? lease : usedUp(lease, now), change);
        ended.push(lease.id);
      }
      await owedRows.commit(change, ended);
      holding.tellEnded(alarmIds);
    },

    deviceLeaving: createLeaving(options, holding, leftOns),
    leftOn: leftOns.list,
    acknowledgeLeftOn: leftOns.acknowledge,

    deviceOnline(deviceId) {
      for (const [id, output] of managed) {
        if (output.state.deviceId !== deviceId) continue;
        output.demand++;
        holding.ask(id);
      }
    },

    deviceKnown(deviceId) {
      const change = emptyChange();
      for (const output of managed.values()) {
        const place = output.state.deviceId === deviceId && output.state.onAt ? holding.placeOf(output) : null;
        const known = place && output.state.onAt?.find((other) => samePlace(other, place));
        if (!place || !known || place.serialNumber === '' || known.serialNumber === place.serialNumber) continue;
        output.state = { ...output.state, onAt: withPlace(output.state.onAt, place) };
        writeOutput(change, output.state);
      }
      holding.commit(change).catch((thrown: unknown) => {
        // Without it the device is not visited where it was, but people are told all the same.
        log.warn('output.place-not-kept', { device: deviceId, error: asAlarmflowError(thrown).message });
      });
    },

    async dryRunTurned() {
      const change = emptyChange();
      for (const [id, output] of managed) {
        holding.endDry(id, change);
        output.demand++;
        change.afterCommit.push(() => holding.ask(id));
      }
      try {
        await holding.commit(change);
      } catch (thrown) {
        // In memory it counts already; the next start looks at the rows once more.
        log.warn('output.dry-run-not-kept', { error: asAlarmflowError(thrown).message });
        for (const follow of change.afterCommit) follow();
      }
    },

    list: () => byId([...managed.values()].map(held)),
    of: (ids) => byId([...ids].flatMap((id) => managed.get(id) ?? []).map(held)),
  };
}
