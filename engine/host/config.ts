/**
 * One schema for command line, environment and configuration file. A flag goes before a variable,
 * a variable before the file, the file before the default.
 */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { isAbsolute, join, resolve } from 'node:path';
import { z } from 'zod';
import { userError } from '../domain/errors';
import { isAddressOrNetwork } from './addresses';

/** What the command line and the documentation say about one value. */
interface FieldDocument {
  /** Environment variable. */
  env: string;
  description: string;
  /** What is allowed, in words. */
  allowed: string;
  /** Shown in place of the default where that is made at start. */
  defaultText?: string;
  secret?: boolean;
}

const units: Record<string, number> = { '': 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3 };

/** `20 MiB`, `20M`, `20971520` as bytes; other things stay as they are, for the schema to refuse. */
function readSize(value: unknown): unknown {
  const match = typeof value === 'string' ? /^\s*(\d{1,15})\s*([kmg]?)(?:i?b)?\s*$/i.exec(value) : null;
  return match ? Number(match[1]) * units[match[2]!.toLowerCase()]! : value;
}

const readNumber = (value: unknown): unknown =>
  typeof value === 'string' && /^-?\d+(?:\.\d+)?$/.test(value.trim()) ? Number(value) : value;

const words: Record<string, boolean> = {
  true: true,
  '1': true,
  yes: true,
  on: true,
  false: false,
  '0': false,
  no: false,
  off: false,
};
const readBoolean = (value: unknown): unknown =>
  typeof value === 'string' ? (words[value.trim().toLowerCase()] ?? value) : value;

const readList = (value: unknown): unknown =>
  typeof value === 'string'
    ? value
        .split(',')
        .map((part) => part.trim())
        .filter((part) => part !== '')
    : value;

const whole = (least: number, most: number) => z.preprocess(readNumber, z.int().min(least).max(most));
const size = (least: number, most: number) => z.preprocess(readSize, z.int().min(least).max(most));
const text = (most: number) => z.string().trim().min(1).max(most);
const addresses = () =>
  z.preprocess(readList, z.array(z.string().refine(isAddressOrNetwork, 'no address or network')).max(100));
const texts = (most: number) =>
  z.preprocess(
    readList,
    z
      .array(
        z
          .string()
          .min(1)
          .max(1000)
          .refine((given) => !given.includes('\0')),
      )
      .max(most),
  );
const url = (...protocols: string[]) =>
  z
    .string()
    .refine((given) => URL.canParse(given) && protocols.includes(new URL(given).protocol.slice(0, -1)), 'no such URL')
    .nullable();

/** A URL below which paths can be put: nothing secret in it, nothing behind the path. */
function isBaseUrl(given: string): boolean {
  if (!URL.canParse(given)) return false;
  const { protocol, username, password, search, hash } = new URL(given);
  return /^https?:$/.test(protocol) && `${username}${password}${search}${hash}` === '';
}

/** RFC 8292 §2.1. */
const isContact = (given: string): boolean =>
  /^[^\s@<>]{1,64}@[^\s@<>]+\.[^\s@<>]+$/.test(given) || (URL.canParse(given) && new URL(given).protocol === 'https:');

const between = (least: number, most: number): string => `a whole number from ${least} to ${most}`;
const MiB = 1024 ** 2;

