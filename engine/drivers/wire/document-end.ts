import { CR, DASH, isBlank, isLetter, LF, matchesWord } from './bytes';

/**
 * Finds the end of a text document byte by byte, each byte once. `scan` looks at bytes up to `limit` and goes on where
 * it stopped; it answers the index behind the document's last byte, or null while that has not come.
 */
export interface DocumentEnd {
  scan(view: Buffer, limit: number): number | null;
  /** The document's first token has been met. */
  readonly started: boolean;
  /** What was found is cut short: another document began inside. */
  readonly cut: boolean;
  /** The stream ends here: whether what there is may stand for a whole document. */
  wholeAtEnd(): boolean;
}

const LT = 0x3c;
const GT = 0x3e;
const SLASH = 0x2f;
const QUESTION = 0x3f;
const BANG = 0x21;
const EQUALS = 0x3d;
const DOUBLE_QUOTE = 0x22;
const SINGLE_QUOTE = 0x27;
const BACKSLASH = 0x5c;
const MAX_NAME = 256;

const isNameStart = (byte: number): boolean => isLetter(byte) || byte === 0x5f || byte >= 0x80;
const endsName = (byte: number): boolean => isBlank(byte) || byte === GT || byte === SLASH;

type XmlPlace =
  | 'text'
  | 'lt'
  | 'open-name'
  | 'open'
  | 'quoted'
  | 'close-name'
  | 'pi'
  | 'bang'
  | 'comment'
  | 'cdata'
  | 'doctype';

/**
 * The end tag of the root element. Only elements of the root's name are counted, so that a stray `<` or an unbalanced
 * tag inside cannot hide the end; comments, CDATA, instructions and attribute values are passed over.
 */
class XmlEnd implements DocumentEnd {
  #at = 0;
  #place: XmlPlace = 'text';
  /** First byte of the name, comment or instruction under way. */
  #mark = 0;
  /** The tag under way opens an element of the root's name. */
  #opensRoot = false;
  #quote = 0;
  #last = 0;
  #brackets = 0;
  #root: Buffer | null = null;
  #depth = 0;
  started = false;
  cut = false;

  wholeAtEnd(): boolean {
    return false;
  }

