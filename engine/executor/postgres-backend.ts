import { type BackendFactory, createPostgresBackend, type IQueueBackend, type PgPool, runMigrations } from 'bullmq';
import { Pool, type PoolClient } from 'pg';
import {
  type BackendContext,
  CONNECT_TIMEOUT_MS,
  type OpenBackend,
  POSTGRES_BULK_FROM,
  refused,
  shownServer,
  unreachable,
} from './backend';
import { createLink, type Link } from './link';
import { QUEUE_SCHEMA } from './pglite-pool';

/** One connection per queue listens; the rest carries the work of all workers of this process. */
const MOST_CONNECTIONS = 13;

/** SQLSTATEs of a login that will fail again: invalid authorization, invalid password, unknown database. */
const loginCodes = new Set(['28000', '28P01', '3D000']);

/** Node's and PostgreSQL's ways to say that the connection is gone, or that the server is starting or stopping. */
const lostCodes = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  '57P01',
  '57P02',
  '57P03',
  '53300',
]);

function isConnectionLoss(thrown: unknown): boolean {
  if (thrown instanceof AggregateError) return thrown.errors.some(isConnectionLoss);
  if (!(thrown instanceof Error)) return false;
  const code = 'code' in thrown ? String(thrown.code) : '';
  return lostCodes.has(code) || code.startsWith('08') || /connection terminated|timeout exceeded/i.test(thrown.message);
}

/**
 * The pool as BullMQ sees it. BullMQ waits before its next try only after errors that it takes for a lost
 * connection, and knows but one code for that; without the translation its loops would spin.
 */
function guarded(pool: Pool, link: Link): PgPool {
  async function guard<T>(work: () => Promise<T>): Promise<T> {
    try {
      const result = await work();
      link.back();
      return result;
    } catch (thrown) {
      if (!isConnectionLoss(thrown)) throw thrown;
      link.lost(thrown);
      throw Object.assign(new Error('PostgreSQL is away'), { code: 'ECONNREFUSED', cause: thrown });
    }
  }
  const seen = {
    options: pool.options,
    query: (text: string, params?: readonly unknown[]) =>
      guard(() => (params === undefined ? pool.query(text) : pool.query(text, [...params]))),
    connect: () => guard(() => pool.connect()),
    // Closed by us, once, not by each of the queues.
    end: async () => {},
    on(event: 'error', listener: (error: Error) => void) {
      pool.on(event, listener);
      return seen;
    },
    removeAllListeners: () => seen,
  };
  return seen as unknown as PgPool;
}

/** Connects and brings BullMQ's schema up to date. Throws `E_QUEUE_UNREACHABLE`, `E_QUEUE_REFUSED`, `E_BAD_QUEUE_URL`. */
export async function openPostgresBackend(url: string, { log }: BackendContext): Promise<OpenBackend> {
  const server = shownServer('PostgreSQL', url, ['postgres:', 'postgresql:'], 5432);
  const link = createLink(log, server);
  const pool = new Pool({
    connectionString: url,
    max: MOST_CONNECTIONS,
    keepAlive: true,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    application_name: 'alarmflow executor',
    options: `-c search_path=${QUEUE_SCHEMA}`,
  });
  // Each queue and worker adds a listener of its own.
  pool.setMaxListeners(0);
  pool.on('error', (error) => link.lost(error));

  let client: PoolClient;
  try {
    client = await pool.connect();
  } catch (thrown) {
    await pool.end();
    const code = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : '';
    throw loginCodes.has(code) ? refused(server, 'DATABASE_URL', thrown) : unreachable(server, 'DATABASE_URL', thrown);
  }
  try {
    await runMigrations(client as unknown as Parameters<typeof runMigrations>[0], QUEUE_SCHEMA);
    client.release();
  } catch (thrown) {
    client.release(true);
    await pool.end();
    throw refused(server, 'DATABASE_URL', thrown);
  }

  const seen = guarded(pool, link);
  return {
    server,
    link,
    factory: createPostgresBackend as unknown as BackendFactory<IQueueBackend, unknown>,
    queueConnection: seen,
    workerConnection: seen,
    warnings: [],
    bulkFrom: POSTGRES_BULK_FROM,
    jobsFinished() {},
    async close() {
      await pool.end();
    },
  };
}
