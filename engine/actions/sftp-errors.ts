/** SSH and SFTP failures as errors of alarmflow: what may mend itself is operational, the rest is for people. */
import { AlarmflowError, asAlarmflowError, userError } from '../domain/errors';
import type { SftpServer } from '../domain/file-server';
import { answerOf, notPermitted, notReached, notWritten, serverName } from './upload-errors';

/** What ssh2 adds to its errors: where it happened, a system's code or the status of the SFTP protocol. */
interface SshError extends Error {
  level?: string;
  code?: string | number;
}

/** What is known of a connection when it fails. */
export interface SftpProgress {
  /** Fingerprint that the server showed; null before its key has come. */
  fingerprint: string | null;
  trusted: boolean;
  /** The server wants a new password before it lets anybody in. */
  passwordExpired: boolean;
  /** First error of the connection itself, with its level. */
  failure: Error | null;
}

/** Status of the SFTP protocol (draft-ietf-secsh-filexfer-02 §7). */
export const sftpStatus = { noSuchFile: 2, permissionDenied: 3, failure: 4 } as const;

function hostKeyError(server: SftpServer, fingerprint: string): AlarmflowError {
  const facts = { fingerprint };
  const text =
    server.hostKey === ''
      ? `has no pinned host key, so nothing was sent. It shows ${fingerprint}: compare that with what the server itself says ("ssh-keygen -lf" on its host key), then enter it in the dialog of the file server`
      : `shows the host key ${fingerprint}, but ${server.hostKey} is pinned, so nothing was sent. Has the server got a new key? Then pin it in the dialog; if not, something stands between`;
  return userError('E_UPLOAD_HOST_KEY', `${serverName(server)} ${text}`, { facts });
}

/** Any failure of a transfer as AlarmflowError. */
export function sftpError(server: SftpServer, progress: SftpProgress, thrown: unknown): AlarmflowError {
  if (thrown instanceof AlarmflowError) return thrown;
  const name = serverName(server);
  if (progress.fingerprint !== null && !progress.trusted) return hostKeyError(server, progress.fingerprint);
  const error = (progress.failure ?? thrown) as SshError;
  if (!(error instanceof Error) || error instanceof TypeError || error instanceof RangeError)
    return asAlarmflowError(thrown);
  const said = answerOf(server, error.message);
  const facts = { sshLevel: error.level ?? null, sshCode: error.code ?? null };

  if (progress.passwordExpired)
    return userError('E_UPLOAD_LOGIN_REFUSED', `${name} wants a new password for this user: set one on the server`, {
      facts,
    });
  if (error.level === 'client-authentication' || /authentication methods failed/i.test(said))
    return userError('E_UPLOAD_LOGIN_REFUSED', `${name} refused the login: check user, password and key`, { facts });
  if (/privateKey/.test(said))
    return userError(
      'E_UPLOAD_KEY',
      `${name}: the private key cannot be read: ${said}. Check key and passphrase in its dialog`,
      { facts },
    );
  if (/subsystem|channel open failure/i.test(said))
    return userError('E_UPLOAD_NO_SFTP', `${name} lets the user in but offers no SFTP: switch it on there`, { facts });
  if (error.level === 'handshake' && /no matching/i.test(said))
    return userError(
      'E_UPLOAD_HANDSHAKE',
      `${name} and alarmflow have no cipher or key in common: ${said}. Update the server`,
      { facts },
    );
  if (error.code === sftpStatus.permissionDenied) return notPermitted(server, said, facts);
  if (error.code === sftpStatus.noSuchFile || error.code === sftpStatus.failure) return notWritten(server, said, facts);
  return notReached(server, said, facts);
}
