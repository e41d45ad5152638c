/**
 * Why: gate by gate, what a trigger made of an event (from its journal line) or would make of one (from its state now).
 * Pure. Joined with the record, actions and outputs by `engine/host/why.ts`.
 */
import { type Decision, refusalReasons } from '../domain/alarms';
import { eventTypeLabel } from '../domain/event-words';
import { conditionType, type DeviceEvent, type EventType } from '../domain/events';
import type { TriggerDefinition } from '../domain/triggers';
import type { GateCheck, TriggerCheck, WhyGate } from '../domain/why';
import {
  duration,
  filterRefusal,
  type GateContext,
  type GateEffect,
  type GateMachine,
  type GateState,
  nextDue,
  signalOf,
  takesType,
} from '../gates';
import { opensAtOf } from './opens';
import { filterNeeds, opensWords, settingWords } from './why-words';

type NameOf = (deviceId: string) => string;

/** Gates that look at the event alone; the others ask for a raise. */
const eventGates: ReadonlySet<WhyGate> = new Set<WhyGate>(['disabled', 'filter', 'late', 'duplicate']);

const gateOf = (reason: string): WhyGate | null =>
  reason === 'entry-delay' ? reason : (refusalReasons.find((gate) => gate === reason) ?? null);

/** The gates that an answer goes through: the entry delay only where it is what a raise waits for. */
const gatesWith = (decidedBy: WhyGate | null): readonly WhyGate[] =>
  decidedBy === 'entry-delay' ? [...refusalReasons, decidedBy] : refusalReasons;

const closed = (gate: GateCheck): boolean => gate.result === 'refused' || gate.result === 'waiting';

/** What a decision of the journal says of every gate, with the trigger's settings as they are now. */
export function decidedCheck(
  decision: Decision,
  definition: TriggerDefinition | undefined,
  deviceName: NameOf,
): TriggerCheck {
  const { outcome, reason, detail } = decision;
  const opensAt = decision.opensAt ?? null;
  const gate = gateOf(reason);
  const decidedBy = outcome === 'refused' ? gate : outcome === 'pending' ? (gate ?? 'on-delay') : null;
  const raised = outcome === 'raised';
  const order = gatesWith(decidedBy);
  const gates = order.map((name): GateCheck => {
    if (name === decidedBy) {
      const opens = opensWords(name, opensAt, definition, deviceName);
      return { gate: name, result: outcome === 'pending' ? 'waiting' : 'refused', detail, opensAt, opens };
    }
    const before = decidedBy === null ? raised || eventGates.has(name) : order.indexOf(name) < order.indexOf(decidedBy);
    const held = raised && name === 'on-delay' && (reason === 'on-delay' || reason === 'repeat');
    return {
      gate: name,
      result: before ? 'passed' : 'not-asked',
      detail: held ? detail : settingWords(name, definition),
      opensAt: null,
      opens: null,
    };
  });
  return {
    triggerId: decision.triggerId,
    triggerName: definition?.name ?? decision.triggerId ?? '',
    relation: 'decided',
    key: decision.key ?? null,
    at: decision.at,
    outcome,
    reason,
    detail,
    alarmId: decision.alarmId,
    decidedBy,
    gates: decision.triggerId === null ? [] : gates,
    opensAt: decidedBy === null ? null : opensAt,
    opens: decidedBy === null ? null : opensWords(decidedBy, opensAt, definition, deviceName),
    later: [],
  };
}

/** Most triggers that are told of though the event was never theirs. */
export const MOST_NEAR = 20;

/**
 * Triggers whose filter names the event's device or its type, but not both: they were never asked, so the journal
 * says nothing of them. Those that miss by the device alone come first.
 */
