import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { request as httpsRequest } from 'node:https';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Clock } from '../../engine/clock/clock';
import { VirtualClock } from '../../engine/clock/virtual-clock';
import type { Auth } from '../../engine/host/auth';
import type { EditorPart } from '../../engine/host/http-server';
import { safePath } from '../../engine/host/static-files';
import { addEveryRole, CLI_TOKEN, consoleFolder, memoryAuth, openDoor, PASSWORD } from '../support/host-door';
import { rawHttp } from '../support/raw-http';

let auth: Auth;
let uiDir: string;
let door: Awaited<ReturnType<typeof openDoor>>;
const seen: { url?: string; originalUrl?: string; session?: string; upgrades: number } = { upgrades: 0 };

const editorPart = (ownsLogin: boolean): EditorPart => ({
  ownsLogin,
  handle(request, response) {
    seen.url = request.url;
    seen.originalUrl = (request as { originalUrl?: string }).originalUrl;
    seen.session = request.headers['x-alarmflow-session'] as string | undefined;
    response.end('editor');
  },
  upgrade(_request, socket) {
    seen.upgrades++;
    socket.end('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n');
  },
});

async function open(options: { users?: boolean; ownsLogin?: boolean; clock?: Clock } = {}): Promise<void> {
  ({ auth } = await memoryAuth());
  if (options.users) await addEveryRole(auth);
  door = await openDoor(auth, { uiDir, ...(options.clock ? { clock: options.clock } : {}) });
  const echo = (text: string) => (_request: unknown, response: { end(text: string): void }) => response.end(text);
  door.server.mount({
    api: echo('api'),
    health: echo('health'),
    metrics: echo('metrics'),
    ingest: echo('ingest'),
    flow: (request, response) => response.end(`flow ${request.url}`),
    editor: editorPart(options.ownsLogin ?? false),
  });
}

beforeEach(async () => {
  uiDir = await consoleFolder();
  seen.upgrades = 0;
});
afterEach(async () => {
  await door?.server.close();
  rmSync(uiDir, { recursive: true, force: true });
});

const get = (path: string, headers: Record<string, string> = {}, method = 'GET') =>
  fetch(new URL(path, door.url), { headers, method, redirect: 'manual' });
const raw = (head: string) => rawHttp(door.port, [`${head}\r\nConnection: close\r\n\r\n`]);

describe('the one port', () => {
  it('sends each path to its part', async () => {
    await open();
    const text = async (path: string) => (await get(path)).text();
    expect(await text('/api/v1/session')).toBe('api');
    expect(await text('/healthz')).toBe('health');
    expect(await text('/metrics')).toBe('metrics');
    expect(await text('/ingest/x')).toBe('ingest');
    expect(await text('/flow/a?b=1')).toBe('flow /a?b=1');
    expect(await text('/editor/settings?x=1')).toBe('editor');
    expect(seen).toMatchObject({ url: '/settings?x=1', originalUrl: '/editor/settings?x=1' });
    expect(await text('/')).toContain('console');
    expect((await get('/editor')).headers.get('location')).toBe('/editor/');
  });

  it('says that parts are starting, or not here', async () => {
    ({ auth } = await memoryAuth());
    door = await openDoor(auth, { uiDir });
    for (const path of ['/api/v1/x', '/editor/', '/flow/x', '/healthz', '/ingest/x']) {
      const response = await get(path);
      expect([path, response.status, response.headers.get('retry-after')]).toEqual([path, 503, '2']);
    }
    door.server.mount({ editor: null, flow: null });
    expect((await get('/editor/')).status).toBe(404);
    expect((await get('/flow/x')).status).toBe(404);
  });

  it('serves on when one part fails', async () => {
    await open();
    door.server.mount({
      health: () => {
        throw new Error('secret insides');
      },
    });
    const response = await get('/healthz');
    expect(response.status).toBe(500);
    expect(await response.text()).not.toContain('insides');
    expect((await get('/')).status).toBe(200);
  });

  it('closes within a second, with answers and sockets open', async () => {
    const clock = new VirtualClock(1_790_000_000_000);
    await open({ clock });
    door.server.mount({
      api: (_request, response) => {
        response.write('never ends');
      },
    });
    await get('/api/v1/stream');
    const closed = door.server.close();
    await clock.advance(1_000);
    await closed;
    await expect(get('/')).rejects.toThrow();
  });
});

