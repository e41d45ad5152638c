/**
 * Puts inputs into gate machines and turns what they answer into rows: decisions, alarms, flow messages, timers.
 * Memory moves at once, so that inputs that arrive together see one another; the batch carries it to the disk.
 */
import type { Alarm, AlarmPhase, EndReason } from '../domain/alarms';
import { conditionType, type DeviceEvent } from '../domain/events';
import type { AlarmFlood } from '../domain/flood';
import type { AlarmHolds } from '../domain/holds';
import { sortableId } from '../domain/ids';
import { type GateContext, type GateEffect, type GateInput, type GateState, nextDue } from '../gates';
import { flowMessage, type HeldEvent, raisedAlarm, withoutRaw } from './alarm-record';
import { type Place, placeOf } from './arming-open';
import { timerId, timerRow } from './batch';
import type { Batch, Condition, Snapshot } from './condition';
import type { Floods } from './flood';
import type { FlowOutbox } from './flow-outbox';
import { opensAtOf } from './opens';
import { isOccupied } from './shelves';
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
  /** Puts a flood's mark on a live alarm; null when it does not live. */
  markFlood(batch: Batch, alarmId: string, mark: AlarmFlood): Alarm | null;
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
  floods: Pick<Floods, 'raised' | 'lasts'>;
  /** A raise waits for the entry delay of its area until then. */
  entered(batch: Batch, trigger: Trigger, until: number): void;
  /** A condition has come to rest. */
  rested(batch: Batch, trigger: Trigger, condition: Condition, place: Place | null): void;
}): Translation {
  const { holds, outbox, floods } = options;
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

  const markFlood = (batch: Batch, alarmId: string, mark: AlarmFlood): Alarm | null => {
    const condition = live.get(alarmId);
    const alarm = condition?.now.alarm;
    if (condition === undefined || alarm == null) return null;
    if (!batch.touched.has(condition)) batch.touched.set(condition, condition.now);
    const marked = { ...alarm, flood: mark };
    put(condition, { ...condition.now, alarm: marked });
    batch.alarms.set(alarm.id, { alarm: marked, condition });
    return marked;
  };

  /** Whether a hold of a cleared alarm lives: where none does, a new start has to be filtered first. */
  const withHolds = (condition: Condition, context: GateContext): GateContext => {
    const { alarm, state } = condition.now;
    return alarm === null || state.phase !== 'clearing' || holds.holdsFor(alarm.id)
      ? context
      : { ...context, held: false };
  };

  const completed = (condition: Condition, input: GateInput, event: DeviceEvent | undefined): GateInput => {
    if (!('context' in input)) return input;
    const context = withHolds(condition, input.context);
    const changed = context === input.context ? input : { ...input, context };
    if (changed.kind !== 'signal' || changed.late === null || changed.phase !== 'stop') return changed;
    const began = condition.now.alarm?.event ?? condition.now.event;
    // Both by the device's own clock, however wrong that is.
    const outdated = event?.deviceAt != null && began?.deviceAt != null && event.deviceAt < began.deviceAt;
    return { ...changed, outdated };
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
    const work: Work = {
      batch,
      trigger,
      condition,
      input,
      event,
      state,
      alarm: before.alarm,
      subject: before.alarm,
      entered: null,
      flooded: '',
    };
    const moved = state !== before.state;
    if (moved && !batch.touched.has(condition)) batch.touched.set(condition, before);
    const begun = beginning(before, state, event);
    for (const effect of effects) apply(work, effect, begun);
    if (!moved) return;
    const place = placeOf(condition) ?? event ?? null;
    const { alarm } = work;
    if (alarm !== null && alarm !== before.alarm) batch.alarms.set(alarm.id, { alarm, condition });
    put(condition, { ...before, state, alarm, event: keptEvent(state, alarm, begun, before.alarm) });
    if (work.entered !== null) options.entered(batch, trigger, work.entered);
    if (isOccupied(before.state) && !isOccupied(state)) options.rested(batch, trigger, condition, place);
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
    /** End of an entry delay that this step has begun. */
    entered: number | null;
    /** What flood control adds to the reason of a raise. */
    flooded: string;
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
        flood(work, work.alarm);
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
      case 'merge': {
        // Not inside the optional call: what it is called with would not be worked out where it is absent.
        const { id } = change(work, { count: effect.count, seenAt: effect.at });
        holds.alarmMerged?.(id, effect.at, batch.change);
        return;
      }
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
      case 'remind':
        remind(work, effect.at, effect.n);
        return;
      case 'entry':
        // Once this step is over: it may concern this very condition.
        work.entered = effect.until;
        return;
      case 'acknowledge':
        change(work, {
          acknowledgedAt: effect.at,
          acknowledgedBy: effect.who,
          ...(effect.as === undefined ? {} : { acknowledgedAs: effect.as }),
        });
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
          detail: effect.outcome === 'raised' ? `${effect.detail}${work.flooded}` : effect.detail,
          key: condition.key,
          ...(opensAt !== undefined && { opensAt }),
        });
        return;
      }
    }
  };

  const flood = (work: Work, alarm: Alarm): void => {
    const { batch, trigger } = work;
    const flooded = floods.raised(batch, trigger.definition.policy, alarm);
    if (flooded === null) return;
    work.alarm = { ...alarm, flood: flooded.mark };
    work.flooded = `; ${flooded.detail}`;
  };

  const remind = (work: Work, at: number, n: number): void => {
    const { alarm, batch, trigger } = work;
    if (alarm === null) throw new Error(`a machine of ${trigger.id} reminded of an alarm that there is not`);
    // Its raise may have been grouped; once the flood is over its reminders are its own again.
    const { areaId } = trigger.definition.policy;
    const own = alarm.flood !== undefined && !floods.lasts(areaId);
    const told = own && alarm.flood !== undefined ? { ...alarm, flood: { ...alarm.flood, grouped: false } } : alarm;
    send(batch, told, 'remind', at, n);
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
          context: withHolds(condition, options.contextAt(trigger, due.at, placeOf(condition), condition.key)),
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
      step(batch, trigger, condition, completed(condition, input, event), event);
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
    markFlood,
    put,
    find: (alarmId) => live.get(alarmId),
    live: () => [...live.values()].map((condition) => condition.now.alarm).filter((alarm) => alarm !== null),
  };
}

/** The event that began the condition: a new one if it began just now. */
function beginning(before: Snapshot, state: GateState, event: DeviceEvent | undefined): HeldEvent | null {
  if (event === undefined || event.phase === 'stop') return before.event;
  // Who comes in by an entry route is told by the event that opened the door, whatever opens after it.
  if (before.state.entry !== null && before.event !== null) return before.event;
  const began = before.event === null || state.startedAt !== before.state.startedAt;
  if (!began) return before.event;
  if (before.event !== null && conditionType(before.event.type) !== conditionType(event.type)) return before.event;
  return withoutRaw(event);
}

/** A condition that holds beside a cleared alarm may raise another one. */
function keptEvent(
  state: GateState,
  alarm: Alarm | null,
  begun: HeldEvent | null,
  ended: Alarm | null,
): HeldEvent | null {
  if (alarm === null) return stillHeld(state, begun, ended);
  return state.phase === 'clearing' && (state.startedAt !== null || state.starts.length > 0) ? begun : null;
}

/** Without an alarm, the event is kept while its condition may still raise one. */
function stillHeld(state: GateState, begun: HeldEvent | null, ended: Alarm | null): HeldEvent | null {
  const holding = state.startedAt !== null || state.phase === 'pending';
  return holding ? (begun ?? ended?.event ?? null) : null;
}
