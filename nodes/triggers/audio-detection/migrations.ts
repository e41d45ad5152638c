import { firstVersion, type Migration } from '../../shared/migrations';
import { triggerDefaults } from '../../shared/trigger-node';

export const defaults = {
  ...triggerDefaults,
  channel: '',
  names: '',
};

export const migrations: readonly Migration[] = [firstVersion];
