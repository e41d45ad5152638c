import { gatesDefaults } from '../../shared/gates-config';
import { firstVersion, type Migration } from '../../shared/migrations';

export const defaults = { name: '', ...gatesDefaults, quietMode: 'never' };

export const migrations: readonly Migration[] = [firstVersion];
