import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Clock } from '../clock/clock';
import { type AlarmflowError, asAlarmflowError } from '../domain/errors';
import type { Log } from '../domain/log';
import type { ApiError } from './console-api';

/** Headers that every answer of ours carries. */
export const plainSecurityHeaders: Record<string, string> = {
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
};

const statusOfCode: Record<string, number> = {
  E_NOT_LOGGED_IN: 401,
  E_LOGIN_REFUSED: 401,
  E_FORBIDDEN: 403,
  E_CSRF: 403,
  E_FOREIGN_ORIGIN: 403,
  E_FOREIGN_HOST: 403,
  E_OPEN_BEHIND_PROXY: 403,
  E_PUSH_ADDRESS: 403,
  E_NOT_FOUND: 404,
  E_METHOD: 405,
  E_USER_EXISTS: 409,
  E_AREA_OPEN: 409,
  E_AMBIGUOUS_SUBJECT: 409,
  E_LAST_ADMINISTRATOR: 409,
  E_BODY_TOO_LARGE: 413,
  E_CONTENT_ENCODING: 415,
  E_CONTENT_TYPE: 415,
  E_LOGIN_LOCKED: 429,
  E_TOO_MANY_PUSHES: 429,
};

/** The HTTP status that tells an error: 4xx what somebody must change, 503 what may pass, 500 our own mistakes. */
export function statusOf(error: AlarmflowError): number {
  const own = statusOfCode[error.code];
  if (own !== undefined) return own;
  if (error.family === 'operational') return 503;
  if (error.family === 'bug') return 500;
  return error.code.startsWith('E_UNKNOWN_') ? 404 : 400;
}

/** Answers with JSON. */
export function sendJson(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): void {
  const bytes = Buffer.from(JSON.stringify(body));
  response.writeHead(status, {
    ...plainSecurityHeaders,
    'content-type': 'application/json; charset=utf-8',
    'cache-control': 'no-store',
    'content-length': String(bytes.length),
    ...headers,
  });
  response.end(bytes);
}

export function sendText(
  response: ServerResponse,
  status: number,
  text: string,
  headers: Record<string, string> = {},
): void {
  const bytes = Buffer.from(`${text}\n`);
  response.writeHead(status, {
    ...plainSecurityHeaders,
    'content-type': 'text/plain; charset=utf-8',
    'cache-control': 'no-store',
    'content-length': String(bytes.length),
    ...headers,
  });
  response.end(bytes);
}

/**
 * Answers with an error. What is our own mistake is logged with its stack and told without its insides.
 * Returns the status.
 */
export function sendError(
  response: ServerResponse,
  thrown: unknown,
  log: Log,
  headers: Record<string, string> = {},
): number {
  const error = asAlarmflowError(thrown);
  const status = statusOf(error);
  if (error.family === 'bug')
    log.error('http.bug', {
      code: error.code,
      error: error.message,
      stack: (error.cause instanceof Error ? error.cause.stack : undefined) ?? error.stack,
    });
  if (response.headersSent) {
    response.destroy();
    return status;
  }
  const told: ApiError =
    error.family === 'bug'
      ? { error: { code: 'E_UNEXPECTED', message: 'alarmflow made a mistake; its log tells which' } }
      : { error: { code: error.code, message: error.message } };
  const retry: Record<string, string> =
    status === 503 || status === 429
      ? { 'retry-after': String(Math.max(1, Math.ceil((error.retryAfterMs ?? 2_000) / 1000))) }
      : {};
  sendJson(response, status, told, { ...retry, ...headers });
  return status;
}

/** How much of an unwanted body is still taken in, so that the sender gets to read the answer. */
const LINGER_BYTES = 1024 * 1024;
const LINGER_MS = 1_000;

/**
 * Call before answering without having read the body: the connection closes after the answer.
 * A sender that goes on sending is listened to for a moment, else its system would throw the answer away unread.
 */
export function closeAfterAnswer(request: IncomingMessage, response: ServerResponse, clock: Clock): void {
  if (request.complete || response.headersSent) return;
  response.setHeader('connection', 'close');
  response.shouldKeepAlive = false;
  let taken = 0;
  const limit = clock.after(LINGER_MS, () => request.socket.destroy(), { background: true });
  request.on('data', (chunk: Buffer) => {
    taken += chunk.length;
    if (taken > LINGER_BYTES) request.socket.destroy();
  });
  request.on('close', () => limit.cancel());
  // A sender that goes away in the middle is what we want.
  request.on('error', () => limit.cancel());
}
