import type { Clock, Timer } from '../clock/clock';
import { createHeap } from '../clock/heap';
import { createWallWatch } from '../clock/wall-watch';
import { asAlarmflowError, bugError } from '../domain/errors';
import type { Log } from '../domain/log';
import type { TimerRow } from '../domain/record';
import type { DurableTimers } from '../domain/timers';
import { backOffMs, timerBackOff } from './back-off';

/**
 * Longest time without a look at the clocks while timers are set. A wall clock that is set is noticed by then; and a
 * machine that wakes from sleep has lost its time of sleep on the monotonic clock, so that what became overdue fires
 * at most this much later.
 */
const RECHECK_MS = 10_000;
interface Entry {
  row: TimerRow;
  /** When it is tried next, in steady time: the row's time, or later after a failed handler. */
  at: number;
  /** How far the wall clock had jumped when the row's time was made. */
  jumped: number;
  /** Keeps timers of one millisecond in the order in which they were armed. */
  order: number;
  failures: number;
  /** Disarmed while its handler ran: should that fail, it is not called again. */
  withdrawn: boolean;
}

/** What the host needs of the timers beside `DurableTimers`. */
export type Timers = DurableTimers & {
  /**
   * Arms everything the record held; overdue ones fire at once, in the order of their times. A row whose id has been
   * armed already is left out: it was written since the record was read.
   */
  resume(timers: TimerRow[]): void;
  /** Stops all; nothing fires afterwards. Rows stay on disk. */
  close(): void;
  /** How many are set, those whose handler is to be called again included. */
  size(): number;
};

/**
 * Durable timers: rows on disk, times in one binary heap, one timer of the clock for the earliest. The heap's times
 * are steady: those of a wall clock that nobody has set since the start of the process.
 * Handlers of one id never overlap; handlers of different ids may.
 */
export function createTimers(options: { clock: Clock; log: Log }): Timers {
  const { clock, log } = options;
  const heap = createHeap<Entry>((a, b) => a.at < b.at || (a.at === b.at && a.order < b.order));
  const entries = new Map<string, Entry>();
  const handlers = new Map<string, (timer: TimerRow, shiftMs?: number) => Promise<void>>();
  /** Ids whose handler runs now; a row armed meanwhile waits in `entries` outside the heap. */
  const running = new Map<string, Entry>();
  /** Due rows of a kind that nobody has registered yet. */
  const orphans = new Map<string, Entry[]>();
  let order = 0;
  let wake: { timer: Timer; at: number } | null = null;
  let firing = false;
  let closed = false;

  const wall = createWallWatch(clock);
  const { steady } = wall;
  wall.onSet((byMs) => log.warn('wall clock was set', { byMs, timers: entries.size }));

  function schedule(): void {
    if (closed || firing) return;
    const next = heap.peek();
    if (!next) {
      wake?.timer.cancel();
      wake = null;
      return;
    }
    if (wake !== null && wake.at === next.at) return;
    wake?.timer.cancel();
    wake = { at: next.at, timer: clock.after(Math.min(RECHECK_MS, Math.max(0, next.at - steady())), awake) };
  }

  function awake(): void {
    wake = null;
    wall.look();
    fireDue();
  }

  function fireDue(): void {
    firing = true;
    // One reading of the time for the whole batch: a timer that a handler sets for "now" comes in the next round.
    const now = steady();
    for (let next = heap.peek(); next && next.at <= now && !closed; next = heap.peek()) {
      heap.pop();
      fire(next);
    }
    firing = false;
    schedule();
  }

  function fire(entry: Entry): void {
    const { row } = entry;
    const handler = handlers.get(row.kind);
    if (!handler) {
      orphans.set(row.kind, [...(orphans.get(row.kind) ?? []), entry]);
      const error = bugError('E_NO_TIMER_HANDLER', `Nobody handles timers of kind "${row.kind}"`);
      log.error('timer without a handler', { timer: row.id, kind: row.kind, code: error.code });
      return;
    }
    entries.delete(row.id);
    running.set(row.id, entry);
    // An async wrapper, so that a handler which throws at once fails like one that rejects.
    (async () => handler(row, wall.jumped() - entry.jumped))().then(
      () => finished(entry),
      (thrown: unknown) => failed(entry, thrown),
    );
  }

  function finished(entry: Entry): void {
    running.delete(entry.row.id);
    const waiting = entries.get(entry.row.id);
    if (waiting) heap.push(waiting);
    schedule();
  }

  function failed(entry: Entry, thrown: unknown): void {
    const { row } = entry;
    const error = asAlarmflowError(thrown);
    entry.failures++;
    const delay = Math.max(error.retryAfterMs ?? 0, backOffMs(timerBackOff, entry.failures));
    // A row that replaced it while its handler ran counts instead.
    const isCurrent = !closed && !entry.withdrawn && !entries.has(row.id);
    log.error('timer handler failed', {
      timer: row.id,
      kind: row.kind,
      code: error.code,
      reason: error.message,
      failures: entry.failures,
      ...(isCurrent ? { nextTryInMs: delay } : {}),
      ...(error.family === 'bug' ? { stack: error.stack } : {}),
    });
    if (isCurrent) {
      entry.at = steady() + delay;
      entries.set(row.id, entry);
    }
    finished(entry);
  }

  function drop(id: string): void {
    const entry = entries.get(id);
    if (!entry) return;
    entries.delete(id);
    heap.remove(entry);
    const orphaned = orphans.get(entry.row.kind);
    if (orphaned)
      orphans.set(
        entry.row.kind,
        orphaned.filter((other) => other !== entry),
      );
  }

  function set(row: TimerRow, shiftMs = 0): void {
    drop(row.id);
    const made = wall.jumped() - shiftMs;
    const entry: Entry = { row, at: row.at - made, jumped: made, order: order++, failures: 0, withdrawn: false };
    entries.set(row.id, entry);
    if (!running.has(row.id)) heap.push(entry);
  }

  return {
    onDue(kind, handler) {
      if (handlers.has(kind))
        throw bugError('E_TIMER_HANDLER_TWICE', `Timers of kind "${kind}" have a handler already`);
      handlers.set(kind, handler);
      const waiting = orphans.get(kind) ?? [];
      orphans.delete(kind);
      for (const entry of waiting) heap.push(entry);
      schedule();
    },
    arm(row, shiftMs) {
      if (closed) return;
      if (!Number.isFinite(row.at))
        throw bugError('E_BAD_TIMER', `Timer "${row.id}" has no time: ${row.at} is no number of milliseconds`);
      wall.look();
      set(row, shiftMs);
      schedule();
    },
    disarm(id) {
      drop(id);
      const current = running.get(id);
      if (current) current.withdrawn = true;
      schedule();
    },
    resume(rows) {
      if (closed) return;
      wall.look();
      // What was armed since the rows were read is newer than they are.
      for (const row of rows) if (!entries.has(row.id) && !running.has(row.id)) set(row);
      fireDue();
    },
    close() {
      closed = true;
      wake?.timer.cancel();
      wake = null;
      heap.clear();
      entries.clear();
      orphans.clear();
    },
    size: () => entries.size,
    watchWall: wall.look,
    onWallSet: wall.onSet,
  };
}
