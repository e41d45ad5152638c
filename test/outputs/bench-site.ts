/** A record, timers, devices and an executor in memory, that a test can kill and build anew from what was committed. */

import type { Timer } from '../../engine/clock/clock';
import { VirtualClock } from '../../engine/clock/virtual-clock';
import { createWallWatch, type WallWatch } from '../../engine/clock/wall-watch';
import type { Alarm, AlarmPhase } from '../../engine/domain/alarms';
import type { ConnectedDevice, DevicePlace, PtzMove, SwitchKind, SwitchManner } from '../../engine/domain/devices';
import { type AlarmflowError, operationalError, userError } from '../../engine/domain/errors';
import { silentLog } from '../../engine/domain/log';
import { moveWords } from '../../engine/domain/output-words';
import type {
  HoldPolicy,
  Lease,
  LeftOn,
  OutputClaim,
  OutputKind,
  OutputManner,
  OutputState,
} from '../../engine/domain/outputs';
import { samePlace } from '../../engine/domain/outputs';
import type { PtzOutcome, PtzTurn } from '../../engine/domain/ptz-outcomes';
import {
  type AuditRow,
  type Change,
  emptyChange,
  type RecordWriter,
  type RecordWrites,
  type ResumeState,
  type StandingRow,
  type TimerRow,
} from '../../engine/domain/record';
import type { DurableTimers } from '../../engine/domain/timers';
import { createOutputs, type Outputs } from '../../engine/outputs';

export const START = 1_795_000_000_000;
/** How long a camera is looked at. */
export const TURN_MS = 3_000;

export const placeAt = (host: string, serialNumber = ''): DevicePlace => ({
  driver: 'hikvision',
  host,
  port: 80,
  tls: false,
  deviceName: 'Box',
  serialNumber,
});

/** What is on disk. */
export class MemoryRecord implements RecordWriter {
  readonly leases = new Map<string, Lease>();
  readonly timers = new Map<string, TimerRow>();
  readonly outputs = new Map<string, OutputState>();
  readonly audit: AuditRow[] = [];
  /** What other parts keep. */
  standing: StandingRow[] = [];
  commits = 0;
  failing = false;

  async commit(writes: RecordWrites): Promise<void> {
    const copy = structuredClone(writes);
    await Promise.resolve();
    if (this.failing) throw operationalError('E_RECORD_WRITE', 'The record cannot be written: the disk is full');
    this.commits++;
    for (const id of copy.leasesDeleted ?? []) this.leases.delete(id);
    for (const id of copy.timersDeleted ?? []) this.timers.delete(id);
    for (const id of copy.outputsDeleted ?? []) this.outputs.delete(id);
    for (const row of copy.leases ?? []) this.leases.set(row.id, row);
    for (const row of copy.timers ?? []) this.timers.set(row.id, row);
    for (const row of copy.outputs ?? []) this.outputs.set(row.id, row);
    const gone = new Set([...(copy.standingDeleted ?? []), ...(copy.standing ?? []).map(({ id }) => id)]);
    this.standing = [...this.standing.filter(({ id }) => !gone.has(id)), ...(copy.standing ?? [])];
    this.audit.push(...(copy.audit ?? []));
  }

  resume(alarms: Alarm[]): ResumeState {
    return structuredClone({
      gateStates: [],
      alarms,
      timers: [...this.timers.values()],
      flowMessages: [],
      leases: [...this.leases.values()],
      outputs: [...this.outputs.values()],
      standing: this.standing,
    });
  }
}

class ClockTimers implements DurableTimers {
  readonly #handlers = new Map<string, (timer: TimerRow, shiftMs?: number) => Promise<void>>();
  readonly #armed = new Map<string, Timer>();
  readonly #clock: VirtualClock;
  readonly #wall: WallWatch;

  constructor(clock: VirtualClock) {
    this.#clock = clock;
    this.#wall = createWallWatch(clock);
  }

  watchWall = (): void => this.#wall.look();
  onWallSet = (moved: (byMs: number) => void): void => this.#wall.onSet(moved);

  onDue(kind: string, handler: (timer: TimerRow) => Promise<void>): void {
    this.#handlers.set(kind, handler);
  }

