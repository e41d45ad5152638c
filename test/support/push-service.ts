/**
 * A push service (RFC 8030) and the browsers behind it. It reads messages by itself, from the RFCs alone: RFC 8291 and
 * RFC 8188 for what is inside, RFC 8292 for who sent it.
 */
import {
  createDecipheriv,
  createECDH,
  createPublicKey,
  type ECDH,
  hkdfSync,
  randomBytes,
  verify as verifySignature,
} from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo, LookupFunction } from 'node:net';
import type { PushNetwork } from '../../engine/actions';
import type { Authority } from './smtp-certificate';

export const SERVICE_NAME = 'push.example.com';

export interface TakenPush {
  browser: string;
  payload: unknown;
  /** Bytes of the body as it came. */
  size: number;
  ttl: string | undefined;
  urgency: string | undefined;
  topic: string | undefined;
  /** Claims of the signed token. */
  claims: { aud: string; exp: number; sub: string };
  /** Public key that signed it, base64url. */
  key: string;
}

/** What the service does with the next messages of a browser. */
export type Behaviour = { status: number; headers?: Record<string, string>; body?: string } | 'hang' | 'reset' | 'take';

export interface PushService {
  /** How the site is to reach it. */
  network: PushNetwork;
  taken: TakenPush[];
  /** Requests in all, those refused included. */
  requests: number;
  /** A browser that subscribes. */
  browser(name: string): { endpoint: string; p256dh: string; auth: string };
  /** Until told otherwise. */
  behave(browser: string, behaviour: Behaviour): void;
  close(): Promise<void>;
}

interface Browser {
  keys: ECDH;
  auth: Buffer;
}

/** @param authority whose certificate the site trusts */
export async function startPushService(authority: Authority): Promise<PushService> {
  const certificate = authority.issue(SERVICE_NAME, 2);
  const browsers = new Map<string, Browser>();
  const behaviours = new Map<string, Behaviour>();
  const taken: TakenPush[] = [];
  const service = { requests: 0 };

  async function take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    service.requests++;
    const name = decodeURIComponent((request.url ?? '').slice('/send/'.length));
    const behaviour = behaviours.get(name) ?? 'take';
    if (behaviour === 'hang') return;
    if (behaviour === 'reset') {
      request.socket.destroy();
      return;
    }
    const body = await whole(request);
    if (behaviour !== 'take') {
      response.writeHead(behaviour.status, behaviour.headers).end(behaviour.body ?? 'no');
      return;
    }
    const browser = browsers.get(name);
    if (request.method !== 'POST' || !browser || body.length > 4_096 || request.headers.ttl === undefined) {
      response.writeHead(browser ? 400 : 404).end();
      return;
    }
    const { claims, key } = readAuthorization(request.headers.authorization ?? '');
    const payload: unknown = JSON.parse(decrypt(body, request.headers['content-encoding'], browser).toString('utf8'));
    taken.push({
      browser: name,
      payload,
      size: body.length,
      ttl: header(request, 'ttl'),
      urgency: header(request, 'urgency'),
      topic: header(request, 'topic'),
      claims,
      key,
    });
    response.writeHead(201, { location: `/message/${taken.length}` }).end();
  }

  const server = createServer({ cert: certificate.cert, key: certificate.key }, (request, response) => {
    take(request, response).catch((error: unknown) => response.writeHead(400).end(String(error)));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const toUs: LookupFunction = (_name, options, callback) =>
    (options as { all?: boolean }).all
      ? callback(null, [{ address: '127.0.0.1', family: 4 }])
      : callback(null, '127.0.0.1', 4);

  return {
    network: { allows: (address) => address === '127.0.0.1', ca: authority.cert, lookup: toUs },
    taken,
    get requests() {
      return service.requests;
    },
    browser(name) {
      const keys = createECDH('prime256v1');
      keys.generateKeys();
      const auth = randomBytes(16);
      browsers.set(name, { keys, auth });
      return {
        endpoint: `https://${SERVICE_NAME}:${port}/send/${encodeURIComponent(name)}`,
        p256dh: keys.getPublicKey().toString('base64url'),
        auth: auth.toString('base64url'),
      };
    },
    behave: (browser, behaviour) => void behaviours.set(browser, behaviour),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

const header = (request: IncomingMessage, name: string): string | undefined => {
  const value = request.headers[name];
  return Array.isArray(value) ? value[0] : value;
};

async function whole(request: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of request as AsyncIterable<Buffer>) parts.push(part);
  return Buffer.concat(parts);
}

/** RFC 8188 §2.1 (header, one record), RFC 8291 §3.3–3.4 (keys). */
function decrypt(body: Buffer, coding: unknown, { keys, auth }: Browser): Buffer {
  if (coding !== 'aes128gcm') throw new Error(`content coding ${String(coding)}`);
  const salt = body.subarray(0, 16);
  const recordSize = body.readUInt32BE(16);
  const sender = body.subarray(21, 21 + body.readUInt8(20));
  const record = body.subarray(21 + sender.length);
  if (sender.length !== 65 || record.length > recordSize) throw new Error('bad header');
  const secret = keys.computeSecret(sender);
  const info = Buffer.concat([Buffer.from('WebPush: info\0'), keys.getPublicKey(), sender]);
  const material = Buffer.from(hkdfSync('sha256', secret, auth, info, 32));
  const key = Buffer.from(hkdfSync('sha256', material, salt, 'Content-Encoding: aes128gcm\0', 16));
  const nonce = Buffer.from(hkdfSync('sha256', material, salt, 'Content-Encoding: nonce\0', 12));
  const decipher = createDecipheriv('aes-128-gcm', key, nonce).setAuthTag(record.subarray(-16));
  const padded = Buffer.concat([decipher.update(record.subarray(0, -16)), decipher.final()]);
  const mark = padded.findLastIndex((byte) => byte !== 0);
  if (padded[mark] !== 2) throw new Error('the last record is not marked as such');
  return padded.subarray(0, mark);
}

/** RFC 8292 §3: `vapid t=<JWT>, k=<public key>`, ES256. */
function readAuthorization(text: string): Pick<TakenPush, 'claims' | 'key'> {
  const match = /^vapid t=([\w-]+)\.([\w-]+)\.([\w-]+), ?k=([\w-]+)$/.exec(text);
  if (!match) throw new Error('no vapid authorization');
  const [, head, claims, signature, key] = match as unknown as [string, string, string, string, string];
  const point = Buffer.from(key, 'base64url');
  const publicKey = createPublicKey({
    format: 'jwk',
    key: {
      kty: 'EC',
      crv: 'P-256',
      x: point.subarray(1, 33).toString('base64url'),
      y: point.subarray(33).toString('base64url'),
    },
  });
  const right = verifySignature(
    'sha256',
    Buffer.from(`${head}.${claims}`),
    { key: publicKey, dsaEncoding: 'ieee-p1363' },
    Buffer.from(signature, 'base64url'),
  );
  if (!right) throw new Error('the signature is wrong');
  return { claims: JSON.parse(Buffer.from(claims, 'base64url').toString('utf8')) as TakenPush['claims'], key };
}
