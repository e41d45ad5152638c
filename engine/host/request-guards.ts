/** What is asked of a request before anybody looks at what it wants. */
import type { IncomingMessage } from 'node:http';
import { userError } from '../domain/errors';
import type { Peer } from './addresses';

/** Names under which a console that is open to this machine may be called; others are a page of somebody else's. */
const localNames = new Set(['localhost', '127.0.0.1', '[::1]']);

/** Whether a Host header names this machine and our port; the port may be left out where it is the scheme's own. */
export function isLocalHost(host: string | undefined, port: number, secure: boolean): boolean {
  const match = /^(localhost|127\.0\.0\.1|\[::1\])(?::(\d{1,5}))?$/i.exec(host ?? '');
  if (!match || !localNames.has(match[1]!.toLowerCase())) return false;
  return Number(match[2] ?? (secure ? 443 : 80)) === port;
}

/**
 * While no users are set up: throws `E_FOREIGN_HOST` (user) for a Host header that does not name this machine
 * (a foreign page that has its own name point here), `E_OPEN_BEHIND_PROXY` (user) for a request that somebody forwarded.
 */
export function checkOpenAccess(request: IncomingMessage, peer: Peer, port: number): void {
  if (!isLocalHost(request.headers.host, port, peer.secure))
    throw userError(
      'E_FOREIGN_HOST',
      `No users are set up, so the console answers on this machine only, as http://127.0.0.1:${port}/ or http://localhost:${port}/: set up a user with "alarmflow user add <name> --role administrator" to use it under another name`,
    );
  if (peer.unknownProxy || !peer.local)
    throw userError(
      'E_OPEN_BEHIND_PROXY',
      'The request was forwarded by a proxy, and no users are set up: set up a user with "alarmflow user add <name> --role administrator" first, and name the proxy in trustedProxies',
    );
}

const harmless = new Set(['GET', 'HEAD', 'OPTIONS']);
export const changesSomething = (request: IncomingMessage): boolean => !harmless.has(request.method ?? 'GET');

/**
 * Throws `E_FOREIGN_ORIGIN` (user) for a change, or a socket, that a page of another origin asks for.
 * Callers that are no browsers send neither header.
 */
export function checkOrigin(request: IncomingMessage): void {
  const { origin, host } = request.headers;
  const site = request.headers['sec-fetch-site'];
  const foreign =
    origin === undefined
      ? site !== undefined && site !== 'same-origin' && site !== 'none'
      : !isSameHost(origin, host ?? '');
  if (foreign)
    throw userError(
      'E_FOREIGN_ORIGIN',
      'The request comes from a page of another site: use the console and the editor of this one',
    );
}

function isSameHost(origin: string, host: string): boolean {
  if (!URL.canParse(origin)) return false;
  const from = new URL(origin);
  const to = `${from.protocol}//${host}`;
  return URL.canParse(to) && /^https?:$/.test(from.protocol) && new URL(to).host === from.host;
}
