/** What can go wrong with an alarm centre, in words for the operator and by what may mend it. */
import { parseHttpDate } from '../../clock/clock';
import type { AlarmCentre } from '../../domain/alarm-centre';
import { AlarmflowError, operationalError, userError } from '../../domain/errors';
import { oneLine } from '../template';

export const centreName = (centre: Pick<AlarmCentre, 'name' | 'url'>): string => {
  const { host } = new URL(centre.url);
  return centre.name && centre.name !== host ? `Alarm centre "${centre.name}" (${host})` : `Alarm centre ${host}`;
};

const reasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  ECONNRESET: 'it cut the connection',
  EPIPE: 'it cut the connection',
  EHOSTUNREACH: 'no way leads there',
  ENETUNREACH: 'no way leads there',
  ENOTFOUND: 'the name is unknown',
  EAI_AGAIN: 'the name server does not answer',
  ETIMEDOUT: 'no answer came',
};

const certificateCodes =
  /^(?:DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_|CERT_|ERR_TLS_CERT_ALTNAME_INVALID)/;

const codeOf = (thrown: unknown): string =>
  thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : '';

/** What a connection threw. */
export function centreError(centre: AlarmCentre, thrown: unknown): AlarmflowError {
  if (thrown instanceof AlarmflowError) return thrown;
  const name = centreName(centre);
  const code = codeOf(thrown);
  if (certificateCodes.test(code))
    return userError(
      'E_CENTRE_CERTIFICATE',
      `${name}: its certificate is not trusted (${code}). Enter its authority or its fingerprint in the centre's dialog, or have it mended there`,
    );
  if (/^ERR_SSL_TLSV1_ALERT|ALERT_|HANDSHAKE_FAILURE|CERTIFICATE_REQUIRED/.test(code))
    return userError(
      'E_CENTRE_TLS',
      `${name} ended the TLS handshake (${code}): it may want a client certificate, or another one, from the centre's dialog`,
    );
  if (code === 'EPROTO' || code.startsWith('ERR_SSL') || code.startsWith('ERR_TLS') || code.startsWith('ERR_OSSL'))
    return userError(
      'E_CENTRE_TLS',
      `${name}: no secure connection came about (${code}). Check that the port speaks HTTPS, and the certificate and key in the centre's dialog`,
    );
  if (code.startsWith('HPE_'))
    return operationalError(
      'E_CENTRE_NO_HTTP',
      `${name} does not answer in HTTP (${code}): check port, and whether it wants https`,
    );
  return operationalError(
    'E_CENTRE_UNREACHABLE',
    `${name} can't be reached: ${reasons[code] ?? (code || 'the connection failed')}. Check address and network; it is tried again`,
  );
}

export const cutError = (centre: AlarmCentre): AlarmflowError =>
  operationalError(
    'E_CENTRE_UNREACHABLE',
    `${centreName(centre)} cut the connection before it had answered; it is tried again under the same identity`,
  );

const LONGEST_WAIT_MS = 60 * 60_000;

/** Retry-After in milliseconds (RFC 9110 §10.2.3), at most an hour; undefined: there is none that can be read. */
export function retryAfter(header: string | undefined, now: number): number | undefined {
  if (header === undefined) return undefined;
  const text = header.trim();
  const ms = /^\d{1,9}$/.test(text) ? Number(text) * 1_000 : (parseHttpDate(text) ?? Number.NaN) - now;
  return Number.isFinite(ms) ? Math.min(LONGEST_WAIT_MS, Math.max(1_000, ms)) : undefined;
}

const later: ReadonlySet<number> = new Set([408, 425, 429]);

/** What an answer that is not accepted means. `said`: the beginning of its body. */
export function statusError(
  centre: AlarmCentre,
  answer: { status: number; location: string | undefined; retryAfter: string | undefined; said: string },
  now: number,
): AlarmflowError {
  const name = centreName(centre);
  const { status } = answer;
  const said = saidWords(answer.said);
  if (status === 401 || status === 407)
    return userError(
      'E_CENTRE_LOGIN',
      `${name} refused the login (${status}): check user, password or key in the centre's dialog${said}`,
    );
  if (status === 403)
    return userError('E_CENTRE_LOGIN', `${name} does not let this login do that (403): check its rights there${said}`);
  if (status >= 300 && status < 400)
    return userError(
      'E_CENTRE_MOVED',
      `${name} sends us elsewhere (${status}${whereTo(centre, answer.location)}), and alarms and logins are not taken there unasked: enter the right address in the centre's dialog`,
    );
  if (later.has(status) || status >= 500)
    return operationalError('E_CENTRE_BUSY', `${name} cannot take it now (${status}); it is tried again${said}`, {
      retryAfterMs: retryAfter(answer.retryAfter, now),
    });
  return userError('E_CENTRE_REFUSED', `${name} did not take it (${status}): check method, path and body${said}`);
}

/** The place of a redirect without what may be secret in it. */
function whereTo(centre: AlarmCentre, location: string | undefined): string {
  if (location === undefined || !URL.canParse(location, centre.url)) return '';
  const { origin, pathname } = new URL(location, centre.url);
  return `, to ${oneLine(`${origin}${pathname}`).slice(0, 200)}`;
}

const saidWords = (said: string): string => {
  const words = oneLine(said).slice(0, 200);
  return words === '' ? '' : `. It said: ${words}`;
};

/** 200, but the body says otherwise. */
export const bodyError = (centre: AlarmCentre, status: number, why: string, said: string): AlarmflowError =>
  operationalError('E_CENTRE_SAID_NO', `${centreName(centre)} answered ${status}, but ${why}${saidWords(said)}`);
