import { firstVersion, type Migration } from '../../shared/migrations';

export const defaults = {
  name: '',
  receiver: '',
  phases: ['raise', 'clear', 'end'] as readonly string[],
  interval: 0,
  intervalTell: 'next',
  text: '',
  dryRun: false,
};

export const migrations: readonly Migration[] = [firstVersion];
