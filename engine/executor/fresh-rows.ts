import { randomBytes } from 'node:crypto';
import type { Clock } from '../clock/clock';
import type { ActionRow } from '../domain/actions';
import { jsonCopy } from '../domain/json-copy';
import type { ActionRecord } from '../domain/record';
import type { ActionJob } from './jobs';

const MOST_ROWS = 20_000;
/** A row whose job another process has taken stays until then, and only when its place is wanted. */
const STALE_MS = 60_000;

/**
 * Rows that this process put on disk and submitted itself, and that nobody has tried yet: they can be run from memory,
 * without asking the record for them.
 *
 * Two tries at once cannot come of it: a row is offered once, only when this process made it; its job carries this
 * process' mark and is added once; and it counts only when the job was never taken before. Whoever else has the job
 * first, and every later try, claims the row in the record.
 */
export interface FreshRows {
  /** Notes the rows that may be run without a claim. */
  offer(rows: ActionRow[]): void;
  /** What the row's job carries: the mark of this process when this very row was offered, else only the key. */
  jobOf(row: ActionRow): ActionJob;
  /** The row to run without a claim, or null; never twice for one key. */
  take(job: ActionJob, timesTaken: number): ActionRow | null;
}

export function createFreshRows(record: ActionRecord, clock: Clock, most = MOST_ROWS): FreshRows {
  const mark = randomBytes(9).toString('base64url');
  const offered = new Map<string, { row: ActionRow; copy: ActionRow; since: number }>();

  function makePlace(now: number): boolean {
    if (offered.size < most) return true;
    const [oldest] = offered;
    // The oldest run next; what comes now can wait for a claim, unless the oldest was left by somebody.
    if (!oldest || now - oldest[1].since < STALE_MS) return false;
    return offered.delete(oldest[0]);
  }

  return {
    offer(rows) {
      const now = clock.monotonic();
      for (const row of rows) {
        if (!record.takeNewAction?.(row.key)) continue;
        // As it is on disk: its parts belong to the flow's message, which may be changed once it has gone on.
        if (makePlace(now)) offered.set(row.key, { row, copy: jsonCopy(row), since: now });
      }
    },
    // A row of the same key that was read from the record is another object: its job must not carry the mark.
    jobOf: (row) => (offered.get(row.key)?.row === row ? { key: row.key, mark } : { key: row.key }),
    take(job, timesTaken) {
      const entry = offered.get(job.key);
      offered.delete(job.key);
      return entry && job.mark === mark && timesTaken === 1 ? entry.copy : null;
    },
  };
}
