import type { Clock } from '../clock/clock';
import { userError } from '../domain/errors';

/** A terminal's Ctrl-C reaches the whole process group, and what started us (bin/, npm) passes it on once more. */
const SAME_SIGNAL_MS = 1_000;

/** What of `process` is used. */
export interface SignalledProcess {
  on(name: 'SIGINT' | 'SIGTERM', listener: () => void): unknown;
  exit(code: number): unknown;
}

/**
 * Aborts at the first SIGINT or SIGTERM. A second one that is no mere echo of the first ends the process at once:
 * somebody does not want to wait for the clean end.
 */
export function signalled(process: SignalledProcess, clock: Pick<Clock, 'monotonic'>): AbortSignal {
  const controller = new AbortController();
  let firstAt = 0;
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.on(name, () => {
      if (controller.signal.aborted) {
        if (clock.monotonic() - firstAt >= SAME_SIGNAL_MS) process.exit(130);
        return;
      }
      firstAt = clock.monotonic();
      controller.abort(userError('E_STOPPED', `Stopped by ${name}`));
    });
  }
  return controller.signal;
}
