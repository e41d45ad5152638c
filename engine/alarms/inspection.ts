import type { DeviceEvent, EventTarget, EventType } from '../domain/events';
import type { TriggerDefinition } from '../domain/triggers';
import type { TriggerCheck } from '../domain/why';
import { alarmKey, type GateContext, type GateState, initialState } from '../gates';
import type { Place } from './arming-open';
import type { Condition } from './condition';
import type { Trigger } from './trigger';
import { supposedCheck, supposedEvent } from './why';

/** Conditions of one trigger that an answer goes through. */
const MOST_SUPPOSED = 10;

/** A look at triggers and conditions as they are now, for people; it changes nothing. */
export interface Inspection {
  definitions(): TriggerDefinition[];
  /**
   * What would become of an event of the trigger: once for every condition that is not at rest, else once.
   * Empty when no flow has the trigger.
   *
   * @param deviceId of the device that the event came from; else of any that suits the filter
   */
  suppose(triggerId: string, asked: { at: number; deviceId?: string }): TriggerCheck[];
  /** What the alarm's machine waits for; null when the alarm does not live. */
  waiting(alarmId: string): Waiting | null;
}

/** What a live alarm waits for, beside its outputs. */
export interface Waiting {
  phase: GateState['phase'];
  /** End of the off-delay, if it runs. */
  clearsAt: number | null;
  /** Without news of it the condition counts as ended then. */
  quietAt: number | null;
  /** It stays until somebody acknowledges it. */
  latched: boolean;
}

export function createInspection(parts: {
  triggers: ReadonlyMap<string, Trigger>;
  contextAt(trigger: Trigger, at: number, place: Place | null, key: string | null): GateContext;
  find(alarmId: string): Condition | undefined;
  deviceName(id: string): string;
}): Inspection {
  const { triggers, contextAt, deviceName } = parts;
  return {
    definitions: () => [...triggers.values()].map((trigger) => trigger.definition),
    suppose(triggerId, asked) {
      const trigger = triggers.get(triggerId);
      if (trigger === undefined) return [];
      const { definition, machine } = trigger;
      const event = supposedEvent(definition, asked.at, asked.deviceId);
      const common = {
        definition,
        machine,
        deviceName,
      };
      const restless = [...trigger.conditions.values()]
        .filter(({ now }) => !isAtRest(now.state, asked.at))
        .map((condition) => ({ condition, event: likeThat(event, condition) }))
        .filter(({ event: own }) => asked.deviceId === undefined || own.deviceId === asked.deviceId)
        .slice(0, MOST_SUPPOSED);
      if (restless.length === 0) {
        const key = alarmKey(definition.policy.keyParts, event);
        const state = trigger.conditions.get(key)?.now.state ?? initialState;
        const around = (at: number): GateContext => contextAt(trigger, at, event, key);
        return [supposedCheck({ ...common, contextAt: around, state, key, alarmId: null, event })];
      }
      return restless.map(({ condition, event: own }) =>
        supposedCheck({
          ...common,
          contextAt: (at) => contextAt(trigger, at, own, condition.key),
          state: condition.now.state,
          key: condition.key,
          alarmId: condition.now.alarm?.id ?? null,
          event: own,
        }),
      );
    },
    waiting(alarmId) {
      const condition = parts.find(alarmId);
      if (condition?.now.alarm == null) return null;
      const { state, alarm } = condition.now;
      return {
        phase: state.phase,
        clearsAt: state.timers['off-delay'] ?? null,
        quietAt: quietAt(state),
        latched: alarm.latched && alarm.acknowledgedAt === null,
      };
    },
  };
}

const isAtRest = (state: GateState, at: number): boolean =>
  state.phase === 'normal' &&
  state.startedAt === null &&
  (state.window === null || at < state.window.from || at >= state.window.until);

/** The supposed event as one more of the condition's own, by its event or, where it has none any more, by its key. */
function likeThat(event: DeviceEvent, condition: Condition): DeviceEvent {
  const parts = new Map(
    condition.key.split(';').map((piece) => {
      const cut = piece.indexOf('=');
      return [piece.slice(0, cut), unescaped(piece.slice(cut + 1))] as const;
    }),
  );
  const own = condition.now.alarm?.event ?? condition.now.event;
  const part = (name: string): string | undefined => parts.get(name);
  const channel = own?.channel ?? (part('channel') === undefined ? undefined : Number(part('channel')));
  const input = own?.input ?? part('input');
  const rule = own?.rule ?? part('rule');
  const target = own?.target ?? (part('target') as EventTarget | undefined);
  return {
    ...event,
    deviceId: own?.deviceId ?? part('device') ?? event.deviceId,
    type: own?.type ?? (part('type') as EventType | undefined) ?? event.type,
    vendorType: own?.vendorType ?? event.vendorType,
    ...(channel !== undefined && { channel }),
    ...(input !== undefined && { input }),
    ...(rule !== undefined && { rule }),
    ...(target !== undefined && { target }),
    ...(own?.level !== undefined && { level: own.level }),
  };
}

const unescaped = (value: string): string =>
  value.replace(/%(25|3b|3d)/g, (_all, code: string) => String.fromCharCode(Number.parseInt(code, 16)));

function quietAt(state: GateState): number | null {
  const ends = [state.levels['pre-alarm'], state.levels.alarm].flatMap((level) =>
    level === undefined || level.quietMs === null ? [] : [level.seenAt + level.quietMs],
  );
  return ends.length === 0 ? null : Math.max(...ends);
}
