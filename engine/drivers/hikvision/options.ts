import type { EventType } from '../../domain/events';
import { knownEventTypes } from '../../domain/events';
import type { DriverDialog } from '../driver';
import { optionError, readFields } from '../driver-options';
import { isVendorName, type NormalLight, normalLights } from './option-words';

/** Settings of this driver alone, as `readOptions` has checked them. */
export interface HikvisionOptions {
  /** How its events come: by subscription where the device has it, else by its alert stream. */
  eventSource: 'auto' | 'subscription' | 'alert-stream';
  /** Heart-beat that a subscription asks for, seconds. */
  heartbeatSeconds: number;
  /** Event types to take, ours (`motion`) or the device's (`VMD`), apart from commas or blanks; '': all. */
  eventTypes: string;
  /** Read temperatures all the time. */
  temperatures: boolean;
  /** Time between two readings, seconds. */
  temperatureSeconds: number;
  /** Thermal channel; 0: found out. */
  thermalChannel: number;
  /** Time between two looks at the cameras of a recorder, seconds; 0: never. */
  cameraSeconds: number;
  /** What a light goes back to where its state before is not known. */
  normalLight: NormalLight;
}

const DRIVER = 'Hikvision';

export const hikvisionDialog: DriverDialog = {
  host: true,
  login: true,
  tls: true,
  receives: ['stream', 'push', 'both'],
  live: true,
  fields: [
    {
      name: 'eventSource',
      label: 'Events come by',
      kind: 'choice',
      value: 'auto',
      choices: [
        { value: 'auto', label: 'Subscription where the device has it, else alert stream' },
        { value: 'subscription', label: 'Subscription' },
        { value: 'alert-stream', label: 'Alert stream' },
      ],
      hint: 'A subscription has a heart-beat that can be set, so a dead device is found sooner. Choose the alert stream for a device whose subscription misbehaves.',
    },
    {
      name: 'heartbeatSeconds',
      label: 'Heart-beat of the subscription (s)',
      kind: 'number',
      value: 5,
      min: 1,
      max: 30,
      hint: 'How often the device says that it is there. Above 10 s a dead device may take longer than 15 s to be noticed.',
    },
    {
      name: 'eventTypes',
      label: 'Only these events',
      kind: 'text',
      value: '',
      hint: 'Empty: all. Names of alarmflow (motion, intrusion) or of the device (VMD, fielddetection), separated by commas.',
    },
    {
      name: 'temperatures',
      label: 'Read temperatures',
      kind: 'flag',
      value: false,
      hint: 'Thermal cameras: reads the temperatures of the measuring rules all the time, for temperature rule nodes.',
    },
    {
      name: 'temperatureSeconds',
      label: 'Time between two temperatures (s)',
      kind: 'number',
      value: 1,
      min: 0.5,
      max: 3600,
    },
    {
      name: 'thermalChannel',
      label: 'Thermal channel',
      kind: 'number',
      value: 0,
      min: 0,
      max: 512,
      hint: '0: found by itself (2 on cameras with two lenses).',
    },
    {
      name: 'cameraSeconds',
      label: 'Recorder: look for offline cameras every (s)',
      kind: 'number',
      value: 20,
      min: 0,
      max: 3600,
      hint: '0: never. A camera that is away is reported as "Device offline" with its channel.',
    },
    {
      name: 'normalLight',
      label: 'Light when not in use',
      kind: 'choice',
      value: 'auto',
      choices: [
        { value: 'auto', label: 'Smart, else infrared, else off' },
        { value: 'eventIntelligence', label: 'Smart' },
        { value: 'irLight', label: 'Infrared' },
        { value: 'colorVuWhiteLight', label: 'White light' },
        { value: 'close', label: 'Off' },
      ],
      hint: 'A light that alarmflow switched on goes back to the setting found before it. Where that is not known, this one is set.',
    },
  ],
};

/** Checks and completes the driver's settings. Throws `E_DEVICE_OPTIONS` (user). */
export function readHikvisionOptions(options: Record<string, unknown>): HikvisionOptions {
  const read = readFields(DRIVER, hikvisionDialog.fields, options);
  const whole = (name: keyof HikvisionOptions, label: string): number => {
    const value = Number(read[name]);
    if (!Number.isInteger(value)) throw optionError(DRIVER, label, 'give a whole number');
    return value;
  };
  const eventTypes = String(read.eventTypes);
  for (const name of namesIn(eventTypes)) {
    if (!isKnown(name) && !isVendorName(name))
      throw optionError(
        DRIVER,
        'Only these events',
        `"${name.slice(0, 40)}" is no name of an event: give letters and digits only, e.g. VMD or motion`,
      );
  }
  const eventSource = String(read.eventSource);
  return {
    eventSource: eventSource === 'subscription' || eventSource === 'alert-stream' ? eventSource : 'auto',
    heartbeatSeconds: whole('heartbeatSeconds', 'Heart-beat of the subscription (s)'),
    eventTypes,
    temperatures: read.temperatures === true,
    temperatureSeconds: Number(read.temperatureSeconds),
    thermalChannel: whole('thermalChannel', 'Thermal channel'),
    cameraSeconds: whole('cameraSeconds', 'Recorder: look for offline cameras every (s)'),
    normalLight: normalLights.find((light) => light === read.normalLight) ?? 'auto',
  };
}

const namesIn = (text: string): string[] => text.split(/[\s,;]+/).filter((name) => name !== '');

const isKnown = (name: string): boolean => knownEventTypes.some((type) => type === name);

/** Which events to take; null: all. */
export interface EventFilter {
  /** Our types. */
  types: ReadonlySet<EventType>;
  /** The device's names, lower case. */
  names: ReadonlySet<string>;
}

export function eventFilterOf({ eventTypes }: Pick<HikvisionOptions, 'eventTypes'>): EventFilter | null {
  const names = namesIn(eventTypes);
  if (names.length === 0) return null;
  return {
    types: new Set(knownEventTypes.filter((type) => names.includes(type))),
    names: new Set(names.filter((name) => !isKnown(name)).map((name) => name.replace(/^vendor:/, '').toLowerCase())),
  };
}

/** Whether the operator wants it; without a filter everything. */
export const isWanted = (filter: EventFilter | null, draft: { type: EventType; vendorType: string }): boolean =>
  filter === null || filter.types.has(draft.type) || filter.names.has(draft.vendorType.toLowerCase());
