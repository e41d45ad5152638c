import { firstVersion, type Migration } from '../../shared/migrations';

export const defaults = {
  name: '',
  where: 'local',
  device: '',
  channel: '',
  preRecord: 5,
  postRecord: 10,
  part: 300,
  longest: 3600,
  dryRun: false,
};

export const migrations: readonly Migration[] = [firstVersion];
