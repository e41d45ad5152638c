/** Leases that were let go while the record could not be written: in force at once, on disk as soon as it can be. */
import { asAlarmflowError } from '../domain/errors';
import { type Change, emptyChange } from '../domain/record';
import type { Holding } from './holding';
import { leaseTimer, leaseTimerId } from './leases';
import type { OutputsOptions } from './options';
import { deleteLease, deleteTimer, writeLease, writeTimer } from './writes';

/** Between two tries to write what is owed, in milliseconds. */
const AGAIN_MS = 5_000;

export interface OwedRows {
  /**
   * Commits a change that lets go of outputs. Off is the safe side: when the record refuses it, the outputs follow all
   * the same, and the rows of these leases are written later as they are then. Without that the next start would find
   * them living, and nobody would end them.
   * @throws what the record says (`E_RECORD_WRITE`)
   */
  commit(change: Change, leaseIds: Iterable<string>): Promise<void>;
}

export function createOwedRows({ clock, log }: OutputsOptions, holding: Holding): OwedRows {
  const { book } = holding;
  let owed = new Set<string>();
  let waits = false;

  function rowsOf(leaseIds: Iterable<string>): Change {
    const change = emptyChange();
    for (const id of leaseIds) {
      const lease = book.get(id);
      if (lease) writeLease(change, lease);
      else deleteLease(change, id);
      if (lease && lease.endsAt !== null && book.isLiving(id)) writeTimer(change, leaseTimer(lease, lease.endsAt));
      else deleteTimer(change, leaseTimerId(id));
    }
    return change;
  }

  async function write(leaseIds: Set<string>): Promise<void> {
    try {
      await holding.commit(rowsOf(leaseIds));
    } catch (thrown) {
      log.debug('output.leases-owed', { leases: leaseIds.size, error: asAlarmflowError(thrown).message });
      return owe(leaseIds);
    }
    holding.tellEnded(new Set([...leaseIds].flatMap((id) => book.get(id)?.alarmId ?? [])));
  }

  function owe(leaseIds: Iterable<string>): void {
    for (const id of leaseIds) owed.add(id);
    if (waits || owed.size === 0) return;
    waits = true;
    clock.after(
      AGAIN_MS,
      () => {
        waits = false;
        const now = owed;
        owed = new Set();
        void write(now);
      },
      { background: true },
    );
  }

  return {
    async commit(change, leaseIds) {
      try {
        await holding.commit(change);
      } catch (thrown) {
        owe(leaseIds);
        for (const follow of change.afterCommit) follow();
        throw thrown;
      }
    },
  };
}
