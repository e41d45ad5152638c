/** Asks a token server for an access token (RFC 6749 §4.4, §6; RFC 7523), and tells its refusals apart. */
import { createSign } from 'node:crypto';
import { parseHttpDate } from '../clock/clock';
import { type AlarmflowError, operationalError, userError } from '../domain/errors';
import type { MailOAuth } from '../domain/mail';
import { oneLine } from './template';

export interface GivenToken {
  accessToken: string;
  /** Seconds that it works. */
  lifeSeconds: number;
  /** Takes the place of the one that was used; null: that goes on. */
  refreshToken: string | null;
}

/** Of an answer; tokens are a few thousand characters. */
const MOST_ANSWER = 64 * 1024;
const LONGEST_WORDS = 300;
/** RFC 6749 §5.1 leaves it out where it is documented elsewhere; all known servers give an hour or more. */
const USUAL_LIFE_SECONDS = 600;
/** Longest life of an assertion; Google takes no longer one. */
const ASSERTION_SECONDS = 300;

const remedies: Readonly<Record<string, string>> = {
  invalid_grant:
    'What proves the mailbox has expired or was withdrawn: sign in again and enter the new refresh token; with a service account, check its key, the mailbox and this machine’s clock',
  invalid_client: 'Check client id and client secret in the dialog of the mail server; secrets expire',
  unauthorized_client: 'Give the application the right to send mail as this mailbox, and have an administrator agree',
  unsupported_grant_type: 'Choose another way to get tokens in the dialog of the mail server',
  invalid_scope: 'Check the scope in the dialog of the mail server',
  invalid_request: 'Check token URL, client id and scope in the dialog of the mail server',
  access_denied: 'Have an administrator agree to what the application asks for',
};
const USUAL_REMEDY = 'Check token URL, client id and secret in the dialog of the mail server';
const passing = new Set(['temporarily_unavailable', 'server_error', 'slow_down']);

const nameOf = ({ tokenUrl }: MailOAuth): string => `Token server ${new URL(tokenUrl).host}`;

const base64url = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

function assertion(oauth: MailOAuth & { grant: 'service-account' }, now: number): string {
  const issued = Math.floor(now / 1_000);
  const claims = {
    iss: oauth.clientId,
    sub: oauth.user,
    aud: oauth.tokenUrl,
    ...(oauth.scope === '' ? {} : { scope: oauth.scope }),
    iat: issued,
    exp: issued + ASSERTION_SECONDS,
  };
  const signed = `${base64url({ alg: 'RS256', typ: 'JWT' })}.${base64url(claims)}`;
  try {
    return `${signed}.${createSign('RSA-SHA256').update(signed).sign(oauth.privateKey).toString('base64url')}`;
  } catch {
    // OpenSSL's reasons could quote the key; the refusal names the remedy.
    throw userError(
      'E_MAIL_TOKEN_REFUSED',
      `${nameOf(oauth)} was not asked: the private key in the dialog of the mail server cannot sign. Enter the key of the service account (RSA, PEM)`,
    );
  }
}

function formOf(oauth: MailOAuth, refreshToken: string | null, now: number): URLSearchParams {
  const scope: [string, string][] = oauth.scope === '' ? [] : [['scope', oauth.scope]];
  if (oauth.grant === 'service-account')
    return new URLSearchParams([
      ['grant_type', 'urn:ietf:params:oauth:grant-type:jwt-bearer'],
      ['assertion', assertion(oauth, now)],
    ]);
  return new URLSearchParams([
    ['client_id', oauth.clientId],
    // A public client has none (RFC 6749 §2.1).
    ...(oauth.clientSecret === '' ? [] : ([['client_secret', oauth.clientSecret]] as [string, string][])),
    ...(oauth.grant === 'refresh-token'
      ? ([
          ['grant_type', 'refresh_token'],
          ['refresh_token', refreshToken ?? oauth.refreshToken],
        ] as [string, string][])
      : ([['grant_type', 'client_credentials']] as [string, string][])),
    ...scope,
  ]);
}

/** What a server said, for people: one line, bounded, without what was sent to it. */
function cleaned(form: URLSearchParams, text: string): string {
  let shown = oneLine(text);
  for (const field of ['client_secret', 'refresh_token', 'assertion']) {
    const secret = form.get(field);
    if (secret) shown = shown.replaceAll(secret, '•••').replaceAll(encodeURIComponent(secret), '•••');
  }
  return shown.length > LONGEST_WORDS ? `${shown.slice(0, LONGEST_WORDS)}…` : shown;
}

