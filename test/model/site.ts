/** The engine's own alarms, outputs and timers on a record in memory, as a process that can be killed at any moment. */
import { type Alarms, createAlarms } from '../../engine/alarms';
import type { Clock } from '../../engine/clock/clock';
import { VirtualClock } from '../../engine/clock/virtual-clock';
import type { Alarm, AlarmMessage } from '../../engine/domain/alarms';
import { operationalError } from '../../engine/domain/errors';
import type { DeviceEvent, EventPhase } from '../../engine/domain/events';
import { silentLog } from '../../engine/domain/log';
import type { HoldPolicy } from '../../engine/domain/outputs';
import type { RecordWrites, ResumeState } from '../../engine/domain/record';
import type { ArmingSchedule, SchedulePeriod, Weekday } from '../../engine/domain/schedules';
import { weekdays } from '../../engine/domain/schedules';
import type { AlarmPolicy } from '../../engine/domain/triggers';
import { createTimers, type Timers } from '../../engine/executor/timers';
import { createOutputs, type Outputs } from '../../engine/outputs';

const EIGHT = Date.UTC(2026, 10, 21, 8);

/** Saturday, 2026-11-21, a little after 08:00 UTC: no edge of the schedule falls on the moment of an event. */
export const START = EIGHT + 137.5;

/** On Saturdays two minutes armed, one not, from 07:00 to 10:00 UTC. */
const saturdays: SchedulePeriod[] = Array.from({ length: 60 }, (_, n) => ({ from: 420 + 3 * n, to: 422 + 3 * n }));
const SCHEDULE = 'minutes';

/** Whether that schedule arms at a wall time of the run. */
export function armedByMinutes(wall: number): boolean {
  const minute = Math.floor((wall - EIGHT) / 60_000) + 60;
  return minute >= 0 && minute < 180 && minute % 3 < 2;
}

/** How many milliseconds until it turns. */
export function untilTurn(wall: number): number {
  const armed = armedByMinutes(wall);
  let at = wall - ((((wall - EIGHT) % 60_000) + 60_000) % 60_000) + 60_000;
  while (armedByMinutes(at) === armed && at - wall < 86_400_000) at += 60_000;
  return at - wall;
}

interface Disk {
  readonly rows: { [List in keyof ResumeState]: Map<string, ResumeState[List][number]> };
  readonly alarms: Map<string, Alarm>;
  readonly decisions: { key: string; text: string }[];
}

const rowKey: { [List in keyof ResumeState]: (row: ResumeState[List][number]) => string } = {
  gateStates: (row) => `${row.triggerId}|${row.key}`,
  alarms: (row) => row.id,
  timers: (row) => row.id,
  flowMessages: (row) => row.messageId,
  leases: (row) => row.id,
  outputs: (row) => row.id,
  standing: (row) => row.id,
};

export interface ModelSite {
  readonly clock: VirtualClock;
  readonly alarms: Alarms;
  readonly outputs: Outputs;
  /** Unique messages by key, in the order of their first delivery. */
  readonly messages: Map<string, string[]>;
  /** Message ids that were delivered more than once by one process. */
  readonly doubled: string[];
  /** Raises that have surely reached their actions, as it happens: steady time and alarm. */
  readonly settled: { at: number; alarmId: string }[];
  /** What the record holds of a key's decisions, as `outcome/reason`. */
  decisions(key: string): string[];
  /** Alarms of a key in the order of their raises. */
  raised(key: string): string[];
  accept(channel: number, phase: EventPhase): Promise<void>;
  /** The next commit fails. */
  failNext(): void;
  /** From now on nothing reaches the disk: only a restart helps. */
  stall(): void;
  /** Kills the process. */
  kill(): void;
  start(): Promise<void>;
  deploy(policy: AlarmPolicy): Promise<void>;
  watchWall(): void;
}

export const keyOf = (channel: number): string => `device=cam;channel=${channel};type=motion`;

