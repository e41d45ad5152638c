import type { EventLevel, TemperatureUnit } from '../domain/events';
import { fromCelsius, fromKelvins, unitSign } from '../domain/temperature';
import type { ThermalCondition, ThermalMeasure } from '../domain/thermal';

/** A number with at most two decimals and no needless zeros. */
const shown = (value: number): string => String(Math.round(value * 100) / 100);

/** A temperature for people, in the unit. */
export const temperatureText = (celsius: number, unit: TemperatureUnit): string =>
  `${shown(fromCelsius(celsius, unit))} ${unitSign[unit]}`;

/** A difference of temperatures for people, in degrees of the unit. */
export const differenceText = (kelvins: number, unit: TemperatureUnit): string =>
  `${shown(fromKelvins(kelvins, unit))} ${unitSign[unit]}`;

const seconds = (ms: number): string => `${shown(ms / 1_000)} s`;

const changeWords = { increase: 'sudden increase', decrease: 'sudden decrease', either: 'sudden change' } as const;

const hottestWords: Record<ThermalMeasure, string> = {
  maximum: 'highest',
  minimum: 'highest minimum',
  average: 'highest average',
};

/** The rule in a few words, as it stands in the alarm's record (`temperature.ruleType`). */
export function ruleWords(condition: ThermalCondition, unit: TemperatureUnit): string {
  switch (condition.kind) {
    case 'threshold':
      return `${condition.measure} ${condition.direction}`;
    case 'sudden-change':
      return `${changeWords[condition.change]} of the ${condition.measure} within ${seconds(condition.cycleMs)}`;
    case 'rise':
      return `rise of the ${condition.measure} within ${seconds(condition.withinMs)}`;
    case 'section':
      return `${condition.measure} up to ${temperatureText(condition.maximum, unit)}`;
    case 'difference': {
      const { first, second, comparison, direction, measure } = condition;
      const what = comparison === 'amount' ? `of ${first} and ${second}` : `${first} − ${second}`;
      return `difference ${what} (${measure}) ${direction}`;
    }
    case 'group':
      return `${hottestWords[condition.measure]} of group ${condition.group} less its average`;
  }
}

/** Both limits and the tolerance of a rule. */
function limitWords(condition: ThermalCondition, unit: TemperatureUnit): string {
  const difference = condition.kind !== 'threshold' && condition.kind !== 'section';
  const limit = (value: number): string => (difference ? differenceText(value, unit) : temperatureText(value, unit));
  const exceeds = condition.kind === 'sudden-change' ? 'over' : 'from';
  const below = 'direction' in condition && condition.direction === 'below';
  const at = (value: number): string => (below ? `at most ${limit(value)}` : `${exceeds} ${limit(value)}`);
  const parts = [
    ...(condition.preAlarm === null ? [] : [`pre-alarm ${at(condition.preAlarm)}`]),
    `alarm ${at(condition.alarm)}`,
    ...(condition.kind === 'section' ? [`none above ${limit(condition.maximum)}`] : []),
    ...(condition.tolerance > 0 ? [`tolerance ${differenceText(condition.tolerance, unit)}`] : []),
  ];
  return parts.join(', ');
}

/**
 * The sentence of a decision.
 *
 * @param measured what was found, e.g. `average of Press (1) is 53 °C`
 * @param waiting what is left of the filtering time of an alarm level, or null
 */
export function sentence(
  condition: ThermalCondition,
  level: EventLevel | null,
  measured: string,
  unit: TemperatureUnit,
  waitingMs: number | null,
): string {
  const waits = waitingMs === null ? '' : `; filtering time of the alarm: ${seconds(waitingMs)} left`;
  return `${level ?? 'normal'}: ${measured}; ${limitWords(condition, unit)}${waits}`;
}
