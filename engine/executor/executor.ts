import type { IQueueBackend } from 'bullmq';
import { type Job, type JobsOptions, Queue, UnrecoverableError, Worker } from 'bullmq';
import { type Clock, sleepOrStop } from '../clock/clock';
import type { ActionHandler, ActionRow } from '../domain/actions';
import { asAlarmflowError, operationalError, userError } from '../domain/errors';
import type { Log } from '../domain/log';
import type { ActionRecord } from '../domain/record';
import { createActionRuns } from './action-runs';
import type { BackendChoice, OpenBackend } from './backend';
import { createFreshRows } from './fresh-rows';
import {
  type ActionJob,
  actionQueueNames,
  type JobData,
  jobIdOf,
  jobOptions,
  LOCK_MS,
  MOST_STALLS,
  type QueueName,
  type ReconcileJob,
  reconcileOptions,
  STALLED_INTERVAL_MS,
  URGENT_MS,
  type Verdict,
} from './jobs';
import { createOutbox } from './outbox';
import { paced } from './paced-backend';
import { openPgliteBackend } from './pglite-backend';
import { openPostgresBackend } from './postgres-backend';
import { createReconciles } from './reconciles';
import { openRedisBackend } from './redis-backend';

const DEFAULT_CONCURRENCY = 64;
/** They wait for others, and cost this machine next to nothing meanwhile. */
const WAITING_CONCURRENCY = 128;
/** Outputs wait for devices, each for its own; a few dead ones must not hold up the others. */
const OUTPUT_CONCURRENCY = 64;
const DEFAULT_PREFIX = 'alarmflow';
/** BullMQ keeps a stream of events for watchers; nobody here watches. */
const KEPT_EVENTS = 100;
/** A retry by hand waits this long for the action's finished job to be cleared away. */
const CLEAR_AWAY_MS = 6_000;
const CLEAR_AWAY_STEP_MS = 25;
/** Trouble of a queue that goes on is told again after this. */
const TELL_AGAIN_MS = 60_000;
const MOST_TROUBLES = 100;
/** After the time for a close is over, running handlers have this long to obey their abort signals. */
const ABORT_GRACE_MS = 500;
/** How long a queue's server may take to say what it has; less than `/healthz` waits for a part. */
const ANSWER_MS = 1_500;
/** A database that has answered somebody within this time works, however long others wait for their turn. */
const SILENT_MS = 10_000;

/** A job in one of these states will run. */
const openStates = ['waiting', 'active', 'delayed'] as const;
type JobCounts = Record<(typeof openStates)[number], number>;

type JobQueue = Queue<JobData, void, string, JobData, void, string, IQueueBackend, unknown>;
type JobWorker = Worker<JobData, void, string, IQueueBackend, never, unknown>;

export interface ExecutorOptions {
  backend: BackendChoice;
  /** Keeps the queues of two executors on one server apart; the default is `alarmflow`. */
  prefix?: string;
  record: ActionRecord;
  handlers: ActionHandler[];
  /** Drives one output to its desired state; rejects while the device has not confirmed. */
  reconcile(outputId: string): Promise<void>;
  clock: Clock;
  log: Log;
  /** Quick actions at once in this process; 64 when left out. */
  concurrency?: number;
  /** Called after an outcome is on disk. */
  onSettled?(row: ActionRow): void;
}

export interface ExecutorHealth {
  /** Which server, without its password. */
  backend: string;
  /** The server has just told what it has, and takes jobs; else the first warning says why. */
  answers: boolean;
  /** How many jobs; never so long that whoever asks has to wait for a server that hangs. */
  waiting: number;
  active: number;
  delayed: number;
  /** Dead letters since this process started; the record has all of them. */
  failed: number;
  warnings: string[];
}