describe('bad requests', () => {
  it.each([
    ['not HTTP at all', 'hello', 400],
    ['a header without end', `GET / HTTP/1.1\r\nHost: localhost\r\nX: ${'x'.repeat(20_000)}`, 431],
    ['an unknown expectation', 'GET / HTTP/1.1\r\nHost: localhost\r\nExpect: miracles', 417],
    ['a path that is none', 'GET * HTTP/1.1\r\nHost: localhost', 400],
  ])('%s is answered', async (_case, head, status) => {
    await open();
    expect(await raw(head)).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
  });
});

describe('while no users are set up', () => {
  it.each([
    ['localhost:PORT', 200],
    ['127.0.0.1:PORT', 200],
    ['[::1]:PORT', 200],
    ['LOCALHOST:PORT', 200],
    ['evil.example:PORT', 403],
    ['localhost.evil.example:PORT', 403],
    ['localhost:1', 403],
    ['localhost', 403],
    ['127.0.0.1:PORT@evil', 403],
    ['', 403],
  ])('the host name "%s" gets %i', async (host, status) => {
    await open();
    const answer = await raw(`GET /api/v1/session HTTP/1.1\r\nHost: ${host.replace('PORT', String(door.port))}`);
    expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    if (status === 403) expect(answer).toContain('E_FOREIGN_HOST');
  });

  it('devices may call by any name', async () => {
    await open();
    expect(await raw('GET /ingest/x HTTP/1.1\r\nHost: nvr.example')).toMatch(/^HTTP\/1\.1 200 /);
  });

  it('nothing is told to a proxy', async () => {
    await open();
    const response = await get('/api/v1/session', { 'x-forwarded-for': '203.0.113.1' });
    expect(response.status).toBe(403);
    expect(await response.text()).toContain('E_OPEN_BEHIND_PROXY');
  });

  it.each(['0.0.0.0', '::', '192.0.2.1', 'example.com', ''])('it does not listen on "%s"', async (host) => {
    ({ auth } = await memoryAuth());
    await expect(openDoor(auth, { uiDir, host })).rejects.toMatchObject({
      code: 'E_NO_USERS',
      family: 'user',
      message: expect.stringContaining('alarmflow user add <name> --role administrator'),
    });
  });

  it('it listens elsewhere once there is a user', async () => {
    ({ auth } = await memoryAuth());
    await addEveryRole(auth);
    door = await openDoor(auth, { uiDir, host: '0.0.0.0' });
    expect((await fetch(`http://127.0.0.1:${door.port}/`)).status).toBe(200);
  });
});

describe('requests of foreign pages', () => {
  it.each([
    ['POST', { origin: 'http://evil.example' }, 403],
    ['POST', { origin: 'null' }, 403],
    ['POST', { 'sec-fetch-site': 'cross-site' }, 403],
    ['POST', { 'sec-fetch-site': 'same-site' }, 403],
    ['POST', { 'sec-fetch-site': 'same-origin' }, 200],
    ['POST', { origin: 'SELF' }, 200],
    ['POST', {}, 200],
    ['DELETE', { origin: 'http://localhost:1' }, 403],
    ['GET', { origin: 'http://evil.example' }, 200],
  ])('%s with %j gets %i', async (method, headers, status) => {
    await open();
    const own = `http://127.0.0.1:${door.port}`;
    const sent: string[] = Object.entries(headers).map(([name, value]) => `${name}: ${value === 'SELF' ? own : value}`);
    for (const path of ['/api/v1/site', '/editor/flows']) {
      const answer = await raw([`${method} ${path} HTTP/1.1`, `Host: 127.0.0.1:${door.port}`, ...sent].join('\r\n'));
      expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    }
  });
});

