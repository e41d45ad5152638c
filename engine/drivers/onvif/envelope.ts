import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { isoTime } from '../../clock/clock';
import type { Credentials } from '../wire';
import { ns } from './namespaces';

const ESCAPES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
// Characters that XML 1.0 cannot express at all are left out.
const UNWRITABLE = /[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu;

/** Text for an element or a quoted attribute. */
export const xmlText = (text: string): string => text.replace(UNWRITABLE, '').replace(/[&<>"]/g, (c) => ESCAPES[c]!);

/** One request as it is asked for; the client adds the login. */
export interface SoapRequest {
  /** For people: "Relay outputs". */
  what: string;
  action: string;
  /** Child of the SOAP body, with its namespace declarations. */
  body: string;
  /** Further header elements, e.g. the reference parameters of a subscription. */
  headers?: string;
  /** WS-Addressing destination; told only where the service is one made by a subscription. */
  to?: string;
  timeoutMs?: number;
  /** An answer of 200 that is no readable SOAP is handed on as bytes, not refused. */
  tolerant?: boolean;
}

/** A request without content, `<GetProfiles xmlns="…"/>`, or with inner elements given as XML. */
export const element = (name: string, namespace: string, inner = ''): string =>
  `<${name} xmlns="${namespace}">${inner}</${name}>`;

/** SOAP 1.2 envelope around a request. */
export function envelope(request: SoapRequest, security: string | null): string {
  const addressing =
    request.to === undefined
      ? ''
      : `<a:Action s:mustUnderstand="1">${xmlText(request.action)}</a:Action>` +
        `<a:MessageID>urn:uuid:${randomUUID()}</a:MessageID>` +
        `<a:ReplyTo><a:Address>${ns.addressing}/anonymous</a:Address></a:ReplyTo>` +
        `<a:To s:mustUnderstand="1">${xmlText(request.to)}</a:To>`;
  return (
    `<?xml version="1.0" encoding="UTF-8"?><s:Envelope xmlns:s="${ns.envelope}" xmlns:a="${ns.addressing}">` +
    `<s:Header>${security ?? ''}${addressing}${request.headers ?? ''}</s:Header>` +
    `<s:Body>${request.body}</s:Body></s:Envelope>`
  );
}

/**
 * WS-UsernameToken with a password digest, Base64(SHA-1(nonce + created + password)) (PROTOCOLS §4.2). The nonce is
 * fresh with every call.
 *
 * @param deviceNow time of the **device**, milliseconds: it refuses a token of another time
 */
export function usernameToken(credentials: Credentials, deviceNow: number, nonce: Buffer = randomBytes(16)): string {
  const created = isoTime(deviceNow);
  const digest = createHash('sha1')
    .update(nonce)
    .update(created, 'utf8')
    .update(credentials.password, 'utf8')
    .digest('base64');
  return (
    `<w:Security xmlns:w="${ns.security}" xmlns:u="${ns.utility}" s:mustUnderstand="1"><w:UsernameToken>` +
    `<w:Username>${xmlText(credentials.user)}</w:Username>` +
    `<w:Password Type="${ns.passwordDigest}">${digest}</w:Password>` +
    `<w:Nonce EncodingType="${ns.base64}">${nonce.toString('base64')}</w:Nonce>` +
    `<u:Created>${created}</u:Created></w:UsernameToken></w:Security>`
  );
}