const shape = {
  data: field(text(1000).default('./data'), {
    env: 'ALARMFLOW_DATA',
    description: 'data folder',
    allowed: 'the path of a folder',
  }),
  port: field(whole(0, 65_535).default(1880), {
    env: 'ALARMFLOW_PORT',
    description: 'port of console, editor and device push; 0 takes a free one',
    allowed: between(0, 65_535),
  }),
  host: field(
    z
      .string()
      .trim()
      .regex(/^[\w.:-]{1,255}$/)
      .default('127.0.0.1'),
    {
      env: 'ALARMFLOW_HOST',
      description: 'address to listen on; others than this machine only once users are set up',
      allowed: 'an IP address or a host name',
    },
  ),
  publicUrl: field(z.string().trim().refine(isBaseUrl, 'no such URL').nullable().default(null), {
    env: 'ALARMFLOW_PUBLIC_URL',
    description:
      'address under which devices and people reach this site: where devices are told to push, where links in messages lead',
    allowed: 'a URL http://host:port or https://host:port, a path behind it where a proxy adds one',
    defaultText: 'the address it listens on, as seen from the device',
  }),
  answerLinks: field(z.preprocess(readBoolean, z.boolean()).default(false), {
    env: 'ALARMFLOW_ANSWER_LINKS',
    description:
      'links in mails and notifications that acknowledge, snooze or mark an alarm as false without a login, where a node asks for them; needs publicUrl',
    allowed: 'true or false',
  }),
  answerLinkHours: field(whole(1, 168).default(24), {
    env: 'ALARMFLOW_ANSWER_LINK_HOURS',
    description: 'hours for which such a link works',
    allowed: between(1, 168),
  }),
  answerSnoozeMinutes: field(whole(1, 1_440).default(30), {
    env: 'ALARMFLOW_ANSWER_SNOOZE_MINUTES',
    description: 'minutes for which such a link snoozes',
    allowed: between(1, 1_440),
  }),
  pushContact: field(z.string().trim().max(254).refine(isContact, 'no contact').nullable().default(null), {
    env: 'ALARMFLOW_PUSH_CONTACT',
    description:
      'whom the operator of a push service may ask about notifications of this site; some refuse sites without one',
    allowed: 'a mail address, or a URL https://…',
    defaultText: 'the public URL where it is https, else none',
  }),
  siteName: field(text(80).default('Site'), {
    env: 'ALARMFLOW_SITE_NAME',
    description: 'name of the site in topics, mails and the console',
    allowed: '1 to 80 characters',
  }),
  databaseUrl: field(url('postgres', 'postgresql').default(null), {
    env: 'DATABASE_URL',
    description: 'PostgreSQL server for the record; without it the record lies in the data folder',
    allowed: 'a URL postgres://user:password@host:port/database',
    secret: true,
  }),
  redisUrl: field(url('redis', 'rediss').default(null), {
    env: 'REDIS_URL',
    description: 'Redis or Valkey server for the queue; without it the queue lies beside the record',
    allowed: 'a URL redis://host:port or rediss://host:port',
    secret: true,
  }),
  logLevel: field(z.enum(['debug', 'info', 'warn', 'error']).default('info'), {
    env: 'ALARMFLOW_LOG_LEVEL',
    description: 'least weight of what is logged',
    allowed: 'debug, info, warn or error',
  }),
  logFormat: field(z.enum(['text', 'json']).default('text'), {
    env: 'ALARMFLOW_LOG_FORMAT',
    description: 'lines for people, or JSON lines',
    allowed: 'text or json',
  }),
  demo: field(z.preprocess(readBoolean, z.boolean()).default(false), {
    env: 'ALARMFLOW_DEMO',
    description: 'make the demo site with its simulated devices',
    allowed: 'true or false',
    defaultText: 'true for "start" on an empty data folder, else false',
  }),
  dryRun: field(z.preprocess(readBoolean, z.boolean()).default(false), {
    env: 'ALARMFLOW_DRY_RUN',
    description: 'write down what actions and outputs would do, and do none of it, as long as this process runs',
    allowed: 'true or false',
  }),
  retentionEventDays: field(whole(1, 3_650).default(90), {
    env: 'ALARMFLOW_RETENTION_EVENT_DAYS',
    description: 'days for which events and their decisions are kept',
    allowed: between(1, 3_650),
  }),
  retentionMaxEvents: field(whole(1_000, 100_000_000).default(1_000_000), {
    env: 'ALARMFLOW_RETENTION_MAX_EVENTS',
    description: 'most events that are kept',
    allowed: between(1_000, 100_000_000),
  }),
  retentionMediaDays: field(whole(1, 3_650).default(30), {
    env: 'ALARMFLOW_RETENTION_MEDIA_DAYS',
    description: 'days for which pictures and clips are kept',
    allowed: between(1, 3_650),
  }),
  retentionMediaBytes: field(size(MiB, 2 ** 50).default(5 * 1024 * MiB), {
    env: 'ALARMFLOW_RETENTION_MEDIA_BYTES',
    description: 'most space for pictures and clips',
    allowed: 'a size from 1 MiB to 1048576 GiB, e.g. 5GiB',
  }),
  uploadFolders: field(texts(50).default([]), {
    env: 'ALARMFLOW_UPLOAD_FOLDERS',
    description: 'folders of this machine below which uploads may be written, e.g. where a NAS is mounted',
    allowed: 'paths of folders, e.g. /mnt/nas,/srv/alarms',
  }),
  uploadQueueBytes: field(size(MiB, 2 ** 50).default(2 * 1024 * MiB), {
    env: 'ALARMFLOW_UPLOAD_QUEUE_BYTES',
    description: 'most space for uploads that wait for their server; the oldest are dropped first',
    allowed: 'a size from 1 MiB to 1048576 GiB, e.g. 2GiB',
  }),
  uploadQueueDays: field(whole(1, 365).default(7), {
    env: 'ALARMFLOW_UPLOAD_QUEUE_DAYS',
    description: 'days after which an upload that waits for its server is given up',
    allowed: between(1, 365),
  }),
  ffmpegPath: field(text(1000).default('ffmpeg'), {
    env: 'ALARMFLOW_FFMPEG_PATH',
    description: 'ffmpeg, for local recording; nothing else needs it',
    allowed: 'the name or path of a program',
  }),
  recordingBytes: field(size(64 * MiB, 2 ** 50).default(4 * 1024 * MiB), {
    env: 'ALARMFLOW_RECORDING_BYTES',
    description: 'most space for the last seconds of all recorded cameras; recordings under way come on top',
    allowed: 'a size from 64 MiB to 1048576 GiB, e.g. 4GiB',
  }),
  ingestMaxBytes: field(size(1024, 256 * MiB).default(20 * MiB), {
    env: 'ALARMFLOW_INGEST_MAX_BYTES',
    description: 'largest push of a device',
    allowed: 'a size from 1 KiB to 256 MiB, e.g. 20MiB',
  }),
  ingestRatePerSecond: field(whole(0, 100_000).default(500), {
    env: 'ALARMFLOW_INGEST_RATE_PER_SECOND',
    description: 'pushes a device may send per second, twice as many at once; 0 sets no limit',
    allowed: between(0, 100_000),
  }),
  sessionHours: field(whole(1, 8_760).default(12), {
    env: 'ALARMFLOW_SESSION_HOURS',
    description: 'hours after which a login ends',
    allowed: between(1, 8_760),
  }),
  sessionIdleMinutes: field(whole(1, 525_600).default(120), {
    env: 'ALARMFLOW_SESSION_IDLE_MINUTES',
    description: 'minutes after which a login that is not used ends',
    allowed: between(1, 525_600),
  }),
  trustedProxies: field(addresses().default([]), {
    env: 'ALARMFLOW_TRUSTED_PROXIES',
    description: 'proxies whose X-Forwarded-For and X-Forwarded-Proto headers are believed',
    allowed: 'addresses or networks, e.g. 10.0.0.5,10.1.0.0/16',
  }),
  metricsFrom: field(addresses().default([]), {
    env: 'ALARMFLOW_METRICS_FROM',
    description: 'addresses that may read /metrics without a login, beside this machine',
    allowed: 'addresses or networks, e.g. 10.0.0.5,10.1.0.0/16',
  }),
  tlsCert: field(text(1000).nullable().default(null), {
    env: 'ALARMFLOW_TLS_CERT',
    description: 'certificate chain for HTTPS, PEM; goes with the key',
    allowed: 'the path of a file',
  }),
  tlsKey: field(text(1000).nullable().default(null), {
    env: 'ALARMFLOW_TLS_KEY',
    description: 'private key for HTTPS, PEM; goes with the certificate',
    allowed: 'the path of a file',
  }),
  playerCommand: field(
    text(1000)
      .refine((given) => !given.includes('\0'))
      .nullable()
      .default(null),
    {
      env: 'ALARMFLOW_PLAYER_COMMAND',
      description: 'program that plays audible alarms on this machine, e.g. aplay; started without a shell',
      allowed: 'name or path of a program',
    },
  ),
  playerArguments: field(texts(50).default(['{sound}']), {
    env: 'ALARMFLOW_PLAYER_ARGUMENTS',
    description: 'its arguments, one by one; {sound} stands for the file, {volume} for 0 to 100',
    allowed: 'a list, e.g. -q,{sound}',
  }),
  playerSounds: field(texts(100).default([]), {
    env: 'ALARMFLOW_PLAYER_SOUNDS',
    description: 'sound files of the player, numbered from 1; none plays a sound of its own',
    allowed: 'paths of files, e.g. fire.wav,door.wav',
  }),
  playerRepeat: field(z.preprocess(readBoolean, z.boolean()).default(true), {
    env: 'ALARMFLOW_PLAYER_REPEAT',
    description: 'start the player again when the sound ends before the alarm does',
    allowed: 'true or false',
  }),
};