describe('sockets', () => {
  const upgrade = (path: string, ...headers: string[]) =>
    raw(
      [
        `GET ${path} HTTP/1.1`,
        ...headers,
        'Upgrade: websocket',
        'Sec-WebSocket-Version: 13',
        'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
        'Connection: Upgrade',
      ].join('\r\n'),
    );
  const host = () => `Host: 127.0.0.1:${door.port}`;

  it('reach the editor from its own page only', async () => {
    await open();
    const own = `Origin: http://127.0.0.1:${door.port}`;
    expect(await upgrade('/editor/comms', host(), own)).toMatch(/^HTTP\/1\.1 101 /);
    expect(await upgrade('/editor/comms', host(), 'Origin: http://evil.example')).toMatch(/^HTTP\/1\.1 403 /);
    expect(await upgrade('/editor/comms', 'Host: evil.example', own)).toMatch(/^HTTP\/1\.1 403 /);
    expect(await upgrade('/flow/comms', host(), own)).toMatch(/^HTTP\/1\.1 404 /);
    expect(await upgrade('/editor/comms/../x', host(), own)).toMatch(/^HTTP\/1\.1 404 /);
    expect(seen.upgrades).toBe(1);
  });

  it('need a login when the editor does not ask for one itself', async () => {
    await open({ users: true });
    expect(await upgrade('/editor/comms', host())).toMatch(/^HTTP\/1\.1 401 /);
    const { token } = await auth.login('vera', PASSWORD, null);
    expect(await upgrade('/editor/comms', host(), `Cookie: alarmflow_session=${token}`)).toMatch(/^HTTP\/1\.1 101 /);
  });
});

describe('the editor', () => {
  const cookie = async (name: string) => ({
    cookie: `alarmflow_session=${(await auth.login(name, PASSWORD, null)).token}`,
  });

  it('is guarded when users came after it was started', async () => {
    await open({ users: true });
    expect((await get('/editor/flows')).status).toBe(401);
    expect((await get('/editor/', { accept: 'text/html' })).headers.get('location')).toBe('/');
    expect((await get('/editor/flows', await cookie('vera'))).status).toBe(200);
    expect((await get('/editor/flows', await cookie('otto'), 'POST')).status).toBe(403);
    expect((await get('/editor/flows', await cookie('anna'), 'POST')).status).toBe(200);
    expect((await get('/editor/flows', { authorization: `Bearer ${CLI_TOKEN}` }, 'POST')).status).toBe(200);
  });

  it('is told of the console session, and of no other', async () => {
    await open({ users: true, ownsLogin: true });
    await get('/editor/flows', { 'x-alarmflow-session': 'forged' });
    expect(seen.session).toBeUndefined();
    const header = await cookie('anna');
    await get('/editor/flows', { ...header, 'x-alarmflow-session': 'forged' });
    expect(header.cookie).toBe(`alarmflow_session=${seen.session}`);
  });

  it('ends the session when it logs out', async () => {
    await open({ users: true, ownsLogin: true });
    const header = await cookie('anna');
    await get('/editor/auth/revoke', header, 'POST');
    await get('/editor/flows', header);
    expect(seen.session).toBeUndefined();
  });
});

