import { firstVersion, type Migration } from '../../shared/migrations';

export const defaults = {
  name: '',
  level: 'by-alarm',
  title: '',
  text: '',
  picture: true,
  targets: [] as readonly { device: string; channel: number }[],
  devices: [] as readonly string[],
  dwell: 5,
  sound: 'none',
  goesWhen: 'acknowledged',
  seconds: 0,
  phases: ['raise', 'escalate'] as readonly string[],
  interval: 0,
  intervalTell: 'next',
  dryRun: false,
};

export const migrations: readonly Migration[] = [firstVersion];
