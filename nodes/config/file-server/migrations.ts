import { DEFAULT_MARKER } from '../../../engine/index';
import { firstVersion, type Migration } from '../../shared/migrations';

export const defaults = {
  name: '',
  protocol: 'sftp',
  host: '',
  port: 22,
  root: '',
  hostKey: '',
  certificate: '',
  authority: '',
  dataHost: 'same',
  presence: 'mount',
  marker: DEFAULT_MARKER,
};

/** Before version 2 there was SFTP alone. */
export const migrations: readonly Migration[] = [
  firstVersion,
  { version: 2, up: (config) => ({ ...config, protocol: 'sftp' }) },
];
