import { firstVersion, type Migration } from '../../shared/migrations';

export const defaults = {
  name: '',
  host: '',
  port: 1883,
  tls: false,
  authority: '',
  fingerprint: '',
  mqttVersion: '5',
  clientId: '',
};

export const migrations: readonly Migration[] = [firstVersion];