export async function modelSite(first: AlarmPolicy, hold: HoldPolicy): Promise<ModelSite> {
  const clock = new VirtualClock(START, settleQuickly);
  const disk: Disk = {
    rows: {
      gateStates: new Map(),
      alarms: new Map(),
      timers: new Map(),
      flowMessages: new Map(),
      leases: new Map(),
      outputs: new Map(),
      standing: new Map(),
    },
    alarms: new Map(),
    decisions: [],
  };
  const relays = new Map<string, boolean>();
  const messages = new Map<string, string[]>();
  const known = new Set<string>();
  const doubled: string[] = [];
  const settled: { at: number; alarmId: string }[] = [];
  let policy = first;
  let failures = 0;
  let stalled = false;
  let life = 0;
  let events = 0;
  let delivered = new Set<string>();
  let parts: { alarms: Alarms; outputs: Outputs; timers: Timers };

  const keep = (writes: RecordWrites): void => {
    const { rows } = disk;
    const put = <List extends keyof ResumeState>(
      list: List,
      added: readonly ResumeState[List][number][] = [],
    ): void => {
      for (const row of added) rows[list].set(rowKey[list](row), row);
    };
    for (const { triggerId, key } of writes.gateStatesDeleted ?? []) rows.gateStates.delete(`${triggerId}|${key}`);
    for (const id of writes.timersDeleted ?? []) rows.timers.delete(id);
    for (const id of writes.flowMessagesSettled ?? []) rows.flowMessages.delete(id);
    for (const id of writes.leasesDeleted ?? []) rows.leases.delete(id);
    for (const id of writes.outputsDeleted ?? []) rows.outputs.delete(id);
    for (const id of writes.standingDeleted ?? []) rows.standing.delete(id);
    put('gateStates', writes.gateStates);
    put('timers', writes.timers);
    put('flowMessages', writes.flowMessages);
    put('leases', writes.leases);
    put('outputs', writes.outputs);
    put('standing', writes.standing);
    for (const alarm of writes.alarms ?? []) {
      disk.alarms.set(alarm.id, alarm);
      if (alarm.endedAt === null) rows.alarms.set(alarm.id, alarm);
      else rows.alarms.delete(alarm.id);
    }
    for (const { key, outcome, reason } of writes.decisions ?? []) {
      disk.decisions.push({ key: key ?? '', text: `${outcome}/${reason}` });
    }
    for (const id of writes.flowMessagesSettled ?? []) {
      if (id.endsWith(':raise')) settled.push({ at: clock.monotonic(), alarmId: id.slice(0, -':raise'.length) });
    }
  };

  const box = {
    id: 'box',
    name: 'Box',
    async setOutput(output: string, on: boolean): Promise<boolean> {
      relays.set(output, on);
      return on;
    },
  };

  const defineFlow = async ({ alarms, outputs }: typeof parts, mine: number): Promise<void> => {
    await alarms.defineSchedule({
      id: SCHEDULE,
      name: 'Minutes',
      timeZone: 'UTC',
      week: Object.fromEntries(weekdays.map((day) => [day, day === 'saturday' ? saturdays : []])) as unknown as Record<
        Weekday,
        SchedulePeriod[]
      >,
    } as ArmingSchedule);
    await alarms.defineTrigger({ id: 'trigger', name: 'Line', filter: { types: ['motion'] }, policy }, (message) => {
      if (mine === life) deliver(message, outputs);
    });
    await outputs.define({ nodeId: 'relay', deviceId: 'box', output: '1', name: 'Siren' });
    await alarms.flowsStarted();
    await outputs.flowsStarted();
  };

  const deliver = (message: AlarmMessage, outputs: Outputs): void => {
    const { messageId, alarm } = message;
    if (delivered.has(messageId)) doubled.push(messageId);
    delivered.add(messageId);
    if (!known.has(messageId)) {
      known.add(messageId);
      messages.set(alarm.key, [...(messages.get(alarm.key) ?? []), messageId.slice(alarm.id.length + 1)]);
    }
    void outputs.request({
      nodeId: 'relay',
      nodeName: 'Siren',
      deviceId: 'box',
      output: '1',
      alarm,
      messageId,
      condition: message.payload,
      topic: message.topic,
      hold,
    });
  };

  const start = async (): Promise<void> => {
    const mine = ++life;
    delivered = new Set();
    stalled = false;
    const alive =
      <Args extends unknown[]>(act: (...args: Args) => void) =>
      (...args: Args): void => {
        if (mine === life) act(...args);
      };
    const own: Clock = {
      now: () => clock.now(),
      monotonic: () => clock.monotonic(),
      after: (ms, callback) => clock.after(ms, alive(callback)),
      every: (ms, callback) => clock.every(ms, alive(callback)),
      sleep: (ms, signal) => clock.sleep(ms, signal),
    };
    const writer = {
      async commit(writes: RecordWrites): Promise<void> {
        const copy = structuredClone(writes);
        await Promise.resolve();
        if (mine !== life || stalled) return new Promise(() => undefined);
        if (failures > 0) {
          failures--;
          throw operationalError('E_RECORD_WRITE', 'The record cannot be written: the disk is full');
        }
        keep(copy);
      },
    };
    const timers = createTimers({ clock: own, log: silentLog });
    const common = { writer, clock: own, log: silentLog, timers, announce: () => undefined };
    const outputs: Outputs = createOutputs({
      ...common,
      devices: { device: () => box } as never,
      requestReconcile: (id) => void outputs.reconcile(id).catch(() => undefined),
      alarm: (id) => alarms.alarm(id),
      holdEnded: (id) => void alarms.holdEnded(id).catch(() => undefined),
    });
    const alarms = createAlarms({ ...common, holds: outputs, siteName: 'Depot', deviceName: (id) => id });
    parts = { alarms, outputs, timers };
    const state = structuredClone(
      Object.fromEntries(Object.entries(disk.rows).map(([list, rows]) => [list, [...rows.values()]])),
    ) as unknown as ResumeState;
    outputs.resume(state);
    alarms.resume(state, null);
    await defineFlow(parts, mine);
    timers.resume(state.timers);
    await clock.advance(0);
  };

  await start();
  return {
    clock,
    get alarms() {
      return parts.alarms;
    },
    get outputs() {
      return parts.outputs;
    },
    messages,
    doubled,
    settled,
    decisions: (key) => disk.decisions.filter((decision) => decision.key === key).map(({ text }) => text),
    raised: (key) => [...disk.alarms.values()].filter((alarm) => alarm.key === key).map((alarm) => alarm.id),
    accept: (channel, phase) =>
      parts.alarms.accept({
        id: `event-${String(++events).padStart(5, '0')}`,
        deviceId: 'cam',
        type: 'motion',
        vendorType: 'VMD',
        phase,
        channel,
        deviceTime: null,
        deviceAt: null,
        receivedAt: clock.now(),
        clockSuspect: false,
        late: false,
        pictures: [],
        raw: '',
      } satisfies DeviceEvent),
    failNext() {
      failures = 1;
    },
    stall() {
      stalled = true;
    },
    kill() {
      life++;
      parts.timers.close();
      parts.alarms.close();
    },
    start,
    async deploy(next) {
      policy = next;
      delivered = new Set();
      parts.alarms.detach('trigger');
      parts.alarms.detach(SCHEDULE);
      parts.outputs.detach('relay');
      await defineFlow(parts, life);
      await clock.advance(0);
    },
    watchWall: () => parts.timers.watchWall?.(),
  };
}

/** Nothing here waits for anything but promises and immediates. */
async function settleQuickly(): Promise<void> {
  for (let n = 0; n < 2; n++) await new Promise<void>((resolve) => setImmediate(resolve));
}
