/** One FTP or FTPS connection (RFC 959, 2428, 3659, 4217): certificate checked before the login, passive mode alone. */
import { isIP, type Socket } from 'node:net';
import { Writable } from 'node:stream';
import type { ConnectionOptions, TLSSocket } from 'node:tls';
import {
  Client,
  enterPassiveModeIPv4,
  enterPassiveModeIPv6,
  type FTPContext,
  FTPError,
  type FTPResponse,
} from 'basic-ftp';
import type { Clock } from '../clock/clock';
import type { FtpServer } from '../domain/file-server';
import { certificateError, type FtpProgress, ftpError } from './ftp-errors';
import { limited } from './time-limit';
import { isFile, serverName } from './upload-errors';
import type { UploadSource, UploadTarget } from './upload-target';

/** Milliseconds; a server that says nothing for so long is given up. */
export const ftpLimits = { silenceMs: 20_000 };
/** RFC 1635 §5: the password of an anonymous user is a courtesy. */
const ANONYMOUS = { user: 'anonymous', password: 'alarmflow@' };

/**
 * Pinned certificates that have been seen, by their fingerprint: the connections for files go on with the session of the
 * login and take its verdict with it, so the very first handshake must know the certificate.
 */
const seen = new Map<string, string>();
const MOST_SEEN = 1_000;

function tlsOptions(server: FtpServer): ConnectionOptions {
  const pinned = seen.get(server.certificate);
  return {
    host: server.host,
    ...(isIP(server.host) ? {} : { servername: server.host }),
    ...(server.authority === '' ? {} : { ca: server.authority }),
    // It is nobody's authority and may be anybody's; that it is the same one is all that counts.
    ...(pinned === undefined ? {} : { ca: pinned, allowPartialTrustChain: true, checkServerIdentity: () => undefined }),
    // Judged by `checkCertificate`, which can say what it found.
    rejectUnauthorized: false,
  };
}

/** Throws E_UPLOAD_CERTIFICATE (user) unless the certificate is the pinned one, or its authority is trusted. */
function checkCertificate(server: FtpServer, socket: TLSSocket, progress: FtpProgress): void {
  const certificate = socket.getPeerX509Certificate();
  const shown = certificate?.fingerprint256 ?? '';
  progress.fingerprint = shown;
  if (server.certificate !== '') {
    if (!certificate || shown !== server.certificate) throw certificateError(server, shown, 'not pinned');
    if (!seen.has(shown)) {
      if (seen.size >= MOST_SEEN) seen.clear();
      seen.set(shown, certificate.toString());
      return;
    }
  }
  if (socket.authorized) return;
  const reason = socket.authorizationError as (Error & { code?: string }) | string | null;
  throw certificateError(
    server,
    shown,
    typeof reason === 'string' ? reason : (reason?.code ?? reason?.message ?? 'unknown'),
  );
}

/**
 * PASV towards the host that was logged in to, whatever address the reply names: behind NAT it is the server's inner
 * one, and a hostile server could name anybody's.
 */
async function passiveToSameHost(ftp: FTPContext): Promise<FTPResponse> {
  const host = (ftp.socket.remoteAddress ?? '').replace(/^::ffff:/i, '');
  const request = ftp.request.bind(ftp);
  const same: Pick<FTPContext, 'request'> = {
    async request(command) {
      const reply = await request(command);
      const message = reply.message.replace(/\d{1,3}(?:,\d{1,3}){3}(?=,\d{1,3},\d{1,3})/, host.replaceAll('.', ','));
      return { ...reply, message };
    },
  };
  return enterPassiveModeIPv4(
    new Proxy(ftp, {
      get: (target, name) => (name === 'request' ? same.request : Reflect.get(target, name, target)),
      set: (target, name, value) => Reflect.set(target, name, value, target),
    }),
  );
}

/**
 * A server that cannot go on (disk full) resets the connection for files and says why on the other one: that must not
 * be closed before it is heard.
 */
function leaveOpen({ dataSocket }: FTPContext): void {
  dataSocket?.removeAllListeners('close');
  dataSocket?.removeAllListeners('error');
  // Whoever writes to it hears of its failure.
  dataSocket?.on('error', () => undefined);
}

/** EPSV, and where that is not known or not let through, PASV; what worked once is kept. */
function passiveMode(server: FtpServer, client: Client): (ftp: FTPContext) => Promise<FTPResponse> {
  const older = server.dataHost === 'told' ? enterPassiveModeIPv4 : passiveToSameHost;
  let known: typeof older | null = null;
  return async (ftp) => {
    const ways = known
      ? [known]
      : isIP(ftp.socket.remoteAddress ?? '') === 4
        ? [enterPassiveModeIPv6, older]
        : [enterPassiveModeIPv6];
    // An address of its own for files is told by PASV alone.
    if (server.dataHost === 'told' && !known) ways.reverse();
    let failure: unknown;
    for (const way of ways) {
      try {
        const reply = await way(ftp);
        known = way;
        leaveOpen(ftp);
        return reply;
      } catch (thrown) {
        if (client.closed) throw thrown;
        failure = thrown;
      }
    }
    throw new Error(`no data connection: ${failure instanceof Error ? failure.message : String(failure)}`);
  };
}

