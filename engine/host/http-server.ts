/**
 * The one port of a site: console, API, flow editor, flow pages, device push, health, metrics.
 * A plain server that sends each request to its part by prefix: the flow editor does not run below a foreign
 * web framework, and a part that fails takes no other with it.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { readFile } from 'node:fs/promises';
import {
  createServer as createPlainServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
  STATUS_CODES,
} from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Clock } from '../clock/clock';
import { asAlarmflowError, userError } from '../domain/errors';
import type { Log } from '../domain/log';
import { addressList, isLoopback, type Peer, peerOf } from './addresses';
import { type Auth, EDITOR_SESSION_HEADER, type Identity, roleIncludes } from './auth';
import { closeAfterAnswer, sendError, sendText } from './replies';
import { changesSomething, checkOpenAccess, checkOrigin } from './request-guards';
import { createStaticFiles } from './static-files';

/** What a part of the site is told of a request, beside the request. */
export interface RequestContext {
  peer: Peer;
  /** Who asks; null when nobody is logged in. Not looked up for device pushes. */
  identity: Identity | null;
}

export type PartHandler = (
  request: IncomingMessage,
  response: ServerResponse,
  context: RequestContext,
) => void | Promise<void>;

/** The flow editor, as `startNodeRed` returns it. */
export interface EditorPart {
  handle: RequestListener;
  /** It asks for logins itself. False when it was started while no users were set up: then we stand before it. */
  ownsLogin: boolean;
  /** Takes a socket that has passed our checks. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
}

/** The parts; what is missing is answered with "starting" or "not here". */
export interface HttpParts {
  api: PartHandler;
  ingest: PartHandler;
  /** Pages behind links that answer alarms. */
  answer: PartHandler;
  health: PartHandler;
  metrics: PartHandler;
  /** null: the site runs headless. */
  editor: EditorPart | null;
  /** Pages that flows serve (`http in` nodes). */
  flow: RequestListener | null;
}

export interface HttpServerOptions {
  host: string;
  /** 0: any free one. */
  port: number;
  /** PEM files for HTTPS. */
  tls: { certFile: string; keyFile: string } | null;
  trustedProxies: string[];
  /** Folder of the built console. */
  uiDir: string;
  auth: Auth;
  clock: Clock;
  log: Log;
}

export interface HttpServer {
  /** Opens the port. `E_NO_USERS`, `E_PORT_IN_USE`, `E_PORT_FORBIDDEN`, `E_BAD_HOST`, `E_TLS_FILES` (user). */
  listen(): Promise<{ /** Without a slash at its end. */ url: string; port: number }>;
  /** Adds parts as they come to life; until then their paths answer 503. */
  mount(parts: Partial<HttpParts>): void;
  /** Address of the sender whose request is being served, for the editor's login. */
  currentAddress(): string | null;
  /** Stops listening, lets running answers end for a moment; done within a second. */
  close(): Promise<void>;
}

const HEADERS_MS = 10_000;
/** 20 MiB over a slow radio link take their time. */
const REQUEST_MS = 120_000;
/** Cameras keep their connection for the next event. */
const KEEP_ALIVE_MS = 65_000;
const CLOSE_GRACE_MS = 600;
/** Devices, browsers and streams of a large site; more is somebody who opens connections for their own sake. */
const MOST_CONNECTIONS = 4_000;
const COMMS = '/editor/comms';

export function createHttpServer(options: HttpServerOptions): HttpServer {
  const { auth, clock, log } = options;
  const proxies = addressList(options.trustedProxies);
  const staticFiles = createStaticFiles(options.uiDir);
  const addresses = new AsyncLocalStorage<string>();
  const sockets = new Set<Duplex>();
  const parts: Partial<HttpParts> = {};
  let server: Server | null = null;
  let port = options.port;

  async function dispatch(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const peer = peerOf(request, proxies);
    const path = (request.url ?? '').split('?', 1)[0] ?? '';
    if (!path.startsWith('/')) return sendText(response, 400, 'The request has no path.', { connection: 'close' });
    if (path === '/ingest' || path.startsWith('/ingest/')) {
      // Devices have no pages and call us by any name: their token is their pass.
      return await serve(parts.ingest, request, response, { peer, identity: null });
    }
    if (path.startsWith('/answer/')) {
      // Links in messages: their token is their pass, and they are called by whatever name the site is known by.
      return await serve(parts.answer, request, response, { peer, identity: null });
    }
    if (request.headers.expect !== undefined) response.writeContinue();
    delete request.headers[EDITOR_SESSION_HEADER];
    const identity = await auth.identify(request, peer);
    if (auth.isOpen()) checkOpenAccess(request, peer, port);
    const context: RequestContext = { peer, identity };
    if (path === '/healthz') return await serve(parts.health, request, response, context);
    if (path === '/metrics') return await serve(parts.metrics, request, response, context);
    if (path === '/api' || path.startsWith('/api/')) {
      if (changesSomething(request)) checkOrigin(request);
      return await serve(parts.api, request, response, context);
    }
    if (path === '/editor' || path.startsWith('/editor/')) return await serveEditor(request, response, path, context);
    if (path.startsWith('/flow/')) {
      if (parts.flow === null) return sendText(response, 404, 'No flow serves pages here.');
      const flow = parts.flow;
      return await serve(flow && ((req, res) => below('/flow', flow, req, res)), request, response, context);
    }
    return await staticFiles(request, response);
  }

  async function serve(
    part: PartHandler | undefined,
    request: IncomingMessage,
    response: ServerResponse,
    context: RequestContext,
  ): Promise<void> {
    if (part) return await part(request, response, context);
    closeAfterAnswer(request, response, clock);
    sendText(response, 503, 'alarmflow is starting.', { 'retry-after': '2' });
  }

  async function serveEditor(
    request: IncomingMessage,
    response: ServerResponse,
    path: string,
    context: RequestContext,
  ): Promise<void> {
    const { editor } = parts;
    if (editor === null) return sendText(response, 404, 'This site runs without the flow editor.');
    if (editor && path === '/editor') return redirect(response, '/editor/');
    if (changesSomething(request)) checkOrigin(request);
    if (editor && !passEditorGuard(editor, request, response, context.identity)) return;
    return await serve(
      editor &&
        (async (req, res, { peer, identity }) => {
          if (editor.ownsLogin && identity?.token) req.headers[EDITOR_SESSION_HEADER] = identity.token;
          if (path === '/editor/auth/revoke' && identity) await auth.logout(identity);
          // The editor brings its own policy for scripts; it is framed by nobody else.
          res.setHeader('x-frame-options', 'SAMEORIGIN');
          res.setHeader('x-content-type-options', 'nosniff');
          res.setHeader('referrer-policy', 'same-origin');
          addresses.run(peer.address, () => below('/editor', editor.handle, req, res));
        }),
      request,
      response,
      context,
    );
  }

  /**
   * The editor was started while no users were set up, and now there are some: it would let everybody in.
   * Until the next start we ask in its place.
   */
  function passEditorGuard(
    editor: EditorPart,
    request: IncomingMessage,
    response: ServerResponse,
    identity: Identity | null,
  ): boolean {
    if (editor.ownsLogin || identity?.via === 'open') return true;
    if (!identity) {
      if (request.method === 'GET' && (request.headers.accept ?? '').includes('text/html')) redirect(response, '/');
      else sendError(response, userError('E_NOT_LOGGED_IN', 'Log in to the console first'), log);
      return false;
    }
    if (roleIncludes(identity.role, 'administrator') || !changesSomething(request)) return true;
    sendError(response, userError('E_FORBIDDEN', `User "${identity.name}" may look at flows, not change them`), log);
    return false;
  }

  async function upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const peer = peerOf(request, proxies);
    const path = (request.url ?? '').split('?', 1)[0];
    delete request.headers[EDITOR_SESSION_HEADER];
    const { editor } = parts;
    if (path !== COMMS || !editor) return refuseUpgrade(socket, 404, 'Not Found');
    const identity = await auth.identify(request, peer);
    if (auth.isOpen()) checkOpenAccess(request, peer, port);
    checkOrigin(request);
    if (!editor.ownsLogin && !identity) return refuseUpgrade(socket, 401, 'Unauthorized');
    if (editor.ownsLogin && identity?.token) request.headers[EDITOR_SESSION_HEADER] = identity.token;
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    editor.upgrade(request, socket, head);
  }

