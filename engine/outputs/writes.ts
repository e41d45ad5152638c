/**
 * Rows of leases, their timers and outputs in a change. An alarm may begin and end a countdown in one change;
 * then the later decision about a row replaces the earlier one, so that no order of writing can turn them round.
 */
import type { Lease, OutputId, OutputState } from '../domain/outputs';
import { addWrites, type Change, type TimerRow } from '../domain/record';

type Id = { id: string };

/** The rows without those that are gone; absent instead of empty. */
function without<T>(rows: T[] | undefined, gone: (row: T) => boolean): T[] | undefined {
  const kept = rows?.filter((row) => !gone(row));
  return kept && kept.length > 0 ? kept : undefined;
}

const otherRows = <T extends Id>(rows: T[] | undefined, id: string): T[] | undefined =>
  without(rows, (row) => row.id === id);

const otherIds = (ids: string[] | undefined, id: string): string[] | undefined => without(ids, (other) => other === id);

function forgetLease({ writes }: Change, id: string): void {
  writes.leases = otherRows(writes.leases, id);
  writes.leasesDeleted = otherIds(writes.leasesDeleted, id);
}

function forgetTimer({ writes }: Change, id: string): void {
  writes.timers = otherRows(writes.timers, id);
  writes.timersDeleted = otherIds(writes.timersDeleted, id);
}

function forgetOutput({ writes }: Change, id: OutputId): void {
  writes.outputs = otherRows(writes.outputs, id);
  writes.outputsDeleted = otherIds(writes.outputsDeleted, id);
}

export function writeLease(change: Change, lease: Lease): void {
  forgetLease(change, lease.id);
  addWrites(change, 'leases', lease);
}

export function deleteLease(change: Change, id: string): void {
  forgetLease(change, id);
  addWrites(change, 'leasesDeleted', id);
}

export function writeTimer(change: Change, timer: TimerRow): void {
  forgetTimer(change, timer.id);
  change.writes.timers = [...(change.writes.timers ?? []), timer];
}

export function deleteTimer(change: Change, id: string): void {
  forgetTimer(change, id);
  addWrites(change, 'timersDeleted', id);
}

export function writeOutput(change: Change, state: OutputState): void {
  forgetOutput(change, state.id);
  addWrites(change, 'outputs', state);
}

export function deleteOutput(change: Change, id: OutputId): void {
  forgetOutput(change, id);
  addWrites(change, 'outputsDeleted', id);
}
