import { firstVersion, type Migration } from '../../shared/migrations';

export const defaults = {
  name: '',
  device: '',
  channel: '',
  offsets: '0',
  targets: [] as readonly { device: string; channel: number }[],
  devices: [] as readonly string[],
  phases: ['raise'] as readonly string[],
  interval: 0,
  dryRun: false,
};

export const migrations: readonly Migration[] = [
  firstVersion,
  {
    // Several channels, cameras and moments; before, one picture of one channel was taken at once.
    version: 2,
    up: ({ channel = '', offsets = '0', targets = [], devices = [], ...config }) => ({
      ...config,
      channel: Array.isArray(channel) ? channel : String(channel ?? ''),
      offsets,
      targets,
      devices,
    }),
  },
];
