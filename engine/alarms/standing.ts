import { addWrites, type StandingRow } from '../domain/record';
import type { Batch } from './condition';

/**
 * What one part of the alarms keeps beyond the process (`StandingRow`), under ids that the part chooses. Memory moves
 * with the decision and falls back to what it was when the decision does not reach the disk; documents are replaced
 * whole, never changed in place.
 */
export interface StandingBook<Doc> {
  get(id: string): Doc | undefined;
  entries(): IterableIterator<[string, Doc]>;
  /** From now on, and on disk with the batch. */
  set(batch: Batch, id: string, doc: Doc): void;
  delete(batch: Batch, id: string): void;
  /** In memory only: for what a restart may lose. */
  remember(id: string, doc: Doc): void;
  /** In memory only: for what has never reached the disk. */
  forget(id: string): void;
  /** Takes up its own rows out of all; what `read` does not understand is told by its row. */
  resume(rows: readonly StandingRow[]): StandingRow[];
}

/**
 * @param kind of its rows; their ids become `${kind}:${id}`
 * @param read a stored document as this version understands it, or null
 */
export function createStandingBook<Doc extends object>(
  kind: string,
  read: (doc: unknown) => Doc | null,
): StandingBook<Doc> {
  const docs = new Map<string, Doc>();
  const rowId = (id: string): string => `${kind}:${id}`;

  /** A later decision stands: only what is still as the failed batch left it is taken back. */
  const undoable = (batch: Batch, id: string, after: Doc | undefined): void => {
    const before = docs.get(id);
    batch.undo.push(() => {
      if (docs.get(id) !== after) return;
      if (before === undefined) docs.delete(id);
      else docs.set(id, before);
    });
  };

  return {
    get: (id) => docs.get(id),
    entries: () => docs.entries(),
    set(batch, id, doc) {
      undoable(batch, id, doc);
      docs.set(id, doc);
      const { writes } = batch.change;
      writes.standing = writes.standing?.filter((row) => row.id !== rowId(id));
      writes.standingDeleted = writes.standingDeleted?.filter((row) => row !== rowId(id));
      addWrites(batch.change, 'standing', { id: rowId(id), kind, doc });
    },
    delete(batch, id) {
      if (!docs.has(id)) return;
      undoable(batch, id, undefined);
      docs.delete(id);
      const { writes } = batch.change;
      writes.standing = writes.standing?.filter((row) => row.id !== rowId(id));
      addWrites(batch.change, 'standingDeleted', rowId(id));
    },
    remember(id, doc) {
      docs.set(id, doc);
    },
    forget(id) {
      docs.delete(id);
    },
    resume(rows) {
      const strange: StandingRow[] = [];
      for (const row of rows) {
        if (row.kind !== kind) continue;
        const doc = row.id.startsWith(`${kind}:`) ? read(row.doc) : null;
        if (doc === null) strange.push(row);
        else docs.set(row.id.slice(kind.length + 1), doc);
      }
      return strange;
    },
  };
}