  arm(row: TimerRow): void {
    this.watchWall();
    this.disarm(row.id);
    const jumped = this.#wall.jumped();
    const fire = (): void => {
      this.watchWall();
      this.#armed.delete(row.id);
      this.#handlers
        .get(row.kind)?.(row, this.#wall.jumped() - jumped)
        .catch(() => this.#armed.set(row.id, this.#clock.after(1_000, fire)));
    };
    this.#armed.set(row.id, this.#clock.after(row.at - this.#clock.now(), fire));
  }

  disarm(id: string): void {
    this.#armed.get(id)?.cancel();
    this.#armed.delete(id);
  }

  close(): void {
    for (const id of [...this.#armed.keys()]) this.disarm(id);
  }

  ids(): string[] {
    return [...this.#armed.keys()];
  }
}

/** A relay box: its relays, every command it took, and the ways in which it can fail. */
export class RelayBox implements ConnectedDevice {
  readonly id: string;
  readonly name: string;
  readonly relays = new Map<string, boolean>();
  readonly commands: { output: string; on: boolean; at: number }[] = [];
  /** Sirens, lights, recordings and lines by `<kind>/<name>`. */
  readonly switches = new Map<string, { on: boolean; manner: SwitchManner }>();
  /** Every order to a switch or a camera, in words. */
  readonly orders: string[] = [];
  /** Where each channel was last told to look. */
  readonly looks = new Map<number, PtzMove>();
  readonly aux = new Set<string>();
  /** Kinds that it has not got. */
  readonly lacks = new Set<SwitchKind | 'ptz'>();
  /** The password is refused. */
  refuses = false;
  away = false;
  /** Milliseconds that a command takes. */
  slowMs = 0;
  /** Says yes and does nothing; a camera tells that it has not moved. */
  stuck = false;
  /** What its camera tells of a move; null: nothing. */
  turned: PtzOutcome | null = null;
  readsBack = true;
  atOnce = 0;
  mostAtOnce = 0;
  readonly #clock: VirtualClock;

  constructor(id: string, clock: VirtualClock) {
    this.id = id;
    this.name = id;
    this.#clock = clock;
  }

  async setOutput(output: string, on: boolean, signal: AbortSignal): Promise<boolean | null> {
    return this.#during(signal, () => {
      this.commands.push({ output, on, at: this.#clock.now() });
      if (!this.stuck) this.relays.set(output, on);
      return this.readsBack ? (this.relays.get(output) ?? false) : null;
    });
  }

  async #during<T>(signal: AbortSignal, act: () => T): Promise<T> {
    this.atOnce++;
    this.mostAtOnce = Math.max(this.mostAtOnce, this.atOnce);
    try {
      if (this.slowMs > 0) await this.#clock.sleep(this.slowMs, signal);
      if (this.away) throw operationalError('E_DEVICE_OFFLINE', `${this.name} is offline: check its power`);
      if (this.refuses)
        throw operationalError('E_CREDENTIALS_REFUSED', `${this.name} refuses the password: correct it in its dialog`);
      return act();
    } finally {
      this.atOnce--;
    }
  }

  setSwitch(
    kind: SwitchKind,
    name: string,
    on: boolean,
    manner: SwitchManner,
    signal: AbortSignal,
  ): Promise<boolean | null> {
    return this.#during(signal, () => {
      if (this.lacks.has(kind)) throw userError('E_NOT_SUPPORTED', `"${this.name}" has no ${kind}: choose another`);
      this.orders.push(`${kind} ${name} ${on ? 'on' : 'off'}`);
      if (!this.stuck) this.switches.set(`${kind}/${name}`, { on, manner: { ...manner } });
      return this.readsBack ? (this.switches.get(`${kind}/${name}`)?.on ?? false) : null;
    });
  }

  ptz(channel: number, move: PtzMove, signal: AbortSignal): Promise<void> {
    return this.#during(signal, () => {
      if (this.lacks.has('ptz')) throw userError('E_NOT_SUPPORTED', `"${this.name}" has no PTZ: choose another`);
      this.orders.push(`${channel}: ${moveWords(move)}${move.move === 'aux' ? (move.on ? ' on' : ' off') : ''}`);
      if (this.stuck) return;
      if (move.move !== 'aux') this.looks.set(channel, move);
      else if (move.on) this.aux.add(`${channel}/${move.number}`);
      else this.aux.delete(`${channel}/${move.number}`);
    });
  }

  async turn(channel: number, move: PtzMove, signal: AbortSignal): Promise<PtzTurn> {
    await this.ptz(channel, move, signal);
    const outcome = this.stuck ? 'not-moved' : this.turned;
    if (outcome === null) return { arrival: null };
    return {
      arrival: async (stop) => {
        // What keeps it from sleeping on is the abort alone.
        await this.#clock.sleep(TURN_MS, stop).catch(() => undefined);
        return stop.aborted ? 'overtaken' : outcome;
      },
    };
  }

  readOutput = async (output: string): Promise<boolean | null> => this.relays.get(output) ?? null;
  snapshot = (): Promise<never> => Promise.reject(new Error('no camera'));
  gotoPreset = (): Promise<never> => Promise.reject(new Error('no camera'));
}

