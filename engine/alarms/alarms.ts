import type { Clock } from '../clock/clock';
import type { AcknowledgedAs, Alarm, AlarmMessage } from '../domain/alarms';
import type { Announce } from '../domain/announcements';
import { userError } from '../domain/errors';
import type { EscalationDefinition } from '../domain/escalations';
import type { DeviceEvent, PictureRef } from '../domain/events';
import type { AlarmHolds } from '../domain/holds';
import type { Log } from '../domain/log';
import { addWrites, type RecordWriter, type ResumeState, type RowsBeside, type TimerRow } from '../domain/record';
import type { ArmingSchedule } from '../domain/schedules';
import type { DurableTimers } from '../domain/timers';
import { defaultPolicy, type TriggerDefinition } from '../domain/triggers';
import {
  filterRefusal,
  type GateContext,
  type GateInput,
  type GateTimer,
  gateMachine,
  latestSeen,
  setBackBy,
  worthKeeping,
} from '../gates';
import { createSchedules } from './arming';
import { type ArmingCalls, createArmingCalls } from './arming-calls';
import { type Place, placeOf } from './arming-open';
import { ARMING_TIMER, createArmingOrders } from './arming-orders';
import { ALARM_TIMER, newBatch, timerId, timerRow } from './batch';
import { createCommitment } from './commitment';
import type { Batch, Condition } from './condition';
import { createDerivation } from './derivation';
import { createEscalations, type Escalations } from './escalations';
import { createFloods } from './flood';
import { createFlowOutbox, type FlowOutbox } from './flow-outbox';
import { createInspection, type Inspection } from './inspection';
import { createIntake } from './intake';
import { noticeOf, type TriggerNotice } from './notice';
import { createNoticeBoard } from './notice-board';
import { addOrder, type OrderSaid, orderLine } from './order-line';
import { resumeConditions } from './resumption';
import { createShelving, type Shelving, shelvedPlace } from './shelving';
import { strayed } from './strayed';
import { createTranslation } from './translation';
import { checkTrigger, indexTriggers, newTrigger, type Trigger } from './trigger';

/** Stands in for a trigger whose node no flow has defined. */
const undefinedTrigger = (id: string): Trigger =>
  newTrigger({ id, name: id, filter: { types: [] }, policy: defaultPolicy });

export interface AlarmsOptions {
  writer: RecordWriter;
  clock: Clock;
  log: Log;
  timers: DurableTimers;
  holds: AlarmHolds;
  siteName: string;
  announce: Announce;
  /** Name of a device for people; its id where it has none. */
  deviceName(id: string): string;
  /** Name of an action node for people; absent: its id. */
  nodeName?(id: string): string;
}

/**
 * Runs the gates of every trigger and keeps the record of what they decide (DESIGN §1, §4, §7).
 * Every call that changes something resolves when it is on disk and rejects with an operational error when it is not;
 * then nothing has changed.
 */
