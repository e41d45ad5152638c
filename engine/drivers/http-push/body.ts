import { gunzipSync, inflateSync } from 'node:zlib';
import type { Picture } from '../../domain/devices';
import { AlarmflowError, asAlarmflowError, userError } from '../../domain/errors';
import { createFramer, parseXml, type XmlElement } from '../wire';
import { readSloppyJson, type Tree } from './sloppy-json';

/** Named values in the order in which they came; a name may come several times. */
export type Fields = readonly { name: string; value: string }[];

export interface NamedPicture extends Picture {
  name?: string;
  /** Name of the part of a multipart body. */
  part?: string;
}

/** What a body of any form holds. */
export interface PushBody {
  json: Tree[];
  xml: XmlElement[];
  form: Fields;
  /** All that is text, as it was written; parts of a multipart body one under another. */
  text: string;
  pictures: NamedPicture[];
  /** Clips and other bytes that are no picture. */
  others: { contentType: string; size: number; name?: string }[];
  /** Why a part could not be read. */
  faults: string[];
}

/** Most bytes that a compressed body may grow to. */
const MOST_UNPACKED = 8 << 20;
const MOST_TEXT = 1 << 20;
const MOST_FIELDS = 1_000;

type Headers = Record<string, string | string[] | undefined>;

/** A header's value; the first where it came several times. */
export function headerOf(headers: Headers, name: string): string | undefined {
  const value = headers[name.toLowerCase()];
  return Array.isArray(value) ? value[0] : value;
}

/**
 * Reads a body of any form: JSON, XML, urlencoded or `name=value` lines, multipart, text, a bare picture; gzip and
 * deflate up to 8 MiB. What it is, is found out from its bytes where the Content-Type says something else. Throws
 * `E_BAD_PUSH` (user) for a coding that can't be undone; a part that can't be read is a fault.
 */
export function readBody(headers: Headers, bytes: Buffer): PushBody {
  const body = unpack(headers, bytes);
  const contentType = headerOf(headers, 'content-type') ?? '';
  const found: PushBody = { json: [], xml: [], form: [], text: '', pictures: [], others: [], faults: [] };
  if (isMultipart(contentType, body)) readMultipart(contentType, body, found);
  else readPart({ contentType, body }, found);
  return found;
}

