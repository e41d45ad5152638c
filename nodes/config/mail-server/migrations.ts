import { firstVersion, type Migration } from '../../shared/migrations';

export const defaults = {
  name: '',
  host: '',
  port: 587,
  security: 'starttls',
  allowSelfSigned: false,
  from: '',
  largest: 10,
  healthEvery: 0,
  healthTo: '',
  authority: '',
  fingerprint: '',
  login: 'password',
  grant: 'client-credentials',
  tokenUrl: '',
  clientId: '',
  scope: '',
};

export const migrations: readonly Migration[] = [
  firstVersion,
  // Health mails and the size limit came: an alarmflow that does not know them must not leave them out in silence.
  { version: 2, up: (config) => config },
  // Logins by token and pinned certificates came: an alarmflow that does not know them would log in by nothing.
  { version: 3, up: (config) => config },
];
