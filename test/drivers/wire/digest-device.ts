import { createHash, randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { onTestFinished } from 'vitest';

/** What the device under test saw of one request. */
export interface Seen {
  method: string;
  url: string;
  authorization: string | undefined;
  nc: string | undefined;
  nonce: string | undefined;
  socket: number;
}

export interface DigestDeviceOptions {
  user?: string;
  password?: string;
  algorithm?: string | null;
  qop?: string | null;
  /** Further WWW-Authenticate values before the Digest one; joined by commas with it when `joined`. */
  beside?: string[];
  joined?: boolean;
  /** Uses of a nonce before it is refused, and how. */
  nonceUses?: number;
  refuseReuseWith?: 'stale' | 401 | 403;
  /** Called for a request that is let in. */
  answer?: RequestListener;
  basicOnly?: boolean;
  /** Size of the 401 body. */
  challengeBody?: number;
}

export interface DigestDevice {
  port: number;
  seen: Seen[];
  /** Password in force; may be changed while it runs. */
  password: string;
  /** Answers that carried credentials and were refused. */
  refusals: number;
  sockets(): number;
}

const params = (header: string): Record<string, string> =>
  Object.fromEntries(
    [...header.matchAll(/(\w+)=(?:"((?:[^"\\]|\\.)*)"|([^\s,]+))/g)].map((m) => [
      m[1]!,
      (m[2] ?? m[3]!).replace(/\\(.)/g, '$1'),
    ]),
  );

export async function listen(server: Server): Promise<number> {
  const open = new Set<Socket>();
  server.on('connection', (socket) => {
    open.add(socket);
    socket.on('close', () => open.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    for (const socket of open) socket.destroy();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

/** A device that checks digests by its own arithmetic (RFC 7616), written apart from the code under test. */
export async function startDigestDevice(
  options: DigestDeviceOptions = {},
  tls?: { key: string; cert: string },
): Promise<DigestDevice> {
  const { user = 'admin', algorithm = 'MD5', qop = 'auth', nonceUses = Number.POSITIVE_INFINITY } = options;
  const realm = 'IP Camera("F1")';
  const opaque = 'b3BhcXVl';
  const nonces = new Map<string, { uses: number; lastNc: number }>();
  const sockets = new Map<Socket, number>();
  let open = 0;

  const challenge = (response: ServerResponse, stale = false): void => {
    const nonce = randomBytes(12).toString('base64');
    nonces.set(nonce, { uses: 0, lastNc: 0 });
    const digest = [
      `Digest realm="${realm.replace(/"/g, '\\"')}"`,
      `nonce="${nonce}"`,
      `opaque="${opaque}"`,
      ...(algorithm === null ? [] : [`algorithm=${algorithm}`]),
      ...(qop === null ? [] : [`qop="${qop}"`]),
      ...(stale ? ['stale=TRUE'] : []),
    ].join(', ');
    const all = options.basicOnly ? ['Basic realm="Device_CGI"'] : [...(options.beside ?? []), digest];
    response.writeHead(401, { 'www-authenticate': options.joined ? all.join(', ') : all });
    response.end('x'.repeat(options.challengeBody ?? 200));
  };

  /** null: fine; else how to refuse. */
  const judge = (request: IncomingMessage): 'stale' | 'refused' | 401 | 403 | null => {
    const header = request.headers.authorization!;
    if (options.basicOnly)
      return header === `Basic ${Buffer.from(`${user}:${device.password}`).toString('base64')}` ? null : 'refused';
    const p = params(header);
    const known = nonces.get(p.nonce ?? '');
    if (!known) return 'stale';
    const name = (algorithm ?? 'MD5').toLowerCase();
    const hash = (text: string): string =>
      createHash(name.startsWith('md5') ? 'md5' : 'sha256')
        .update(text, 'latin1')
        .digest('hex');
    const bytes = (text: string): string => Buffer.from(text, 'utf8').toString('latin1');
    let a1 = hash(`${bytes(user)}:${realm}:${bytes(device.password)}`);
    if (name.endsWith('-sess')) a1 = hash(`${a1}:${p.nonce}:${p.cnonce}`);
    const a2 = hash(`${request.method}:${request.url}`);
    const expected =
      qop === null ? hash(`${a1}:${p.nonce}:${a2}`) : hash(`${a1}:${p.nonce}:${p.nc}:${p.cnonce}:auth:${a2}`);
    const formal =
      p.uri === request.url &&
      p.realm === realm &&
      p.opaque === opaque &&
      p.username === bytes(user) &&
      (algorithm === null ? p.algorithm === undefined : p.algorithm === algorithm) &&
      (qop === null || (/ qop=auth,/.test(header) && /nc=[0-9a-f]{8},/.test(header)));
    if (!formal || p.response !== expected) return 'refused';
    if (known.uses >= nonceUses) return options.refuseReuseWith ?? 'stale';
    if (qop !== null && Number.parseInt(p.nc!, 16) !== known.lastNc + 1) return 'refused';
    known.uses++;
    known.lastNc++;
    return null;
  };

  const listener: RequestListener = (request, response) => {
    if (!sockets.has(request.socket)) sockets.set(request.socket, sockets.size);
    const authorization = request.headers.authorization;
    const p = authorization ? params(authorization) : {};
    device.seen.push({
      method: request.method!,
      url: request.url!,
      authorization,
      nc: p.nc,
      nonce: p.nonce,
      socket: sockets.get(request.socket)!,
    });
    request.resume();
    request.on('end', () => {
      if (authorization === undefined) return challenge(response);
      const verdict = judge(request);
      if (verdict === 'refused') device.refusals++;
      if (verdict === 403) response.writeHead(403).end('no');
      else if (verdict !== null) challenge(response, verdict === 'stale');
      else if (options.answer) options.answer(request, response);
      else response.end('OK');
    });
  };
  const server = tls ? createSecureServer(tls, listener) : createServer(listener);
  server.on('connection', (socket) => {
    open++;
    socket.on('close', () => open--);
  });
  const device: DigestDevice = {
    port: 0,
    seen: [],
    password: options.password ?? 'p@ss:wörd/%#',
    refusals: 0,
    sockets: () => open,
  };
  device.port = await listen(server);
  return device;
}
