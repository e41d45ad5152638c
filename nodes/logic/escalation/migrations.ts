import { firstVersion, type Migration } from '../../shared/migrations';

export const defaults = {
  name: '',
  steps: [{ delay: 0 }, { delay: 120 }],
  outputs: 2,
  repeatMode: 'never',
  rounds: 3,
  pause: 300,
  level: 'alarm',
  stopAcknowledged: true,
  stopCleared: false,
};

export const migrations: readonly Migration[] = [firstVersion];
