import { userError } from '../../domain/errors';
import type { DriverDialog } from '../driver';

/** Settings of an ONVIF device beside the common ones. */
export interface OnvifOptions {
  /** Request target of its device service. */
  path: string;
  login: 'auto' | 'digest' | 'token';
  /** `given`: every service at the port of the dialog (NAT); `told`: at the ports that the device names. */
  ports: 'given' | 'told';
  /** How events come. `auto`: pull, and notifications where pull is broken. */
  events: 'auto' | 'pull' | 'notify';
  /** Where notifications go instead of the device's own ingest path; '': there. */
  consumerUrl: string;
  /** Deliver informational topics (configuration changes, processor load …) too. */
  informational: boolean;
  /** Silence after which a state that the device does not end counts as over, seconds; 0: it always tells the end. */
  quietSeconds: number;
  /** Tokens of inputs that are active where the device says that they are not (normally closed), parted by commas. */
  invertedInputs: string;
  /** Tokens of relays whose events tell the contact, of a relay that is closed when idle, and not the logical state. */
  contactRelays: string;
}

const logins = ['auto', 'digest', 'token'] as const;
const portChoices = ['given', 'told'] as const;
const eventChoices = ['auto', 'pull', 'notify'] as const;

export const onvifDialog: DriverDialog = {
  host: true,
  login: true,
  tls: true,
  receives: ['stream', 'push', 'both'],
  live: true,
  fields: [
    {
      name: 'path',
      label: 'Device service',
      kind: 'text',
      value: '/onvif/device_service',
      hint: 'Path of the ONVIF device service; nearly every device has this one',
    },
    {
      name: 'login',
      label: 'Login',
      kind: 'choice',
      value: 'auto',
      choices: [
        { value: 'auto', label: 'Find out' },
        { value: 'digest', label: 'HTTP Digest' },
        { value: 'token', label: 'WS-UsernameToken' },
      ],
    },
    {
      name: 'ports',
      label: 'Ports of the services',
      kind: 'choice',
      value: 'given',
      choices: [
        { value: 'given', label: 'The port above for all' },
        { value: 'told', label: 'As the device tells them' },
      ],
      hint: 'The host is always the one above',
    },
    {
      name: 'events',
      label: 'Events',
      kind: 'choice',
      value: 'auto',
      choices: [
        { value: 'auto', label: 'Pull; notifications where pull is broken' },
        { value: 'pull', label: 'Pull only' },
        { value: 'notify', label: 'Notifications to us' },
      ],
    },
    {
      name: 'consumerUrl',
      label: 'Our address for notifications',
      kind: 'text',
      value: '',
      hint: 'Empty: found out (or the setting publicUrl). Else the whole push address of this device as the device reaches it',
    },
    {
      name: 'quietSeconds',
      label: 'End after silence (s)',
      kind: 'number',
      value: 0,
      min: 0,
      max: 3_600,
      hint: 'For cameras that never tell the end of motion; 0: the device tells it',
    },
    {
      name: 'invertedInputs',
      label: 'Inputs that are normally closed',
      kind: 'text',
      value: '',
      hint: 'Tokens, parted by commas, of inputs that the device tells as active while nothing is wrong, e.g. 000',
    },
    {
      name: 'contactRelays',
      label: 'Relays that tell their contact',
      kind: 'text',
      value: '',
      hint: 'Tokens, parted by commas, of relays with the idle state "closed" that the device tells as active while they are off',
    },
    { name: 'informational', label: 'Informational topics as events', kind: 'flag', value: false },
  ],
};

const refuse = (field: string, reason: string, remedy: string): Error =>
  userError('E_DEVICE_OPTIONS', `ONVIF device, field "${field}": ${reason}. ${remedy}`);

function choice<T extends string>(options: Record<string, unknown>, name: string, values: readonly T[]): T {
  const value = options[name] ?? values[0];
  const found = values.find((v) => v === value);
  if (found !== undefined) return found;
  throw refuse(name, `${JSON.stringify(value)} is no choice`, `Choose one of: ${values.join(', ')}`);
}

function text(options: Record<string, unknown>, name: string, otherwise: string): string {
  const value = options[name] ?? otherwise;
  if (typeof value !== 'string' || value.length > 1_000) throw refuse(name, 'it is no text', 'Enter a text');
  return value.trim();
}

const MOST_TOKENS = 256;

export const tokensIn = (list: string): ReadonlySet<string> =>
  new Set(
    list
      .split(',')
      .map((token) => token.trim())
      .filter((token) => token !== ''),
  );

function tokens(options: Record<string, unknown>, name: string): string {
  const found = [...tokensIn(text(options, name, ''))];
  if (found.length > MOST_TOKENS || found.some((token) => token.length > 64))
    throw refuse(
      name,
      'it is no list of tokens',
      `Enter up to ${MOST_TOKENS} tokens as the device has them, parted by commas`,
    );
  return found.join(', ');
}

/** The checked settings. Throws `E_DEVICE_OPTIONS` (user) that names field and remedy. */
export function readOnvifOptions(options: Record<string, unknown>): OnvifOptions {
  const path = text(options, 'path', '/onvif/device_service') || '/onvif/device_service';
  if (!/^\/[\x21\x24-\x5b\x5d-\x7e]*$/.test(path))
    throw refuse('path', `"${path}" is no path`, 'Enter one that begins with "/", e.g. /onvif/device_service');
  const consumerUrl = text(options, 'consumerUrl', '');
  const url = consumerUrl === '' || !URL.canParse(consumerUrl) ? null : new URL(consumerUrl);
  if (consumerUrl !== '' && !(url && /^https?:$/.test(url.protocol)))
    throw refuse('consumerUrl', 'it is no address', 'Enter one like http://192.168.1.10:1880/ingest/…, or nothing');
  const events = choice(options, 'events', eventChoices);
  const informational = options.informational ?? false;
  if (typeof informational !== 'boolean') throw refuse('informational', 'it is neither on nor off', 'Tick it or not');
  const quietSeconds = options.quietSeconds ?? 0;
  if (typeof quietSeconds !== 'number' || !(quietSeconds >= 0 && quietSeconds <= 3_600))
    throw refuse('quietSeconds', `${JSON.stringify(quietSeconds)} is no time`, 'Enter seconds from 0 to 3600');
  return {
    path,
    login: choice(options, 'login', logins),
    ports: choice(options, 'ports', portChoices),
    events,
    consumerUrl,
    informational,
    quietSeconds,
    invertedInputs: tokens(options, 'invertedInputs'),
    contactRelays: tokens(options, 'contactRelays'),
  };
}
