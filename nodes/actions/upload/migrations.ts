import { firstVersion, type Migration } from '../../shared/migrations';

export const defaults = {
  name: '',
  server: '',
  phases: ['raise'] as readonly string[],
  interval: 0,
  path: '{{site}}/{{alarm.deviceName}}/{{date}}/{{clock}} {{alarm.typeText}}',
  pictures: true,
  clip: false,
  clipBefore: 10,
  clipAfter: 10,
  clipMost: 60,
  alarmFile: 'none',
  snapshotDevice: '',
  snapshotChannel: '',
  periods: '',
  dryRun: false,
};

/** Before version 2 there were pictures alone, at any time; what is new is off. */
export const migrations: readonly Migration[] = [
  firstVersion,
  { version: 2, up: (config) => ({ ...config, pictures: true, clip: false, alarmFile: 'none', periods: '' }) },
];
