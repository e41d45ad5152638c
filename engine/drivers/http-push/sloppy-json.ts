/**
 * A value as it was written: numbers and words stay text, so that `007`, `1e5` and ids beyond 2^53 come through whole
 * (PROTOCOLS §0.3). `null` is null, NaN, None and the like.
 */
export type Tree = string | null | readonly Tree[] | ReadonlyMap<string, Tree>;

export type JsonReading = { documents: Tree[] } | { reason: string };

const MOST_DEPTH = 64;
const MOST_NODES = 100_000;
const MOST_DOCUMENTS = 1_000;
const NOTHING = new Set(['null', 'nan', '-nan', 'none', 'undefined', 'nil', 'infinity', '-infinity', '+infinity']);
const ESCAPES: Readonly<Record<string, string>> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' };

class Broken extends Error {}

const isBlank = (code: number): boolean => code <= 0x20 || code === 0xfeff || code === 0xa0;
const isBare = (code: number): boolean =>
  (code >= 0x30 && code <= 0x39) ||
  (code >= 0x41 && code <= 0x5a) ||
  (code >= 0x61 && code <= 0x7a) ||
  code === 0x2b ||
  code === 0x2d ||
  code === 0x2e ||
  code === 0x5f ||
  code === 0x24;

class Reader {
  readonly #text: string;
  #at = 0;
  #nodes = 0;

  constructor(text: string) {
    this.#text = text;
  }

  read(): Tree[] {
    const documents: Tree[] = [];
    for (;;) {
      this.#blanks();
      if (this.#at >= this.#text.length) return documents;
      // Documents one after another may be parted by commas or by nothing.
      if (documents.length > 0 && this.#text[this.#at] === ',') {
        this.#at++;
        continue;
      }
      if (documents.length >= MOST_DOCUMENTS) throw new Broken(`more than ${MOST_DOCUMENTS} documents`);
      const first = this.#text[this.#at];
      if (first !== '{' && first !== '[') throw new Broken(`"${this.#excerpt()}" where an object or a list is due`);
      documents.push(this.#value(0));
    }
  }

  #excerpt(): string {
    return this.#text.slice(this.#at, this.#at + 20);
  }

  /** White space, and the NULs and byte order marks that devices leave between and behind. */
  #blanks(): void {
    while (this.#at < this.#text.length && isBlank(this.#text.charCodeAt(this.#at))) this.#at++;
  }

  #value(depth: number): Tree {
    if (depth > MOST_DEPTH) throw new Broken(`more than ${MOST_DEPTH} levels`);
    if (++this.#nodes > MOST_NODES) throw new Broken(`more than ${MOST_NODES} values`);
    this.#blanks();
    const first = this.#text[this.#at];
    if (first === '{') return this.#object(depth);
    if (first === '[') return this.#list(depth);
    if (first === '"' || first === "'") return this.#string(first);
    const word = this.#bare();
    return NOTHING.has(word.toLowerCase()) ? null : word;
  }

  #object(depth: number): Tree {
    const entries = new Map<string, Tree>();
    this.#at++;
    for (;;) {
      this.#blanks();
      const next = this.#text[this.#at];
      if (next === '}') {
        this.#at++;
        return entries;
      }
      if (next === ',') {
        this.#at++;
        continue;
      }
      const key = next === '"' || next === "'" ? this.#string(next) : this.#bare();
      this.#blanks();
      if (this.#text[this.#at] !== ':') throw new Broken(`no colon behind "${key.slice(0, 40)}"`);
      this.#at++;
      const value = this.#value(depth + 1);
      if (!entries.has(key)) entries.set(key, value);
    }
  }

  #list(depth: number): Tree {
    const items: Tree[] = [];
    this.#at++;
    for (;;) {
      this.#blanks();
      const next = this.#text[this.#at];
      if (next === ']') {
        this.#at++;
        return items;
      }
      if (next === ',') {
        this.#at++;
        continue;
      }
      items.push(this.#value(depth + 1));
    }
  }

  #bare(): string {
    const from = this.#at;
    while (this.#at < this.#text.length && isBare(this.#text.charCodeAt(this.#at))) this.#at++;
    if (this.#at === from)
      throw new Broken(from >= this.#text.length ? 'it ends too early' : `"${this.#excerpt()}" where a value is due`);
    return this.#text.slice(from, this.#at);
  }

  #string(quote: string): string {
    const from = ++this.#at;
    const close = this.#text.indexOf(quote, from);
    if (close < 0) throw new Broken('a text without its closing quote');
    const plain = this.#text.slice(from, close);
    if (!plain.includes('\\')) {
      this.#at = close + 1;
      return plain;
    }
    let out = '';
    let copied = from;
    for (let i = from; i < this.#text.length; i++) {
      const char = this.#text[i];
      if (char === quote) {
        this.#at = i + 1;
        return out + this.#text.slice(copied, i);
      }
      if (char !== '\\') continue;
      const escaped = this.#text[i + 1] ?? '';
      const hex = escaped === 'u' ? /^[0-9a-f]{4}/i.exec(this.#text.slice(i + 2, i + 6))?.[0] : undefined;
      out += this.#text.slice(copied, i);
      // A backslash before anything else is one that the sender forgot to double (`C:\data`).
      if (hex !== undefined) out += String.fromCharCode(Number.parseInt(hex, 16));
      else if (escaped in ESCAPES) out += ESCAPES[escaped];
      else out += `"'\\/`.includes(escaped) ? escaped : `\\${escaped}`;
      i += hex === undefined ? 1 : 5;
      copied = i + 1;
    }
    throw new Broken('a text without its closing quote');
  }
}

/**
 * JSON as devices write it: NULs behind the end, NaN, trailing commas, single quotes, bare names, leading zeros, several
 * documents one after another. Never throws. Bounded: 64 levels, 100,000 values, 1,000 documents; linear in the text.
 */
export function readSloppyJson(text: string): JsonReading {
  try {
    const documents = new Reader(text).read();
    return documents.length > 0 ? { documents } : { reason: 'it is empty' };
  } catch (thrown) {
    if (thrown instanceof Broken) return { reason: thrown.message };
    throw thrown;
  }
}
