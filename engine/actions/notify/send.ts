/** Sends one body to an alarm centre and judges its answer. */
import type { Clock } from '../../clock/clock';
import type { AlarmCentre } from '../../domain/alarm-centre';
import { operationalError } from '../../domain/errors';
import type { LoginTry } from '../login-breaker';
import { limited } from '../time-limit';
import { bodyError, centreName, statusError } from './centre-errors';
import { exchange, type HttpAnswer, type HttpQuestion } from './http-exchange';

/**
 * Answers the Digest challenges of a centre (RFC 7616); null: none of them can be answered. Given by whoever joins the
 * parts of the engine.
 */
export type DigestAnswer = (
  method: string,
  target: string,
  challenges: string | string[] | undefined,
  login: { user: string; password: string },
) => string | null;

export interface CentreParts {
  clock: Clock;
  digest: DigestAnswer;
}

export interface CentreMessage {
  /** Put behind the centre's own path. */
  path: string;
  contentType: string;
  bytes: Buffer;
  /** The same at every try. */
  identity: string;
}

/** Of an answer that has to be looked into. */
const MOST_ANSWER = 64 * 1024;
/** Of one that is only told to people. */
const MOST_WORDS = 2 * 1024;

export const isAccepted = (centre: Pick<AlarmCentre, 'accepted'>, status: number): boolean =>
  centre.accepted.some(({ from, to }) => status >= from && status <= to);

/** The centre's address with what is put behind it. */
export function targetOf(centre: Pick<AlarmCentre, 'url'>, path: string): string {
  const url = new URL(centre.url);
  const own = `${url.pathname}${url.search}`;
  if (path === '') return own;
  if (path.startsWith('?')) return url.search === '' ? `${own}${path}` : `${own}&${path.slice(1)}`;
  return `${url.pathname.replace(/\/$/, '')}${path}${url.search}`;
}

/**
 * Resolves with the status when the centre has taken it.
 * @throws E_CENTRE_LOGIN, E_CENTRE_REFUSED, E_CENTRE_MOVED, E_CENTRE_CERTIFICATE, E_CENTRE_TLS (user),
 * E_CENTRE_BUSY, E_CENTRE_SAID_NO, E_CENTRE_UNREACHABLE, E_CENTRE_NO_HTTP, E_TOO_SLOW (operational), the signal's reason
 */
export function sendToCentre(
  centre: AlarmCentre,
  message: CentreMessage,
  parts: CentreParts,
  signal: AbortSignal,
): Promise<number> {
  const what = `${centreName(centre)} did not answer`;
  return limited(parts.clock, signal, centre.timeoutMs, what, async (stop) => {
    const answer = await ask(centre, questionOf(centre, message), parts, stop);
    return judge(centre, answer, parts.clock.now());
  });
}

function questionOf(centre: AlarmCentre, { path, contentType, bytes, identity }: CentreMessage): HttpQuestion {
  const empty = centre.method === 'GET' || bytes.length === 0;
  return {
    method: centre.method,
    target: targetOf(centre, path),
    headers: {
      'user-agent': 'alarmflow',
      'idempotency-key': identity,
      ...(empty ? {} : { 'content-type': contentType }),
      ...(centre.method === 'GET' ? {} : { 'content-length': String(empty ? 0 : bytes.length) }),
      ...loginHeader(centre),
    },
    body: empty ? Buffer.alloc(0) : bytes,
  };
}

/** What is known before the centre has asked; a Digest is an answer. */
function loginHeader({ login }: AlarmCentre): Record<string, string> {
  switch (login.kind) {
    case 'basic':
      return { authorization: `Basic ${Buffer.from(`${login.user}:${login.password}`).toString('base64')}` };
    case 'bearer':
      return { authorization: `Bearer ${login.token}` };
    case 'header':
      return { [login.name.toLowerCase()]: login.value };
    default:
      return {};
  }
}

async function ask(
  centre: AlarmCentre,
  question: HttpQuestion,
  { digest }: CentreParts,
  signal: AbortSignal,
): Promise<HttpAnswer> {
  const looks = centre.mustHold !== '' || centre.mustNotHold !== '';
  const wish = (status: number) =>
    isAccepted(centre, status) ? { bytes: looks ? MOST_ANSWER : 0, whole: looks } : { bytes: MOST_WORDS, whole: false };
  const first = await exchange(centre, question, wish, signal);
  const { login, method } = centre;
  if (login.kind !== 'digest' || first.status !== 401) return first;
  const authorization = digest(method, question.target, challengesIn(first), login);
  if (authorization === null) return first;
  return exchange(centre, { ...question, headers: { ...question.headers, authorization } }, wish, signal);
}

/** Node joins several of this header with commas; the reader of challenges cuts them again. */
const challengesIn = ({ headers }: HttpAnswer): string | string[] | undefined => headers['www-authenticate'];

function judge(centre: AlarmCentre, answer: HttpAnswer, now: number): number {
  const { status, headers } = answer;
  const said = withoutSecrets(centre, answer.said);
  if (!isAccepted(centre, status))
    throw statusError(centre, { status, location: headers.location, retryAfter: headers['retry-after'], said }, now);
  const { mustHold, mustNotHold } = centre;
  if (mustHold !== '' && !answer.said.includes(mustHold))
    throw bodyError(centre, status, `its answer lacks "${mustHold}"`, said);
  if (mustNotHold !== '' && answer.said.includes(mustNotHold))
    throw bodyError(centre, status, `its answer holds "${mustNotHold}"`, said);
  return status;
}

/** A centre may repeat in its answer what it was sent. */
function withoutSecrets({ login }: AlarmCentre, said: string): string {
  const secrets =
    login.kind === 'basic' || login.kind === 'digest'
      ? [login.password, Buffer.from(`${login.user}:${login.password}`).toString('base64')]
      : login.kind === 'bearer'
        ? [login.token]
        : login.kind === 'header'
          ? [login.value]
          : [];
  return secrets.filter((secret) => secret !== '').reduce((text, secret) => text.replaceAll(secret, '•••'), said);
}

/** A login as the breaker of refused logins knows it. */
export const centreLogin = (centre: AlarmCentre): LoginTry => ({
  login: centre.login.kind === 'none' ? null : [new URL(centre.url).origin, centre.login],
  refusals: ['E_CENTRE_LOGIN'],
  paused: (waitMs) =>
    operationalError(
      'E_CENTRE_LOGIN_PAUSED',
      `${centreName(centre)} has just refused the login; it is tried again in ${Math.ceil(waitMs / 1_000)} s. Check user, password or key`,
      { retryAfterMs: waitMs },
    ),
});