export interface Alarms extends ArmingCalls, Pick<FlowOutbox, 'sendAgain'>, Pick<Escalations, 'escalationStopped'> {
  /**
   * Takes up what the record kept. Once, before anything else, and before the timers are resumed.
   * @param armed the site's arming as an earlier version kept it, taken over once; null: it kept none
   */
  resume(state: ResumeState, armed: boolean | null): void;
  /** @throws E_TIME_ZONE, E_BAD_SCHEDULE (user) */
  defineSchedule(schedule: ArmingSchedule): Promise<void>;
  /** @throws E_BAD_TRIGGER (user) */
  defineTrigger(definition: TriggerDefinition, deliver: (message: AlarmMessage) => void): Promise<void>;
  /** @throws E_BAD_ESCALATION (user) */
  defineEscalation(definition: EscalationDefinition, deliver: (message: AlarmMessage) => void): Promise<void>;
  /** A message of a live alarm that says "on" has come to an escalation node. @throws E_UNKNOWN_ESCALATION (user) */
  escalate(nodeId: string, alarmId: string): Promise<void>;
  /** The trigger's or schedule's node is closed. Its alarms and timers go on until `flowsStarted` knows better. */
  detach(nodeId: string): void;
  /** Ends what no node defined again, sends interrupted messages again, evaluates the windows. */
  flowsStarted(): Promise<void>;
  /** Resolves when the event and its consequence are on disk. */
  accept(event: DeviceEvent): Promise<void>;
  /** Adds pictures that came after their event. */
  picturesArrived(eventId: string, pictures: PictureRef[]): Promise<void>;
  /** A lease of the alarm is gone; it ends if it has cleared and nothing else holds it. */
  holdEnded(alarmId: string): Promise<void>;
  /** @param beside reaches the disk with the acknowledgement or not at all. @throws E_UNKNOWN_ALARM (user) */
  acknowledge(alarmId: string, who: string, as?: AcknowledgedAs, beside?: RowsBeside): Promise<void>;
  /** Ends the alarm at once and releases its outputs. @throws E_UNKNOWN_ALARM (user) */
  reset(alarmId: string, who: string): Promise<void>;
  /** A live alarm, as memory has it. */
  alarm(id: string): Alarm | undefined;
  live(): Alarm[];
  triggerNotice(triggerId: string): TriggerNotice;
  /** Called when a trigger's notice may be another. */
  onNotice(callback: (triggerId: string) => void): void;
  /** What operators hold back. */
  readonly shelving: Pick<Shelving, 'list' | 'shelve' | 'unshelve'>;
  /** A look at triggers and conditions, for answers to "why". */
  readonly inspection: Inspection;
  /** Stops the timers of its own. */
  close(): void;
}

