/** The console API as one part of the HTTP server. */
import express, { type Request, type Response } from 'express';
import type { Clock } from '../../clock/clock';
import { AlarmflowError, userError } from '../../domain/errors';
import type { Log } from '../../domain/log';
import { type Auth, roleIncludes } from '../auth';
import type { Role, Site } from '../console-api';
import type { PartHandler, RequestContext } from '../http-server';
import { closeAfterAnswer, sendError } from '../replies';
import { changesSomething } from '../request-guards';
import { addRoutes } from './routes';
import type { ConsoleServices } from './services';
import { createStreamHub } from './stream-hub';
import { createStreams } from './streams';

export type { ConsoleServices } from './services';

export interface ApiOptions {
  services: ConsoleServices;
  auth: Auth;
  clock: Clock;
  log: Log;
  /** Life of the session cookie. */
  sessionMs: number;
}

export interface Api {
  handle: PartHandler;
  /** Ends the streams; call it before the server closes. */
  close(): void;
}

export function createApi({ services, auth, clock, log, sessionMs }: ApiOptions): Api {
  const contexts = new WeakMap<object, RequestContext>();
  const siteRow = (): Site => ({
    name: services.siteName,
    armed: services.site.isArmed(),
    dryRun: services.site.dryRun(),
    trouble: services.site.trouble(),
    editorPath: services.editorPath,
  });
  const hub = createStreamHub(
    { subscribe: services.subscribe, outputs: services.outputs, devices: services.devices, siteRow },
    clock,
    log,
  );
  const streams = createStreams({ hub, reader: services.reader, clock, log });

  const context = (request: Request): RequestContext => contexts.get(request)!;

  const need = (role: Role) => (request: Request, _response: Response, next: () => void) => {
    const { identity } = context(request);
    if (!identity) throw userError('E_NOT_LOGGED_IN', 'Log in first');
    if (!roleIncludes(identity.role, role))
      throw userError('E_FORBIDDEN', `User "${identity.name}" is ${identity.role}; this takes the role ${role}`);
    next();
  };

  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.use((request, response, next) => {
    response.setHeader('cache-control', 'no-store');
    response.setHeader('x-content-type-options', 'nosniff');
    response.setHeader('cross-origin-resource-policy', 'same-origin');
    if (changesSomething(request)) {
      auth.checkCsrf(request, context(request).identity);
      const hasBody =
        request.headers['transfer-encoding'] !== undefined || Number(request.headers['content-length'] ?? 0) > 0;
      if (hasBody && !request.is('application/json'))
        throw userError('E_CONTENT_TYPE', 'The body must be JSON, with "content-type: application/json"');
    }
    next();
  });
  app.use(express.json({ limit: '64kb', strict: true }));
  const router = express.Router({ caseSensitive: true });
  addRoutes(router, { services, auth, streams, sessionMs, siteRow, context, need });
  app.use('/api/v1', router);
  app.use((request: Request) => {
    throw userError('E_NOT_FOUND', `The API has no ${request.method} ${request.path.slice(0, 200)}`);
  });
  // Express tells error handlers by their four parameters.
  app.use((thrown: unknown, request: Request, response: Response, _next: () => void) => {
    closeAfterAnswer(request, response, clock);
    sendError(response, readable(thrown), log);
  });

  return {
    handle(request, response, given) {
      contexts.set(request, given);
      app(request as Request, response as Response);
    },
    close: () => streams.close(),
  };
}

/** The errors of the body parser and of the router in our words. */
function readable(thrown: unknown): unknown {
  if (thrown instanceof AlarmflowError || !(thrown instanceof Error)) return thrown;
  const { type, status } = thrown as Error & { type?: string; status?: number };
  if (type === 'entity.too.large') return userError('E_BODY_TOO_LARGE', 'The body is larger than 64 KiB');
  if (type === 'entity.parse.failed') return userError('E_BAD_JSON', 'The body is no valid JSON');
  if (type?.startsWith('charset') || type?.startsWith('encoding'))
    return userError('E_CONTENT_TYPE', 'The body must be JSON in UTF-8');
  if (status !== undefined && status >= 400 && status < 500)
    return userError('E_BAD_REQUEST', 'The request cannot be read');
  return thrown;
}
