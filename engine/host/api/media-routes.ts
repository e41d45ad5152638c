/** GET /api/v1/media/:id: kept pictures and clips, whole or in parts (RFC 9110 §14), as players ask for them. */

import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { RequestHandler, Response, Router } from 'express';
import { userError } from '../../domain/errors';
import type { OpenMedia } from '../../domain/record';
import { plainSecurityHeaders } from '../replies';
import type { ConsoleServices } from './services';
import { idType, parse } from './validation';

/** What a browser shows without danger; all else is offered for download. */
const inlineTypes = new Set(['image/jpeg', 'image/png', 'image/gif', 'image/webp', 'image/bmp', 'video/mp4']);

interface MediaRouteParts {
  services: Pick<ConsoleServices, 'media'>;
  need(role: 'viewer'): RequestHandler;
}

export function addMediaRoutes(router: Router, { services, need }: MediaRouteParts): void {
  router.get('/media/:id', need('viewer'), async (request, response) => {
    const id = parse(idType, request.params.id, 'path');
    const found = await services.media.open(id);
    if (!found)
      throw userError('E_UNKNOWN_MEDIA', `There is no picture or clip "${id}"; it may be older than the record keeps`);
    const { range } = request.headers;
    // Kept files never change: any validator that the player has is that of the same bytes.
    const part = range === undefined ? null : rangeOf(range, found.size);
    const headers = headersOf(found, id);
    if (part === 'none') {
      response.writeHead(416, { ...plainSecurityHeaders, 'content-range': `bytes */${found.size}` });
      response.end();
      return;
    }
    if (part === null) response.writeHead(200, { ...headers, 'content-length': String(found.size) });
    else
      response.writeHead(206, {
        ...headers,
        'content-length': String(part.last - part.first + 1),
        'content-range': `bytes ${part.first}-${part.last}/${found.size}`,
      });
    const [first, last] = part === null ? [0, found.size - 1] : [part.first, part.last];
    if (request.method === 'HEAD' || found.size === 0) response.end();
    else await send(found, first, last, response);
  });
}

async function send(found: OpenMedia, first: number, last: number, response: Response): Promise<void> {
  try {
    await pipeline(Readable.from(found.bytes(first, last)), response);
  } catch (thrown) {
    // The player has what it wanted and hung up; anything else breaks the answer off, which the player sees.
    if (!response.destroyed) response.destroy(thrown instanceof Error ? thrown : undefined);
  }
}

function headersOf(found: OpenMedia, id: string): Record<string, string> {
  const type = found.contentType.split(';', 1)[0]!.trim().toLowerCase();
  const inline = inlineTypes.has(type);
  return {
    ...plainSecurityHeaders,
    'content-type': inline ? type : 'application/octet-stream',
    'content-disposition': disposition(inline ? 'inline' : 'attachment', found.name ?? id),
    'accept-ranges': 'bytes',
    // What a device sent must never run as a page of ours.
    'content-security-policy': "default-src 'none'; sandbox",
    'cache-control': 'private, max-age=86400, immutable',
  };
}

/**
 * The part that a Range header asks for: null for the whole (what is not understood, or several parts), `none` for one
 * that the file does not have.
 */
export function rangeOf(header: string, size: number): { first: number; last: number } | 'none' | null {
  const match = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header.trim());
  if (!match || (match[1] === '' && match[2] === '')) return null;
  const [, from = '', to = ''] = match;
  if (from === '') {
    const length = Math.min(Number(to), size);
    return length === 0 ? 'none' : { first: size - length, last: size - 1 };
  }
  const first = Number(from);
  const last = to === '' ? size - 1 : Math.min(Number(to), size - 1);
  if (to !== '' && Number(to) < first) return null;
  return first >= size ? 'none' : { first, last };
}

/** RFC 6266, with the name as RFC 8187 where it is not plain ASCII. */
function disposition(kind: 'inline' | 'attachment', name: string): string {
  const ascii = name.replace(/[^\x20-\x7e]|["\\%]/g, '_').slice(0, 120);
  const coded = encodeURIComponent(name.slice(0, 120).toWellFormed()).replace(
    /['()*]/g,
    (sign) => `%${sign.charCodeAt(0).toString(16)}`,
  );
  return `${kind}; filename="${ascii}"; filename*=UTF-8''${coded}`;
}