  const onRequest = (request: IncomingMessage, response: ServerResponse): void => {
    dispatch(request, response).catch((error: unknown) => {
      closeAfterAnswer(request, response, clock);
      sendError(response, error, log);
    });
  };

  function wire(target: Server): void {
    target.headersTimeout = HEADERS_MS;
    target.requestTimeout = REQUEST_MS;
    target.keepAliveTimeout = KEEP_ALIVE_MS;
    target.maxHeadersCount = 100;
    target.maxConnections = MOST_CONNECTIONS;
    target.on('request', onRequest);
    // Without this the body would be called for before anybody has looked at token and size.
    target.on('checkContinue', onRequest);
    target.on('checkExpectation', (request: IncomingMessage, response: ServerResponse) => {
      closeAfterAnswer(request, response, clock);
      sendText(response, 417, 'Only "Expect: 100-continue" is known.');
    });
    target.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      // A client that goes away in the middle is nobody's fault.
      socket.on('error', () => socket.destroy());
      upgrade(request, socket, head).catch((error: unknown) => {
        const told = asAlarmflowError(error);
        if (told.family === 'bug') log.error('http.upgrade-failed', { error: told.message });
        refuseUpgrade(socket, told.family === 'user' ? 403 : 503, told.code);
      });
    });
    target.on('clientError', (error: NodeJS.ErrnoException, socket: Duplex) => {
      log.debug('http.client-error', { code: error.code ?? null, error: error.message });
      if (error.code === 'ECONNRESET' || !socket.writable) return socket.destroy();
      const status = { HPE_HEADER_OVERFLOW: 431, ERR_HTTP_REQUEST_TIMEOUT: 408 }[error.code ?? ''] ?? 400;
      socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n`);
    });
  }

  async function close(): Promise<void> {
    const target = server;
    server = null;
    if (!target) return;
    const closed = new Promise<void>((resolve) => target.close(() => resolve()));
    target.closeIdleConnections();
    for (const socket of sockets) socket.destroy();
    const limit = clock.after(CLOSE_GRACE_MS, () => target.closeAllConnections());
    await closed;
    limit.cancel();
  }

  return {
    async listen() {
      await auth.refresh();
      if (auth.isOpen() && !isLocalName(options.host)) throw noUsers(options.host);
      // Some firmware sends HTTP/1.1 without a Host; where the name counts, its absence is refused by us.
      const limits = { maxHeaderSize: 16_384, connectionsCheckingInterval: 5_000, requireHostHeader: false };
      const target = options.tls
        ? createTlsServer({ ...limits, ...(await readTlsFiles(options.tls)), minVersion: 'TLSv1.2' })
        : createPlainServer(limits);
      wire(target);
      await new Promise<void>((resolve, reject) => {
        target.once('error', (error) => reject(listenError(error, options.host, options.port)));
        target.listen(options.port, options.host, () => resolve());
      });
      server = target;
      target.on('error', (error) => log.error('http.server-error', { error: error.message }));
      const bound = target.address() as AddressInfo;
      port = bound.port;
      if (auth.isOpen() && !isLoopback(bound.address)) {
        // `localhost` can be made to mean anything in the hosts file.
        await close();
        throw noUsers(options.host);
      }
      const shown = ['0.0.0.0', '::'].includes(options.host) ? 'localhost' : options.host;
      const name = shown.includes(':') ? `[${shown}]` : shown;
      return { url: `${options.tls ? 'https' : 'http'}://${name}:${port}`, port };
    },
    mount(more) {
      Object.assign(parts, more);
    },
    currentAddress: () => addresses.getStore() ?? null,
    close,
  };
}

