import type { IncomingMessage } from 'node:http';
import type { Clock } from '../../clock/clock';
import { type AlarmflowError, bugError, operationalError, userError } from '../../domain/errors';
import type { Log } from '../../domain/log';
import { createCredentialBreaker, type RefusalMemory } from './credential-breaker';
import { type Challenge, type Credentials, chooseChallenge, createDigestSession, parseChallenges } from './digest';
import { abortError, connectionError, timeoutError } from './http-errors';
import { createTransport, type Origin, type Patience, type Transport } from './transport';
import { createTurns, type Turns } from './turns';

export interface DeviceHttpOptions {
  host: string;
  port: number;
  tls: boolean;
  /** Accept a certificate that no authority signed. */
  allowSelfSigned: boolean;
  credentials: Credentials | null;
  /** Never Basic: whoever answers there may be somebody else, who must not be given the password. */
  digestOnly?: boolean;
  clock: Clock;
  log: Log;
  /** All traffic is kept back until then (wall ms) because the device refused the password; null: free again. */
  onLocked(until: number | null): void;
  /** Refusals of the login before this client; absent: none are known. */
  refusals?: RefusalMemory | undefined;
  /** `Date` header of any answer. */
  onClockDate?(dateHeader: string): void;
  /** Sockets for requests beside the stream; default 2. */
  maxSockets?: number;
}

export interface DeviceRequest {
  method: string;
  /** Request target, percent-encoded, sent exactly as given, e.g. `/ISAPI/System/deviceInfo`. */
  path: string;
  headers?: Record<string, string>;
  body?: string | Buffer;
  signal: AbortSignal;
  /** Time for the whole answer once the request has its turn; default 10,000 ms. */
  timeoutMs?: number;
  /** Largest answer body; default 8 MiB. */
  maxBytes?: number;
  /**
   * Asked beside what matters, with a login that others have proven: a 401 is no word about the password but a missing
   * right (`E_LOW_PRIVILEGE`, user), and keeps nothing back.
   */
  optional?: boolean;
}

export interface DeviceStreamRequest {
  /** Default GET. */
  method?: string;
  path: string;
  headers?: Record<string, string>;
  body?: string | Buffer;
  signal: AbortSignal;
}

/** Header names in lower case; repeated ones joined with a comma. */
export type DeviceHeaders = Record<string, string>;

export interface DeviceResponse {
  status: number;
  headers: DeviceHeaders;
  body: Buffer;
  /** The device hung up before the length it had announced: the body may lack its end. */
  cut?: true;
}

export interface DeviceStream {
  status: number;
  headers: DeviceHeaders;
  body: AsyncIterable<Buffer>;
}

/**
 * The HTTP client of one device: one queue, one login, one breaker for stream, poller and actions (PROTOCOLS §0.2).
 *
 * Errors: `E_DEVICE_OFFLINE`, `E_DEVICE_TIMEOUT`, `E_DEVICE_PROTOCOL`, `E_CREDENTIALS_REFUSED` (with retryAfterMs),
 * `E_ABORTED` (operational); `E_DEVICE_TLS`, `E_CREDENTIALS_MISSING`, `E_DEVICE_LOGIN` (no login method we know),
 * `E_DEVICE_ANSWER` (larger than allowed) (user).
 */
export interface DeviceHttp {
  /** Resolves with any status but a refused password; the caller judges status and body (PROTOCOLS §0.7). */
  request(request: DeviceRequest): Promise<DeviceResponse>;
  /**
   * An answer without end. Resolves with its head, whatever its status; there is no time limit on the body (the caller
   * has the watchdog). One stream at a time: a second one waits for its turn. The socket is closed when the signal
   * aborts or the reader stops reading, so one of the two must happen.
   */
  stream(request: DeviceStreamRequest): Promise<DeviceStream>;
  /** Wall time until which all traffic is kept back, or null. */
  lockedUntil(): number | null;
  /**
   * The device refused the password in the words of an answer that is a success by its status: all traffic is kept back
   * as after a 401. Answers with the error to throw.
   *
   * @param times how often in a row
   */
  refused(times: number): AlarmflowError;
  /** Ends everything under way with `E_ABORTED`. */
  close(): void;
}

