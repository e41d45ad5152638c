import { firstVersion, type Migration } from '../../shared/migrations';
import { triggerDefaults } from '../../shared/trigger-node';

export const exceptionTypes = [
  'storage-fault',
  'storage-missing',
  'storage-full',
  'raid-fault',
  'record-fault',
  'network-fault',
  'ip-conflict',
  'mac-conflict',
  'login-failure',
  'credentials-refused',
  'source-offline',
  'video-loss',
  'tamper',
  'fan-fault',
  'overheat',
  'power-fault',
  'device-fault',
  'upload-queue-full',
  'centre-unreachable',
  'output-left-on',
] as const;

export const defaults = { ...triggerDefaults, types: exceptionTypes as readonly string[] };

export const migrations: readonly Migration[] = [firstVersion];
