import { firstVersion, type Migration } from '../../shared/migrations';

export const defaults = {
  name: '',
  level: 'info',
  text: '',
  phases: ['raise', 'escalate', 'clear', 'end'] as readonly string[],
  interval: 0,
  intervalTell: 'next',
  dryRun: false,
};

export const migrations: readonly Migration[] = [firstVersion];
