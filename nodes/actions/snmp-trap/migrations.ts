import { firstVersion, type Migration } from '../../shared/migrations';

export const defaults = {
  name: '',
  receiver: '',
  phases: ['raise', 'clear', 'end'] as readonly string[],
  text: '',
};

export const migrations: readonly Migration[] = [firstVersion];
