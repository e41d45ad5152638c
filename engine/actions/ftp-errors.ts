/** Failures of FTP and its TLS as errors of alarmflow: what may mend itself is operational, the rest is for people. */
import { FTPError } from 'basic-ftp';
import { AlarmflowError, asAlarmflowError, operationalError, userError } from '../domain/errors';
import type { FtpServer } from '../domain/file-server';
import { answerOf, noSpace, notPermitted, notReached, notWritten, serverName } from './upload-errors';

/** What is known of a connection when it fails. */
export interface FtpProgress {
  /** How far it came; a refusal means another thing at each. */
  stage: 'connect' | 'tls' | 'login' | 'work';
  /** SHA-256 of the certificate that the server showed; null before it has come, or without TLS. */
  fingerprint: string | null;
}

/** Reply codes of RFC 959 §4.2 and RFC 4217 that mean more than their first digit. */
const code = {
  unavailable: 421,
  localError: 451,
  noStorage: 452,
  notUnderstood: 500,
  notLoggedIn: 530,
  needAccount: 532,
  protectionDenied: 534,
  noFile: 550,
  quota: 552,
  nameRefused: 553,
} as const;

/** Servers say "disk full" under several codes: vsftpd 451, ProFTPD 452 or 552, IIS 550 and 552. */
const fullWords =
  /\b(no space|disk (?:is )?full|not enough (?:disk )?space|quota|insufficient|failure writing to local)/i;
const busyWords = /\b(maximum|too many|limit|try again|later|busy)\b/i;
const tlsWords = /\b(tls|ssl|encrypt|secure|auth)/i;

/** Words for what OpenSSL says of a certificate. */
const certificateWords: Record<string, string> = {
  DEPTH_ZERO_SELF_SIGNED_CERT: 'signed by itself',
  SELF_SIGNED_CERT_IN_CHAIN: 'signed by an authority that is not known here',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'signed by an authority that is not known here',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'signed by an authority that is not known here',
  CERT_HAS_EXPIRED: 'expired',
  CERT_NOT_YET_VALID: 'not valid yet',
  ERR_TLS_CERT_ALTNAME_INVALID: 'made for another host',
};

export function certificateError(server: FtpServer, fingerprint: string, reason: string): AlarmflowError {
  const facts = { fingerprint, reason };
  const shown =
    server.certificate === '' || reason === 'CERT_HAS_EXPIRED'
      ? `shows a certificate that is ${certificateWords[reason] ?? `not to be trusted (${reason})`}, so nothing was sent. Its SHA-256 is ${fingerprint}: compare that with what the server itself says ("openssl x509 -noout -fingerprint -sha256"), then pin it in the dialog of the file server, or enter the certificate of its authority there`
      : `shows the certificate ${fingerprint}, but ${server.certificate} is pinned, so nothing was sent. Has the server got a new certificate? Then pin it in the dialog; if not, something stands between`;
  return userError('E_UPLOAD_CERTIFICATE', `${serverName(server)} ${shown}`, { facts });
}

/** Any failure as AlarmflowError. */
export function ftpError(server: FtpServer, progress: FtpProgress, thrown: unknown): AlarmflowError {
  if (thrown instanceof AlarmflowError) return thrown;
  if (thrown instanceof FTPError) return refusal(server, progress, thrown);
  if (!(thrown instanceof Error) || thrown instanceof TypeError || thrown instanceof RangeError)
    return asAlarmflowError(thrown);
  // The package says which of its sockets it was; the stage says as much.
  const said = answerOf(server, thrown.message.replace(/ \((?:control|data) socket\)/, ''));
  const system = (thrown as NodeJS.ErrnoException).code;
  const facts = { stage: progress.stage, systemCode: typeof system === 'string' ? system : null };
  if (/control characters/.test(said))
    return userError('E_UPLOAD_LOGIN_REFUSED', `${serverName(server)}: user and password must be one line each`);
  if (progress.stage === 'tls' && /^ERR_SSL|EPROTO/.test(system ?? '') && !/reset|hang up/i.test(said))
    return userError(
      'E_UPLOAD_HANDSHAKE',
      `${serverName(server)} and alarmflow do not come to terms on TLS: ${said}. Check port and kind of encryption, or update the server`,
      { facts },
    );
  if (/^None of the available transfer strategies|passive mode|data connection/i.test(said))
    return operationalError(
      'E_UPLOAD_UNREACHABLE',
      `${serverName(server)} lets the user in, but no connection for files can be opened: ${said}. Let its passive ports through the firewalls; it is tried again`,
      { facts },
    );
  return notReached(server, said, facts);
}

function refusal(server: FtpServer, progress: FtpProgress, error: FTPError): AlarmflowError {
  const name = serverName(server);
  const said = answerOf(server, error.message);
  const facts = { stage: progress.stage, ftpCode: error.code };
  const busy = error.code === code.unavailable || (error.code === code.notLoggedIn && busyWords.test(said));
  if (busy)
    return operationalError('E_UPLOAD_BUSY', `${name} takes nobody at the moment: ${said}; it is tried again`, {
      facts,
    });
  if (progress.stage === 'tls')
    return userError(
      'E_UPLOAD_NO_TLS',
      `${name} offers no TLS (${said}), so nothing was sent: switch it on there, or choose plain FTP in its dialog`,
      { facts },
    );
  if (progress.stage === 'login') {
    if (server.protocol === 'ftp' && tlsWords.test(said))
      return userError('E_UPLOAD_TLS_NEEDED', `${name} wants TLS (${said}): choose FTPS in its dialog`, { facts });
    // 500 is what a server says that has trouble of its own (vsftpd: "500 OOPS").
    if (error.code > code.notUnderstood)
      return userError(
        'E_UPLOAD_LOGIN_REFUSED',
        `${name} refused the login (${said}): check user and password${server.credentials === null ? ', for it may not let anybody in anonymously' : ''}`,
        { facts },
      );
    return notReached(server, said, facts);
  }
  if (error.code === code.noStorage || error.code === code.quota || fullWords.test(said))
    return noSpace(server, null, facts);
  if (error.code === code.protectionDenied || (error.code === 522 && tlsWords.test(said)))
    return userError(
      'E_UPLOAD_TLS_SESSION',
      `${name} refused the encryption of the connection for files (${said}): check its TLS settings`,
      { facts },
    );
  if ([code.noFile, code.nameRefused, code.notLoggedIn, code.needAccount].includes(error.code as never))
    return notPermitted(server, said, facts);
  return notWritten(server, said, facts);
}
