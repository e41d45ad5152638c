/**
 * The thread that PGlite runs in. It stands alone, without imports of our own files: Node loads it as it is, compiled
 * from dist/ and as TypeScript from the sources, whose types it strips (Node 24).
 */
import type { PGlite as Engine, Extension, Results } from '@electric-sql/pglite';

const { parentPort, workerData } = require('node:worker_threads') as typeof import('node:worker_threads');
const { PGlite, parse, protocol } = require('@electric-sql/pglite') as typeof import('@electric-sql/pglite');

/** A statement names the transaction it belongs to by the id of the request that began it; 0 is none. */
export type ThreadRequest = { id: number } & (
  | { ask: 'query'; transaction: number; sql: string; params: unknown[] | undefined }
  | { ask: 'exec'; transaction: number; sql: string }
  | { ask: 'begin' }
  | { ask: 'end'; transaction: number; commit: boolean }
  | { ask: 'listen'; listener: number; channel: string }
  | { ask: 'unlisten'; listener: number }
  | { ask: 'close' }
);

/** An error as plain data, with PostgreSQL's fields. */
export interface PlainError {
  name: string;
  message: string;
  stack: string | undefined;
  fields: Record<string, string | number | boolean>;
}

export type ThreadReport =
  | { report: 'ready' }
  | { report: 'result'; id: number; result: unknown }
  | { report: 'error'; id: number; error: PlainError }
  | { report: 'heard'; listener: number; payload: string }
  /** PostgreSQL complains on its standard error output. */
  | { report: 'said'; text: string }
  /** The engine is dead: nothing works any more. */
  | { report: 'dead'; error: PlainError };

/**
 * `shared_buffers` halves the memory of the process (DESIGN §5). The checkpoints are ours (`checkpoints.ts`): the engine
 * makes none by itself. `min_wal_size` keeps the log's files of 16 MB for use again instead of filling new ones.
 */
