import type { ArmingInput } from '../../../engine/index';
import { firstVersion, type Migration } from '../../shared/migrations';

/** Times in seconds; an empty number of raises switches flood control off. */
export const defaults = {
  name: '',
  covers: 'area',
  schedule: '',
  exitDelay: 0,
  entryDelay: 0,
  atDisarm: 'end',
  unattended: 'force',
  inputs: [] as ArmingInput[],
  floodRaises: 10,
  floodMinutes: 10,
};

export const migrations: readonly Migration[] = [firstVersion];