describe('console files', () => {
  it('come with a strict policy and right caching', async () => {
    await open();
    const page = await get('/');
    expect(page.headers.get('content-security-policy')).toContain("default-src 'self'");
    expect(page.headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
    expect(page.headers.get('x-content-type-options')).toBe('nosniff');
    expect(page.headers.get('cache-control')).toBe('no-cache');
    const asset = await get('/assets/main-Ab12Cd34.js');
    expect(asset.headers.get('content-type')).toContain('text/javascript');
    expect(asset.headers.get('cache-control')).toContain('immutable');
    const etag = asset.headers.get('etag')!;
    expect((await get('/assets/main-Ab12Cd34.js', { 'if-none-match': etag })).status).toBe(304);
  });

  it('fall back to the page for its own paths, not for files', async () => {
    await open();
    expect(await (await get('/alarms/7')).text()).toContain('console');
    expect((await get('/assets/gone-Ab12Cd34.js')).status).toBe(404);
    expect((await get('/favicon.ico')).status).toBe(404);
  });

  it('know HEAD and refuse POST', async () => {
    await open();
    const head = await get('/icon.svg', {}, 'HEAD');
    expect([head.status, head.headers.get('content-type'), await head.text()]).toEqual([200, 'image/svg+xml', '']);
    expect((await get('/', {}, 'POST')).status).toBe(405);
  });

  it.each([
    '/../package.json',
    '/..%2fpackage.json',
    '/%2e%2e/x',
    '/.env',
    '/assets/../../x',
    '/a\\b',
    '/%00',
    '/%ff',
    '//etc/passwd',
    '/c:/x',
  ])('never lead out of their folder: %s', async (path) => {
    await open();
    const answer = await raw(`GET ${path} HTTP/1.1\r\nHost: localhost:${door.port}`);
    expect(answer).toMatch(/^HTTP\/1\.1 (404|200) /);
    if (answer.startsWith('HTTP/1.1 200')) expect(answer).toContain('<title>console</title>');
  });

  it('are not followed through links that lead outside', async () => {
    const outside = mkdtempSync(join(tmpdir(), 'alarmflow-outside-'));
    writeFileSync(join(outside, 'secret.txt'), 'secret');
    symlinkSync(join(outside, 'secret.txt'), join(uiDir, 'link.txt'));
    await open();
    expect((await get('/link.txt')).status).toBe(404);
    rmSync(outside, { recursive: true });
  });

  it('say how to build them when they are missing', async () => {
    rmSync(join(uiDir, 'index.html'));
    await open();
    const response = await get('/');
    expect(response.status).toBe(503);
    expect(await response.text()).toContain('npm run build');
  });

  it('have a path without dots for any URL, or none', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.webUrl(),
          fc.string().map((text) => `/${text}`),
        ),
        (url) => {
          const path = safePath(url);
          if (path !== null) expect(path).toMatch(/^\/(?!.*\/\.)/s);
        },
      ),
    );
  });
});

describe('opening the port', () => {
  it('names a port that is taken', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const { port } = other.address() as { port: number };
    ({ auth } = await memoryAuth());
    await expect(openDoor(auth, { uiDir, port })).rejects.toMatchObject({
      code: 'E_PORT_IN_USE',
      family: 'user',
      message: expect.stringMatching(new RegExp(`port ${port}.*--port`)),
    });
    other.close();
  });

  it('names a host that is none of ours', async () => {
    ({ auth } = await memoryAuth());
    await addEveryRole(auth);
    await expect(openDoor(auth, { uiDir, host: '192.0.2.1' })).rejects.toMatchObject({ code: 'E_BAD_HOST' });
  });

  it('names certificates that cannot be used', async () => {
    ({ auth } = await memoryAuth());
    const tls = { certFile: join(uiDir, 'none.pem'), keyFile: join(uiDir, 'none.pem') };
    await expect(openDoor(auth, { uiDir, tls })).rejects.toMatchObject({ code: 'E_TLS_FILES' });
    const icon = join(uiDir, 'icon.svg');
    await expect(openDoor(auth, { uiDir, tls: { certFile: icon, keyFile: icon } })).rejects.toMatchObject({
      code: 'E_TLS_FILES',
    });
  });

  it('speaks HTTPS with certificate and key', async () => {
    const tls = { certFile: join(uiDir, 'c.pem'), keyFile: join(uiDir, 'k.pem') };
    const made = spawnSync('openssl', [
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:prime256v1',
      '-nodes',
      '-days',
      '1',
      '-subj',
      '/CN=localhost',
      '-keyout',
      tls.keyFile,
      '-out',
      tls.certFile,
    ]);
    expect(made.status).toBe(0);
    ({ auth } = await memoryAuth());
    door = await openDoor(auth, { uiDir, tls });
    expect(door.url).toMatch(/^https:/);
    const status = await new Promise((resolve, reject) => {
      httpsRequest(door.url, { rejectUnauthorized: false, agent: false }, (response) => {
        response.resume();
        resolve(response.statusCode);
      })
        .on('error', reject)
        .end();
    });
    expect(status).toBe(200);
  });
});