export function createAlarms(options: AlarmsOptions): Alarms {
  const { writer, clock, log, timers, holds, siteName, announce, deviceName } = options;
  const triggers = new Map<string, Trigger>();
  /** Conditions of triggers that no flow has defined since the start. */
  const orphans = new Map<string, Map<string, Condition>>();
  let index = indexTriggers([]);
  let started = false;
  /** While the flows start, every condition is asked anew in any case. */
  let starting = false;
  let setBackMs = 0;

  const schedules = createSchedules(clock, () => {
    evaluateWindows().catch((error: unknown) => {
      log.error('alarm.window-failed', { error });
      watchWindows();
    });
  });

  const outbox = createFlowOutbox({
    writer,
    clock,
    log,
    recipient: (nodeId) => {
      const trigger = triggers.get(nodeId);
      return trigger?.ready ? trigger.deliver : (escalations.recipient(nodeId) ?? null);
    },
    settled(alarmIds) {
      for (const alarmId of alarmIds) {
        holdEnded(alarmId).catch((error: unknown) => log.error('alarm.end-failed', { alarm: alarmId, error }));
      }
    },
  });

  const arming = createArmingOrders({
    clock,
    log,
    announce,
    siteName,
    deviceName,
    nodeName: options.nodeName ?? ((id) => id),
    schedules,
    triggers,
    retell(batch, concerned, at) {
      if (starting) return;
      for (const trigger of triggers.values()) {
        if (!concerned(trigger)) continue;
        for (const condition of trigger.conditions.values()) {
          translation.feed(batch, trigger, condition, armingInput(trigger, condition, at));
        }
      }
      const told = [...triggers.values()].filter(concerned).map((trigger) => trigger.id);
      batch.change.afterCommit.push(() => noticed(told));
    },
  });

  /** @param place where the condition is; null: the trigger as such is asked about */
  const contextAt = (
    trigger: Trigger,
    at: number,
    place: Place | null = null,
    key: string | null = null,
  ): GateContext => ({
    arming: arming.verdict(trigger, place, key, at),
    schedule: schedules.verdict(trigger.definition.policy.scheduleId, at),
    shelf: shelves.isEmpty() ? null : shelves.verdict(shelvedPlace(trigger, place, key), at),
    flood: null,
  });

  const shelving = createShelving({
    clock,
    timers,
    triggers,
    deviceName,
    areaName: (id) => arming.area(id)?.name ?? id,
    isStarted: () => started,
    change: (fill) => change(fill),
    announce,
    retell: (batch, condition, trigger) =>
      translation.feed(batch, trigger, condition, armingInput(trigger, condition, clock.now())),
  });
  const { shelves } = shelving;

  const floods = createFloods({
    outbox,
    timers,
    isStarted: () => started,
    change: (fill) => change(fill),
    mark: (batch, alarmId, mark) => translation.markFlood(batch, alarmId, mark),
    now: () => clock.now(),
    limits: (areaId) => arming.area(areaId)?.flood,
    areaName: (areaId) => (areaId === null ? siteName : (arming.area(areaId)?.name ?? areaId)),
    lives: (alarmId) => translation.find(alarmId) !== undefined,
    reaches: (triggerId) => triggers.has(triggerId),
  });

  const translation = createTranslation({
    siteName,
    deviceName,
    holds,
    outbox,
    contextAt,
    floods,
    entered: (batch, trigger, until) => arming.entered(batch, trigger.definition.policy.areaId, until),
    rested: (batch, trigger, condition, place) => {
      if (!shelves.isEmpty()) shelves.rested(batch, shelvedPlace(trigger, place, condition.key));
    },
  });

  const escalations = createEscalations({
    clock,
    log,
    timers,
    outbox,
    alarm: (id) => translation.find(id)?.now.alarm ?? undefined,
    change: (fill) => change(fill),
    noticed: (nodeIds) => noticed(nodeIds),
  });

  const board = createNoticeBoard(clock, (id) => triggerNotice(id));
  const { noticed } = board;

  const { commit, abandon, idle } = createCommitment({
    writer,
    clock,
    log,
    timers,
    outbox,
    announce,
    put: translation.put,
    follow: escalations.follow,
    judged: (condition) => ({ ...condition.now, kept: worthKeeping(condition.now.state, clock.now()) }),
    noticed,
  });

  /** Makes a batch and commits it; an error on the way leaves memory as it was. */
  const change = async (fill: (batch: Batch) => void, event: DeviceEvent | null = null): Promise<void> => {
    // Before anything is decided in the time of a clock that was set.
    timers.watchWall?.();
    const batch = newBatch(event);
    try {
      fill(batch);
    } catch (thrown) {
      abandon(batch);
      throw thrown;
    }
    await commit(batch);
  };

  const conditionsOf = function* (): Generator<[Trigger, Condition]> {
    for (const trigger of triggers.values()) {
      for (const condition of trigger.conditions.values()) yield [trigger, condition];
    }
  };

  // Events

  const intake = createIntake({ clock, triggers, contextAt, translation });
  const { decide: decideEvent, take, sweep } = intake;

  const derivation = createDerivation({
    clock,
    log,
    take,
    decide: decideEvent,
    alarm: (id) => translation.find(id)?.now.alarm ?? undefined,
  });

  const offer = (batch: Batch, trigger: Trigger, event: DeviceEvent): void => {
    if (trigger.definition.source !== undefined) derivation.offer(batch, trigger, event);
    else take(batch, trigger, event, filterRefusal(trigger.definition.filter, event));
  };

  const accept = (event: DeviceEvent): Promise<void> =>
    change((batch) => {
      // Before the gates: a switch that disarms must keep its own event, and what comes with it, from raising.
      const ordered = event.type === 'digital-input' ? arming.input(batch, event) : [];
      for (const detail of ordered) {
        decideEvent(batch, event, { triggerId: null, alarmId: null, outcome: 'no-alarm', reason: 'arming', detail });
      }
      const listening = index.listening(event);
      if (listening.length === 0 && ordered.length === 0) {
        decideEvent(batch, event, {
          triggerId: null,
          alarmId: null,
          outcome: 'no-trigger',
          reason: 'no-trigger',
          detail: `no trigger listens to ${event.type} of ${deviceName(event.deviceId)}`,
        });
      }
      for (const trigger of listening) offer(batch, trigger, event);
      derivation.leaveOut(batch);
      // After the event: a condition that it begins anew must not have its row deleted by the same change.
      sweep(batch);
    }, event);

  const picturesArrived = (eventId: string, pictures: PictureRef[]): Promise<void> =>
    change((batch) => intake.addPictures(batch, eventId, pictures));

  // Time

  const onTimer = async (timer: TimerRow, shiftMs = 0): Promise<void> => {
    // Its time as the wall clock reads now, should that have been set since.
    const at = timer.at + shiftMs;
    const { triggerId, key, name } = timer.payload as { triggerId?: string; key?: string; name?: GateTimer };
    const trigger = triggers.get(String(triggerId));
    const condition = trigger?.conditions.get(String(key));
    if (trigger === undefined || condition === undefined) {
      // A trigger that no flow has defined yet: its timers are armed again when it is, and go when it is not.
      if (!started || orphans.get(String(triggerId))?.has(String(key))) return;
      return writer.commit({ timersDeleted: [timer.id] });
    }
    // Until the flows run, schedules may be missing; `flowsStarted` arms the timers again.
    if (!started) return;
    // What set or cancelled this timer may be on its way to the disk, and may yet fail to get there.
    while (condition.inFlight > 0 && condition.now.state.timers[name as GateTimer] !== at) await idle(condition);
    if (condition.now.state.timers[name as GateTimer] === undefined) {
      return change((batch) => {
        batch.timers.set(timer.id, null);
      });
    }
    // Up to now, should it be late: one reminder for all that were missed, not one each.
    await change((batch) => translation.advance(batch, trigger, condition, Math.max(at, clock.now())));
  };
  timers.onDue(ALARM_TIMER, onTimer);

  const carryStanding = (batch: Batch, byMs: number): void => {
    for (const part of [arming, shelves, floods]) part.carryOver(batch, byMs);
    escalations.wallSet(batch, byMs);
  };
  timers.onWallSet?.((byMs) => {
    const at = clock.now();
    change((batch) => {
      for (const [trigger, condition] of conditionsOf()) translation.carryOver(batch, trigger, condition, at, byMs);
      carryStanding(batch, byMs);
    }).catch((error: unknown) => log.error('alarm.times-not-moved', { byMs, error }));
  });

  const watchWindows = (): void => {
    const used = new Set<string>();
    for (const { definition } of triggers.values()) {
      if (definition.policy.scheduleId !== null) used.add(definition.policy.scheduleId);
    }
    for (const scheduleId of arming.scheduleIds()) used.add(scheduleId);
    schedules.watch(used);
  };

  const armingInput = (trigger: Trigger, condition: Condition, at: number): GateInput & { kind: 'arming' } => ({
    kind: 'arming',
    at,
    context: contextAt(trigger, at, placeOf(condition), condition.key),
  });

  /** The end of an exit or entry delay, or of a timed order. */
  timers.onDue(ARMING_TIMER, async (timer, shiftMs = 0) => {
    // Until the flows run, triggers and areas are missing; `flowsStarted` arms the timers again.
    if (!started) return;
    await change((batch) => {
      batch.timers.set(timer.id, null);
      // At its own time at the least, as the wall clock reads now: one that was set back must not leave it waiting.
      arming.turn(batch, Math.max(timer.at + shiftMs, clock.now()), String(timer.payload.subject));
    });
  });

  /** Tells the conditions of every trigger whose window has opened or closed. */
  const evaluateWindows = async (): Promise<void> => {
    const at = clock.now();
    const turned = [...triggers.values()].filter(
      (trigger) => trigger.armed !== schedules.verdict(trigger.definition.policy.scheduleId, at).armed,
    );
    if (started) {
      await change((batch) => {
        arming.turn(batch, at);
        for (const trigger of turned) {
          for (const condition of trigger.conditions.values()) {
            translation.feed(batch, trigger, condition, armingInput(trigger, condition, at));
          }
        }
      });
      for (const trigger of turned) {
        trigger.armed = schedules.verdict(trigger.definition.policy.scheduleId, at).armed;
      }
      noticed(turned.map((trigger) => trigger.id));
    }
    watchWindows();
  };

  // Flows

  const defineTrigger = async (
    definition: TriggerDefinition,
    deliver: (message: AlarmMessage) => void,
  ): Promise<void> => {
    checkTrigger(definition);
    const own = structuredClone(definition);
    derivation.define(own);
    const known = triggers.get(own.id);
    if (known === undefined) {
      const trigger = newTrigger(own);
      for (const condition of orphans.get(own.id)?.values() ?? []) trigger.conditions.set(condition.key, condition);
      orphans.delete(own.id);
      trigger.deliver = deliver;
      triggers.set(own.id, trigger);
    } else {
      known.changed ||= JSON.stringify(known.definition) !== JSON.stringify(own);
      known.definition = own;
      known.machine = gateMachine(own.policy);
      known.deliver = deliver;
    }
    index = indexTriggers(triggers.values());
    noticed([own.id]);
  };

  const remove = (batch: Batch, trigger: Trigger, condition: Condition, detail: string): void => {
    for (const name of Object.keys(condition.now.state.timers) as GateTimer[]) {
      batch.timers.set(timerId(condition, name), null);
    }
    // The row goes in any case: what is not worth keeping now may have been when it was written.
    addWrites(batch.change, 'gateStatesDeleted', { triggerId: condition.triggerId, key: condition.key });
    translation.remove(batch, trigger, condition, clock.now(), detail);
  };

  const flowsStarted = async (): Promise<void> => {
    const at = clock.now();
    schedules.sweep();
    const gone = [...triggers.values()].filter((trigger) => trigger.deliver === null);
    const forgotten: [Trigger, Condition][] = [];
    for (const [id, conditions] of orphans) {
      const trigger = undefinedTrigger(id);
      for (const condition of conditions.values()) trigger.conditions.set(condition.key, condition);
      gone.push(trigger);
    }
    await change((batch) => {
      starting = true;
      if (setBackMs > 0) carryStanding(batch, -setBackMs);
      try {
        arming.flowsStarted(batch, at);
      } finally {
        starting = false;
      }
      for (const trigger of gone) {
        for (const condition of trigger.conditions.values()) {
          remove(batch, trigger, condition, 'its trigger was removed from the flows');
        }
        const messages = outbox.idsOf(trigger.id);
        if (messages.length > 0) addWrites(batch.change, 'flowMessagesSettled', ...messages);
      }
      for (const [trigger, condition] of conditionsOf()) {
        if (trigger.deliver === null) continue;
        const why = trigger.changed ? strayed(trigger, condition) : null;
        if (why !== null) {
          remove(batch, trigger, condition, why);
          forgotten.push([trigger, condition]);
          continue;
        }
        // The wall clock was set back while nobody watched.
        const ahead = Math.max(setBackMs, latestSeen(condition.now.state) - at);
        if (ahead > 0) translation.carryOver(batch, trigger, condition, at, -ahead);
        if (trigger.changed)
          translation.feed(batch, trigger, condition, { ...armingInput(trigger, condition, at), kind: 'policy' });
        translation.feed(batch, trigger, condition, armingInput(trigger, condition, at));
      }
      derivation.flowsStarted(batch, triggers);
      escalations.flowsStarted(batch);
    });
    for (const trigger of gone) {
      outbox.drop(trigger.id);
      triggers.delete(trigger.id);
      orphans.delete(trigger.id);
      board.forget(trigger.id);
    }
    for (const [trigger, condition] of forgotten) trigger.conditions.delete(condition.key);
    started = true;
    index = indexTriggers(triggers.values());
    for (const trigger of triggers.values()) {
      trigger.ready = true;
      trigger.changed = false;
      trigger.armed = schedules.verdict(trigger.definition.policy.scheduleId, at).armed;
    }
    setBackMs = 0;
    for (const [, condition] of conditionsOf()) {
      for (const [name, due] of Object.entries(condition.now.state.timers) as [GateTimer, number][]) {
        timers.arm(timerRow(condition, name, due));
      }
    }
    for (const timer of [...arming.timers(), ...shelves.timers(), ...floods.timers()]) timers.arm(timer);
    escalations.begin();
    outbox.deliverAll();
    watchWindows();
    noticed(triggers.keys());
  };

  // People and holds

  const own = (alarmId: string): [Trigger, Condition] => {
    const condition = translation.find(alarmId);
    if (condition === undefined) {
      throw userError('E_UNKNOWN_ALARM', `No live alarm has the id ${alarmId}: it may have ended meanwhile`);
    }
    // Also an alarm whose flow does not start can be ended by hand.
    return [triggers.get(condition.triggerId) ?? undefinedTrigger(condition.triggerId), condition];
  };

  const order = (alarmId: string, said: OrderSaid, beside?: RowsBeside): Promise<void> =>
    change((batch) => {
      const [trigger, condition] = own(alarmId);
      const given = { ...said, at: clock.now() };
      const about = condition.now.alarm;
      translation.feed(batch, trigger, condition, given);
      if (batch.touched.size === 0) return;
      addOrder(batch.change, orderLine(condition, about, alarmId, given), beside);
    });

  const holdEnded = async (alarmId: string): Promise<void> => {
    const condition = translation.find(alarmId);
    const trigger = condition === undefined ? undefined : triggers.get(condition.triggerId);
    if (condition === undefined || trigger === undefined) return;
    await change((batch) => translation.release(batch, trigger, condition, clock.now()));
  };

  const triggerNotice = (triggerId: string): TriggerNotice => {
    const trigger = triggers.get(triggerId);
    if (trigger === undefined) return escalations.notice(triggerId) ?? { state: 'trouble', text: 'not running' };
    const { scheduleId } = trigger.definition.policy;
    return noticeOf(
      trigger,
      arming.wordOf(trigger, clock.now()),
      schedules.verdict(scheduleId, clock.now()),
      schedules.known(scheduleId),
    );
  };

  const resume = (state: ResumeState, siteArmed: boolean | null): void => {
    arming.resume(state.standing, siteArmed);
    resumeConditions(state, { log, now: clock.now() }, (condition, snapshot) => {
      translation.put(condition, snapshot);
      const conditions = orphans.get(condition.triggerId) ?? new Map<string, Condition>();
      orphans.set(condition.triggerId, conditions.set(condition.key, condition));
    });
    const unknown = [derivation, escalations, shelves, floods].flatMap((part) => part.resume(state.standing));
    for (const row of unknown) log.warn('alarm.row-unknown', { row: row.id });
    setBackMs = setBackBy(state, clock.now());
    for (const row of state.flowMessages) {
      outbox.expect(row);
      outbox.committed(row);
    }
  };

  return {
    resume,
    async defineSchedule(schedule) {
      schedules.define(schedule);
    },
    defineTrigger,
    async defineEscalation(definition, deliver) {
      escalations.define(definition, deliver);
    },
    escalationStopped: escalations.escalationStopped,
    escalate: (nodeId, alarmId) => change((batch) => escalations.offer(batch, nodeId, alarmId)),
    detach(nodeId) {
      schedules.detach(nodeId);
      escalations.detach(nodeId);
      arming.detach(nodeId);
      const trigger = triggers.get(nodeId);
      if (trigger === undefined) return;
      trigger.deliver = null;
      trigger.ready = false;
      outbox.detached(nodeId);
    },
    flowsStarted,
    accept,
    picturesArrived,
    holdEnded,
    acknowledge: (id, who, as, beside) => order(id, { kind: 'acknowledge', who, ...(as ? { as } : {}) }, beside),
    reset: (alarmId, who) => order(alarmId, { kind: 'reset', who }),
    sendAgain: outbox.sendAgain,
    ...createArmingCalls({ arming, triggers, clock, change }),
    alarm: (id) => translation.find(id)?.now.alarm ?? undefined,
    live: translation.live,
    triggerNotice,
    onNotice: board.onNotice,
    shelving,
    inspection: createInspection({ triggers, contextAt, find: translation.find, deviceName }),
    close() {
      schedules.close();
      outbox.close();
    },
  };
}
