import { Agent, type IncomingMessage, request as plainRequest } from 'node:http';
import { Agent as SecureAgent, request as secureRequest } from 'node:https';
import type { Clock, Timer } from '../../clock/clock';
import { type AlarmflowError, userError } from '../../domain/errors';
import { timeoutError } from './http-errors';

/** Where a device listens. */
export interface Origin {
  host: string;
  port: number;
  tls: boolean;
}

/** What ends the waiting for an answer: its caller, or the time that is left for all of it. */
export interface Patience {
  signal: AbortSignal;
  leftMs(): number;
  late(): AlarmflowError;
}

export interface TransportRequest extends Patience {
  origin: Origin;
  method: string;
  path: string;
  headers: Record<string, string>;
  body: Buffer | null;
}

/** One pool of sockets to one device. */
export interface Transport {
  /** Resolves with the head of the answer. */
  send(request: TransportRequest): Promise<IncomingMessage>;
  /** Reads a body to its end. `cut`: the device hung up before the length it had announced. */
  read(response: IncomingMessage, maxBytes: number, patience: Patience): Promise<{ body: Buffer; cut?: true }>;
  /** Gets rid of a body that nobody wants, so that the socket is free again or closed. */
  drain(response: IncomingMessage): Promise<void>;
  close(): void;
}

const CONNECT_MS = 5_000;
const DRAIN_MS = 2_000;
const DRAIN_BYTES = 64 * 1024;
const TCP_KEEP_ALIVE_MS = 10_000;
const REPEATABLE = new Set(['GET', 'HEAD', 'PUT', 'DELETE']);

export interface TransportOptions {
  device: string;
  clock: Clock;
  allowSelfSigned: boolean;
  sockets: number;
  keepAlive: boolean;
}

class AgentTransport implements Transport {
  readonly #device: string;
  readonly #clock: Clock;
  readonly #plain: Agent;
  readonly #secure: SecureAgent;

