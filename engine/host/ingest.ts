/** The door for devices: `/ingest/<token>`. A push is answered only when its consequence is on disk (DESIGN §4). */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Clock } from '../clock/clock';
import { type PushAnswer, type PushRequest, type PushRules, usualPushRules } from '../domain/devices';
import { asAlarmflowError, operationalError, toldByRecord, userError } from '../domain/errors';
import type { Log } from '../domain/log';
import { type AddressList, addressList, type Peer } from './addresses';
import { codingOf, unpackBody } from './packed-body';
import { type Bucket, fullBucket, type RateRules, takeToken } from './rate-limit';
import { closeAfterAnswer, plainSecurityHeaders, sendError, sendText } from './replies';

export interface IngestOptions {
  /**
   * The device behind a token, or null. Must take the same time for nearly right and for wrong tokens,
   * e.g. by looking up a hash. Without rules: POST and PUT, bodies as they are.
   */
  resolve(token: string): { deviceId: string; pushFrom: string[]; rules?: PushRules | null } | null;
  /** Resolves when the consequence of the push is on disk, with what the sender wants to be answered if anything. */
  push(deviceId: string, request: PushRequest): Promise<PushAnswer | null>;
  /** Whether the flows have started; before that, devices are asked to come again. */
  ready(): boolean;
  maxBytes: number;
  /** Pushes per second and device; 0: no limit. */
  ratePerSecond: number;
  clock: Clock;
  log: Log;
  /** Told of every answer. */
  answered?(answer: { status: number; durationMs: number; bytes: number }): void;
}

export interface Ingest {
  handle(request: IncomingMessage, response: ServerResponse, peer: Peer): Promise<void>;
}

const PATH = /^\/ingest(?:\/([^/?]*)(\/[^?]*)?)?(\?.*)?$/;
/** Bodies in memory at once, as a multiple of the largest. */
const BODIES_AT_ONCE = 8;
/** Methods that some driver may take; others are refused before anything is looked up. */
const METHODS = ['POST', 'PUT', 'GET'];
const MOST_BUCKETS = 10_000;
/** Wrong tokens are logged at most this often. */
const WRONG_TOKEN_LOG_MS = 60_000;

/** What one push takes of the memory that all pushes share; both throw `E_INGEST_FULL` (operational). */
interface Memory {
  hold(bytes: number): void;
  /** The same, and it counts as traffic. */
  received(bytes: number): void;
}

