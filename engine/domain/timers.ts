import type { TimerRow } from './record';

/**
 * Timers that outlive the process. The row is written by whoever decides (in the same change as the decision);
 * after the commit it is armed here. At its time the handler of its kind runs; the handler's own commit deletes the row.
 *
 * A timer is a duration that has a wall time on disk: while the process runs, a wall clock that is set neither delays
 * nor hastens it. Moments of the wall clock itself (a window opens) are no timers of this kind. After a restart only
 * the wall time is known, so a clock that was set meanwhile, or before the restart, counts then.
 */
export interface DurableTimers {
  /**
   * Registers the handler of a kind, before `resume`. A handler that rejects is called again with back-off.
   * It is given the row as it was armed, and by how much the wall clock was set since: `timer.at + shiftMs` is the
   * moment at which it was due, as the wall clock reads now.
   */
  onDue(kind: string, handler: (timer: TimerRow, shiftMs?: number) => Promise<void>): void;
  /**
   * Arms a row that is on disk; the same id replaces the former. Overdue ones fire at once. Never early.
   * @param shiftMs by how much the wall clock was set since the moment that the row's time counts from; for rows that
   * follow from a timer that was given such a shift
   */
  arm(timer: TimerRow, shiftMs?: number): void;
  /**
   * Called as soon as it is noticed that the wall clock was set, at most 10 s after it while timers are set: for those
   * who keep wall times of their own that stand for durations, and arm their timers anew with them.
   */
  onWallSet?(moved: (byMs: number) => void): void;
  /** Looks at once, so that what is decided next is decided in the same time as what was measured before. */
  watchWall?(): void;
  /** Disarms; harmless when none is set. */
  disarm(id: string): void;
}