/**
 * Connects, works and disconnects, whatever happens. Throws E_UPLOAD_CERTIFICATE, E_UPLOAD_LOGIN_REFUSED,
 * E_UPLOAD_NO_TLS, E_UPLOAD_TLS_NEEDED, E_UPLOAD_TLS_SESSION, E_UPLOAD_HANDSHAKE, E_UPLOAD_PERMISSION, E_UPLOAD_PATH
 * (user), E_UPLOAD_UNREACHABLE, E_UPLOAD_BUSY, E_UPLOAD_FAILED, E_UPLOAD_NO_SPACE, E_TOO_SLOW (operational); when the
 * signal aborts, its reason.
 * @param wholeMs limit of the whole work
 */
export async function withFtp<T>(
  server: FtpServer,
  clock: Clock,
  signal: AbortSignal,
  wholeMs: number,
  work: (target: UploadTarget) => Promise<T>,
): Promise<T> {
  signal.throwIfAborted();
  const progress: FtpProgress = { stage: 'connect', fingerprint: null };
  const client = new Client(ftpLimits.silenceMs);
  client.prepareTransfer = passiveMode(server, client);
  const { user, password } = server.credentials ?? ANONYMOUS;
  const open = async (): Promise<void> => {
    progress.stage = 'connect';
    if (server.protocol === 'ftps-implicit') {
      progress.stage = 'tls';
      await client.connectImplicitTLS(server.host, server.port, tlsOptions(server));
    } else {
      await client.connect(server.host, server.port);
      if (server.protocol === 'ftps') {
        progress.stage = 'tls';
        // biome-ignore lint/correctness/useHookAtTopLevel: it is no hook of React
        await client.useTLS(tlsOptions(server));
      }
    }
    if (server.protocol !== 'ftp') checkCertificate(server, client.ftp.socket as TLSSocket, progress);
  };
  const login = async (): Promise<void> => {
    const isNew = server.protocol !== 'ftp' && server.certificate !== '' && !seen.has(server.certificate);
    await open();
    if (isNew) await open();
    if (server.protocol !== 'ftp') client.ftp.tlsOptions = { ...tlsOptions(server), rejectUnauthorized: true };
    progress.stage = 'login';
    await client.sendIgnoringError('OPTS UTF8 ON');
    await client.login(user, password ?? '');
    progress.stage = 'work';
    await client.useDefaultSettings();
  };
  try {
    return await limited(clock, signal, wholeMs, `${serverName(server)} did not finish`, async (stop) => {
      stop.addEventListener('abort', () => client.close(), { once: true });
      await login();
      return await work(targetOver(server, client, await client.pwd(), progress));
    });
  } catch (thrown) {
    signal.throwIfAborted();
    throw ftpError(server, progress, thrown);
  } finally {
    // Its listeners are gone after the close; what a dying socket says then must find one.
    const { socket } = client.ftp as { socket: Socket };
    client.close();
    socket.on('error', () => undefined);
  }
}

const isRefusal = (thrown: unknown, ...codes: number[]): boolean =>
  thrown instanceof FTPError && (codes.length === 0 || codes.includes(thrown.code));

/** What servers say of a file that they neither continue nor write over, or of APPE itself (RFC 959 §4.2); none is about space. */
const inTheWay = [450, 451, 500, 501, 502, 504, 550, 553];

/** Takes the first bytes of a download. */
class Beginning extends Writable {
  readonly parts: Buffer[] = [];
  had = 0;
  constructor(private readonly most: number) {
    super();
  }
  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    if (this.had < this.most) this.parts.push(chunk);
    this.had += chunk.length;
    done();
  }
}

