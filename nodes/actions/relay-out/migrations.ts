import { firstVersion, type Migration } from '../../shared/migrations';

export const defaults = {
  name: '',
  device: '',
  output: '1',
  hold: 'after-clear',
  onTime: 10,
  postAlarm: 10,
  untilCleared: false,
  cap: '',
  dryRun: false,
};

export const migrations: readonly Migration[] = [firstVersion];
