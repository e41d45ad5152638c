import { firstVersion, type Migration } from '../../shared/migrations';

export const defaults = {
  name: '',
  device: '',
  channel: '',
  phases: ['raise'] as readonly string[],
  interval: 0,
  dryRun: false,
};

export const migrations: readonly Migration[] = [firstVersion];
