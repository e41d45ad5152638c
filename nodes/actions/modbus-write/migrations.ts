import { firstVersion, type Migration } from '../../shared/migrations';

export const defaults = {
  name: '',
  device: '',
  phases: ['raise'] as readonly string[],
  interval: 0,
  table: 'coil',
  counting: 'zero',
  address: 0,
  value: 1,
  pulse: '',
  restValue: 0,
  unit: '',
  multiple: false,
  readBack: true,
  dryRun: false,
};

export const migrations: readonly Migration[] = [firstVersion];
