import type { AlarmKeyPart, AlarmMessage } from '../domain/alarms';
import { userError } from '../domain/errors';
import { type DeviceEvent, type EventType, quietTypes } from '../domain/events';
import type { AlarmPolicy, TriggerDefinition } from '../domain/triggers';
import { combinationProblem, type GateMachine, gateMachine } from '../gates';
import type { Condition } from './condition';

/** A trigger with the conditions that it watches. */
export interface Trigger {
  readonly id: string;
  definition: TriggerDefinition;
  machine: GateMachine;
  readonly conditions: Map<string, Condition>;
  /** How to reach its node; null while no node is attached. */
  deliver: ((message: AlarmMessage) => void) | null;
  /** The flows have started since its node was attached: what it sends arrives. */
  ready: boolean;
  /** The definition is another than the one that made the states. */
  changed: boolean;
  /** Last verdict on its arming that the conditions were told. */
  armed: boolean | null;
}

export function newTrigger(definition: TriggerDefinition): Trigger {
  return {
    id: definition.id,
    definition,
    machine: gateMachine(definition.policy),
    conditions: new Map(),
    deliver: null,
    ready: false,
    changed: true,
    armed: null,
  };
}

const keyParts: readonly AlarmKeyPart[] = ['device', 'channel', 'input', 'type', 'rule', 'target', 'object'];
const LONGEST_MS = 366 * 86_400_000;
const MOST_STARTS = 1_000;
/** REQUIREMENTS M5. */
const SHORTEST_REMINDER_MS = 1_000;

/**
 * Checks a definition that came from a flow.
 *
 * @throws E_BAD_TRIGGER (user) that names the field
 */
export function checkTrigger(definition: TriggerDefinition): void {
  const refuse = (why: string): never => {
    throw userError('E_BAD_TRIGGER', `Trigger "${definition.name}": ${why}`);
  };
  if (typeof definition.id !== 'string' || definition.id === '') refuse('it has no id');
  if (!Array.isArray(definition.filter?.types)) refuse('its filter names no event types');
  const policy: AlarmPolicy = definition.policy;
  const time = (field: string, value: number): void => {
    if (!Number.isFinite(value) || value < 0 || value > LONGEST_MS) {
      refuse(`${field} is ${value}; give milliseconds from 0 to ${LONGEST_MS}`);
    }
  };
  time('onDelayMs', policy.onDelayMs);
  time('antiDitherMs', policy.antiDitherMs);
  time('offDelayMs', policy.offDelayMs);
  if (policy.quietMs !== null) time('quietMs', policy.quietMs);
  if (policy.repeat !== null) {
    time('repeat.withinMs', policy.repeat.withinMs);
    const { count } = policy.repeat;
    if (!Number.isInteger(count) || count < 1 || count > MOST_STARTS) {
      refuse(`repeat.count is ${count}; give a whole number from 1 to ${MOST_STARTS}`);
    }
  }
  if (policy.remind !== null) {
    const { everyMs, most } = policy.remind;
    time('remind.everyMs', everyMs);
    if (everyMs < SHORTEST_REMINDER_MS) refuse(`remind.everyMs is ${everyMs}; the shortest is ${SHORTEST_REMINDER_MS}`);
    if (most !== null && !(Number.isInteger(most) && most >= 1)) {
      refuse(`remind.most is ${most}; give a whole number from 1, or null`);
    }
  }
  if (!Array.isArray(policy.keyParts) || policy.keyParts.some((part) => !keyParts.includes(part))) {
    refuse(`keyParts must be some of ${keyParts.join(', ')}`);
  }
  if (definition.source?.kind === 'combination') {
    const problem = combinationProblem(definition.source.rule);
    if (problem !== null) refuse(problem);
  }
}

/** Finds the triggers that listen to an event without asking every one of them. */
export interface TriggerIndex {
  listening(event: Pick<DeviceEvent, 'type' | 'deviceId'>): readonly Trigger[];
}

interface TypeEntry {
  any: Trigger[];
  byDevice: Map<string, Trigger[]>;
}

/** Stands for every type that tells of something. */
const ANY_TYPE = '*';

export function indexTriggers(triggers: Iterable<Trigger>): TriggerIndex {
  const byType = new Map<EventType | typeof ANY_TYPE, TypeEntry>();
  const order = new Map<Trigger, number>();
  for (const trigger of triggers) {
    order.set(trigger, order.size);
    const { types, anyType, deviceIds } = trigger.definition.filter;
    // What is listed beside any type is what any type leaves out: an event is looked up under one of both.
    const listed = anyType ? types.filter((type) => quietTypes.has(type)) : types;
    for (const type of new Set([...listed, ...(anyType ? ([ANY_TYPE] as const) : [])])) {
      const entry = byType.get(type) ?? { any: [], byDevice: new Map<string, Trigger[]>() };
      byType.set(type, entry);
      if (deviceIds === undefined) entry.any.push(trigger);
      for (const deviceId of new Set(deviceIds)) {
        entry.byDevice.set(deviceId, [...(entry.byDevice.get(deviceId) ?? []), trigger]);
      }
    }
  }
  return {
    listening(event) {
      const entries = [byType.get(event.type), quietTypes.has(event.type) ? undefined : byType.get(ANY_TYPE)];
      const lists = entries
        .flatMap((entry) => [entry?.any, entry?.byDevice.get(event.deviceId)])
        .filter((list) => list !== undefined && list.length > 0) as Trigger[][];
      if (lists.length < 2) return lists[0] ?? [];
      return lists.flat().sort((a, b) => (order.get(a) ?? 0) - (order.get(b) ?? 0));
    },
  };
}
