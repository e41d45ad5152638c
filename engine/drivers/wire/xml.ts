import { userError } from '../../domain/errors';

/*
 * An own reader, because fast-xml-parser (5.12, every option tried) answers a document cut short and two roots without
 * an error, `{}` for garbage, expands DOCTYPE entities and leaves numeric references as they are; its validator, which
 * would notice the first, refuses the bare `&` and the stray `<` that device names contain (PROTOCOLS §0.3).
 */

/** One element; names without namespace prefix. */
export interface XmlElement {
  name: string;
  /** By local name; a prototype-less object. Namespace declarations are left out. */
  attributes: Record<string, string>;
  /** Child elements in document order. */
  children: XmlElement[];
  /** Own text, CDATA included, references decoded, white space as sent. */
  text: string;
}

/** What toXml writes. */
export interface XmlDraft {
  name: string;
  attributes?: Record<string, string>;
  text?: string;
  children?: XmlDraft[];
}

const MAX_BYTES = 1 << 20;
const MAX_DEPTH = 64;
const MAX_NAME = 256;
const MAX_ATTRIBUTES = 64;

const bad = (reason: string, text?: string): Error =>
  userError('E_BAD_XML', `The document is no readable XML: ${reason}. Check what the device or sender really sends.`, {
    facts: text === undefined ? undefined : { begins: text.slice(0, 60) },
  });

const NAMED: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

function decodeReferences(text: string): string {
  if (!text.includes('&')) return text;
  // What is no known reference stays as it is: names contain a bare `&`.
  return text.replace(/&(?:#x([0-9a-f]{1,8})|#([0-9]{1,8})|(amp|lt|gt|quot|apos));/gi, (whole, hex, decimal, name) => {
    if (name !== undefined) return NAMED[name] ?? whole;
    const code = hex === undefined ? Number.parseInt(decimal, 10) : Number.parseInt(hex, 16);
    return code > 0 && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff) ? String.fromCodePoint(code) : '\ufffd';
  });
}

/** Text of the bytes. Bytes that are no UTF-8 become replacement characters, whatever the declaration claims. */
function decodeBytes(bytes: Buffer): string {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return new TextDecoder('utf-16le').decode(bytes);
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return new TextDecoder('utf-16be').decode(bytes);
  return bytes.toString('utf8');
}

const localName = (name: string): string => name.slice(name.lastIndexOf(':') + 1);

const isNameStart = (code: number): boolean =>
  (code >= 0x41 && code <= 0x5a) || (code >= 0x61 && code <= 0x7a) || code === 0x5f || code >= 0x80;
const isNameEnd = (code: number): boolean =>
  code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09 || code === 0x3e || code === 0x2f || code === 0x3d;
const isSpace = (code: number): boolean => code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09;

class Reader {
  readonly #text: string;
  #at = 0;
  #root: XmlElement | null = null;
  readonly #open: { element: XmlElement; full: string }[] = [];

  constructor(text: string) {
    this.#text = text;
  }

