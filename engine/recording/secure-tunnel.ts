/**
 * RTSP over TLS. ffmpeg's own does not prove to whom it speaks, and can't be told to: here the connection is made and
 * proven, and ffmpeg is given a door of this machine to it, which opens once.
 */
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { connect, type TLSSocket } from 'node:tls';
import type { Clock } from '../clock/clock';
import type { StreamSecurity } from '../domain/devices';
import { type AlarmflowError, asAlarmflowError, operationalError } from '../domain/errors';

export interface SecureTunnel {
  /** Port of 127.0.0.1 behind which the camera is. */
  port: number;
  /** Why it broke, where that is known. */
  failure(): AlarmflowError | null;
  close(): void;
}

export interface TunnelTarget {
  /** For messages: `"Hall camera" channel 1`. */
  title: string;
  host: string;
  port: number;
  security: StreamSecurity;
}

const CONNECT_MS = 8_000;
/** An answer that sends the client elsewhere: it would follow, in clear and with the login. */
const redirect = /^RTSP\/1\.\d 30[1-8]\b/;

/** @throws E_RECORDER_TLS, E_RECORDER (operational), the signal's reason */
export async function openTunnel(target: TunnelTarget, clock: Clock, signal: AbortSignal): Promise<SecureTunnel> {
  const camera = await secured(target, clock, signal);
  let failure: AlarmflowError | null = null;
  let near: Socket | null = null;
  const server = createServer({ allowHalfOpen: false });
  const close = (): void => {
    server.close();
    near?.destroy();
    camera.destroy();
  };
  camera.on('error', (error) => {
    failure ??= operationalError('E_RECORDER', `The stream of ${target.title} broke off: ${error.message}`);
    near?.destroy();
  });
  camera.once('close', () => {
    near?.destroy();
    server.close();
  });
  server.on('connection', (socket) => {
    // One alone: what else knocks here is not our ffmpeg.
    if (near) {
      socket.destroy();
      return;
    }
    near = socket;
    server.close();
    socket.on('error', () => socket.destroy());
    socket.once('close', () => camera.destroy());
    socket.pipe(camera);
    camera.on('data', (chunk: Buffer) => {
      if (redirect.test(chunk.subarray(0, 16).toString('latin1'))) {
        failure ??= tlsError(
          `The camera of ${target.title} sends us to another address for its stream, which is not followed over TLS: enter that address, or switch its redirection off`,
        );
        close();
      } else if (!socket.write(chunk)) camera.pause();
    });
    socket.on('drain', () => camera.resume());
  });
  try {
    return { port: await listening(server), failure: () => failure, close };
  } catch (thrown) {
    close();
    throw asAlarmflowError(thrown);
  }
}

function listening(server: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host: '127.0.0.1', port: 0, backlog: 1 }, () => resolve((server.address() as AddressInfo).port));
  });
}

/** A connection whose other end is proven, as far as the dialog asks for it. */
function secured(target: TunnelTarget, clock: Clock, signal: AbortSignal): Promise<TLSSocket> {
  const { host, port, title, security } = target;
  const { fingerprint, authority, allowSelfSigned } = security;
  signal.throwIfAborted();
  return new Promise((resolve, reject) => {
    const socket = connect({
      host,
      port,
      rejectUnauthorized: fingerprint === '' && !allowSelfSigned,
      ...(authority === '' ? {} : { ca: authority }),
      ...(/^[\d.]+$|:/.test(host) ? {} : { servername: host }),
    });
    const leave = (thrown: unknown): void => {
      over();
      socket.on('error', () => undefined);
      socket.destroy();
      reject(thrown);
    };
    const aborted = (): void => leave(signal.reason);
    const failed = (error: NodeJS.ErrnoException): void => leave(connectError(title, error));
    const gone = (): void => leave(operationalError('E_RECORDER', `The camera of ${title} broke the connection off`));
    const late = clock.after(CONNECT_MS, () =>
      leave(
        operationalError(
          'E_RECORDER',
          `No secure connection to the stream of ${title} came about within ${CONNECT_MS / 1000} s: check camera, network and RTSP port`,
        ),
      ),
    );
    const over = (): void => {
      late.cancel();
      signal.removeEventListener('abort', aborted);
      socket.off('error', failed);
      socket.off('close', gone);
    };
    signal.addEventListener('abort', aborted, { once: true });
    socket.once('error', failed);
    socket.once('close', gone);
    socket.once('secureConnect', () => {
      const shown = socket.getPeerCertificate().fingerprint256;
      if (fingerprint !== '' && shown !== fingerprint) {
        leave(
          tlsError(
            `The stream of ${title} shows another certificate (SHA-256 ${shown || 'unknown'}) than the one in the dialog of the device. If it was renewed, enter the new fingerprint; if not, somebody stands between`,
          ),
        );
        return;
      }
      over();
      socket.setKeepAlive(true, 10_000);
      resolve(socket);
    });
  });
}

const tlsError = (text: string): AlarmflowError => operationalError('E_RECORDER_TLS', text);

const untrusted =
  /^(?:DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_|CERT_|ERR_TLS_CERT_ALTNAME_INVALID)/;

function connectError(title: string, error: NodeJS.ErrnoException): AlarmflowError {
  const code = error.code ?? '';
  if (untrusted.test(code))
    return tlsError(
      `The certificate of the stream of ${title} is not trusted (${code}): enter its fingerprint or its authority in the dialog of the device, or allow any certificate there`,
    );
  if (code === 'EPROTO' || /^ERR_(?:SSL|TLS|OSSL)/.test(code))
    return tlsError(
      `No secure connection to the stream of ${title} came about (${code}): check that RTSP over TLS is switched on at the camera, and its port (usually 322)`,
    );
  return operationalError('E_RECORDER', `The stream of ${title} can't be reached: ${code || error.message}`, {
    cause: error,
  });
}
