/**
 * A login that was refused is not tried with every mail or notice: mailboxes and receivers lock accounts after a few.
 * While it is open, what has to go waits; then one tries. New credentials count as another login.
 */
import { createHash } from 'node:crypto';
import type { Clock } from '../clock/clock';
import { type AlarmflowError, asAlarmflowError } from '../domain/errors';

/** How long a refused login is not tried again. */
const LOGIN_PAUSE_MS = 60_000;
const MOST_LOGINS = 1_000;

export interface LoginTry {
  /** Server and credentials, as plain data; null: nobody logs in. Only a digest of it is kept. */
  login: readonly unknown[] | null;
  /** Codes of the errors that say that the login was refused. */
  refusals: readonly string[];
  /** What is thrown while the login rests. */
  paused(waitMs: number): AlarmflowError;
}

export interface LoginBreaker {
  /** Sends, unless the server has just refused this login. @throws what `paused` makes, what `send` throws */
  through<T>(login: LoginTry, send: () => Promise<T>): Promise<T>;
}

export function createLoginBreaker(clock: Clock): LoginBreaker {
  /** Until when, in monotonic milliseconds, by the login's digest. */
  const closedUntil = new Map<string, number>();

  return {
    async through({ login, refusals, paused }, send) {
      if (login === null) return send();
      const id = createHash('sha256').update(JSON.stringify(login)).digest('hex');
      const waitMs = (closedUntil.get(id) ?? 0) - clock.monotonic();
      if (waitMs > 0) throw paused(waitMs);
      try {
        const result = await send();
        closedUntil.delete(id);
        return result;
      } catch (thrown) {
        if (refusals.includes(asAlarmflowError(thrown).code)) {
          if (closedUntil.size >= MOST_LOGINS) closedUntil.clear();
          closedUntil.set(id, clock.monotonic() + LOGIN_PAUSE_MS);
        }
        throw thrown;
      }
    },
  };
}