const DEFAULT_TIMEOUT_MS = 10_000;
const DEFAULT_MAX_BYTES = 8 << 20;
/**
 * A flooding device fills buffers of 64 KiB with a hundred events; reading them at one go would hold up the alarms of all
 * other devices for tens of milliseconds. This much takes one or two.
 */
const SLICE_BYTES = 8 * 1024;
/** Lets what the other sockets have brought be worked off. */
const othersFirst = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
/** A device that keeps saying "stale" or refusing nonces must not be asked for ever. */
const MAX_TRIES = 5;
/** Printable ASCII without quote and backslash, which would break out of the `uri` of a digest. */
const TARGET = /^\/[\x21\x23-\x5b\x5d-\x7e]*$/;
const REDIRECTS = new Set([301, 302, 307, 308]);

/** One request on the wire; its head has come, its body has not been read. */
interface Exchange {
  method: string;
  path: string;
  headers: Record<string, string>;
  body: Buffer | null;
  optional: boolean;
  origin: Origin;
  patience: Patience;
}

type Step = { response: IncomingMessage } | { again: 'probe' } | { again: 'answer'; response: IncomingMessage };

class SharedDeviceHttp implements DeviceHttp {
  readonly #options: DeviceHttpOptions;
  readonly #device: string;
  readonly #breaker;
  readonly #session;
  readonly #requests: Turns;
  readonly #streams = createTurns(1);
  /** Fresh answers to challenges go one by one: several at once would each count as a refused login. */
  readonly #logins = createTurns(1);
  readonly #forRequests: Transport;
  readonly #forStream: Transport;
  readonly #closed = new AbortController();
  /** Where the device is; its HTTPS side once it has sent us there. */
  #origin: Origin;
  readonly #configured: Origin;

  constructor(options: DeviceHttpOptions) {
    this.#options = options;
    this.#device = `${options.host}:${options.port}`;
    this.#configured = { host: options.host, port: options.port, tls: options.tls };
    this.#origin = this.#configured;
    const onLocked = (until: number | null): void => {
      options.log.warn(until === null ? 'device-credentials-free' : 'device-credentials-refused', {
        device: this.#device,
        until,
      });
      options.onLocked(until);
    };
    this.#breaker = createCredentialBreaker(this.#device, options.clock, onLocked, options.refusals);
    this.#session = options.credentials ? createDigestSession(options.credentials) : null;
    const sockets = options.maxSockets ?? 2;
    this.#requests = createTurns(sockets);
    const { clock, allowSelfSigned } = options;
    this.#forRequests = createTransport({ device: this.#device, clock, allowSelfSigned, sockets, keepAlive: true });
    this.#forStream = createTransport({ device: this.#device, clock, allowSelfSigned, sockets: 1, keepAlive: true });
  }

  lockedUntil(): number | null {
    return this.#breaker.lockedUntil();
  }

  refused(times: number): AlarmflowError {
    this.#session?.clear();
    return this.#breaker.refused(times);
  }

  close(): void {
    this.#closed.abort(
      operationalError('E_ABORTED', `The connection to device ${this.#device} was closed.`, {
        facts: { device: this.#device },
      }),
    );
    this.#breaker.close();
    this.#forRequests.close();
    this.#forStream.close();
  }

