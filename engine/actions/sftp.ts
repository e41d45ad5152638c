/** One SFTP connection: pinned host key, login, files that appear only when they are whole. */
import { createHash } from 'node:crypto';
import { connect } from 'node:net';
import SftpClient, { type SftpSession } from 'ssh2-sftp-client';
import type { Clock } from '../clock/clock';
import { operationalError, userError } from '../domain/errors';
import type { FileServer } from '../domain/file-server';
import { type SftpProgress, serverName, sftpError, sftpStatus } from './sftp-errors';
import { limited } from './time-limit';

/** Limits of one try, in milliseconds. */
export const sftpLimits = { loginMs: 15_000, wholeMs: 180_000 };

export interface SftpConnection {
  /** Fingerprint of the host key, `SHA256:…`. */
  fingerprint: string;
  /** Makes the directory and those above it where they are missing. */
  ensureDirectory(path: string): Promise<void>;
  /**
   * Writes a file under a temporary name and gives it its own when it is whole. Resolves to false, and writes nothing,
   * when a file of that name is there already: it is never overwritten.
   * Throws E_UPLOAD_NO_SPACE (operational) where the server can tell that its disk is full.
   */
  writeWhole(directory: string, name: string, bytes: Buffer): Promise<boolean>;
  /** Writes a small file and removes it again. */
  probe(directory: string): Promise<void>;
}

/** As `ssh-keygen -l` shows it. */
export const fingerprintOf = (hostKey: Buffer): string =>
  `SHA256:${createHash('sha256').update(hostKey).digest('base64').replace(/=+$/, '')}`;

/**
 * Connects, works and disconnects, whatever happens. Throws E_UPLOAD_HOST_KEY, E_UPLOAD_LOGIN_REFUSED, E_UPLOAD_KEY,
 * E_UPLOAD_NO_LOGIN, E_UPLOAD_NO_SFTP, E_UPLOAD_HANDSHAKE, E_UPLOAD_PERMISSION, E_UPLOAD_PATH (user),
 * E_UPLOAD_UNREACHABLE, E_UPLOAD_FAILED, E_UPLOAD_NO_SPACE, E_TOO_SLOW (operational); when the signal aborts, its reason.
 * @param wholeMs limit of the whole work
 */
export async function withSftp<T>(
  server: FileServer,
  clock: Clock,
  signal: AbortSignal,
  wholeMs: number,
  work: (connection: SftpConnection) => Promise<T>,
): Promise<T> {
  const credentials = server.credentials ?? { user: 'alarmflow', password: null, privateKey: null, passphrase: null };
  // Without a pinned host key nobody gets as far as a login, but its fingerprint can be told.
  if (credentials.password === null && credentials.privateKey === null && server.hostKey !== '')
    throw userError(
      'E_UPLOAD_NO_LOGIN',
      `${serverName(server)} has no login: enter a user and a password or a private key in its dialog`,
    );
  signal.throwIfAborted();
  const progress: SftpProgress = { fingerprint: null, trusted: false, passwordExpired: false, failure: null };
  const socket = connect({ host: server.host, port: server.port });
  const fail = (error: Error): void => {
    progress.failure ??= error;
  };
  // Whatever the connection says after its end must find a listener, or it would end the process.
  socket.on('error', fail);
  const client = new SftpClient('alarmflow', { error: fail, end: () => undefined, close: () => undefined });
  client.on('error', fail);
  client.on('keyboard-interactive', (_name, _instructions, _language, prompts, finish) =>
    finish(prompts.map(({ echo }) => (echo ? '' : (credentials.password ?? '')))),
  );
  client.on('change password', () => {
    progress.passwordExpired = true;
    socket.destroy();
  });
  const login = async (): Promise<SftpSession> =>
    client.connect({
      sock: socket,
      username: credentials.user,
      ...(credentials.password === null ? {} : { password: credentials.password }),
      ...(credentials.privateKey === null ? {} : { privateKey: credentials.privateKey }),
      ...(credentials.passphrase === null ? {} : { passphrase: credentials.passphrase }),
      // The key first: a wrong password counts towards the server's lock-out.
      authHandler: [
        ...(credentials.privateKey === null ? [] : ['publickey']),
        ...(credentials.password === null ? [] : ['password', 'keyboard-interactive']),
      ],
      tryKeyboard: credentials.password !== null,
      readyTimeout: sftpLimits.loginMs,
      hostVerifier(key) {
        progress.fingerprint = fingerprintOf(key);
        progress.trusted = server.hostKey !== '' && progress.fingerprint === server.hostKey;
        return progress.trusted;
      },
    });
  try {
    return await limited(clock, signal, wholeMs, `${serverName(server)} did not finish`, async (stop) => {
      stop.addEventListener('abort', () => socket.destroy(), { once: true });
      const session = await login();
      return await work(connectionOver(server, session, progress.fingerprint ?? ''));
    });
  } catch (thrown) {
    signal.throwIfAborted();
    throw sftpError(server, progress, thrown);
  } finally {
    // Everything that counts has been confirmed by now.
    socket.destroy();
  }
}

