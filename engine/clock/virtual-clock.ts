import type { Clock, Timer } from './clock';
import { createHeap } from './heap';

interface Pending {
  at: number;
  order: number;
  callback: () => void;
  everyMs?: number;
}

/**
 * A clock that stands still until it is turned: for tests and for the simulation.
 * Timers due at the same millisecond fire in the order in which they were set.
 */
export class VirtualClock implements Clock {
  /** Wall time if nobody had ever set the wall clock. */
  #now: number;
  /** By how much it was set. */
  #jumped = 0;
  readonly #started: number;
  #order = 0;
  readonly #pending = createHeap<Pending>((a, b) => a.at < b.at || (a.at === b.at && a.order < b.order));
  readonly #settle: () => Promise<void>;

  /**
   * @param start wall time in milliseconds since the epoch
   * @param settle waits until what is under way has run; called before every timer and at the end of a turn
   */
  constructor(start: number, settle: () => Promise<void> = settleImmediates) {
    this.#now = start;
    this.#started = start;
    this.#settle = settle;
  }

  now(): number {
    return this.#now + this.#jumped;
  }

  /** Sets the wall clock forward (or back, negative), as a person or NTP does; monotonic time and waits go on. */
  jump(ms: number): void {
    this.#jumped += ms;
  }

  monotonic(): number {
    return this.#now - this.#started;
  }

  after(ms: number, callback: () => void): Timer {
    return this.#add({ at: this.#now + Math.max(0, ms), order: this.#order++, callback });
  }

  every(ms: number, callback: () => void): Timer {
    return this.#add({ at: this.#now + ms, order: this.#order++, callback, everyMs: ms });
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const timer = this.after(ms, resolve);
      signal?.addEventListener(
        'abort',
        () => {
          timer.cancel();
          reject(signal.reason);
        },
        { once: true },
      );
    });
  }

  /** Time of the next timer, or null when none is set. */
  nextAt(): number | null {
    return this.#pending.peek()?.at ?? null;
  }

  /** Turns the clock forward and fires what falls due, each at its own time; lets promises run in between. */
  async advance(ms: number): Promise<void> {
    const target = this.#now + ms;
    for (;;) {
      await this.#settle();
      const due = this.#takeDue(target);
      if (!due) break;
      this.#now = Math.max(this.#now, due.at);
      due.callback();
    }
    this.#now = target;
    await this.#settle();
  }

  /** Turns the clock to a wall time that is not before now. */
  async advanceTo(at: number): Promise<void> {
    await this.advance(Math.max(0, at - this.now()));
  }

  /**
   * Turns the clock to a wall time without letting anything run, if no timer falls due on the way; false, and nothing
   * is changed, if one does. A time before now changes nothing either.
   */
  skipTo(at: number): boolean {
    const target = at - this.#jumped;
    const next = this.#pending.peek();
    if (next !== undefined && next.at <= target) return false;
    this.#now = Math.max(this.#now, target);
    return true;
  }

  #add(pending: Pending): Timer {
    this.#pending.push(pending);
    return { cancel: () => void this.#pending.remove(pending) };
  }

  #takeDue(target: number): Pending | undefined {
    const due = this.#pending.peek();
    if (due === undefined || due.at > target) return undefined;
    this.#pending.pop();
    if (due.everyMs === undefined) return due;
    // The callback gets a copy that keeps its own due time; the original waits for the next lap.
    const fired = { ...due };
    due.at += due.everyMs;
    due.order = this.#order++;
    this.#pending.push(due);
    return fired;
  }
}

/** Lets promises and immediates that are already under way run. */
async function settleImmediates(): Promise<void> {
  for (let i = 0; i < 3; i++) await new Promise<void>((resolve) => setImmediate(resolve));
}
