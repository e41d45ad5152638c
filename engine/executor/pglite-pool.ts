import { EventEmitter } from 'node:events';
import type { PgPool, PgPoolClient, PgQueryResult } from 'bullmq';
import type { EmbeddedDatabase, EmbeddedSession, EmbeddedTransaction } from '../domain/embedded-database';
import type { Log } from '../domain/log';

/** BullMQ's own schema; the record names its tables with theirs, so this is the only unqualified one. */
export const QUEUE_SCHEMA = 'bullmq';

/** The statement without leading white space and comment lines: BullMQ's SQL files begin with them. */
export const statementOf = (sql: string): string => sql.replace(/^(?:\s+|--[^\n]*(?:\n|$))+/, '');

interface OpenTransaction {
  handle: EmbeddedTransaction;
  /** Lets the transaction's callback return; `true` commits. */
  finish(commit: boolean): void;
  over: Promise<void>;
}

/** SQLSTATEs that say a name was not found: somebody has changed the search path of the one session. */
const lostPathCodes = new Set(['42P01', '42883', '42704', '3F000']);

const codeOf = (thrown: unknown): string =>
  typeof thrown === 'object' && thrown !== null && 'code' in thrown ? String(thrown.code) : '';

/**
 * The embedded database in the shape of a `pg.Pool`, as BullMQ's PostgreSQL backend wants it.
 *
 * It has one session. A client that sends BEGIN owns it until COMMIT, ROLLBACK or its release: the statements
 * in between run inside `db.transaction`, so everybody else on the same database, the record included, waits
 * in its order. LISTEN and UNLISTEN become `db.listen`, the only way to hear notifications.
 */
export function createPglitePool(db: EmbeddedDatabase, log: Log): PgPool & { selectSchema(): Promise<void> } {
  const setPath = `SET search_path TO ${QUEUE_SCHEMA}`;

  async function execute<R>(on: EmbeddedSession, text: string, params?: readonly unknown[]): Promise<PgQueryResult<R>> {
    if (params !== undefined && params.length > 0) {
      const result = await on.query<R>(text, [...params]);
      return { rows: result.rows, rowCount: result.affectedRows ?? result.rows.length };
    }
    // Without parameters a text may hold several statements (migrations do), which only `exec` takes.
    const results = await on.exec(text);
    const last = results.at(-1);
    return { rows: (last?.rows ?? []) as R[], rowCount: last?.affectedRows ?? 0 };
  }

  async function query<R>(text: string, params?: readonly unknown[]): Promise<PgQueryResult<R>> {
    try {
      return await execute<R>(db, text, params);
    } catch (thrown) {
      if (db.closed) {
        // BullMQ takes this code for a lost connection and keeps quiet, which is right while everything closes.
        throw Object.assign(new Error('The embedded database is closed'), { code: 'ECONNREFUSED', cause: thrown });
      }
      if (!lostPathCodes.has(codeOf(thrown))) throw thrown;
      log.debug('search path of the embedded database was changed; setting it again', { reason: String(thrown) });
      await db.exec(setPath);
      return execute<R>(db, text, params);
    }
  }

  class Client extends EventEmitter implements PgPoolClient {
    #transaction: OpenTransaction | null = null;
    readonly #channels = new Map<string, () => Promise<void>>();

    async query<R>(text: string, params?: readonly unknown[]): Promise<PgQueryResult<R>> {
      const statement = statementOf(text);
      if (/^BEGIN\b/i.test(statement)) return this.#begin<R>();
      if (/^(?:COMMIT|END)\b/i.test(statement)) return this.#end<R>(true);
      if (/^ROLLBACK\b/i.test(statement)) return this.#end<R>(false);
      const listen = /^(LISTEN|UNLISTEN)\s+("?)([A-Za-z_]\w*|\*)\2\s*;?\s*$/i.exec(statement);
      if (listen) {
        if (listen[1]!.toUpperCase() === 'LISTEN') await this.#listen(listen[3]!);
        else await this.#unlisten(listen[3]!);
        return { rows: [], rowCount: 0 };
      }
      return this.#transaction ? execute<R>(this.#transaction.handle, text, params) : query<R>(text, params);
    }

    release(): void {
      // BullMQ does not wait for a release; what fails here can only be noted.
      const note = (thrown: unknown): void =>
        log.debug('release of an embedded database client', { reason: String(thrown) });
      if (this.#transaction) this.#end(false).catch(note);
      this.#unlisten('*').catch(note);
    }

    async #begin<R>(): Promise<PgQueryResult<R>> {
      if (this.#transaction) return { rows: [], rowCount: 0 };
      await new Promise<void>((resolve, reject) => {
        const over = db.transaction(async (handle) => {
          const commit = await new Promise<boolean>((finish) => {
            this.#transaction = { handle, finish, over };
            resolve();
          });
          if (!commit) await handle.rollback();
        });
        // Fails before the callback ran when the database is closed; afterwards `#end` reports it.
        over.catch(reject);
      });
      return { rows: [], rowCount: 0 };
    }

    async #end<R>(commit: boolean): Promise<PgQueryResult<R>> {
      const open = this.#transaction;
      this.#transaction = null;
      open?.finish(commit);
      await open?.over;
      return { rows: [], rowCount: 0 };
    }

    async #listen(channel: string): Promise<void> {
      if (this.#channels.has(channel)) return;
      // Taken before the wait, so that a second LISTEN at once does not subscribe twice.
      this.#channels.set(channel, async () => {});
      const stop = await db.listen(channel, (payload) => this.emit('notification', { channel, payload }));
      this.#channels.set(channel, async () => stop());
    }

    async #unlisten(channel: string): Promise<void> {
      const names = channel === '*' ? [...this.#channels.keys()] : [channel];
      for (const name of names) {
        const stop = this.#channels.get(name);
        this.#channels.delete(name);
        if (!db.closed) await stop?.();
      }
    }
  }

  const events = new EventEmitter();
  const pool = {
    // Tells BullMQ that the connection cannot drop unnoticed: there is no wire.
    options: { keepAlive: true },
    query,
    connect: async (): Promise<PgPoolClient> => new Client(),
    // The instance belongs to the record.
    end: async (): Promise<void> => {},
    on(event: string, listener: (...args: never[]) => void) {
      events.on(event, listener as (...args: unknown[]) => void);
      return pool;
    },
    removeAllListeners(event?: string) {
      events.removeAllListeners(event);
      return pool;
    },
    async selectSchema(): Promise<void> {
      await db.exec(setPath);
    },
  };
  events.setMaxListeners(0);
  return pool as PgPool & { selectSchema(): Promise<void> };
}
