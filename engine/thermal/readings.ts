import type { DeviceEvent, EventTemperature } from '../domain/events';
import { COLDEST_CELSIUS, HOTTEST_CELSIUS, toCelsius } from '../domain/temperature';
import { OFFERED_READING, type ThermalMeasure, type ThermalPlace, type ThermalRule } from '../domain/thermal';

/** Places that one event may tell; devices have at most a few dozen. */
export const MOST_PLACES_OF_EVENT = 256;
const LONGEST_NAME = 128;
/** Name under which the alarms of a whole scene are told. */
export const SCENE = 'scene';

/** What one event tells of one place. */
export interface Reading {
  /** Device and channel: places of one source can be compared. */
  source: string;
  channel: number | undefined;
  /** Number or name of the place; '': the whole scene. */
  name: string;
  /** The device's name for it, where it has a number as well. */
  label: string;
  place: Exclude<ThermalPlace, 'any'> | undefined;
  /** In °C; what was not told is absent. */
  celsius: Partial<Record<ThermalMeasure, number>>;
  /** As the event told it, for the alarm's record. */
  told: EventTemperature;
}

/** A number that can be a temperature, in °C. */
function possible(value: number | undefined, unit: EventTemperature['unit']): number | undefined {
  if (value === undefined || !Number.isFinite(value)) return undefined;
  const celsius = toCelsius(value, unit);
  return celsius >= COLDEST_CELSIUS && celsius <= HOTTEST_CELSIUS ? celsius : undefined;
}

/**
 * The three numbers of a temperature. A single value without more is all three; of a line or an area it is the
 * highest, as the devices report it (A3.3.4: "view the maximum temperature of the area"), and no average.
 */
function measuresOf(told: EventTemperature): Partial<Record<ThermalMeasure, number>> {
  const value = possible(told.value, told.unit);
  const maximum = possible(told.maximum, told.unit);
  const minimum = possible(told.minimum, told.unit);
  const average = possible(told.average, told.unit);
  const several = told.maximum !== undefined || told.minimum !== undefined || told.average !== undefined;
  const single = !several && told.calibration !== 'line' && told.calibration !== 'region';
  const measures: Partial<Record<ThermalMeasure, number>> = {};
  const most = maximum ?? (told.maximum === undefined ? value : undefined);
  if (most !== undefined) measures.maximum = most;
  const least = minimum ?? (single ? value : undefined);
  if (least !== undefined) measures.minimum = least;
  const mean = average ?? (single ? value : undefined);
  if (mean !== undefined) measures.average = mean;
  return measures;
}

const placeOf = (name: string, told: EventTemperature): Reading['place'] => {
  if (told.calibration === 'region') return 'area';
  if (told.calibration !== undefined) return told.calibration;
  return name === '' ? 'scene' : undefined;
};

const trimmed = (text: string | undefined): string => (text ?? '').trim().slice(0, LONGEST_NAME);

/**
 * The readings of an event: one for each region that tells a temperature, else its own. An event that is no reading,
 * was stored and sent again later, or belongs to another node gives none; so do numbers that no temperature can be.
 */
export function readingsOf(event: DeviceEvent, rule: Pick<ThermalRule, 'triggerId'>): Reading[] {
  if (event.phase === 'stop' || event.late) return [];
  if (event.vendorType === OFFERED_READING && rule.triggerId !== undefined && event.deviceId !== rule.triggerId) {
    return [];
  }
  const source = `${event.deviceId}|${event.channel ?? ''}`;
  const readings = new Map<string, Reading>();
  const take = (id: string | undefined, label: string | undefined, told: EventTemperature | undefined): void => {
    // An alarm's own difference is no temperature.
    if (told === undefined || told.difference === true) return;
    const celsius = measuresOf(told);
    if (Object.keys(celsius).length === 0) return;
    const given = trimmed(id);
    // Alarms of the scene are told under this name.
    const name = given.toLowerCase() === SCENE ? '' : given;
    readings.set(name, {
      source,
      channel: event.channel,
      name,
      label: trimmed(label) === name ? '' : trimmed(label),
      place: placeOf(name, told),
      celsius,
      told,
    });
  };
  const regions = (event.regions ?? []).filter((region) => region.temperature !== undefined);
  for (const region of regions.slice(0, MOST_PLACES_OF_EVENT)) {
    take(region.id ?? event.rule, undefined, { ...region.temperature, unit: region.temperature?.unit ?? 'celsius' });
  }
  // The event's own temperature repeats that of its first or hottest region.
  const label = event.type === 'temperature-reading' && event.rule !== undefined ? event.description : undefined;
  if (regions.length === 0) take(event.rule, label, event.temperature);
  return [...readings.values()];
}
