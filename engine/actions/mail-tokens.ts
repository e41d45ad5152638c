/** Access tokens for mail servers: kept in memory until they end, asked for once however many mails want one. */
import { createHash } from 'node:crypto';
import type { Clock } from '../clock/clock';
import { type AlarmflowError, asAlarmflowError, operationalError } from '../domain/errors';
import type { MailOAuth, MailServer } from '../domain/mail';
import { limited } from './time-limit';
import { requestToken } from './token-request';

/** Keeps refresh tokens that have taken the place of those in the dialog; their value is a secret. */
export interface TokenKeeping {
  /** null: none is kept. */
  read(id: string): Promise<string | null>;
  write(id: string, refreshToken: string): Promise<void>;
}

export interface MailTokens {
  /**
   * @param refused one that the mail server has refused: it is not given again
   * @throws E_MAIL_TOKEN_REFUSED, E_MAIL_TLS (user), E_MAIL_TOKEN_UNREACHABLE (operational), the signal's reason
   */
  token(oauth: MailOAuth, refused: string | null, signal: AbortSignal): Promise<{ token: string; isNew: boolean }>;
}

/** A person may wait for it. */
const REQUEST_LIMIT_MS = 15_000;
/** A token is not used in its last moments: the mail has yet to be sent. */
const LAST_MS = 60_000;
const MOST_TOKENS = 200;

interface Kept {
  token: string;
  /** Monotonic milliseconds. */
  until: number;
}

export const oauthId = (oauth: MailOAuth): string =>
  createHash('sha256').update(JSON.stringify(oauth)).digest('base64url').slice(0, 32);

export function createMailTokens(clock: Clock, keeping?: TokenKeeping): MailTokens {
  const kept = new Map<string, Kept>();
  const asked = new Map<string, Promise<string>>();

  /** Microsoft gives a new refresh token with each answer, and ends the old one after 90 days whether it was used or not. */
  async function rotated(oauth: MailOAuth, id: string): Promise<string | null> {
    if (oauth.grant !== 'refresh-token' || !keeping) return null;
    return keeping.read(id);
  }

  async function ask(oauth: MailOAuth, id: string): Promise<string> {
    const what = `Token server ${new URL(oauth.tokenUrl).host} did not answer`;
    const refreshToken = await rotated(oauth, id);
    const given = await limited(clock, new AbortController().signal, REQUEST_LIMIT_MS, what, (signal) =>
      requestToken(oauth, refreshToken, clock.now(), signal).catch((thrown: unknown) => {
        const error = asAlarmflowError(thrown);
        // The kept one may have been withdrawn while the dialog's works; a secret that is wrong is wrong with both.
        if (refreshToken === null || error.facts?.error !== 'invalid_grant') throw thrown;
        return requestToken(oauth, null, clock.now(), signal);
      }),
    ).catch((thrown: unknown) => {
      throw slow(oauth, asAlarmflowError(thrown));
    });
    const lifeMs = given.lifeSeconds * 1_000;
    if (kept.size >= MOST_TOKENS) kept.clear();
    kept.set(id, { token: given.accessToken, until: clock.monotonic() + Math.max(lifeMs - LAST_MS, lifeMs / 2) });
    if (
      keeping &&
      oauth.grant === 'refresh-token' &&
      given.refreshToken !== null &&
      given.refreshToken !== refreshToken
    )
      await keeping.write(id, given.refreshToken);
    return given.accessToken;
  }

  return {
    async token(oauth, refused, signal) {
      const id = oauthId(oauth);
      const known = kept.get(id);
      if (known && known.token !== refused && clock.monotonic() < known.until)
        return { token: known.token, isNew: false };
      if (known) kept.delete(id);
      let asking = asked.get(id);
      if (!asking) {
        asking = ask(oauth, id).finally(() => asked.delete(id));
        asked.set(id, asking);
      }
      return { token: await unlessAborted(asking, signal), isNew: true };
    },
  };
}

const slow = (oauth: MailOAuth, error: AlarmflowError): AlarmflowError =>
  error.code === 'E_TOO_SLOW'
    ? operationalError('E_MAIL_TOKEN_UNREACHABLE', `${error.message}. Check the token URL; it is tried again`, {
        facts: { host: new URL(oauth.tokenUrl).host },
      })
    : error;

/** What others wait for as well goes on when one of them is told to stop. */
function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = (): void => reject(signal.reason);
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
  });
}

/** The way in which a mailbox proves itself, for digests and comparisons. */
export const loginOf = ({ credentials, oauth }: MailServer): readonly unknown[] | null =>
  oauth ? ['oauth', oauth] : credentials ? [credentials.user, credentials.password] : null;
