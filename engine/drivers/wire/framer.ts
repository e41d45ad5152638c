import { Boundaries, boundaryOfHeader } from './boundary';
import { ByteWindow, DASH, isBlank, matchesWord, skipBlanks } from './bytes';
import { codeEnd, type DocumentEnd, jsonEnd, xmlEnd } from './document-end';
import { contentLength, emptyLineLength, judgeHeadLine, mediaType, parameter, parseHeader } from './part-head';
import { RawEnd } from './raw-end';

/** What the framer is told before the first byte. */
export interface FramerOptions {
  /** `Content-Type` header of the answer or push; may be missing or name a boundary that the body does not use. */
  contentType?: string;
  /** Largest XML, JSON or text part in bytes; default 1 MiB. */
  maxTextBytes?: number;
  /** Largest picture in bytes; default 16 MiB. */
  maxBinaryBytes?: number;
}

/** What a body is by its first bytes: `dahua` is `Code=…` or `Heartbeat`, `text` anything else that is no picture. */
export type BodyForm = 'xml' | 'json' | 'dahua' | 'text' | 'binary';

/** One part of a multipart body, or a body that is one document without any boundary. */
export interface BodyPart {
  kind: 'part';
  /** Names in lower case; a repeated header keeps its first value. */
  headers: Record<string, string>;
  /** Media type in lower case without parameters; what the bytes look like where none was given; '' when unknown. */
  contentType: string;
  /** What the bytes are, whatever the head says. */
  form: BodyForm;
  /** `name` of the Content-Disposition. */
  name?: string;
  /** `filename` of the Content-Disposition. */
  filename?: string;
  /** A document from its first to its last byte, without the line ends around it. */
  body: Buffer;
  /** Set when the next boundary or the end of the connection came before the document's own end. */
  truncated?: true;
}

/** Bytes that were no part, or too many for one; the framer goes on behind them. */
export interface FrameFault {
  kind: 'fault';
  reason: string;
  bytes: number;
}

export type FramedPart = BodyPart | FrameFault;

/**
 * Cuts a byte stream into parts (PROTOCOLS §0.1). It never throws, and what it answers does not depend on how the bytes
 * are chunked. It holds at most one part and its head.
 */
export interface Framer {
  /** The parts that are complete with this chunk. */
  push(chunk: Buffer): FramedPart[];
  /** The stream has ended: what was still open. Later bytes are ignored. */
  end(): FramedPart[];
}

const MAX_HEAD_LINE = 16 * 1024;
const MAX_HEAD_LINES = 64;
/** A chunk is worked off in slices, so that the window stays small whatever the chunk's size. */
const SLICE_BYTES = 64 * 1024;
/** A stream that does not find back says so each time it has dropped this much. */
const REPORT_DROPPED_BYTES = 16 << 20;
const JPEG_START = 0xd8ff;

const BINARY_TYPE = /^(?:image|video|audio)\//;
const OPAQUE_TYPE = /^application\/(?:octet-stream|binary|x-binary)$/;
const TEXT_FILE = /\.(?:xml|json|txt)$/i;
const PICTURE_FILE = /\.(?:jpe?g|png|bmp|gif|webp|pic|mp4)$/i;

/** What the bytes at `at` begin; null for nothing known, 'more' while that is open. */
function sniff(view: Buffer, at: number, eof: boolean): BodyForm | null | 'more' {
  const first = view[at];
  const second = view[at + 1];
  const more = eof ? null : 'more';
  if (first === undefined) return more;
  if (first === 0x7b || first === 0x5b) return 'json';
  if (first === 0x3c) {
    if (second === undefined) return more;
    return second === 0x3f || second === 0x21 || second === 0x5f || second >= 0x41 ? 'xml' : null;
  }
  if (first === 0xff) return second === undefined ? more : second === 0xd8 ? 'binary' : null;
  if (first === 0x89) return second === undefined ? more : second === 0x50 ? 'binary' : null;
  const words = [matchesWord(view, at, 'code='), matchesWord(view, at, 'heartbeat')];
  if (words.includes(true)) return 'dahua';
  return words.includes(null) ? more : null;
}

/** Whether opaque bytes are a document all the same: binary data may well begin with a bracket. */
function isUnmistakable(view: Buffer, at: number, eof: boolean): boolean | 'more' {
  const words = ['<?xml', '<eventnotification', 'code='].map((word) => matchesWord(view, at, word));
  if (words.includes(true)) return true;
  return words.includes(null) && !eof ? 'more' : false;
}

