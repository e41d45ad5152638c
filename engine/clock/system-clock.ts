import { uptime } from 'node:os';
import { performance } from 'node:perf_hooks';
import type { Clock, Timer } from './clock';

/** setTimeout takes at most 2^31 − 1 ms and turns more into 1 ms; longer waits go in laps. */
const LONGEST_LAP_MS = 2_000_000_000;

function after(ms: number, callback: () => void, options?: { background?: boolean }): Timer {
  const due = performance.now() + Math.max(0, ms);
  let handle: NodeJS.Timeout;
  const lap = (): void => {
    const left = due - performance.now();
    // Node's timers may fire up to a millisecond early; ours never do.
    if (left <= 0) callback();
    else arm(left);
  };
  const arm = (left: number): void => {
    handle = setTimeout(lap, Math.min(Math.ceil(left), LONGEST_LAP_MS));
    if (options?.background) handle.unref();
  };
  arm(due - performance.now());
  return { cancel: () => clearTimeout(handle) };
}

/** The system's uptime counts sleep and is told in seconds; a difference of less than two of them proves nothing. */
const SLEEP_NOTICED_MS = 2_000;
const UPTIME_STEP_MS = 1_000;

/** @returns a meter of the sleep since now, from two clocks of which only the first goes on in it; both in ms */
export function sleepMeter(uptimeMs: () => number, monotonicMs: () => number): () => number {
  const beforeMs = uptimeMs() - monotonicMs();
  let slept = 0;
  return () => {
    const apart = uptimeMs() - monotonicMs() - beforeMs;
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
  ),
  after,
  every(ms, callback, options) {
    const handle = setInterval(callback, ms);
    if (options?.background) handle.unref();
    return { cancel: () => clearInterval(handle) };
  },
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
