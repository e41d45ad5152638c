import { connect } from 'node:net';
import { deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { VirtualClock } from '../../engine/clock/virtual-clock';
import type { PushAnswer, PushRequest, PushRules } from '../../engine/domain/devices';
import { operationalError, userError } from '../../engine/domain/errors';
import type { Log } from '../../engine/domain/log';
import { addressList, isAddressOrNetwork, plainAddress } from '../../engine/host/addresses';
import { createIngest, type IngestOptions } from '../../engine/host/ingest';
import { fullBucket, takeToken } from '../../engine/host/rate-limit';
import { addEveryRole, memoryAuth, openDoor } from '../support/host-door';
import { rawHttp } from '../support/raw-http';

const TOKEN = 'tok_0123456789abcdefghijklmnop';
let pushes: { deviceId: string; request: PushRequest }[];
let answers: number[];
let warnings: string[];
let onPush: (request: PushRequest) => Promise<void>;
let answer: PushAnswer | null;
let rules: PushRules | undefined;
let pushFrom: string[];
let ready: boolean;
let door: Awaited<ReturnType<typeof openDoor>>;
const clock = new VirtualClock(1_790_000_000_000);
const log: Log = {
  debug() {},
  info() {},
  warn: (event) => void warnings.push(event),
  error: (event) => void warnings.push(event),
  with: () => log,
};

async function open(options: Partial<IngestOptions> = {}, trustedProxies: string[] = []): Promise<void> {
  const { auth } = await memoryAuth();
  await addEveryRole(auth);
  const ingest = createIngest({
    resolve: (token) => (token === TOKEN ? { deviceId: 'cam', pushFrom, rules } : null),
    async push(deviceId, request) {
      pushes.push({ deviceId, request });
      await onPush(request);
      return answer;
    },
    ready: () => ready,
    maxBytes: 10_000,
    ratePerSecond: 0,
    clock,
    log,
    answered: ({ status }) => answers.push(status),
    ...options,
  });
  door = await openDoor(auth, { trustedProxies });
  door.server.mount({ ingest: (request, response, { peer }) => ingest.handle(request, response, peer) });
}

beforeEach(() => {
  pushes = [];
  answers = [];
  warnings = [];
  pushFrom = [];
  answer = null;
  rules = undefined;
  ready = true;
  onPush = async () => {};
});
afterEach(() => door?.server.close());

const post = (path: string, init: RequestInit = {}) =>
  fetch(`${door.url}/ingest${path}`, { method: 'POST', body: 'x', ...init });

describe('device push', () => {
  it('answers 200 without a body once the consequence is on disk, not before', async () => {
    await open();
    const order: string[] = [];
    onPush = async () => {
      await new Promise((resolve) => setTimeout(resolve, 30));
      order.push('on disk');
    };
    const response = await post(`/${TOKEN}/a/b?x=1`, { body: '<alert/>', headers: { 'content-type': 'text/xml' } });
    order.push('answered');
    expect(order).toEqual(['on disk', 'answered']);
    expect(response.status).toBe(200);
    expect(await response.text()).toBe('');
    expect(pushes[0]).toMatchObject({
      deviceId: 'cam',
      request: {
        method: 'POST',
        path: '/a/b?x=1',
        remoteAddress: '127.0.0.1',
        headers: { 'content-type': 'text/xml' },
      },
    });
    expect(pushes[0]!.request.body.toString()).toBe('<alert/>');
  });

  it('takes PUT, and a path without more behind the token', async () => {
    await open();
    expect((await post(`/${TOKEN}`, { method: 'PUT' })).status).toBe(200);
    expect(pushes[0]!.request).toMatchObject({ method: 'PUT', path: '/' });
  });

  it.each(['GET', 'DELETE', 'OPTIONS'])('refuses %s with a text', async (method) => {
    await open();
    const response = await post(`/${TOKEN}`, { method, body: undefined });
    expect(response.status).toBe(405);
    expect(response.headers.get('allow')).toBe('POST, PUT');
    expect(await response.text()).toContain('POST or PUT');
  });

  it('that the record refuses leaves no line of its own: devices come again and again', async () => {
    await open();
    onPush = () => Promise.reject(operationalError('E_RECORD_WRITE', 'The record cannot be written: the disk is full'));
    expect((await post(`/${TOKEN}`)).status).toBe(503);
    expect(warnings).toEqual([]);
    onPush = () => Promise.reject(operationalError('E_DEVICE_OFFLINE', 'away'));
    await post(`/${TOKEN}`);
    expect(warnings).toEqual(['ingest.refused']);
  });

  it('answers a wrong token like none at all, and logs it once a minute', async () => {
    await open();
    const texts = [];
    for (const path of ['/wrong', '', '/', `/${TOKEN}x`, '/%ff', '/..%2f']) {
      const response = await post(path);
      expect(response.status).toBe(404);
      texts.push(await response.text());
    }
    expect(new Set(texts).size).toBe(1);
    expect(warnings).toEqual(['ingest.unknown-path']);
  });

  it('takes a body without content type, chunked, and byte by byte', async () => {
    await open();
    const answer = await rawHttp(door.port, [
      `POST /ingest/${TOKEN} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n`,
      '3\r\nabc\r\n',
      '1\r\nd\r\n',
      '0\r\n\r\n',
    ]);
    expect(answer).toMatch(/^HTTP\/1\.1 200 /);
    expect(pushes[0]!.request.body.toString()).toBe('abcd');
    expect(pushes[0]!.request.headers['content-type']).toBeUndefined();
  });

  it('takes HTTP/1.0 without a Host', async () => {
    await open();
    const answer = await rawHttp(door.port, [`POST /ingest/${TOKEN} HTTP/1.0\r\nContent-Length: 2\r\n\r\nhi`]);
    expect(answer).toMatch(/^HTTP\/1\.1 200 /);
    expect(pushes[0]!.request.body.toString()).toBe('hi');
  });

  it('takes HTTP/1.1 without a Host', async () => {
    await open();
    const answer = await rawHttp(door.port, [
      `POST /ingest/${TOKEN} HTTP/1.1\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi`,
    ]);
    expect(answer).toMatch(/^HTTP\/1\.1 200 /);
  });

  it('calls for the body of a sender that asks first, if it wants it', async () => {
    await open();
    const head = (token: string, length: number) =>
      `POST /ingest/${token} HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nConnection: close\r\nContent-Length: ${length}\r\n\r\n`;
    expect(await rawHttp(door.port, [head(TOKEN, 2), 'hi'])).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 /);
    expect(await rawHttp(door.port, [head('wrong', 2)])).toMatch(/^HTTP\/1\.1 404 /);
    expect(await rawHttp(door.port, [head(TOKEN, 99_999)])).toMatch(/^HTTP\/1\.1 413 /);
  });

  it('refuses a compressed body with a reason that names the coding', async () => {
    await open();
    const response = await post(`/${TOKEN}`, { headers: { 'content-encoding': 'gzip' } });
    expect(response.status).toBe(415);
    expect(await response.text()).toContain('coded as \\"gzip\\"');
    expect((await post(`/${TOKEN}`, { headers: { 'content-encoding': 'identity' } })).status).toBe(200);
    expect(pushes).toHaveLength(1);
  });

  it('refuses a body that says it is too large before reading it, and hangs up', async () => {
    await open();
    const answer = await rawHttp(door.port, [
      `POST /ingest/${TOKEN} HTTP/1.1\r\nHost: x\r\nContent-Length: 33554432\r\n\r\n`,
    ]);
    expect(answer).toMatch(/^HTTP\/1\.1 413 /);
    expect(answer.toLowerCase()).toContain('connection: close');
    expect(answer).toContain('E_BODY_TOO_LARGE');
    expect(pushes).toEqual([]);
  });

  it('refuses a body that grows too large on the way', async () => {
    await open();
    const chunk = `1000\r\n${'x'.repeat(0x1000)}\r\n`;
    const answer = await rawHttp(door.port, [
      `POST /ingest/${TOKEN} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n`,
      ...Array(3).fill(chunk),
    ]);
    expect(answer).toMatch(/^HTTP\/1\.1 413 /);
    expect(pushes).toEqual([]);
  });

  it('does not read on for ever after a refusal', async () => {
    await open();
    const flood = Buffer.alloc(8 * 1024 * 1024);
    const sent = rawHttp(door.port, [
      `POST /ingest/wrong HTTP/1.1\r\nHost: x\r\nContent-Length: 33554432\r\n\r\n`,
      flood,
    ]);
    // Whether the answer is read before the reset is up to the sender's kernel.
    await sent.catch((error: NodeJS.ErrnoException) => expect(error.code).toMatch(/^(ECONNRESET|EPIPE)$/));
    expect(answers).toEqual([404]);
  });

  it('serves others while one sends half a body and goes away', async () => {
    await open();
    let goneAway = (): void => {};
    await new Promise<void>((resolve, reject) => {
      const socket = connect(door.port, '127.0.0.1', () => {
        socket.write(`POST /ingest/${TOKEN} HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf`, () => resolve());
      });
      socket.once('error', reject);
      goneAway = () => socket.destroy();
    });
    expect((await post(`/${TOKEN}`)).status).toBe(200);
    goneAway();
    expect((await post(`/${TOKEN}`)).status).toBe(200);
    await door.server.close();
    expect(pushes).toHaveLength(2);
  });

  it.each([
    [['127.0.0.1'], 200],
    [['127.0.0.0/8'], 200],
    [['::ffff:127.0.0.1'], 200],
    [['192.0.2.0/24', 'fe80::/10'], 403],
  ])('lets the addresses %j push: %i', async (list, status) => {
    pushFrom = list;
    await open();
    expect((await post(`/${TOKEN}`)).status).toBe(status);
  });

  it('believes a trusted proxy about the sender, and nobody else', async () => {
    pushFrom = ['192.0.2.5'];
    await open({}, ['127.0.0.1']);
    const via = (hops: string) => post(`/${TOKEN}`, { headers: { 'x-forwarded-for': hops } });
    expect((await via('192.0.2.5')).status).toBe(200);
    expect((await via('192.0.2.5, 198.51.100.1')).status).toBe(403);
    await door.server.close();
    await open();
    expect((await via('192.0.2.5')).status).toBe(403);
  });

  it('limits the rate of one device and tells when to come again', async () => {
    await open({ ratePerSecond: 2 });
    const statuses = [];
    for (let i = 0; i < 5; i++) statuses.push((await post(`/${TOKEN}`)).status);
    expect(statuses).toEqual([200, 200, 200, 200, 429]);
    expect((await post(`/${TOKEN}`)).headers.get('retry-after')).toBe('1');
    await clock.advance(500);
    expect((await post(`/${TOKEN}`)).status).toBe(200);
  });

  it('asks to come again while the flows are starting', async () => {
    ready = false;
    await open();
    const response = await post(`/${TOKEN}`);
    expect(response.status).toBe(503);
    expect(response.headers.get('retry-after')).toBe('2');
    expect(pushes).toEqual([]);
  });

  it.each([
    ['a user error', userError('E_BAD_XML', 'The body is cut off'), 400, 'E_BAD_XML', 'cut off'],
    ['an operational error', operationalError('E_RECORD_WRITE', 'The disk is full'), 503, 'E_RECORD_WRITE', 'disk'],
    ['a mistake of ours', new TypeError('secret insides'), 500, 'E_UNEXPECTED', 'its log tells'],
  ])('answers %s of its consumer with its status', async (_case, error, status, code, text) => {
    await open();
    onPush = async () => {
      throw error;
    };
    const response = await post(`/${TOKEN}`);
    expect(response.status).toBe(status);
    const body = await response.text();
    expect(JSON.parse(body)).toEqual({ error: { code, message: expect.stringContaining(text) } });
    expect(body).not.toContain('insides');
    if (status === 503) expect(response.headers.get('retry-after')).toBe('2');
  });

  it('holds no more than a few large bodies at once', async () => {
    await open({ maxBytes: 1_000 });
    let release = (): void => {};
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    onPush = () => gate;
    const body = 'x'.repeat(1_000);
    const waiting = Array.from({ length: 8 }, () => post(`/${TOKEN}`, { body }));
    while (pushes.length < 8) await new Promise((resolve) => setImmediate(resolve));
    expect((await post(`/${TOKEN}`, { body })).status).toBe(503);
    release();
    expect((await Promise.all(waiting)).map((response) => response.status)).toEqual(Array(8).fill(200));
    expect((await post(`/${TOKEN}`, { body })).status).toBe(200);
  });

  describe('of a driver that has it otherwise', () => {
    const answered: [string, PushAnswer, string | null, string][] = [
      [
        'JSON',
        { status: 202, contentType: 'application/json', body: '{"ok":true}' },
        'application/json',
        '{"ok":true}',
      ],
      ['text with umlauts', { status: 200, contentType: 'text/plain', body: 'für' }, 'text/plain', 'für'],
      ['nothing', { status: 204, contentType: 'text/plain', body: 'left away' }, null, ''],
      ['an empty 200', { status: 200, contentType: 'text/plain', body: '' }, null, ''],
    ];
    it.each(answered)('answers %s once the consequence is on disk', async (_name, given, type, body) => {
      answer = given;
      await open();
      const response = await post(`/${TOKEN}`);
      expect(response.status).toBe(given.status);
      expect(response.headers.get('content-type')).toBe(type);
      expect(response.headers.get('x-content-type-options')).toBe('nosniff');
      expect(await response.text()).toBe(body);
      // The connection goes on: an announced body that never comes would hang here.
      expect((await post(`/${TOKEN}`)).status).toBe(given.status);
      expect(answers).toEqual([given.status, given.status]);
    });

    it('tells the reason of a refusal, not the answer that its sender wants', async () => {
      answer = { status: 200, contentType: 'text/plain', body: 'OK' };
      await open();
      onPush = async () => {
        throw userError('E_BAD_PUSH', 'No word for the phase');
      };
      const response = await post(`/${TOKEN}`);
      expect(response.status).toBe(400);
      expect(await response.text()).toContain('No word for the phase');
    });

    it('takes GET where it is allowed, and no method that is not', async () => {
      rules = { methods: ['GET'], packed: false };
      await open();
      const response = await fetch(`${door.url}/ingest/${TOKEN}/motion?rule=Gate`);
      expect(response.status).toBe(200);
      expect(pushes[0]!.request).toMatchObject({ method: 'GET', path: '/motion?rule=Gate', body: Buffer.alloc(0) });
      const refused = await post(`/${TOKEN}`);
      expect(refused.status).toBe(405);
      expect(refused.headers.get('allow')).toBe('GET');
      expect((await fetch(`${door.url}/ingest/wrong`)).status).toBe(404);
      expect((await fetch(`${door.url}/ingest/${TOKEN}`, { method: 'DELETE' })).status).toBe(405);
    });

    describe('packed bodies', () => {
      const text = 'a=1&b=2 '.repeat(50);
      const packed = (body: Buffer, coding?: string) =>
        post(`/${TOKEN}`, {
          body: new Uint8Array(body),
          headers: coding === undefined ? {} : { 'content-encoding': coding },
        });
      beforeEach(() => {
        rules = { methods: ['POST'], packed: true };
      });

      it.each([
        ['gzip', gzipSync(text), 'gzip'],
        ['x-gzip', gzipSync(text), 'X-GZIP '],
        ['deflate', deflateSync(text), 'deflate'],
        ['deflate without its head', deflateRawSync(text), 'deflate'],
        ['gzip in two members', Buffer.concat([gzipSync(text.slice(0, 9)), gzipSync(text.slice(9))]), 'gzip'],
        ['gzip that nobody told of', gzipSync(text), undefined],
        ['plain', Buffer.from(text), undefined],
        ['identity', Buffer.from(text), 'identity'],
      ])('unpacks %s', async (_name, body, coding) => {
        await open();
        expect((await packed(body, coding)).status).toBe(200);
        expect(pushes[0]!.request.body.toString()).toBe(text);
        expect(pushes[0]!.request.headers['content-encoding']).toBeUndefined();
      });

      it.each([
        ['cut off', gzipSync(text).subarray(0, -9), 'gzip', 400, 'damaged or cut off'],
        ['damaged', Buffer.from('this is no gzip'), 'gzip', 400, 'damaged or cut off'],
        ['empty', Buffer.alloc(0), 'gzip', 400, 'damaged or cut off'],
        ['of another coding', Buffer.from('x'), 'br', 415, 'gzip or deflate'],
        ['packed twice', gzipSync(gzipSync(text)), 'gzip, gzip', 415, 'gzip or deflate'],
        ['larger than allowed', gzipSync(Buffer.alloc(10_001)), 'gzip', 413, 'more than 10000 bytes'],
      ])('refuses one that is %s', async (_name, body, coding, status, reason) => {
        await open();
        const response = await packed(body, coding);
        expect(response.status).toBe(status);
        expect(await response.text()).toContain(reason);
        expect(pushes).toEqual([]);
      });

      it.each([
        ['gzip', gzipSync(Buffer.alloc(64 << 20))],
        ['deflate', deflateSync(Buffer.alloc(64 << 20))],
      ])('refuses a bomb in %s long before it is unpacked', async (coding, bomb) => {
        await open({ maxBytes: 32 << 20 });
        const response = await packed(bomb, coding);
        expect(response.status).toBe(413);
        // This bound is met when a tenth is unpacked; the one of the size would be met at half of it.
        expect(await response.text()).toContain('100 times');
        expect((await packed(gzipSync('after'), 'gzip')).status).toBe(200);
      });

      it('counts what is unpacked as memory that all share', async () => {
        await open({ maxBytes: 1_000 });
        let release = (): void => {};
        const gate = new Promise<void>((resolve) => {
          release = resolve;
        });
        onPush = () => gate;
        const body = gzipSync(Buffer.alloc(900));
        const waiting = Array.from({ length: 8 }, () => packed(body, 'gzip'));
        while (pushes.length < 8) await new Promise((resolve) => setImmediate(resolve));
        expect((await packed(body, 'gzip')).status).toBe(503);
        release();
        expect((await Promise.all(waiting)).map((response) => response.status)).toEqual(Array(8).fill(200));
        expect((await packed(body, 'gzip')).status).toBe(200);
      });
    });
  });

  it('counts every answer', async () => {
    await open();
    await post(`/${TOKEN}`);
    await post('/wrong');
    expect(answers).toEqual([200, 404]);
  });

  it('survives any path', async () => {
    await open();
    await fc.assert(
      fc.asyncProperty(fc.webPath(), async (path) => {
        // Dots that lead out of the ingest path are taken out by the client.
        fc.pre(new URL(`${door.url}/ingest/x${path}`).pathname.startsWith('/ingest/'));
        const response = await post(`/x${path}`);
        expect(response.status).toBe(404);
      }),
      { numRuns: 40 },
    );
  });
});

