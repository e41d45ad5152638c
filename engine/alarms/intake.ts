/** Takes events into the conditions that they are about, and forgets conditions that have nothing more to tell. */
import type { Clock } from '../clock/clock';
import type { Decision } from '../domain/alarms';
import type { DeviceEvent, PictureRef } from '../domain/events';
import { sortableId } from '../domain/ids';
import { addWrites } from '../domain/record';
import { alarmKey, type GateContext, hasWholeKey, initialState, keyAgrees, signalOf, worthKeeping } from '../gates';
import type { Place } from './arming-open';
import { type Batch, type Condition, newCondition } from './condition';
import type { Translation } from './translation';
import type { Trigger } from './trigger';

/** Conditions that one trigger may watch at once; a device that makes up rule names must not fill the memory. */
export const MOST_CONDITIONS = 10_000;
const SWEEP_EVERY_MS = 60_000;

const isUnderWay = ({ now: { state } }: Condition): boolean => state.phase !== 'normal' || state.startedAt !== null;

export interface Intake {
  decide(batch: Batch, event: DeviceEvent, decision: Omit<Decision, 'id' | 'at' | 'eventId'>): void;
  /**
   * @param refusal why the trigger's filter refuses it, or null
   * @param derivedId set for what a source has made of an event: an edge of its own, whatever the device's clock says
   */
  take(batch: Batch, trigger: Trigger, event: DeviceEvent, refusal: string | null, derivedId?: string): void;
  /** Forgets, once a minute at most, conditions that have nothing more to tell. */
  sweep(batch: Batch): void;
  /** Adds pictures that came after their event, also to what alarms and conditions keep of it. */
  addPictures(batch: Batch, eventId: string, pictures: PictureRef[]): void;
}

export function createIntake(options: {
  clock: Clock;
  triggers: ReadonlyMap<string, Trigger>;
  contextAt(trigger: Trigger, at: number, place: Place | null, key: string | null): GateContext;
  translation: Pick<Translation, 'feed' | 'put'>;
}): Intake {
  const { clock, triggers, contextAt, translation } = options;
  let sweptAt = clock.monotonic();

  const decideEvent = (batch: Batch, event: DeviceEvent, decision: Omit<Decision, 'id' | 'at' | 'eventId'>): void => {
    batch.decisions.push({ id: sortableId(event.receivedAt), at: event.receivedAt, eventId: event.id, ...decision });
  };

  const take = (
    batch: Batch,
    trigger: Trigger,
    event: DeviceEvent,
    refusal: string | null,
    derivedId?: string,
  ): void => {
    const { policy } = trigger.definition;
    const key = alarmKey(policy.keyParts, event);
    const told = signalOf(event, policy, refusal, contextAt(trigger, event.receivedAt, event, key));
    const signal = derivedId === undefined ? told : { ...told, eventId: derivedId, identity: null };
    if (refusal !== null) {
      // The filter looks at the event alone: nothing is learnt of the condition, whichever it is.
      const { effects } = trigger.machine(initialState)(signal);
      for (const effect of effects) {
        if (effect.kind !== 'decide') continue;
        const { outcome, reason, detail } = effect;
        decideEvent(batch, event, { triggerId: trigger.id, alarmId: null, outcome, reason, detail });
      }
      return;
    }
    const wide = event.phase === 'stop' && !hasWholeKey(policy.keyParts, event);
    const meant = wide
      ? [...trigger.conditions.values()].filter((c) => isUnderWay(c) && keyAgrees(c.key, policy.keyParts, event))
      : [trigger.conditions.get(key)].filter((c) => c !== undefined);
    if (meant.length === 0) {
      if (event.phase !== 'stop' && trigger.conditions.size >= MOST_CONDITIONS) {
        forgetIdle(batch, trigger);
        if (trigger.conditions.size >= MOST_CONDITIONS) {
          const detail = `the trigger watches ${MOST_CONDITIONS} conditions already; no other can be taken`;
          decideEvent(batch, event, {
            triggerId: trigger.id,
            alarmId: null,
            outcome: 'refused',
            reason: 'flood',
            detail,
          });
          return;
        }
      }
      const condition = newCondition(trigger.id, key);
      if (event.phase !== 'stop') trigger.conditions.set(key, condition);
      meant.push(condition);
    }
    for (const condition of meant) translation.feed(batch, trigger, condition, signal, event);
  };

  const sweep = (batch: Batch): void => {
    if (clock.monotonic() - sweptAt < SWEEP_EVERY_MS) return;
    sweptAt = clock.monotonic();
    for (const trigger of triggers.values()) forgetIdle(batch, trigger);
  };

  const forgetIdle = (batch: Batch, trigger: Trigger): void => {
    const at = clock.now();
    for (const condition of trigger.conditions.values()) {
      if (condition.inFlight > 0 || batch.touched.has(condition) || worthKeeping(condition.now.state, at)) continue;
      if (condition.now.kept) {
        addWrites(batch.change, 'gateStatesDeleted', { triggerId: condition.triggerId, key: condition.key });
      }
      trigger.conditions.delete(condition.key);
    }
  };

  const addPictures = (batch: Batch, eventId: string, pictures: PictureRef[]): void => {
    if (pictures.length === 0) return;
    addWrites(batch.change, 'eventPictures', { eventId, pictures });
    const all = [...triggers.values()].flatMap((trigger) => [...trigger.conditions.values()]);
    for (const condition of all) {
      const { now } = condition;
      const alarm =
        now.alarm?.event.id === eventId
          ? { ...now.alarm, event: { ...now.alarm.event, pictures: [...now.alarm.event.pictures, ...pictures] } }
          : now.alarm;
      const event =
        now.event?.id === eventId ? { ...now.event, pictures: [...now.event.pictures, ...pictures] } : now.event;
      if (alarm === now.alarm && event === now.event) continue;
      batch.touched.set(condition, now);
      translation.put(condition, { ...now, alarm, event });
      if (alarm !== null && alarm !== now.alarm) batch.alarms.set(alarm.id, { alarm, condition });
    }
  };

  return { decide: decideEvent, take, sweep, addPictures };
}
