import { firstVersion, type Migration } from '../../shared/migrations';

/** `minutes` is empty for an order without an end. */
export const defaults = {
  name: '',
  scope: 'site',
  area: '',
  device: '',
  channel: 1,
  target: '',
  order: 'payload',
  how: 'normal',
  minutes: '',
  schedule: '',
};

export const migrations: readonly Migration[] = [firstVersion];
