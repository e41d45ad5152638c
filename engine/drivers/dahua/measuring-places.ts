import type { EventTemperature } from '../../domain/events';
import type { CgiRequest } from './cgi';

/** One place of a thermal channel whose temperature the device tells when it is asked (PROTOCOLS §2.4). */
export interface MeasuringPlace {
  /** Counted from 1. */
  channel: number;
  name: string;
  calibration: EventTemperature['calibration'];
  /** Of RadiometryManager.cgi. */
  parameters: CgiRequest['parameters'];
}

/** A point that the operator names; where it is, the device counts from 0 to 8191 across and down. */
export interface NamedPoint {
  name: string;
  x: number;
  y: number;
}

/** Each is a request of its own, again and again. */
const MOST_PLACES = 32;
const FULL = 8_191;

const calibrations: Readonly<Record<string, MeasuringPlace['calibration']>> = {
  spot: 'point',
  point: 'point',
  line: 'line',
  area: 'region',
  region: 'region',
  polygon: 'region',
  rectangle: 'region',
};

/** The enabled rules of the device, `ThermometryRule[channel][preset][n]`, with one index less on fixed cameras. */
export function placesOfRules(table: ReadonlyMap<string, string> | null): MeasuringPlace[] {
  const places: MeasuringPlace[] = [];
  for (const [key, name] of table ?? []) {
    const found = /^ThermometryRule\[(\d{1,4})\](?:\[(\d{1,4})\])?\[(\d{1,4})\]\.Name$/.exec(key);
    if (!found || places.length >= MOST_PLACES) continue;
    const field = (word: string): string => table?.get(key.replace(/\.Name$/, `.${word}`)) ?? '';
    if (field('Enable').toLowerCase() === 'false') continue;
    const [, channel = '0', preset = '0', index = '0'] = found;
    const rule = [field('RuleId'), field('RuleID'), field('Id')].find((text) => /^\d{1,5}$/.test(text)) ?? index;
    const type = field('Type');
    places.push({
      channel: Number(channel) + 1,
      name: name || `Rule ${rule}`,
      calibration: Object.hasOwn(calibrations, type.toLowerCase()) ? calibrations[type.toLowerCase()] : undefined,
      parameters: [
        ['action', 'getTemper'],
        ['channel', String(Number(channel) + 1)],
        ['PresetId', preset],
        ['RuleId', rule],
        ...(type === '' ? [] : [['type', type] as const]),
      ],
    });
  }
  return places;
}

export const placesOfPoints = (points: readonly NamedPoint[], channel: number): MeasuringPlace[] =>
  points.slice(0, MOST_PLACES).map(({ name, x, y }) => ({
    channel,
    name,
    calibration: 'point',
    parameters: [
      ['action', 'getRandomPointTemper'],
      ['channel', String(channel)],
      ['coordinate[0]', String(x)],
      ['coordinate[1]', String(y)],
    ],
  }));

/** `<name> = <x>, <y>`; null for a line that is none. */
export function pointIn(line: string): NamedPoint | null {
  const found = /^([^=]{1,60})=\s{0,10}(\d{1,4})\s{0,10}[,; ]\s{0,10}(\d{1,4})$/.exec(line.trim());
  const [name = '', x, y] = [found?.[1]?.trim(), Number(found?.[2]), Number(found?.[3])];
  return found && name !== '' && x <= FULL && y <= FULL ? { name, x, y } : null;
}
