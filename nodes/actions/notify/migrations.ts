import { firstVersion, type Migration } from '../../shared/migrations';

export const defaults = {
  name: '',
  centre: '',
  phases: ['raise', 'clear', 'end'] as readonly string[],
  reportPlan: '',
  interval: 0,
  intervalTell: 'next',
  format: 'json',
  body: '',
  path: '',
  contentType: '',
  senderAddress: '',
  senderMac: '',
  dryRun: false,
};

export const migrations: readonly Migration[] = [firstVersion];
