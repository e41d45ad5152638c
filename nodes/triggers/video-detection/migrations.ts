import { firstVersion, type Migration } from '../../shared/migrations';
import { triggerDefaults } from '../../shared/trigger-node';

export const videoTypes = ['motion', 'video-loss', 'tamper', 'scene-change', 'defocus', 'video-fault', 'pir'] as const;

export const defaults = {
  ...triggerDefaults,
  types: ['motion'] as readonly string[],
  channel: '',
  region: '',
};

export const migrations: readonly Migration[] = [firstVersion];
