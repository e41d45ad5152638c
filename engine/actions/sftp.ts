/** One SFTP connection: pinned host key, login, files (draft-ietf-secsh-filexfer-02). */
import { createHash } from 'node:crypto';
import { connect } from 'node:net';
import SftpClient, { type SftpSession } from 'ssh2-sftp-client';
import type { Clock } from '../clock/clock';
import { userError } from '../domain/errors';
import type { SftpServer } from '../domain/file-server';
import { type SftpProgress, sftpError, sftpStatus } from './sftp-errors';
import { limited } from './time-limit';
import { isFile, serverName } from './upload-errors';
import type { UploadSource, UploadTarget } from './upload-target';

/** Milliseconds; a login that takes longer is given up. */
export const sftpLimits = { loginMs: 15_000 };
/** Bytes of one write; every server takes as many (draft-ietf-secsh-filexfer-02 §3). */
const PIECE = 32 * 1024;
/** Writes that are under way at once, so that a far server is not waited for after each. */
const PIECES_AT_ONCE = 32;

/** As `ssh-keygen -l` shows it. */
export const fingerprintOf = (hostKey: Buffer): string =>
  `SHA256:${createHash('sha256').update(hostKey).digest('base64').replace(/=+$/, '')}`;

/**
 * Connects, works and disconnects, whatever happens. Throws E_UPLOAD_HOST_KEY, E_UPLOAD_LOGIN_REFUSED, E_UPLOAD_KEY,
 * E_UPLOAD_NO_LOGIN, E_UPLOAD_NO_SFTP, E_UPLOAD_HANDSHAKE, E_UPLOAD_PERMISSION, E_UPLOAD_PATH (user),
 * E_UPLOAD_UNREACHABLE, E_UPLOAD_FAILED, E_TOO_SLOW (operational); when the signal aborts, its reason.
 * @param wholeMs limit of the whole work
 */
export async function withSftp<T>(
  server: SftpServer,
  clock: Clock,
  signal: AbortSignal,
  wholeMs: number,
  work: (target: UploadTarget) => Promise<T>,
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
      // Requests that are under way when a connection is lost are never answered, not even with an error.
      const lost = new Promise<never>((_resolve, reject) => {
        socket.once('close', () => reject(new Error('The connection was closed')));
      });
      return await Promise.race([work(targetOver(server, session, progress)), lost]);
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

function targetOver(server: SftpServer, session: SftpSession, progress: SftpProgress): UploadTarget {
  /** Every failure leaves as an error of ours, so that callers can tell them apart. */
  const told = async <T>(work: Promise<T>): Promise<T> => {
    try {
      return await work;
    } catch (thrown) {
      throw sftpError(server, progress, thrown);
    }
  };

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
    if (found) throw isFile(server, path);
    const cut = path.replace(/\/+$/, '').lastIndexOf('/');
    if (cut >= 0) await ensureDirectory(path.slice(0, Math.max(cut, 1)));
    try {
      await asked((done) => session.mkdir(path, done));
    } catch (thrown) {
      // Another upload may have made it meanwhile, which servers report as any failure.
      if (!(await statOf(path))?.isDirectory()) throw thrown;
    }
  }

  async function withFile<T>(path: string, flags: string, work: (handle: Buffer) => Promise<T>): Promise<T> {
    const handle = await asked<Buffer>((done) => session.open(path, flags, done));
    let result: T;
    try {
      result = await work(handle);
    } catch (thrown) {
      // The first failure says why; that of a close after it is only its consequence.
      await asked((done) => session.close(handle, done)).catch(() => undefined);
      throw thrown;
    }
    await asked((done) => session.close(handle, done));
    return result;
  }

  async function send(handle: Buffer, source: UploadSource, from: number): Promise<void> {
    let position = from;
    let under: Promise<unknown>[] = [];
    const stream = source.read(from);
    try {
      for await (const chunk of stream) {
        const bytes = chunk as Buffer;
        for (let at = 0; at < bytes.length; at += PIECE) {
          const piece = bytes.subarray(at, at + PIECE);
          const place = position + at;
          const sent = asked((done) => session.write(handle, piece, 0, piece.length, place, done));
          // Waited for below; until then a failure must not count as one that nobody handles.
          sent.catch(() => undefined);
          under.push(sent);
        }
        position += bytes.length;
        if (under.length < PIECES_AT_ONCE) continue;
        await Promise.all(under);
        under = [];
      }
      await Promise.all(under);
    } finally {
      stream.destroy();
    }
  }

  async function receive(path: string, from: number, length: number): Promise<Buffer> {
    return withFile(path, 'r', async (handle) => {
      const buffer = Buffer.alloc(length);
      let had = 0;
      while (had < length) {
        const count = await asked<number>((done) =>
          session.read(handle, buffer, had, Math.min(PIECE, length - had), from + had, done),
        );
        if (count <= 0) break;
        had += count;
      }
      return buffer.subarray(0, had);
    });
  }

  return {
    identity: `host key ${progress.fingerprint ?? ''}`,
    ensureDirectory: (path) => told(ensureDirectory(path)),
    sizeOf: async (path) => (await told(statOf(path)))?.size ?? null,
    async readBack(path, from, length) {
      try {
        return await receive(path, from, length);
      } catch {
        // A user who may write but not read: nothing is compared then.
        return null;
      }
    },
    write: (path, source, from) =>
      told(withFile(path, from === 0 ? 'w' : 'r+', (handle) => send(handle, source, from)).then(() => from)),
    async rename(from, to) {
      try {
        // Never replaces: the protocol's rename fails where the name is taken (draft-ietf-secsh-filexfer-02 §6.5).
        await asked((done) => session.rename(from, to, done));
        return true;
      } catch (thrown) {
        if ((await told(statOf(to))) !== null) return false;
        throw sftpError(server, progress, thrown);
      }
    },
    remove: (path) => told(asked((done) => session.unlink(path, done)).then(() => undefined)),
    async spaceIn(directory) {
      try {
        const space = await asked<{ f_frsize: number; f_bavail: number }>((done) =>
          session.ext_openssh_statvfs(directory || '.', done),
        );
        return space.f_bavail * space.f_frsize;
      } catch {
        // Only OpenSSH knows this question.
        return null;
      }
    },
  };
}
