import { firstVersion, type Migration } from '../../shared/migrations';

export const defaults = {
  name: '',
  host: '',
  port: 587,
  security: 'starttls',
  allowSelfSigned: false,
  from: '',
};

export const migrations: readonly Migration[] = [firstVersion];
