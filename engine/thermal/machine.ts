import type { DeviceEvent, EventLevel, EventTemperature, TemperatureUnit } from '../domain/events';
import { fromCelsius, fromKelvins } from '../domain/temperature';
import type { ThermalCondition, ThermalDifference, ThermalGroup, ThermalMeasure, ThermalRule } from '../domain/thermal';
import type { DerivedSignal, SourceMachine } from '../domain/triggers';
import { checkThermalRule } from './check';
import { confirmedAt, type HeldLevels, holdsAny, levelOfHeld, sameLevels, withValue } from './levels';
import {
  differenceMeasurement,
  groupMeasurement,
  type MeasuredPlace,
  type Measurement,
  placeMeasurement,
} from './measurement';
import { type Reading, readingsOf } from './readings';
import { conditionsFor, cyclesOf, isNamed, isNamedIn, isPlaceCondition, ruleName, titleOf } from './scope';
import { initialState, makeRoom, type PlaceState, type SubjectState, type ThermalState } from './state';
import { type ThermalWindow, withSample } from './window';
import { ruleWords, sentence } from './words';

/** Readings that overtook one another are seconds apart; a device time further back is a clock that was set. */
const REORDERED_WITHIN_MS = 60_000;

type Compared = ThermalDifference | ThermalGroup;

/** What one condition made of one event. */
interface Judged {
  condition: ThermalCondition;
  measurement: Measurement;
}

const keyOf = (condition: ThermalCondition): string => JSON.stringify(condition);
const placeKey = (reading: Pick<Reading, 'source' | 'name'>): string => `place|${reading.source}|${reading.name}`;
const comparedKey = (source: string, condition: Compared): string => `compared|${source}|${keyOf(condition)}`;

const comparedName = (condition: Compared): string =>
  condition.kind === 'group' ? `group ${condition.group}` : `${condition.first} − ${condition.second}`;

/**
 * The machine of one temperature rule: readings in, conditions with a level out (REQUIREMENTS T1–T5, T7).
 *
 * - Each place, sensor, pair and group has a level of its own, the highest that any of its conditions holds. It is told
 *   as `start`, then with each reading as `refresh`, which also carries a level that rose or fell, and as `stop`.
 * - The first reading of a place that reaches no level is told as `stop`: whatever ran before its state was lost or its
 *   rule was changed ends, and nothing happens where nothing ran.
 * - A reading that is late, out of order, impossible, or does not tell the measure that a condition judges changes
 *   nothing. So does silence: a level is left only by a reading. The trigger's quiet time may end it.
 *
 * @throws E_BAD_TRIGGER (user) where the rule is not one
 */
export function thermalMachine(rule: ThermalRule): SourceMachine<ThermalState> {
  checkThermalRule(rule);
  const compared = rule.conditions.filter((condition): condition is Compared => !isPlaceCondition(condition));

  return {
    initial: initialState,
    step(state, event) {
      const readings = readingsOf(event, rule);
      if (readings.length === 0) return { state, signals: [], durable: false };
      const step = newStep(rule, state, event);
      for (const reading of readings) takeReading(step, reading, compared);
      const source = readings[0]?.source ?? '';
      for (const condition of compared) compare(step, source, condition);
      endOrphans(step, source, compared);
      if (!step.moved) return { state, signals: [], durable: false };
      return { state: { places: step.places, subjects: step.subjects }, signals: step.signals, durable: step.durable };
    },
  };
}

/** One event on its way through the rule; the records are copies. */
interface Step {
  readonly rule: ThermalRule;
  readonly event: DeviceEvent;
  readonly at: number;
  readonly places: Record<string, PlaceState>;
  readonly subjects: Record<string, SubjectState>;
  /** Places that this event told, with the device's own words. */
  readonly fresh: Map<string, EventTemperature>;
  readonly signals: DerivedSignal[];
  moved: boolean;
  durable: boolean;
}

const newStep = (rule: ThermalRule, state: ThermalState, event: DeviceEvent): Step => ({
  rule,
  event,
  at: event.receivedAt,
  places: { ...state.places },
  subjects: { ...state.subjects },
  fresh: new Map(),
  signals: [],
  moved: false,
  durable: false,
});

// One place