function field<T extends z.ZodType>(schema: T, document: FieldDocument): T {
  return schema.meta({ ...document }) as T;
}

/** The whole configuration; relative paths are made absolute by `loadConfig`. */
export const configSchema = z.strictObject(shape);
export type Config = z.infer<typeof configSchema>;
export type ConfigKey = keyof Config;

const keys = Object.keys(shape) as ConfigKey[];
const documentOf = (key: ConfigKey): FieldDocument => shape[key].meta() as unknown as FieldDocument;

/** `retentionEventDays` → `--retention-event-days`. */
export const flagOf = (key: ConfigKey): string => `--${key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;

export type ConfigSource = 'flag' | 'env' | 'file' | 'default';

export interface LoadedConfig {
  config: Config;
  /** Where each value comes from. */
  sources: Record<ConfigKey, ConfigSource>;
  /** The file that was read, or null. */
  file: string | null;
  /** Things that look like a slip but hold nothing up, e.g. an unknown ALARMFLOW_ variable. */
  warnings: string[];
}

export interface ConfigInput {
  /** Flags as commander gives them: by key in camel case; undefined where not given. `config` names the file. */
  flags: Record<string, unknown>;
  env: NodeJS.ProcessEnv;
  /** Relative paths count from here. */
  cwd: string;
  /** Decides what `demo` is where nobody says it. */
  command: 'start' | 'run' | 'other';
}

/** A wrong value, by the name that the person used. */
interface Fault {
  name: string;
  given: string;
  allowed: string;
}

const LARGEST_FILE = MiB;
/** Variables of that prefix that are not values of this schema. */
const otherVariables = new Set(['ALARMFLOW_CONFIG', 'ALARMFLOW_REQUIRE_ALL']);

/**
 * Reads and joins everything. Throws one `E_CONFIG` (user) that lists each wrong value by the name the person used,
 * what was given (secrets masked) and what is allowed.
 */
export function loadConfig(input: ConfigInput): LoadedConfig {
  const { flags, env, cwd } = input;
  const absolute = (path: string): string => (isAbsolute(path) ? path : resolve(cwd, path));
  const faults: Fault[] = [];
  const given: Partial<Record<ConfigKey, { source: ConfigSource; name: string; value: unknown }>> = {};

  const named = pick(flags.config) ?? pick(env.ALARMFLOW_CONFIG);
  const dataGuess = pick(flags.data) ?? pick(env.ALARMFLOW_DATA) ?? './data';
  const file = named ? absolute(named) : join(absolute(dataGuess), 'config.json');
  const read = readConfigFile(file, named !== null);
  for (const [key, value] of Object.entries(read ?? {})) {
    const name = `${file} "${key}"`;
    if (isKey(key)) given[key] = { source: 'file', name, value };
    else faults.push({ name, given: 'unknown key', allowed: nearestText(key, keys) });
  }
  for (const key of keys) {
    const variable = documentOf(key).env;
    // An empty variable is how a shell or a container says "not set".
    if (env[variable]) given[key] = { source: 'env', name: variable, value: env[variable] };
    if (flags[key] !== undefined) given[key] = { source: 'flag', name: flagOf(key), value: flags[key] };
  }

  const values: Record<string, unknown> = {};
  const sources = {} as Record<ConfigKey, ConfigSource>;
  for (const key of keys) {
    const entry = given[key];
    sources[key] = entry?.source ?? 'default';
    const parsed = shape[key].safeParse(entry?.value);
    if (parsed.success) values[key] = parsed.data;
    else
      faults.push({
        name: entry?.name ?? flagOf(key),
        given: show(key, entry?.value),
        allowed: documentOf(key).allowed,
      });
  }
  const nameOf = (key: ConfigKey): string => given[key]?.name ?? flagOf(key);
  if (faults.length === 0 && (values.tlsCert === null) !== (values.tlsKey === null)) {
    const lacking = values.tlsCert === null ? 'tlsCert' : 'tlsKey';
    const present = lacking === 'tlsCert' ? 'tlsKey' : 'tlsCert';
    faults.push({ name: nameOf(lacking), given: 'nothing', allowed: `a file, because ${nameOf(present)} is set` });
  }
  if (faults.length === 0 && values.answerLinks === true && values.publicUrl === null)
    faults.push({
      name: nameOf('publicUrl'),
      given: 'nothing',
      allowed: `a URL, because ${nameOf('answerLinks')} is on`,
    });
  if (faults.length > 0) throw configError(faults);

  const config = values as Config;
  config.data = absolute(config.data);
  if (config.tlsCert !== null) config.tlsCert = absolute(config.tlsCert);
  if (config.tlsKey !== null) config.tlsKey = absolute(config.tlsKey);
  config.playerSounds = config.playerSounds.map(absolute);
  config.uploadFolders = config.uploadFolders.map(absolute);
  if (sources.demo === 'default') config.demo = input.command === 'start' && isEmptyFolder(config.data);
  return { config, sources, file: read ? file : null, warnings: unknownVariables(env) };
}

const pick = (value: unknown): string | null => (typeof value === 'string' && value !== '' ? value : null);
const isKey = (key: string): key is ConfigKey => Object.hasOwn(shape, key);

function readConfigFile(path: string, required: boolean): Record<string, unknown> | null {
  const refuse = (given: string, allowed: string): never => {
    throw configError([{ name: path, given, allowed }]);
  };
  if (!existsSync(path)) return required ? refuse('no such file', 'the path of a JSON file') : null;
  let content = '';
  try {
    const found = statSync(path);
    if (!found.isFile()) refuse('no file', 'the path of a JSON file');
    if (found.size > LARGEST_FILE) refuse(`${found.size} bytes`, `a file of at most ${LARGEST_FILE} bytes`);
    content = readFileSync(path, 'utf8');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === undefined || code === 'E_CONFIG') throw error;
    refuse(`unreadable (${code})`, 'a file that this user may read');
  }
  let parsed: unknown;
  try {
    parsed = JSON.parse(content.replace(/^\uFEFF/, ''));
  } catch (error) {
    // The parser quotes what it found, which may be part of a password: only the place is told.
    const place = / at position \d+(?: \(line \d+ column \d+\))?/.exec((error as Error).message)?.[0] ?? '';
    return refuse(`no valid JSON${place}`, 'one JSON object');
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed))
    return refuse(Array.isArray(parsed) ? 'an array' : 'a single value', 'one JSON object');
  return parsed as Record<string, unknown>;
}

function configError(faults: Fault[]): Error {
  const lines = faults.map(({ name, given, allowed }) => `  ${name}: given ${given}; allowed: ${allowed}`);
  const count = faults.length === 1 ? 'One value' : `${faults.length} values`;
  return userError('E_CONFIG', `${count} of the configuration cannot be used:\n${lines.join('\n')}`);
}

/** A value fit for a message: short, on one line, secrets masked. */
function show(key: ConfigKey, value: unknown): string {
  if (value === undefined) return 'nothing';
  if (documentOf(key).secret) return typeof value === 'string' ? `"${maskUrl(value)}"` : `a ${typeof value}`;
  const written = JSON.stringify(value) ?? String(value);
  return written.length > 120 ? `${written.slice(0, 120)}…` : written;
}

/** A URL without its password; what is no URL is masked whole, for nobody knows where in it the secret is. */
export function maskUrl(given: string): string {
  if (!URL.canParse(given)) return '***';
  const parsed = new URL(given);
  if (parsed.host === '') return '***';
  if (parsed.password !== '') parsed.password = '***';
  for (const name of [...parsed.searchParams.keys()])
    if (/pass|secret|token|key/i.test(name)) parsed.searchParams.set(name, '***');
  return parsed.href;
}

function nearestText(wrong: string, right: readonly string[]): string {
  const plain = wrong.toLowerCase().replace(/[^a-z]/g, '');
  const ranked = right
    .map((key) => ({ key, distance: editDistance(plain.slice(0, 60), key.toLowerCase().replace(/[^a-z]/g, '')) }))
    .sort((a, b) => a.distance - b.distance);
  const best = ranked[0]!;
  return best.distance <= Math.max(2, best.key.length / 3)
    ? `"${best.key}" — is that what was meant?`
    : `one of ${right.join(', ')}`;
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++)
      next[j] = Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1));
    row = next;
  }
  return row[b.length]!;
}

function unknownVariables(env: NodeJS.ProcessEnv): string[] {
  const known = keys.map((key) => documentOf(key).env);
  return Object.keys(env)
    .filter((name) => name.startsWith('ALARMFLOW_') && !known.includes(name) && !otherVariables.has(name))
    .map((name) => `Environment variable ${name} is unknown and has no effect; known: ${nearestText(name, known)}`);
}

/** Written when the flows of a folder are started for the first time (`credential-secret.ts`). */
const STARTED_ONCE = 'secret.key';
/** What a first start leaves behind when it is killed before that. */
const unfinished = /^(?:config\.json|\..*|cli-token|backups|media|alarmflow\.lock.*|record(?:\.state|\.\d.*)?)$/;

/** Whether no run has ever come as far as its flows: a killed or refused first start is made good by the next. */
function isEmptyFolder(path: string): boolean {
  try {
    const names = readdirSync(path);
    return !names.includes(STARTED_ONCE) && names.every((name) => unfinished.test(name));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return true;
    // A folder that cannot be read is told by whoever opens the record in it.
    return false;
  }
}

/** One line of the documentation of a value. */
export interface ConfigRow {
  key: ConfigKey;
  flag: string;
  env: string;
  /** Name in the configuration file. */
  file: string;
  default: string;
  allowed: string;
  description: string;
  secret: boolean;
  /** Given without a value on the command line (`--demo`, `--no-demo`). */
  switch: boolean;
}

/** Every value, for the README and `--help`. */
export function describeConfig(): ConfigRow[] {
  return keys.map((key) => {
    const document = documentOf(key);
    const standard = shape[key].parse(undefined);
    return {
      key,
      flag: flagOf(key),
      env: document.env,
      file: key,
      default:
        document.defaultText ??
        (Array.isArray(standard) && standard.length === 0 ? 'none' : String(standard ?? 'none')),
      allowed: document.allowed,
      description: document.description,
      secret: document.secret === true,
      switch: typeof standard === 'boolean',
    };
  });
}

/** The configuration for a log or a screen: secrets masked. */
export function maskedConfig(config: Config): Record<ConfigKey, unknown> {
  const entries = keys.map((key) => {
    const value = config[key];
    return [key, documentOf(key).secret && typeof value === 'string' ? maskUrl(value) : value];
  });
  return Object.fromEntries(entries) as Record<ConfigKey, unknown>;
}
