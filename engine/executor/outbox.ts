import type { Clock, Timer } from '../clock/clock';
import type { ActionRow } from '../domain/actions';
import { asAlarmflowError } from '../domain/errors';
import type { Log } from '../domain/log';
import type { ActionRecord } from '../domain/record';
import { backOffMs, reconcileBackOff } from './back-off';
import { createBatches } from './batches';

/** Most jobs that go to the queue in one call; more would hold up everybody else on an embedded database. */
const BATCH = 500;
/** Rows read from the record at first; more only when there are more. */
const FIRST_PAGE = 2_000;
/** Pause between two looks for rows that have lost their job. */
const SWEEP_MS = 30_000;
/** The first look comes sooner: rows may have been written while the executor started. */
const FIRST_SWEEP_MS = 2_000;
/** Younger rows are on their way into the queue and not looked at. */
const SWEEP_AGE_MS = 15_000;

/** Brings action rows and their jobs together: the rows are the truth, a job may be lost (transactional outbox). */
export interface Outbox {
  /** Adds the rows' jobs. Resolves also when the queue is away: the rows are on disk, their jobs follow. */
  submit(rows: ActionRow[]): Promise<void>;
  /** Adds a job for every open row; resolves to how many there were. */
  refill(): Promise<number>;
  /** Starts the regular looks for rows without a job. */
  start(): void;
  /** Why rows wait on disk for their jobs, or null: the queue takes them. */
  trouble(): string | null;
  /** The queue answers again: what could not be added is added now. */
  recovered(): void;
  close(): void;
}

export function createOutbox(options: {
  record: ActionRecord;
  /** Adds jobs; a row whose job is there already is left alone. */
  add(rows: ActionRow[]): Promise<void>;
  /** How many jobs of actions the queue has, running and delayed ones included. */
  countJobs(): Promise<number>;
  /** Called with every regular look, for what else may have been lost. */
  alsoSweep(): Promise<void>;
  clock: Clock;
  log: Log;
}): Outbox {
  const { record, clock, log } = options;
  const timers = new Set<Timer>();
  let missing = false;
  let trouble: string | null = null;
  let refilling: Promise<number> | null = null;
  /** What has had a job since the start; kept until the first look, which is for the others. */
  let known: Set<string> | null = new Set();
  let failures = 0;
  let closed = false;

  const send = createBatches<ActionRow>(async (rows) => {
    // Two callers may ask for one key; one job is enough.
    const unique = new Map(rows.map((row) => [row.key, row]));
    await options.add([...unique.values()]);
  }, BATCH);

  /** Reads all rows: the record gives the oldest first and has no other way to go on than a larger limit. */
  async function openRows(): Promise<ActionRow[]> {
    for (let limit = FIRST_PAGE; ; limit *= 5) {
      const rows = await record.openActions(limit);
      if (rows.length < limit) return rows;
    }
  }

  async function addOpen(isWanted: (row: ActionRow) => boolean): Promise<ActionRow[]> {
    // Those whose time is over first go first; of one kind the oldest still do.
    const rows = (await openRows()).filter(isWanted).sort((a, b) => a.deadlineAt - b.deadlineAt);
    for (let from = 0; from < rows.length && !closed; from += BATCH) await send(rows.slice(from, from + BATCH));
    return rows;
  }

  function refill(): Promise<number> {
    refilling ??= addOpen(() => true)
      .then((rows) => {
        missing = false;
        trouble = null;
        failures = 0;
        for (const row of rows) known?.add(row.key);
        return rows.length;
      })
      .finally(() => {
        refilling = null;
      });
    return refilling;
  }

  function later(ms: number, work: () => void): void {
    if (closed) return;
    const timer = clock.after(
      ms,
      () => {
        timers.delete(timer);
        work();
      },
      { background: true },
    );
    timers.add(timer);
  }

  function refillSoon(): void {
    failures++;
    later(backOffMs(reconcileBackOff, failures), refillNow);
  }

  function refillNow(): void {
    if (closed || !missing || refilling) return;
    refill().then(
      (count) => log.info('jobs of waiting actions were added', { count }),
      (thrown: unknown) => {
        log.debug('jobs of waiting actions could not be added yet', { reason: asAlarmflowError(thrown).message });
        refillSoon();
      },
    );
  }

  /** Rows that were written while the start read the others, before anybody could submit them. */
  async function lookForLate(): Promise<void> {
    const had = known;
    known = null;
    await addOpen((row) => !had?.has(row.key));
  }

  async function lookForLost(): Promise<void> {
    const oldest = clock.now() - SWEEP_AGE_MS;
    const rows = await openRows();
    // With as many jobs as rows nothing is lost, and a backlog is not offered to the queue again and again.
    if (!rows.some((row) => row.requestedAt <= oldest) || (await options.countJobs()) >= rows.length) return;
    await addOpen((row) => row.requestedAt <= oldest);
  }

  async function sweep(look: () => Promise<void>): Promise<void> {
    try {
      await look();
      await options.alsoSweep();
    } catch (thrown) {
      log.debug('look for actions without a job failed; the next one follows', {
        reason: asAlarmflowError(thrown).message,
      });
    }
    later(SWEEP_MS, () => void sweep(lookForLost));
  }

  return {
    async submit(rows) {
      if (rows.length === 0 || closed) return;
      try {
        await send(rows);
        trouble = null;
        for (const row of rows) known?.add(row.key);
      } catch (thrown) {
        if (closed) return;
        const reason = asAlarmflowError(thrown).message;
        trouble = reason;
        if (!missing) {
          log.warn('actions wait on disk because their jobs could not be added; tried again', { reason });
          missing = true;
          refillSoon();
        }
      }
    },
    refill,
    start() {
      later(FIRST_SWEEP_MS, () => void sweep(lookForLate));
    },
    trouble: () => trouble,
    recovered() {
      // A server that came back may also have forgotten.
      missing = true;
      failures = 0;
      refillNow();
    },
    close() {
      closed = true;
      for (const timer of timers) timer.cancel();
      timers.clear();
    },
  };
}
