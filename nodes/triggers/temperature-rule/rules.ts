import {
  COLDEST_CELSIUS,
  HOTTEST_CELSIUS,
  type TemperatureUnit,
  type ThermalCondition,
  type ThermalPlaceCondition,
  type ThermalSensor,
  thermalMeasures,
  thermalPlaces,
  toCelsius,
  toKelvins,
  unitSign,
} from '../../../engine/index';
import { Fields } from '../../shared/fields';
import { newRule } from './migrations';

export const MOST_RULES = 64;
export const MOST_SENSORS = 256;
/** Longest cycle of a sudden change: one day. The duration of a rise is the maker's 1–10 s. */
const LONGEST_CYCLE_SECONDS = 86_400;
/** Wide enough for the coldest and the hottest temperature in any unit. */
const WIDEST = 10_000;

const placeKinds = ['threshold', 'sudden-change', 'rise', 'section'] as const;
const allKinds = [...placeKinds, 'difference', 'group'] as const;

function listOf(fields: Fields, field: string, label: string, most: number): Record<string, unknown>[] {
  const value = fields.raw(field);
  if (!Array.isArray(value) || value.some((entry) => typeof entry !== 'object' || entry === null)) {
    return fields.refuse(label, value, 'a list as the dialog makes it');
  }
  if (value.length > most) return fields.refuse(label, value.length, `a list of at most ${most}`);
  return value as Record<string, unknown>[];
}

/** The fields of one entry of a list, named in refusals after its place in the dialog. */
const entryFields = (entry: Record<string, unknown>, given: object, subject: string): Fields =>
  new Fields({ ...given, ...entry } as ConstructorParameters<typeof Fields>[0], subject, () => null, {});

/** The rules of the dialog, in °C. @throws E_NODE_CONFIG (user) that names rule and field */
export const readRules = (fields: Fields, unit: TemperatureUnit): ThermalCondition[] =>
  listOf(fields, 'rules', 'Rules', MOST_RULES).map((entry, index) =>
    readRule(entryFields(entry, newRule, `${fields.subject}, rule ${index + 1}`), unit, allKinds),
  );

/** The sensors of the dialog with their own rules. @throws E_NODE_CONFIG (user) that names sensor and field */
export function readSensors(fields: Fields, unit: TemperatureUnit): ThermalSensor[] {
  const ids = new Set<string>();
  const names = new Set<string>();
  return listOf(fields, 'sensors', 'Sensors', MOST_SENSORS).map((entry, index) => {
    const own = entryFields(entry, { id: '', name: '', rules: [] }, `${fields.subject}, sensor ${index + 1}`);
    const id = own.text('id', 'Sensor ID', { max: 128, required: true });
    const name = own.text('name', 'Name', { max: 128 });
    if (ids.has(id.toLowerCase())) own.refuse('Sensor ID', id, 'another than that of the sensors before it');
    ids.add(id.toLowerCase());
    if (name !== '' && names.has(name.toLowerCase()))
      own.refuse('Name', name, 'another than that of the sensors before it');
    names.add(name.toLowerCase());
    const conditions = listOf(own, 'rules', 'Rules', MOST_RULES).map((rule, at) => {
      const subject = `${fields.subject}, sensor "${id}", rule ${at + 1}`;
      const condition = readRule(entryFields({ ...rule, names: '', place: 'any' }, newRule, subject), unit, placeKinds);
      return condition as ThermalPlaceCondition;
    });
    return { id, name, conditions };
  });
}

function readRule(fields: Fields, unit: TemperatureUnit, kinds: readonly ThermalCondition['kind'][]): ThermalCondition {
  const kind = fields.choice('kind', 'Rule', kinds);
  const measure = fields.choice('measure', 'Measured', thermalMeasures);
  const degrees = (field: string, label: string): number => {
    const value = fields.number(field, label, { min: -WIDEST, max: WIDEST, unit: unitSign[unit] });
    const celsius = toCelsius(value, unit);
    if (celsius >= COLDEST_CELSIUS && celsius <= HOTTEST_CELSIUS) return celsius;
    return fields.refuse(label, value, `a temperature from ${COLDEST_CELSIUS} to ${HOTTEST_CELSIUS} °C`);
  };
  const kelvins = (field: string, label: string, min: number): number =>
    toKelvins(fields.number(field, label, { min, max: WIDEST, unit: unitSign[unit] }), unit);
  const isTemperature = kind === 'threshold' || kind === 'section';
  const limit = (field: string, label: string): number => {
    if (isTemperature) return degrees(field, label);
    return kelvins(field, label, kind === 'difference' ? -WIDEST : kind === 'rise' ? 0.001 : 0);
  };
  const preAlarm = ['', null].includes(fields.raw('preAlarm') as string | null) ? null : limit('preAlarm', 'Pre-alarm');
  const alarm = limit('alarm', 'Alarm');
  const levels = { preAlarm, alarm, tolerance: kelvins('tolerance', 'Tolerance', 0) };
  const direction = (): 'above' | 'below' => fields.choice('direction', 'Limit', ['above', 'below'] as const);
  const below = (kind === 'threshold' || kind === 'difference') && direction() === 'below';
  if (preAlarm !== null && (below ? preAlarm <= alarm : preAlarm >= alarm)) {
    fields.refuse('Pre-alarm', fields.raw('preAlarm'), `${below ? 'above' : 'below'} the alarm, or empty`);
  }
  const names = (field: 'names', label: string): string[] => fields.list(field, label, { max: 256, entryLength: 128 });
  const measured = () => ({
    measure,
    place: fields.choice('place', 'of', thermalPlaces),
    names: names('names', 'Names'),
  });
  switch (kind) {
    case 'threshold':
      return { kind, ...measured(), ...levels, direction: direction() };
    case 'section': {
      const maximum = degrees('maximum', 'Max. alarm');
      if (maximum < alarm) fields.refuse('Max. alarm', fields.raw('maximum'), 'at least the alarm');
      return { kind, ...measured(), ...levels, maximum };
    }
    case 'sudden-change': {
      const change = fields.choice('change', 'Change', ['increase', 'decrease', 'either'] as const);
      return {
        kind,
        ...measured(),
        ...levels,
        change,
        cycleMs: fields.seconds('seconds', 'Cycle', 1, LONGEST_CYCLE_SECONDS),
      };
    }
    case 'rise':
      return { kind, ...measured(), ...levels, withinMs: fields.seconds('seconds', 'Duration', 1, 10) };
    case 'difference': {
      const first = fields.text('first', 'First', { max: 128, required: true });
      const second = fields.text('second', 'Second', { max: 128, required: true });
      if (first.toLowerCase() === second.toLowerCase()) fields.refuse('Second', second, 'another place than the first');
      const comparison = fields.choice('comparison', 'Difference', ['amount', 'first-second'] as const);
      return { kind, measure, first, second, comparison, direction: direction(), ...levels };
    }
    case 'group': {
      const group = fields.text('group', 'Group', { max: 128, required: true });
      return { kind, measure, group, names: names('names', 'Names'), ...levels };
    }
  }
}