describe('the token bucket', () => {
  it('never gives more than burst and rate allow, in whatever rhythm it is asked', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 400 }), { maxLength: 200 }), (gaps) => {
        const rules = { perSecond: 10, burst: 5 };
        let now = 0;
        let bucket = fullBucket(now, rules);
        let taken = 0;
        for (const gap of gaps) {
          now += gap;
          const next = takeToken(bucket, now, rules);
          bucket = next.bucket;
          if (next.waitMs === 0) taken++;
          else expect(takeToken(bucket, now + next.waitMs, rules).waitMs).toBe(0);
        }
        expect(taken).toBeLessThanOrEqual(5 + now / 100);
      }),
    );
  });
});

describe('addresses', () => {
  it.each([
    ['::ffff:10.1.2.3', '10.1.2.3'],
    ['::FFFF:0a01:0203', '10.1.2.3'],
    ['FE80::1%eth0', 'fe80::1'],
    ['[::1]', '::1'],
  ])('%s is %s', (given, plain) => {
    expect(plainAddress(given)).toBe(plain);
  });

  it.each([
    ['10.0.0.0/8', '10.255.0.1', true],
    ['10.0.0.0/8', '11.0.0.1', false],
    ['10.0.0.1', '::ffff:10.0.0.1', true],
    ['fd00::/8', 'fd12::1', true],
    ['fd00::/8', '10.0.0.1', false],
    ['0.0.0.0/0', '203.0.113.9', true],
    ['10.0.0.1', 'nonsense', false],
  ])('%s includes %s: %s', (entry, address, included) => {
    expect(addressList([entry]).includes(address)).toBe(included);
  });

  it.each(['10.0.0', '10.0.0.0/33', 'fd00::/129', 'host', '10.0.0.1/8/8', '', '10.0.0.1/'])('%j is none', (text) => {
    expect(isAddressOrNetwork(text)).toBe(false);
  });
});
