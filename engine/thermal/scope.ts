import type {
  ThermalCondition,
  ThermalMeasure,
  ThermalPlaceCondition,
  ThermalRule,
  ThermalSensor,
} from '../domain/thermal';
import { type Reading, SCENE } from './readings';

/** What names a place: its number or name, and the device's name for it. */
export type Named = Pick<Reading, 'name' | 'label'>;

const folded = (text: string): string => text.trim().toLowerCase();

/** Whether a name that somebody typed means this place. */
export const isNamed = (place: Named, typed: string): boolean => {
  const wanted = folded(typed);
  return wanted !== '' && (wanted === folded(place.name) || wanted === folded(place.label));
};

export const isNamedIn = (place: Named, typed: readonly string[]): boolean =>
  typed.some((name) => isNamed(place, name));

export const isPlaceCondition = (condition: ThermalCondition): condition is ThermalPlaceCondition =>
  condition.kind !== 'difference' && condition.kind !== 'group';

export const sensorOf = (rule: ThermalRule, place: Named): ThermalSensor | undefined =>
  place.name === '' ? undefined : rule.sensors.find((sensor) => isNamed(place, sensor.id));

/**
 * The conditions that a place has for itself. A sensor with rules of its own has these and those that name it;
 * what holds for each place is not for it.
 */
export function conditionsFor(rule: ThermalRule, reading: Named & { place?: Reading['place'] }) {
  const own = sensorOf(rule, reading)?.conditions ?? [];
  const common = rule.conditions.filter(isPlaceCondition).filter((condition) => {
    if (condition.names.length === 0 && own.length > 0) return false;
    if (condition.names.length > 0 && !isNamedIn(reading, condition.names)) return false;
    if (condition.place === 'any') return true;
    if (condition.place === 'scene') return reading.place === 'scene';
    return reading.place === undefined || reading.place === condition.place;
  });
  return [...own, ...common];
}

/** The longest cycle that a condition looks back, by measure; empty where none does. */
export function cyclesOf(conditions: readonly ThermalCondition[]): Partial<Record<ThermalMeasure, number>> {
  const cycles: Partial<Record<ThermalMeasure, number>> = {};
  for (const condition of conditions) {
    if (condition.kind !== 'rise' && condition.kind !== 'sudden-change') continue;
    const cycleMs = condition.kind === 'rise' ? condition.withinMs : condition.cycleMs;
    cycles[condition.measure] = Math.max(cycles[condition.measure] ?? 0, cycleMs);
  }
  return cycles;
}

/** Name of a place for people. */
export function titleOf(rule: ThermalRule, place: Named): string {
  if (place.name === '') return 'the scene';
  const name = sensorOf(rule, place)?.name || place.label;
  return name === '' || name === place.name ? place.name : `${name} (${place.name})`;
}

/**
 * The name that tells the alarms of one trigger apart: that of the sensor where one was given and no other has it,
 * else the place's own.
 */
export function ruleName(rule: ThermalRule, place: Named): string {
  if (place.name === '') return SCENE;
  const name = sensorOf(rule, place)?.name ?? '';
  if (name === '') return place.name;
  return rule.sensors.filter((sensor) => folded(sensor.name) === folded(name)).length > 1
    ? `${name} (${place.name})`
    : name;
}
