import { firstVersion, type Migration } from '../../shared/migrations';

export const defaults = {
  name: '',
  server: '',
  phases: ['raise'] as readonly string[],
  interval: 0,
  path: '{{site}}/{{alarm.deviceName}}/{{date}}/{{clock}} {{alarm.typeText}}',
  snapshotDevice: '',
  snapshotChannel: '',
  dryRun: false,
};

export const migrations: readonly Migration[] = [firstVersion];
