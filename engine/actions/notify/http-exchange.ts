/** One request over a connection of its own, and the head and beginning of its answer. No redirects, no proxy. */
import { type IncomingHttpHeaders, type IncomingMessage, request as startRequest } from 'node:http';
import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import type { AlarmCentre, AlarmCentreTls } from '../../domain/alarm-centre';
import { type AlarmflowError, userError } from '../../domain/errors';
import { centreError, centreName, cutError } from './centre-errors';

export interface HttpQuestion {
  method: string;
  /** Path and query. */
  target: string;
  headers: Record<string, string>;
  body: Buffer;
}

export interface HttpAnswer {
  status: number;
  headers: IncomingHttpHeaders;
  /** The beginning of the body. */
  said: string;
}

/** How much of a body is read; for what is not needed, the head is enough. */
export type BodyWish = (status: number) => { bytes: number; whole: boolean };

/** @throws E_CENTRE_… ; the signal's reason */
export async function exchange(
  centre: AlarmCentre,
  question: HttpQuestion,
  wish: BodyWish,
  signal: AbortSignal,
): Promise<HttpAnswer> {
  const { host } = new URL(centre.url);
  const socket = await openSocket(centre, signal);
  const stop = (): void => void socket.destroy();
  signal.addEventListener('abort', stop, { once: true });
  try {
    return await new Promise<HttpAnswer>((resolve, reject) => {
      const fail = (thrown: unknown): void => reject(signal.aborted ? signal.reason : centreError(centre, thrown));
      const asked = startRequest({
        // Without an agent: the socket is ours, and proven already.
        createConnection: () => socket,
        method: question.method,
        path: question.target,
        headers: { ...question.headers, host, connection: 'close', 'accept-encoding': 'identity' },
        setHost: false,
        maxHeaderSize: 16_384,
      });
      asked.on('error', (error) => fail(isCut(error) ? cutError(centre) : error));
      asked.on('response', (answer) => {
        readBody(answer, wish(answer.statusCode ?? 0)).then((body) => {
          if (body.cut) fail(cutError(centre));
          else resolve({ status: answer.statusCode ?? 0, headers: answer.headers, said: body.text });
        }, fail);
      });
      asked.end(question.body);
    });
  } finally {
    signal.removeEventListener('abort', stop);
    socket.destroy();
  }
}

const isCut = (error: Error): boolean =>
  'code' in error && (error.code === 'ECONNRESET' || error.code === 'EPIPE' || error.code === 'HPE_INVALID_EOF_STATE');

/** Reads so much of a body; where it need not be whole, what breaks it off is no error. */
function readBody(
  answer: IncomingMessage,
  { bytes, whole }: { bytes: number; whole: boolean },
): Promise<{ text: string; cut: boolean }> {
  if (bytes === 0) return Promise.resolve({ text: '', cut: false });
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const done = (cut: boolean): void =>
      resolve({ text: Buffer.concat(chunks).subarray(0, bytes).toString('utf8'), cut: cut && whole });
    answer.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      size += chunk.length;
      if (size >= bytes) done(false);
    });
    answer.on('end', () => done(!answer.complete));
    answer.on('error', () => done(true));
    answer.on('close', () => done(true));
  });
}

function openSocket(centre: AlarmCentre, signal: AbortSignal): Promise<Socket> {
  const { protocol, hostname, port } = new URL(centre.url);
  const host = hostname.replace(/^\[(.*)\]$/, '$1');
  const secure = protocol === 'https:';
  const where = { host, port: Number(port) || (secure ? 443 : 80) };
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    let socket: Socket;
    try {
      socket = secure
        ? connectTls({ ...where, ...(isIP(host) ? {} : { servername: host }), ...tlsOptions(centre.tls) })
        : connectTcp(where);
    } catch (thrown) {
      // A key that does not fit its certificate, or a wrong passphrase: nothing has been sent.
      return reject(centreError(centre, thrown));
    }
    const stop = (): void => {
      socket.destroy();
      reject(signal.reason);
    };
    signal.addEventListener('abort', stop, { once: true });
    socket.on('error', (error) => {
      signal.removeEventListener('abort', stop);
      reject(centreError(centre, error));
    });
    socket.once('close', () => reject(cutError(centre)));
    socket.once(secure ? 'secureConnect' : 'connect', () => {
      signal.removeEventListener('abort', stop);
      const strange = secure ? otherCertificate(centre, socket as TLSSocket) : null;
      if (strange === null) return resolve(socket);
      // Before the first byte of ours: neither alarm nor login reaches a stranger.
      socket.destroy();
      reject(strange);
    });
  });
}

const tlsOptions = ({ authority, fingerprint, certificate, key, passphrase }: AlarmCentreTls) => ({
  rejectUnauthorized: fingerprint === '',
  ...(authority === '' ? {} : { ca: authority }),
  ...(certificate === '' ? {} : { cert: certificate, key }),
  ...(passphrase === '' ? {} : { passphrase }),
});

function otherCertificate(centre: AlarmCentre, socket: TLSSocket): AlarmflowError | null {
  const { fingerprint } = centre.tls;
  if (fingerprint === '') return null;
  const shown = socket.getPeerCertificate().fingerprint256;
  if (shown === fingerprint) return null;
  return userError(
    'E_CENTRE_CERTIFICATE',
    `${centreName(centre)} shows another certificate (SHA-256 ${shown || 'unknown'}) than the one in its dialog. If it was renewed, enter the new fingerprint; if not, somebody stands between`,
  );
}
