import type { DeviceEvent, EventLevel, EventTemperature } from '../domain/events';
import type { ThermalCondition, ThermalDifference, ThermalGroup, ThermalMeasure, ThermalRule } from '../domain/thermal';
import type { DerivedSignal, SourceMachine } from '../domain/triggers';
import { adoptState } from './adoption';
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
import { levelSignal, stopSignal } from './signals';
import {
  initialState,
  makeRoom,
  type PlaceState,
  placeKey,
  type SubjectState,
  subjectOf,
  type ThermalState,
} from './state';
import { type ThermalWindow, withSample } from './window';

/** Readings that overtook one another are seconds apart; a device time further back is a clock that was set. */
const REORDERED_WITHIN_MS = 60_000;

type Compared = ThermalDifference | ThermalGroup;

/** What one condition made of one event. */
interface Judged {
  condition: ThermalCondition;
  measurement: Measurement;
}

const keyOf = (condition: ThermalCondition): string => JSON.stringify(condition);
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
      for (const [key, conditions] of bySubject(source, compared)) compare(step, source, key, conditions);
      if (!step.moved) return { state, signals: [], durable: false };
      return { state: { places: step.places, subjects: step.subjects }, signals: step.signals, durable: step.durable };
    },
    adopt: (state) => adoptState(rule, state),
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
    ...(reading.place === undefined ? {} : { place: reading.place }),
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
  judge(step, key, { rule: ruleName(rule, reading), kind: 'place' }, conditions, judged);
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

/** Conditions that speak of one pair or group have one level together, like those of one place. */
function bySubject(source: string, compared: readonly Compared[]): Map<string, Compared[]> {
  const subjects = new Map<string, Compared[]>();
  for (const condition of compared) {
    const { key } = subjectOf(source, condition);
    subjects.set(key, [...(subjects.get(key) ?? []), condition]);
  }
  return subjects;
}

function compare(step: Step, source: string, key: string, conditions: readonly Compared[]): void {
  const judged: Judged[] = [];
  for (const condition of conditions) {
    const members = membersOf(step, source, condition);
    // What none of its places has told now is judged when one does.
    if (!members.some(([place]) => step.fresh.has(place))) continue;
    const measurement = comparison(step, condition, members);
    if (measurement !== null) judged.push({ condition, measurement });
  }
  const first = conditions[0];
  if (first !== undefined) judge(step, key, subjectOf(source, first), conditions, judged);
}

/** The places of a pair or group that have told something lately. */
function membersOf(step: Step, source: string, condition: Compared): [string, PlaceState][] {
  const { rule, at } = step;
  const names = condition.kind === 'group' ? condition.names : [condition.first, condition.second];
  return Object.entries(step.places).filter(([, place]) => {
    if (place.source !== source || Math.abs(at - place.at) > rule.staleMs) return false;
    return names.length === 0 ? place.name !== '' : isNamedIn(place, names);
  });
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

// Levels and signals

function judge(
  step: Step,
  key: string,
  { rule: name, kind }: Pick<SubjectState, 'rule' | 'kind'>,
  conditions: readonly ThermalCondition[],
  judged: readonly Judged[],
): void {
  const { at, rule } = step;
  const before = step.subjects[key];
  if (conditions.length === 0) {
    // A place whose device calls it by another name now.
    if (before === undefined) return;
    delete step.subjects[key];
    if (before.told === null) return;
    step.durable = true;
    step.signals.push(stopSignal(before));
    return;
  }
  if (judged.length === 0) return;
  if (before === undefined && !makeRoom(step.subjects, (_key, { told }) => told !== null)) return;

  const levels: Record<string, HeldLevels> = {};
  for (const condition of conditions) {
    const held = before?.levels[keyOf(condition)];
    if (held !== undefined) levels[keyOf(condition)] = held;
  }
  for (const { condition, measurement } of judged) {
    const words = keyOf(condition);
    levels[words] = withValue(condition, levels[words] ?? {}, measurement.value, at);
  }
  const holding = Object.values(levels).some(holdsAny);
  const beganAt = holding ? Math.min(before?.beganAt ?? at, at) : null;
  let told: EventLevel | null = null;
  for (const [words, held] of Object.entries(levels)) {
    const confirmed = confirmedAt(held, beganAt ?? at, rule.filteringMs, at);
    levels[words] = confirmed;
    const level = levelOfHeld(confirmed);
    if (level === 'alarm' || told === null) told = level;
  }
  const { channel } = step.event;
  const after: SubjectState = {
    ...(channel === undefined ? {} : { channel }),
    rule: name,
    kind,
    at,
    beganAt,
    told,
    levels,
  };
  step.subjects[key] = after;
  step.moved = true;
  step.durable ||= changed(before, told, levels);
  const deciding = decidingOf(judged, levels);
  if (deciding === undefined || (told === null && before !== undefined && before.told === null)) return;
  step.signals.push(levelSignal(rule, after, before?.told ?? null, deciding, levels[keyOf(deciding.condition)]));
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
