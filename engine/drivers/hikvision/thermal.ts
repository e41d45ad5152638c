import type { EventRegion, EventTemperature, TemperatureUnit } from '../../domain/events';
import { childOf, childrenOf, type DocumentNode, findNode, numberOf, textOf } from './document';

/** Elements that carry a measurement, named after their event (PROTOCOLS §1.6). */
const thermalElements = ['TMA', 'TMPA', 'TDA', 'TDPA', 'FireDetection', 'SmokeDetection', 'SmokeAndFireDetection'];
const moreThermalElements = ['ShipsDetection', 'thermometry', 'thermometryAlarm', 'TemperatureIntervalMeasurement'];

const units: Readonly<Record<string, TemperatureUnit>> = {
  celsius: 'celsius',
  c: 'celsius',
  '0': 'celsius',
  fahrenheit: 'fahrenheit',
  f: 'fahrenheit',
  '1': 'fahrenheit',
  kelvin: 'kelvin',
  k: 'kelvin',
  '2': 'kelvin',
};

/** Words on the wire; numbers in the continuous upload: 0 point, 1 box or polygon, 2 line. */
const calibrations: Readonly<Record<string, EventTemperature['calibration']>> = {
  point: 'point',
  '0': 'point',
  region: 'region',
  area: 'region',
  polygon: 'region',
  box: 'region',
  '1': 'region',
  line: 'line',
  '2': 'line',
};

const lookUp = <T>(table: Readonly<Record<string, T>>, key: string | undefined): T | undefined => {
  const lower = key?.toLowerCase();
  return lower !== undefined && Object.hasOwn(table, lower) ? table[lower] : undefined;
};

/** The measuring element of a region entry, or of an alert in JSON where it stands at the top. */
export function thermalElement(entry: DocumentNode): DocumentNode | undefined {
  return childOf(entry, ...thermalElements, ...moreThermalElements);
}

/** What a measuring element says; undefined when it holds no temperature at all. */
export function temperatureOf(element: DocumentNode): EventTemperature | undefined {
  const value = numberOf(
    element,
    'currTemperature',
    'curTemperature',
    'fireMaxTemperature',
    'smokeMaxTemperature',
    'currTemperatureDiff',
    'temperatureDiff',
    'maxTemperature',
    'temperature',
  );
  const threshold = numberOf(element, 'ruleTemperature', 'alarmTemperature', 'alertTemperature');
  if (value === undefined && threshold === undefined) return undefined;
  const preset = numberOf(element, 'presetNo');
  return dropAbsent({
    unit: lookUp(units, textOf(element, 'thermometryUnit', 'temperatureUnit')) ?? 'celsius',
    value,
    threshold,
    difference: /^TDP?A$/i.test(element.name) ? true : undefined,
    ruleType: textOf(element, 'ruleType'),
    calibration: lookUp(calibrations, textOf(element, 'ruleCalibType')),
    point: pointOf(childOf(element, 'MaximumTemperaturePoint', 'HighestPoint')),
    preset: preset !== undefined && preset > 0 ? preset : undefined,
  });
}

/** Place of the flame or smoke, in thousandths on the wire. */
export function fireBox(element: DocumentNode): EventRegion['box'] {
  const box = childOf(element, 'FireRegion', 'SmokeRegion', 'ShipsRegion');
  return box ? boxOf(box) : undefined;
}

/** A point in thousandths, or in fractions where firmware sends those. */
export function pointOf(node: DocumentNode | undefined): { x: number; y: number } | undefined {
  const place = childOf(node, 'RegionCoordinates', 'Point') ?? node;
  const x = numberOf(place, 'positionX', 'x');
  const y = numberOf(place, 'positionY', 'y');
  if (x === undefined || y === undefined) return undefined;
  const scale = x <= 1 && y <= 1 ? 1 : 1000;
  return { x: share(x, scale), y: share(y, scale) };
}

