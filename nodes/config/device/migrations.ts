import { firstVersion, type Migration } from '../../shared/migrations';

export const defaults = {
  name: '',
  driver: 'hikvision',
  host: '',
  port: 80,
  tls: false,
  allowSelfSigned: false,
  receive: 'both',
  timeZone: '',
  pushFrom: '',
  record: false,
  recordChannels: '1',
  recordSeconds: 30,
  recordStream: 'main',
  recordPort: '',
  options: {},
};

export const migrations: readonly Migration[] = [firstVersion];
