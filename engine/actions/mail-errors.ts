/** SMTP and connection failures as errors of alarmflow: what may mend itself is operational, the rest is for people. */
import { AlarmflowError, asAlarmflowError, operationalError, userError } from '../domain/errors';
import type { MailServer } from '../domain/mail';
import type { LoginTry } from './login-breaker';
import { loginOf } from './mail-tokens';
import { oneLine } from './template';

/** What nodemailer adds to its errors. */
interface SmtpError extends Error {
  code?: string;
  originalCode?: string;
  responseCode?: number;
  response?: string;
  command?: string;
  rejected?: string[];
}

/** Longest part of a server's answer that is shown. */
const LONGEST_ANSWER = 200;

const certificateCodes = [
  'SELF_SIGNED_CERT_IN_CHAIN',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'CERT_HAS_EXPIRED',
  'CERT_NOT_YET_VALID',
  'CERT_REVOKED',
  'CERT_UNTRUSTED',
  'CERT_CHAIN_TOO_LONG',
  'ERR_TLS_CERT_ALTNAME_INVALID',
];
const certificateText = /certificate|altname|self.signed/i;
const tlsText = /\bSSL\b|\bTLS\b|wrong version number|handshake|EPROTO/i;

/** The server's answer for people: one line, bounded, without the password in any of the forms in which it is sent. */
export function maskedAnswer(server: MailServer, text: string): string {
  const { credentials } = server;
  let shown = oneLine(text);
  if (credentials?.password) {
    const { user, password } = credentials;
    const base64 = (value: string): string => Buffer.from(value).toString('base64');
    for (const secret of [password, base64(password), base64(`\u0000${user}\u0000${password}`)])
      shown = shown.replaceAll(secret, '•••');
  }
  return shown.length > LONGEST_ANSWER ? `${shown.slice(0, LONGEST_ANSWER)}…` : shown;
}

/** Any failure of a send as AlarmflowError. */
export function mailError(server: MailServer, thrown: unknown): AlarmflowError {
  if (thrown instanceof AlarmflowError || !(thrown instanceof Error) || !('code' in thrown))
    return asAlarmflowError(thrown);
  const error = thrown as SmtpError;
  const name = `Mail server "${server.name || server.host}" (${server.host}:${server.port})`;
  const said = maskedAnswer(server, error.response ?? error.message);
  // The original error may carry the login in its fields; only its text goes on, cleaned.
  const codes = [error.code, error.originalCode].filter((code) => code !== undefined);
  const status = error.responseCode ?? 0;
  const facts = { smtpStatus: status || null, smtpCode: error.code ?? null };

  if (error.code === 'EENVELOPE' && error.command === 'API')
    return userError('E_MAIL_REFUSED', `${name}: a mail address cannot be sent to: ${said}`, { facts });
  if (isTooLarge(error, status, said))
    return userError(
      'E_MAIL_TOO_LARGE',
      `${name} takes no mail of this size: ${said}. Set "Largest mail" in the dialog of the mail server to what it takes`,
      { facts },
    );
  if (status >= 400 && status < 500 && error.code !== 'ETLS')
    return operationalError(
      'E_MAIL_UNREACHABLE',
      `${name} does not take the mail at the moment: ${said}. It is tried again`,
      { facts },
    );
  if (server.oauth && (error.code === 'EAUTH' || [530, 534, 535, 538].includes(status)))
    return userError(
      'E_MAIL_LOGIN_REFUSED',
      `${name} refused the token for ${server.oauth.user}: ${said}. Check that this mailbox allows authenticated SMTP, and that the application may send as it`,
      { facts },
    );
  if (error.code === 'EAUTH' || status === 530 || status === 534 || status === 535 || status === 538)
    return userError('E_MAIL_LOGIN_REFUSED', `${name} refused the login: ${said}. Check user and password`, { facts });
  if (error.command === 'STARTTLS' && error.response)
    return userError(
      'E_MAIL_NO_STARTTLS',
      `${name} does not offer STARTTLS: ${said}. Choose TLS or, in a network of your own, no encryption`,
      { facts },
    );
  if (codes.some((code) => certificateCodes.includes(code)) || (isTls(error) && certificateText.test(said)))
    return userError(
      'E_MAIL_TLS',
      `${name} shows a certificate that is not accepted: ${said}. Install a valid one, enter its authority or its fingerprint, or allow self-signed certificates for this server`,
      { facts },
    );
  if (isTls(error) && tlsText.test(said))
    return userError(
      'E_MAIL_TLS',
      `${name} does not speak TLS as asked for: ${said}. Check port and encryption (TLS is usually port 465, STARTTLS 587)`,
      { facts },
    );
  if (status >= 500)
    return userError('E_MAIL_REFUSED', `${name} refused the mail: ${said}. ${refusalRemedy(error)}`, { facts });
  return operationalError(
    'E_MAIL_UNREACHABLE',
    `${name} cannot be reached: ${said}. Check host, port and network; it is tried again`,
    { facts },
  );
}

/** The mail itself is too large: what the server announced (RFC 1870), or its refusal. A full mailbox is another matter. */
const isTooLarge = (error: SmtpError, status: number, said: string): boolean =>
  (error.code === 'EMESSAGE' && /larger than allowed/.test(error.message)) ||
  (status === 552 && error.command !== 'RCPT TO' && !/\b5\.2\.2\b/.test(said)) ||
  (status >= 500 && /\b5\.3\.4\b/.test(said));

const isTls = (error: SmtpError): boolean =>
  error.code === 'ETLS' || error.code === 'ESOCKET' || /^ERR_(SSL|TLS)/.test(error.code ?? '');

function refusalRemedy(error: SmtpError): string {
  if (error.command === 'RCPT TO')
    return `Check the receivers${error.rejected ? ` (${error.rejected.join(', ')})` : ''}`;
  if (error.command === 'MAIL FROM') return 'Check the sender address in the dialog of the mail server';
  return 'Check what this server allows: size, sender, contents';
}

/** A login as the breaker of refused logins knows it. */
export const mailLogin = (server: MailServer): LoginTry => ({
  login: loginOf(server) && [server.host, server.port, loginOf(server)],
  refusals: ['E_MAIL_LOGIN_REFUSED', 'E_MAIL_TOKEN_REFUSED'],
  paused: (waitMs) =>
    operationalError(
      'E_MAIL_LOGIN_PAUSED',
      `Mail server "${server.name || server.host}" (${server.host}:${server.port}) has just refused the login; it is tried again in ${Math.ceil(waitMs / 1_000)} s. Check ${server.oauth ? 'what its dialog says of tokens' : 'user and password'}`,
      { retryAfterMs: waitMs },
    ),
});
