import { gatesDefaults } from '../../shared/gates-config';
import { firstVersion, type Migration } from '../../shared/migrations';

/** A rule as a new one looks in the dialog: the worked example of the thermographic camera's manual. */
export const newRule = {
  kind: 'threshold',
  measure: 'maximum',
  place: 'any',
  names: '',
  direction: 'above',
  preAlarm: 50,
  alarm: 55,
  tolerance: 3,
  maximum: 60,
  change: 'increase',
  seconds: 5,
  first: '',
  second: '',
  comparison: 'amount',
  group: '1',
} as const;

export const defaults = {
  name: '',
  devices: [] as string[],
  deviceAlarms: false,
  unit: 'celsius',
  rules: [newRule] as readonly object[],
  sensors: [] as readonly object[],
  silentAfter: 60,
  ...gatesDefaults,
  quietMode: 'never',
};

export const migrations: readonly Migration[] = [firstVersion];