/** A call of ssh2 as a promise. */
const asked = <T>(call: (done: (error: Error | null | undefined, value: T) => void) => void): Promise<T> =>
  new Promise((resolve, reject) => {
    call((error, value) => (error ? reject(error) : resolve(value)));
  });

const hasStatus = (thrown: unknown, status: number): boolean =>
  thrown instanceof Error && 'code' in thrown && thrown.code === status;

export const joinPath = (directory: string, name: string): string =>
  directory === '' ? name : `${directory.replace(/\/+$/, '')}/${name}`;

function connectionOver(server: FileServer, session: SftpSession, fingerprint: string): SftpConnection {
  const statOf = async (path: string): Promise<{ size: number; isDirectory(): boolean } | null> => {
    try {
      return await asked((done) => session.stat(path, done));
    } catch (thrown) {
      if (hasStatus(thrown, sftpStatus.noSuchFile)) return null;
      throw thrown;
    }
  };

  async function ensureDirectory(path: string): Promise<void> {
    if (path === '' || path === '/' || path === '.') return;
    const found = await statOf(path);
    if (found?.isDirectory()) return;
    if (found)
      throw userError(
        'E_UPLOAD_PATH',
        `${serverName(server)}: "${path}" is a file, but a directory is needed there: choose another path`,
      );
    const cut = path.replace(/\/+$/, '').lastIndexOf('/');
    if (cut >= 0) await ensureDirectory(path.slice(0, Math.max(cut, 1)));
    try {
      await asked((done) => session.mkdir(path, done));
    } catch (thrown) {
      // Another upload may have made it meanwhile, which servers report as any failure.
      if (!(await statOf(path))?.isDirectory()) throw thrown;
    }
  }

  async function writeTemporary(directory: string, path: string, bytes: Buffer): Promise<void> {
    try {
      await asked((done) => session.writeFile(path, bytes, { flag: 'w' }, done));
      const written = await statOf(path);
      if (written?.size !== bytes.length)
        throw operationalError(
          'E_UPLOAD_FAILED',
          `${serverName(server)} kept ${written?.size ?? 0} of ${bytes.length} bytes; it is tried again`,
        );
    } catch (thrown) {
      const full = await isFull(directory, bytes.length);
      await removeLeftover(path);
      if (full)
        throw operationalError(
          'E_UPLOAD_NO_SPACE',
          `${serverName(server)} has no space left for ${bytes.length} bytes: make room there; it is tried again`,
          { cause: thrown },
        );
      throw thrown;
    }
  }

  /** Whether the server can tell that there is too little room; servers that cannot tell say no. */
  async function isFull(directory: string, bytes: number): Promise<boolean> {
    try {
      const space = await asked<{ f_frsize: number; f_bavail: number }>((done) =>
        session.ext_openssh_statvfs(directory || '.', done),
      );
      return space.f_bavail * space.f_frsize < bytes;
    } catch {
      // Only OpenSSH knows this question; without an answer the original failure is told as it came.
      return false;
    }
  }

  async function removeLeftover(path: string): Promise<void> {
    try {
      await asked((done) => session.unlink(path, done));
    } catch {
      // It may never have come into being; if it has, the next try writes over it, as its name is the same.
    }
  }

  async function writeWhole(directory: string, name: string, bytes: Buffer): Promise<boolean> {
    const path = joinPath(directory, name);
    if (await statOf(path)) return false;
    const temporary = joinPath(directory, `.${name}.part`);
    await writeTemporary(directory, temporary, bytes);
    try {
      // Never replaces: the protocol's rename fails where the name is taken (draft-ietf-secsh-filexfer-02 §6.5).
      await asked((done) => session.rename(temporary, path, done));
      return true;
    } catch (thrown) {
      await removeLeftover(temporary);
      if (await statOf(path)) return false;
      throw thrown;
    }
  }

  return {
    fingerprint,
    ensureDirectory,
    writeWhole,
    async probe(directory) {
      const path = joinPath(directory, '.alarmflow-test.part');
      await writeTemporary(directory, path, Buffer.from('alarmflow test\n'));
      await asked((done) => session.unlink(path, done));
    },
  };
}
