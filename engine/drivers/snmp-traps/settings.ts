import { isIP } from 'node:net';
import type { DeviceDefinition } from '../../domain/devices';
import { type AlarmflowError, userError } from '../../domain/errors';
import type { DriverField } from '../driver';
import { linesOf, optionError, readFields } from '../driver-options';
import { defaultTable } from './default-table';
import { readTable, type TrapTable } from './table';
import { readTrapUsers, type TrapUser, type TrapUserManner, withKeys } from './users';

export type TrapAccess =
  | { kind: 'community'; community: string }
  | {
      kind: 'v3';
      users: readonly TrapUser[];
      /** Whether messages outside the time window of RFC 3414 are refused. */
      window: boolean;
    };

/** A receiver's settings as the connection uses them. */
export interface TrapSettings {
  address: string;
  port: number;
  /** Addresses, networks and names of senders; empty: any. */
  sources: string[];
  /** All of them are addresses of one device. */
  oneSender: boolean;
  table: TrapTable;
  /** Datagrams a second of one sender. */
  rate: number;
}

const TITLE = 'SNMP traps';

/** The driver's part of the device dialog; the community or the keys are the login's. */
export const trapFields: readonly DriverField[] = [
  { name: 'listenPort', label: 'UDP port', kind: 'number', value: 1_162, min: 1, max: 65_535 },
  {
    name: 'listenAddress',
    label: 'Listen on address',
    kind: 'text',
    value: '',
    hint: 'Empty: all addresses of this machine',
  },
  {
    name: 'sources',
    label: 'Senders, one a line',
    kind: 'lines',
    value: '',
    hint: 'Address, network (192.0.2.0/24) or name; empty: any that no other device claims',
  },
  {
    name: 'several',
    label: 'Several senders are',
    kind: 'choice',
    value: 'each',
    hint: 'Devices of their own: the input tells which; the end of one is not that of another',
    choices: [
      { value: 'each', label: 'devices of their own' },
      { value: 'one', label: 'addresses of one device' },
    ],
  },
  {
    name: 'access',
    label: 'Version',
    kind: 'choice',
    value: 'community',
    choices: [
      { value: 'community', label: '1 and 2c, community' },
      { value: 'authPriv', label: '3, authenticated and encrypted' },
      { value: 'authNoPriv', label: '3, authenticated' },
      { value: 'noAuthNoPriv', label: '3, neither' },
    ],
  },
  {
    name: 'authentication',
    label: 'Version 3: authentication',
    kind: 'choice',
    when: { field: 'access', is: ['authPriv', 'authNoPriv'] },
    value: 'sha',
    choices: ['md5', 'sha', 'sha224', 'sha256', 'sha384', 'sha512'].map((value) => ({
      value,
      label: value.toUpperCase(),
    })),
  },
  {
    name: 'privacy',
    label: 'Version 3: encryption',
    kind: 'choice',
    when: { field: 'access', is: ['authPriv'] },
    value: 'aes',
    choices: [
      { value: 'aes', label: 'AES-128' },
      { value: 'aes256b', label: 'AES-256 (Blumenthal)' },
      { value: 'aes256r', label: 'AES-256 (Reeder, Cisco)' },
      { value: 'des', label: 'DES' },
    ],
  },
  {
    name: 'keys',
    label: 'Version 3: passwords',
    kind: 'choice',
    when: { field: 'access', is: ['authPriv'] },
    value: 'same',
    choices: [
      { value: 'same', label: 'one for both' },
      { value: 'two', label: 'two: authentication, a blank, encryption' },
    ],
  },
  {
    name: 'users',
    label: 'Version 3: further users, one a line',
    kind: 'lines',
    when: { field: 'access', is: ['authPriv', 'authNoPriv', 'noAuthNoPriv'] },
    value: '',
    hint: 'Name, then what differs from the first: authPriv, authNoPriv or noAuthNoPriv; sha256 …; aes … Their passwords follow in the login, all apart by blanks, in this order',
  },
  {
    name: 'window',
    label: 'Version 3: time window',
    kind: 'choice',
    when: { field: 'access', is: ['authPriv', 'authNoPriv', 'noAuthNoPriv'] },
    value: 'checked',
    choices: [
      { value: 'checked', label: 'checked (RFC 3414): nothing is taken that was recorded and sent again' },
      { value: 'off', label: 'off, for senders that lose their count of restarts' },
    ],
  },
  { name: 'table', label: 'What notifications mean', kind: 'lines', value: defaultTable },
  { name: 'rate', label: 'Most notifications a second of one sender', kind: 'number', value: 100, min: 1, max: 10_000 },
];

