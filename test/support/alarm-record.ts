/** A record in memory that can fail, timers on a virtual clock, holds by hand: what the alarms need around them. */
import { type Alarms, createAlarms } from '../../engine/alarms';
import type { VirtualClock } from '../../engine/clock/virtual-clock';
import type { Alarm, AlarmMessage, Decision } from '../../engine/domain/alarms';
import type { Announcement } from '../../engine/domain/announcements';
import { operationalError } from '../../engine/domain/errors';
import type { DeviceEvent } from '../../engine/domain/events';
import type { AlarmHolds } from '../../engine/domain/holds';
import { silentLog } from '../../engine/domain/log';
import type {
  AuditRow,
  FlowMessageRow,
  GateStateRow,
  RecordWriter,
  RecordWrites,
  ResumeState,
  StandingRow,
  TimerRow,
} from '../../engine/domain/record';
import type { DurableTimers } from '../../engine/domain/timers';
import { defaultPolicy, type TriggerDefinition } from '../../engine/domain/triggers';

/** What is on disk. Rows are stored as copies, like a database does. */
export interface MemoryRecord extends RecordWriter {
  readonly events: Map<string, DeviceEvent>;
  readonly decisions: Decision[];
  readonly alarms: Map<string, Alarm>;
  readonly gateStates: Map<string, GateStateRow>;
  readonly timers: Map<string, TimerRow>;
  readonly messages: Map<string, FlowMessageRow>;
  readonly audit: AuditRow[];
  readonly standing: Map<string, StandingRow>;
  commits: number;
  /** While set, commits wait for it to resolve, and fail if it rejects. */
  hold: (() => Promise<void>) | null;
  /** So many commits from now on fail. */
  failures: number;
  resume(): ResumeState;
}

export function memoryRecord(): MemoryRecord {
  let queue: Promise<void> = Promise.resolve();
  const record: MemoryRecord = {
    events: new Map(),
    decisions: [],
    alarms: new Map(),
    gateStates: new Map(),
    timers: new Map(),
    messages: new Map(),
    audit: [],
    standing: new Map(),
    commits: 0,
    hold: null,
    failures: 0,
    commit(writes) {
      const copy = structuredClone(writes);
      const hold = record.hold;
      const turn = queue.then(async () => {
        await hold?.();
        if (record.failures > 0) {
          record.failures--;
          throw operationalError('E_RECORD_WRITE', 'disk full');
        }
        record.commits++;
        apply(record, copy);
      });
      // The next one keeps its place whether or not this one fails; its caller learns of the failure.
      queue = turn.catch(() => undefined);
      return turn;
    },
    resume: () =>
      structuredClone({
        gateStates: [...record.gateStates.values()],
        alarms: [...record.alarms.values()].filter((alarm) => alarm.endedAt === null),
        timers: [...record.timers.values()],
        flowMessages: [...record.messages.values()],
        leases: [],
        outputs: [],
        standing: [...record.standing.values()],
      }),
  };
  return record;
}

function apply(record: MemoryRecord, writes: RecordWrites): void {
  for (const event of writes.events ?? []) record.events.set(event.id, event);
  for (const { eventId, pictures } of writes.eventPictures ?? [])
    record.events.get(eventId)?.pictures.push(...pictures);
  record.decisions.push(...(writes.decisions ?? []));
  for (const alarm of writes.alarms ?? []) record.alarms.set(alarm.id, alarm);
  for (const row of writes.gateStates ?? []) record.gateStates.set(`${row.triggerId}|${row.key}`, row);
  for (const row of writes.gateStatesDeleted ?? []) record.gateStates.delete(`${row.triggerId}|${row.key}`);
  for (const row of writes.timers ?? []) record.timers.set(row.id, row);
  for (const id of writes.timersDeleted ?? []) record.timers.delete(id);
  for (const row of writes.flowMessages ?? []) record.messages.set(row.messageId, row);
  for (const id of writes.flowMessagesSettled ?? []) record.messages.delete(id);
  for (const row of writes.standing ?? []) record.standing.set(row.id, row);
  for (const id of writes.standingDeleted ?? []) record.standing.delete(id);
  record.audit.push(...(writes.audit ?? []));
}