export function createIngest(options: IngestOptions): Ingest {
  const { clock, log, maxBytes } = options;
  const rate: RateRules = { perSecond: options.ratePerSecond, burst: Math.max(1, options.ratePerSecond * 2) };
  const buckets = new Map<string, Bucket>();
  const lists = new Map<string, AddressList>();
  let held = 0;
  let wrongTokens = 0;
  let wrongLoggedAt = Number.NEGATIVE_INFINITY;

  function listOf(pushFrom: string[]): AddressList {
    const key = pushFrom.join(',');
    const known = lists.get(key);
    if (known) return known;
    // Lists change with a deploy only; a few hundred are the most that a site has.
    if (lists.size >= 1_000) lists.clear();
    const list = addressList(pushFrom);
    lists.set(key, list);
    return list;
  }

  function withinRate(deviceId: string): number {
    const now = clock.monotonic();
    const taken = takeToken(buckets.get(deviceId) ?? fullBucket(now, rate), now, rate);
    if (buckets.size >= MOST_BUCKETS && !buckets.has(deviceId)) buckets.clear();
    buckets.set(deviceId, taken.bucket);
    return taken.waitMs;
  }

  function countWrongToken(address: string): void {
    wrongTokens++;
    const now = clock.monotonic();
    if (now - wrongLoggedAt < WRONG_TOKEN_LOG_MS) return;
    log.warn('ingest.unknown-path', { address, count: wrongTokens });
    wrongLoggedAt = now;
    wrongTokens = 0;
  }

  /** The whole body, at most `maxBytes`; E_BODY_TOO_LARGE (user), E_INGEST_FULL (operational). */
  async function readBody(request: IncomingMessage, memory: Memory): Promise<Buffer> {
    const chunks: Buffer[] = [];
    let size = 0;
    // Leaving the loop early must not tear the connection down: the sender is to read why.
    for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > maxBytes) throw tooLarge(maxBytes);
      memory.received(chunk.length);
      chunks.push(chunk);
    }
    return chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks);
  }

  /** Returns the status. */
  async function serve(
    request: IncomingMessage,
    response: ServerResponse,
    peer: Peer,
    memory: Memory,
  ): Promise<number> {
    const refuse = (error: unknown): number => {
      closeAfterAnswer(request, response, clock);
      return sendError(response, error, log);
    };
    const method = request.method ?? '';
    const wrongMethod = (allowed: readonly string[]): number => {
      closeAfterAnswer(request, response, clock);
      const text = `Devices push their events here with ${allowed.join(' or ')}; there is nothing to read.`;
      sendText(response, 405, text, { allow: allowed.join(', ') });
      return 405;
    };
    if (!METHODS.includes(method)) return wrongMethod(usualPushRules.methods);
    const [, token = '', rest = '', query = ''] = PATH.exec(request.url ?? '') ?? [];
    const target = options.resolve(token);
    if (!target) {
      countWrongToken(peer.address);
      return refuse(userError('E_NOT_FOUND', 'No device pushes to this path: copy the path from the device node'));
    }
    const { deviceId } = target;
    if (target.pushFrom.length > 0 && !listOf(target.pushFrom).includes(peer.address)) {
      log.warn('ingest.foreign-address', { deviceId, address: peer.address });
      return refuse(
        userError('E_PUSH_ADDRESS', `${peer.address} is not on the list of addresses that may push for this device`),
      );
    }
    const rules = target.rules ?? usualPushRules;
    if (!rules.methods.includes(method)) return wrongMethod(rules.methods);
    if (!options.ready())
      return refuse(operationalError('E_NOT_READY', 'The flows are still starting', { retryAfterMs: 2_000 }));
    const waitMs = withinRate(deviceId);
    if (waitMs > 0)
      return refuse(
        operationalError('E_TOO_MANY_PUSHES', `More than ${rate.perSecond} pushes per second from one device`, {
          retryAfterMs: waitMs,
        }),
      );
    const told = request.headers['content-encoding'] ?? '';
    const coding = codingOf(told, Buffer.alloc(0));
    if (coding === null || (coding !== 'identity' && !rules.packed))
      return refuse(
        userError(
          'E_CONTENT_ENCODING',
          `The body is coded as "${told.slice(0, 60)}": send it as it is, without Content-Encoding${rules.packed ? ', or coded as gzip or deflate' : ''}`,
        ),
      );
    if (Number(request.headers['content-length'] ?? 0) > maxBytes) return refuse(tooLarge(maxBytes));
    if (/^100-continue$/i.test(request.headers.expect ?? '')) response.writeContinue();
    let body: Buffer;
    try {
      body = await readBody(request, memory);
    } catch (error) {
      if (request.destroyed && !request.complete && asAlarmflowError(error).family === 'bug') {
        log.debug('ingest.cut-off', { deviceId, address: peer.address });
        response.destroy();
        return 499;
      }
      return refuse(error);
    }
    const headers = { ...request.headers };
    let answer: PushAnswer | null;
    try {
      if (rules.packed) {
        const found = codingOf(told, body);
        if (found === 'gzip' || found === 'deflate') body = await unpackBody(found, body, maxBytes, memory.hold);
        delete headers['content-encoding'];
      }
      answer = await options.push(deviceId, {
        method,
        path: `${rest || '/'}${query}`,
        headers,
        body,
        remoteAddress: peer.address,
      });
    } catch (thrown) {
      const error = asAlarmflowError(thrown);
      if (error.family !== 'bug')
        log[toldByRecord(error) ? 'debug' : 'warn']('ingest.refused', {
          deviceId,
          code: error.code,
          error: error.message,
        });
      return sendError(response, error, log);
    }
    return sendAnswer(response, answer);
  }

  return {
    async handle(request, response, peer) {
      const startedAt = clock.monotonic();
      let bytes = 0;
      let own = 0;
      const hold = (more: number): void => {
        if (held + more > maxBytes * BODIES_AT_ONCE)
          throw operationalError('E_INGEST_FULL', 'Too many large pushes at once', { retryAfterMs: 1_000 });
        own += more;
        held += more;
      };
      const received = (more: number): void => {
        hold(more);
        bytes += more;
      };
      try {
        const status = await serve(request, response, peer, { hold, received });
        options.answered?.({ status, durationMs: clock.monotonic() - startedAt, bytes });
      } finally {
        held -= own;
      }
    },
  };
}

/** What the sender asked for, or 200 without a body. */
function sendAnswer(response: ServerResponse, answer: PushAnswer | null): number {
  if (!answer) {
    response.writeHead(200, { 'content-length': '0' });
    response.end();
    return 200;
  }
  const { status } = answer;
  // These have no body by their meaning (RFC 9110 §15.3.5, §15.3.6); a client would wait for one that is announced.
  const bytes = Buffer.from(status === 204 || status === 205 ? '' : answer.body, 'utf8');
  response.writeHead(status, {
    ...plainSecurityHeaders,
    'cache-control': 'no-store',
    ...(bytes.length > 0 ? { 'content-type': answer.contentType } : {}),
    ...(status === 204 ? {} : { 'content-length': String(bytes.length) }),
  });
  response.end(bytes);
  return status;
}

const tooLarge = (most: number): Error =>
  userError(
    'E_BODY_TOO_LARGE',
    `The body is larger than ${most} bytes: let the device send smaller pictures, or raise --ingest-max-bytes`,
  );
