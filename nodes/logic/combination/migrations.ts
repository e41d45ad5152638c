import { gatesDefaults } from '../../shared/gates-config';
import { firstVersion, type Migration } from '../../shared/migrations';

export const defaults = {
  name: '',
  mode: 'all',
  operands: [],
  within: 10,
  starts: 3,
  ...gatesDefaults,
  quietMode: 'never',
};

export const migrations: readonly Migration[] = [firstVersion];