function targetOver(server: FtpServer, client: Client, home: string, progress: FtpProgress): UploadTarget {
  /** Directory that the server is in; names are short there and need no quoting. */
  let inside = home;
  /** What was written last and is confirmed. */
  let written: { path: string; size: number } | null = null;

  const told = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (thrown) {
      throw ftpError(server, progress, thrown);
    }
  };

  const whole = (path: string): string =>
    path.startsWith('/') ? path : `${home.replace(/\/+$/, '')}/${path}`.replace(/\/+$/, '') || '/';

  async function enter(directory: string): Promise<boolean> {
    if (directory === inside) return true;
    try {
      await client.cd(directory);
      inside = directory;
      return true;
    } catch (thrown) {
      if (isRefusal(thrown)) return false;
      throw thrown;
    }
  }

  /** Goes into the file's directory; what is left is its name. */
  async function nameIn(path: string): Promise<string> {
    const full = whole(path);
    const cut = full.lastIndexOf('/');
    const directory = full.slice(0, Math.max(cut, 1));
    if (directory !== inside) {
      await client.cd(directory);
      inside = directory;
    }
    return full.slice(cut + 1);
  }

  async function ensureDirectory(path: string): Promise<void> {
    const full = whole(path);
    if (await enter(full)) return;
    const cut = full.lastIndexOf('/');
    const above = full.slice(0, Math.max(cut, 1));
    if (above !== full) await ensureDirectory(above);
    const name = full.slice(cut + 1);
    try {
      await client.send(`MKD ${name}`);
    } catch (thrown) {
      // Another upload may have made it meanwhile.
      if (!isRefusal(thrown)) throw thrown;
      if (await enter(full)) return;
      if ((await sizeOf(full)) !== null) throw isFile(server, path);
      throw thrown;
    }
    await client.cd(full);
    inside = full;
  }

  async function sizeOf(path: string): Promise<number | null> {
    const name = await nameIn(path);
    try {
      return await client.size(name);
    } catch (thrown) {
      if (isRefusal(thrown, 550, 553, 450)) return null;
      // Servers without SIZE (RFC 3659 §4) have a list at least.
      if (!isRefusal(thrown, 500, 501, 502, 504)) throw thrown;
      const listed = (await client.list()).find((entry) => entry.name === name)?.size;
      if (listed !== undefined) return listed;
      // Lists may leave out what begins with a dot; what was confirmed a moment ago is there.
      return written?.path === whole(path) ? written.size : null;
    }
  }

  /** What the server says of a transfer that it broke off: its next answer, whatever is asked. */
  async function reasonOf(thrown: unknown): Promise<unknown> {
    if (isRefusal(thrown) || client.closed) return thrown;
    try {
      const reply = await client.sendIgnoringError('NOOP');
      // 500 to 504 are about the question itself (RFC 959 §4.2.1).
      return reply.code >= 400 && Math.floor(reply.code / 10) !== 50 ? new FTPError(reply) : thrown;
    } catch {
      // It says nothing more: what happened to the transfer is all that is known.
      return thrown;
    }
  }

  /** One transfer. `untouched` is called where the server refused it before it took a byte. */
  async function transfer(name: string, source: UploadSource, from: number, untouched: () => void): Promise<void> {
    const stream = source.read(from);
    try {
      if (from > 0) await client.appendFrom(stream, name);
      else await client.uploadFrom(stream, name);
    } catch (thrown) {
      if (isRefusal(thrown, ...inTheWay) && !stream.readableDidRead) untouched();
      throw await reasonOf(thrown);
    } finally {
      stream.destroy();
    }
  }

  /**
   * Many a server lets nothing be continued, or written over (ProFTPD without AllowStoreRestart, AllowOverwrite): what an
   * earlier try has left is removed then, or it would be in the way for ever.
   */
  async function writeFrom(path: string, source: UploadSource, from: number): Promise<number> {
    const name = await nameIn(path);
    let refused = false;
    try {
      await transfer(name, source, from, () => {
        refused = true;
      });
      return from;
    } catch (thrown) {
      if (!refused) throw thrown;
      try {
        await client.remove(name);
      } catch (other) {
        // Nothing was in the way, or it may not be removed: the first refusal is what counts.
        throw isRefusal(other) ? thrown : other;
      }
    }
    await transfer(name, source, 0, () => undefined);
    return 0;
  }

  return {
    identity: progress.fingerprint === null ? '' : `certificate SHA-256 ${progress.fingerprint}`,
    ensureDirectory: (path) => told(() => ensureDirectory(path)),
    sizeOf: (path) => told(() => sizeOf(path)),
    async readBack(path, from, length) {
      const taken = new Beginning(length);
      try {
        await client.downloadTo(taken, await nameIn(path), from);
      } catch (thrown) {
        // Many a drop box may be written and not read: nothing is compared then.
        if (isRefusal(thrown)) return null;
        throw ftpError(server, progress, thrown);
      }
      return Buffer.concat(taken.parts).subarray(0, length);
    },
    write: (path, source, from) =>
      told(async () => {
        const began = await writeFrom(path, source, from);
        written = { path: whole(path), size: source.size };
        return began;
      }),
    rename: (from, to) =>
      told(async () => {
        // The command replaces on most servers (RFC 959 says nothing), so it is asked first.
        if ((await sizeOf(to)) !== null) return false;
        const name = await nameIn(from);
        await client.rename(name, whole(to).slice(whole(to).lastIndexOf('/') + 1));
        return true;
      }),
    remove: (path) => told(async () => void (await client.remove(await nameIn(path)))),
    spaceIn: async () => null,
  };
}
