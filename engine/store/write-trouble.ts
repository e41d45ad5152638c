import type { Clock } from '../clock/clock';
import { type AlarmflowError, asAlarmflowError } from '../domain/errors';
import type { Log } from '../domain/log';

/** How long a trouble may be over before it is noticed when nobody writes. */
const PROBE_EVERY_MS = 2_000;
/** A trouble that lasts so long is none that is over at the next try. */
const BRIEF_MS = 1_000;
/** From then on only so often is a commit tried; the others are refused with the same reason. */
const TRY_EVERY_MS = 500;
/** A trouble that goes on is told again after this. */
const TELL_AGAIN_MS = 60_000;

/** Whether the record can be written: what health, console and metrics tell while devices are refused. */
export interface WriteTrouble {
  /** Why nothing can be written, or null. */
  now(): AlarmflowError | null;
  /**
   * Why a commit is refused without being tried, or null: it is to be tried. Devices send again and again what was
   * refused; without a rest each of their pushes would be one more statement for a server that is in trouble.
   */
  resting(): AlarmflowError | null;
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
  let triedAt = 0;
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
    resting() {
      const at = clock.monotonic();
      if (current === null || at - since < BRIEF_MS) return null;
      if (at - triedAt < TRY_EVERY_MS) {
        refused++;
        return current;
      }
      triedAt = at;
      return null;
    },
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