export function nearChecks(
  definitions: readonly TriggerDefinition[],
  event: DeviceEvent,
  decided: ReadonlySet<string>,
  deviceName: NameOf,
): TriggerCheck[] {
  const near: { check: TriggerCheck; rank: number }[] = [];
  for (const definition of definitions) {
    const { filter } = definition;
    if (decided.has(definition.id)) continue;
    const type = takesType(filter, event.type);
    const related = type || filter.types.some((other) => conditionType(other) === conditionType(event.type));
    const device = filter.deviceIds?.includes(event.deviceId) ?? false;
    if (!related && !device) continue;
    const refusal = type
      ? `it listens to ${filterNeeds(filter, deviceName)}; this is ${deviceName(event.deviceId)}`
      : `it listens to ${filterNeeds(filter, deviceName)}; this is ${eventTypeLabel(event.type)}`;
    const opens = opensWords('filter', null, definition, deviceName);
    near.push({
      rank: type ? 0 : related ? 1 : 2,
      check: {
        triggerId: definition.id,
        triggerName: definition.name,
        relation: 'near',
        key: null,
        at: event.receivedAt,
        outcome: null,
        reason: 'filter',
        detail: refusal,
        alarmId: null,
        decidedBy: 'filter',
        gates: [{ gate: 'filter', result: 'refused', detail: refusal, opensAt: null, opens }],
        opensAt: null,
        opens,
        later: [],
      },
    });
  }
  return near
    .sort((a, b) => a.rank - b.rank)
    .slice(0, MOST_NEAR)
    .map(({ check }) => check);
}

/** A start that suits the trigger's filter in everything, but for the device where another one is asked about. */
export function supposedEvent(definition: TriggerDefinition, at: number, deviceId: string | undefined): DeviceEvent {
  const { filter } = definition;
  const alarmTypes = filter.types.filter((type) => conditionType(type) === type);
  const type: EventType = alarmTypes[0] ?? filter.types[0] ?? (filter.anyType ? 'device-fault' : 'message');
  return {
    id: 'supposed',
    deviceId: deviceId ?? filter.deviceIds?.[0] ?? 'any',
    type,
    vendorType: filter.vendorTypes?.[0]?.replace(/\*$/, '') ?? 'supposed',
    phase: 'start',
    ...(filter.channels?.[0] !== undefined && { channel: filter.channels[0] }),
    ...(filter.inputs?.[0] !== undefined && { input: filter.inputs[0] }),
    ...(filter.rules?.[0] !== undefined && { rule: filter.rules[0] }),
    ...(filter.regions?.[0] !== undefined && { regions: [{ id: filter.regions[0] }] }),
    ...(filter.targets?.[0] !== undefined && { target: filter.targets[0] }),
    // The first address of a network is one of it.
    ...(filter.senders?.[0] !== undefined && { sender: filter.senders[0].split('/')[0] }),
    ...(filter.directions?.[0] !== undefined && { direction: filter.directions[0] }),
    ...(filter.minimumCelsius !== undefined && {
      temperature: { value: filter.minimumCelsius, unit: 'celsius' as const },
    }),
    deviceTime: null,
    deviceAt: at,
    receivedAt: at,
    clockSuspect: false,
    late: false,
    pictures: [],
    raw: '',
  };
}

export interface Supposed {
  definition: TriggerDefinition;
  machine: GateMachine;
  /** As the condition stands; put forward to `event.receivedAt` here, on a copy. */
  state: GateState;
  key: string;
  alarmId: string | null;
  event: DeviceEvent;
  contextAt(at: number): GateContext;
  deviceName: NameOf;
}

/** What the machine would do with the event; nothing is changed and nothing is kept. */
export function supposedCheck(supposed: Supposed): TriggerCheck {
  const { definition, machine, event, contextAt, deviceName } = supposed;
  const at = event.receivedAt;
  let { state } = supposed;
  for (let due = nextDue(state, at); due !== null; due = nextDue(state, at)) {
    const input = { kind: 'timer', name: due.name, at: due.at, context: contextAt(due.at) } as const;
    const next = machine(state)(input).state;
    if (next === state) break;
    state = next;
  }
  const context = contextAt(at);
  const refusal = filterRefusal(definition.filter, event);
  const after = machine(state)(signalOf(event, definition.policy, refusal, context));
  const decided = after.effects.filter((effect): effect is Decided => effect.kind === 'decide').at(-1);
  const outcome = decided?.outcome ?? 'no-alarm';
  const reason = decided?.reason ?? event.phase;
  const asked: Asked = { definition, state, context, at, refusal, deviceName };
  const decidedBy = outcome === 'refused' || outcome === 'pending' ? gateOf(reason) : null;
  const gates = gatesWith(decidedBy).map((name) => standing(name, asked));
  const gate = gates.find((one) => one.gate === decidedBy);
  if (gate !== undefined && decided !== undefined) {
    gate.detail = decided.detail;
    if (!closed(gate)) gate.result = outcome === 'pending' ? 'waiting' : 'refused';
    gate.opensAt ??= opensAtOf(decided, after.state, context) ?? null;
    gate.opens ??= opensWords(gate.gate, gate.opensAt, definition, deviceName);
  }
  return {
    triggerId: definition.id,
    triggerName: definition.name,
    relation: 'supposed',
    key: supposed.key,
    at,
    outcome,
    reason,
    detail: decided?.detail ?? '',
    alarmId: supposed.alarmId,
    decidedBy,
    gates,
    opensAt: gate?.opensAt ?? null,
    opens: gate?.opens ?? null,
    later: [],
  };
}

