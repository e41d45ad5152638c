/** What the errors of all file servers have in common. */
import { type AlarmflowError, operationalError, userError } from '../domain/errors';
import type { FileServer } from '../domain/file-server';
import { oneLine } from './template';

/** How errors and outcomes name a server. */
export const placeOf = (server: FileServer): string =>
  server.protocol === 'folder' ? server.root : `${server.host}:${server.port}`;

export const serverName = (server: FileServer): string =>
  server.protocol === 'folder'
    ? `Folder "${server.name || server.root}" (${server.root})`
    : `File server "${server.name || server.host}" (${server.host}:${server.port})`;

/** A text of the server or of a library for people: one line, bounded, without the secrets. */
export function answerOf(server: FileServer, text: string): string {
  let shown = oneLine(text);
  if (server.protocol !== 'folder' && server.credentials) {
    const { password } = server.credentials;
    const passphrase = 'passphrase' in server.credentials ? server.credentials.passphrase : null;
    for (const secret of [password, passphrase]) if (secret) shown = shown.replaceAll(secret, '•••');
  }
  return shown.length > 200 ? `${shown.slice(0, 200)}…` : shown;
}

type Facts = Record<string, string | number | boolean | null>;

export const noSpace = (server: FileServer, bytes: number | null, facts: Facts = {}): AlarmflowError =>
  operationalError(
    'E_UPLOAD_NO_SPACE',
    `${serverName(server)} has no space left${bytes === null ? '' : ` for ${bytes} bytes`}, or the user's quota is used up: make room there; it is tried again`,
    { facts },
  );

export const notPermitted = (server: FileServer, said: string, facts: Facts = {}): AlarmflowError =>
  userError(
    'E_UPLOAD_PERMISSION',
    `${serverName(server)} does not allow it: ${said}. Give the user the right to write there, or choose another directory`,
    { facts },
  );

export const notWritten = (server: FileServer, said: string, facts: Facts = {}): AlarmflowError =>
  operationalError(
    'E_UPLOAD_FAILED',
    `${serverName(server)} could not write: ${said}. Check directory, quota and disk there; it is tried again`,
    { facts },
  );

export const notReached = (server: FileServer, said: string, facts: Facts = {}): AlarmflowError =>
  operationalError(
    'E_UPLOAD_UNREACHABLE',
    `${serverName(server)} cannot be reached or broke off: ${said}. Check host, port and network; it is tried again`,
    { facts },
  );

export const isFile = (server: FileServer, path: string): AlarmflowError =>
  userError(
    'E_UPLOAD_PATH',
    `${serverName(server)}: "${path}" is a file, but a directory is needed there: choose another path`,
  );

/** Errors that say something of the server and not of one file: everybody else's upload would meet them too. */
export const serverIsAway = (error: AlarmflowError): boolean =>
  error.family === 'operational' &&
  ['E_UPLOAD_UNREACHABLE', 'E_UPLOAD_BUSY', 'E_UPLOAD_NO_SPACE', 'E_UPLOAD_NOT_MOUNTED', 'E_TOO_SLOW'].includes(
    error.code,
  );

/** Errors of the login: more tries would only count towards the server's lock-out. */
export const loginIsRefused = (error: AlarmflowError): boolean => error.code === 'E_UPLOAD_LOGIN_REFUSED';
