import { Pool, type PoolClient, types } from 'pg';
import { type AlarmflowError, operationalError, userError } from '../domain/errors';
import type { Log } from '../domain/log';
import { codeOf, type Database, lostConnection, messageOf, type Query, silent } from './database';

const INT8 = 20;
const CONNECT_TIMEOUT_MS = 5_000;
const MAX_CONNECTIONS = 8;
/**
 * A server that hangs, or a firewall that has forgotten the connection, closes nothing: the system would wait for a
 * quarter of an hour before it says so, and as long nothing would be decided.
 */
const ANSWER_MS = 60_000;
const BEGIN_MS = 15_000;

/** `host:port/database` of a connection address; never its user or password. */
export function placeOf(url: string): string {
  try {
    const parsed = new URL(url);
    const host = parsed.hostname || parsed.searchParams.get('host') || 'localhost';
    return `${host}:${parsed.port || '5432'}${parsed.pathname}`;
  } catch {
    throw userError(
      'E_DATABASE_URL',
      'DATABASE_URL is not an address: write postgres://user:password@host:5432/database, with special characters of the password percent-encoded',
    );
  }
}

const remedies: Record<string, string> = {
  ECONNREFUSED: 'start the server there, or correct host and port in DATABASE_URL',
  ENOTFOUND: 'correct the host name in DATABASE_URL, or the name service of this machine',
  EAI_AGAIN: 'the name service did not answer; check the network of this machine',
  ETIMEDOUT: 'check the network and the firewall between this machine and the server',
  '28P01': 'correct user and password in DATABASE_URL',
  '28000': "let this user in (the server's pg_hba.conf), or correct DATABASE_URL",
  '3D000': 'create the database, or correct its name in DATABASE_URL',
  '42501': 'grant the user the right to create a schema in this database',
  '53300': 'the server has no connection left: raise max_connections or stop other clients',
};

export function unreachable(place: string, thrown: unknown): AlarmflowError {
  const code = codeOf(thrown);
  const slow = code === '' && /timeout/i.test(messageOf(thrown));
  const remedy = remedies[slow ? 'ETIMEDOUT' : code] ?? 'check DATABASE_URL and the server';
  // Connection errors of several addresses come as one error without a text.
  const reason = slow
    ? `no answer within ${CONNECT_TIMEOUT_MS / 1000} s`
    : messageOf(thrown) || code || 'no connection';
  return operationalError('E_DATABASE_UNREACHABLE', `The database at ${place} cannot be used: ${reason}; ${remedy}`, {
    cause: thrown,
    facts: { place, code },
  });
}

/**
 * A PostgreSQL server.
 * Throws `E_DATABASE_URL` (user) and `E_DATABASE_UNREACHABLE` (operational), neither with a password in it.
 */
export async function openPostgres(url: string, log: Log): Promise<Database> {
  const place = placeOf(url);
  const pool = new Pool({
    connectionString: url,
    max: MAX_CONNECTIONS,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    keepAlive: true,
    application_name: 'alarmflow',
    types: {
      // Times are bigint in milliseconds, far below 2^53: a number keeps them exactly.
      getTypeParser: ((oid: number, format?: 'text' | 'binary') =>
        oid === INT8 && format !== 'binary'
          ? Number
          : types.getTypeParser(oid, format as 'text')) as typeof types.getTypeParser,
    },
  });
  // A lost idle connection is replaced at the next query, which tells its caller when that fails.
  pool.on('error', (error) => log.warn('idle connection to the database was lost', { place, reason: error.message }));
  try {
    await pool.query('SELECT 1');
  } catch (thrown) {
    await pool.end();
    throw unreachable(place, thrown);
  }

  const queryOn =
    (on: Pool | PoolClient): Query =>
    async <R>(sql: string, params?: readonly unknown[], limitMs?: number): Promise<R[]> => {
      // What runs in a transaction may be a migration, which takes its time.
      const limit = limitMs ?? (on === pool ? ANSWER_MS : undefined);
      const result = await on.query({
        text: sql,
        ...(params === undefined ? {} : { values: [...params] }),
        ...(limit === undefined ? {} : { query_timeout: limit }),
      });
      return result.rows as R[];
    };

  return {
    kind: 'postgres',
    query: queryOn(pool),
    async script(sql) {
      await pool.query(sql);
    },
    async transaction(work, mode = 'write') {
      const client = await pool.connect();
      let lost: Error | undefined;
      try {
        await queryOn(client)(
          mode === 'snapshot' ? 'BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY' : 'BEGIN',
          undefined,
          BEGIN_MS,
        );
        const result = await work(queryOn(client));
        await client.query('COMMIT');
        return result;
      } catch (thrown) {
        // A connection that is of no use is thrown away below, which rolls back on the server.
        if (silent(thrown)) lost = thrown as Error;
        else
          await client.query('ROLLBACK').catch((error: Error) => {
            lost = error;
          });
        throw thrown;
      } finally {
        client.release(lost);
      }
    },
    broken: () => null,
    close: () => pool.end(),
  };
}

/**
 * The database as those use it who only ask: a server that is away is told as such (`E_DATABASE_UNREACHABLE`,
 * operational) and not as a mistake of ours. The writer has its own words for it, and tries again first.
 */
export function tellingLoss(database: Database, url: string): Database {
  const place = placeOf(url);
  const told = (thrown: unknown): never => {
    throw lostConnection(thrown) ? unreachable(place, thrown) : thrown;
  };
  return {
    ...database,
    query: (sql, params, limitMs) => database.query<never>(sql, params, limitMs).catch(told),
    script: (sql) => database.script(sql).catch(told),
    transaction: (work, mode) => database.transaction(work, mode).catch(told),
  };
}
