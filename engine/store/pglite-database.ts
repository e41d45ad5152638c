import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Extension, PGlite, type Transaction } from '@electric-sql/pglite';
import { operationalError } from '../domain/errors';
import type { Log } from '../domain/log';
import { type Database, messageOf, type Query } from './database';
import { forgetEmptyDatabase, makeEmptyDatabase } from './empty-database';

/**
 * `shared_buffers` halves the memory of the process (DESIGN §5). The WAL limit bounds what a restart after a kill has
 * to replay: with the default of 1 GB that can take half a minute.
 */
const startParams = [
  ...PGlite.defaultStartParams,
  ...['-c', 'shared_buffers=8MB', '-c', 'max_wal_size=96MB', '-c', 'min_wal_size=32MB'],
];

/** The exit status that stands for PostgreSQL's ordinary way out of a statement that failed. */
const ORDINARY_ERROR = 100;

/** What of the WASM module the guard below replaces. */
interface EngineModule {
  onRuntimeInitialized?: () => void;
  _PostgresMainLoopOnce(...args: unknown[]): unknown;
  _PostgresMainLongJmp(...args: unknown[]): unknown;
  _PostgresSendReadyForQueryIfNecessary(): unknown;
  _pgl_pq_flush(): unknown;
  _pgl_run_atexit_funcs(): unknown;
  stackRestore(pointer: number): unknown;
}

/**
 * When PostgreSQL panics (disk full, torn page in its log) the WASM code aborts. PGlite 0.5 swallows that and calls the
 * dead code again without end, which would hang the whole process. The guard remembers the abort and makes that call,
 * and every later one, throw.
 */
function createGuard(): { extension: Extension; aborted(): Error | null } {
  let aborted: Error | null = null;
  const isAbort = (thrown: unknown): thrown is Error => {
    const { name, status } = (thrown ?? {}) as { name?: string; status?: number };
    return thrown instanceof WebAssembly.RuntimeError || (name === 'ExitStatus' && status !== ORDINARY_ERROR);
  };

  const wrap = (engine: EngineModule): void => {
    const calls = ['_PostgresMainLoopOnce', '_PostgresMainLongJmp'] as const;
    for (const name of calls) {
      const original = engine[name];
      engine[name] = (...args) => {
        if (aborted) throw aborted;
        try {
          return original.apply(engine, args);
        } catch (thrown) {
          if (isAbort(thrown)) aborted = thrown;
          throw thrown;
        }
      };
    }
    // Called first thing in PGlite's own catch: throwing here is the way out of its loop.
    const restore = engine.stackRestore;
    engine.stackRestore = (pointer) => {
      if (aborted) throw aborted;
      return restore.call(engine, pointer);
    };
    for (const name of ['_PostgresSendReadyForQueryIfNecessary', '_pgl_pq_flush', '_pgl_run_atexit_funcs'] as const) {
      const original = engine[name];
      engine[name] = () => (aborted ? 0 : original.call(engine));
    }
  };

  const extension: Extension = {
    name: 'abort-guard',
    setup: async (_db, options: { preRun?: unknown[] }) => ({
      emscriptenOpts: {
        ...options,
        preRun: [
          ...(options.preRun ?? []),
          (engine: EngineModule) => {
            const initialized = engine.onRuntimeInitialized;
            engine.onRuntimeInitialized = () => {
              initialized?.();
              wrap(engine);
            };
          },
        ],
      },
    }),
  };
  return { extension, aborted: () => aborted };
}

/** The WASM runtime sets the exit code of our process when it starts and ends; it is the host's to decide. */
async function keepingExitCode<T>(work: () => Promise<T>): Promise<T> {
  const before = process.exitCode;
  try {
    return await work();
  } finally {
    process.exitCode = before;
  }
}

/** Opens or makes the embedded database. What PGlite throws for a folder it cannot read is passed on as it is. */
export async function openPglite(folder: string, log: Log): Promise<Database & { db: PGlite }> {
  return keepingExitCode(async () => {
    if (existsSync(join(folder, 'PG_VERSION'))) return open(folder, log);
    const copied = await makeEmptyDatabase(folder, startParams, log);
    try {
      return await open(folder, log);
    } catch (thrown) {
      if (!copied) throw thrown;
      log.warn('the kept copy of an empty database is of no use and is made anew', { reason: messageOf(thrown) });
      await forgetEmptyDatabase();
      await makeEmptyDatabase(folder, startParams, log);
      return open(folder, log);
    }
  });
}

async function open(folder: string, log: Log): Promise<Database & { db: PGlite }> {
  const guard = createGuard();
  let lastWords = '';
  const db = await PGlite.create({
    dataDir: folder,
    startParams,
    extensions: { abortGuard: guard.extension },
    onStderr: (text: string) => {
      if (/\b(?:PANIC|FATAL|ERROR):/.test(text)) lastWords = text.slice(0, 500);
      if (/\b(?:PANIC|FATAL):/.test(text)) log.error('the embedded database reports', { text: lastWords });
      return false;
    },
  }).catch((thrown: unknown) => {
    throw lastWords ? new Error(`${messageOf(thrown)} (${lastWords})`, { cause: thrown }) : thrown;
  });

  const queryOn =
    (on: PGlite | Transaction): Query =>
    async <R>(sql: string, params?: readonly unknown[]): Promise<R[]> => {
      const aborted = guard.aborted();
      if (aborted) throw aborted;
      return (await on.query<R>(sql, params === undefined ? undefined : [...params])).rows;
    };

  return {
    kind: 'pglite',
    db,
    query: queryOn(db),
    async script(sql) {
      await db.exec(sql);
    },
    // PGlite has one session and runs one transaction at a time, so each sees one moment.
    transaction: (work) => db.transaction((tx) => work(queryOn(tx))),
    broken() {
      const aborted = guard.aborted();
      return aborted
        ? operationalError(
            'E_RECORD_BROKEN',
            `The embedded database stopped (${lastWords || aborted.message}): free the disk if it is full, then start alarmflow again`,
            { cause: aborted },
          )
        : null;
    },
    async close() {
      // An aborted engine can neither be asked nor closed; what it had acknowledged is in its files.
      if (!guard.aborted()) await keepingExitCode(() => db.close());
    },
  };
}
