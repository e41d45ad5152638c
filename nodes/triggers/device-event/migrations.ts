import { firstVersion, type Migration } from '../../shared/migrations';
import { triggerDefaults } from '../../shared/trigger-node';

export const defaults = {
  ...triggerDefaults,
  types: '',
  names: '',
  channel: '',
  input: '',
  rule: '',
  region: '',
};

export const migrations: readonly Migration[] = [firstVersion];