  async request(request: DeviceRequest): Promise<DeviceResponse> {
    const { signal, giveBack } = await this.#turn(this.#requests, request.signal);
    try {
      const exchange = this.#prepare(request, request.timeoutMs ?? DEFAULT_TIMEOUT_MS, signal);
      const response = await this.#perform(this.#forRequests, exchange);
      const { body, cut } = await this.#forRequests.read(
        response,
        request.maxBytes ?? DEFAULT_MAX_BYTES,
        exchange.patience,
      );
      return { status: response.statusCode ?? 0, headers: headersOf(response), body, ...(cut ? { cut } : {}) };
    } catch (thrown) {
      throw this.#explain(thrown, signal);
    } finally {
      giveBack();
    }
  }

  async stream(request: DeviceStreamRequest): Promise<DeviceStream> {
    const { signal, giveBack } = await this.#turn(this.#streams, request.signal);
    try {
      const exchange = this.#prepare({ method: 'GET', ...request }, DEFAULT_TIMEOUT_MS, signal);
      const response = await this.#perform(this.#forStream, exchange);
      const cutOff = (): void => {
        response.destroy();
      };
      signal.addEventListener('abort', cutOff, { once: true });
      response.once('close', () => {
        signal.removeEventListener('abort', cutOff);
        giveBack();
      });
      // An error that comes while nobody reads is told to the reader by the body; unheard it would end the process.
      response.on('error', () => {});
      if (signal.aborted) cutOff();
      return {
        status: response.statusCode ?? 0,
        headers: headersOf(response),
        body: this.#streamBody(response, signal),
      };
    } catch (thrown) {
      giveBack();
      throw this.#explain(thrown, signal);
    }
  }

  async *#streamBody(response: IncomingMessage, signal: AbortSignal): AsyncGenerator<Buffer> {
    try {
      if (signal.aborted) throw signal.reason;
      for await (const chunk of response as AsyncIterable<Buffer>)
        for (let from = 0; from < chunk.length; from += SLICE_BYTES) {
          yield chunk.subarray(from, from + SLICE_BYTES);
          await othersFirst();
        }
      if (signal.aborted) throw signal.reason;
    } catch (thrown) {
      throw this.#explain(thrown, signal);
    } finally {
      response.destroy();
    }
  }

  #prepare(
    request: DeviceStreamRequest & Pick<DeviceRequest, 'optional'> & { method: string },
    timeoutMs: number,
    signal: AbortSignal,
  ): Exchange {
    if (!TARGET.test(request.path))
      throw bugError('E_BAD_PATH', 'A request target must begin with "/" and be percent-encoded.', {
        facts: { device: this.#device },
      });
    const ends = this.#options.clock.monotonic() + timeoutMs;
    const body = request.body === undefined ? null : Buffer.from(request.body);
    const needsLength = body !== null || !['GET', 'HEAD', 'DELETE'].includes(request.method);
    return {
      method: request.method,
      path: request.path,
      headers: {
        'user-agent': 'alarmflow',
        accept: '*/*',
        ...request.headers,
        ...(needsLength ? { 'content-length': String(body?.length ?? 0) } : {}),
      },
      body,
      optional: request.optional === true,
      origin: this.#origin,
      patience: {
        signal,
        leftMs: () => Math.max(0, ends - this.#options.clock.monotonic()),
        late: () => timeoutError(this.#device, 'answer', timeoutMs),
      },
    };
  }

  /** Waits for a turn; the signal it hands out is the caller's and that of close(). */
  async #turn(turns: Turns, caller: AbortSignal): Promise<{ signal: AbortSignal; giveBack: () => void }> {
    this.#breaker.check();
    const { signal, unlink } = linkSignals(caller, this.#closed.signal);
    try {
      const release = await turns.take(signal);
      return {
        signal,
        giveBack: () => {
          unlink();
          release();
        },
      };
    } catch {
      unlink();
      // Only the signal ends the waiting.
      throw abortError(this.#device, signal);
    }
  }

  #explain(thrown: unknown, signal: AbortSignal): Error {
    if (signal.aborted) return abortError(this.#device, signal);
    const error = connectionError(this.#device, thrown);
    if (error.code === 'E_DEVICE_OFFLINE' && this.#origin !== this.#configured) {
      // Its HTTPS side is gone, perhaps because HTTPS was switched off: ask the configured one again.
      this.#origin = this.#configured;
      this.#session?.clear();
    }
    return error;
  }

  /** The whole dance: redirect to HTTPS, challenge, answer. Resolves with the head of the answer that counts. */
  async #perform(transport: Transport, exchange: Exchange): Promise<IncomingMessage> {
    const first = await this.#login(transport, exchange);
    const to = this.#upgrade(first, exchange);
    if (!to) return first;
    await transport.drain(first);
    this.#options.log.info('device-redirects-to-https', { device: this.#device, port: to.origin.port });
    // Later requests go there at once. A login is for one origin.
    this.#origin = to.origin;
    this.#session?.clear();
    return this.#login(transport, { ...exchange, ...to });
  }

  /** Where a redirect leads, if it is one that may be followed: from HTTP to HTTPS of the same host. */
  #upgrade(response: IncomingMessage, { origin, path }: Exchange): { origin: Origin; path: string } | null {
    if (origin.tls || !REDIRECTS.has(response.statusCode ?? 0)) return null;
    const location = response.headers.location ?? '';
    const url = URL.canParse(location) ? new URL(location) : null;
    if (url?.protocol !== 'https:' || url.username !== '' || url.password !== '') return null;
    if (plainHost(url.hostname) !== plainHost(origin.host)) return null;
    // The target is taken as it is written there; a parsed one would be encoded anew and no longer match its digest.
    const written = /^https:\/\/[^/?#]*(\/[\x21\x24-\x5b\x5d-\x7e]*)?/i.exec(location)?.[1] ?? '/';
    return {
      origin: { host: origin.host, port: url.port === '' ? 443 : Number(url.port), tls: true },
      path: written === '/' ? path : written,
    };
  }

  async #login(transport: Transport, exchange: Exchange): Promise<IncomingMessage> {
    let probe = false;
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      this.#breaker.check();
      const step = probe ? await this.#probe(transport, exchange) : await this.#known(transport, exchange);
      if ('again' in step && step.again === 'probe') {
        probe = true;
        continue;
      }
      if (!('again' in step)) return step.response;
      const answered = await this.#answer(transport, exchange, step.response);
      if (answered) return answered;
      probe = false;
    }
    throw operationalError(
      'E_DEVICE_PROTOCOL',
      `Device ${this.#device} asked for the login again and again without refusing it. Restart it if that goes on.`,
      { facts: { device: this.#device } },
    );
  }

  /** A request with the nonce in use; without one it is a probe. */
  async #known(transport: Transport, exchange: Exchange): Promise<Step> {
    const known = this.#session?.reuse(exchange.method, exchange.path);
    if (!known) return this.#probe(transport, exchange);
    const response = await this.#send(transport, exchange, known.header);
    if (response.statusCode !== 401 && response.statusCode !== 403) {
      this.#breaker.accepted();
      return { response };
    }
    this.#session?.forget(known.challenge);
    const next = this.#choose(response);
    if (response.statusCode === 401 && next?.stale) return { again: 'answer', response };
    // Some devices answer 403 or 401 to a nonce used again: once more from the start (PROTOCOLS §0.2).
    await transport.drain(response);
    return { again: 'probe' };
  }

  #choose(response: IncomingMessage): Challenge | null {
    const offered = parseChallenges(response.headersDistinct['www-authenticate']);
    return chooseChallenge(this.#options.digestOnly ? offered.filter(({ scheme }) => scheme === 'digest') : offered);
  }

  /** A request without Authorization: no try of the password. */
  async #probe(transport: Transport, exchange: Exchange): Promise<Step> {
    const response = await this.#send(transport, exchange, null);
    return response.statusCode === 401 ? { again: 'answer', response } : { response };
  }

  /** Answers a challenge. Null: the device wants the whole dance again; throws when it refuses the password. */
  async #answer(
    transport: Transport,
    exchange: Exchange,
    challenged: IncomingMessage,
  ): Promise<IncomingMessage | null> {
    let challenge = this.#choose(challenged);
    await transport.drain(challenged);
    const session = this.#session;
    if (!session)
      throw userError(
        'E_CREDENTIALS_MISSING',
        `Device ${this.#device} asks for a user and a password: enter them in its dialog.`,
        { facts: { device: this.#device } },
      );
    const waited = this.#logins.busy();
    const leave = await this.#logins.take(exchange.patience.signal);
    try {
      this.#breaker.check();
      // Another request has logged in meanwhile, or this challenge has grown old: begin anew.
      if (waited) return null;
      for (let tries = 0; tries < 3; tries++) {
        if (!challenge)
          throw userError(
            'E_DEVICE_LOGIN',
            this.#options.digestOnly
              ? `Device ${this.#device} does not ask for the login by Digest, so it was not sent.`
              : `Device ${this.#device} offers no login method that is supported (Digest with MD5 or SHA-256, or Basic): enable one in its security settings.`,
            { facts: { device: this.#device } },
          );
        const { header, cnonce } = session.answer(exchange.method, exchange.path, challenge);
        const response = await this.#send(transport, exchange, header);
        if (response.statusCode !== 401) {
          session.accepted(challenge, cnonce);
          if (response.statusCode !== 403) this.#breaker.accepted();
          return response;
        }
        challenge = this.#choose(response);
        await transport.drain(response);
        if (!challenge?.stale) throw exchange.optional ? lowPrivilege(this.#device, exchange) : this.#breaker.refused();
      }
      return null;
    } finally {
      leave();
    }
  }

  async #send(transport: Transport, exchange: Exchange, authorization: string | null): Promise<IncomingMessage> {
    const headers = authorization === null ? exchange.headers : { ...exchange.headers, authorization };
    const response = await transport.send({ ...exchange, ...exchange.patience, headers });
    const date = response.headers.date;
    if (date) this.#options.onClockDate?.(date);
    return response;
  }
}

/** A signal that aborts with either. `AbortSignal.any` leaves a trace on a long-lived signal for each use (measured). */
function linkSignals(...sources: AbortSignal[]): { signal: AbortSignal; unlink: () => void } {
  const controller = new AbortController();
  const listeners = sources.map((source) => {
    const abort = (): void => controller.abort(source.reason);
    if (source.aborted) abort();
    source.addEventListener('abort', abort, { once: true });
    return () => source.removeEventListener('abort', abort);
  });
  return {
    signal: controller.signal,
    unlink: () => {
      for (const remove of listeners) remove();
    },
  };
}

const plainHost = (host: string): string => host.toLowerCase().replace(/^\[|\]$/g, '');

function headersOf(response: IncomingMessage): DeviceHeaders {
  const headers: DeviceHeaders = Object.create(null);
  for (const [name, values] of Object.entries(response.headersDistinct)) headers[name] = (values ?? []).join(', ');
  return headers;
}

const lowPrivilege = (device: string, { path }: Pick<Exchange, 'path'>): AlarmflowError =>
  userError(
    'E_LOW_PRIVILEGE',
    `Device ${device} refuses ${path.split('?')[0]} to this user: give the device's user the right to it, if it is wanted.`,
    { facts: { device } },
  );

/** The same client for questions that are only nice to have: see `DeviceRequest.optional`. */
export const askingOnly = (http: DeviceHttp): DeviceHttp => ({
  request: (request) => http.request({ ...request, optional: true }),
  stream: (request) => http.stream(request),
  lockedUntil: () => http.lockedUntil(),
  refused: (times) => http.refused(times),
  close: () => http.close(),
});

/** A client for one device. Changed credentials take a new one; its breaker starts afresh. */
export const createDeviceHttp = (options: DeviceHttpOptions): DeviceHttp => new SharedDeviceHttp(options);