/** Hands a request on as if the part stood at the root, as web frameworks do when one is mounted in another. */
function below(prefix: string, handle: RequestListener, request: IncomingMessage, response: ServerResponse): void {
  const mounted = request as IncomingMessage & { originalUrl?: string; baseUrl?: string };
  mounted.originalUrl = request.url ?? '/';
  mounted.baseUrl = prefix;
  const rest = (request.url ?? '').slice(prefix.length);
  request.url = rest.startsWith('/') ? rest : `/${rest}`;
  handle(request, response);
}

function redirect(response: ServerResponse, location: string): void {
  response.writeHead(302, { location, 'content-length': '0', 'cache-control': 'no-store' });
  response.end();
}

function refuseUpgrade(socket: Duplex, status: number, reason: string): void {
  if (!socket.writable) return void socket.destroy();
  socket.end(`HTTP/1.1 ${status} ${reason}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`);
}

const isLocalName = (host: string): boolean => host.toLowerCase() === 'localhost' || isLoopback(host);

const noUsers = (host: string): Error =>
  userError(
    'E_NO_USERS',
    `alarmflow does not listen on "${host}" while no users are set up, for anybody in the network could then switch outputs: run "alarmflow user add <name> --role administrator" first, or listen on 127.0.0.1`,
  );

async function readTlsFiles(tls: { certFile: string; keyFile: string }): Promise<{ cert: Buffer; key: Buffer }> {
  const read = async (path: string, what: string): Promise<Buffer> => {
    try {
      return await readFile(path);
    } catch (error) {
      throw userError(
        'E_TLS_FILES',
        `The ${what} ${path} cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown reason'}): check the path and the rights of the file`,
        { cause: error },
      );
    }
  };
  const cert = await read(tls.certFile, 'certificate');
  const key = await read(tls.keyFile, 'private key');
  try {
    createTlsServer({ cert, key }).close();
  } catch (error) {
    throw userError(
      'E_TLS_FILES',
      `The certificate ${tls.certFile} and the key ${tls.keyFile} cannot be used together: both must be PEM, the key without a passphrase and the one of the certificate`,
      { cause: error },
    );
  }
  return { cert, key };
}

function listenError(error: NodeJS.ErrnoException, host: string, port: number): Error {
  const where = `port ${port} on ${host}`;
  switch (error.code) {
    case 'EADDRINUSE':
      return userError(
        'E_PORT_IN_USE',
        `Another program has ${where}: stop it, or choose another port with --port or ALARMFLOW_PORT`,
        { cause: error },
      );
    case 'EACCES':
      return userError(
        'E_PORT_FORBIDDEN',
        `This user may not open ${where}: choose a port from 1024 up with --port or ALARMFLOW_PORT`,
        { cause: error },
      );
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
    case 'EINVAL':
      return userError(
        'E_BAD_HOST',
        `"${host}" is no address of this machine: give one with --host or ALARMFLOW_HOST, e.g. 127.0.0.1`,
        { cause: error },
      );
    default:
      return asAlarmflowError(error);
  }
}
