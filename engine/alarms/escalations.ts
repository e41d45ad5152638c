/**
 * Runs the escalations of alarms that nobody acknowledges. Where each stands is a row that is written in the same
 * change as what moved it: a step is on disk with its message, an acknowledgement with the end of what it stops.
 */
import type { Clock } from '../clock/clock';
import {
  type Alarm,
  type AlarmMessage,
  type AlarmPhase,
  type DecisionOutcome,
  type MessageAlarm,
  naturalEnds,
} from '../domain/alarms';
import { userError } from '../domain/errors';
import type { EscalationDefinition } from '../domain/escalations';
import { sortableId } from '../domain/ids';
import type { Log } from '../domain/log';
import { addWrites, type FlowMessageRow, type StandingRow, type TimerRow } from '../domain/record';
import type { DurableTimers } from '../domain/timers';
import {
  type EscalationInput,
  type EscalationState,
  escalationMachine,
  escalationProblem,
  newEscalation,
} from '../gates';
import type { Batch } from './condition';
import type { FlowOutbox } from './flow-outbox';
import type { TriggerNotice } from './notice';
import { createStandingBook } from './standing';

/** Kind under which the timers are kept. */
const ESCALATION_TIMER = 'escalation';

interface EscalationDoc {
  version: 1;
  nodeId: string;
  alarmId: string;
  state: EscalationState;
  /** The clear that those who were called have been told. */
  toldClearAt: number | null;
}

interface Escalation {
  definition: EscalationDefinition;
  /** How to reach its node; null while no node is attached. */
  deliver: ((message: AlarmMessage) => void) | null;
  ready: boolean;
}

export interface Escalations {
  /** @throws E_BAD_ESCALATION (user) */
  define(definition: EscalationDefinition, deliver: (message: AlarmMessage) => void): void;
  detach(nodeId: string): void;
  /** The node's callback, or null while it cannot take messages; undefined: no such node. */
  recipient(nodeId: string): ((message: AlarmMessage) => void) | null | undefined;
  /** A message of the alarm that says "on" has come to the node. @throws E_UNKNOWN_ESCALATION (user) */
  offer(batch: Batch, nodeId: string, alarmId: string): void;
  /** Follows the alarms that a batch has changed, before it is written. */
  follow(batch: Batch): void;
  /** The wall clock was set: what is due moves with it. */
  wallSet(batch: Batch, byMs: number): void;
  /** Stops what is gone; what was acknowledged or ended without it as well. */
  flowsStarted(batch: Batch): void;
  /** After that has reached the disk: nodes take messages, timers run. */
  begin(): void;
  resume(rows: readonly StandingRow[]): StandingRow[];
  /**
   * Why a step that is still to be sent need not reach anybody any more, as half a sentence (`acknowledged by anna`);
   * null: it must.
   * @param alarm what has become of its alarm, which may have ended
   */
  escalationStopped(step: MessageAlarm, alarm: Alarm): string | null;
  /** What the node shows; null: no such node. */
  notice(nodeId: string): TriggerNotice | null;
}

const idOf = (nodeId: string, alarmId: string): string => `${nodeId}|${alarmId}`;
const timerId = (id: string): string => `${ESCALATION_TIMER}:${id}`;
const timerRow = (id: string, at: number): TimerRow => ({
  id: timerId(id),
  kind: ESCALATION_TIMER,
  at,
  payload: { escalation: id },
});

function readDoc(stored: unknown): EscalationDoc | null {
  const doc = (stored ?? {}) as Partial<EscalationDoc>;
  const { version, nodeId, alarmId, state } = doc;
  if (version !== 1 || typeof nodeId !== 'string' || typeof alarmId !== 'string' || typeof state !== 'object')
    return null;
  return { version, nodeId, alarmId, state: { ...newEscalation, ...state }, toldClearAt: doc.toldClearAt ?? null };
}

