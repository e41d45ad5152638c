import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { createServer as createTcpServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { VirtualClock } from '../../../engine/clock/virtual-clock';
import { silentLog } from '../../../engine/domain/log';
import {
  askingOnly,
  backoff,
  createDeviceHttp,
  type DeviceHttp,
  type DeviceHttpOptions,
} from '../../../engine/drivers/wire';
import { steadyClock } from '../../support/steady-clock';
import { type DigestDeviceOptions, listen, startDigestDevice } from './digest-device';

const never = new AbortController().signal;
const PASSWORD = 'p@ss:wörd/%#';

function client(port: number, changes: Partial<DeviceHttpOptions> = {}): DeviceHttp & { locks: (number | null)[] } {
  const locks: (number | null)[] = [];
  const http = createDeviceHttp({
    host: '127.0.0.1',
    port,
    tls: false,
    allowSelfSigned: false,
    credentials: { user: 'admin', password: PASSWORD },
    clock: steadyClock,
    log: silentLog,
    onLocked: (until) => locks.push(until),
    ...changes,
  });
  onTestFinished(() => http.close());
  return Object.assign(http, { locks });
}

const get = (http: DeviceHttp, path = '/x', more: object = {}) =>
  http.request({ method: 'GET', path, signal: never, ...more });

const error = (code: string, family: string) => expect.objectContaining({ code, family });

async function serve(listener: RequestListener): Promise<number> {
  return listen(createServer(listener));
}

/** A server that answers each connection with these bytes as soon as it has sent something. */
async function raw(answer: (socket: Socket, request: string) => void): Promise<number> {
  const server = createTcpServer((socket) => {
    socket.on('error', () => {});
    socket.on('data', (data) => answer(socket, data.toString('latin1')));
  });
  return listen(server as never);
}

function certificate(): { key: string; cert: string } {
  const folder = mkdtempSync(join(tmpdir(), 'alarmflow-tls-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  execFileSync(
    'openssl',
    [
      'req',
      '-x509',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-keyout',
      key,
      '-out',
      cert,
      '-days',
      '2',
      '-subj',
      '/CN=camera',
    ],
    { stdio: 'ignore' },
  );
  return { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') };
}

describe('login', () => {
  const table: [string, DigestDeviceOptions][] = [
    ['MD5', {}],
    ['no algorithm', { algorithm: null }],
    ['no qop', { qop: null }],
    ['neither', { algorithm: null, qop: null }],
    ['a list of qop', { qop: 'auth,auth-int' }],
    ['MD5-sess', { algorithm: 'MD5-sess' }],
    ['SHA-256', { algorithm: 'SHA-256' }],
    ['SHA-256-sess', { algorithm: 'SHA-256-sess' }],
    ['SHA256', { algorithm: 'SHA256' }],
    ['SHA', { algorithm: 'SHA' }],
    ['Basic beside it', { beside: ['Basic realm="x"'] }],
    ['Basic beside it in one header', { beside: ['Basic realm="x"'], joined: true }],
    ['Basic only', { basicOnly: true }],
    ['a large 401 body', { challengeBody: 50_000 }],
    ['a huge 401 body', { challengeBody: 500_000 }],
  ];
  for (const [name, options] of table) {
    it(`works with ${name}`, async () => {
      const device = await startDigestDevice(options);
      const http = client(device.port);
      const path = '/cgi-bin/x.cgi?action=attach&codes=%5BAll%5D&n=a%20b,c';
      expect(await get(http, path)).toMatchObject({ status: 200, body: Buffer.from('OK') });
      expect(await http.request({ method: 'PUT', path: '/y', body: '<a/>', signal: never })).toMatchObject({
        status: 200,
      });
      expect(device.refusals).toBe(0);
      expect(device.seen[0]).toMatchObject({ url: path, authorization: undefined });
      expect(http.locks).toEqual([]);
    });
  }

  it('works for a user with a quote and letters beyond ASCII', async () => {
    const device = await startDigestDevice({ user: 'Jür"gen門\\' });
    const http = client(device.port, { credentials: { user: 'Jür"gen門\\', password: PASSWORD } });
    expect(await get(http)).toMatchObject({ status: 200 });
  });

  it('uses a nonce again with a rising count, on one socket', async () => {
    const device = await startDigestDevice();
    const http = client(device.port);
    for (let i = 0; i < 4; i++) await get(http, `/${i}`);
    expect(device.seen.map((s) => s.nc)).toEqual([undefined, '00000001', '00000002', '00000003', '00000004']);
    expect(new Set(device.seen.map((s) => s.socket)).size).toBe(1);
  });

  it('takes the new nonce of a stale answer at once and does not count it', async () => {
    const device = await startDigestDevice({ nonceUses: 1, refuseReuseWith: 'stale' });
    const http = client(device.port);
    for (let i = 0; i < 3; i++) expect(await get(http)).toMatchObject({ status: 200 });
    expect(device.seen.map((s) => s.nc)).toEqual([
      undefined,
      '00000001',
      '00000002',
      '00000001',
      '00000002',
      '00000001',
    ]);
    expect(http.locks).toEqual([]);
  });

  for (const refuseReuseWith of [401, 403] as const) {
    it(`begins anew without Authorization when a nonce used again is answered with ${refuseReuseWith}`, async () => {
      const device = await startDigestDevice({ nonceUses: 1, refuseReuseWith });
      const http = client(device.port);
      for (let i = 0; i < 2; i++) expect(await get(http)).toMatchObject({ status: 200 });
      expect(device.seen.map((s) => s.nc)).toEqual([undefined, '00000001', '00000002', undefined, '00000001']);
      expect(http.locks).toEqual([]);
    });
  }

  it('hands a 403 that the login does not explain to the caller and keeps nothing back', async () => {
    const device = await startDigestDevice({ answer: (_, response) => response.writeHead(403).end('notSupport') });
    const http = client(device.port);
    for (let i = 0; i < 3; i++) expect(await get(http)).toMatchObject({ status: 403, body: Buffer.from('notSupport') });
    expect(http.locks).toEqual([]);
  });

  it('keeps nothing back for a question beside what matters that is answered with 401', async () => {
    const device = await startDigestDevice({
      answer: ({ url }, response) =>
        url === '/status'
          ? response.writeHead(401, { 'www-authenticate': 'Digest realm="x", nonce="another", qop="auth"' }).end()
          : response.end('ok'),
    });
    const http = client(device.port);
    const asking = askingOnly(http);
    expect(await get(asking)).toMatchObject({ status: 200 });
    await expect(get(asking, '/status')).rejects.toEqual(error('E_LOW_PRIVILEGE', 'user'));
    expect(await get(http)).toMatchObject({ status: 200 });
    expect(http.locks).toEqual([]);
    await expect(get(http, '/status')).rejects.toEqual(error('E_CREDENTIALS_REFUSED', 'operational'));
    expect(http.locks).toHaveLength(1);
  });

  it('is done once for requests that begin together', async () => {
    const device = await startDigestDevice();
    const http = client(device.port);
    await Promise.all([get(http, '/1'), get(http, '/2')]);
    const logins = device.seen.filter((s) => s.authorization);
    expect(logins.map((s) => s.nc)).toEqual(['00000001', '00000002']);
    expect(new Set(logins.map((s) => s.nonce)).size).toBe(1);
  });

  it('that is stale for ever is given up without counting as refused', async () => {
    const device = await startDigestDevice({ nonceUses: 0 });
    const http = client(device.port);
    await expect(get(http)).rejects.toEqual(error('E_DEVICE_PROTOCOL', 'operational'));
    expect(http.locks).toEqual([]);
    expect(device.seen.length).toBeLessThanOrEqual(20);
  });

  it('needs no login where the device asks for none', async () => {
    const port = await serve((_, response) => response.end('free'));
    expect(await get(client(port, { credentials: null }))).toMatchObject({ status: 200 });
  });

  it('says when the device asks for a login and none is known', async () => {
    const device = await startDigestDevice();
    const http = client(device.port, { credentials: null });
    await expect(get(http)).rejects.toEqual(error('E_CREDENTIALS_MISSING', 'user'));
  });

  it('says when the device offers no login method that is known', async () => {
    const port = await serve((_, response) =>
      response.writeHead(401, { 'www-authenticate': 'Bearer realm="x"' }).end(),
    );
    await expect(get(client(port))).rejects.toEqual(error('E_DEVICE_LOGIN', 'user'));
  });
});

describe('a refused password', () => {
  const wrong = { user: 'admin', password: 'wrong' };

  it('stops stream, poller and actions after one try', async () => {
    const device = await startDigestDevice();
    const http = client(device.port, { credentials: wrong });
    const results = await Promise.allSettled([
      http.stream({ path: '/stream', signal: never }),
      ...Array.from({ length: 10 }, (_, i) => get(http, `/${i}`)),
    ]);
    for (const result of results)
      expect(result).toMatchObject({
        status: 'rejected',
        reason: expect.objectContaining({ code: 'E_CREDENTIALS_REFUSED', family: 'operational' }),
      });
    expect(device.refusals).toBe(1);
    expect(http.locks).toEqual([expect.any(Number)]);
  });

  it('keeps every byte back for 1, 5, 10, 20, 30 and 30 minutes, and lets one try through after each', async () => {
    const device = await startDigestDevice();
    const clock = new VirtualClock(1_000_000);
    const http = client(device.port, { credentials: wrong, clock });
    for (const [i, minutes] of [1, 5, 10, 20, 30, 30].entries()) {
      await expect(get(http)).rejects.toMatchObject({ code: 'E_CREDENTIALS_REFUSED', retryAfterMs: minutes * 60_000 });
      expect(http.lockedUntil()).toBe(clock.now() + minutes * 60_000);
      const before = device.seen.length;
      await clock.advance(minutes * 60_000 - 1);
      await expect(get(http)).rejects.toMatchObject({ code: 'E_CREDENTIALS_REFUSED', retryAfterMs: 1 });
      await expect(http.stream({ path: '/', signal: never })).rejects.toMatchObject({ code: 'E_CREDENTIALS_REFUSED' });
      expect(device.seen.length).toBe(before);
      expect(http.locks.at(-1)).toBe(clock.now() + 1);
      await clock.advance(1);
      expect(http.locks.at(-1)).toBeNull();
      expect(http.lockedUntil()).toBeNull();
      expect(device.refusals).toBe(i + 1);
    }
  });

  it('is forgotten after a success', async () => {
    const device = await startDigestDevice({ password: 'other' });
    const clock = new VirtualClock(1_000_000);
    const http = client(device.port, { clock });
    await expect(get(http)).rejects.toMatchObject({ retryAfterMs: 60_000 });
    await clock.advance(60_000);
    device.password = PASSWORD;
    expect(await get(http)).toMatchObject({ status: 200 });
    device.password = 'changed';
    await expect(get(http)).rejects.toMatchObject({ retryAfterMs: 60_000 });
    // The nonce used again, then a fresh one.
    expect(device.refusals).toBe(3);
  });

  it('is proved by Basic as well', async () => {
    const device = await startDigestDevice({ basicOnly: true });
    const http = client(device.port, { credentials: wrong });
    await expect(get(http)).rejects.toEqual(error('E_CREDENTIALS_REFUSED', 'operational'));
    expect(device.refusals).toBe(1);
  });

  it('names neither user nor password', async () => {
    const device = await startDigestDevice();
    const http = client(device.port, { credentials: { user: 'secretuser', password: 'secretword' } });
    const thrown = await get(http).catch((e: Error) => e);
    expect(JSON.stringify([(thrown as Error).message, thrown])).not.toMatch(/secret/);
  });
});

describe('the queue', () => {
  it('lets two requests and the stream run at a time, in order', async () => {
    let now = 0;
    let most = 0;
    const order: string[] = [];
    const waiting: (() => void)[] = [];
    const device = await startDigestDevice({
      answer: (request, response) => {
        if (request.url === '/stream') return void response.write('x');
        now++;
        most = Math.max(most, now);
        order.push(request.url!);
        const answer = (): void => {
          now--;
          response.end('OK');
        };
        // Two at a time are answered together, after a third would have come.
        if (request.url === '/first') return answer();
        waiting.push(answer);
        if (waiting.length === 2) setTimeout(() => waiting.splice(0).map((one) => one()), 10);
      },
    });
    const http = client(device.port);
    await get(http, '/first');
    const stop = new AbortController();
    await http.stream({ path: '/stream', signal: stop.signal });
    const paths = Array.from({ length: 10 }, (_, i) => `/${i}`);
    await Promise.all(paths.map((path) => get(http, path)));
    expect(most).toBe(2);
    expect(order).toEqual(['/first', ...paths]);
    expect(device.sockets()).toBeLessThanOrEqual(3);
    stop.abort();
  });

  it('forgets a request that its caller gives up while it waits', async () => {
    const seen: string[] = [];
    const port = await serve((request, response) => {
      seen.push(request.url!);
      setTimeout(() => response.end(), 30);
    });
    const http = client(port, { maxSockets: 1 });
    const stop = new AbortController();
    const first = get(http, '/1');
    const second = http.request({ method: 'GET', path: '/2', signal: stop.signal });
    const third = get(http, '/3');
    stop.abort();
    await expect(second).rejects.toEqual(error('E_ABORTED', 'operational'));
    await Promise.all([first, third]);
    expect(seen).toEqual(['/1', '/3']);
  });
});

describe('answers', () => {
  it('carry status, headers and body, and tell the device time', async () => {
    const port = await serve((_, response) => {
      response.setHeader('X-Twice', ['a', 'b']);
      response.setHeader('Date', 'Sat, 21 Nov 2026 07:00:00 GMT');
      response.writeHead(503).end('busy');
    });
    const dates: string[] = [];
    const response = await get(client(port, { onClockDate: (d) => dates.push(d) }));
    expect(response).toMatchObject({ status: 503, body: Buffer.from('busy') });
    expect(response.headers['x-twice']).toBe('a, b');
    expect(dates).toEqual(['Sat, 21 Nov 2026 07:00:00 GMT']);
  });

  const forms: [string, string, string, true | undefined][] = [
    ['HTTP/1.0 without length', 'HTTP/1.0 200 OK\r\n\r\nhello', 'hello', undefined],
    ['Connection: close without length', 'HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello', 'hello', undefined],
    ['LF line ends', 'HTTP/1.1 200 OK\nContent-Length: 5\n\nhello', 'hello', undefined],
    ['a length too large', 'HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello', 'hello', true],
    ['a length too small', 'HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nhello', 'hel', undefined],
    [
      'a length and chunks',
      'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n',
      'hello',
      undefined,
    ],
    [
      'a header with odd bytes',
      'HTTP/1.1 200 OK\r\nServer: \x01\xe9\r\nContent-Length: 5\r\n\r\nhello',
      'hello',
      undefined,
    ],
  ];
  for (const [name, bytes, body, cut] of forms) {
    it(`are read with ${name}`, async () => {
      const port = await raw((socket) => socket.end(Buffer.from(bytes, 'latin1')));
      const http = client(port);
      for (let i = 0; i < 2; i++) {
        const response = await get(http);
        expect([response.status, response.body.toString(), response.cut]).toEqual([200, body, cut]);
      }
    });
  }

  it('are asked for again when the device closed the idle socket', async () => {
    let count = 0;
    const port = await raw((socket) => {
      count++;
      // Answers the first request of a connection and closes at the second.
      if (socket.bytesWritten > 0) socket.destroy();
      else socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK');
    });
    const http = client(port);
    expect(await get(http)).toMatchObject({ status: 200 });
    expect(await get(http)).toMatchObject({ status: 200 });
    expect(count).toBe(3);
  });

  it('send the request target and body exactly as given', async () => {
    const requests: string[] = [];
    const port = await raw((socket, request) => {
      requests.push(request);
      socket.end('HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
    });
    const http = client(port);
    await get(http, "/a/../b//c?codes=[All]&x=%5b%20|'");
    await http.request({
      method: 'PUT',
      path: '/p',
      headers: { 'content-type': 'application/xml' },
      body: '<ä/>',
      signal: never,
    });
    await http.request({ method: 'PUT', path: '/empty', signal: never });
    expect(requests[0]).toMatch(/^GET \/a\/\.\.\/b\/\/c\?codes=\[All\]&x=%5b%20\|' HTTP\/1\.1\r\n/);
    expect(requests[1]).toMatch(/content-type: application\/xml\r\n[\s\S]*content-length: 5\r\n/i);
    expect(requests[2]).toMatch(/content-length: 0\r\n/i);
    await expect(get(http, 'no-slash')).rejects.toEqual(error('E_BAD_PATH', 'bug'));
    await expect(get(http, '/a"b')).rejects.toEqual(error('E_BAD_PATH', 'bug'));
    await expect(get(http, '/a b')).rejects.toEqual(error('E_BAD_PATH', 'bug'));
    await expect(get(http, '/a\r\nX: y')).rejects.toEqual(error('E_BAD_PATH', 'bug'));
  });
});

describe('failures', () => {
  it('tell that nothing listens', async () => {
    const port = await serve(() => {});
    const server = createTcpServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const free = (server.address() as { port: number }).port;
    await new Promise((resolve) => server.close(resolve));
    expect(port).not.toBe(free);
    await expect(get(client(free))).rejects.toEqual(error('E_DEVICE_OFFLINE', 'operational'));
  });

  it('tell that the connection was cut', async () => {
    const port = await raw((socket) => socket.destroy());
    await expect(get(client(port))).rejects.toEqual(error('E_DEVICE_OFFLINE', 'operational'));
  });

  it('tell that the other end speaks no HTTP', async () => {
    const port = await raw((socket) => socket.end('SSH-2.0-dropbear\r\n'));
    await expect(get(client(port))).rejects.toEqual(error('E_DEVICE_PROTOCOL', 'operational'));
  });

  it('tell that no answer came in time, and close the socket', async () => {
    let closed = 0;
    const server = createServer(() => {});
    server.on('connection', (socket) => socket.on('close', () => closed++));
    const http = client(await listen(server));
    await expect(get(http, '/', { timeoutMs: 50 })).rejects.toEqual(error('E_DEVICE_TIMEOUT', 'operational'));
    await expect.poll(() => closed, { timeout: 15_000 }).toBe(1);
  });

  it('tell that a body did not end in time', async () => {
    const port = await serve((_, response) => void response.write('x'));
    await expect(get(client(port), '/', { timeoutMs: 50 })).rejects.toEqual(error('E_DEVICE_TIMEOUT', 'operational'));
  });

  it('tell that an answer is too large', async () => {
    const port = await serve((_, response) => void response.end(Buffer.alloc(100_000)));
    await expect(get(client(port), '/', { maxBytes: 1000 })).rejects.toEqual(error('E_DEVICE_ANSWER', 'user'));
  });

  it('tell that the caller gave up', async () => {
    const port = await serve(() => {});
    const stop = new AbortController();
    const request = client(port).request({ method: 'GET', path: '/', signal: stop.signal });
    setTimeout(() => stop.abort(), 20);
    await expect(request).rejects.toEqual(error('E_ABORTED', 'operational'));
    await expect(client(port).request({ method: 'GET', path: '/', signal: AbortSignal.abort() })).rejects.toEqual(
      error('E_ABORTED', 'operational'),
    );
  });

  it('end everything under way at close', async () => {
    const port = await serve(() => {});
    const http = client(port, { maxSockets: 1 });
    const pending = [get(http, '/1'), get(http, '/2'), http.stream({ path: '/s', signal: never })];
    setTimeout(() => http.close(), 20);
    for (const result of await Promise.allSettled(pending))
      expect(result).toMatchObject({ reason: { code: 'E_ABORTED' } });
    await expect(get(http)).rejects.toEqual(error('E_ABORTED', 'operational'));
  });
});

describe('TLS', () => {
  it('refuses a self-signed certificate with the remedy, and accepts it where allowed', async () => {
    const device = await startDigestDevice({}, certificate());
    await expect(get(client(device.port, { tls: true }))).rejects.toMatchObject({
      code: 'E_DEVICE_TLS',
      family: 'user',
      message: expect.stringContaining('allow self-signed certificates'),
    });
    expect(device.seen).toEqual([]);
    expect(await get(client(device.port, { tls: true, allowSelfSigned: true }))).toMatchObject({ status: 200 });
  });

  it('says when the port does not speak TLS', async () => {
    const port = await serve((_, response) => void response.end());
    await expect(get(client(port, { tls: true, allowSelfSigned: true }))).rejects.toEqual(
      error('E_DEVICE_TLS', 'user'),
    );
  });

  for (const status of [301, 302, 307, 308]) {
    it(`follows a ${status} to HTTPS once, with method and body, and logs in anew`, async () => {
      let body = '';
      const device = await startDigestDevice({}, certificate());
      const authorizations: (string | undefined)[] = [];
      const port = await serve((request, response) => {
        authorizations.push(request.headers.authorization);
        response.writeHead(status, { location: `https://127.0.0.1:${device.port}/` }).end('moved');
      });
      const http = client(port, { allowSelfSigned: true });
      expect(await http.request({ method: 'PUT', path: '/p?x=[1]', body: 'b', signal: never })).toMatchObject({
        status: 200,
      });
      expect(await get(http, '/again')).toMatchObject({ status: 200 });
      body = device.seen.map((s) => `${s.method} ${s.url} ${s.nc ?? '-'}`).join(', ');
      expect(body).toBe('PUT /p?x=[1] -, PUT /p?x=[1] 00000001, GET /again 00000002');
      expect(authorizations).toEqual([undefined]);
    });
  }

  it('gives the login of the plain side not away to the secure one', async () => {
    const secure = await startDigestDevice({}, certificate());
    const plain = await startDigestDevice({
      answer: (_, response) => response.writeHead(302, { location: `https://127.0.0.1:${secure.port}/` }).end(),
    });
    expect(await get(client(plain.port, { allowSelfSigned: true }))).toMatchObject({ status: 200 });
    expect(secure.seen[0]).toMatchObject({ authorization: undefined });
  });

  it('goes back to the configured address when the secure side is gone', async () => {
    let redirect = true;
    const secure = createSecureServer(certificate(), (_, response) => void response.end('secure'));
    const securePort = await listen(secure);
    const port = await serve((_, response) => {
      if (redirect) response.writeHead(302, { location: `https://127.0.0.1:${securePort}/` }).end();
      else response.end('plain');
    });
    const http = client(port, { allowSelfSigned: true });
    expect(await get(http)).toMatchObject({ body: Buffer.from('secure') });
    redirect = false;
    secure.closeAllConnections();
    await new Promise((resolve) => secure.close(resolve));
    await expect(get(http)).rejects.toEqual(error('E_DEVICE_OFFLINE', 'operational'));
    expect(await get(http)).toMatchObject({ body: Buffer.from('plain') });
  });

  const elsewhere: [string, (port: number) => string][] = [
    ['another host', () => 'https://example.invalid/'],
    ['another host in disguise', (port) => `https://127.0.0.1@example.invalid:${port}/`],
    ['the same host without TLS', (port) => `http://127.0.0.1:${port}/other`],
    ['a path', () => '/login'],
    ['nowhere', () => 'https://'],
  ];
  for (const [name, location] of elsewhere) {
    it(`does not follow a redirect to ${name}`, async () => {
      let count = 0;
      const port = await serve((request, response) => {
        count++;
        response.writeHead(302, { location: location(request.socket.localPort!) }).end();
      });
      expect(await get(client(port))).toMatchObject({ status: 302 });
      expect(count).toBe(1);
    });
  }
});

describe('the stream', () => {
  it('lets other sockets have their turn between the parts of a flood', async () => {
    const flood = Buffer.alloc(512 * 1024, 'x');
    const port = await serve((_request, response) => response.end(flood));
    const stream = await client(port).stream({ path: '/stream', signal: never });
    let turns = 0;
    let reading = true;
    const count = (): void => {
      turns++;
      if (reading) setImmediate(count);
    };
    setImmediate(count);
    let size = 0;
    for await (const part of stream.body) size += part.length;
    reading = false;
    expect(size).toBe(flood.length);
    expect(turns).toBeGreaterThanOrEqual(flood.length / (8 * 1024));
  });

  it('gives the bytes as they come and ends with the answer', async () => {
    let goOn: () => unknown = () => undefined;
    const device = await startDigestDevice({
      answer: (_, response) => {
        response.writeHead(200, { 'content-type': 'multipart/mixed; boundary=boundary' });
        response.write('one');
        goOn = () => response.end('two');
      },
    });
    const stream = await client(device.port).stream({ path: '/stream', signal: never });
    expect([stream.status, stream.headers['content-type']]).toEqual([200, 'multipart/mixed; boundary=boundary']);
    const chunks: string[] = [];
    for await (const chunk of stream.body) if (chunks.push(chunk.toString()) === 1) goOn();
    expect(chunks).toEqual(['one', 'two']);
  });

  it('has no time limit on its body', async () => {
    const clock = new VirtualClock(0);
    const port = await serve((_, response) => {
      response.write('x');
      setTimeout(() => response.end('y'), 40);
    });
    const { body } = await client(port, { clock }).stream({ path: '/', signal: never });
    await clock.advance(3_600_000);
    const chunks: Buffer[] = [];
    for await (const chunk of body) chunks.push(chunk);
    expect(Buffer.concat(chunks).toString()).toBe('xy');
  });

  it('is given up by its signal, which closes the socket', async () => {
    const device = await startDigestDevice({ answer: (_, response) => void response.write('x') });
    const stop = new AbortController();
    const { body } = await client(device.port).stream({ path: '/', signal: stop.signal });
    const reading = (async () => {
      for await (const _ of body) setTimeout(() => stop.abort(), 10);
    })();
    await expect(reading).rejects.toEqual(error('E_ABORTED', 'operational'));
    await expect.poll(() => device.sockets(), { timeout: 15_000 }).toBe(0);
  });

  it('is closed when its reader stops, and the next may begin', async () => {
    const device = await startDigestDevice({ answer: (_, response) => void response.write('x') });
    const http = client(device.port);
    for (let i = 0; i < 3; i++) {
      const { body } = await http.stream({ path: '/', signal: never });
      for await (const _ of body) break;
    }
    await expect.poll(() => device.sockets(), { timeout: 15_000 }).toBe(0);
  });

  it('is given up by its signal before anybody reads', async () => {
    const device = await startDigestDevice({ answer: (_, response) => void response.write('x') });
    const stop = new AbortController();
    const { body } = await client(device.port).stream({ path: '/', signal: stop.signal });
    stop.abort();
    await expect.poll(() => device.sockets(), { timeout: 15_000 }).toBe(0);
    await expect(body[Symbol.asyncIterator]().next()).rejects.toEqual(error('E_ABORTED', 'operational'));
  });

  it('tells when the device hangs up within a chunk', async () => {
    const port = await raw((socket) => socket.end('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nhalf'));
    const { body } = await client(port).stream({ path: '/', signal: never });
    const read = (async () => {
      for await (const _ of body);
    })();
    await expect(read).rejects.toEqual(error('E_DEVICE_OFFLINE', 'operational'));
  });
});

describe('backoff', () => {
  it('doubles from 1 s to 60 s, with jitter downwards by up to a half', () => {
    const table = [0, 1, 2, 3, 4, 5, 6, 7, 1000].map((attempt) => [
      backoff(attempt, () => 0),
      backoff(attempt, () => 1),
    ]);
    expect(table).toEqual([
      [1000, 1000],
      [1000, 2000],
      [2000, 4000],
      [4000, 8000],
      [8000, 16000],
      [16000, 32000],
      [30000, 60000],
      [30000, 60000],
      [30000, 60000],
    ]);
  });
});