/** Runs actions and reconciles outputs through BullMQ (DESIGN §2, §3, §5). */
export interface Executor {
  /**
   * Connects, migrates, adds the jobs of open rows and starts the workers, those of outputs and urgent actions first.
   * @param prepare makes ready what actions need, as soon as rows can be submitted; no action runs and no output is
   * driven before it has resolved. A start that follows another has none.
   * Throws `E_QUEUE_UNREACHABLE` (operational), `E_QUEUE_REFUSED` and `E_BAD_QUEUE_URL` (user).
   */
  start(prepare?: () => Promise<void>): Promise<void>;
  /**
   * Adds the jobs of rows that are on disk already. A row submitted twice is done once. Never loses a row:
   * it resolves also while the queue is away, and the job follows when it is back.
   */
  submit(rows: ActionRow[]): Promise<void>;
  /** Has an output compared and driven: coalesced, serial per output, again and again until it succeeds. */
  requestReconcile(outputId: string, generation: number): void;
  /**
   * Has a dead letter or an expired action tried again, with its kind's deadline from now.
   * Throws `E_NOT_RETRYABLE` (user) when it is neither.
   */
  retry(key: string): Promise<ActionRow>;
  health(): Promise<ExecutorHealth>;
  /**
   * Takes no more jobs, waits for running ones, aborts their signals after `timeoutMs` (4,000 when left out).
   * What was not finished runs again at the next start.
   */
  close(timeoutMs?: number): Promise<void>;
}

/** A kind of trouble: what BullMQ and Redis say, without the ids of jobs, scripts and connections in it. */
const troubleOf = (message: string): string => message.replace(/\bk[\w-]{32}|\b[0-9a-f]{40}\b|\d+/g, '…');

/**
 * Whether counts come late only because they wait for their turn. A site that its supervisor restarts for that is as
 * far behind afterwards, and away meanwhile.
 */
const isBehind = ({ silentMs, link }: OpenBackend, thrown: unknown): boolean =>
  asAlarmflowError(thrown).code === 'E_QUEUE_SILENT' &&
  link.trouble() === null &&
  silentMs !== undefined &&
  silentMs() < SILENT_MS;

/** Tells BullMQ to run a job again after our own back-off. */
class TryAgain extends Error {
  constructor(
    readonly delayMs: number,
    reason: string,
  ) {
    super(reason);
  }
}

function openBackend(options: ExecutorOptions): Promise<OpenBackend> {
  const { backend, clock, log } = options;
  switch (backend.kind) {
    case 'pglite':
      return openPgliteBackend(backend.db, { clock, log });
    case 'postgres':
      return openPostgresBackend(backend.url, { clock, log });
    case 'redis':
      return openRedisBackend(backend.url, { clock, log });
  }
}

interface Running {
  backend: OpenBackend;
  queues: Record<QueueName, JobQueue>;
  workers: Record<QueueName, JobWorker>;
}

