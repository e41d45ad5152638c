import { firstVersion, type Migration } from '../../shared/migrations';
import type { RawConfig } from '../../shared/runtime-api';

export const defaults = {
  name: '',
  driver: 'hikvision',
  host: '',
  port: 80,
  tls: false,
  allowSelfSigned: false,
  receive: 'both',
  timeZone: '',
  pushFrom: '',
  signOfLife: '',
  record: false,
  recordChannels: '1',
  recordSeconds: 30,
  recordStream: 'main',
  recordPort: '',
  recordTransport: 'tcp',
  recordSelfSigned: false,
  recordFingerprint: '',
  recordAuthority: '',
  recordSound: false,
  options: {},
};

/** Settings of two drivers that are one of all devices now, with how many make a minute. */
const silences: Readonly<Record<string, { option: string; perMinute: number }>> = {
  'http-push': { option: 'silenceSeconds', perMinute: 60 },
  'snmp-traps': { option: 'silence', perMinute: 1 },
};

function withSignOfLife(config: RawConfig): RawConfig {
  const { options, driver } = config;
  if (typeof driver !== 'string' || !Object.hasOwn(silences, driver)) return config;
  if (typeof options !== 'object' || options === null || Array.isArray(options)) return config;
  const { option, perMinute } = silences[driver]!;
  const { [option]: silence, ...rest } = options as Record<string, unknown>;
  const value = Number(silence ?? 0);
  return { ...config, options: rest, ...(value > 0 ? { signOfLife: value / perMinute } : {}) };
}

export const migrations: readonly Migration[] = [
  firstVersion,
  { version: 2, up: withSignOfLife },
  // Streams over TLS came: an alarmflow that does not know them would ask for the picture, with its login, in clear.
  { version: 3, up: (config) => config },
];