function unpack(headers: Headers, bytes: Buffer): Buffer {
  const coding = (headerOf(headers, 'content-encoding') ?? 'identity').trim().toLowerCase();
  // Some firmware packs its body without saying so.
  const isGzip = bytes[0] === 0x1f && bytes[1] === 0x8b;
  if (!isGzip && (coding === 'identity' || coding === '')) return bytes;
  try {
    if (isGzip || /^(?:x-)?gzip$/.test(coding)) return gunzipSync(bytes, { maxOutputLength: MOST_UNPACKED });
    if (coding === 'deflate') return inflateSync(bytes, { maxOutputLength: MOST_UNPACKED });
  } catch (cause) {
    const tooLarge = (cause as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE';
    const reason = tooLarge ? `it holds more than ${MOST_UNPACKED} bytes` : 'it is damaged';
    throw userError('E_BAD_PUSH', `The compressed body can't be unpacked: ${reason}. Let the sender send it plainly`, {
      cause,
    });
  }
  throw userError(
    'E_BAD_PUSH',
    `The body is coded as "${coding.slice(0, 40)}": send it plainly, or coded as gzip or deflate`,
  );
}

function isMultipart(contentType: string, body: Buffer): boolean {
  if (/^\s*multipart\//i.test(contentType)) return true;
  // A multipart body whose header was lost: a boundary line, then a part head.
  return /^\s{0,8}--\S{1,70}\r?\n(?:content-|\r?\n)/i.test(body.toString('latin1', 0, 256));
}

function readMultipart(contentType: string, body: Buffer, found: PushBody): void {
  const framer = createFramer({ contentType });
  for (const part of [...framer.push(body), ...framer.end()]) {
    if (part.kind === 'fault') {
      found.faults.push(part.reason);
      continue;
    }
    const type = part.headers['content-type'] ?? part.contentType;
    readPart({ contentType: type, body: part.body, part: part.name, name: part.filename }, found);
  }
}

interface Part {
  contentType: string;
  body: Buffer;
  part?: string;
  name?: string;
}

function readPart({ contentType, body, part, name }: Part, found: PushBody): void {
  const media = contentType.split(';', 1)[0]?.trim().toLowerCase() ?? '';
  const picture = pictureType(body);
  if (picture) {
    found.pictures.push({
      contentType: picture,
      bytes: body,
      ...(name === undefined ? {} : { name }),
      ...(part === undefined ? {} : { part }),
    });
    return;
  }
  if (/^(?:image|video|audio)\//.test(media) || isBinary(body)) {
    found.others.push({ contentType: media || 'application/octet-stream', size: body.length, name: name ?? part });
    return;
  }
  const text = textOf(contentType, body);
  if (text.trim() === '') return;
  if (found.text.length < MOST_TEXT)
    found.text += (found.text === '' ? '' : '\n') + text.slice(0, MOST_TEXT - found.text.length);
  const fields: { name: string; value: string }[] = [];
  if (part !== undefined) fields.push({ name: part, value: text.trim() });
  const first = text.trimStart()[0];
  if (first === '{' || first === '[') {
    const reading = readSloppyJson(text);
    if ('documents' in reading) found.json.push(...reading.documents);
    else found.faults.push(`the JSON can't be read: ${reading.reason}`);
  } else if (first === '<') {
    try {
      found.xml.push(parseXml(text));
    } catch (thrown) {
      const error = asAlarmflowError(thrown);
      if (!(thrown instanceof AlarmflowError)) throw error;
      found.faults.push(error.message);
    }
  } else if (part === undefined) {
    fields.push(...fieldsOf(text, media));
    found.json.push(...documentIn(fields));
  }
  if (fields.length > 0) found.form = [...found.form, ...fields].slice(0, MOST_FIELDS);
}

/**
 * The document that a form carries: `payload={…}`, or a body that was escaped as a whole. Only one of the fields may
 * hold an object, and a list must be all there is: each item of a list is an event.
 */
function documentIn(fields: Fields): Tree[] {
  const texts = fields.map(({ name, value }) => (value === '' ? name : value).trim());
  const objects = texts.filter((text) => text.startsWith('{'));
  const [only] = objects.length > 0 ? objects : texts.length === 1 ? texts : [];
  if (only === undefined || objects.length > 1 || !/^[{[]/.test(only)) return [];
  const reading = readSloppyJson(only);
  // It is still the field's text.
  return 'documents' in reading && reading.documents.length === 1 ? [...reading.documents] : [];
}

/** Media type of a picture by its first bytes; null for anything else. */
export function pictureType(bytes: Buffer): string | null {
  if (bytes.length < 8) return null;
  if (bytes[0] === 0xff && bytes[1] === 0xd8 && bytes[2] === 0xff) return 'image/jpeg';
  if (bytes.readUInt32BE(0) === 0x89504e47) return 'image/png';
  const start = bytes.toString('latin1', 0, 12);
  if (start.startsWith('GIF8')) return 'image/gif';
  if (start.startsWith('RIFF') && start.endsWith('WEBP')) return 'image/webp';
  return null;
}

/** Control characters that no text holds; NULs at the end are padding. */
function isBinary(body: Buffer): boolean {
  const head = body.subarray(0, 512);
  if (/^(?:\xff\xfe|\xfe\xff)/.test(head.toString('latin1', 0, 2))) return false;
  let end = head.length;
  while (end > 0 && head[end - 1] === 0) end--;
  for (let i = 0; i < end; i++) {
    const byte = head[i]!;
    if (byte < 0x09 || (byte > 0x0d && byte < 0x20 && byte !== 0x1b)) return true;
  }
  return false;
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

function textOf(contentType: string, body: Buffer): string {
  const charset = /charset\s{0,4}=\s{0,4}"?([\w-]{1,40})/i.exec(contentType)?.[1]?.toLowerCase();
  if (body[0] === 0xff && body[1] === 0xfe) return new TextDecoder('utf-16le').decode(body);
  if (body[0] === 0xfe && body[1] === 0xff) return new TextDecoder('utf-16be').decode(body);
  if (charset !== undefined && /^(?:iso-?8859-?1|latin-?1|windows-?1252)$/.test(charset)) return latin(body);
  try {
    return utf8.decode(body).replaceAll('\0', '');
  } catch {
    // No UTF-8, whatever the header says: western single bytes are what is left for old firmware.
    return charset === undefined || charset === 'us-ascii' ? latin(body) : body.toString('utf8').replaceAll('\0', '');
  }
}

const latin = (body: Buffer): string => new TextDecoder('windows-1252').decode(body).replaceAll('\0', '');

/** `a=1&b=2` with the escapes of a form, or lines of `name=value` and `name: value`. */
function fieldsOf(text: string, media: string): { name: string; value: string }[] {
  const trimmed = text.trim();
  const oneLine = !/[\r\n]/.test(trimmed);
  if (oneLine && (media === 'application/x-www-form-urlencoded' || /^[\w.[\]%+-]{1,100}=[^\s&]*(?:&|$)/.test(trimmed)))
    return queryFields(trimmed);
  const found: { name: string; value: string }[] = [];
  for (const written of trimmed.split(oneLine ? ';' : /[\r\n]+/, MOST_FIELDS)) {
    const line = written.trim();
    const cut = line.slice(0, 100).search(/[=:]/);
    const name = line.slice(0, Math.max(0, cut)).trim();
    if (!/^[\w.[\] -]+$/.test(name)) continue;
    const value = line.slice(cut + 1).trim();
    const quote = value[0] ?? '';
    const quoted = (quote === '"' || quote === "'") && value.length > 1 && value.endsWith(quote);
    found.push({ name, value: quoted ? value.slice(1, -1) : value });
  }
  return found;
}

/** The fields of a query or of an urlencoded body; a broken escape stays as it is written. */
export function queryFields(text: string): { name: string; value: string }[] {
  return text
    .split('&', MOST_FIELDS)
    .filter((pair) => pair !== '')
    .map((pair) => {
      const cut = pair.indexOf('=');
      const name = cut < 0 ? pair : pair.slice(0, cut);
      return { name: undoEscapes(name), value: cut < 0 ? '' : undoEscapes(pair.slice(cut + 1)) };
    });
}

/** Undoes percent escapes; one that is broken stays as it is written. */
export function undoEscapes(text: string): string {
  const spaced = text.replaceAll('+', ' ');
  if (!spaced.includes('%')) return spaced;
  try {
    return decodeURIComponent(spaced);
  } catch {
    // Single bytes of an old code page: `%E4`.
    return spaced.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  }
}