/** Durable timers on a virtual clock; a handler that rejects is called again after a second. */
export function virtualTimers(
  clock: VirtualClock,
): DurableTimers & { readonly set: Map<string, TimerRow>; stop(): void } {
  const set = new Map<string, TimerRow>();
  const handlers = new Map<string, (timer: TimerRow) => Promise<void>>();
  let stopped = false;
  const wait = (row: TimerRow, ms: number): void => {
    clock.after(ms, () => {
      if (stopped || set.get(row.id) !== row) return;
      handlers
        .get(row.kind)?.(row)
        .then(
          () => {
            if (set.get(row.id) === row) set.delete(row.id);
          },
          () => wait(row, 1_000),
        );
    });
  };
  return {
    set,
    onDue: (kind, handler) => handlers.set(kind, handler),
    arm(timer) {
      set.set(timer.id, timer);
      wait(timer, Math.max(0, timer.at - clock.now()));
    },
    disarm: (id) => set.delete(id),
    stop() {
      stopped = true;
    },
  };
}

/** Holds that a test sets by hand: alarms in `held` are held. */
export function handHolds(): AlarmHolds & { readonly held: Set<string>; readonly calls: string[] } {
  const held = new Set<string>();
  const calls: string[] = [];
  return {
    held,
    calls,
    alarmCleared: (id) => calls.push(`cleared ${id}`),
    alarmResumed: (id) => calls.push(`resumed ${id}`),
    alarmEnded: (id) => {
      calls.push(`ended ${id}`);
      held.delete(id);
    },
    holdsFor: (id) => held.has(id),
  };
}

export const alarmTrigger = (
  policy: Partial<TriggerDefinition['policy']> = {},
  fields: Partial<Omit<TriggerDefinition, 'policy'>> = {},
): TriggerDefinition => ({
  id: 't1',
  name: 'Hall motion',
  filter: { types: ['motion'] },
  policy: { ...defaultPolicy, antiDitherMs: 0, ...policy },
  ...fields,
});

/** One run of the alarms: a process between its start and its end. */
export interface AlarmRun {
  readonly alarms: Alarms;
  readonly record: MemoryRecord;
  readonly clock: VirtualClock;
  readonly timers: ReturnType<typeof virtualTimers>;
  readonly holds: ReturnType<typeof handHolds>;
  readonly delivered: AlarmMessage[];
  readonly announced: Announcement[];
  define(...triggers: TriggerDefinition[]): Promise<void>;
  /** `phase` of every message delivered. */
  phases(): string[];
  /** `outcome/reason` of every decision on disk. */
  decided(): string[];
  /** The process is gone: nothing of it acts any more. */
  crash(): void;
}

/** A run that takes up what the record has; `define` and `alarms.flowsStarted` are left to the test. */
export function startAlarms(clock: VirtualClock, record: MemoryRecord = memoryRecord(), armed = true): AlarmRun {
  const timers = virtualTimers(clock);
  const holds = handHolds();
  const delivered: AlarmMessage[] = [];
  const announced: Announcement[] = [];
  let gone = false;
  const alarms = createAlarms({
    writer: {
      commit: (writes) => (gone ? new Promise<void>(() => undefined) : record.commit(writes)),
    },
    clock,
    log: silentLog,
    timers,
    holds,
    siteName: 'Home',
    announce: (announcement) => announced.push(announcement),
    deviceName: (id) => `Camera ${id}`,
  });
  const state = record.resume();
  alarms.resume(state, armed);
  for (const timer of state.timers) timers.arm(timer);
  return {
    alarms,
    record,
    clock,
    timers,
    holds,
    delivered,
    announced,
    async define(...triggers) {
      for (const trigger of triggers) {
        await alarms.defineTrigger(trigger, (message) => {
          if (!gone) delivered.push(message);
        });
      }
    },
    phases: () => delivered.map((message) => message.alarm.phase),
    decided: () => record.decisions.map((decision) => `${decision.outcome}/${decision.reason}`),
    crash() {
      gone = true;
      timers.stop();
      alarms.close();
    },
  };
}