export const anAlarm = (id: string, at: number, fields: Partial<Alarm> = {}): Alarm => ({
  id,
  triggerId: 'trigger',
  triggerName: 'Thermal alarm',
  key: 'cam/1',
  topic: 'site/cam/1/temperature-alarm',
  deviceId: 'cam',
  deviceName: 'Hall',
  type: 'temperature-alarm',
  level: 'alarm',
  state: 'active',
  count: 1,
  raisedAt: at,
  seenAt: at,
  clearedAt: null,
  endedAt: null,
  endReason: null,
  latched: false,
  acknowledgedAt: null,
  acknowledgedBy: null,
  event: {
    id: `event-${id}`,
    deviceId: 'cam',
    type: 'temperature-alarm',
    vendorType: 'TMA',
    phase: 'start',
    deviceTime: null,
    deviceAt: null,
    receivedAt: at,
    clockSuspect: false,
    late: false,
    pictures: [],
  },
  ...fields,
});

/** A node as a flow has it. */
export interface BenchNode {
  nodeId: string;
  output: string;
  kind?: OutputKind;
  manner?: OutputManner;
  priority?: number;
}

/** One site: survives `kill` with nothing but what was committed, and the alarms, which have a record of their own. */
export class BenchSite {
  /** Names of what was warned of. */
  readonly warnings: string[] = [];
  readonly clock = new VirtualClock(START);
  readonly record = new MemoryRecord();
  readonly box = new RelayBox('box', this.clock);
  readonly alarms = new Map<string, Alarm>();
  readonly holdEnded: string[] = [];
  announced: string[] = [];
  requests: { id: string; generation: number }[] = [];
  /** Ids of outputs that are held and not driven; null: all of them. */
  dry: Set<string> | null = new Set();
  /** Where the box is found; null: the flow has it no more. */
  place: DevicePlace | null = placeAt('192.0.2.10');
  /** What is found at addresses where the box was; nothing: no answer. */
  readonly visited = new Map<string, RelayBox>();
  /** Why there is no visit, whatever is found there. */
  noVisit: AlarmflowError | null = null;
  /** What people are told of cameras that did not return. */
  readonly notReturned: string[] = [];
  /** What people are told to be left on. */
  readonly told = new Map<string, LeftOn>();
  outputs!: Outputs;
  timers!: ClockTimers;
  #life = 0;
  #nodes: BenchNode[];

  constructor(nodes: BenchNode[] = [{ nodeId: 'relay-node', output: '1' }]) {
    this.#nodes = nodes;
  }

  /** Starts or, after `kill`, starts again. */
  async start(nodes = this.#nodes): Promise<void> {
    this.#nodes = nodes;
    const life = ++this.#life;
    const alive = (): boolean => life === this.#life;
    this.timers = new ClockTimers(this.clock);
    const pending = new Set<string>();
    const run = (id: string): void => {
      if (!alive()) return;
      pending.delete(id);
      // As the executor does: whatever the reason is, until it succeeds.
      outputs.reconcile(id).catch(() => this.clock.after(500, () => run(id)));
    };
    const outputs = createOutputs({
      writer: { commit: (writes) => (alive() ? this.record.commit(writes) : new Promise(() => undefined)) },
      clock: this.clock,
      log: { ...silentLog, warn: (event) => void this.warnings.push(event) },
      notReturned: (_output, words) => void this.notReturned.push(words),
      timers: this.timers,
      devices: {
        device: (id) => {
          if (id === 'box' && this.place) return this.box;
          throw userError('E_UNKNOWN_DEVICE', 'The flow defines no such device: choose one that exists');
        },
      },
      places: {
        placeOf: () => this.place,
        deviceAt: (place) => {
          const { place: here } = this;
          const same =
            here && (samePlace(here, place) || (here.serialNumber !== '' && here.serialNumber === place.serialNumber));
          return same ? 'box' : null;
        },
        visit: async (_id, place, work, signal) => {
          if (this.noVisit) throw this.noVisit;
          const found = this.visited.get(place.host);
          if (!found) throw operationalError('E_DEVICE_OFFLINE', `${place.host} does not answer`);
          await work(found, signal);
        },
      },
      leftOn: {
        stands: (left) => void this.told.set(left.id, left),
        over: (left) => void this.told.delete(left.id),
      },
      requestReconcile: (id, generation) => {
        if (!alive()) return;
        this.requests.push({ id, generation });
        if (pending.has(id)) return;
        pending.add(id);
        setImmediate(() => run(id));
      },
      dryRun: (id) => this.dry === null || this.dry.has(id),
      alarm: (id) => this.alarms.get(id),
      holdEnded: (id) => {
        this.holdEnded.push(id);
        this.#endIfOver(id);
      },
      announce: (announcement) => {
        if (announcement.kind === 'output') this.announced.push(announcement.data.id);
      },
    });
    this.outputs = outputs;
    const state = this.record.resume([...this.alarms.values()]);
    outputs.resume(state);
    await this.deploy(nodes);
    for (const timer of state.timers) if (!this.timers.ids().includes(timer.id)) this.timers.arm(timer);
    await this.settle();
  }

