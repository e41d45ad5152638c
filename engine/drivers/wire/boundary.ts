import { COLON, CR, DASH, isBlank, isNameByte, LF, matchesWord, SPACE, TAB } from './bytes';

/** Longest run of dashes and longest boundary word that are believed. RFC 2046 allows 70 characters. */
const MAX_DASHES = 80;
const MAX_WORD = 200;
const MAX_BLANKS_BEFORE_HEAD = 64;
const MAX_HEADER_NAME = 64;

/** A boundary line: `next` is the index behind its line end, `closing` tells `--word--`. */
export interface BoundaryLine {
  next: number;
  closing: boolean;
}

/** Where the next boundary is, or up to where none can begin in the bytes seen so far. */
export type BoundarySearch = { found: true; at: number; line: BoundaryLine } | { found: false; until: number };

const withoutLeadingDashes = (word: string): string => word.replace(/^-{1,80}/, '');

/** Boundary word of a `Content-Type` header without leading dashes, or null (PROTOCOLS §0.1 rule 2). */
export function boundaryOfHeader(contentType: string | undefined): string | null {
  if (!contentType) return null;
  const match = /;\s{0,20}boundary\s{0,20}=\s{0,20}(?:"([^"]{1,200})"|'([^']{1,200})'|([^;\s]{1,200}))/i.exec(
    contentType.slice(0, 1000),
  );
  const word = (match?.[1] ?? match?.[2] ?? match?.[3])?.trim();
  return word ? withoutLeadingDashes(word) : null;
}

/**
 * The boundary words of one body. A word is compared without its leading dashes, because the header may count them in
 * or not. Until a known word has been met in the body, the first line that begins with `--` teaches one.
 */
export class Boundaries {
  readonly #words: Buffer[] = [];
  #met = false;

  constructor(headerWord: string | null) {
    if (headerWord !== null) this.#words.push(Buffer.from(headerWord, 'latin1'));
  }

  /** Whether a boundary of this body has been met. */
  get met(): boolean {
    return this.#met;
  }

  /**
   * Reads a boundary line at `at`; null when there is none, 'more' while that is open. With `learn`, and as long as
   * none was met, any word will do.
   */
  read(view: Buffer, at: number, eof: boolean, learn: boolean): BoundaryLine | null | 'more' {
    let i = at;
    while (view[i] === DASH && i - at <= MAX_DASHES) i++;
    if (i - at > MAX_DASHES) return null;
    if (i === view.length && !eof) return 'more';
    if (i - at < 2) return null;
    let open = false;
    for (const word of this.#words) {
      const line = readKnown(view, i, word, eof);
      if (line === 'more') open = true;
      else if (line) return line;
    }
    if (open) return 'more';
    return this.#met || !learn ? null : (readUnknown(view, i, eof)?.line ?? null);
  }

  /** Says that the line at `at` was taken as a boundary: from now on its word is known and no other is learnt. */
  meet(view: Buffer, at: number): void {
    if (this.#met) return;
    this.#met = true;
    let i = at;
    while (view[i] === DASH) i++;
    if (this.#words.some((word) => isLine(readKnown(view, i, word, true)))) return;
    const unknown = readUnknown(view, i, true);
    if (unknown?.word) this.#words.push(Buffer.from(unknown.word));
  }

  /**
   * First boundary at a line start from `from` on that is followed by what may follow one: a head, a document, another
   * boundary; or a closing boundary. `previous` is the byte before `view`.
   */
  search(view: Buffer, from: number, previous: number, eof: boolean, learn: boolean): BoundarySearch {
    let i = from;
    for (;;) {
      i = view.indexOf('--', i, 'latin1');
      if (i < 0) {
        const tail = !eof && view.length > from && view[view.length - 1] === DASH ? 1 : 0;
        return { found: false, until: view.length - tail };
      }
      if ((i === 0 ? previous : view[i - 1]) === LF) {
        const line = this.read(view, i, eof, learn);
        if (line === 'more') return { found: false, until: i };
        if (line) {
          const follows = line.closing || mayFollow(view, line.next, eof);
          if (follows === 'more') return { found: false, until: i };
          if (follows) return { found: true, at: i, line };
        }
      }
      i++;
    }
  }
}

const isLine = (line: BoundaryLine | null | 'more'): boolean => line !== null && line !== 'more';

function lineEnd(view: Buffer, from: number, eof: boolean): number | null | 'more' {
  let i = from;
  while ((view[i] === SPACE || view[i] === TAB) && i - from < 80) i++;
  if (view[i] === CR) i++;
  if (i >= view.length) return eof ? view.length : 'more';
  return view[i] === LF ? i + 1 : null;
}

function readKnown(view: Buffer, from: number, word: Buffer, eof: boolean): BoundaryLine | null | 'more' {
  for (let i = 0; i < word.length; i++) {
    const byte = view[from + i];
    if (byte === undefined) return eof ? null : 'more';
    if (byte !== word[i]) return null;
  }
  const behind = from + word.length;
  const plain = lineEnd(view, behind, eof);
  if (typeof plain === 'number') return { next: plain, closing: false };
  if (view[behind] === DASH) {
    if (view[behind + 1] === undefined) return eof ? null : 'more';
    if (view[behind + 1] !== DASH) return null;
    const closed = lineEnd(view, behind + 2, eof);
    if (typeof closed === 'number') return { next: closed, closing: true };
    return closed;
  }
  return plain;
}

function readUnknown(view: Buffer, from: number, eof: boolean): { word: string; line: BoundaryLine | 'more' } | null {
  let i = from;
  while (view[i] !== undefined && view[i]! > SPACE && view[i]! < 0x7f && i - from <= MAX_WORD) i++;
  if (i === from || i - from > MAX_WORD) return null;
  if (i === view.length && !eof) return { word: '', line: 'more' };
  const raw = view.toString('latin1', from, i);
  const word = raw.replace(/-{1,200}$/, '');
  const end = lineEnd(view, i, eof);
  if (end === 'more') return { word, line: 'more' };
  if (end === null || word === '') return null;
  return { word: raw.endsWith('--') ? word : raw, line: { next: end, closing: raw.endsWith('--') } };
}

/** Whether the bytes at `from` may stand behind a boundary line. */
function mayFollow(view: Buffer, from: number, eof: boolean): boolean | 'more' {
  let i = from;
  while (isBlank(view[i]) && i - from < MAX_BLANKS_BEFORE_HEAD) i++;
  const byte = view[i];
  const more = eof ? false : 'more';
  if (byte === undefined) return eof ? true : 'more';
  // A document, a byte order mark or a JPEG without any head.
  if (byte === 0x3c || byte === 0x7b || byte === 0x5b || byte === 0xef || byte === 0xff) return true;
  if (byte === DASH) return view[i + 1] === undefined ? more : view[i + 1] === DASH;
  const name = i;
  while (isNameByte(view[i]) && i - name <= MAX_HEADER_NAME) i++;
  const heartbeat = matchesWord(view, name, 'heartbeat');
  if (i === view.length) return heartbeat === true ? true : more;
  if (i > name) {
    while (view[i] === SPACE || view[i] === TAB) {
      i++;
      if (i - name > MAX_HEADER_NAME + 16) return false;
    }
    if (i === view.length) return more;
    if (view[i] === COLON) return true;
    if (matchesWord(view, name, 'code=') === true) return true;
  }
  return heartbeat === true;
}