  scan(view: Buffer, limit: number): number | null {
    for (; this.#at < limit; this.#at++) {
      if (this.#place === 'text') {
        // Most bytes are text: let the native search cross it.
        const lt = view.indexOf(LT, this.#at);
        if (lt < 0 || lt >= limit) {
          this.#at = limit;
          return null;
        }
        this.#at = lt;
      }
      const end = this.#step(view, this.#at);
      if (end === null) continue;
      this.#at = end;
      return end;
    }
    return null;
  }

  #step(view: Buffer, at: number): number | null {
    const byte = view[at]!;
    switch (this.#place) {
      case 'text':
        if (byte === LT) {
          this.started = true;
          this.#enter('lt', at);
        }
        return null;
      case 'lt':
        if (byte === SLASH) this.#enter('close-name', at + 1);
        else if (byte === QUESTION) this.#enter('pi', at + 1);
        else if (byte === BANG) this.#enter('bang', at + 1);
        else if (isNameStart(byte)) this.#enter('open-name', at);
        else if (byte !== LT) this.#place = 'text';
        return null;
      case 'open-name':
        if (byte === LT) this.#enter('lt', at);
        else if (endsName(byte)) return this.#openTag(view, at, byte);
        else if (at - this.#mark > MAX_NAME) this.#place = 'text';
        return null;
      case 'open':
        return this.#insideTag(at, byte);
      case 'quoted':
        if (byte === this.#quote) {
          this.#place = 'open';
          this.#last = byte;
        }
        return null;
      case 'close-name':
        return this.#closeTag(view, at, byte);
      case 'pi':
        if (byte === GT && view[at - 1] === QUESTION && at > this.#mark) this.#place = 'text';
        else if (at === this.#mark + 3 && this.#root && isBlank(byte) && matchesWord(view, this.#mark, 'xml')) {
          // A declaration inside a document: the rest of this one never came.
          this.cut = true;
          return this.#mark - 2;
        }
        return null;
      case 'bang':
        return this.#bang(view, at, byte);
      case 'comment':
        if (byte === GT && view[at - 1] === DASH && view[at - 2] === DASH && at - 2 >= this.#mark) this.#place = 'text';
        return null;
      case 'cdata':
        if (byte === GT && view[at - 1] === 0x5d && view[at - 2] === 0x5d && at - 2 >= this.#mark) this.#place = 'text';
        return null;
      case 'doctype':
        if (byte === 0x5b) this.#brackets++;
        else if (byte === 0x5d) this.#brackets--;
        else if (byte === GT && this.#brackets <= 0) this.#place = 'text';
        return null;
    }
  }

  #enter(place: XmlPlace, mark: number): void {
    this.#place = place;
    this.#mark = mark;
  }

  #isRoot(view: Buffer, from: number, to: number): boolean {
    return this.#root !== null && this.#root.length === to - from && this.#root.compare(view, from, to) === 0;
  }

  #openTag(view: Buffer, at: number, byte: number): number | null {
    if (!this.#root) this.#root = Buffer.from(view.subarray(this.#mark, at));
    // The tag may still turn out to be empty (`<x/>`): #insideTag takes it back then.
    this.#opensRoot = this.#isRoot(view, this.#mark, at);
    if (this.#opensRoot) this.#depth++;
    this.#place = 'open';
    this.#last = 0;
    return this.#insideTag(at, byte);
  }

  #insideTag(at: number, byte: number): number | null {
    if (byte === GT) {
      this.#place = 'text';
      if (this.#last === SLASH && this.#opensRoot && --this.#depth === 0) return at + 1;
    } else if (byte === LT) {
      // The tag before never closed: it was a stray `<` in a text.
      if (this.#opensRoot && this.#depth > 1) this.#depth--;
      this.#enter('lt', at);
    } else if ((byte === DOUBLE_QUOTE || byte === SINGLE_QUOTE) && this.#last === EQUALS) {
      this.#place = 'quoted';
      this.#quote = byte;
    } else if (!isBlank(byte)) this.#last = byte;
    return null;
  }

  #closeTag(view: Buffer, at: number, byte: number): number | null {
    if (byte === LT) this.#enter('lt', at);
    else if (byte === GT) {
      let to = at;
      while (to > this.#mark && isBlank(view[to - 1])) to--;
      this.#place = 'text';
      if (this.#isRoot(view, this.#mark, to) && --this.#depth === 0) return at + 1;
    } else if (at - this.#mark > MAX_NAME) this.#place = 'text';
    return null;
  }

  #bang(view: Buffer, at: number, byte: number): null {
    const length = at - this.#mark + 1;
    if (length === 1 && byte !== DASH && byte !== 0x5b) {
      this.#brackets = 0;
      this.#place = byte === GT ? 'text' : 'doctype';
    } else if (length === 2 && view[this.#mark] === DASH) {
      if (byte === DASH) this.#enter('comment', at + 1);
      else this.#place = 'text';
    } else if (view[this.#mark] === 0x5b && length === 7) {
      if (matchesWord(view, this.#mark, '[cdata[')) this.#enter('cdata', at + 1);
      else this.#place = 'text';
    }
    return null;
  }
}

/** The bracket that closes the first one, outside of strings. */
class JsonEnd implements DocumentEnd {
  #at: number;
  #depth = 0;
  #inString = false;
  #escaped = false;
  readonly cut = false;

  constructor(from = 0) {
    this.#at = from;
  }

  get started(): boolean {
    return this.#depth > 0;
  }

  wholeAtEnd(): boolean {
    return false;
  }

  scan(view: Buffer, limit: number): number | null {
    for (; this.#at < limit; this.#at++) {
      const byte = view[this.#at]!;
      if (this.#inString) {
        if (this.#escaped) this.#escaped = false;
        else if (byte === BACKSLASH) this.#escaped = true;
        else if (byte === DOUBLE_QUOTE) this.#inString = false;
      } else if (byte === 0x7b || byte === 0x5b) this.#depth++;
      else if (this.#depth > 0) {
        if (byte === DOUBLE_QUOTE) this.#inString = true;
        else if ((byte === 0x7d || byte === 0x5d) && --this.#depth === 0) {
          this.#at++;
          return this.#at;
        }
      }
    }
    return null;
  }
}

/**
 * Dahua's `Code=…;action=…;index=…[;data=JSON]`: the end of the line, or of the JSON behind `;data=`. The Content-Length
 * is no help: it may count the line without its data, so only the byte behind can tell.
 */
class CodeEnd implements DocumentEnd {
  #at = 0;
  #length: number | null;
  #value: 'before' | 'blanks' | 'scalar' = 'before';
  #lineEnd: number | null = null;
  #json: JsonEnd | null = null;
  readonly started = true;
  readonly cut = false;

  constructor(length: number | null) {
    this.#length = length;
  }

  wholeAtEnd(): boolean {
    return this.#json === null;
  }

  scan(view: Buffer, limit: number): number | null {
    if (this.#json) return this.#json.scan(view, limit);
    for (; this.#at < limit; this.#at++) {
      const byte = view[this.#at]!;
      if (this.#value === 'blanks') {
        if (byte === 0x7b || byte === 0x5b) {
          this.#json = new JsonEnd(this.#at);
          return this.#json.scan(view, limit);
        }
        if (isBlank(byte)) {
          if ((byte === LF || byte === CR) && this.#lineEnd === null) this.#lineEnd = this.#at;
          continue;
        }
        if (this.#lineEnd !== null) return this.#lineEnd;
        this.#value = 'scalar';
      }
      if (byte === CR || byte === LF) return this.#at;
      if (byte === DASH && this.#at === this.#length) {
        if (this.#at + 1 >= limit) return null;
        if (view[this.#at + 1] === DASH) return this.#at;
      }
      if (byte === EQUALS && this.#value === 'before' && this.#at >= 5 && matchesWord(view, this.#at - 5, ';data='))
        this.#value = 'blanks';
    }
    return null;
  }
}

export const xmlEnd = (): DocumentEnd => new XmlEnd();
export const jsonEnd = (): DocumentEnd => new JsonEnd();
/** @param length Content-Length from the first byte of `Code=` on, or null */
export const codeEnd = (length: number | null): DocumentEnd => new CodeEnd(length);
