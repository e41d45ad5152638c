import { asAlarmflowError, operationalError } from '../../domain/errors';
import type { Log } from '../../domain/log';

/** Something that goes on for as long as a device is online. */
export interface WhileOnline {
  /** The device is online. */
  connected(): void;
  lost(): void;
  /** Resolves when it has ended. */
  close(): Promise<void>;
}

/**
 * Runs one thing at a time: a run that is told to stop has ended before the next begins.
 *
 * @param run until its signal aborts; it rejects for a fault of ours only, which is logged as `stopped`
 */
export function whileOnline(run: (signal: AbortSignal) => Promise<void>, log: Log, stopped: string): WhileOnline {
  let running: Promise<void> = Promise.resolve();
  let ends: AbortController | null = null;
  return {
    connected() {
      if (ends) return;
      const mine = new AbortController();
      ends = mine;
      running = running
        .then(() => run(mine.signal))
        .catch((thrown: unknown) => {
          const error = asAlarmflowError(thrown);
          log.error(stopped, { error: error.message, stack: error.stack });
        });
    },
    lost() {
      ends?.abort(operationalError('E_DEVICE_OFFLINE', 'The device is offline'));
      ends = null;
    },
    async close() {
      ends?.abort(operationalError('E_CLOSED', 'The connection is being closed'));
      ends = null;
      await running;
    },
  };
}