function looksLike(form: BodyForm, view: Buffer): string {
  if (form === 'xml') return 'application/xml';
  if (form === 'json') return 'application/json';
  if (form === 'dahua') return 'text/plain';
  if (form === 'binary' && view.length > 1)
    return view.readUInt16LE(0) === JPEG_START ? 'image/jpeg' : view[0] === 0x89 ? 'image/png' : '';
  return '';
}

type Place =
  /** Where a boundary is due. `documents`: a document may come without one. */
  | { at: 'between'; documents: boolean; first: boolean }
  /** Dropping up to the next boundary. A null reason is a preamble, which is nobody's fault. */
  | { at: 'skip'; reason: string | null; bytes: number }
  | { at: 'head'; scanned: number; lines: number; bytes: number; folding: string | null }
  | { at: 'sniff' }
  | { at: 'document'; form: 'xml' | 'json' | 'dahua'; end: DocumentEnd; searched: number; length: number | null }
  | { at: 'raw'; form: 'text' | 'binary'; end: RawEnd }
  | { at: 'over' };

class StreamFramer implements Framer {
  readonly #window = new ByteWindow();
  readonly #boundaries: Boundaries;
  readonly #outerType: string;
  readonly #maxText: number;
  readonly #maxBinary: number;
  #place: Place = { at: 'between', documents: true, first: true };
  #headers: Record<string, string> = {};
  #out: FramedPart[] = [];
  #delivered = false;
  #eof = false;

  constructor(options: FramerOptions) {
    this.#boundaries = new Boundaries(boundaryOfHeader(options.contentType));
    this.#outerType = mediaType(options.contentType);
    this.#maxText = options.maxTextBytes ?? 1 << 20;
    this.#maxBinary = options.maxBinaryBytes ?? 16 << 20;
  }

  push(chunk: Buffer): FramedPart[] {
    if (this.#place.at === 'over') return [];
    for (let from = 0; from < chunk.length; from += SLICE_BYTES) {
      this.#window.append(chunk.subarray(from, from + SLICE_BYTES));
      this.#run();
    }
    return this.#take();
  }

  end(): FramedPart[] {
    if (this.#place.at === 'over') return [];
    this.#eof = true;
    this.#run();
    this.#place = { at: 'over' };
    return this.#take();
  }

  #take(): FramedPart[] {
    const out = this.#out;
    this.#out = [];
    return out;
  }

  /** Steps as long as a step gets anywhere. */
  #run(): void {
    while (this.#step());
  }

  #step(): boolean {
    const place = this.#place;
    switch (place.at) {
      case 'between':
        return this.#between(place.documents, place.first);
      case 'skip':
        return this.#skip(place);
      case 'head':
        return this.#head(place);
      case 'sniff':
        return this.#sniff();
      case 'document':
        return this.#document(place);
      case 'raw':
        return this.#raw(place);
      case 'over':
        return false;
    }
  }

