import type { Clock } from '../clock/clock';
import type { ActionRow } from '../domain/actions';
import { type AlarmflowError, operationalError } from '../domain/errors';
import type { Log } from '../domain/log';
import { codeOf, type Database, lostConnection, messageOf } from './database';
import { createGroups } from './groups';
import { jsonText } from './json-text';
import { createNewActions, type NewActions } from './new-actions';
import { type Batch, mergeBatches } from './write-set';
import type { WriteTrouble } from './write-trouble';

const LARGEST_GROUP = 128;
const TRIES = 3;
/** A commit takes milliseconds; devices wait for it. */
const COMMIT_MS = 15_000;

/** The database chose us to give way to another process: the same again will do. */
const gaveWay = (code: string): boolean => code === '40001' || code === '40P01';

/** Caused by the rows themselves (SQLSTATE classes 21, 22, 23, 54): then only the guilty batch may fail. */
const causedByRows = (code: string): boolean => /^(?:21|22|23|54)...$/.test(code);

function remedyOf(code: string): string {
  if (code === '53100' || code === 'ENOSPC') return 'free space on the disk of the record';
  if (code === '25006' || code === 'EROFS') return 'the database or its disk is read-only: make it writable';
  if (code === 'XX001' || code === 'XX002')
    return 'the database is damaged: start alarmflow again, which restores the last backup';
  if (causedByRows(code)) return 'the values were refused, see the log';
  return 'check the disk and the database, see the log';
}

export function writeError(thrown: unknown): AlarmflowError {
  const code = codeOf(thrown);
  return operationalError('E_RECORD_WRITE', `The record cannot be written: ${messageOf(thrown)}; ${remedyOf(code)}`, {
    cause: thrown,
    facts: { code },
  });
}

export interface Writer {
  commit(batch: Batch): Promise<void>;
  newActions: NewActions;
  /** Refuses what comes from now on, and resolves when everything before is on disk. */
  close(): Promise<void>;
}

/**
 * Group commit: batches that arrive together are one statement, and so one transaction.
 *
 * @param guard throws while nothing may be written (a disk that is nearly full)
 * @param trouble is told which commits failed for no fault of their own
 */
export function createWriter(
  database: Database,
  clock: Clock,
  log: Log,
  guard: () => void,
  trouble: Pick<WriteTrouble, 'failed' | 'worked' | 'resting'>,
): Writer {
  const newActions = createNewActions();
  let closed = false;

  async function apply(batches: Batch[]): Promise<void> {
    const merged = mergeBatches(batches);
    if (Object.keys(merged).length === 0) return;
    const actions = (merged.actions ?? []) as ActionRow[];
    const text = jsonText(merged);
    for (let attempt = 1; ; attempt++) {
      try {
        const [applied] = await database.query<{ count: number }>(
          'SELECT alarmflow.apply_writes($1::jsonb) AS count',
          [text],
          COMMIT_MS,
        );
        // Which of them were there already is not worth a question: it happens after a crash only.
        if (actions.length > 0 && applied?.count === actions.length) newActions.add(actions.map((row) => row.key));
        return;
      } catch (thrown) {
        const code = codeOf(thrown);
        // Every write of ours may be done twice, so after a broken connection it is simply done again.
        if (attempt >= TRIES || !(gaveWay(code) || lostConnection(thrown))) throw thrown;
        log.debug('writing the record is tried again', { attempt, code, reason: messageOf(thrown) });
        await clock.sleep(50 * attempt);
      }
    }
  }

  async function run(batches: Batch[]): Promise<PromiseSettledResult<void>[]> {
    guard();
    const broken = database.broken();
    if (broken) throw writeError(broken);
    const resting = trouble.resting();
    if (resting) throw resting;
    try {
      await apply(batches);
      trouble.worked();
      return batches.map(() => ({ status: 'fulfilled', value: undefined }));
    } catch (thrown) {
      if (batches.length === 1 || !causedByRows(codeOf(thrown))) {
        const error = writeError(thrown);
        if (causedByRows(codeOf(thrown)))
          log.error('the record refused a batch', { code: codeOf(thrown), reason: messageOf(thrown) });
        else trouble.failed(error);
        throw error;
      }
    }
    const outcomes: PromiseSettledResult<void>[] = [];
    for (const batch of batches) {
      try {
        await apply([batch]);
        outcomes.push({ status: 'fulfilled', value: undefined });
      } catch (thrown) {
        log.error('the record refused a batch', { code: codeOf(thrown), reason: messageOf(thrown) });
        outcomes.push({ status: 'rejected', reason: writeError(thrown) });
      }
    }
    return outcomes;
  }

  const groups = createGroups<Batch, void>(run, LARGEST_GROUP);
  return {
    newActions,
    async commit(batch) {
      if (closed) throw operationalError('E_RECORD_WRITE', 'The record is closed: alarmflow is stopping');
      await groups.add(batch);
    },
    async close() {
      closed = true;
      await groups.settled();
    },
  };
}
