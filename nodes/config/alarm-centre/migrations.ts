import { firstVersion, type Migration } from '../../shared/migrations';

export const defaults = {
  name: '',
  url: '',
  method: 'POST',
  login: 'none',
  header: 'X-API-Key',
  accepted: '200-299',
  mustHold: '',
  mustNotHold: '',
  timeout: 15,
  authority: '',
  fingerprint: '',
  certificate: '',
  sign: 'json',
  signEvery: 0,
};

export const migrations: readonly Migration[] = [firstVersion];