  /** Closes every node and opens these. */
  async deploy(nodes: BenchNode[]): Promise<void> {
    for (const { nodeId } of this.#nodes) this.outputs.detach(nodeId);
    this.#nodes = nodes;
    for (const node of nodes) await this.outputs.define({ ...node, deviceId: 'box', name: `Relay ${node.output}` });
    await this.outputs.flowsStarted();
    await this.settle();
  }

  /** As SIGKILL: memory is gone, what was not committed is lost. */
  kill(): void {
    this.#life++;
    this.timers.close();
  }

  async restart(): Promise<void> {
    this.kill();
    await this.start();
  }

  settle = (): Promise<void> => this.clock.advance(0);
  advance = (ms: number): Promise<void> => this.clock.advance(ms);

  claim(alarmId: string | null, hold: Partial<HoldPolicy> = {}, fields: Partial<OutputClaim> = {}): OutputClaim {
    const alarm = alarmId === null ? null : (this.alarms.get(alarmId) ?? anAlarm(alarmId, this.clock.now()));
    return {
      nodeId: 'relay-node',
      nodeName: 'Siren',
      deviceId: 'box',
      output: '1',
      alarm: alarm && { ...alarm, phase: 'raise' as AlarmPhase },
      messageId: `message-${alarmId}`,
      condition: true,
      topic: '',
      ...fields,
      hold: { afterClearMs: 10_000, capMs: null, ...hold },
    };
  }

  async raise(alarmId: string, hold: Partial<HoldPolicy> = {}, fields: Partial<OutputClaim> = {}): Promise<void> {
    this.alarms.set(alarmId, anAlarm(alarmId, this.clock.now()));
    await this.outputs.request(this.claim(alarmId, hold, fields));
    await this.settle();
  }

  async message(condition: boolean, hold: Partial<HoldPolicy> = {}, fields: Partial<OutputClaim> = {}): Promise<void> {
    await this.outputs.request(this.claim(null, hold, { condition, ...fields }));
    await this.settle();
  }

  async clear(alarmId: string): Promise<void> {
    const now = this.clock.now();
    this.#change(alarmId, { state: 'clearing', clearedAt: now });
    await this.#commit((change) => this.outputs.alarmCleared(alarmId, now, change));
    this.#endIfOver(alarmId);
    await this.settle();
  }

  async resume(alarmId: string): Promise<void> {
    const now = this.clock.now();
    this.#change(alarmId, {
      state: 'active',
      clearedAt: null,
      seenAt: now,
      count: this.alarms.get(alarmId)!.count + 1,
    });
    // An alarm that comes back does so by a start, which counts.
    await this.#commit((change) => {
      this.outputs.alarmResumed(alarmId, now, change);
      this.outputs.alarmMerged?.(alarmId, now, change);
    });
    await this.settle();
  }

  /** A further start of the running alarm. */
  async merge(alarmId: string): Promise<void> {
    this.#change(alarmId, { count: this.alarms.get(alarmId)!.count + 1, seenAt: this.clock.now() });
    await this.#commit((change) => this.outputs.alarmMerged?.(alarmId, this.clock.now(), change));
    await this.settle();
  }

  /** A reset by hand. */
  async end(alarmId: string): Promise<void> {
    this.alarms.delete(alarmId);
    await this.#commit((change) => this.outputs.alarmEnded(alarmId, this.clock.now(), change));
    await this.settle();
  }

  get on(): boolean {
    return this.box.relays.get('1') ?? false;
  }

  #change(alarmId: string, fields: Partial<Alarm>): void {
    this.alarms.set(alarmId, { ...this.alarms.get(alarmId)!, ...fields });
  }

  #endIfOver(alarmId: string): void {
    const alarm = this.alarms.get(alarmId);
    if (alarm?.state !== 'clearing' || this.outputs.holdsFor(alarmId)) return;
    this.alarms.delete(alarmId);
    this.#commit((change) => this.outputs.alarmEnded(alarmId, this.clock.now(), change)).catch(() => {
      // As the engine's alarms do: it ends when that can be written.
      this.alarms.set(alarmId, alarm);
      this.clock.after(1_000, () => this.#endIfOver(alarmId));
    });
  }

  async #commit(decide: (change: Change) => void): Promise<void> {
    const change = emptyChange();
    // The engine's alarms look at the clock before they decide.
    this.timers.watchWall();
    decide(change);
    await this.record.commit(change.writes);
    for (const follow of change.afterCommit) follow();
  }
}
