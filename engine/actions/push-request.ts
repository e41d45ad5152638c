/** One message to one browser by its push service: encrypted (RFC 8291), signed (RFC 8292), over HTTPS (RFC 8030). */

import { lookup } from 'node:dns';
import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import type { LookupFunction } from 'node:net';
import { generateRequestDetails } from 'web-push';
import { type Clock, parseHttpDate } from '../clock/clock';
import { type AlarmflowError, operationalError, userError } from '../domain/errors';
import type { PushIdentity, PushSubscription, PushUrgency } from '../domain/web-push';
import { endpointFault, isPublicAddress } from './public-address';
import { limited } from './time-limit';

/** Push services that are not on the open Internet, for sites and tests that have one of their own. */
export interface PushNetwork {
  /** Whether a name that has this address may be spoken to. */
  allows(address: string): boolean;
  /** Certificate authority in place of the usual ones, PEM. */
  ca?: string;
  /** Stands in for the system's look-up of names. */
  lookup?: LookupFunction;
}

export const openInternet: PushNetwork = { allows: isPublicAddress };

export interface PushSending {
  payload: Buffer;
  /** Seconds for which the push service keeps it for a browser that is away. */
  ttl: number;
  urgency: PushUrgency;
  /** At most 32 characters base64url: takes the place of what waits under the same (RFC 8030 §5.4). */
  topic: string;
}

export type PushAnswer = 'taken' | 'gone';

const LIMIT_MS = 15_000;
/** Of an answer that nobody needs. */
const MOST_ANSWER = 8 * 1024;
const LONGEST_WAIT_MS = 3_600_000;
const DEFAULT_WAIT_MS = 30_000;

/** Name of the push service, the only part of an endpoint that may be told. */
export const serviceOf = (endpoint: string): string => (URL.canParse(endpoint) ? new URL(endpoint).host : 'unknown');

/** Looks a name up and refuses it as a whole where one of its addresses is none of a push service. */
const guardedLookup =
  (network: PushNetwork): LookupFunction =>
  (hostname, options, callback) => {
    const find: LookupFunction = network.lookup ?? (lookup as LookupFunction);
    find(hostname, { ...options, all: true }, (error, found) => {
      if (error) return callback(error, '');
      const addresses = (Array.isArray(found) ? found : [{ address: found, family: 4 }]) as {
        address: string;
        family: number;
      }[];
      const wrong = addresses.find(({ address }) => !network.allows(address));
      const first = addresses[0];
      if (wrong !== undefined || first === undefined) {
        const refused = new Error('the name leads to an address inside this network') as NodeJS.ErrnoException;
        refused.code = 'E_PRIVATE_ADDRESS';
        return callback(refused, '');
      }
      if ((options as { all?: boolean }).all) return callback(null, addresses);
      callback(null, first.address, first.family);
    });
  };

/**
 * Resolves to what the push service has answered.
 * @throws E_PUSH_ENDPOINT, E_PUSH_REFUSED, E_PUSH_TOO_LARGE (user), E_PUSH_SERVICE, E_PUSH_BUSY, E_TOO_SLOW
 * (operational), the signal's reason
 */
export async function sendPush(
  subscription: PushSubscription,
  sending: PushSending,
  identity: PushIdentity,
  parts: { clock: Clock; network: PushNetwork },
  signal: AbortSignal,
): Promise<PushAnswer> {
  const { endpoint } = subscription;
  const service = serviceOf(endpoint);
  const fault = endpointFault(endpoint);
  if (fault !== null)
    throw userError('E_PUSH_ENDPOINT', `The browser "${subscription.browser}" names no push service: ${fault}`);
  const { method, headers, body } = generateRequestDetails(
    { endpoint, keys: { p256dh: subscription.p256dh, auth: subscription.auth } },
    sending.payload,
    {
      vapidDetails: { subject: identity.contact, publicKey: identity.publicKey, privateKey: identity.privateKey },
      TTL: sending.ttl,
      urgency: sending.urgency,
      topic: sending.topic,
      contentEncoding: 'aes128gcm',
    },
  );
  const answer = await limited(parts.clock, signal, LIMIT_MS, `Push service ${service} did not answer`, (stop) =>
    exchange(endpoint, { method, headers: headers as Record<string, string | number>, body }, parts.network, stop),
  );
  return judge(answer, service, parts.clock);
}

