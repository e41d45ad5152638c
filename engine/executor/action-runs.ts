import type { Clock } from '../clock/clock';
import type { ActionHandler, ActionKind, ActionResult, ActionRow, ActionStatus } from '../domain/actions';
import {
  type AlarmflowError,
  asAlarmflowError,
  bugError,
  isRetryable,
  operationalError,
  WAITS,
} from '../domain/errors';
import type { Log } from '../domain/log';
import type { ActionRecord } from '../domain/record';
import { actionBackOff, backOffMs } from './back-off';
import type { ActionJob, Verdict } from './jobs';

/** How long a handler may take to obey its abort signal before its place is given to others. */
const OBEY_MS = 1_000;
/** Wait before the next try when the record itself could not be read or written. */
const RECORD_RETRY_MS = 1_000;
/** An outcome that could not be written is kept this long, so that the next run only writes it. */
const KEEP_UNWRITTEN_MS = 60_000;
const KEEP_UNWRITTEN_MOST = 10_000;
/** An action run without a claim is shown as running in the record once it has taken this long. */
const SHOW_RUNNING_MS = 1_000;

type Outcome = Parameters<ActionRecord['settleAction']>[1];

interface Unwritten {
  row: ActionRow;
  outcome: Outcome;
  verdict: Verdict;
  since: number;
}

export interface ActionRuns {
  /**
   * Runs one attempt of an action. Never rejects. A second call for a key that runs already joins the first.
   * @param fresh the row when it is safe to run without a claim (see `FreshRows`)
   */
  run(job: ActionJob, fresh?: ActionRow | null): Promise<Verdict>;
  /** Tells every running handler to stop; their rows stay open and run again at the next start. */
  stop(): void;
  /** Resolves when nothing runs any more. */
  idle(): Promise<void>;
  isRunning(key: string): boolean;
  /** Forgets an outcome that could not be written: a person wants the action tried again. */
  forget(key: string): void;
  /** Dead letters since the start of this process. */
  deadLetters(): number;
}

export const over: Verdict = { kind: 'over' };

const seconds = (ms: number): string => (ms < 10_000 ? `${(ms / 1_000).toFixed(1)} s` : `${Math.round(ms / 1_000)} s`);