  read(): XmlElement {
    const text = this.#text;
    while (this.#at < text.length) {
      const lt = text.indexOf('<', this.#at);
      const until = lt < 0 ? text.length : lt;
      this.#addText(text.slice(this.#at, until), false);
      this.#at = until;
      if (lt < 0) break;
      this.#markup();
    }
    const open = this.#open.at(-1);
    if (open) throw bad(`it ends inside <${open.full}>`, text);
    if (!this.#root) throw bad('it holds no element', text);
    return this.#root;
  }

  #addText(raw: string, literal: boolean): void {
    const open = this.#open.at(-1);
    if (open) open.element.text += literal ? raw : decodeReferences(raw);
    else if (raw.trim() !== '')
      throw bad(this.#root ? 'text behind the root element' : 'text before the root element', raw);
  }

  #markup(): void {
    const text = this.#text;
    const next = text.charCodeAt(this.#at + 1);
    if (text.startsWith('<!--', this.#at)) this.#skipTo('-->', 4, 'comment');
    else if (text.startsWith('<![CDATA[', this.#at)) {
      const from = this.#at + 9;
      this.#skipTo(']]>', 9, 'CDATA section');
      this.#addText(text.slice(from, this.#at - 3), true);
    } else if (next === 0x3f) this.#skipTo('?>', 2, 'instruction');
    else if (next === 0x21) throw bad('DOCTYPE and other declarations are refused', text.slice(this.#at));
    else if (next === 0x2f) this.#closeTag();
    else if (isNameStart(next)) this.#openTag();
    else {
      // A stray `<` in a name.
      this.#addText('<', true);
      this.#at++;
    }
  }

  #skipTo(end: string, from: number, what: string): void {
    const found = this.#text.indexOf(end, this.#at + from);
    if (found < 0) throw bad(`a ${what} without end`, this.#text.slice(this.#at));
    this.#at = found + end.length;
  }

  #name(from: number): string {
    let end = from;
    while (end < this.#text.length && !isNameEnd(this.#text.charCodeAt(end)) && this.#text[end] !== '<') end++;
    if (end - from > MAX_NAME) throw bad('a name longer than 256 characters', this.#text.slice(from));
    return this.#text.slice(from, end);
  }

  #openTag(): void {
    const full = this.#name(this.#at + 1);
    const element: XmlElement = { name: localName(full), attributes: Object.create(null), children: [], text: '' };
    this.#at += 1 + full.length;
    const empty = this.#attributes(element, full);
    const parent = this.#open.at(-1);
    if (parent) parent.element.children.push(element);
    else if (this.#root) throw bad('more than one root element', full);
    else this.#root = element;
    if (empty) return;
    if (this.#open.length >= MAX_DEPTH) throw bad(`elements nested more than ${MAX_DEPTH} deep`, full);
    this.#open.push({ element, full });
  }

  /** Reads up to the end of the tag; true when the element is empty (`<x/>`). */
  #attributes(element: XmlElement, tag: string): boolean {
    const text = this.#text;
    for (let count = 0; ; count++) {
      while (isSpace(text.charCodeAt(this.#at))) this.#at++;
      const byte = text[this.#at];
      if (byte === '>') {
        this.#at++;
        return false;
      }
      if (byte === '/' && text[this.#at + 1] === '>') {
        this.#at += 2;
        return true;
      }
      if (byte === undefined || byte === '<') throw bad(`the tag <${tag}> has no end`, text.slice(this.#at - 1));
      if (count >= MAX_ATTRIBUTES) throw bad(`more than ${MAX_ATTRIBUTES} attributes on <${tag}>`);
      if (byte === '/' || byte === '=') {
        this.#at++;
        continue;
      }
      const full = this.#name(this.#at);
      this.#at += full.length;
      const value = this.#attributeValue(tag);
      if (full !== 'xmlns' && !full.startsWith('xmlns:')) element.attributes[localName(full)] = value;
    }
  }

  #attributeValue(tag: string): string {
    const text = this.#text;
    let i = this.#at;
    while (isSpace(text.charCodeAt(i))) i++;
    if (text[i] !== '=') return '';
    i++;
    while (isSpace(text.charCodeAt(i))) i++;
    const quote = text[i];
    let end: number;
    if (quote === '"' || quote === "'") {
      i++;
      end = text.indexOf(quote, i);
      if (end < 0) throw bad(`an attribute of <${tag}> has no closing quote`);
      this.#at = end + 1;
    } else {
      end = i;
      while (end < text.length && !isSpace(text.charCodeAt(end)) && text[end] !== '>' && text[end] !== '<') end++;
      this.#at = end;
    }
    return decodeReferences(text.slice(i, end));
  }

  #closeTag(): void {
    const text = this.#text;
    const full = this.#name(this.#at + 2);
    let end = this.#at + 2 + full.length;
    while (isSpace(text.charCodeAt(end))) end++;
    if (text[end] !== '>') throw bad(`the end tag </${full}> is not closed`, text.slice(this.#at));
    const open = this.#open.at(-1);
    if (!open) throw bad(`the end tag </${full}> has no beginning`);
    if (open.full !== full) throw bad(`</${full}> where </${open.full}> is due`);
    this.#open.pop();
    this.#at = end + 1;
  }
}

/**
 * Root element of a document (PROTOCOLS §0.3). Byte order mark, blank lines before the declaration, NULs, a bare `&`
 * and bytes that are no UTF-8 are put up with. Throws `E_BAD_XML` (user) for an empty, cut or garbled document, DOCTYPE,
 * more than 1 MiB, more than 64 levels, 64 attributes an element or 256 characters a name.
 */
export function parseXml(document: string | Buffer): XmlElement {
  if (document.length > MAX_BYTES) throw bad(`${document.length} bytes are more than the 1 MiB that is read`);
  const text = typeof document === 'string' ? document : decodeBytes(document);
  return new Reader(text.replace(/\0/g, '').replace(/^[\s\ufeff]+/, '')).read();
}

/** First child element of that local name. */
export function child(element: XmlElement | undefined, name: string): XmlElement | undefined {
  return element?.children.find((c) => c.name === name);
}

/** All child elements of that local name. */
export function childrenOf(element: XmlElement | undefined, name: string): XmlElement[] {
  return element?.children.filter((c) => c.name === name) ?? [];
}

/** Trimmed text of the first child of that name; null when there is none, '' when it is empty. */
export function childText(element: XmlElement | undefined, name: string): string | null {
  return child(element, name)?.text.trim() ?? null;
}

/** All descendants of that local name, in document order. */
export function findAll(element: XmlElement | undefined, name: string): XmlElement[] {
  const found: XmlElement[] = [];
  const visit = (e: XmlElement): void => {
    for (const c of e.children) {
      if (c.name === name) found.push(c);
      visit(c);
    }
  };
  if (element) visit(element);
  return found;
}

// Characters that XML 1.0 cannot express at all are left out.
const UNWRITABLE = /[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu;
const ESCAPES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', '\r': '&#13;' };
const ATTRIBUTE_ESCAPES: Record<string, string> = { ...ESCAPES, '\n': '&#10;', '\t': '&#9;' };

const escapeText = (text: string): string => text.replace(UNWRITABLE, '').replace(/[&<>"\r]/g, (c) => ESCAPES[c]!);
const escapeAttribute = (text: string): string =>
  text.replace(UNWRITABLE, '').replace(/[&<>"\r\n\t]/g, (c) => ATTRIBUTE_ESCAPES[c]!);

function write(draft: XmlDraft): string {
  const attributes = Object.entries(draft.attributes ?? {})
    .map(([name, value]) => ` ${name}="${escapeAttribute(value)}"`)
    .join('');
  const inner = escapeText(draft.text ?? '') + (draft.children ?? []).map(write).join('');
  return inner === '' ? `<${draft.name}${attributes}/>` : `<${draft.name}${attributes}>${inner}</${draft.name}>`;
}

/** An XML document with its declaration, for UTF-8. Names are written as given: they are ours, not a device's. */
export const toXml = (root: XmlDraft): string => `<?xml version="1.0" encoding="UTF-8"?>\n${write(root)}`;
