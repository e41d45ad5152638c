import type { TimerRow } from './record';

/**
 * Timers that outlive the process. The row is written by whoever decides (in the same change as the decision);
 * after the commit it is armed here. At its time the handler of its kind runs; the handler's own commit deletes the row.
 */
export interface DurableTimers {
  /** Registers the handler of a kind, before `resume`. A handler that rejects is called again with back-off. */
  onDue(kind: string, handler: (timer: TimerRow) => Promise<void>): void;
  /** Arms a row that is on disk; the same id replaces the former. Overdue ones fire at once. Never early. */
  arm(timer: TimerRow): void;
  /** Disarms; harmless when none is set. */
  disarm(id: string): void;
}
