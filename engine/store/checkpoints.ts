import type { Clock } from '../clock/clock';
import type { Log } from '../domain/log';
import { type Database, messageOf } from './database';

const MB = 1024 * 1024;
const LOOK_EVERY_MS = 1_000;
/** A kill has no more than this to replay, which takes about a third of a second. */
export const MOST_BEHIND = 16 * MB;
/** While nobody waits, less is worth a checkpoint. */
export const WORTH_IT = 2 * MB;
/** Calls within a second that are no more than the ticking of a site at rest. */
export const CALLS_AT_REST = 40;

/** What the last second was like. */
export interface Work {
  /** Bytes of the database's log since its last checkpoint: what has to be replayed after a kill. */
  behind: number;
  /** Calls that the database was given. */
  calls: number;
}

/** Whether a checkpoint is due: it holds up everybody else for some hundredths of a second. */
export function checkpointDue({ behind, calls }: Work): boolean {
  return behind >= (calls <= CALLS_AT_REST ? WORTH_IT : MOST_BEHIND);
}

/**
 * Makes the checkpoints of the embedded database, which has no process of its own for them: none was ever made while it
 * was open, whatever `max_wal_size` said. Its log grew by 16 MB for every few thousand alarms until the disk was full,
 * and a start after a kill replayed all of it, at about 30 MB a second.
 *
 * @param calls how many calls the database was given so far, by everybody
 * @returns stops it, before the database is closed: the close lets the one under way end
 */
export function keepLogShort(database: Database, calls: () => number, clock: Clock, log: Log): { stop(): void } {
  let before = calls();
  let stopped = false;
  let looking = false;

  async function look(): Promise<void> {
    const now = calls();
    const made = now - before;
    before = now;
    // Nobody has written anything.
    if (made === 0) return;
    const [row] = await database.query<{ behind: number | string }>(
      'SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), redo_lsn) AS behind FROM pg_control_checkpoint()',
    );
    before++;
    if (stopped || !checkpointDue({ behind: Number(row?.behind ?? 0), calls: made })) return;
    await database.query('CHECKPOINT');
    before++;
  }

  const timer = clock.every(
    LOOK_EVERY_MS,
    () => {
      if (looking || database.broken() !== null) return;
      looking = true;
      look()
        .catch((thrown: unknown) => {
          // A database that is being closed takes no more calls; what is left of its log is replayed at the next start.
          if (!stopped) log.error('the checkpoint of the record failed', { reason: messageOf(thrown) });
        })
        .finally(() => {
          looking = false;
        });
    },
    { background: true },
  );

  return {
    stop() {
      stopped = true;
      timer.cancel();
    },
  };
}
