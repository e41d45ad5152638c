import { firstVersion, type Migration } from '../../shared/migrations';

export const defaults = { name: '', tests: '', atDeploy: 'offer' };

export const migrations: readonly Migration[] = [firstVersion];
