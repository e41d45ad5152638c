import type { EventLevel, EventTemperature, TemperatureUnit } from '../domain/events';
import { fromCelsius, fromKelvins } from '../domain/temperature';
import type { ThermalCondition, ThermalRule } from '../domain/thermal';
import type { DerivedSignal } from '../domain/triggers';
import type { HeldLevels } from './levels';
import type { Measurement } from './measurement';
import type { SubjectState } from './state';
import { ruleWords, sentence } from './words';

const typeOf = (kind: SubjectState['kind'], level: EventLevel | null): DerivedSignal['type'] => {
  if (kind === 'place') return level === 'pre-alarm' ? 'temperature-prealarm' : 'temperature-alarm';
  return level === 'pre-alarm' ? 'temperature-difference-prealarm' : 'temperature-difference';
};

/** The end of what no rule watches any more. */
export const stopSignal = (subject: Pick<SubjectState, 'kind' | 'rule' | 'channel' | 'told'>): DerivedSignal => ({
  phase: 'stop',
  type: typeOf(subject.kind, subject.told),
  ...(subject.told === null ? {} : { level: subject.told }),
  ...(subject.channel === undefined ? {} : { channel: subject.channel }),
  rule: subject.rule,
  description: `normal: no rule watches ${subject.rule} any more`,
});

/**
 * What a judgement tells the gates.
 *
 * @param before the level that was told last
 * @param held what the deciding condition remembers
 */
export function levelSignal(
  rule: ThermalRule,
  subject: SubjectState,
  before: EventLevel | null,
  deciding: { condition: ThermalCondition; measurement: Measurement },
  held: HeldLevels | undefined,
): DerivedSignal {
  const { condition, measurement } = deciding;
  const { told, at, channel } = subject;
  const level = told ?? before ?? 'alarm';
  const waitingMs = held?.alarm !== undefined && !held.confirmed ? rule.filteringMs - (at - held.alarm) : null;
  return {
    phase: told === null ? 'stop' : before === null ? 'start' : 'refresh',
    type: typeOf(subject.kind, level),
    level,
    ...(channel === undefined ? {} : { channel }),
    rule: subject.rule,
    temperature: temperatureOf(condition, measurement, level, rule.unit),
    description: sentence(condition, told, measurement.text, rule.unit, waitingMs),
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