const textIn = (answer: unknown, field: string): string => {
  const value: unknown = typeof answer === 'object' && answer !== null ? Reflect.get(answer, field) : undefined;
  return typeof value === 'string' ? value : '';
};

function waitOf(header: string | null, now: number): { retryAfterMs?: number } {
  if (header === null) return {};
  const ms = /^\d{1,6}$/.test(header.trim()) ? Number(header) * 1_000 : (parseHttpDate(header) ?? now) - now;
  return ms > 0 ? { retryAfterMs: Math.min(ms, 3_600_000) } : {};
}

async function boundedText(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  if (response.body === null) return '';
  for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
    chunks.push(chunk);
    size += chunk.length;
    // Leaving the loop cancels the rest.
    if (size >= MOST_ANSWER) break;
  }
  return Buffer.concat(chunks).subarray(0, MOST_ANSWER).toString('utf8');
}

const certificateCodes = /^(?:DEPTH_ZERO_SELF_SIGNED|SELF_SIGNED|UNABLE_TO_|CERT_|ERR_TLS_CERT)/;

/** `fetch` hides the reason in the cause. */
function unreachable(oauth: MailOAuth, thrown: unknown): AlarmflowError {
  const cause = thrown instanceof Error ? (thrown.cause ?? thrown) : thrown;
  const code = cause instanceof Error && 'code' in cause && typeof cause.code === 'string' ? cause.code : '';
  if (certificateCodes.test(code))
    return userError(
      'E_MAIL_TLS',
      `${nameOf(oauth)} shows a certificate that is not accepted (${code}). Have it mended there, or check the token URL`,
    );
  return operationalError(
    'E_MAIL_TOKEN_UNREACHABLE',
    `${nameOf(oauth)} cannot be reached${code === '' ? '' : ` (${code})`}. Check the token URL and this machine's way to it; it is tried again`,
  );
}

/**
 * @param refreshToken one that has taken the place of the configured one
 * @throws E_MAIL_TOKEN_REFUSED, E_MAIL_TLS (user), E_MAIL_TOKEN_UNREACHABLE (operational), the signal's reason
 */
export async function requestToken(
  oauth: MailOAuth,
  refreshToken: string | null,
  now: number,
  signal: AbortSignal,
): Promise<GivenToken> {
  const form = formOf(oauth, refreshToken, now);
  let response: Response;
  let text: string;
  try {
    response = await fetch(oauth.tokenUrl, {
      method: 'POST',
      headers: { accept: 'application/json', 'user-agent': 'alarmflow' },
      body: form,
      // A secret goes nowhere that nobody has entered.
      redirect: 'manual',
      signal,
    });
    text = await boundedText(response);
  } catch (thrown) {
    signal.throwIfAborted();
    throw unreachable(oauth, thrown);
  }
  let answer: unknown = null;
  try {
    answer = JSON.parse(text);
  } catch {
    // Judged below: what is no JSON has no token.
  }
  const { status } = response;
  const accessToken = textIn(answer, 'access_token');
  if (status === 200 && /^[\x21-\x7e]{1,20000}$/.test(accessToken)) {
    const life = Number(Reflect.get(answer as object, 'expires_in'));
    return {
      accessToken,
      lifeSeconds: Number.isFinite(life) && life > 0 ? life : USUAL_LIFE_SECONDS,
      refreshToken: textIn(answer, 'refresh_token') || null,
    };
  }
  const error = textIn(answer, 'error');
  const words = cleaned(form, [error, textIn(answer, 'error_description')].filter((part) => part !== '').join(': '));
  const said = words === '' ? `status ${status}` : `${status} ${words}`;
  const facts = { status, error: error.slice(0, 60) };
  const isRefusal = error !== '' ? !passing.has(error) : status >= 300 && status < 500;
  if (isRefusal && status < 500 && status !== 429 && status !== 408)
    throw userError(
      'E_MAIL_TOKEN_REFUSED',
      `${nameOf(oauth)} gave no token: ${said}. ${remedies[error] ?? USUAL_REMEDY}`,
      {
        facts,
      },
    );
  throw operationalError(
    'E_MAIL_TOKEN_UNREACHABLE',
    status === 200
      ? `${nameOf(oauth)} answered without a token. Check the token URL; it is tried again`
      : `${nameOf(oauth)} gives no token at the moment: ${said}. It is tried again`,
    { facts, ...waitOf(response.headers.get('retry-after'), now) },
  );
}
