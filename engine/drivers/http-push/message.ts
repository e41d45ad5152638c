import type { PushRequest } from '../../domain/devices';
import { undoEscapes } from './body';
import { withoutSecrets } from './redaction';

/** Header lines of a request that are of no use to whoever maps or decodes it. */
const DULL = new Set(['connection', 'host', 'accept', 'accept-encoding', 'content-length', 'keep-alive', 'expect']);
/** What proves who the sender is has no place in a capture. */
const SECRET = new Set(['authorization', 'proxy-authorization', 'cookie']);
const MOST_HEAD = 16 * 1024;
const HEAD = /^(?:POST|PUT|GET) \/[^\s]{0,8000} HTTP\/1\.[01]\r?$/;

/** Media type of a request with its head (RFC 9112 §10.1). */
export const MESSAGE_TYPE = 'message/http';

const head = (request: PushRequest, size: number): string => {
  const lines = [`${request.method} ${request.path} HTTP/1.1`];
  for (const [name, value] of Object.entries(request.headers)) {
    if (value === undefined || DULL.has(name)) continue;
    for (const single of [value].flat())
      lines.push(`${name}: ${SECRET.has(name) ? '[removed]' : single.replace(/[\r\n]/g, ' ')}`);
  }
  return `${lines.join('\r\n')}\r\nContent-Length: ${size}\r\n\r\n`;
};

/** A push as one captured message: method, path and headers count as much as the body. */
export const asMessage = (request: PushRequest): Buffer =>
  Buffer.concat([Buffer.from(head(request, request.body.length), 'utf8'), request.body]);

/** The same for people: secrets taken out of head and text, pictures told by their size, at most 64 KiB of body. */
export function asReadableMessage(request: PushRequest): string {
  const text = readableBody(request.body);
  return withoutSecrets(head(request, Buffer.byteLength(text))) + text;
}

/** A payload for the record: text without secrets; pictures and other bytes are told by their number. */
export function readableBody(body: Buffer): string {
  const told = body
    .toString('latin1')
    // A picture in a multipart body: from its first bytes to the next boundary, or to the end.
    .replace(/\xff\xd8\xff[\s\S]*?(?=\r?\n--|$)/g, (picture) => `[picture of ${picture.length} bytes]`)
    .replaceAll('\0', '');
  const bytes = Buffer.from(told, 'latin1');
  const strange = /[^\t\n\r\x20-\x7e\x80-\xff]/.test(told.slice(0, 2_048));
  return strange ? `[${body.length} bytes that are no text]` : withoutSecrets(bytes.toString('utf8'));
}

export interface Message {
  method: string;
  path: string;
  headers: Record<string, string>;
  body: Buffer;
}

/**
 * The requests in captured bytes: several one after another where each tells its length, or the body alone.
 *
 * @param contentType what a body alone was sent as
 */
export function readMessages(bytes: Buffer, contentType: string | null): Message[] {
  const found: Message[] = [];
  let rest = bytes;
  while (rest.length > 0) {
    const message = cutMessage(rest);
    if (!message) break;
    found.push(message.message);
    rest = rest.subarray(message.used);
    while (rest[0] === 0x0d || rest[0] === 0x0a) rest = rest.subarray(1);
  }
  if (rest.length > 0 && found.length === 0)
    found.push({
      method: 'POST',
      path: '/',
      headers: contentType === null || contentType === MESSAGE_TYPE ? {} : { 'content-type': contentType },
      body: rest,
    });
  return found;
}

function cutMessage(bytes: Buffer): { message: Message; used: number } | null {
  const text = bytes.toString('latin1', 0, MOST_HEAD);
  const end = /\r?\n\r?\n/.exec(text);
  const lines = text.slice(0, end?.index ?? text.length).split('\n');
  const first = lines[0] ?? '';
  if (!end || !HEAD.test(first)) return null;
  const [method = 'POST', path = '/'] = first.split(' ');
  const headers: Record<string, string> = Object.create(null) as Record<string, string>;
  for (const line of lines.slice(1)) {
    const cut = line.indexOf(':');
    if (cut > 0) headers[line.slice(0, cut).trim().toLowerCase()] ??= line.slice(cut + 1).trim();
  }
  const start = end.index + end[0].length;
  const length = /^\d{1,9}$/.test(headers['content-length'] ?? '') ? Number(headers['content-length']) : bytes.length;
  const stop = Math.min(bytes.length, start + length);
  return { message: { method, path, headers, body: bytes.subarray(start, stop) }, used: Math.max(stop, 1) };
}

/** Parts of a path and its query. */
export function splitPath(target: string): { path: string[]; query: string } {
  const cut = target.indexOf('?');
  const path = cut < 0 ? target : target.slice(0, cut);
  const parts = path
    .split('/', 33)
    .slice(1)
    .filter((part) => part !== '');
  return {
    path: parts.map((part) => undoEscapes(part.replaceAll('+', '%2B'))),
    query: cut < 0 ? '' : target.slice(cut + 1),
  };
}
