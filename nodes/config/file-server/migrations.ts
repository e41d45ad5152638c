import { firstVersion, type Migration } from '../../shared/migrations';

export const defaults = {
  name: '',
  host: '',
  port: 22,
  root: '',
  hostKey: '',
};

export const migrations: readonly Migration[] = [firstVersion];
