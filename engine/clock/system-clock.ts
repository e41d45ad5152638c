import { uptime } from 'node:os';
import { performance } from 'node:perf_hooks';
import type { Clock, Timer } from './clock';

/** setTimeout takes at most 2^31 − 1 ms and turns more into 1 ms; longer waits go in laps. */
const LONGEST_LAP_MS = 2_000_000_000;

/** Waits by a clock that is not before the real one; a callback is never early by it. */
export function timersOf(monotonic: () => number): Pick<Clock, 'after' | 'sleep'> {
  function after(ms: number, callback: () => void, options?: { background?: boolean }): Timer {
    const due = monotonic() + Math.max(0, ms);
    let handle: NodeJS.Timeout;
    const lap = (): void => {
      const left = due - monotonic();
      // Node's timers may fire up to a millisecond early; ours never do.
      if (left <= 0) callback();
      else arm(left);
    };
    const arm = (left: number): void => {
      handle = setTimeout(lap, Math.min(Math.ceil(left), LONGEST_LAP_MS));
      if (options?.background) handle.unref();
    };
    arm(due - monotonic());
    return { cancel: () => clearTimeout(handle) };
  }

  return {
    after,
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        if (signal?.aborted) return reject(signal.reason);
        const abort = (): void => {
          timer.cancel();
          reject(signal?.reason);
        };
        const timer = after(ms, () => {
          signal?.removeEventListener('abort', abort);
          resolve();
        });
        signal?.addEventListener('abort', abort, { once: true });
      }),
  };
}

/** The system's uptime counts sleep and is told in seconds; a difference of less than two of them proves nothing. */
const SLEEP_NOTICED_MS = 2_000;
const UPTIME_STEP_MS = 1_000;

/** The system's uptime costs a file to be read, which many thousand events a second cannot afford. */
const UPTIME_LASTS_MS = 1_000;
/** The wall clock goes on in sleep: when it has moved against the monotonic clock by this much, the uptime is asked at once. */
const WALL_MOVED_MS = 250;

/**
 * @param uptimeMs goes on while the machine sleeps; asked once a second, and whenever the wall clock has moved
 * @param monotonicMs stands still while the machine sleeps
 * @param wallMs the wall clock
 * @returns a meter of the sleep since now, in ms
 */
export function sleepMeter(uptimeMs: () => number, monotonicMs: () => number, wallMs: () => number): () => number {
  const beforeMs = uptimeMs() - monotonicMs();
  let slept = 0;
  let askedAt = Number.NEGATIVE_INFINITY;
  let wallAhead = 0;
  return () => {
    const now = monotonicMs();
    const ahead = wallMs() - now;
    if (now - askedAt < UPTIME_LASTS_MS && Math.abs(ahead - wallAhead) < WALL_MOVED_MS) return slept;
    askedAt = now;
    wallAhead = ahead;
    const apart = uptimeMs() - now - beforeMs;
    // Rounded down, so that nothing that waits for a time of sleep comes early.
    if (apart - slept >= SLEEP_NOTICED_MS) slept = apart - UPTIME_STEP_MS;
    return slept;
  };
}

/** The real time. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  slept: sleepMeter(
    () => uptime() * 1_000,
    () => performance.now(),
    () => Date.now(),
  ),
  ...timersOf(() => performance.now()),
  every(ms, callback, options) {
    const handle = setInterval(callback, ms);
    if (options?.background) handle.unref();
    return { cancel: () => clearInterval(handle) };
  },
};