  #between(documents: boolean, first: boolean): boolean {
    const view = this.#window.view;
    const start = skipBlanks(view, 0);
    const byte = view[start];
    if (byte === undefined) {
      // Line ends are dropped as they come; blanks before a first document are few or garbage.
      this.#window.consume(start);
      return false;
    }
    if (byte === 0xef && first && view.length - start < 3 && !this.#eof) return false;
    if (byte === DASH) {
      if (view[start + 1] === undefined && !this.#eof) return false;
      if (view[start + 1] === DASH) {
        const line = this.#boundaries.read(view, start, this.#eof, true);
        if (line === 'more') return false;
        if (line) return this.#boundary(view, start, line);
      }
    }
    if (documents) {
      const form = sniff(view, start, this.#eof);
      if (form === 'more') return false;
      const bare = first && !this.#outerType.startsWith('multipart/') && this.#outerType !== '';
      if (form && (form !== 'binary' || first)) return this.#startBare(start, bare);
      if (bare && (BINARY_TYPE.test(this.#outerType) || OPAQUE_TYPE.test(this.#outerType)))
        return this.#startBare(start, bare);
      const line = matchesWord(view, start, 'content-');
      if (line === null && !this.#eof) return false;
      if (line) {
        this.#window.consume(start);
        this.#startHead();
        return true;
      }
      if (bare) return this.#startBare(start, bare);
    }
    this.#window.consume(start);
    const preamble = first && this.#outerType.startsWith('multipart/');
    this.#place = { at: 'skip', reason: preamble ? null : 'bytes that belong to no part', bytes: 0 };
    return true;
  }

  #startBare(start: number, bare: boolean): boolean {
    this.#window.consume(start);
    this.#headers = bare ? { 'content-type': this.#outerType } : {};
    this.#place = { at: 'sniff' };
    return true;
  }

  #boundary(view: Buffer, at: number, line: { next: number; closing: boolean }): boolean {
    this.#boundaries.meet(view, at);
    this.#window.consume(line.next);
    if (line.closing) this.#place = { at: 'between', documents: false, first: false };
    else this.#startHead();
    return true;
  }

  #startHead(): void {
    this.#headers = {};
    this.#place = { at: 'head', scanned: 0, lines: 0, bytes: 0, folding: null };
  }

  #skip(place: { reason: string | null; bytes: number }): boolean {
    const { view, previous } = this.#window;
    const found = this.#boundaries.search(view, 0, previous, this.#eof, true);
    const dropped = found.found ? found.at : found.until;
    place.bytes += dropped;
    while (place.reason && place.bytes > REPORT_DROPPED_BYTES) {
      this.#fault(place.reason, REPORT_DROPPED_BYTES);
      place.bytes -= REPORT_DROPPED_BYTES;
    }
    if (found.found) {
      if (place.reason) this.#fault(place.reason, place.bytes);
      return this.#boundary(view, found.at, found.line);
    }
    this.#window.consume(dropped);
    if (!this.#eof) return false;
    if (place.reason) this.#fault(place.reason, place.bytes);
    else if (!this.#delivered) this.#fault('neither a boundary nor a document', place.bytes);
    this.#place = { at: 'over' };
    return false;
  }

  #fault(reason: string, bytes: number): void {
    if (bytes > 0) this.#out.push({ kind: 'fault', reason, bytes });
  }

  #drop(reason: string, bytes: number): boolean {
    this.#window.consume(bytes);
    this.#place = { at: 'skip', reason, bytes };
    return true;
  }

  #head(place: Extract<Place, { at: 'head' }>): boolean {
    const view = this.#window.view;
    const hasHeaders = place.folding !== null;
    if (view.length === 0) {
      if (this.#eof && hasHeaders) this.#fault('stream ended inside a part head', place.bytes);
      return false;
    }
    const line = judgeHeadLine(view, hasHeaders, this.#eof);
    switch (line) {
      case 'more':
        if (!this.#eof) return false;
        if (matchesWord(view, 0, 'heartbeat') === true) break;
        this.#fault('stream ended inside a part head', place.bytes + view.length);
        this.#window.consume(view.length);
        place.folding = null;
        return false;
      case 'dashes': {
        const boundary = this.#boundaries.read(view, 0, this.#eof, false);
        if (boundary === 'more') return false;
        if (boundary) return this.#boundary(view, 0, boundary);
        break;
      }
      case 'empty':
        this.#window.consume(emptyLineLength(view));
        if (hasHeaders) this.#place = { at: 'sniff' };
        return true;
      case 'header':
      case 'folded':
        return this.#headerLine(place, view, line === 'folded');
      case 'body':
        break;
    }
    this.#place = { at: 'sniff' };
    return true;
  }

  #headerLine(place: Extract<Place, { at: 'head' }>, view: Buffer, folded: boolean): boolean {
    const end = view.indexOf(0x0a, place.scanned);
    place.scanned = view.length;
    const next = end >= 0 ? end + 1 : view.length;
    if (next > MAX_HEAD_LINE) return this.#drop('a part head without end', MAX_HEAD_LINE);
    if (end < 0 && !this.#eof) return false;
    if (place.lines >= MAX_HEAD_LINES) return this.#drop('a part head without end', next);
    const text = view.toString('utf8', 0, next).trim();
    this.#window.consume(next);
    place.scanned = 0;
    place.lines++;
    place.bytes += next;
    if (folded && place.folding !== null) this.#headers[place.folding] += ` ${text}`;
    else {
      const { name, value } = parseHeader(text);
      if (!Object.hasOwn(this.#headers, name)) this.#headers[name] = value;
      place.folding = name;
    }
    return true;
  }

  #sniff(): boolean {
    const view = this.#window.view;
    const type = mediaType(this.#headers['content-type']);
    const length = contentLength(this.#headers['content-length']);
    const filename = this.#disposition('filename') ?? '';
    const opaque = OPAQUE_TYPE.test(type) ? !TEXT_FILE.test(filename) : type === '' && PICTURE_FILE.test(filename);
    if (BINARY_TYPE.test(type)) return this.#startRaw('binary', length);
    const start = skipBlanks(view, 0);
    if (start > this.#maxText) return this.#drop('a text part larger than allowed', this.#maxText);
    if (view[start] === undefined) {
      if (!this.#eof) return false;
      this.#window.consume(start);
      this.#place = { at: 'over' };
      return false;
    }
    if (view[start] === 0xef && view.length - start < 3 && !this.#eof) return false;
    if (view[start] === DASH) {
      const line = this.#boundaries.read(view, start, this.#eof, false);
      if (line === 'more') return false;
      // A part without body says nothing.
      if (line) return this.#boundary(view, start, line);
    }
    const form = sniff(view, start, this.#eof);
    if (form === 'more') return false;
    const document = !opaque || isUnmistakable(view, start, this.#eof);
    if (document === 'more') return false;
    if (form === 'binary' || !document) return this.#startRaw('binary', length);
    if (form === null || form === 'text') {
      if (/[/+]xml$/.test(type)) return this.#startDocument('xml', start, length);
      if (/[/+]json$/.test(type)) return this.#startDocument('json', start, length);
      return this.#startRaw('text', length);
    }
    return this.#startDocument(form, start, length);
  }

  #startDocument(form: 'xml' | 'json' | 'dahua', start: number, declared: number | null): boolean {
    this.#window.consume(start);
    const length = declared !== null && declared > start ? declared - start : null;
    const view = this.#window.view;
    if (form === 'dahua' && matchesWord(view, 0, 'heartbeat')) return this.#deliver('dahua', 9, 9, false, true);
    const end = form === 'xml' ? xmlEnd() : form === 'json' ? jsonEnd() : codeEnd(length);
    this.#place = { at: 'document', form, end, searched: 0, length };
    return true;
  }

  #startRaw(form: 'text' | 'binary', length: number | null): boolean {
    const max = form === 'binary' ? this.#maxBinary : this.#maxText;
    this.#place = { at: 'raw', form, end: new RawEnd(form, length !== null && length <= max ? length : null) };
    return true;
  }

  #document(place: Extract<Place, { at: 'document' }>): boolean {
    const { view, previous } = this.#window;
    const found = this.#boundaries.search(view, place.searched, previous, this.#eof, false);
    const limit = found.found ? found.at : found.until;
    place.searched = limit;
    const within = Math.min(limit, this.#maxText);
    let end = place.end.scan(view, place.end.started ? within : Math.min(within, place.length ?? within));
    if (end === null && place.end.started) end = place.end.scan(view, within);
    if (end !== null) return this.#deliver(place.form, end, end, place.end.cut, true);
    // No document by the end of the announced length: a plain text under a wrong media type.
    if (!place.end.started && place.length !== null && limit >= place.length)
      return this.#startRaw('text', place.length);
    if (limit > this.#maxText) return this.#drop('a text part larger than allowed', this.#maxText);
    if (found.found || this.#eof) return this.#deliver(place.form, limit, limit, !place.end.wholeAtEnd(), false);
    return false;
  }

  #raw(place: Extract<Place, { at: 'raw' }>): boolean {
    const { view, previous } = this.#window;
    const max = place.form === 'binary' ? this.#maxBinary : this.#maxText;
    const end = place.end.find(view, previous, this.#boundaries, this.#eof, max);
    if (end === null) return false;
    if (end === 'too-large')
      return this.#drop(`a ${place.form === 'binary' ? 'picture' : 'text part'} larger than allowed`, max);
    return this.#deliver(place.form, end.at, end.at, end.truncated, place.form === 'text');
  }

  #disposition(name: 'name' | 'filename'): string | undefined {
    return parameter(this.#headers['content-disposition'], name);
  }

  /** Hands out the first `size` bytes as the body and goes on behind `next`. */
  #deliver(form: BodyForm, size: number, next: number, truncated: boolean, documents: boolean): boolean {
    const view = this.#window.view;
    let from = 0;
    let to = size;
    if (form !== 'binary') {
      while (to > 0 && isBlank(view[to - 1])) to--;
      from = Math.min(to, skipBlanks(view, 0));
      // A garbled head line may stand before a document that only its media type announced.
      if (form === 'xml') from = Math.min(to, Math.max(from, view.indexOf(0x3c)));
    }
    if (to > from) {
      const body = Buffer.from(view.subarray(from, to));
      const type = mediaType(this.#headers['content-type']);
      const part: BodyPart = {
        kind: 'part',
        headers: this.#headers,
        contentType: type || looksLike(form, body),
        form,
        body,
      };
      const name = this.#disposition('name');
      const filename = this.#disposition('filename');
      if (name !== undefined) part.name = name;
      if (filename !== undefined) part.filename = filename;
      if (truncated) part.truncated = true;
      this.#out.push(part);
      this.#delivered = true;
    }
    this.#window.consume(next);
    this.#place = { at: 'between', documents, first: false };
    return true;
  }
}

/** A framer for one answer, stream or push of a Hikvision or Dahua device. */
export const createFramer = (options: FramerOptions = {}): Framer => new StreamFramer(options);
