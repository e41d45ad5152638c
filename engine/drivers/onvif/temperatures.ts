import type { EventTemperature } from '../../domain/events';
import { findAll, type XmlElement } from '../wire';
import { type Items, itemValue, type Message } from './messages';

const fields = {
  value: ['SpotTemperature', 'Temperature', 'TemperatureValue', 'CurrentTemperature'],
  maximum: ['MaxTemperature', 'MaximumTemperature'],
  minimum: ['MinTemperature', 'MinimumTemperature'],
  average: ['AverageTemperature', 'AvgTemperature'],
  threshold: ['ThresholdTemperature', 'Threshold', 'AlarmTemperature'],
} as const;

type Field = keyof typeof fields;
const names = Object.entries(fields) as [Field, readonly string[]][];

/** A temperature in Kelvin; what lies outside of all that is measured is none. */
function kelvin(text: string | undefined): number | undefined {
  if (text === undefined || !/^[-+]?\d{1,6}(?:\.\d{1,9})?(?:e[-+]?\d{1,2})?$/i.test(text.trim())) return undefined;
  const value = Number(text);
  return value >= 0 && value < 10_000 ? value : undefined;
}

/** All attributes and child texts below an element, as items. */
function spread(element: XmlElement): Items {
  return [
    element,
    ...findAll(element, 'TemperatureReading'),
    ...element.children,
    ...element.children.flatMap((c) => c.children),
  ]
    .slice(0, 64)
    .flatMap((e) => [
      ...Object.entries(e.attributes).map(([name, value]) => ({ name, value: value.trim() })),
      { name: e.name, value: e.text.trim() },
    ]);
}

/** Temperatures of a radiometry message, which ONVIF gives in Kelvin (Thermal Service Specification; PROTOCOLS §4.4). */
export function temperatureOf(message: Message): { temperature?: EventTemperature; item?: string } {
  const items = [...message.values, ...message.elements.flatMap(({ element }) => spread(element))];
  const temperature: EventTemperature = { unit: 'kelvin' };
  for (const [field, spellings] of names) {
    const value = kelvin(itemValue(items, ...spellings));
    if (value !== undefined) temperature[field] = value;
  }
  if (temperature.value === undefined && temperature.maximum !== undefined) temperature.value = temperature.maximum;
  const path = message.topic.path.toLowerCase();
  if (path.includes('spot')) temperature.calibration = 'point';
  else if (path.includes('box') || path.includes('polygon')) temperature.calibration = 'region';
  else if (path.includes('line')) temperature.calibration = 'line';
  const measured = names.some(([field]) => temperature[field] !== undefined);
  return { ...(measured ? { temperature } : {}), item: itemValue(items, 'ItemID') };
}
