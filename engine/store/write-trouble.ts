import type { Clock } from '../clock/clock';
import { type AlarmflowError, asAlarmflowError } from '../domain/errors';
import type { Log } from '../domain/log';

/** How long a trouble may be over before it is noticed when nobody writes. */
const PROBE_EVERY_MS = 2_000;
/** A trouble that goes on is told again after this. */
const TELL_AGAIN_MS = 60_000;

/** Whether the record can be written: what health, console and metrics tell while devices are refused. */
export interface WriteTrouble {
  /** Why nothing can be written, or null. */
  now(): AlarmflowError | null;
  /** A commit failed, and not for what was in it. */
  failed(error: AlarmflowError): void;
  /** A commit is on disk. */
  worked(): void;
  /** Called when it begins and when it ends. */
  onChange(listener: () => void): void;
  stop(): void;
}

/**
 * @param probe writes something that is as large as a commit and keeps nothing of it; rejects while that fails. Devices
 * may be silent for hours: without it a trouble would last until the next event, and be told as long.
 */
export function createWriteTrouble(probe: () => Promise<void>, clock: Clock, log: Log): WriteTrouble {
  const listeners: (() => void)[] = [];
  let current: AlarmflowError | null = null;
  let since = 0;
  let refused = 0;
  let toldAt = 0;
  let probing = false;

  const tell = (): void => {
    for (const listener of listeners) listener();
  };

  function worked(): void {
    if (current === null) return;
    current = null;
    log.info('the record is written again', { afterMs: Math.round(clock.monotonic() - since), refused });
    tell();
  }

  const watch = clock.every(
    PROBE_EVERY_MS,
    () => {
      if (current === null || probing) return;
      probing = true;
      probe()
        .then(worked, (thrown: unknown) =>
          log.debug('the record still cannot be written', { reason: asAlarmflowError(thrown).message }),
        )
        .finally(() => {
          probing = false;
        });
    },
    { background: true },
  );

  return {
    now: () => current,
    failed(error) {
      const before = current;
      const at = clock.monotonic();
      current = error;
      if (before === null) {
        since = at;
        refused = 0;
      }
      refused++;
      // Devices send again and again what was refused: a line for each would fill the disk that may be full already.
      if (before === null || at - toldAt >= TELL_AGAIN_MS) {
        toldAt = at;
        log.error('the record cannot be written', {
          code: String(error.facts?.code ?? ''),
          reason: error.message,
          refused,
        });
      }
      if (before === null) tell();
    },
    worked,
    onChange(listener) {
      listeners.push(listener);
    },
    stop: () => watch.cancel(),
  };
}
