import { createReadStream } from 'node:fs';
import { type FileHandle, open, realpath } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { extname, join, sep } from 'node:path';
import { plainSecurityHeaders, sendText } from './replies';

const types: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.map': 'application/json; charset=utf-8',
  '.webmanifest': 'application/manifest+json',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.jpg': 'image/jpeg',
  '.webp': 'image/webp',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
  '.txt': 'text/plain; charset=utf-8',
  '.mp3': 'audio/mpeg',
  '.wav': 'audio/wav',
};

/** What the console may load: its own files, pictures as data, nothing from elsewhere, framed by nobody. */
const CONSOLE_POLICY = [
  "default-src 'self'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data: blob:",
  "font-src 'self' data:",
  "connect-src 'self'",
  "object-src 'none'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join('; ');

const consoleHeaders: Record<string, string> = {
  ...plainSecurityHeaders,
  'content-security-policy': CONSOLE_POLICY,
  'x-frame-options': 'DENY',
  'cross-origin-opener-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=(), payment=(), usb=()',
};

/** Vite names what never changes by its content. */
const isImmutable = (path: string): boolean => /^\/assets\/[^/]+-[\w-]{8,}\.\w+$/.test(path);

/** The path below the root that a URL asks for, or null for one that could lead elsewhere. */
export function safePath(url: string): string | null {
  let path: string;
  try {
    path = decodeURIComponent(url.split(/[?#]/, 1)[0] ?? '');
  } catch {
    // A % that stands for no character names no file of ours.
    return null;
  }
  if (!path.startsWith('/') || /[\0\\:]/.test(path)) return null;
  const parts = path.split('/').slice(1);
  if (parts.some((part) => part.startsWith('.'))) return null;
  return `/${parts.filter((part) => part !== '').join('/')}`;
}

export type StaticFiles = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

/** Serves the console's files; a path that is none of them gets the page itself, which knows its own paths. */
export function createStaticFiles(root: string): StaticFiles {
  async function openInside(path: string): Promise<FileHandle | null> {
    try {
      const base = await realpath(root);
      const real = await realpath(join(base, path));
      if (!real.startsWith(base + sep)) return null;
      const file = await open(real);
      if ((await file.stat()).isFile()) return file;
      await file.close();
      return null;
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code ?? '';
      if (['ENOENT', 'ENOTDIR', 'EISDIR', 'ENAMETOOLONG', 'ELOOP'].includes(code)) return null;
      throw error;
    }
  }

  return async (request, response) => {
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      sendText(response, 405, 'Only GET and HEAD are known here.', { allow: 'GET, HEAD' });
      return;
    }
    const asked = safePath(request.url ?? '/');
    if (asked === null) return sendText(response, 404, 'There is no such page.');
    const wantsPage = extname(asked) === '' && !asked.startsWith('/assets/');
    let path = asked;
    let file = path === '/' ? null : await openInside(path);
    if (!file && wantsPage) {
      path = '/index.html';
      file = await openInside(path);
      if (!file)
        return sendText(response, 503, 'The console is not built: run "npm run build" in the folder of alarmflow.');
    }
    if (!file) return sendText(response, 404, 'There is no such file.');
    const { size, mtimeMs } = await file.stat();
    const etag = `"${size.toString(36)}-${Math.floor(mtimeMs).toString(36)}"`;
    const headers: Record<string, string> = {
      ...consoleHeaders,
      etag,
      'content-type': types[extname(path)] ?? 'application/octet-stream',
      'cache-control': isImmutable(path) ? 'public, max-age=31536000, immutable' : 'no-cache',
    };
    if (request.headers['if-none-match'] === etag) {
      await file.close();
      response.writeHead(304, headers).end();
      return;
    }
    response.writeHead(200, { ...headers, 'content-length': String(size) });
    if (request.method === 'HEAD' || size === 0) {
      await file.close();
      response.end();
      return;
    }
    const stream = createReadStream('', { fd: file, end: size - 1 });
    // The length is on its way already: a file that fails in the middle can only end the connection.
    stream.on('error', () => response.destroy());
    response.on('close', () => stream.destroy());
    stream.pipe(response);
  };
}