/** Checks and completes the settings. Throws `E_DEVICE_OPTIONS` (user). */
export function readTrapOptions(options: Record<string, unknown>): Record<string, unknown> {
  const read = readFields(TITLE, trapFields, options);
  trapSettings({ options: read });
  return read;
}

/** The settings as the connection uses them. Throws `E_DEVICE_OPTIONS` (user). */
export function trapSettings(
  definition: Pick<DeviceDefinition, 'options'> & Partial<Pick<DeviceDefinition, 'host' | 'pushFrom'>>,
): TrapSettings {
  const read = readFields(TITLE, trapFields, definition.options ?? {});
  const address = String(read.listenAddress).trim();
  if (address !== '' && isIP(address) === 0)
    throw optionError(TITLE, 'Listen on address', `"${address}" is no address of this machine`);
  const port = Number(read.listenPort);
  if (!Number.isInteger(port)) throw optionError(TITLE, 'UDP port', 'give a whole number');
  const listed = linesOf(String(read.sources)).map(({ line }) => line);
  const sources = [
    ...listed,
    ...(definition.pushFrom ?? []),
    ...(definition.host?.trim() ? [definition.host.trim()] : []),
  ];
  for (const source of sources) checkSource(source);
  furtherUsers(read);
  return {
    address,
    port,
    sources: [...new Set(sources)],
    oneSender: read.several === 'one',
    table: readTable(String(read.table)),
    rate: Number(read.rate),
  };
}

function checkSource(source: string): void {
  const [address = '', bits] = source.split('/');
  const family = isIP(address);
  const most = family === 4 ? 32 : 128;
  const network = family !== 0 && (bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= most));
  if (!network && !/^[a-z0-9]([a-z0-9._-]{0,252})$/i.test(source))
    throw optionError(TITLE, 'Senders', `"${source}" is no address, network or name`);
}

/** Community, or user and keys. Throws `E_CREDENTIALS_MISSING` (user): no sender is let in unproved. */
export function trapAccess({ name, options, credentials }: DeviceDefinition): TrapAccess {
  const read = readFields(TITLE, trapFields, options ?? {});
  const password = credentials?.password ?? '';
  if (read.access === 'community') {
    if (password === '') throw missing(name, 'give the community as the password of its login');
    return { kind: 'community', community: password };
  }
  const user = credentials?.user ?? '';
  if (user === '') throw missing(name, 'give the user of SNMP version 3 in its login');
  const further = furtherUsers(read);
  if (further.some((one) => one.user === user))
    throw optionError(TITLE, 'Version 3: further users', `"${user}" is the user of the login already`);
  const users = withKeys([{ user, ...mannerOf(read) }, ...further], password, read.keys === 'two');
  if (users === null)
    throw missing(
      name,
      further.length === 0
        ? 'give both passwords with a blank between them'
        : 'give the passwords of all users in the login, in their order and with blanks between them',
    );
  // RFC 3414 §11.2: shorter ones are no keys.
  if (
    users.some(
      ({ level, authKey, privKey }) =>
        isShort(authKey, level !== 'noAuthNoPriv') || isShort(privKey, level === 'authPriv'),
    )
  )
    throw missing(name, 'passwords of SNMP version 3 have at least 8 characters');
  return { kind: 'v3', users, window: read.window !== 'off' };
}

const isShort = (key: string, needed: boolean): boolean => needed && key.length < 8;

/** How the user of the login proves itself; readFields has let nothing else pass. */
const mannerOf = (read: Record<string, unknown>): Omit<TrapUserManner, 'user'> => ({
  level: (read.access === 'community' ? 'authPriv' : read.access) as TrapUserManner['level'],
  authentication: read.authentication as TrapUserManner['authentication'],
  privacy: read.privacy as TrapUserManner['privacy'],
});

const furtherUsers = (read: Record<string, unknown>): TrapUserManner[] =>
  readTrapUsers(TITLE, 'Version 3: further users', String(read.users), mannerOf(read));

const missing = (name: string, remedy: string): AlarmflowError =>
  userError('E_CREDENTIALS_MISSING', `"${name}" takes no notification unproved: ${remedy}`);
