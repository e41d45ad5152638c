import type { Clock, Timer } from '../clock/clock';
import { asAlarmflowError } from '../domain/errors';
import type { Log } from '../domain/log';

/**
 * Keeps an output on that the device itself switches off after a time (DESIGN §2): while it is held the device's timer
 * is started anew at a third of its time, so an engine that dies leaves nothing on.
 */
export interface SecondNet {
  /**
   * @param timerMs the device's timer, as it was just started
   * @param forMs how long the output is to be on; null: until it is released
   * @param renew starts the device's timer again, for this many milliseconds
   */
  hold(output: string, timerMs: number, forMs: number | null, renew: (ms: number) => Promise<unknown>): void;
  release(output: string): void;
  close(): void;
}

export function createSecondNet(clock: Clock, log: Log): SecondNet {
  const timers = new Map<string, Timer>();

  const release = (output: string): void => {
    timers.get(output)?.cancel();
    timers.delete(output);
  };

  return {
    hold(output, timerMs, forMs, renew) {
      release(output);
      const ends = forMs === null ? null : clock.monotonic() + forMs;
      const next = (): void => {
        const own = clock.after(
          Math.max(100, timerMs / 3),
          () => {
            const left = ends === null ? timerMs : Math.min(timerMs, ends - clock.monotonic());
            if (left <= 0) return release(output);
            renew(left)
              .catch((thrown: unknown) => {
                // The device's timer then does what it is there for.
                log.warn('device.second-net-not-renewed', { output, reason: asAlarmflowError(thrown).message });
              })
              .finally(() => {
                if (timers.get(output) === own) next();
              });
          },
          { background: true },
        );
        timers.set(output, own);
      };
      // A time that the timer covers by itself needs no renewing.
      if (forMs === null || forMs > timerMs) next();
    },
    release,
    close() {
      for (const output of [...timers.keys()]) release(output);
    },
  };
}
