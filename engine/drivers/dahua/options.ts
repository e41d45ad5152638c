import type { DriverDialog } from '../driver';
import { linesOf, optionError, readFields } from '../driver-options';
import { type NamedPoint, pointIn } from './measuring-places';

/** What the channel records when alarmflow doesn't: the device's own modes of recording. */
export type RecordMode = 'auto' | 'manual' | 'off';

/** Settings of this driver alone. */
export interface DahuaOptions {
  /** Mode that a recording goes back to where the mode before it isn't known. */
  normalRecordMode: RecordMode;
  /** Heart-beat that the device is asked for, seconds. */
  heartbeatSeconds: number;
  /** Read temperatures all the time. */
  temperatures: boolean;
  /** Time between two readings, seconds. */
  temperatureSeconds: number;
  /** What the device's numbers are, whatever it calls them. */
  temperatureUnit: 'device' | 'celsius' | 'fahrenheit';
  /** Points to measure beside the device's rules, a line each: name = x, y. */
  points: string;
  /** Channel of the points. */
  thermalChannel: number;
}

const recordModes: readonly RecordMode[] = ['auto', 'manual', 'off'];

const defaultOptions: DahuaOptions = {
  normalRecordMode: 'auto',
  heartbeatSeconds: 5,
  temperatures: false,
  temperatureSeconds: 2,
  temperatureUnit: 'device',
  points: '',
  thermalChannel: 2,
};

const units: readonly DahuaOptions['temperatureUnit'][] = ['device', 'celsius', 'fahrenheit'];

export const dahuaDialog: DriverDialog = {
  host: true,
  login: true,
  tls: true,
  receives: ['stream'],
  live: true,
  fields: [
    {
      name: 'normalRecordMode',
      label: 'Normal recording mode',
      kind: 'choice',
      value: defaultOptions.normalRecordMode,
      choices: [
        { value: 'auto', label: 'Auto (by the recording schedule)' },
        { value: 'manual', label: 'Manual (always)' },
        { value: 'off', label: 'Off' },
      ],
      hint: 'A recording that alarmflow started goes back to the mode found before it. Where that is not known, this one is set.',
    },
    {
      name: 'heartbeatSeconds',
      label: 'Heart-beat (s)',
      kind: 'number',
      value: defaultOptions.heartbeatSeconds,
      min: 1,
      max: 10,
      hint: 'How often the device says that it is there. A longer one saves traffic and finds a dead device later.',
    },
    {
      name: 'temperatures',
      label: 'Read temperatures',
      kind: 'flag',
      value: defaultOptions.temperatures,
      hint: 'Thermal cameras: asks for the temperatures of the measuring rules all the time, for temperature rule nodes.',
    },
    {
      name: 'temperatureSeconds',
      label: 'Time between two temperatures (s)',
      kind: 'number',
      value: defaultOptions.temperatureSeconds,
      min: 0.5,
      max: 3600,
    },
    {
      name: 'temperatureUnit',
      label: 'Unit of the temperatures read',
      kind: 'choice',
      value: defaultOptions.temperatureUnit,
      choices: [
        { value: 'device', label: 'As the device says' },
        { value: 'celsius', label: '°C' },
        { value: 'fahrenheit', label: '°F' },
      ],
      hint: 'Some firmware calls °F centigrade: compare with the picture of the camera.',
    },
    {
      name: 'points',
      label: 'Points to measure',
      kind: 'lines',
      value: defaultOptions.points,
      hint: 'Beside the rules of the device, or where it has none. One line each: name = x, y; from 0, 0 (top left) to 8191, 8191.',
    },
    {
      name: 'thermalChannel',
      label: 'Channel of the points',
      kind: 'number',
      value: defaultOptions.thermalChannel,
      min: 1,
      max: 512,
      hint: '2 on cameras with two lenses.',
    },
  ],
};

/** Checks and completes the driver's settings. Throws `E_DEVICE_OPTIONS` (user). */
export function readDahuaOptions(options: Record<string, unknown>): DahuaOptions {
  const read = readFields('Dahua', dahuaDialog.fields, options);
  const heartbeatSeconds = Number(read.heartbeatSeconds);
  if (!Number.isInteger(heartbeatSeconds))
    throw optionError('Dahua', 'Heart-beat (s)', 'give a whole number from 1 to 10');
  const thermalChannel = Number(read.thermalChannel);
  if (!Number.isInteger(thermalChannel)) throw optionError('Dahua', 'Channel of the points', 'give a whole number');
  const points = String(read.points);
  pointsIn(points);
  return {
    normalRecordMode: recordModes.find((m) => m === read.normalRecordMode) ?? 'auto',
    heartbeatSeconds,
    temperatures: read.temperatures === true,
    temperatureSeconds: Number(read.temperatureSeconds),
    temperatureUnit: units.find((unit) => unit === read.temperatureUnit) ?? 'device',
    points,
    thermalChannel,
  };
}

/** The points that the operator names. Throws `E_DEVICE_OPTIONS` (user) that names the line. */
export function pointsIn(text: string): NamedPoint[] {
  return linesOf(text).map(({ line, number }) => {
    const point = pointIn(line);
    if (point) return point;
    throw optionError(
      'Dahua',
      'Points to measure',
      `line ${number}: write name = x, y with x and y from 0 to 8191, e.g. Boiler = 4096, 4096`,
    );
  });
}
