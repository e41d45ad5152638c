/**
 * Puts inputs into gate machines and turns what they answer into rows: decisions, alarms, flow messages, timers.
 * Memory moves at once, so that inputs that arrive together see one another; the batch carries it to the disk.
 */
import type { Alarm, AlarmPhase, EndReason } from '../domain/alarms';
import { conditionType, type DeviceEvent } from '../domain/events';
import type { AlarmHolds } from '../domain/holds';
import { sortableId } from '../domain/ids';
import { type GateContext, type GateEffect, type GateInput, type GateState, nextDue } from '../gates';
import { flowMessage, type HeldEvent, raisedAlarm, withoutRaw } from './alarm-record';
import { type Place, placeOf } from './arming-open';
import { timerId, timerRow } from './batch';
import type { Batch, Condition, Snapshot } from './condition';
import type { FlowOutbox } from './flow-outbox';
import { opensAtOf } from './opens';
import type { Trigger } from './trigger';

export interface Translation {
  /** Puts one input into a condition's machine, after every timer that is due by then, each at its own time. */
  feed(batch: Batch, trigger: Trigger, condition: Condition, input: GateInput, event?: DeviceEvent): void;
  /** Handles the timers that are due at `at`, and nothing else. */
  advance(batch: Batch, trigger: Trigger, condition: Condition, at: number): void;
  /** The wall clock was set by `by`: what the condition has measured moves with it, and no timer is handled. */
  carryOver(batch: Batch, trigger: Trigger, condition: Condition, at: number, by: number): void;
  /** Ends a cleared alarm that nothing holds any more; harmless otherwise. */
  release(batch: Batch, trigger: Trigger, condition: Condition, at: number): void;
  /** Ends whatever runs, because its trigger is gone; timers that are overdue do nothing any more. */
  remove(batch: Batch, trigger: Trigger, condition: Condition, at: number, detail: string): void;
  /** Takes back a move, in memory. */
  put(condition: Condition, snapshot: Snapshot): void;
  /** The condition of a live alarm. */
  find(alarmId: string): Condition | undefined;
  live(): Alarm[];
}

