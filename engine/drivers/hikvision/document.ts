import { userError } from '../../domain/errors';
import { parseXml } from '../wire/xml';

/**
 * One element of a device's document, whether it was written as XML or as JSON: the same fields are read the same way.
 * Names are local names; texts are as sent, so that `007` stays `007`.
 */
export interface DocumentNode {
  readonly name: string;
  readonly text: string;
  readonly attributes?: Readonly<Record<string, string>>;
  readonly children: readonly DocumentNode[];
}

const MAX_NODES = 20_000;
const MAX_DEPTH = 32;

/** The length first: this runs some hundred times for one alert. */
const sameName = (a: string, b: string): boolean =>
  a === b || (a.length === b.length && a.toLowerCase() === b.toLowerCase());

/** First child with one of the names, tried in the order given; names are compared without case. */
export function childOf(node: DocumentNode | undefined, ...names: string[]): DocumentNode | undefined {
  for (const name of names) {
    const found = node?.children.find((c) => sameName(c.name, name));
    if (found) return found;
  }
  return undefined;
}

/** All children with the name. */
export const childrenOf = (node: DocumentNode | undefined, name: string): DocumentNode[] =>
  node?.children.filter((c) => sameName(c.name, name)) ?? [];

/** Text of the first child among the names that has any; an empty element counts as absent (PROTOCOLS §0.3). */
export function textOf(node: DocumentNode | undefined, ...names: string[]): string | undefined {
  for (const name of names) {
    for (const found of childrenOf(node, name)) {
      const text = found.text.trim();
      if (text !== '') return text;
    }
  }
  return undefined;
}

/** A finite number, or undefined for anything else. */
export function numberOf(node: DocumentNode | undefined, ...names: string[]): number | undefined {
  const text = textOf(node, ...names);
  if (text === undefined || !/^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d{1,3})?$/i.test(text)) return undefined;
  const value = Number(text);
  return Number.isFinite(value) ? value : undefined;
}

/** First element with the name at any depth, the node itself included. */
export function findNode(node: DocumentNode, name: string): DocumentNode | undefined {
  if (sameName(node.name, name)) return node;
  for (const c of node.children) {
    const found = findNode(c, name);
    if (found) return found;
  }
  return undefined;
}

/** Reads the documents in a body: one for XML, one per object for JSON. Throws `E_BAD_DOCUMENT` (user). */
export function readDocuments(body: Buffer): DocumentNode[] {
  const start = firstByte(body);
  if (start === null) throw userError('E_BAD_DOCUMENT', 'The document is empty');
  if (start === '<') return [parseXml(body)];
  if (start === '{' || start === '[') return readJson(body.toString('utf8'));
  throw userError('E_BAD_DOCUMENT', 'The document is neither XML nor JSON');
}

/** Whether a body looks like a document at all. */
export function looksLikeDocument(body: Buffer): boolean {
  const start = firstByte(body);
  return start === '<' || start === '{' || start === '[';
}

function firstByte(body: Buffer): string | null {
  let at = body.length >= 3 && body[0] === 0xef && body[1] === 0xbb && body[2] === 0xbf ? 3 : 0;
  for (; at < body.length; at++) {
    const byte = body[at]!;
    if (byte !== 0 && byte !== 0x20 && byte !== 0x09 && byte !== 0x0d && byte !== 0x0a)
      return String.fromCharCode(byte);
  }
  return null;
}

function readJson(text: string): DocumentNode[] {
  const value = parseJson(text.replace(/^\uFEFF/, '').replaceAll('\0', ' '));
  const budget = { left: MAX_NODES };
  const items = Array.isArray(value) ? value : [value];
  const roots = items.filter(isObject).flatMap((item) => rootsOf(item, budget));
  if (roots.length === 0) throw userError('E_BAD_DOCUMENT', 'The JSON document holds no object');
  return roots;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    try {
      return JSON.parse(
        text.replace(/"(?:[^"\\]|\\.)*"|-?\b(?:NaN|Infinity)\b/g, (token) => (token.startsWith('"') ? token : 'null')),
      );
    } catch {
      // The first error tells more: it belongs to the text as it was sent.
      throw userError('E_BAD_DOCUMENT', `The JSON document cannot be read: ${(cause as Error).message}`, { cause });
    }
  }
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** An object with a single property that is itself an object or a list of them is a wrapper around its documents. */
function rootsOf(value: Record<string, unknown>, budget: { left: number }): DocumentNode[] {
  const entries = Object.entries(value);
  const only = entries.length === 1 ? entries[0] : undefined;
  if (only) {
    const [name, inner] = only;
    if (isObject(inner)) return nodesOf(name, inner, budget, 0);
    if (Array.isArray(inner) && inner.length > 0 && inner.every(isObject)) return nodesOf(name, inner, budget, 0);
  }
  return nodesOf('', value, budget, 0);
}

function nodesOf(name: string, value: unknown, budget: { left: number }, depth: number): DocumentNode[] {
  if (budget.left-- <= 0) throw userError('E_BAD_DOCUMENT', `The JSON document has more than ${MAX_NODES} values`);
  if (depth > MAX_DEPTH) throw userError('E_BAD_DOCUMENT', `The JSON document is nested deeper than ${MAX_DEPTH}`);
  if (Array.isArray(value)) return value.flatMap((item) => nodesOf(name, item, budget, depth + 1));
  if (isObject(value)) {
    const children = Object.entries(value).flatMap(([key, inner]) => nodesOf(key, inner, budget, depth + 1));
    return [{ name, text: '', children }];
  }
  return [{ name, text: value === null || value === undefined ? '' : String(value), children: [] }];
}
