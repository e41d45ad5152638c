import type { EventTemperature, TemperatureUnit } from '../../domain/events';
import type { WireData } from './event-text';
import { numberAt, textAt, valueAt, withoutGaps } from './fields';
import { pointAt } from './shapes';

/**
 * No HTTP body of a thermal event is public: the names are those of the SDK's twins, and the spellings that firmware
 * could make of them (PROTOCOLS §2.4). Each list is tried in order.
 */
const valuePaths = ['TemperatureValue', 'Temperature', 'Temper', 'TemperValue', 'CurTemperature', 'CurrentTemperature'];
const insidePaths = ['', 'TempInfo.', 'Info.', 'Object.', 'HotSpot.', 'RadiometryInfo.'];
const under = (names: readonly string[]): string[] =>
  insidePaths.flatMap((prefix) => names.map((name) => prefix + name));

const values = under(valuePaths);
const maxima = under(['MaxTemperature', 'TemperMax', 'Max', 'MaxTemper', 'HottestTemperature']);
const minima = under(['MinTemperature', 'TemperMin', 'Min', 'MinTemper']);
const averages = under(['AverageTemperature', 'TemperAver', 'TemperAve', 'Average', 'AverTemper']);
const differences = under(['TemperatureDifference', 'DiffTemperature', 'TemperDiff', 'TempDiff', 'DifferenceValue']);
const thresholds = under(['AlarmThreshold', 'Threshold', 'AlarmValue', 'AlarmTemperature', 'AlarmSetting.Threshold']);
const units = under(['TemperatureUnit', 'TemperUnit', 'Unit']);
const conditions = under(['AlarmContion', 'AlarmCondition', 'Condition']);
const results = under(['Result', 'ResultType', 'AlarmType', 'Type']);
const presets = under(['PresetID', 'PresetId', 'Preset']);
const places = under(['Coordinate', 'Coordinates', 'MaxCoordinate', 'HotPoint', 'Point', 'Center', 'BoundingBox']);

/** Names of the rule, and its number. */
export const thermalRulePaths: readonly string[] = under([
  'Name',
  'RuleName',
  'AlarmId',
  'AlarmID',
  'RuleId',
  'RuleID',
]);

/** NET_RADIOMETRY_RESULT of the SDK. */
const resultNumbers: Readonly<Record<string, string>> = {
  '1': 'value',
  '2': 'maximum',
  '3': 'minimum',
  '4': 'average',
  '5': 'standard deviation',
  '6': 'median',
  '7': 'share above the limit',
};
const conditionNumbers: Readonly<Record<string, string>> = { '0': 'below', '1': 'at', '2': 'above' };

function unitOf(text: string | undefined): TemperatureUnit {
  const lower = text?.toLowerCase() ?? '';
  if (lower === '1' || lower.startsWith('f')) return 'fahrenheit';
  return lower === '2' || lower.startsWith('k') ? 'kelvin' : 'celsius';
}

const named = (table: Readonly<Record<string, string>>, text: string | undefined): string | undefined =>
  text === undefined ? undefined : Object.hasOwn(table, text) ? table[text] : /^\d+$/.test(text) ? undefined : text;

/** What was measured, as far as the data says; undefined where it holds no temperature at all. */
export function temperatureIn(data: WireData | null): EventTemperature | undefined {
  const result = named(resultNumbers, textAt(data, ...results));
  const difference = numberAt(data, ...differences);
  const maximum = numberAt(data, ...maxima);
  const minimum = numberAt(data, ...minima);
  const average = numberAt(data, ...averages);
  const value = difference ?? numberAt(data, ...values) ?? maximum ?? average ?? minimum;
  const threshold = numberAt(data, ...thresholds);
  if (value === undefined && threshold === undefined) return undefined;
  const condition = named(conditionNumbers, textAt(data, ...conditions));
  const preset = numberAt(data, ...presets);
  return withoutGaps({
    unit: unitOf(textAt(data, ...units)),
    value,
    maximum: maximum ?? (result?.startsWith('max') ? value : undefined),
    minimum: minimum ?? (result?.startsWith('min') ? value : undefined),
    average: average ?? (result?.startsWith('aver') ? value : undefined),
    difference: saysDifference(data) ? true : undefined,
    threshold,
    ruleType: [result, condition].filter((word) => word !== undefined).join(' ') || undefined,
    point: pointAt(data, ...places),
    preset: preset !== undefined && Number.isInteger(preset) && preset > 0 && preset < 100_000 ? preset : undefined,
  });
}

/** Whether two positions are compared (T4). */
export function saysDifference(data: WireData | null): boolean {
  if (numberAt(data, ...differences) !== undefined) return true;
  return /diff/i.test(textAt(data, ...results) ?? '');
}

/** The life that the data itself tells: 0 pulse, 1 start, 2 stop; undefined where it doesn't. */
export function actionIn(data: WireData | null): 'pulse' | 'start' | 'stop' | undefined {
  const action = valueAt(data, 'Action');
  if (action === 0 || action === '0') return 'pulse';
  if (action === 1 || action === '1') return 'start';
  return action === 2 || action === '2' ? 'stop' : undefined;
}
