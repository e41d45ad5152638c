import { firstVersion, type Migration } from '../../shared/migrations';

export const defaults = {
  name: '',
  device: '',
  phases: ['raise'] as readonly string[],
  interval: 0,
  trigger: '',
  dryRun: false,
};

export const migrations: readonly Migration[] = [firstVersion];
