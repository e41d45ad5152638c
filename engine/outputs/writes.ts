/**
 * Rows of leases, their timers and outputs in a change. An alarm may begin and end a countdown in one change;
 * then the later decision about a row replaces the earlier one, so that no order of writing can turn them round.
 */
import type { Lease, OutputId, OutputState } from '../domain/outputs';
import { addWrites, type Change, type TimerRow } from '../domain/record';

function without<T>(rows: T[] | undefined, gone: (row: T) => boolean): T[] | undefined {
  const kept = rows?.filter((row) => !gone(row));
  return kept && kept.length > 0 ? kept : undefined;
}

export function writeLease(change: Change, lease: Lease): void {
  deleteRow(change, 'leases', 'leasesDeleted', lease.id);
  addWrites(change, 'leases', lease);
}

export function deleteLease(change: Change, id: string): void {
  deleteRow(change, 'leases', 'leasesDeleted', id);
  addWrites(change, 'leasesDeleted', id);
}

export function writeTimer(change: Change, timer: TimerRow): void {
  deleteRow(change, 'timers', 'timersDeleted', timer.id);
  addWrites(change, 'timers', timer);
}

export function deleteTimer(change: Change, id: string): void {
  deleteRow(change, 'timers', 'timersDeleted', id);
  addWrites(change, 'timersDeleted', id);
}

export function writeOutput(change: Change, state: OutputState): void {
  deleteRow(change, 'outputs', 'outputsDeleted', state.id);
  addWrites(change, 'outputs', state);
}

export function deleteOutput(change: Change, id: OutputId): void {
  deleteRow(change, 'outputs', 'outputsDeleted', id);
  addWrites(change, 'outputsDeleted', id);
}

/** Takes an earlier decision about the row out of the change. */
function deleteRow(
  change: Change,
  rows: 'leases' | 'timers' | 'outputs',
  deleted: 'leasesDeleted' | 'timersDeleted' | 'outputsDeleted',
  id: string,
): void {
  const { writes } = change;
  // The three lists have rows with an `id`; TypeScript cannot follow one name for three lists.
  const lists = writes as Record<typeof rows, { id: string }[] | undefined>;
  lists[rows] = without(lists[rows], (row) => row.id === id);
  writes[deleted] = without(writes[deleted], (gone) => gone === id);
  if (lists[rows] === undefined) delete lists[rows];
  if (writes[deleted] === undefined) delete writes[deleted];
}
