/**
 * A login that was refused is not tried with every mail: mailboxes lock themselves after a few. While it is open, mails
 * wait; then one tries. New credentials count as another login.
 */
import { createHash } from 'node:crypto';
import type { Clock } from '../clock/clock';
import { asAlarmflowError, operationalError } from '../domain/errors';
import type { MailServer } from '../domain/mail';

/** How long mails wait after a refused login. */
export const LOGIN_PAUSE_MS = 60_000;
const MOST_LOGINS = 1_000;

export interface MailBreaker {
  /** Sends, unless the server has just refused this login. @throws E_MAIL_LOGIN_PAUSED (operational), what `send` throws */
  through<T>(server: MailServer, send: () => Promise<T>): Promise<T>;
}

export function createMailBreaker(clock: Clock): MailBreaker {
  /** Until when, in monotonic milliseconds, by server and login. */
  const closedUntil = new Map<string, number>();

  const loginOf = ({ host, port, credentials }: MailServer): string =>
    createHash('sha256')
      .update(JSON.stringify([host, port, credentials?.user, credentials?.password]))
      .digest('hex');

  return {
    async through(server, send) {
      const login = loginOf(server);
      const waitMs = (closedUntil.get(login) ?? 0) - clock.monotonic();
      if (waitMs > 0)
        throw operationalError(
          'E_MAIL_LOGIN_PAUSED',
          `Mail server "${server.name || server.host}" (${server.host}:${server.port}) has just refused the login; it is tried again in ${Math.ceil(waitMs / 1_000)} s. Check user and password`,
          { retryAfterMs: waitMs },
        );
      try {
        const result = await send();
        closedUntil.delete(login);
        return result;
      } catch (thrown) {
        if (server.credentials !== null && asAlarmflowError(thrown).code === 'E_MAIL_LOGIN_REFUSED') {
          if (closedUntil.size >= MOST_LOGINS) closedUntil.clear();
          closedUntil.set(login, clock.monotonic() + LOGIN_PAUSE_MS);
        }
        throw thrown;
      }
    },
  };
}