  constructor({ device, clock, allowSelfSigned, sockets, keepAlive }: TransportOptions) {
    this.#device = device;
    this.#clock = clock;
    const pool = { keepAlive, maxSockets: sockets, maxFreeSockets: sockets };
    this.#plain = new Agent(pool);
    this.#secure = new SecureAgent({
      ...pool,
      rejectUnauthorized: !allowSelfSigned,
      // Who accepts any certificate talks to old firmware too, which knows neither TLS 1.2 nor keys of today's length.
      ...(allowSelfSigned ? { minVersion: 'TLSv1', ciphers: 'DEFAULT@SECLEVEL=0' } : {}),
    });
  }

  close(): void {
    this.#plain.destroy();
    this.#secure.destroy();
  }

  async send(request: TransportRequest): Promise<IncomingMessage> {
    const sent = { reused: false };
    try {
      return await this.#once(request, sent);
    } catch (thrown) {
      // The device closed an idle socket at the moment we took it: nothing of this request was read.
      const code = thrown instanceof Error && 'code' in thrown ? thrown.code : undefined;
      const closedBefore = sent.reused && (code === 'ECONNRESET' || code === 'EPIPE');
      if (!closedBefore || request.signal.aborted || !REPEATABLE.has(request.method)) throw thrown;
      return this.#once(request, sent);
    }
  }

  #once(request: TransportRequest, sent: { reused: boolean }): Promise<IncomingMessage> {
    const { origin, method, path, headers, body, signal } = request;
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      const call = (origin.tls ? secureRequest : plainRequest)({
        host: origin.host,
        port: origin.port,
        method,
        path,
        headers: origin.host.includes('%') ? { Host: withoutZone(origin), ...headers } : headers,
        agent: origin.tls ? this.#secure : this.#plain,
        // Devices end lines with LF alone, send both lengths, or bytes behind `Connection: close`. A parser that bears
        // it is a danger to a proxy between strangers, not to a client that talks to one device.
        insecureHTTPParser: true,
      });
      const timers: Timer[] = [];
      const settle = (): void => {
        for (const timer of timers) timer.cancel();
        signal.removeEventListener('abort', abort);
      };
      const fail = (error: unknown): void => {
        settle();
        reject(error);
        call.destroy();
      };
      const abort = (): void => fail(signal.reason);
      signal.addEventListener('abort', abort, { once: true });
      const connecting = this.#clock.after(CONNECT_MS, () => fail(timeoutError(this.#device, 'connect', CONNECT_MS)));
      timers.push(connecting);
      const connected = (): void => {
        connecting.cancel();
        if (!call.destroyed) timers.push(this.#clock.after(request.leftMs(), () => fail(request.late())));
      };
      call.once('socket', (socket) => {
        sent.reused = call.reusedSocket;
        socket.setKeepAlive(true, TCP_KEEP_ALIVE_MS);
        if (sent.reused) connected();
        else socket.once(origin.tls ? 'secureConnect' : 'connect', connected);
      });
      call.once('response', (response) => {
        settle();
        resolve(response);
      });
      // Stays for the life of the socket: an error behind the answer (bytes beyond its length) concerns nobody any more.
      call.on('error', (error) => {
        settle();
        reject(error);
      });
      call.end(body ?? undefined);
    });
  }

  read(
    response: IncomingMessage,
    maxBytes: number,
    { signal, leftMs, late }: Patience,
  ): Promise<{ body: Buffer; cut?: true }> {
    return new Promise((resolve, reject) => {
      const chunks: Buffer[] = [];
      let size = 0;
      const settle = (): void => {
        timer.cancel();
        signal.removeEventListener('abort', abort);
      };
      const fail = (error: unknown): void => {
        settle();
        reject(error);
        response.destroy();
      };
      const abort = (): void => fail(signal.reason);
      const timer = this.#clock.after(leftMs(), () => fail(late()));
      signal.addEventListener('abort', abort, { once: true });
      response.on('data', (chunk: Buffer) => {
        size += chunk.length;
        if (size > maxBytes)
          return fail(
            userError(
              'E_DEVICE_ANSWER',
              `Device ${this.#device} answers with more than the ${maxBytes} bytes allowed. Check that address and port are those of the device.`,
              { facts: { device: this.#device, maxBytes } },
            ),
          );
        chunks.push(chunk);
      });
      response.once('end', () => {
        settle();
        resolve({ body: Buffer.concat(chunks) });
      });
      let failure: unknown = null;
      response.on('error', (error) => {
        failure = error;
      });
      response.once('close', () => {
        settle();
        // Announced more than it sends, then hangs up: what came may well be whole. Its reader judges (PROTOCOLS §0.7).
        // After an 'end' or a failure told above this changes nothing.
        if (size > 0 && !response.complete) resolve({ body: Buffer.concat(chunks), cut: true });
        else reject(failure ?? Object.assign(new Error('closed'), { code: 'ECONNRESET' }));
      });
      if (signal.aborted) abort();
    });
  }

  drain(response: IncomingMessage): Promise<void> {
    return new Promise((resolve) => {
      if (response.destroyed || response.readableEnded) return resolve();
      let size = 0;
      const timer = this.#clock.after(DRAIN_MS, () => response.destroy());
      response.on('data', (chunk: Buffer) => {
        size += chunk.length;
        // Not worth waiting for: closing the socket serves as well.
        if (size > DRAIN_BYTES) response.destroy();
      });
      response.on('error', () => {});
      response.once('close', () => {
        timer.cancel();
        resolve();
      });
    });
  }
}

/** Which of our networks a link-local address is on is our own business (RFC 6874 §1); servers refuse a zone in it. */
const withoutZone = ({ host, port }: Origin): string => `[${host.split('%', 1)[0]}]:${port}`;

export const createTransport = (options: TransportOptions): Transport => new AgentTransport(options);