/** A step, or what becomes of its alarm, for the outputs of an escalation node. */
function escalationMessage(
  alarm: Alarm,
  phase: AlarmPhase,
  escalation: NonNullable<AlarmMessage['alarm']['escalation']>,
  name: string,
  at: number,
): FlowMessageRow {
  const messageId = `${alarm.id}:${phase}:${escalation.nodeId}:${name}`;
  return {
    messageId,
    triggerId: escalation.nodeId,
    alarmId: alarm.id,
    createdAt: at,
    message: { messageId, payload: phase === 'escalate', topic: alarm.topic, alarm: { ...alarm, phase, escalation } },
  };
}

export function createEscalations(options: {
  clock: Clock;
  log: Log;
  timers: DurableTimers;
  outbox: FlowOutbox;
  /** A live alarm. */
  alarm(id: string): Alarm | undefined;
  change(fill: (batch: Batch) => void): Promise<void>;
  noticed(nodeIds: string[]): void;
}): Escalations {
  const { clock, timers, outbox } = options;
  const book = createStandingBook<EscalationDoc>('escalation', readDoc);
  const escalations = new Map<string, Escalation>();
  /** Nodes with rows, also those that no flow has defined since the start. */
  const nodeIds = new Set<string>();
  let started = false;

  const decide = (
    batch: Batch,
    alarm: Pick<Alarm, 'id' | 'triggerId'>,
    nodeId: string,
    outcome: DecisionOutcome,
    reason: string,
    detail: string,
  ): void => {
    const name = escalations.get(nodeId)?.definition.name ?? nodeId;
    const at = clock.now();
    batch.decisions.push({
      id: sortableId(at),
      at,
      eventId: null,
      triggerId: alarm.triggerId,
      alarmId: alarm.id,
      outcome,
      reason,
      detail: `escalation "${name}": ${detail}`,
    });
  };

  const send = (batch: Batch, row: FlowMessageRow): void => {
    batch.messages.push(row);
    outbox.expect(row);
    batch.undo.push(() => outbox.cancel(row));
  };

  /** What was decided to be sent and may not have been had yet is not wanted any more. */
  const withdraw = (batch: Batch, nodeId: string, belongs: (messageId: string) => boolean): void => {
    const ids = outbox.idsOf(nodeId).filter(belongs);
    if (ids.length === 0) return;
    addWrites(batch.change, 'flowMessagesSettled', ...ids);
    batch.change.afterCommit.push(() => outbox.settle(ids));
  };

  /** Writes where it stands now; null: it is over. Its timer goes with it, and comes back when nothing is written. */
  const put = (batch: Batch, id: string, before: EscalationDoc | undefined, after: EscalationDoc | null): void => {
    const was = before?.state.dueAt ?? null;
    const is = after?.state.dueAt ?? null;
    batch.undo.push(() => {
      const dueAt = book.get(id)?.state.dueAt ?? null;
      if (dueAt !== null) timers.arm(timerRow(id, dueAt));
    });
    if (after === null) book.delete(batch, id);
    else book.set(batch, id, after);
    if (was !== is) batch.timers.set(timerId(id), is === null ? null : timerRow(id, is));
    const nodeId = (after ?? before)?.nodeId;
    if (nodeId === undefined) return;
    nodeIds.add(nodeId);
    batch.change.afterCommit.push(() => options.noticed([nodeId]));
  };

  /** One input; the doc as it is afterwards, not yet put. */
  const step = (batch: Batch, alarm: Alarm, doc: EscalationDoc, input: EscalationInput): EscalationDoc => {
    const escalation = escalations.get(doc.nodeId);
    if (escalation === undefined) return doc;
    const { nodeId } = doc;
    const { state, effects } = escalationMachine(escalation.definition)(doc.state, input);
    for (const effect of effects) {
      switch (effect.kind) {
        case 'call': {
          const { step: output, round } = effect;
          const row = escalationMessage(
            alarm,
            'escalate',
            { nodeId, step: output, round, outputs: [output] },
            `${round}.${output}`,
            effect.at,
          );
          send(batch, row);
          decide(batch, alarm, nodeId, 'escalated', 'escalation-step', effect.detail);
          break;
        }
        case 'stopped': {
          withdraw(batch, nodeId, (id) => id.startsWith(`${alarm.id}:escalate:`));
          decide(batch, alarm, nodeId, effect.by, 'escalation-stopped', effect.detail);
          break;
        }
        case 'resumed':
          decide(batch, alarm, nodeId, 'pending', 'escalation-resumed', effect.detail);
      }
    }
    return state === doc.state ? doc : { ...doc, state };
  };

  /** Tells those who were called what became of the alarm. */
  const tell = (
    batch: Batch,
    alarm: Alarm,
    { nodeId, state }: EscalationDoc,
    phase: 'clear' | 'end',
    at: number,
  ): void => {
    const outputs = [...state.called].sort((a, b) => a - b);
    const last = state.called.at(-1);
    if (last === undefined) return;
    const name = phase === 'clear' ? String(at) : '1';
    send(batch, escalationMessage(alarm, phase, { nodeId, step: last, round: state.round, outputs }, name, at));
  };

  const followOne = (batch: Batch, alarm: Alarm, { definition }: Escalation, before: EscalationDoc): void => {
    const id = idOf(before.nodeId, alarm.id);
    const at = clock.now();
    let doc = before;
    if (alarm.acknowledgedAt !== null && definition.stopAtAcknowledge) {
      doc = step(batch, alarm, doc, {
        kind: 'stop',
        at,
        by: 'acknowledged',
        detail: `acknowledged by ${alarm.acknowledgedBy}`,
      });
    }
    if (alarm.clearedAt !== null && alarm.clearedAt !== doc.toldClearAt) {
      if (definition.stopAtClear)
        doc = step(batch, alarm, doc, { kind: 'stop', at, by: 'cleared', detail: 'the alarm has cleared' });
      tell(batch, alarm, doc, 'clear', alarm.clearedAt);
      doc = { ...doc, toldClearAt: alarm.clearedAt };
    }
    if (alarm.clearedAt === null && alarm.endedAt === null) doc = step(batch, alarm, doc, { kind: 'resume', at });
    if (alarm.endedAt !== null) {
      doc = step(batch, alarm, doc, {
        kind: 'stop',
        at,
        by: 'ended',
        detail: `the alarm has ended (${alarm.endReason ?? 'cleared'})`,
      });
      tell(batch, alarm, doc, 'end', alarm.endedAt);
      put(batch, id, before, null);
      return;
    }
    if (doc !== before) put(batch, id, before, doc);
  };

  const follow = (batch: Batch): void => {
    if (nodeIds.size === 0) return;
    for (const { alarm } of batch.alarms.values()) {
      for (const nodeId of nodeIds) {
        const escalation = escalations.get(nodeId);
        const doc = book.get(idOf(nodeId, alarm.id));
        if (escalation !== undefined && doc !== undefined) followOne(batch, alarm, escalation, doc);
      }
    }
  };

  const offer = (batch: Batch, nodeId: string, alarmId: string): void => {
    const escalation = escalations.get(nodeId);
    if (escalation === undefined) {
      throw userError(
        'E_UNKNOWN_ESCALATION',
        `Escalation node "${nodeId}" is not known to the engine: deploy the flow again`,
      );
    }
    const { definition } = escalation;
    const id = idOf(nodeId, alarmId);
    const alarm = options.alarm(alarmId);
    // An alarm that is over, or whose escalation has begun: the message came again, or late.
    if (alarm === undefined || book.get(id) !== undefined) return;
    if (alarm.acknowledgedAt !== null && definition.stopAtAcknowledge) return;
    if (alarm.clearedAt !== null && definition.stopAtClear) return;
    if (alarm.level === 'pre-alarm' && definition.minimumLevel === 'alarm') {
      decide(batch, alarm, nodeId, 'no-alarm', 'escalation-level', 'a pre-alarm does not begin it');
      return;
    }
    const doc: EscalationDoc = { version: 1, nodeId, alarmId, state: newEscalation, toldClearAt: alarm.clearedAt };
    const begun = step(batch, alarm, doc, { kind: 'begin', at: clock.now() });
    put(batch, id, undefined, begun);
  };

  const onTimer = async (timer: TimerRow): Promise<void> => {
    const id = String(timer.payload.escalation);
    const doc = book.get(id);
    // Until the flows run, nodes may be missing; `begin` arms the timers again.
    if (!started) return;
    // Stopped meanwhile: what did that deletes the row. Should it not reach the disk, the timer is armed again.
    if (doc === undefined || timer.at !== doc.state.dueAt) return;
    await options.change((batch) => {
      const alarm = options.alarm(doc.alarmId);
      put(batch, id, doc, alarm === undefined ? null : step(batch, alarm, doc, { kind: 'due', at: clock.now() }));
    });
  };
  timers.onDue(ESCALATION_TIMER, onTimer);

  return {
    define(definition, deliver) {
      const problem = escalationProblem(definition);
      if (problem !== null) throw userError('E_BAD_ESCALATION', `Escalation "${definition.name}": ${problem}`);
      escalations.set(definition.id, { definition: structuredClone(definition), deliver, ready: false });
      nodeIds.add(definition.id);
    },
    detach(nodeId) {
      const escalation = escalations.get(nodeId);
      if (escalation === undefined) return;
      escalations.set(nodeId, { ...escalation, deliver: null, ready: false });
      outbox.detached(nodeId);
    },
    recipient(nodeId) {
      const escalation = escalations.get(nodeId);
      return escalation === undefined ? undefined : escalation.ready ? escalation.deliver : null;
    },
    offer,
    follow,
    wallSet(batch, byMs) {
      for (const [id, doc] of [...book.entries()]) {
        const { dueAt } = doc.state;
        if (dueAt === null) continue;
        put(batch, id, doc, { ...doc, state: { ...doc.state, dueAt: dueAt + byMs } });
      }
    },
    flowsStarted(batch) {
      follow(batch);
      for (const [id, doc] of [...book.entries()]) {
        const { nodeId, alarmId } = doc;
        const alarm = options.alarm(alarmId);
        const escalation = escalations.get(nodeId);
        if (escalation?.deliver != null && alarm !== undefined) {
          followOne(batch, alarm, escalation, doc);
          continue;
        }
        if (alarm !== undefined && doc.state.phase === 'running') {
          decide(batch, alarm, nodeId, 'ended', 'escalation-stopped', 'its node was removed from the flows');
        }
        put(batch, id, doc, null);
      }
      for (const nodeId of [...nodeIds]) {
        if (escalations.get(nodeId)?.deliver != null) continue;
        escalations.delete(nodeId);
        withdraw(batch, nodeId, () => true);
        nodeIds.delete(nodeId);
      }
    },
    begin() {
      started = true;
      for (const escalation of escalations.values()) escalation.ready = escalation.deliver !== null;
      for (const [id, { state }] of book.entries()) if (state.dueAt !== null) timers.arm(timerRow(id, state.dueAt));
      options.noticed([...escalations.keys()]);
    },
    resume(rows) {
      const strange = book.resume(rows);
      for (const [, { nodeId }] of book.entries()) nodeIds.add(nodeId);
      return strange;
    },
    escalationStopped({ escalation }, alarm) {
      // A node that was removed meanwhile stops at what stops most.
      const { stopAtAcknowledge = true, stopAtClear = false } =
        escalations.get(escalation?.nodeId ?? '')?.definition ?? {};
      if (alarm.acknowledgedAt !== null && stopAtAcknowledge) return `acknowledged by ${alarm.acknowledgedBy}`;
      // One that came to its end by itself is still news to those who were to be called: nobody has seen to it.
      if (alarm.endReason !== null && !naturalEnds.has(alarm.endReason))
        return `the alarm had ended (${alarm.endReason})`;
      return alarm.clearedAt !== null && stopAtClear ? 'the alarm had cleared' : null;
    },
    notice(nodeId) {
      const escalation = escalations.get(nodeId);
      if (escalation === undefined) return null;
      let running = 0;
      for (const [, doc] of book.entries()) if (doc.nodeId === nodeId && doc.state.phase === 'running') running++;
      if (running === 0) return { state: 'idle', text: 'ready' };
      return { state: 'waiting', text: running === 1 ? 'calling' : `calling (${running})` };
    },
  };
}
