import type { Clock, Timer } from '../../clock/clock';
import { type AlarmflowError, operationalError } from '../../domain/errors';

const MINUTE = 60_000;
/** Devices lock an account for about 30 minutes after about 5 refusals (PROTOCOLS §0.2); we stay below that. */
const PAUSES_MS = [1, 5, 10, 20, 30].map((minutes) => minutes * MINUTE);

/** As long as the longest pause: what was refused before that is forgotten. */
export const REMEMBERED_MS = 30 * MINUTE;

const pauseAfter = (refusals: number): number => PAUSES_MS[Math.min(Math.max(refusals, 1), PAUSES_MS.length) - 1]!;

/** What is known of refusals of one login at one device beyond the life of a connection. */
export interface RefusalMemory {
  /** Null: not refused lately, or taken since. */
  last(): { at: number; times: number } | null;
  /** Refused, so often in a row. */
  refused(times: number): void;
  accepted(): void;
}

/** Keeps all traffic of a device back after it has refused the password for certain. */
export interface CredentialBreaker {
  /** Throws `E_CREDENTIALS_REFUSED` (operational, with retryAfterMs) while traffic is kept back. */
  check(): void;
  /**
   * A 401 in answer to a fresh nonce.
   *
   * @param times how often in a row, where the caller knows of more than were told here
   */
  refused(times?: number): AlarmflowError;
  /** The device took the password. */
  accepted(): void;
  /** Wall time until which traffic is kept back, or null. */
  lockedUntil(): number | null;
  close(): void;
}

/**
 * @param device how people know it, for messages
 * @param onLocked told the wall time at which a pause ends, and null when it has ended; also before this returns
 * @param memory of refusals before this connection; absent: none is known
 */
export function createCredentialBreaker(
  device: string,
  clock: Clock,
  onLocked: (until: number | null) => void,
  memory?: RefusalMemory,
): CredentialBreaker {
  let refusals = 0;
  let lock: { until: number; ends: number; timer: Timer } | null = null;
  /** The lock is one for a refusal from before. */
  let remembered = false;

  const error = (leftMs: number): AlarmflowError =>
    operationalError(
      'E_CREDENTIALS_REFUSED',
      remembered
        ? `Device ${device} refused this user and password before: correct them in its dialog, or test the connection there once the device was corrected. It is not tried again for ${Math.ceil(leftMs / 1000)} s, so that restarts do not lock the account.`
        : `Device ${device} refused the user or password: correct them in its dialog. Nothing is sent to it for ${Math.ceil(leftMs / 1000)} s, so that it does not lock the account.`,
      { retryAfterMs: leftMs, facts: { device, refusals } },
    );

  const free = (): void => {
    if (!lock) return;
    lock.timer.cancel();
    lock = null;
    onLocked(null);
  };

  function keepBack(pause: number): void {
    lock?.timer.cancel();
    lock = {
      until: clock.now() + pause,
      ends: clock.monotonic() + pause,
      timer: clock.after(pause, free, { background: true }),
    };
    onLocked(lock.until);
  }

  const before = memory?.last() ?? null;
  if (before) {
    refusals = before.times;
    // The pause goes on as it would have without the restart: who restarts again and again locks no account, and one
    // refusal of a device that was only starting up does not keep it away for half an hour.
    const pause = pauseAfter(before.times);
    const left = before.at + pause - clock.now();
    remembered = left > 0;
    // A wall clock that was set back must not make it longer.
    if (remembered) keepBack(Math.min(left, pause));
  }

  return {
    check() {
      if (!lock) return;
      const left = lock.ends - clock.monotonic();
      if (left > 0) throw error(left);
      free();
    },
    refused(times = 0) {
      refusals = Math.max(refusals + 1, times);
      const pause = pauseAfter(refusals);
      remembered = false;
      memory?.refused(refusals);
      keepBack(pause);
      return error(pause);
    },
    accepted() {
      refusals = 0;
      memory?.accepted();
      free();
    },
    lockedUntil: () => lock?.until ?? null,
    close() {
      lock?.timer.cancel();
      lock = null;
    },
  };
}
