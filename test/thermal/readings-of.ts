import type { DeviceEvent, EventRegion, EventTemperature } from '../../engine/domain/events';
import type { ThermalCondition, ThermalGroup, ThermalRule, ThermalThreshold } from '../../engine/domain/thermal';
import type { DerivedSignal } from '../../engine/domain/triggers';
import { type ThermalState, thermalMachine } from '../../engine/thermal';

/** A rule out of conditions, with the other fields as a new node has them. */
export const ruleOf = (conditions: ThermalCondition[], more: Partial<ThermalRule> = {}): ThermalRule => ({
  unit: 'celsius',
  conditions,
  sensors: [],
  filteringMs: 0,
  staleMs: 60_000,
  ...more,
});

/** The example of A3.3.4: above (average), pre-alarm 50, alarm 55, tolerance 3. */
export const manual: ThermalThreshold = {
  kind: 'threshold',
  measure: 'average',
  place: 'any',
  names: [],
  direction: 'above',
  preAlarm: 50,
  alarm: 55,
  tolerance: 3,
};

export const threshold = (more: Partial<ThermalThreshold> = {}): ThermalThreshold => ({ ...manual, ...more });

export const group = (more: Partial<ThermalGroup> = {}): ThermalGroup => ({
  kind: 'group',
  measure: 'maximum',
  group: '1',
  names: [],
  preAlarm: 10,
  alarm: 15,
  tolerance: 0,
  ...more,
});

let count = 0;

/** A reading of one place; `at` in seconds. */
export function reading(
  at: number,
  value: number | Partial<EventTemperature>,
  more: Partial<DeviceEvent> = {},
): DeviceEvent {
  const temperature: EventTemperature =
    typeof value === 'number' ? { unit: 'celsius', value } : { unit: 'celsius', ...value };
  return {
    id: `event-${++count}`,
    deviceId: 'cube',
    type: 'temperature-reading',
    vendorType: 'ThermometryUpload',
    phase: 'pulse',
    rule: '1',
    channel: 2,
    temperature,
    deviceTime: null,
    deviceAt: null,
    receivedAt: at * 1_000,
    clockSuspect: false,
    late: false,
    pictures: [],
    raw: '',
    ...more,
  };
}

/** One event that tells of several areas. */
export const areas = (at: number, celsius: Record<string, number>, more: Partial<DeviceEvent> = {}): DeviceEvent => {
  const regions: EventRegion[] = Object.entries(celsius).map(([id, value]) => ({
    id,
    temperature: { unit: 'celsius', value },
  }));
  return reading(at, 0, { rule: undefined, temperature: undefined, regions, ...more });
};

/** Puts events through one machine, the state stored and read again after each, as a restart does. */
export function run(rule: ThermalRule, events: readonly DeviceEvent[]) {
  const machine = thermalMachine(rule);
  let state: ThermalState = machine.initial;
  const steps = events.map((event) => {
    const step = machine.step(state, event);
    state = JSON.parse(JSON.stringify(step.state)) as ThermalState;
    return step;
  });
  return { steps, state, signals: steps.flatMap((step) => step.signals) };
}

/** A signal in short: `start alarm`, `refresh pre-alarm`, `stop`. */
export const short = ({ phase, level }: DerivedSignal): string => (phase === 'stop' ? 'stop' : `${phase} ${level}`);

/** What each event led to, in short; `-` where it led to nothing. */
export const told = (rule: ThermalRule, events: readonly DeviceEvent[]): string[] =>
  run(rule, events).steps.map(({ signals }) => signals.map(short).join(', ') || '-');

/** The level after each event. */
export function levels(rule: ThermalRule, events: readonly DeviceEvent[]): string[] {
  let level = 'normal';
  return run(rule, events).steps.map(({ signals }) => {
    for (const signal of signals) level = signal.phase === 'stop' ? 'normal' : (signal.level ?? 'alarm');
    return level;
  });
}
