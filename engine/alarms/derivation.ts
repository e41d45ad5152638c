/**
 * Runs the sources of triggers: what a filter lets pass goes through the source's pure machine, and what the machine
 * makes of it is offered to the gates in its place (T1–T5, T7, T16).
 *
 * Temperature readings come once a second from every point of every camera. One that changes nothing leaves no line
 * in the journal and no row; the others are journalled like any event.
 */
import type { Clock } from '../clock/clock';
import type { Alarm, Decision, DecisionOutcome } from '../domain/alarms';
import type { DeviceEvent, EventType } from '../domain/events';
import { sortableId } from '../domain/ids';
import type { Log } from '../domain/log';
import { addWrites, type StandingRow } from '../domain/record';
import type { DerivedSignal, SourceMachine, TriggerDefinition, TriggerSource } from '../domain/triggers';
import { alarmKey, filterRefusal, highestLevel, levelOf, quietOf, runningOperands } from '../gates';
import type { Batch } from './condition';
import { sourceMachine } from './sources';
import { createStandingBook } from './standing';
import type { Trigger } from './trigger';

/** A condition of a source that its gates believe to hold. */
interface RunningName {
  name: string | null;
  type: EventType;
  channel?: number;
}

/** What is kept of a source: of a combination once, of a temperature rule for every device. */
interface SourceDoc {
  version: 1;
  deviceId: string;
  /** The rule that made the state. */
  rule: string;
  state: unknown;
  running: readonly RunningName[];
}

/** Commits under way; when all of them fail, the source is again what it was before the first. */
interface Flight {
  count: number;
  before: SourceDoc | undefined;
  arrived: boolean;
}

interface Source {
  kind: TriggerSource['kind'];
  rule: string;
  machine: SourceMachine<unknown>;
}

/** A condition that goes on is told to its gates this often; each of its readings would be a row on the disk. */
const SEEN_EVERY_MS = 10_000;

/** Whether the gates know already, and lately, what a refresh tells, and have no quiet time that waits for it. */
function isFresh(trigger: Trigger, event: DeviceEvent): boolean {
  const { policy } = trigger.definition;
  const state = trigger.conditions.get(alarmKey(policy.keyParts, event))?.now.state;
  const level = levelOf(event);
  if (state === undefined || highestLevel(state.levels) !== level) return false;
  const held = state.levels[level];
  if (held === undefined || held.quietMs !== null || quietOf(event, policy) !== null) return false;
  return Math.abs(event.receivedAt - held.seenAt) < SEEN_EVERY_MS;
}

const steadyOutcomes: readonly DecisionOutcome[] = ['merged', 'pending', 'refused', 'no-alarm'];

export interface Derivation {
  /** Takes a checked definition. */
  define(definition: TriggerDefinition): void;
  /** In the gates' place for a trigger that has a source. */
  offer(batch: Batch, trigger: Trigger, event: DeviceEvent): void;
  /** Takes an event out of the journal if it is a reading that nobody made anything of. */
  leaveOut(batch: Batch): void;
  /** Forgets the sources of what is gone and brings the others under their present rules. */
  flowsStarted(batch: Batch, triggers: ReadonlyMap<string, Trigger>): void;
  resume(rows: readonly StandingRow[]): StandingRow[];
}

const isReading = (event: Pick<DeviceEvent, 'type'>): boolean => event.type === 'temperature-reading';

/** Whether the event of a running condition was made by this source. */
export const isDerivedBy = (source: TriggerSource, event: Pick<DeviceEvent, 'vendorType'>): boolean =>
  event.vendorType === source.kind || event.vendorType.startsWith(`${source.kind}:`);

/**
 * The event that the gates are given. The levels of one condition are one stream; the names of a source are as many
 * streams, because a stop ends only what tells of itself by the same name.
 */
function derivedEvent(event: DeviceEvent, kind: Source['kind'], signal: DerivedSignal): DeviceEvent {
  const { pictures = [], phase, type, level, channel, rule, temperature, description } = signal;
  const known = new Set(event.pictures.map((picture) => picture.mediaId));
  return {
    ...event,
    pictures: [...event.pictures, ...pictures.filter((picture) => !known.has(picture.mediaId))],
    phase,
    type,
    level,
    channel,
    rule,
    temperature,
    description,
    vendorType: rule === undefined ? kind : `${kind}:${rule}`,
  };
}

const eventOf = (fields: Pick<DeviceEvent, 'deviceId' | 'type' | 'vendorType' | 'receivedAt'>): DeviceEvent => ({
  id: sortableId(fields.receivedAt),
  phase: 'stop',
  deviceTime: null,
  deviceAt: null,
  clockSuspect: false,
  late: false,
  pictures: [],
  raw: '',
  ...fields,
});

