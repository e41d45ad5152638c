import { firstVersion, type Migration } from '../../shared/migrations';
import { triggerDefaults } from '../../shared/trigger-node';

export const perimeterTypes = [
  'line-crossing',
  'intrusion',
  'region-enter',
  'region-exit',
  'loitering',
  'group',
  'fast-moving',
  'parking',
  'object-left',
  'object-removed',
] as const;

export const defaults = {
  ...triggerDefaults,
  types: ['line-crossing', 'intrusion', 'region-enter', 'region-exit', 'loitering'] as readonly string[],
  direction: 'any',
  targets: [] as readonly string[],
  channel: '',
  rule: '',
  region: '',
};

export const migrations: readonly Migration[] = [firstVersion];