type Decided = Extract<GateEffect, { kind: 'decide' }>;

interface Asked {
  definition: TriggerDefinition;
  state: GateState;
  context: GateContext;
  at: number;
  refusal: string | null;
  deviceName: NameOf;
}

/** One gate by itself, whatever the others say. */
function standing(gate: WhyGate, asked: Asked): GateCheck {
  const { definition, state, context, at, refusal } = asked;
  const { policy } = definition;
  const open = (detail: string): GateCheck => ({ gate, result: 'passed', detail, opensAt: null, opens: null });
  const shut = (detail: string, opensAt: number | null | undefined, result: GateCheck['result'] = 'refused') => {
    const known = typeof opensAt === 'number' && Number.isFinite(opensAt) ? opensAt : null;
    return { gate, result, detail, opensAt: known, opens: opensWords(gate, known, definition, asked.deviceName) };
  };
  const lives = state.phase === 'active';
  switch (gate) {
    case 'disabled':
      return policy.enabled ? open('switched on') : shut('the trigger is switched off', null);
    case 'filter':
      return refusal === null ? open(filterNeeds(definition.filter, asked.deviceName)) : shut(refusal, null);
    case 'late':
      return open(policy.late === 'act' ? 'late events act too' : 'an event in time; late ones are recorded only');
    case 'duplicate':
      return open('a new event');
    case 'shelved':
      if (context.shelf === null) return open('not shelved');
      if (lives) return open('shelved, but the running alarm lives on');
      return shut(context.shelf.detail, context.shelf.until);
    case 'disarmed':
      if (context.arming.armed) return open(context.arming.detail);
      if (lives) return open(`${context.arming.detail}, but the running alarm lives on`);
      return shut(context.arming.detail, context.arming.armsAt);
    case 'not-armed':
      if (context.schedule.armed) return open(context.schedule.detail);
      if (lives) return open(`${context.schedule.detail}, but the running alarm lives on`);
      return shut(context.schedule.detail, context.schedule.to);
    case 'on-delay':
      return onDelay(asked, open, shut);
    case 'anti-dither': {
      if (lives || state.phase === 'clearing') return open('the running alarm takes it as a further start');
      const { window } = state;
      if (window === null || at < window.from || at >= window.until) {
        return open(settingWords('anti-dither', definition) || 'no window runs');
      }
      return shut(`${settingWords('anti-dither', definition)}: ${duration(window.until - at)} left`, window.until);
    }
    case 'flood':
      return context.flood === null ? open('no flood') : shut(context.flood, null);
    default:
      return open('');
  }
}

function onDelay(
  { definition, state, at }: Asked,
  open: (detail: string) => GateCheck,
  shut: (detail: string, opensAt: number | null, result: 'waiting') => GateCheck,
): GateCheck {
  const { policy } = definition;
  if (state.phase === 'active' || state.phase === 'clearing') return open('an alarm runs already');
  if (policy.repeat !== null) {
    const { count, withinMs } = policy.repeat;
    const starts = state.starts.filter((start) => at - start <= withinMs && start <= at).length + 1;
    const text = `${Math.min(starts, count)} of ${count} starts within ${duration(withinMs)}`;
    return starts >= count ? open(text) : shut(text, null, 'waiting');
  }
  if (policy.onDelayMs === 0) return open('no filtering time');
  const due = (state.startedAt ?? at) + policy.onDelayMs;
  const text = `filtering time ${duration(policy.onDelayMs)}`;
  return at >= due ? open(`${text}: it has held`) : shut(`${text}: ${duration(due - at)} left`, due, 'waiting');
}