interface Answer {
  status: number;
  retryAfter: string | undefined;
}

function exchange(
  endpoint: string,
  message: { method: string; headers: Record<string, string | number>; body: Buffer | null },
  network: PushNetwork,
  signal: AbortSignal,
): Promise<Answer> {
  const service = serviceOf(endpoint);
  return new Promise((resolve, reject) => {
    const failed = (error: NodeJS.ErrnoException): void => {
      if (error.code === 'E_PRIVATE_ADDRESS') {
        reject(
          userError(
            'E_PUSH_ENDPOINT',
            `The push service ${service} has an address inside this network: such a browser gets no notifications`,
          ),
        );
        return;
      }
      // The codes of the system and of TLS name no secret; their texts may name the endpoint.
      reject(
        operationalError(
          'E_PUSH_SERVICE',
          `The push service ${service} was not reached (${error.code ?? 'unknown reason'})`,
          {
            cause: error,
          },
        ),
      );
    };
    const asked = request(
      endpoint,
      {
        method: message.method,
        headers: message.headers,
        // No pool: a socket that is kept would not be looked up again.
        agent: false,
        lookup: guardedLookup(network),
        minVersion: 'TLSv1.2',
        ...(network.ca === undefined ? {} : { ca: network.ca }),
        signal,
      },
      (response: IncomingMessage) => {
        let taken = 0;
        const answer = (): void => {
          const { 'retry-after': retryAfter } = response.headers;
          resolve({ status: response.statusCode ?? 0, retryAfter });
        };
        response.on('data', (chunk: Buffer) => {
          taken += chunk.length;
          if (taken <= MOST_ANSWER) return;
          // The status has said all that matters.
          answer();
          response.destroy();
        });
        response.on('end', answer);
        response.on('error', failed);
      },
    );
    asked.on('error', failed);
    asked.end(message.body ?? undefined);
  });
}

function judge({ status, retryAfter }: Answer, service: string, clock: Clock): PushAnswer {
  if (status >= 200 && status < 300) return 'taken';
  if (status === 404 || status === 410) return 'gone';
  throw refusal(status, service, retryAfterMs(retryAfter, clock));
}

function refusal(status: number, service: string, waitMs: number): AlarmflowError {
  if (status === 413)
    return userError('E_PUSH_TOO_LARGE', `The push service ${service} takes no message of this size: shorten its text`);
  if (status === 429)
    return operationalError(
      'E_PUSH_BUSY',
      `The push service ${service} wants no more messages for ${Math.ceil(waitMs / 1000)} s (429)`,
      { retryAfterMs: waitMs },
    );
  if (status === 401 || status === 403)
    return userError(
      'E_PUSH_REFUSED',
      `The push service ${service} does not take messages signed by this site (${status}): switch notifications off and on again in that browser, and set pushContact to an address that exists`,
    );
  if (status >= 500 || status === 408)
    return operationalError('E_PUSH_SERVICE', `The push service ${service} has failed (${status})`, {
      ...(waitMs > DEFAULT_WAIT_MS ? { retryAfterMs: waitMs } : {}),
    });
  return userError(
    'E_PUSH_REFUSED',
    `The push service ${service} refused the message (${status}): switch notifications off and on again in that browser`,
  );
}

/** Seconds or an HTTP date (RFC 9110 §10.2.3). */
function retryAfterMs(text: string | undefined, clock: Clock): number {
  if (text === undefined) return DEFAULT_WAIT_MS;
  const wait = /^\d{1,9}$/.test(text.trim()) ? Number(text) * 1_000 : (parseHttpDate(text) ?? Number.NaN) - clock.now();
  return Number.isFinite(wait) ? Math.min(LONGEST_WAIT_MS, Math.max(1_000, wait)) : DEFAULT_WAIT_MS;
}
