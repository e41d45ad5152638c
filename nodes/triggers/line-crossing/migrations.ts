import { firstVersion, type Migration } from '../../shared/migrations';
import { triggerDefaults } from '../../shared/trigger-node';

export const crossingTypes = ['line-crossing', 'intrusion', 'region-enter', 'region-exit'] as const;

export const defaults = {
  ...triggerDefaults,
  types: ['line-crossing'] as readonly string[],
  direction: 'any',
  targets: [] as readonly string[],
  channel: '',
  rule: '',
};

export const migrations: readonly Migration[] = [firstVersion];
