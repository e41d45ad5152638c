import { extname, join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { systemClock } from '../clock/system-clock';
import type { EmbeddedDatabase, EmbeddedResult, EmbeddedSession } from '../domain/embedded-database';
import type { Log } from '../domain/log';
import { messageOf } from './database';
import type { PlainError, ThreadReport, ThreadRequest } from './pglite-worker';

/** A database that has not closed by then is stopped as a kill would stop it, which costs it nothing but a replay. */
const CLOSE_MS = 1_000;

export interface PgliteThread extends EmbeddedDatabase {
  /** Why it cannot be used any more, with PostgreSQL's last words, or null. */
  dead(): Error | null;
  silentMs(): number;
  /** How many calls it was given since it was started. */
  calls(): number;
  /** Finishes what was asked before, within a second. Never rejects. */
  close(): Promise<void>;
}

interface Pending {
  resolve(result: unknown): void;
  reject(reason: unknown): void;
}

function errorOf({ name, message, stack, fields }: PlainError): Error {
  const error = Object.assign(new Error(message), fields);
  error.name = name;
  if (stack !== undefined) error.stack = stack;
  return error;
}

/** Leaves the id to the one who sends it. */
type Unnumbered<Request> = Request extends unknown ? Omit<Request, 'id'> : never;

/**
 * Starts PGlite in a thread of its own, so that its statements (a millisecond each, a clean-up many) hold up neither
 * sockets nor timers, and a second core is put to use.
 * Rejects with what PGlite throws for a folder it cannot read.
 */
export async function startPgliteThread(folder: string, log: Log): Promise<PgliteThread> {
  const worker = new Worker(join(__dirname, `pglite-worker${extname(__filename)}`), {
    name: 'pglite',
    workerData: { folder },
    // The worker needs none of the flags that our own process may have been started with.
    execArgv: [],
  });
  const pending = new Map<number, Pending>();
  const listeners = new Map<number, (payload: string) => void>();
  let lastId = 0;
  let lastListener = 0;
  /** Since when nobody has been answered, as long as somebody waits. */
  let silentSince = 0;
  let lastWords = '';
  let dead: Error | null = null;
  let closing: Promise<void> | null = null;

  let started: Pending;
  const ready = new Promise<unknown>((resolve, reject) => {
    started = { resolve, reject };
  });

  function die(cause: Error): void {
    if (dead) return;
    const reason = lastWords === '' ? cause : new Error(`${cause.message} (${lastWords})`, { cause });
    // The end of a thread that closes is no death, but whoever still waits for it must be told.
    if (!closing) dead = reason;
    started.reject(reason);
    for (const { reject } of pending.values()) reject(reason);
    pending.clear();
    // What it had acknowledged is in its files; all that is left in it is memory.
    void worker.terminate();
  }

  function settle(id: number): Pending | undefined {
    const call = pending.get(id);
    pending.delete(id);
    silentSince = systemClock.monotonic();
    // Only a call under way keeps our process alive, as it would without the thread.
    if (pending.size === 0) worker.unref();
    return call;
  }

  worker.on('message', (report: ThreadReport) => {
    switch (report.report) {
      case 'result':
        return settle(report.id)?.resolve(report.result);
      case 'error':
        return settle(report.id)?.reject(errorOf(report.error));
      case 'heard':
        return listeners.get(report.listener)?.(report.payload);
      case 'said':
        lastWords = report.text;
        if (/\b(?:PANIC|FATAL):/.test(lastWords)) log.error('the embedded database reports', { text: lastWords });
        return;
      case 'dead':
        return die(errorOf(report.error));
      case 'ready':
        return started.resolve(undefined);
    }
  });
  worker.on('error', (thrown) => die(thrown instanceof Error ? thrown : new Error(String(thrown))));
  worker.on('messageerror', die);
  worker.on('exit', (status) => die(new Error(`the thread of the embedded database ended with status ${status}`)));

  function send<Result>(request: Unnumbered<ThreadRequest>): Promise<Result> {
    if (dead) return Promise.reject(dead);
    const id = ++lastId;
    return new Promise<Result>((resolve, reject) => {
      // Throws for a parameter that is no plain data, and so rejects.
      worker.postMessage({ id, ...request });
      if (pending.size === 0) {
        worker.ref();
        silentSince = systemClock.monotonic();
      }
      pending.set(id, { resolve: resolve as Pending['resolve'], reject });
    });
  }

  const call = <Result>(request: Unnumbered<ThreadRequest>): Promise<Result> =>
    closing ? Promise.reject(new Error('The embedded database is closed')) : send<Result>(request);

  const sessionOf = (transaction: number): EmbeddedSession => ({
    query: <Row>(sql: string, params?: unknown[]) =>
      call<EmbeddedResult<Row>>({ ask: 'query', transaction, sql, params }),
    exec: (sql) => call<EmbeddedResult<unknown>[]>({ ask: 'exec', transaction, sql }),
  });

  async function closeNow(): Promise<void> {
    if (!dead) {
      const limit = new AbortController();
      const late = systemClock.sleep(CLOSE_MS, limit.signal).then(
        () => log.warn('the embedded database did not close in time and was stopped', { ms: CLOSE_MS }),
        () => undefined,
      );
      const closed = send<void>({ ask: 'close' }).catch((thrown: unknown) =>
        log.warn('the embedded database did not close well', { reason: messageOf(thrown) }),
      );
      await Promise.race([closed, late]);
      limit.abort();
    }
    await worker.terminate();
  }

  try {
    await ready;
  } catch (thrown) {
    await worker.terminate();
    throw thrown;
  }
  worker.unref();

  return {
    ...sessionOf(0),
    get closed() {
      return closing !== null;
    },
    dead: () => dead,
    calls: () => lastId,
    silentMs: () => (pending.size === 0 ? 0 : systemClock.monotonic() - silentSince),
    async transaction(work) {
      const id = await call<number>({ ask: 'begin' });
      let isOver = false;
      const end = async (commit: boolean): Promise<void> => {
        if (isOver) return;
        isOver = true;
        await call<void>({ ask: 'end', transaction: id, commit });
      };
      let result: Awaited<ReturnType<typeof work>>;
      try {
        result = await work({ ...sessionOf(id), rollback: () => end(false) });
      } catch (thrown) {
        // A thread that is gone took the transaction along; the first failure says more.
        await end(false).catch((error: unknown) =>
          log.debug('a transaction was not rolled back by hand', { reason: messageOf(error) }),
        );
        throw thrown;
      }
      await end(true);
      return result;
    },
    async listen(channel, heard) {
      const listener = ++lastListener;
      // Before the answer: a notification may overtake it.
      listeners.set(listener, heard);
      await call<void>({ ask: 'listen', listener, channel }).catch((thrown: unknown) => {
        listeners.delete(listener);
        throw thrown;
      });
      return async () => {
        listeners.delete(listener);
        await call<void>({ ask: 'unlisten', listener });
      };
    },
    close() {
      closing ??= closeNow();
      return closing;
    },
  };
}