function takeReading(step: Step, reading: Reading, compared: readonly Compared[]): void {
  const { rule, at } = step;
  const conditions = conditionsFor(rule, reading);
  const key = placeKey(reading);
  const known = step.subjects[key];
  if (conditions.length === 0 && known === undefined && !compared.some((condition) => concerns(condition, reading))) {
    return;
  }
  const before = step.places[key];
  const deviceAt = step.event.clockSuspect ? null : step.event.deviceAt;
  if (before !== undefined && overtaken(before.deviceAt, deviceAt)) return;
  const isHeld = (held: string): boolean => (step.subjects[held]?.told ?? null) !== null;
  if (before === undefined && !makeRoom(step.places, isHeld)) return;

  const place: PlaceState = {
    source: reading.source,
    name: reading.name,
    label: reading.label,
    at,
    deviceAt,
    celsius: reading.celsius,
    windows: windowsOf(before, reading, conditions, at),
  };
  step.places[key] = place;
  step.fresh.set(key, reading.told);
  step.moved = true;
  const measured = measuredPlace(step, key, place);
  const judged: Judged[] = [];
  for (const condition of conditions) {
    const measurement = placeMeasurement(condition, measured, rule.unit);
    if (measurement !== null) judged.push({ condition, measurement });
  }
  judge(step, key, { source: reading.source, rule: ruleName(rule, reading), kind: 'place' }, conditions, judged);
}

const overtaken = (before: number | null, now: number | null): boolean =>
  before !== null && now !== null && now < before && before - now <= REORDERED_WITHIN_MS;

function windowsOf(
  before: PlaceState | undefined,
  reading: Reading,
  conditions: readonly ThermalCondition[],
  at: number,
): PlaceState['windows'] {
  const windows: Partial<Record<ThermalMeasure, ThermalWindow>> = {};
  for (const [name, cycleMs] of Object.entries(cyclesOf(conditions))) {
    const measure = name as ThermalMeasure;
    const celsius = reading.celsius[measure];
    const window = before?.windows[measure] ?? [];
    windows[measure] = celsius === undefined ? window : withSample(window, at, celsius, cycleMs);
  }
  return windows;
}

const measuredPlace = (step: Step, key: string, place: PlaceState): MeasuredPlace => ({
  title: titleOf(step.rule, place),
  celsius: place.celsius,
  windows: place.windows,
  told: step.fresh.get(key),
});

// Pairs and groups

const concerns = (condition: Compared, reading: Reading): boolean => {
  if (condition.kind === 'difference') return isNamed(reading, condition.first) || isNamed(reading, condition.second);
  return condition.names.length === 0 ? reading.name !== '' : isNamedIn(reading, condition.names);
};

function compare(step: Step, source: string, condition: Compared): void {
  const { rule, at } = step;
  const wanted = (place: PlaceState, typed: readonly string[]): boolean =>
    typed.length === 0 ? place.name !== '' : isNamedIn(place, typed);
  const names = condition.kind === 'group' ? condition.names : [condition.first, condition.second];
  const members = Object.entries(step.places).filter(
    ([, place]) => place.source === source && Math.abs(at - place.at) <= rule.staleMs && wanted(place, names),
  );
  // What none of its places has told now is judged when one does.
  if (!members.some(([key]) => step.fresh.has(key))) return;
  const measurement = comparison(step, condition, members);
  if (measurement === null) return;
  const subject = { source, rule: comparedName(condition), kind: condition.kind };
  judge(step, comparedKey(source, condition), subject, [condition], [{ condition, measurement }]);
}

function comparison(step: Step, condition: Compared, members: [string, PlaceState][]): Measurement | null {
  const { unit } = step.rule;
  if (condition.kind === 'group') {
    const areas = members.map(([key, place]) => measuredPlace(step, key, place));
    return groupMeasurement(condition, areas, unit);
  }
  const find = (typed: string) => members.find(([, place]) => isNamed(place, typed));
  const first = find(condition.first);
  const second = find(condition.second);
  if (first === undefined || second === undefined || first === second) return null;
  return differenceMeasurement(condition, measuredPlace(step, ...first), measuredPlace(step, ...second), unit);
}

/** Ends what no condition watches any more since the rule was changed. */
function endOrphans(step: Step, source: string, compared: readonly Compared[]): void {
  for (const [key, subject] of Object.entries(step.subjects)) {
    if (subject.kind === 'place' || subject.source !== source) continue;
    if (compared.some((condition) => comparedKey(source, condition) === key)) continue;
    forget(step, key, subject);
  }
}

function forget(step: Step, key: string, subject: SubjectState): void {
  delete step.subjects[key];
  step.moved = true;
  if (subject.told === null) return;
  step.durable = true;
  const level = subject.told;
  step.signals.push({
    phase: 'stop',
    type: typeOf(subject.kind, level),
    level,
    rule: subject.rule,
    ...(step.event.channel === undefined ? {} : { channel: step.event.channel }),
    description: `normal: no rule watches ${subject.rule} any more`,
  });
}

