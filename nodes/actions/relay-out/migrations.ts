import { firstVersion, type Migration } from '../../shared/migrations';

export const defaults = {
  name: '',
  device: '',
  output: '1',
  postAlarm: 10,
  untilCleared: false,
  cap: '',
};

export const migrations: readonly Migration[] = [firstVersion];
