import { firstVersion, type Migration } from '../../shared/migrations';

export const defaults = {
  name: '',
  server: '',
  to: '',
  phases: ['raise'] as readonly string[],
  interval: 0,
  intervalTell: 'next',
  subject: '',
  text: '',
  picture: 'event-or-snapshot',
  snapshotDevice: '',
  snapshotChannel: '',
  dryRun: false,
};

export const migrations: readonly Migration[] = [firstVersion];
