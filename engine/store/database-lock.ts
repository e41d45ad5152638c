/**
 * One engine per record: on a server nothing else keeps two processes with two data folders from running the same
 * site, each firing every alarm and taking the other's jobs. A session-wide advisory lock does.
 */
import { hostname } from 'node:os';
import { Client } from 'pg';
import type { Clock } from '../clock/clock';
import { type AlarmflowError, userError } from '../domain/errors';
import type { Log } from '../domain/log';
import { messageOf } from './database';
import { placeOf, unreachable } from './postgres-database';

/** The bytes of "alarmflo" as a number: PostgreSQL knows advisory locks by number only. */
const LOCK_KEY = '7020093063253355631';
const CONNECT_MS = 5_000;
/** A killed predecessor's connection is noticed by the server within moments. */
const PATIENCE_MS = 5_000;
const RETRY_MS = 250;
/** The lock's connection carries nothing by itself: without a word now and then nobody would notice that it is dead. */
const PING_EVERY_MS = 5_000;
const PING_MS = 10_000;
/** The server lets go of the lock some ten seconds after this machine has fallen silent; by itself, after two hours. */
const keepAlives =
  'SET tcp_keepalives_idle = 4; SET tcp_keepalives_interval = 2; SET tcp_keepalives_count = 3; SET tcp_user_timeout = 10000';

export interface DatabaseLock {
  /** Why this process must stop: the lock was lost and somebody else has taken it. Null while all is well. */
  lost(): AlarmflowError | null;
  release(): Promise<void>;
}

const ownName = (): string => `alarmflow ${hostname()}:${process.pid}`.slice(0, 63);

async function connect(url: string, log: Log): Promise<Client> {
  const client = new Client({
    connectionString: url,
    keepAlive: true,
    connectionTimeoutMillis: CONNECT_MS,
    query_timeout: PING_MS,
    application_name: ownName(),
  });
  // Emitted without a listener it would end the process; `watch` adds what is to be done.
  client.on('error', (error: Error) => log.debug('record.lock-connection', { reason: error.message }));
  await client.connect();
  await client
    .query(keepAlives)
    // A pooler between us may not let them through: then its own stand.
    .catch((error: Error) => log.debug('record.lock-keep-alives-refused', { reason: error.message }));
  return client;
}

async function tryLock(client: Client): Promise<boolean> {
  const { rows } = await client.query<{ locked: boolean }>('SELECT pg_try_advisory_lock($1::bigint) AS locked', [
    LOCK_KEY,
  ]);
  return rows[0]?.locked === true;
}

async function holder(client: Client): Promise<string> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT COALESCE(NULLIF(a.application_name, ''), 'a process') ||
            COALESCE(' at ' || host(a.client_addr), '') AS name
       FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
      WHERE l.locktype = 'advisory' AND l.granted AND ((l.classid::bigint << 32) | l.objid::bigint) = $1::bigint
        AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
    [LOCK_KEY],
  );
  return rows[0]?.name ?? 'another process';
}

const inUse = (name: string): AlarmflowError =>
  userError(
    'E_DATABASE_IN_USE',
    `The database is in use by ${name} (host:pid): a site has one engine; stop that one, or give this one a database of its own`,
  );

/**
 * Takes the lock of the database. Throws `E_DATABASE_IN_USE` (user), which names the process that has it,
 * `E_DATABASE_URL` (user) and `E_DATABASE_UNREACHABLE` (operational).
 */
export async function lockDatabase(url: string, clock: Clock, log: Log): Promise<DatabaseLock> {
  let client = await connect(url, log).catch((thrown: unknown) => {
    throw unreachable(placeOf(url), thrown);
  });
  let lost: AlarmflowError | null = null;
  let released = false;

  const limit = clock.monotonic() + PATIENCE_MS;
  while (!(await tryLock(client))) {
    if (clock.monotonic() >= limit) {
      const name = await holder(client);
      await client.end();
      throw inUse(name);
    }
    await clock.sleep(RETRY_MS);
  }

  /** The server went away and took the lock with it: whoever gets it back first runs the site. */
  async function regain(): Promise<void> {
    while (!released && lost === null) {
      await clock.sleep(RETRY_MS * 4);
      let next: Client | null = null;
      try {
        next = await connect(url, log);
        if (await tryLock(next)) {
          client = next;
          watch();
          log.info('record.lock-regained', {});
          return;
        }
        const name = await holder(next);
        // The server has not noticed yet that our last connection is dead: the lock is still ours, and comes free.
        if (!name.startsWith(ownName())) lost = inUse(name);
        await next.end();
      } catch (error) {
        log.debug('record.lock-not-regained', { reason: messageOf(error) });
        await next?.end().catch(() => undefined);
      }
    }
  }

  function watch(): void {
    const watched = client;
    let over = false;
    const ended = (reason: string): void => {
      if (over) return;
      over = true;
      ping.cancel();
      if (released) return;
      log.warn('record.lock-connection-lost', { reason });
      void regain();
    };
    const ping = clock.every(
      PING_EVERY_MS,
      () => {
        watched.query('SELECT 1').catch((error: Error) => {
          ended(error.message);
          // One that hangs never says that it has ended; that it does not end well has been told with `ended`.
          watched.end().catch(() => undefined);
        });
      },
      { background: true },
    );
    watched.once('error', (error: Error) => ended(error.message));
    watched.once('end', () => ended('the server has closed it'));
  }
  watch();

  return {
    lost: () => lost,
    async release() {
      released = true;
      // A server that hangs takes no leave.
      await Promise.race([client.end(), clock.sleep(CONNECT_MS)]);
    },
  };
}