// Levels and signals

function judge(
  step: Step,
  key: string,
  identity: Pick<SubjectState, 'source' | 'rule' | 'kind'>,
  conditions: readonly ThermalCondition[],
  judged: readonly Judged[],
): void {
  const { at, rule } = step;
  const before = step.subjects[key];
  if (conditions.length === 0) {
    if (before !== undefined) forget(step, key, before);
    return;
  }
  if (judged.length === 0) return;
  if (before === undefined && !makeRoom(step.subjects, (_key, { told }) => told !== null)) return;

  const levels: Record<string, HeldLevels> = {};
  for (const condition of conditions) {
    const name = keyOf(condition);
    const held = before?.levels[name];
    if (held !== undefined) levels[name] = held;
  }
  for (const { condition, measurement } of judged) {
    const name = keyOf(condition);
    levels[name] = withValue(condition, levels[name] ?? {}, measurement.value, at);
  }
  const holding = Object.values(levels).some(holdsAny);
  const beganAt = holding ? Math.min(before?.beganAt ?? at, at) : null;
  let told: EventLevel | null = null;
  for (const [name, held] of Object.entries(levels)) {
    const confirmed = confirmedAt(held, beganAt ?? at, rule.filteringMs, at);
    levels[name] = confirmed;
    const level = levelOfHeld(confirmed);
    if (level === 'alarm' || told === null) told = level;
  }
  step.subjects[key] = { ...identity, at, beganAt, told, levels };
  step.moved = true;
  step.durable ||= changed(before, told, levels);
  const deciding = decidingOf(judged, levels);
  if (deciding === undefined || (told === null && before !== undefined && before.told === null)) return;
  step.signals.push(signal(step, identity, before?.told ?? null, told, deciding, levels[keyOf(deciding.condition)]));
}

function changed(
  before: SubjectState | undefined,
  told: EventLevel | null,
  levels: Record<string, HeldLevels>,
): boolean {
  if ((before?.told ?? null) !== told) return true;
  return Object.entries(levels).some(([name, held]) => !sameLevels(before?.levels[name] ?? {}, held));
}

/** The condition that holds the highest level, the first of several. */
function decidingOf(judged: readonly Judged[], levels: Record<string, HeldLevels>): Judged | undefined {
  const rank = ({ condition }: Judged): number => {
    const level = levelOfHeld(levels[keyOf(condition)] ?? {});
    return level === 'alarm' ? 2 : level === 'pre-alarm' ? 1 : 0;
  };
  return [...judged].sort((a, b) => rank(b) - rank(a))[0];
}

const typeOf = (kind: SubjectState['kind'], level: EventLevel | null): DerivedSignal['type'] => {
  if (kind === 'place') return level === 'pre-alarm' ? 'temperature-prealarm' : 'temperature-alarm';
  return level === 'pre-alarm' ? 'temperature-difference-prealarm' : 'temperature-difference';
};

function signal(
  step: Step,
  identity: Pick<SubjectState, 'rule' | 'kind'>,
  before: EventLevel | null,
  told: EventLevel | null,
  { condition, measurement }: Judged,
  held: HeldLevels | undefined,
): DerivedSignal {
  const { rule, event, at } = step;
  const level = told ?? before ?? 'alarm';
  const waiting = held?.alarm !== undefined && !held.confirmed ? rule.filteringMs - (at - held.alarm) : null;
  return {
    phase: told === null ? 'stop' : before === null ? 'start' : 'refresh',
    type: typeOf(identity.kind, level),
    level,
    ...(event.channel === undefined ? {} : { channel: event.channel }),
    rule: identity.rule,
    temperature: temperatureOf(condition, measurement, level, rule.unit),
    description: sentence(condition, told, measurement.text, rule.unit, waiting),
  };
}

function temperatureOf(
  condition: ThermalCondition,
  { value, difference, told }: Measurement,
  level: EventLevel,
  unit: TemperatureUnit,
): EventTemperature {
  const limit = level === 'pre-alarm' ? (condition.preAlarm ?? condition.alarm) : condition.alarm;
  const inUnit = (of: number): number => (difference ? fromKelvins(of, unit) : fromCelsius(of, unit));
  return {
    unit,
    value: inUnit(value),
    threshold: inUnit(limit),
    ruleType: ruleWords(condition, unit),
    ...(difference ? { difference: true } : {}),
    ...(told?.calibration === undefined ? {} : { calibration: told.calibration }),
    ...(told?.point === undefined ? {} : { point: told.point }),
    ...(told?.preset === undefined ? {} : { preset: told.preset }),
  };
}