export function createExecutor(options: ExecutorOptions): Executor {
  const { record, clock, handlers } = options;
  const log = options.log.with({ part: 'executor' });
  const prefix = options.prefix ?? DEFAULT_PREFIX;
  const handlerByKind = new Map(handlers.map((handler) => [handler.kind, handler]));
  const onceKinds = new Set(handlers.filter((handler) => handler.once).map((handler) => handler.kind));
  const runs = createActionRuns({ record, handlers, clock, log, onSettled: options.onSettled });
  const fresh = createFreshRows(record, clock);
  let running: Running | null = null;
  /** What health told last, for as long as the counts come too late. */
  let lastCounts: JobCounts = { waiting: 0, active: 0, delayed: 0 };
  let starting: Promise<void> | null = null;
  let closing: Promise<void> | null = null;
  const stop = new AbortController();

  const outbox = createOutbox({
    record,
    add: (rows) => addActions(rows.map((row) => ({ row, job: fresh.jobOf(row) }))),
    async countJobs() {
      const { queues } = live();
      const counts = await Promise.all(actionQueueNames.map((name) => queues[name].getJobCountByTypes(...openStates)));
      return counts.reduce((sum, count) => sum + count, 0);
    },
    alsoSweep: () => reconciles.sweep(),
    clock,
    log,
  });
  const reconciles = createReconciles({
    reconcile: options.reconcile,
    async add(jobs) {
      await addJobs(
        live().queues.outputs,
        jobs.map((job) => ({ name: 'reconcile', data: job, opts: reconcileOptions(job.outputId) })),
      );
    },
    hasJob: async (outputId) => (await live().queues.outputs.getDeduplicationJobId(jobIdOf(outputId))) !== null,
    clock,
    log,
  });

  function live(): Running {
    if (running) return running;
    throw operationalError(
      'E_EXECUTOR_NOT_RUNNING',
      'No actions are run yet, or no more: try again when all has started',
    );
  }

  function queueOfRow(row: ActionRow): (typeof actionQueueNames)[number] {
    const handler = handlerByKind.get(row.kind);
    // By the kind, not by the row: a row that is tried again has another deadline, and must not have two queues.
    if (handler && !handler.heavy && handler.defaultDeadlineMs <= URGENT_MS) return 'urgent';
    return handler?.heavy ? 'heavy' : (handler?.waitsFor?.(row) ?? 'actions');
  }

  async function addActions(entries: { row: ActionRow; job: ActionJob }[]): Promise<void> {
    const { queues } = live();
    for (const name of actionQueueNames) {
      const jobs = entries
        .filter(({ row }) => queueOfRow(row) === name)
        .map(({ row, job }) => ({ name: row.kind, data: job, opts: { ...jobOptions, jobId: jobIdOf(row.key) } }));
      await addJobs(queues[name], jobs);
    }
  }

  async function addJobs(queue: JobQueue, jobs: { name: string; data: JobData; opts: JobsOptions }[]): Promise<void> {
    if (jobs.length >= live().backend.bulkFrom) await queue.addBulk(jobs);
    else await Promise.all(jobs.map((job) => queue.add(job.name, job.data, job.opts)));
  }

  /** Turns a verdict into what BullMQ understands: a return, a delay, or the end. */
  function conclude(verdict: Verdict): void {
    running?.backend.jobsFinished(1);
    // A queue on PostgreSQL takes whole milliseconds alone: with others the job is taken for lost, and runs too soon.
    if (verdict.kind === 'again') throw new TryAgain(Math.ceil(verdict.delayMs), verdict.reason);
    if (verdict.kind === 'dead') throw new UnrecoverableError(verdict.reason);
  }

  function process(name: QueueName): (job: Job<JobData, void, string>) => Promise<void> {
    if (name === 'outputs') return async (job) => conclude(await reconciles.run(job.data as ReconcileJob));
    return async (job) => {
      const data = job.data as ActionJob;
      conclude(await runs.run(data, fresh.take(data, job.attemptsStarted)));
    };
  }

  /**
   * When each kind of trouble was told last, by whichever queue or worker: a server whose disk is full fails hundreds of
   * times a second, and one that is lost fails all of them at once.
   */
  const told = new Map<string, number>();

  function notePart(part: JobQueue | JobWorker, backend: OpenBackend): void {
    const note = (error: Error): void => {
      if (closing) return;
      const now = clock.monotonic();
      const trouble = troubleOf(error.message);
      if (now - (told.get(trouble) ?? Number.NEGATIVE_INFINITY) < TELL_AGAIN_MS) return;
      if (told.size >= MOST_TROUBLES) told.clear();
      told.set(trouble, now);
      if (backend.link.trouble() !== null) log.debug('queue error while the server is away', { reason: error.message });
      else log.warn('queue error', { queue: part.name, reason: error.message });
    };
    // The union's overloads do not combine; both parts are plain emitters.
    (part as { on(event: 'error', listener: (error: Error) => void): unknown }).on('error', note);
  }

  function open(backend: OpenBackend): Running {
    const shared = { prefix };
    const factory = paced(backend.factory, { clock, stop: stop.signal });
    // PostgreSQL has no key prefix: the queues' names keep two executors apart on every backend.
    const fullName = (name: QueueName): string => `${prefix}-${name}`;
    const queueOf = (name: QueueName): JobQueue => {
      const queue: JobQueue = new Queue(
        fullName(name),
        { ...shared, connection: backend.queueConnection, streams: { events: { maxLen: KEPT_EVENTS } } },
        backend.factory,
      );
      notePart(queue, backend);
      return queue;
    };
    const concurrency: Record<QueueName, number> = {
      urgent: WAITING_CONCURRENCY,
      actions: options.concurrency ?? DEFAULT_CONCURRENCY,
      mails: WAITING_CONCURRENCY,
      pictures: WAITING_CONCURRENCY,
      devices: WAITING_CONCURRENCY,
      heavy: 1,
      outputs: OUTPUT_CONCURRENCY,
    };
    const workerOf = (name: QueueName): JobWorker => {
      const worker: JobWorker = new Worker<JobData, void, string, IQueueBackend, never, unknown>(
        fullName(name),
        process(name),
        {
          ...shared,
          connection: backend.workerConnection,
          // Run by `start`, most of them once the open rows have their jobs: on the embedded database both share one session.
          autorun: false,
          concurrency: concurrency[name],
          lockDuration: LOCK_MS,
          stalledInterval: STALLED_INTERVAL_MS,
          maxStalledCount: MOST_STALLS,
          // Tried again this soon after the server was lost; BullMQ's 15 s would be most of an alarm's life.
          runRetryDelay: 1_000,
          removeOnComplete: { count: 0 },
          removeOnFail: { count: 0 },
          settings: {
            backoffStrategy: (_made, _type, error) => (error instanceof TryAgain ? error.delayMs : 1_000),
          },
        },
        factory,
      );
      notePart(worker, backend);
      worker.on('stalled', (jobId) => log.info('job of a lost worker runs again', { queue: name, job: jobId }));
      return worker;
    };
    const each = <Part>(partOf: (name: QueueName) => Part): Record<QueueName, Part> => ({
      urgent: partOf('urgent'),
      actions: partOf('actions'),
      mails: partOf('mails'),
      pictures: partOf('pictures'),
      devices: partOf('devices'),
      heavy: partOf('heavy'),
      outputs: partOf('outputs'),
    });
    return { backend, queues: each(queueOf), workers: each(workerOf) };
  }

  function run(workers: JobWorker[]): void {
    for (const worker of workers)
      worker.run().catch((thrown: unknown) => {
        log.error('queue worker ended', { queue: worker.name, reason: asAlarmflowError(thrown).message });
      });
  }

  async function start(prepare?: () => Promise<void>): Promise<void> {
    const backend = await openBackend(options);
    if (closing) return backend.close();
    backend.link.onBack(() => {
      outbox.recovered();
      reconciles.flush();
    });
    const opened = open(backend);
    running = opened;
    await Promise.all(
      [...Object.values(opened.queues), ...Object.values(opened.workers)].map((part) => part.waitUntilReady()),
    );
    await prepare?.();
    if (closing) return;
    // Outputs wait for nobody: a relay that the last run has left on goes off before thousands of rows have their jobs.
    run([opened.workers.outputs, opened.workers.urgent]);
    reconciles.flush();
    const count = await outbox.refill();
    if (closing) return;
    outbox.start();
    const { outputs: _outputs, urgent: _urgent, ...others } = opened.workers;
    run(Object.values(others));
    log.info('executor started', { server: backend.server, openActions: count });
  }

  async function shutDown(timeoutMs: number): Promise<void> {
    stop.abort();
    outbox.close();
    reconciles.close();
    // A start under way notices `closing`; its failure was reported to whoever started.
    await starting?.catch(() => undefined);
    const opened = running;
    if (!opened) return;
    const { backend, queues, workers } = opened;

    // Bounded, because a worker whose server is away waits for it for ever.
    const within = (work: Promise<unknown>, ms: number): Promise<unknown> => {
      const limit = new AbortController();
      const timeout = sleepOrStop(clock, ms, limit.signal);
      return Promise.race([work.finally(() => limit.abort()), timeout]);
    };
    const ended = Promise.all(Object.values(workers).map((worker) => worker.close())).catch((thrown: unknown) => {
      log.debug('worker did not close cleanly', { reason: asAlarmflowError(thrown).message });
    });
    await within(Promise.all([ended, runs.idle(), reconciles.idle()]), timeoutMs);
    runs.stop();
    await within(ended, ABORT_GRACE_MS);
    running = null;
    await within(Promise.allSettled(Object.values(queues).map((queue) => queue.close())), ABORT_GRACE_MS);
    await within(backend.close(), ABORT_GRACE_MS);
  }

  /** A server that hangs must not hang whoever asks for our health. */
  function soon<T>(work: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const limit = clock.after(
        ANSWER_MS,
        () => reject(operationalError('E_QUEUE_SILENT', `no answer within ${ANSWER_MS / 1_000} s`)),
        { background: true },
      );
      work.then(resolve, reject).finally(() => limit.cancel());
    });
  }

  async function counted(queues: Running['queues']): Promise<JobCounts> {
    const counts = { waiting: 0, active: 0, delayed: 0 };
    for (const one of await soon(
      Promise.all(Object.values(queues).map((queue) => queue.getJobCounts(...openStates))),
    )) {
      for (const state of openStates) counts[state] += one[state] ?? 0;
    }
    return counts;
  }

  async function requeue(key: string): Promise<ActionRow> {
    // The record does not tell a row's kind by its key, so it gets the longest deadline of all kinds first;
    // the job carries the one of its kind.
    const longest = Math.max(0, ...handlers.map((handler) => handler.defaultDeadlineMs));
    const row = await record.requeueAction(key, clock.now() + longest);
    if (row) return row;
    throw userError('E_NOT_RETRYABLE', `Action "${key}" cannot be tried again: only failed and expired actions can`);
  }

  return {
    start(prepare) {
      starting ??= start(prepare);
      return starting;
    },
    async submit(rows) {
      // Before the start the rows wait on disk: the start adds the jobs of all open rows.
      if (!running || closing) return;
      fresh.offer(onceKinds.size === 0 ? rows : rows.filter((row) => !onceKinds.has(row.kind)));
      await outbox.submit(rows);
    },
    requestReconcile: reconciles.request,
    async retry(key) {
      const { queues } = live();
      const row = await requeue(key);
      runs.forget(key);
      const handler = handlerByKind.get(row.kind);
      const deadlineAt = Math.min(
        row.deadlineAt,
        clock.now() + (handler?.defaultDeadlineMs ?? Number.POSITIVE_INFINITY),
      );
      try {
        // Its last job may still be on its way out; an add with the same id would be dropped with it.
        const queue = queues[queueOfRow(row)];
        for (let waited = 0; waited < CLEAR_AWAY_MS; waited += CLEAR_AWAY_STEP_MS) {
          if (!runs.isRunning(key) && !(await queue.getJob(jobIdOf(key)))) break;
          await clock.sleep(CLEAR_AWAY_STEP_MS);
        }
        await addActions([{ row, job: { key, deadlineAt, attemptsBefore: row.attempts } }]);
      } catch (thrown) {
        log.debug('retry waits for the queue', { key, reason: asAlarmflowError(thrown).message });
        await outbox.submit([row]);
      }
      return { ...row, deadlineAt };
    },
    async health() {
      if (!running) {
        const backend = options.backend.kind;
        const warnings = ['The executor is not running: actions and outputs wait'];
        return { backend, answers: false, waiting: 0, active: 0, delayed: 0, failed: runs.deadLetters(), warnings };
      }
      const { backend, queues } = running;
      const health: ExecutorHealth = {
        backend: backend.server,
        answers: true,
        waiting: 0,
        active: 0,
        delayed: 0,
        failed: runs.deadLetters(),
        warnings: [...backend.warnings],
      };
      try {
        lastCounts = await counted(queues);
      } catch (thrown) {
        if (!isBehind(backend, thrown)) {
          health.answers = false;
          const reason = backend.link.trouble() ?? asAlarmflowError(thrown).message;
          health.warnings.unshift(`${backend.server} does not answer (${reason}): actions and outputs wait for it`);
          return health;
        }
        health.warnings.unshift(`${backend.server} is behind with its work: the figures are older`);
      }
      Object.assign(health, lastCounts);
      const refused = outbox.trouble();
      if (refused !== null) {
        health.answers = false;
        health.warnings.unshift(`${backend.server} takes no jobs (${refused}): actions wait on disk`);
      }
      return health;
    },
    close(timeoutMs = 4_000) {
      closing ??= shutDown(timeoutMs);
      return closing;
    },
  };
}