const startParams = [
  ...PGlite.defaultStartParams,
  ...['-c', 'shared_buffers=8MB', '-c', 'min_wal_size=48MB', '-c', 'max_wal_size=64MB'],
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
 * dead code again without end, so that the call would never return. The guard remembers the abort and makes that
 * call, and every later one, throw.
 */
function createGuard(onAbort: (thrown: Error) => void): Extension {
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
          if (isAbort(thrown)) {
            aborted = thrown;
            onAbort(thrown);
          }
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

  return {
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
}

function plain(thrown: unknown): PlainError {
  const error = thrown instanceof Error ? thrown : new Error(String(thrown));
  const fields: PlainError['fields'] = {};
  for (const [name, value] of Object.entries(error)) {
    // Statement and parameters are the caller's own; they may be large and secret.
    if (name !== 'query' && /^(?:string|number|boolean)$/.test(typeof value)) fields[name] = value;
  }
  return { name: error.name, message: error.message, stack: error.stack, fields };
}

/** Texts whose parameters' types are remembered; the engine and BullMQ have some dozens. */
const MOST_KNOWN = 500;

/**
 * Runs single statements with a third of the effort of PGlite's own `query`, which makes six calls into the WASM code
 * where one will do, and asks for the parameters' types every time.
 */
function createRunner(db: Engine): (sql: string, params: unknown[]) => Promise<Results> {
  const { serialize } = protocol;
  const typesOf = new Map<string, number[]>();
  const sent = (...messages: Uint8Array[]) => db.execProtocolStream(Buffer.concat(messages), { syncToFs: false });

  async function typesIn(sql: string): Promise<number[]> {
    const known = typesOf.get(sql);
    if (known) return known;
    const described = await sent(serialize.parse({ text: sql }), serialize.describe({ type: 'S' }), serialize.sync());
    const types = parse.parseDescribeStatementResults(described);
    if (typesOf.size >= MOST_KNOWN) typesOf.clear();
    typesOf.set(sql, types);
    return types;
  }

  return async (sql, params) => {
    const types = params.length === 0 ? [] : await typesIn(sql);
    const values = params.map((param, index) => {
      if (param === null || param === undefined) return null;
      const write = db.serializers[types[index] ?? 0];
      return write ? write(param) : String(param);
    });
    try {
      const messages = await sent(
        serialize.parse({ text: sql }),
        serialize.bind({ values }),
        serialize.describe({ type: 'P' }),
        serialize.execute({}),
        serialize.sync(),
      );
      return parse.parseResults(messages, db.parsers)[0]!;
    } catch (thrown) {
      // The types may have changed since they were asked for.
      typesOf.delete(sql);
      throw thrown;
    }
  };
}

async function serve(): Promise<void> {
  const post = (report: ThreadReport): void => parentPort!.postMessage(report);
  const db = await PGlite.create({
    dataDir: (workerData as { folder: string }).folder,
    startParams,
    extensions: { abortGuard: createGuard((thrown) => post({ report: 'dead', error: plain(thrown) })) },
    onStderr: (text: string) => {
      if (/\b(?:PANIC|FATAL|ERROR):/.test(text)) post({ report: 'said', text: text.slice(0, 500) });
      return false;
    },
  });

  interface OpenTransaction {
    handle: Pick<Engine, 'exec'>;
    /** Lets the transaction's callback return; `true` commits. */
    finish(commit: boolean): void;
    over: Promise<void>;
  }
  const transactions = new Map<number, OpenTransaction>();
  const listeners = new Map<number, () => Promise<void>>();

  const run = createRunner(db);

  const open = (transaction: number): OpenTransaction => {
    const found = transactions.get(transaction);
    if (!found) throw new Error('The transaction is over');
    return found;
  };

  const query = (transaction: number, sql: string, params: unknown[]): Promise<Results> => {
    const alone = (): Promise<Results> => db.runExclusive(() => run(sql, params));
    if (transaction === 0) return db._runExclusiveTransaction(alone);
    open(transaction);
    return alone();
  };

  /** Resolves when the transaction has the session; it keeps it until its end is asked for. */
  const begin = (id: number): Promise<number> =>
    new Promise((resolve, reject) => {
      const over = db.transaction(async (handle) => {
        const commit = await new Promise<boolean>((finish) => {
          transactions.set(id, { handle, finish, over });
          resolve(id);
        });
        if (!commit) await handle.rollback();
      });
      // Fails before the callback ran when the database is closed; afterwards its end reports it.
      over.catch(reject);
    });

  async function answer(request: ThreadRequest): Promise<unknown> {
    switch (request.ask) {
      case 'query': {
        const { rows, affectedRows } = await query(request.transaction, request.sql, request.params ?? []);
        return { rows, affectedRows };
      }
      case 'exec': {
        const on = request.transaction === 0 ? db : open(request.transaction).handle;
        return (await on.exec(request.sql)).map(({ rows, affectedRows }) => ({ rows, affectedRows }));
      }
      case 'begin':
        return begin(request.id);
      case 'end': {
        const { finish, over } = open(request.transaction);
        transactions.delete(request.transaction);
        finish(request.commit);
        return over;
      }
      case 'listen': {
        const { listener, channel } = request;
        listeners.set(listener, await db.listen(channel, (payload) => post({ report: 'heard', listener, payload })));
        return;
      }
      case 'unlisten': {
        const stop = listeners.get(request.listener);
        listeners.delete(request.listener);
        return stop?.();
      }
      case 'close':
        // Whoever began them is not coming back, and the close waits for their end.
        for (const { finish } of transactions.values()) finish(false);
        transactions.clear();
        return db.close();
    }
  }

  // Not awaited: a transaction that waits for its turn must not keep the statements of the open one from coming in.
  parentPort!.on('message', (request: ThreadRequest) => {
    answer(request)
      .then((result) => post({ report: 'result', id: request.id, result }))
      .catch((thrown: unknown) => post({ report: 'error', id: request.id, error: plain(thrown) }));
  });
  post({ report: 'ready' });
}

serve().catch((thrown: unknown) => parentPort!.postMessage({ report: 'dead', error: plain(thrown) }));