function readDoc(doc: unknown): SourceDoc | null {
  const { version, deviceId, rule, state, running } = (doc ?? {}) as Partial<SourceDoc>;
  if (version !== 1 || typeof deviceId !== 'string' || typeof rule !== 'string' || state === undefined) return null;
  return Array.isArray(running) ? { version, deviceId, rule, state, running } : null;
}

export function createDerivation(options: {
  clock: Clock;
  log: Log;
  /**
   * The gates.
   *
   * @param refusal why the trigger's filter refuses the event, or null
   * @param signalId tells apart what one event led to; absent for an event as it came
   */
  take(batch: Batch, trigger: Trigger, event: DeviceEvent, refusal: string | null, signalId?: string): void;
  decide(batch: Batch, event: DeviceEvent, decision: Omit<Decision, 'id' | 'at' | 'eventId'>): void;
  /** A live alarm. */
  alarm(id: string): Alarm | undefined;
}): Derivation {
  const { clock, log, take } = options;
  const book = createStandingBook<SourceDoc>('source', readDoc);
  const sources = new Map<string, Source>();
  const flights = new Map<string, Flight>();

  const idOf = (trigger: Trigger, source: Source, deviceId: string): string =>
    source.kind === 'combination' ? trigger.id : `${trigger.id}|${deviceId}`;

  /** Puts a state on its way to the disk; when nothing of what is under way gets there, memory goes back. */
  const store = (batch: Batch, id: string, doc: SourceDoc): void => {
    const flight = flights.get(id) ?? { count: 0, before: book.get(id), arrived: false };
    flights.set(id, flight);
    flight.count++;
    const landed = (arrived: boolean): void => {
      flight.count--;
      flight.arrived ||= arrived;
      if (flight.count > 0) return;
      flights.delete(id);
      if (flight.arrived) return;
      if (flight.before !== undefined) book.remember(id, flight.before);
      else book.forget(id);
    };
    book.set(batch, id, doc);
    batch.undo.push(() => landed(false));
    batch.change.afterCommit.push(() => landed(true));
  };

  /** The conditions that run after these signals. */
  const runningAfter = (running: readonly RunningName[], signals: readonly DerivedSignal[]): readonly RunningName[] => {
    let after = running;
    for (const { phase, type, channel, rule = null } of signals) {
      if (phase === 'pulse') continue;
      const others = after.filter((known) => known.name !== rule);
      if (phase !== 'stop' && others.length < after.length) continue;
      after = phase === 'stop' ? others : [...others, { name: rule, type, ...(channel !== undefined && { channel }) }];
    }
    return after;
  };

  let signalled = 0;

  const feed = (batch: Batch, trigger: Trigger, doc: SourceDoc, event: DeviceEvent, signal: DerivedSignal): void => {
    const kind = trigger.definition.source?.kind ?? 'combination';
    const derived = derivedEvent(event, kind, signal);
    if (isReading(event) && signal.phase === 'refresh' && isFresh(trigger, derived)) return;
    const before = batch.decisions.length;
    take(batch, trigger, derived, null, `${event.id}#${signalled++}`);
    const runs = doc.running.some(({ name }) => name === (signal.rule ?? null));
    const edge = signal.phase === 'stop' ? runs : signal.phase !== 'refresh';
    if (edge || !isReading(event)) return;
    // Once a second, "it goes on" is nothing to tell, and neither is "still nothing".
    const told = batch.decisions.splice(before).filter(({ outcome, reason }) => {
      return !steadyOutcomes.includes(outcome) || reason === 'de-escalation';
    });
    batch.decisions.push(...told);
  };

  /** The state under the present rule. What the present rule no longer has is stopped. */
  const underRule = (batch: Batch, trigger: Trigger, source: Source, event: DeviceEvent, doc: SourceDoc): SourceDoc => {
    const { machine, rule } = source;
    const adopted = adopt(trigger, machine, doc.state);
    const told: DerivedSignal[] =
      adopted?.signals ??
      doc.running.map(({ name, type, channel }) => ({
        phase: 'stop',
        type,
        ...(channel !== undefined && { channel }),
        ...(name !== null && { rule: name }),
        description: 'the rule was changed',
      }));
    for (const signal of told) feed(batch, trigger, doc, event, signal);
    const state = adopted?.state ?? machine.initial;
    return { ...doc, rule, state, running: runningAfter(doc.running, told) };
  };

  const adopt = (
    trigger: Trigger,
    machine: Source['machine'],
    state: unknown,
  ): { state: unknown; signals: DerivedSignal[] } | null => {
    if (machine.adopt === undefined) return { state, signals: [] };
    try {
      return machine.adopt(state);
    } catch (error) {
      log.error('alarm.source-not-adopted', { trigger: trigger.id, error });
      return null;
    }
  };

  const offer = (batch: Batch, trigger: Trigger, event: DeviceEvent): void => {
    const source = sources.get(trigger.id);
    if (source === undefined) return;
    signalled = 0;
    const { filter, policy } = trigger.definition;
    const reading = isReading(event);
    const refusal = filterRefusal(filter, event);
    const id = idOf(trigger, source, event.deviceId);
    const known = book.get(id);
    // What was replayed tells nothing of the present; what is switched off only follows the end of what still runs.
    const unheard =
      refusal !== null ||
      (event.late && policy.late === 'record') ||
      (!policy.enabled && (known === undefined || known.running.length === 0));
    if (unheard) {
      if (!reading) take(batch, trigger, event, refusal);
      return;
    }
    let doc: SourceDoc = known ?? {
      version: 1,
      deviceId: event.deviceId,
      rule: source.rule,
      state: source.machine.initial,
      running: [],
    };
    const changed = doc.rule !== source.rule;
    if (changed) doc = underRule(batch, trigger, source, event, doc);
    const { state, signals, durable, why } = source.machine.step(doc.state, event);
    for (const signal of signals) feed(batch, trigger, doc, event, signal);
    const running = runningAfter(doc.running, signals);
    if (state !== doc.state || running !== doc.running || changed) {
      const next = { ...doc, state, running };
      if (durable || running !== doc.running || changed) store(batch, id, next);
      else book.remember(id, next);
    }
    if (signals.length > 0 || reading) return;
    options.decide(batch, event, {
      triggerId: trigger.id,
      alarmId: null,
      outcome: 'no-alarm',
      reason: source.kind,
      detail: why ?? `the ${source.kind} rule made nothing of it`,
    });
  };

  /** An operand whose alarm is over without a message that said so: its trigger was removed, or its wire. */
  const endLostOperands = (batch: Batch, trigger: Trigger, state: unknown, at: number): void => {
    for (const operand of runningOperands(state)) {
      if (options.alarm(operand.condition) !== undefined) continue;
      const event: DeviceEvent = {
        ...eventOf({ deviceId: trigger.id, type: 'message', vendorType: 'message', receivedAt: at }),
        operand: { ...operand, messageId: `${operand.condition}:lost`, at },
        description: `${operand.name}: its alarm is over`,
      };
      addWrites(batch.change, 'events', event);
      offer(batch, trigger, event);
    }
  };

  return {
    define({ id, source }) {
      if (source === undefined) sources.delete(id);
      else sources.set(id, { kind: source.kind, rule: JSON.stringify(source), machine: sourceMachine(source) });
    },
    offer,
    leaveOut(batch) {
      if (batch.event === null || !isReading(batch.event)) return;
      const passed = ({ outcome, reason }: Decision): boolean =>
        outcome === 'no-trigger' || (outcome === 'refused' && (reason === 'filter' || reason === 'late'));
      if (!batch.decisions.every(passed)) return;
      batch.decisions.length = 0;
      batch.event = null;
    },
    flowsStarted(batch, triggers) {
      const at = clock.now();
      for (const id of sources.keys()) if (triggers.get(id)?.deliver == null) sources.delete(id);
      for (const [id, doc] of [...book.entries()]) {
        const triggerId = id.split('|')[0] ?? id;
        const trigger = triggers.get(triggerId);
        const source = sources.get(triggerId);
        const heard = trigger?.definition.filter.deviceIds?.includes(doc.deviceId) ?? true;
        if (trigger === undefined || source === undefined || !heard || id !== idOf(trigger, source, doc.deviceId)) {
          book.delete(batch, id);
          continue;
        }
        if (doc.rule !== source.rule) {
          const { deviceId } = doc;
          const event = eventOf({ deviceId, type: 'message', vendorType: source.kind, receivedAt: at });
          const decided = batch.decisions.length;
          signalled = 0;
          const next = underRule(batch, trigger, source, event, doc);
          if (batch.decisions.length > decided) addWrites(batch.change, 'events', event);
          store(batch, id, next);
        }
        if (source.kind === 'combination') endLostOperands(batch, trigger, book.get(id)?.state, at);
      }
    },
    resume: book.resume,
  };
}
