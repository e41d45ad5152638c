import type { BackendFactory, IQueueBackend } from 'bullmq';
import type { Clock } from '../clock/clock';
import type { EmbeddedDatabase } from '../domain/embedded-database';
import { type AlarmflowError, operationalError, userError } from '../domain/errors';
import type { Log } from '../domain/log';
import type { Link } from './link';

/** Where the jobs are kept. */
export type BackendChoice =
  | { kind: 'pglite'; db: EmbeddedDatabase }
  | { kind: 'postgres'; url: string }
  | { kind: 'redis'; url: string };

/** A connected and migrated place for queues. */
export interface OpenBackend {
  /** For people, without a password: `Redis at 10.0.0.5:6379`. */
  readonly server: string;
  readonly link: Link;
  /** What BullMQ builds queues and workers with. */
  readonly factory: BackendFactory<IQueueBackend, unknown>;
  readonly queueConnection: unknown;
  readonly workerConnection: unknown;
  /** Settings of the server that the operator should mend, in words for people. */
  readonly warnings: string[];
  /** From how many jobs on one `addBulk` costs less than an `add` for each. */
  readonly bulkFrom: number;
  /** For how long it has answered nobody although somebody waits (EmbeddedDatabase); left out where that is not known. */
  silentMs?(): number;
  /** Told how many jobs were finished, for housekeeping. */
  jobsFinished(count: number): void;
  /** Drops all connections; commands still waiting for an answer fail. */
  close(): Promise<void>;
}

/** BullMQ's bulk insert makes two temporary tables: on a server they cost as much as some ten single adds. */
export const POSTGRES_BULK_FROM = 10;
/** On the embedded database, where every file of theirs has to be made, they cost as much as some thirty. */
export const PGLITE_BULK_FROM = 32;

export interface BackendContext {
  clock: Clock;
  log: Log;
}

/** How long a server may take to answer at start, in milliseconds. */
export const CONNECT_TIMEOUT_MS = 5_000;

/** The parts of a server's URL that may be shown. Throws `E_BAD_QUEUE_URL` (user); the URL itself is a secret. */
export function shownServer(product: string, url: string, schemes: string[], defaultPort: number): string {
  const wrong = (reason: string): AlarmflowError =>
    userError('E_BAD_QUEUE_URL', `The URL of ${product} ${reason}: write ${schemes[0]}//user:password@host:port`);
  if (!URL.canParse(url)) throw wrong('is no URL');
  const parsed = new URL(url);
  if (!schemes.includes(parsed.protocol)) throw wrong(`begins with "${parsed.protocol}"`);
  const path = parsed.pathname.length > 1 ? parsed.pathname : '';
  return `${product} at ${parsed.hostname || 'localhost'}:${parsed.port || defaultPort}${path}`;
}

export const unreachable = (server: string, variable: string, cause: unknown): AlarmflowError =>
  operationalError(
    'E_QUEUE_UNREACHABLE',
    `${server} does not answer (${reasonOf(cause)}): check that it runs, that this machine may reach it, and ${variable}`,
    { cause },
  );

export const refused = (server: string, variable: string, cause: unknown): AlarmflowError =>
  userError(
    'E_QUEUE_REFUSED',
    `${server} refused us (${reasonOf(cause)}): check user, password and name in ${variable}`,
    {
      cause,
    },
  );

/** What went wrong; a failed connection to a name with several addresses says it only in its parts. */
function reasonOf(cause: unknown): string {
  if (cause instanceof AggregateError && cause.errors.length > 0) return reasonOf(cause.errors[0]);
  if (cause instanceof Error) return cause.message || ('code' in cause ? String(cause.code) : cause.name);
  return String(cause);
}