export function createTranslation(options: {
  siteName: string;
  deviceName(id: string): string;
  holds: AlarmHolds;
  outbox: FlowOutbox;
  contextAt(trigger: Trigger, at: number, place: Place | null, key: string | null): GateContext;
}): Translation {
  const { holds, outbox } = options;
  const live = new Map<string, Condition>();

  const put = (condition: Condition, snapshot: Snapshot): void => {
    const before = condition.now.alarm?.id;
    const after = snapshot.alarm?.id;
    if (before !== after) {
      if (before !== undefined) live.delete(before);
      if (after !== undefined) live.set(after, condition);
    }
    condition.now = snapshot;
  };

  const send = (batch: Batch, alarm: Alarm, phase: AlarmPhase, at: number, repetition?: number): void => {
    const row = flowMessage(alarm, phase, at, repetition);
    batch.messages.push(row);
    outbox.expect(row);
  };

  const step = (
    batch: Batch,
    trigger: Trigger,
    condition: Condition,
    input: GateInput,
    event: DeviceEvent | undefined,
  ): void => {
    const before = condition.now;
    const { state, effects } = trigger.machine(before.state)(input);
    if (state === before.state && effects.length === 0) return;
    const work: Work = { batch, trigger, condition, input, event, state, alarm: before.alarm, subject: before.alarm };
    const moved = state !== before.state;
    if (moved && !batch.touched.has(condition)) batch.touched.set(condition, before);
    const begun = beginning(before, state, event);
    for (const effect of effects) apply(work, effect, begun);
    if (!moved) return;
    const { alarm } = work;
    if (alarm !== null && alarm !== before.alarm) batch.alarms.set(alarm.id, { alarm, condition });
    put(condition, { ...before, state, alarm, event: alarm === null ? stillHeld(state, begun, before.alarm) : null });
  };

  interface Work {
    readonly batch: Batch;
    readonly trigger: Trigger;
    readonly condition: Condition;
    readonly input: GateInput;
    readonly event: DeviceEvent | undefined;
    readonly state: GateState;
    alarm: Alarm | null;
    /** The alarm that decisions of this step are about, also when it has just ended. */
    subject: Alarm | null;
  }

  const change = (work: Work, changes: Partial<Alarm>): Alarm => {
    if (work.alarm === null) throw new Error(`a machine of ${work.trigger.id} changed an alarm that there is not`);
    work.alarm = { ...work.alarm, ...changes };
    work.subject = work.alarm;
    return work.alarm;
  };

  const apply = (work: Work, effect: GateEffect, begun: HeldEvent | null): void => {
    const { batch, trigger, condition, event } = work;
    switch (effect.kind) {
      case 'start-timer':
        batch.timers.set(timerId(condition, effect.name), timerRow(condition, effect.name, effect.at));
        return;
      case 'cancel-timer':
        batch.timers.set(timerId(condition, effect.name), null);
        return;
      case 'raise': {
        const raising = event !== undefined ? withoutRaw(event) : begun;
        if (raising === null) throw new Error(`a machine of ${trigger.id} raised an alarm without an event`);
        work.alarm = raisedAlarm({
          trigger: trigger.definition,
          key: condition.key,
          at: effect.at,
          level: effect.level,
          count: effect.count,
          event: raising,
          siteName: options.siteName,
          deviceName: options.deviceName(raising.deviceId),
        });
        work.subject = work.alarm;
        send(batch, work.alarm, 'raise', effect.at);
        return;
      }
      case 'escalate': {
        const alarm = change(work, { level: effect.level, seenAt: effect.at, ...(event && { type: event.type }) });
        // The record keeps the event that raised it; the message of the escalation shows what escalated it.
        if (effect.told) {
          send(batch, event ? { ...alarm, event: withoutRaw(event) } : alarm, 'escalate', effect.at);
        }
        return;
      }
      case 'de-escalate':
        change(work, { level: effect.level });
        return;
      case 'merge':
        holds.alarmMerged?.(change(work, { count: effect.count, seenAt: effect.at }).id, effect.at, batch.change);
        return;
      case 'seen':
        change(work, { seenAt: effect.at });
        return;
      case 'resume':
        holds.alarmResumed(change(work, { state: 'active', clearedAt: null }).id, effect.at, batch.change);
        return;
      case 'clear': {
        const alarm = change(work, { state: 'clearing', clearedAt: effect.at });
        send(batch, alarm, 'clear', effect.at, effect.clears);
        holds.alarmCleared(alarm.id, effect.at, batch.change);
        return;
      }
      case 'acknowledge':
        change(work, { acknowledgedAt: effect.at, acknowledgedBy: effect.who });
        return;
      case 'end':
        end(work, effect.at, effect.reason);
        return;
      case 'decide': {
        const opensAt = opensAtOf(effect, work.state, 'context' in work.input ? work.input.context : undefined);
        batch.decisions.push({
          id: sortableId(effect.at),
          at: effect.at,
          eventId: event?.id ?? null,
          triggerId: trigger.id,
          alarmId: work.subject?.id ?? null,
          outcome: effect.outcome,
          reason: effect.reason,
          detail: effect.detail,
          key: condition.key,
          ...(opensAt !== undefined && { opensAt }),
        });
        return;
      }
    }
  };

  const end = (work: Work, at: number, reason: EndReason): void => {
    const alarm = change(work, { state: 'normal', endedAt: at, endReason: reason });
    work.batch.alarms.set(alarm.id, { alarm, condition: work.condition });
    if (reason !== 'trigger-removed') send(work.batch, alarm, 'end', at);
    holds.alarmEnded(alarm.id, at, work.batch.change);
    work.alarm = null;
  };

  const advance = (batch: Batch, trigger: Trigger, condition: Condition, at: number): void => {
    for (let due = nextDue(condition.now.state, at); due !== null; due = nextDue(condition.now.state, at)) {
      // The row goes even if the machine sets the timer anew: that puts another row in its place.
      batch.timers.set(timerId(condition, due.name), null);
      step(
        batch,
        trigger,
        condition,
        {
          kind: 'timer',
          name: due.name,
          at: due.at,
          context: options.contextAt(trigger, due.at, placeOf(condition), condition.key),
        },
        undefined,
      );
      release(batch, trigger, condition, due.at);
    }
  };

  const release = (batch: Batch, trigger: Trigger, condition: Condition, at: number): void => {
    const { alarm, state } = condition.now;
    if (alarm === null || state.phase !== 'clearing') return;
    if (outbox.isOpen(alarm.id) || holds.holdsFor(alarm.id)) return;
    step(batch, trigger, condition, { kind: 'released', at }, undefined);
  };

  return {
    feed(batch, trigger, condition, input, event) {
      advance(batch, trigger, condition, input.at);
      step(batch, trigger, condition, input, event);
      release(batch, trigger, condition, input.at);
    },
    advance,
    carryOver(batch, trigger, condition, at, by) {
      step(batch, trigger, condition, { kind: 'clock', at, by }, undefined);
    },
    release,
    remove(batch, trigger, condition, at, detail) {
      step(batch, trigger, condition, { kind: 'removed', at, detail }, undefined);
    },
    put,
    find: (alarmId) => live.get(alarmId),
    live: () => [...live.values()].map((condition) => condition.now.alarm).filter((alarm) => alarm !== null),
  };
}

/** The event that began the condition: a new one if it began just now. */
function beginning(before: Snapshot, state: GateState, event: DeviceEvent | undefined): HeldEvent | null {
  if (event === undefined || event.phase === 'stop') return before.event;
  const began = before.event === null || state.startedAt !== before.state.startedAt;
  if (!began) return before.event;
  if (before.event !== null && conditionType(before.event.type) !== conditionType(event.type)) return before.event;
  return withoutRaw(event);
}

/** Without an alarm, the event is kept while its condition may still raise one. */
function stillHeld(state: GateState, begun: HeldEvent | null, ended: Alarm | null): HeldEvent | null {
  const holding = state.startedAt !== null || state.phase === 'pending';
  return holding ? (begun ?? ended?.event ?? null) : null;
}