/** Runs action rows: claim, deadline, handler, outcome; decides by error family what is tried again (DESIGN §3). */
export function createActionRuns(options: {
  record: ActionRecord;
  handlers: ActionHandler[];
  clock: Clock;
  log: Log;
  onSettled?(row: ActionRow): void;
}): ActionRuns {
  const { record, clock, log, onSettled } = options;
  const handlers = new Map<ActionKind, ActionHandler>();
  for (const handler of options.handlers) {
    if (handlers.has(handler.kind))
      throw bugError('E_HANDLER_TWICE', `Actions of kind "${handler.kind}" have two handlers`);
    handlers.set(handler.kind, handler);
  }
  const running = new Map<string, Promise<Verdict>>();
  const aborts = new Set<AbortController>();
  const unwritten = new Map<string, Unwritten>();
  const whenIdle: (() => void)[] = [];
  let stopping = false;
  let dead = 0;

  function recordFailed(key: string, doing: string, thrown: unknown): Verdict {
    const error = asAlarmflowError(thrown);
    log.warn(`record failed while ${doing} an action; tried again`, { key, code: error.code, reason: error.message });
    return { kind: 'again', delayMs: Math.max(error.retryAfterMs ?? 0, RECORD_RETRY_MS), reason: error.message };
  }

  /** Writes an outcome and gives the verdict that goes with it. */
  async function settle(row: ActionRow, outcome: Outcome, verdict: Verdict): Promise<Verdict> {
    try {
      await record.settleAction(row.key, outcome);
    } catch (thrown) {
      if (unwritten.size < KEEP_UNWRITTEN_MOST)
        unwritten.set(row.key, { row, outcome, verdict, since: clock.monotonic() });
      return recordFailed(row.key, 'settling', thrown);
    }
    unwritten.delete(row.key);
    if (outcome.status !== 'retrying') {
      if (outcome.status === 'failed') dead++;
      try {
        onSettled?.({ ...row, ...outcome });
      } catch (thrown) {
        const error = asAlarmflowError(thrown);
        log.error('listener of settled actions failed', { key: row.key, reason: error.message, stack: error.stack });
      }
    }
    return verdict;
  }

  function finish(
    row: ActionRow,
    status: ActionStatus,
    summary: string,
    errorCode: string | null,
    durationMs: number,
  ): Promise<Verdict> {
    const { attempts } = row;
    const outcome: Outcome = { status, summary, errorCode, finishedAt: clock.now(), durationMs, attempts };
    return settle(row, outcome, status === 'failed' ? { kind: 'dead', reason: summary } : over);
  }

  /**
   * Claims a row that runs without a claim, once it has taken long: people shall see it run, and what is lost with
   * this process shall count. Returns what must be done before the outcome is written.
   */
  function showLater(row: ActionRow, startedAt: number): () => Promise<void> {
    let showing: Promise<void> | null = null;
    const timer = clock.after(SHOW_RUNNING_MS, () => {
      showing = record.claimAction(row.key, startedAt).then(
        (claimed) => {
          row.attempts = Math.max(row.attempts, claimed?.attempts ?? 0);
        },
        (thrown: unknown) =>
          log.debug('running action could not be shown', { key: row.key, reason: asAlarmflowError(thrown).message }),
      );
    });
    return async () => {
      timer.cancel();
      // An outcome that overtook the claim would be undone by it.
      await showing;
    };
  }

  async function attempt(job: ActionJob, fresh: ActionRow | null): Promise<Verdict> {
    const left = unwritten.get(job.key);
    if (left) {
      unwritten.delete(job.key);
      if (clock.monotonic() - left.since <= KEEP_UNWRITTEN_MS) return settle(left.row, left.outcome, left.verdict);
    }
    let row: ActionRow | null;
    const now = clock.now();
    try {
      row = fresh ? { ...fresh, status: 'running', attempts: 1 } : await record.claimAction(job.key, now);
    } catch (thrown) {
      return recordFailed(job.key, 'claiming', thrown);
    }
    if (!row) return over;

    const deadlineAt = Math.min(row.deadlineAt, job.deadlineAt ?? Number.POSITIVE_INFINITY);
    if (now > deadlineAt) {
      const last = row.summary ? `; before that: ${row.summary}` : '';
      return finish(
        row,
        'expired',
        `Not done: its turn came ${seconds(now - deadlineAt)} past its deadline${last}`,
        'E_EXPIRED',
        0,
      );
    }
    const handler = handlers.get(row.kind);
    if (!handler) {
      const summary = `Not done: nothing here knows how to do actions of kind "${row.kind}"; update alarmflow or change the node`;
      log.error('action without a handler', { key: row.key, kind: row.kind });
      return finish(row, 'failed', summary, 'E_NO_HANDLER', 0);
    }

    const started = clock.monotonic();
    const tries = row.attempts - Math.min(job.attemptsBefore ?? 0, row.attempts);
    const shown = fresh ? showLater(row, now) : null;
    const outcome = await execute(handler, row, Math.max(1, tries), deadlineAt);
    const durationMs = Math.round(clock.monotonic() - started);
    await shown?.();
    if ('result' in outcome) return finish(row, outcome.result.status, outcome.result.summary, null, durationMs);
    return failed(row, handler, Math.max(1, tries), deadlineAt, outcome, durationMs);
  }

  type Executed = { result: ActionResult } | { error: AlarmflowError; why: 'handler' | 'deadline' | 'stop' };

  /** Calls the handler with a signal that aborts at the deadline and when the process stops. */
  async function execute(handler: ActionHandler, row: ActionRow, tries: number, deadlineAt: number): Promise<Executed> {
    const abort = new AbortController();
    let obey: { cancel(): void } | null = null;
    let why: 'handler' | 'deadline' | 'stop' = 'handler';
    let giveUp = (_outcome: Executed): void => {};
    const abandoned = new Promise<Executed>((resolve) => {
      giveUp = resolve;
    });
    abort.signal.addEventListener('abort', () => {
      why = stopping ? 'stop' : 'deadline';
      obey = clock.after(OBEY_MS, () => {
        log.warn('action ignores its abort signal; its place is given away', { key: row.key, kind: row.kind });
        const error = operationalError('E_ACTION_STUCK', `Action "${row.nodeName}" did not stop when it was told to`);
        giveUp({ error, why });
      });
    });
    aborts.add(abort);
    const deadline = clock.after(deadlineAt - clock.now(), () =>
      abort.abort(operationalError('E_EXPIRED', `Action "${row.nodeName}" reached its deadline`)),
    );
    if (stopping) abort.abort(stopError());
    const done = (async (): Promise<Executed> => {
      try {
        return { result: await handler.execute({ row, attempt: tries, signal: abort.signal }) };
      } catch (thrown) {
        // What an aborted call throws is the signal's reason in many shapes; it is no bug of ours.
        return { error: abort.signal.aborted ? asAlarmflowError(abort.signal.reason) : asAlarmflowError(thrown), why };
      }
    })();
    try {
      return await Promise.race([done, abandoned]);
    } finally {
      deadline.cancel();
      (obey as { cancel(): void } | null)?.cancel();
      aborts.delete(abort);
    }
  }

  function failed(
    row: ActionRow,
    handler: ActionHandler,
    tries: number,
    deadlineAt: number,
    outcome: { error: AlarmflowError; why: 'handler' | 'deadline' | 'stop' },
    durationMs: number,
  ): Promise<Verdict> {
    const { error, why } = outcome;
    const facts = { key: row.key, kind: row.kind, code: error.code, reason: error.message, attempt: tries };
    if (why === 'stop') {
      const summary = 'Interrupted because the process stopped; runs again';
      return settle(row, retrying(row, summary, 'E_STOPPED', durationMs), {
        kind: 'again',
        delayMs: 1,
        reason: summary,
      });
    }
    if (why === 'deadline') {
      log.warn('action expired', facts);
      const taken = seconds(deadlineAt - row.requestedAt);
      const last = row.summary ? `; before that: ${row.summary}` : '';
      return finish(row, 'expired', `Not done within ${taken}, its deadline${last}`, 'E_EXPIRED', durationMs);
    }
    if (!isRetryable(error)) {
      if (error.family === 'bug') log.error('action failed by a bug', { ...facts, stack: stackOf(error) });
      else log.warn('action failed', facts);
      return finish(row, 'failed', error.message, error.code, durationMs);
    }
    if (error.code === WAITS) return waits(row, error, deadlineAt, durationMs);
    if (tries >= handler.attempts) {
      log.warn('action failed', facts);
      const summary = tries === 1 ? error.message : `Failed ${tries} times, last: ${error.message}`;
      return finish(row, 'failed', summary, error.code, durationMs);
    }
    const delayMs = Math.max(1, error.retryAfterMs ?? backOffMs(actionBackOff, tries));
    if (clock.now() + delayMs > deadlineAt) {
      log.warn('action expired', facts);
      const summary = `Failed, and the next try (in ${seconds(delayMs)}) would be past its deadline: ${error.message}`;
      return finish(row, 'expired', summary, error.code, durationMs);
    }
    log.info('action failed for the moment', { ...facts, nextTryInMs: delayMs });
    // Where the deadline alone decides, nobody counts down.
    const most = Number.isFinite(handler.attempts) ? ` of ${handler.attempts}` : '';
    const summary = `Try ${tries}${most} failed, next in ${seconds(delayMs)}: ${error.message}`;
    return settle(row, retrying(row, summary, error.code, durationMs), {
      kind: 'again',
      delayMs,
      reason: error.message,
    });
  }

  /** Its time has not come yet, which is no failure; one that would come too late is told so at once. */
  function waits(
    row: ActionRow,
    { message, retryAfterMs = RECORD_RETRY_MS }: AlarmflowError,
    deadlineAt: number,
    durationMs: number,
  ): Promise<Verdict> {
    log.debug('action waits', { key: row.key, kind: row.kind, reason: message, nextTryInMs: retryAfterMs });
    // Come at the deadline itself, it is told what it waited for in vain.
    const leftMs = deadlineAt - clock.now();
    if (leftMs <= 0) return finish(row, 'expired', `Waited in vain until its deadline: ${message}`, 'E_EXPIRED', 0);
    const inMs = Math.min(retryAfterMs, leftMs + 1);
    const summary = `${message} (looked at again in ${seconds(inMs)})`;
    return settle(row, retrying(row, summary, WAITS, durationMs), { kind: 'again', delayMs: inMs, reason: message });
  }

  const retrying = (row: ActionRow, summary: string, errorCode: string, durationMs: number): Outcome => ({
    status: 'retrying',
    summary,
    errorCode,
    finishedAt: null,
    durationMs,
    attempts: row.attempts,
  });

  const stopError = (): AlarmflowError => operationalError('E_STOPPED', 'The process stops');

  return {
    run(job, fresh = null) {
      const current = running.get(job.key);
      if (current) return current;
      const promise = attempt(job, fresh)
        .catch((thrown: unknown): Verdict => {
          const error = asAlarmflowError(thrown);
          log.error('executor failed', { key: job.key, reason: error.message, stack: stackOf(error) });
          return { kind: 'again', delayMs: RECORD_RETRY_MS, reason: error.message };
        })
        .finally(() => {
          running.delete(job.key);
          if (running.size === 0) for (const resolve of whenIdle.splice(0)) resolve();
        });
      running.set(job.key, promise);
      return promise;
    },
    stop() {
      stopping = true;
      for (const abort of aborts) abort.abort(stopError());
    },
    idle: () => (running.size === 0 ? Promise.resolve() : new Promise((resolve) => whenIdle.push(resolve))),
    isRunning: (key) => running.has(key),
    forget: (key) => {
      unwritten.delete(key);
    },
    deadLetters: () => dead,
  };
}

/** The stack of the original error where there is one: it shows the place. */
const stackOf = (error: AlarmflowError): string | undefined =>
  error.cause instanceof Error ? error.cause.stack : error.stack;
