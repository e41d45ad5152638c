import type { Clock } from '../clock/clock';
import { asAlarmflowError, isConnecting } from '../domain/errors';
import type { Log } from '../domain/log';
import { backOffMs, reconcileBackOff } from './back-off';
import type { ReconcileJob, Verdict } from './jobs';

/** Wait before requests that could not be put into the queue are put there again. */
const ADD_AGAIN_MS = 1_000;
/** A request that is older than this and has neither ended nor a job has lost its job. */
const LOST_AFTER_MS = 30_000;

export interface Reconciles {
  /** An output may have to be driven: tries at once; many calls at once are one try. */
  request(outputId: string, generation: number): void;
  /** Drives one output. Never rejects, never twice at once for one output. */
  run(job: ReconcileJob): Promise<Verdict>;
  /** Puts what waits into the queue now: the server is back. */
  flush(): void;
  /** Gives a new job to requests that have lost theirs (a queue server that forgot). */
  sweep(): Promise<void>;
  idle(): Promise<void>;
  close(): void;
}

interface Request {
  generation: number;
  since: number;
}

interface Run {
  generation: number;
  startedAt: number;
  verdict: Promise<Verdict>;
}

/**
 * Keeps outputs and their desired state together (DESIGN §2): coalesced, serial per output, for ever until confirmed.
 *
 * The first try runs at once, here: the lease that asks for it is on disk already, and a start drives every output
 * anyway, so a job could add nothing but three statements before the relay moves. What does not succeed becomes a job
 * of the queue, with its back-off.
 */
export function createReconciles(options: {
  reconcile(outputId: string): Promise<void>;
  /** Puts jobs into the queue; at most one waits or runs per output. */
  add(jobs: ReconcileJob[]): Promise<void>;
  /** Whether the queue has a job for the output. */
  hasJob(outputId: string): Promise<boolean>;
  clock: Clock;
  log: Log;
}): Reconciles {
  const { clock, log } = options;
  /** Asked for here and not yet seen done. */
  const wanted = new Map<string, Request>();
  /** Asked for and not yet tried. */
  const fresh = new Set<string>();
  /** Tried in vain and not yet in the queue. */
  const pending = new Map<string, number>();
  const running = new Map<string, Run>();
  const failures = new Map<string, { count: number; code: string; generation: number }>();
  const whenIdle: (() => void)[] = [];
  let flushing = false;
  let scheduled = false;
  let closed = false;

  async function flush(): Promise<void> {
    if (flushing || closed) return;
    flushing = true;
    try {
      while (pending.size > 0 && !closed) {
        const jobs = [...pending].map(([outputId, generation]) => ({ outputId, generation }));
        await options.add(jobs);
        for (const job of jobs) if (pending.get(job.outputId) === job.generation) pending.delete(job.outputId);
      }
    } catch (thrown) {
      log.debug('reconcile requests wait for the queue', { count: pending.size, reason: String(thrown) });
      if (!closed) clock.after(ADD_AGAIN_MS, () => void flush(), { background: true });
    } finally {
      flushing = false;
    }
  }

  function schedule(): void {
    if (scheduled || closed) return;
    scheduled = true;
    // One turn of the loop later, so that requests made together are one try.
    setImmediate(() => {
      scheduled = false;
      for (const outputId of fresh) void tryAtOnce(outputId);
      fresh.clear();
    });
  }

  async function tryAtOnce(outputId: string): Promise<void> {
    const generation = wanted.get(outputId)?.generation;
    if (generation === undefined || closed) return;
    const verdict = await run({ outputId, generation });
    if (verdict.kind !== 'again' || closed) return;
    // Until then nothing is owed to the queue: whatever happens to this process, its successor drives all outputs.
    clock.after(
      verdict.delayMs,
      () => {
        const request = wanted.get(outputId);
        if (!request || running.has(outputId)) return;
        pending.set(outputId, request.generation);
        void flush();
      },
      { background: true },
    );
  }

  async function drive(outputId: string, run: Run): Promise<Verdict> {
    let generation: number;
    try {
      do {
        generation = run.generation;
        await options.reconcile(outputId);
        // Asked again while it ran: what it compared may be old.
      } while (run.generation !== generation && !closed);
    } catch (thrown) {
      return failed(outputId, run, thrown);
    }
    const before = failures.get(outputId);
    if (before) log.info('output reconciled again', { output: outputId, failures: before.count });
    failures.delete(outputId);
    const request = wanted.get(outputId);
    if (request && request.generation <= run.generation) wanted.delete(outputId);
    return { kind: 'over' };
  }

  function failed(outputId: string, run: Run, thrown: unknown): Verdict {
    const error = asAlarmflowError(thrown);
    const before = failures.get(outputId);
    // A new generation is a new task: it does not inherit the patience of the old one.
    const count = before && before.generation === run.generation ? before.count + 1 : 1;
    failures.set(outputId, { count, code: error.code, generation: run.generation });
    // Asked again while it ran (the device may just have come back): that request must not wait out an old back-off.
    const askedAgain = (wanted.get(outputId)?.since ?? Number.NEGATIVE_INFINITY) > run.startedAt;
    const delayMs = askedAgain
      ? reconcileBackOff.firstMs
      : Math.max(error.retryAfterMs ?? 0, backOffMs(reconcileBackOff, count));
    const facts = { output: outputId, code: error.code, reason: error.message, failures: count, nextTryInMs: delayMs };
    if (error.family === 'bug') log.error('output not reconciled', { ...facts, stack: error.stack });
    else if (before?.code === error.code || isConnecting(error)) log.debug('output not reconciled', facts);
    else log.warn('output not reconciled', facts);
    return { kind: 'again', delayMs, reason: error.message };
  }

  async function run(job: ReconcileJob): Promise<Verdict> {
    const generation = Math.max(job.generation, wanted.get(job.outputId)?.generation ?? 0);
    const current = running.get(job.outputId);
    if (current) {
      // A second job for the output, here while the first is at work: the first does the work of both.
      current.generation = Math.max(current.generation, generation);
      return current.verdict;
    }
    const run: Run = { generation, startedAt: clock.monotonic(), verdict: Promise.resolve({ kind: 'over' }) };
    running.set(job.outputId, run);
    run.verdict = drive(job.outputId, run).finally(() => {
      running.delete(job.outputId);
      if (running.size === 0) for (const resolve of whenIdle.splice(0)) resolve();
    });
    return run.verdict;
  }

  return {
    request(outputId, generation) {
      if (closed) return;
      const known = wanted.get(outputId);
      wanted.set(outputId, { generation: Math.max(generation, known?.generation ?? 0), since: clock.monotonic() });
      fresh.add(outputId);
      schedule();
    },
    run,
    flush: () => void flush(),
    async sweep() {
      for (const [outputId, request] of [...wanted]) {
        if (running.has(outputId) || clock.monotonic() - request.since < LOST_AFTER_MS) continue;
        if (await options.hasJob(outputId)) continue;
        // Lost, or done in another process, which one more comparison cannot harm.
        await options.add([{ outputId, generation: request.generation }]);
        wanted.delete(outputId);
      }
    },
    idle: () => (running.size === 0 ? Promise.resolve() : new Promise((resolve) => whenIdle.push(resolve))),
    close() {
      closed = true;
    },
  };
}