/** Corner points of a region. All at most 1: they are fractions already. */
export function pointsOf(list: DocumentNode | undefined): { x: number; y: number }[] | undefined {
  const places = childrenOf(list, 'RegionCoordinates')
    .map((p) => ({ x: numberOf(p, 'positionX', 'x'), y: numberOf(p, 'positionY', 'y') }))
    .filter((p): p is { x: number; y: number } => p.x !== undefined && p.y !== undefined);
  if (places.length === 0) return undefined;
  const scale = places.every((p) => p.x <= 1 && p.y <= 1) ? 1 : 1000;
  return places.map((p) => ({ x: share(p.x, scale), y: share(p.y, scale) }));
}

/** A rectangle, in fractions or in thousandths. */
export function boxOf(node: DocumentNode): EventRegion['box'] {
  const x = numberOf(node, 'x');
  const y = numberOf(node, 'y');
  const width = numberOf(node, 'width');
  const height = numberOf(node, 'height');
  if (x === undefined || y === undefined || width === undefined || height === undefined) return undefined;
  const scale = [x, y, width, height].every((n) => n <= 1) ? 1 : 1000;
  return { x: share(x, scale), y: share(y, scale), width: share(width, scale), height: share(height, scale) };
}

const share = (value: number, scale: number): number => Math.min(1, Math.max(0, value / scale));

/** One measurement of the continuous upload, of a periodic report or of a poll. */
export interface Reading {
  /** Number of the rule. */
  rule?: string;
  name?: string;
  temperature: EventTemperature;
  /** As written: seconds since the epoch, or an ISO text. */
  time?: string;
}

/**
 * Measurements of a ThermometryUploadList (`LinePolygonThermCfg`, `PointThermCfg`; PROTOCOLS §1.6), of a
 * ThermometryRulesTemperatureInfoList or of the periodic `temperatureIntervalMeasurement`, whose exact form differs by
 * model: any list below it whose entries carry a temperature is read. A reading that the device marks as frozen
 * (while it calibrates itself) is none.
 */
export function readingsOf(root: DocumentNode): Reading[] {
  const readings: Reading[] = [];
  const visit = (node: DocumentNode): void => {
    if (textOf(node, 'isFreezedata')?.toLowerCase() === 'true') return;
    const reading = readingOf(node);
    if (reading) readings.push(reading);
    else for (const c of node.children) visit(c);
  };
  visit(root);
  return readings;
}

function readingOf(node: DocumentNode): Reading | undefined {
  const area = childOf(node, 'LinePolygonThermCfg');
  const point = childOf(node, 'PointThermCfg');
  const values = area ?? point ?? node;
  const value = numberOf(
    values,
    'MaxTemperature',
    'temperature',
    'currTemperature',
    'AverageTemperature',
    'fireMaxTemperature',
  );
  if (value === undefined) return undefined;
  const unit = textOf(node, 'thermometryUnit', 'temperatureUnit') ?? textOf(values, 'thermometryUnit');
  const preset = numberOf(node, 'presetNo');
  return dropAbsent({
    rule: textOf(node, 'ruleID', 'regionID', 'id'),
    name: textOf(node, 'ruleName', 'name'),
    time: textOf(node, 'absTime', 'dateTime'),
    temperature: dropAbsent({
      unit: lookUp(units, unit) ?? 'celsius',
      value,
      maximum: numberOf(values, 'MaxTemperature'),
      minimum: numberOf(values, 'MinTemperature'),
      average: numberOf(values, 'AverageTemperature'),
      ruleType: area && numberOf(area, 'MaxTemperature') !== undefined ? 'maximum temperature' : undefined,
      calibration: lookUp(calibrations, textOf(node, 'ruleCalibType')) ?? (point ? 'point' : undefined),
      point: pointOf(childOf(node, 'HighestPoint')) ?? pointOf(findNode(values, 'MaximumTemperaturePoint')),
      preset: preset !== undefined && preset > 0 ? preset : undefined,
    }),
  });
}

/** The same object without its undefined properties: absent is absent, also in JSON and in comparisons. */
export function dropAbsent<T extends object>(value: T): T {
  for (const key of Object.keys(value) as (keyof T)[]) if (value[key] === undefined) delete value[key];
  return value;
}
