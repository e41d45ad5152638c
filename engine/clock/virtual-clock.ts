import type { Clock, Timer } from './clock';

interface Pending {
  at: number;
  order: number;
  callback: () => void;
  everyMs?: number;
  cancelled: boolean;
}

/**
 * A clock that stands still until it is turned: for tests and for the simulation.
 * Timers due at the same millisecond fire in the order in which they were set.
 */
export class VirtualClock implements Clock {
  #now: number;
  readonly #started: number;
  #order = 0;
  #pending: Pending[] = [];

  /** @param start wall time in milliseconds since the epoch */
  constructor(start: number) {
    this.#now = start;
    this.#started = start;
  }

  now(): number {
    return this.#now;
  }

  monotonic(): number {
    return this.#now - this.#started;
  }

  after(ms: number, callback: () => void): Timer {
    return this.#add({ at: this.#now + Math.max(0, ms), order: this.#order++, callback, cancelled: false });
  }

  every(ms: number, callback: () => void): Timer {
    return this.#add({ at: this.#now + ms, order: this.#order++, callback, everyMs: ms, cancelled: false });
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
    return this.#pending.reduce<number | null>((least, p) => (least === null || p.at < least ? p.at : least), null);
  }

  /** Turns the clock forward and fires what falls due, each at its own time; lets promises run in between. */
  async advance(ms: number): Promise<void> {
    const target = this.#now + ms;
    for (;;) {
      await settle();
      const due = this.#takeDue(target);
      if (!due) break;
      this.#now = Math.max(this.#now, due.at);
      due.callback();
    }
    this.#now = target;
    await settle();
  }

  /** Turns the clock to a wall time that is not before now. */
  async advanceTo(at: number): Promise<void> {
    await this.advance(Math.max(0, at - this.#now));
  }

  #add(pending: Pending): Timer {
    this.#pending.push(pending);
    return {
      cancel: () => {
        pending.cancelled = true;
        this.#pending = this.#pending.filter((p) => p !== pending);
      },
    };
  }

  #takeDue(target: number): Pending | undefined {
    const due = this.#pending
      .filter((p) => p.at <= target && !p.cancelled)
      .sort((a, b) => a.at - b.at || a.order - b.order)[0];
    if (!due) return undefined;
    if (due.everyMs === undefined) this.#pending = this.#pending.filter((p) => p !== due);
    else {
      // The callback gets a copy that keeps its own due time; the original waits for the next lap.
      const fired = { ...due };
      due.at += due.everyMs;
      due.order = this.#order++;
      return fired;
    }
    return due;
  }
}

/** Lets promises and immediates that are already under way run. */
async function settle(): Promise<void> {
  for (let i = 0; i < 3; i++) await new Promise<void>((resolve) => setImmediate(resolve));
}
