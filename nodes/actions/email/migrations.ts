import { firstVersion, type Migration } from '../../shared/migrations';

export const defaults = {
  name: '',
  server: '',
  to: '',
  more: [] as readonly unknown[],
  schedules: [] as readonly string[],
  phases: ['raise'] as readonly string[],
  interval: 0,
  intervalTell: 'next',
  subject: '',
  text: '',
  picture: 'event-or-snapshot',
  clip: '0',
  links: false,
  snapshotDevice: '',
  snapshotChannel: '',
  dryRun: false,
};

export const migrations: readonly Migration[] = [
  firstVersion,
  // Further receivers and clips came: an alarmflow that does not know them must not mail fewer people in silence.
  { version: 2, up: (config) => config },
];
