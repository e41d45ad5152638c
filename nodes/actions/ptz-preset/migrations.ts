import { firstVersion, type Migration } from '../../shared/migrations';

export const defaults = {
  name: '',
  device: '',
  channel: 1,
  preset: 1,
  phases: ['raise'] as readonly string[],
  dryRun: false,
};

export const migrations: readonly Migration[] = [firstVersion];
