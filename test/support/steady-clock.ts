import { performance } from 'node:perf_hooks';
import type { Clock, Timer } from '../../engine/clock/clock';
import { timersOf } from '../../engine/clock/system-clock';

/** How long one turn of the event loop counts at most. */
const LONGEST_TURN_MS = 20;
const TURN_MS = 5;

let counted = 0;
let looked = performance.now();

/** Of the time since the last look only so much as a turn may take: the rest is time in which nothing here could run. */
const monotonic = (): number => counted + Math.min(performance.now() - looked, LONGEST_TURN_MS);

setInterval(() => {
  counted = monotonic();
  looked = performance.now();
}, TURN_MS).unref();

const { after, sleep } = timersOf(monotonic);

/**
 * The real time, less what passed while this process stood still or waited for its turn on a busy machine: for a driver
 * and its simulated device in one process. A deadline that the driver sets is met by a device whose answer lies ready,
 * and what it promises within a time is measured in its own time. Never faster than the real time; the wall time is real.
 */
export const steadyClock: Clock = {
  now: () => Date.now(),
  monotonic,
  after,
  every(ms, callback, options) {
    let timer: Timer;
    let cancelled = false;
    let due = monotonic() + ms;
    const next = (): void => {
      timer = after(
        due - monotonic(),
        () => {
          due += ms;
          callback();
          if (!cancelled) next();
        },
        options,
      );
    };
    next();
    return {
      cancel() {
        cancelled = true;
        timer.cancel();
      },
    };
  },
  sleep,
};

/** Waits for a time in which this process could run: an absence that is looked at afterwards had the time to be none. */
export const pause = (ms: number): Promise<void> => steadyClock.sleep(ms);
