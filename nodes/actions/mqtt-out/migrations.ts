import { firstVersion, type Migration } from '../../shared/migrations';

export const defaults = {
  name: '',
  via: 'broker',
  broker: '',
  device: '',
  phases: ['raise', 'clear', 'end'] as readonly string[],
  interval: 0,
  intervalTell: 'next',
  topic: '',
  payloadFormat: 'json',
  payload: '',
  qos: '1',
  retain: false,
  discovery: '',
  dryRun: false,
};

export const migrations: readonly Migration[] = [firstVersion];
