import type { EventTemperature, TemperatureUnit } from '../domain/events';
import { exact } from '../domain/temperature';
import type { ThermalDifference, ThermalGroup, ThermalMeasure, ThermalPlaceCondition } from '../domain/thermal';
import { largestChange, type ThermalWindow } from './window';
import { differenceText, temperatureText } from './words';

/** The number that a condition judges, and how to tell it. */
export interface Measurement {
  /** In °C, or in kelvin where it is a difference. */
  value: number;
  difference: boolean;
  /** E.g. `average of Press (1) is 53 °C`. */
  text: string;
  /** The temperature as the device told it, for place and preset of the hottest point. */
  told?: EventTemperature;
}

/** A place as a rule sees it: its newest numbers. */
export interface MeasuredPlace {
  /** For people: `Press (1)`. */
  title: string;
  celsius: Partial<Record<ThermalMeasure, number>>;
  windows: Partial<Record<ThermalMeasure, ThermalWindow>>;
  told?: EventTemperature;
}

/** What a place's condition judges, or null where the reading does not tell it. */
export function placeMeasurement(
  condition: ThermalPlaceCondition,
  place: MeasuredPlace,
  unit: TemperatureUnit,
): Measurement | null {
  const { measure } = condition;
  const celsius = place.celsius[measure];
  if (celsius === undefined) return null;
  const { told } = place;
  if (condition.kind === 'threshold' || condition.kind === 'section') {
    const text = `${measure} of ${place.title} is ${temperatureText(celsius, unit)}`;
    return { value: celsius, difference: false, text, told };
  }
  const cycleMs = condition.kind === 'rise' ? condition.withinMs : condition.cycleMs;
  const direction = condition.kind === 'rise' ? 'increase' : condition.change;
  const change = largestChange(place.windows[measure] ?? [], cycleMs, direction);
  // A single reading has not changed.
  const { from, to, tookMs } = change ?? { from: celsius, to: celsius, tookMs: 0 };
  const value = exact(Math.abs(to - from));
  const text =
    value === 0
      ? `${measure} of ${place.title} is ${temperatureText(celsius, unit)} without such a change`
      : `${measure} of ${place.title} went from ${temperatureText(from, unit)} to ${temperatureText(to, unit)} in ${tookMs / 1_000} s, by ${differenceText(value, unit)}`;
  return { value, difference: true, text, told };
}

/** The difference of two places, or null where one of them tells nothing. */
export function differenceMeasurement(
  condition: ThermalDifference,
  first: MeasuredPlace,
  second: MeasuredPlace,
  unit: TemperatureUnit,
): Measurement | null {
  const a = first.celsius[condition.measure];
  const b = second.celsius[condition.measure];
  if (a === undefined || b === undefined) return null;
  const signed = exact(a - b);
  const value = condition.comparison === 'amount' ? Math.abs(signed) : signed;
  const each = `${first.title} ${temperatureText(a, unit)}, ${second.title} ${temperatureText(b, unit)}`;
  const told = a >= b ? first.told : second.told;
  return { value, difference: true, text: `${each}, difference ${differenceText(value, unit)}`, told };
}

/**
 * A − B of a group (C3.3): A the hottest area, B the average of all. The area that is farthest above the average is
 * the one to name; that is the hottest.
 */
export function groupMeasurement(
  condition: ThermalGroup,
  areas: readonly MeasuredPlace[],
  unit: TemperatureUnit,
): Measurement | null {
  let hottest: MeasuredPlace | null = null;
  let most = Number.NEGATIVE_INFINITY;
  let sum = 0;
  let count = 0;
  for (const area of areas) {
    const celsius = area.celsius[condition.measure];
    if (celsius === undefined) continue;
    sum += celsius;
    count += 1;
    if (celsius > most) {
      most = celsius;
      hottest = area;
    }
  }
  // The average of a single area is its own temperature: there is nothing to compare.
  if (hottest === null || count < 2) return null;
  const average = sum / count;
  const value = exact(most - average);
  const listed = condition.names.length > count ? `${count} of ${condition.names.length} areas` : `${count} areas`;
  const text = `hottest of group ${condition.group} is ${hottest.title} with ${temperatureText(most, unit)}, ${differenceText(value, unit)} above the average ${temperatureText(average, unit)} of ${listed}`;
  return { value, difference: true, text, told: hottest.told };
}
