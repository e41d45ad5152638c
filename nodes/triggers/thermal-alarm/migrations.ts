import { firstVersion, type Migration } from '../../shared/migrations';
import { triggerDefaults } from '../../shared/trigger-node';

export const thermalTypes = [
  'temperature-prealarm',
  'temperature-alarm',
  'temperature-difference-prealarm',
  'temperature-difference',
  'fire',
  'smoke',
  'smoke-and-fire',
] as const;

export const defaults = {
  ...triggerDefaults,
  types: thermalTypes as readonly string[],
  minimumLevel: 'pre-alarm',
  minimumCelsius: '',
  channel: '',
  rule: '',
};

export const migrations: readonly Migration[] = [firstVersion];
