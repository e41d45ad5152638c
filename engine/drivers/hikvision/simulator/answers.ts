import { type DocumentNode, readDocuments } from '../document';
import { type Draft, responseStatus, xmlText } from './documents';

/** One request, already logged in. */
export interface ResourceRequest {
  method: string;
  /** Without query. */
  path: string;
  url: string;
  body: Buffer;
}

export interface ResourceAnswer {
  status: number;
  type: string;
  body: string | Buffer;
}

export const xml = (root: string, draft: Draft): ResourceAnswer => ({
  status: 200,
  type: 'application/xml; charset="UTF-8"',
  body: xmlText(root, draft, { declaration: true }),
});

export const status = (url: string, http: number, code: number, text: string, sub: string): ResourceAnswer => ({
  status: http,
  type: 'application/xml; charset="UTF-8"',
  body: responseStatus(url, code, text, sub),
});

export const ok = (url: string): ResourceAnswer => status(url, 200, 1, 'OK', 'ok');
export const notSupported = (url: string): ResourceAnswer => status(url, 403, 4, 'Invalid Operation', 'notSupport');
export const badContent = (url: string): ResourceAnswer => status(url, 400, 6, 'Invalid XML Content', 'badXmlContent');

/** The document in a request body, or undefined when there is none that can be read: the caller answers so. */
export function documentOf(body: Buffer): DocumentNode | undefined {
  try {
    return readDocuments(body)[0];
  } catch {
    return undefined;
  }
}

/** A JSON document. */
export const json = (value: unknown): ResourceAnswer => ({
  status: 200,
  type: 'application/json; charset="UTF-8"',
  body: JSON.stringify(value),
});

/** What the device does for one method and path; groups of the pattern are handed on. */
export type RouteOf<At> = [RegExp, (request: ResourceRequest, parts: string[], at: At) => ResourceAnswer];
