/** Byte values the framing code names. */
export const LF = 0x0a;
export const CR = 0x0d;
export const TAB = 0x09;
export const SPACE = 0x20;
export const DASH = 0x2d;
export const COLON = 0x3a;

export const isNewline = (byte: number | undefined): boolean => byte === LF || byte === CR;

/** White space, and the NULs that some devices pad with. */
export const isBlank = (byte: number | undefined): boolean =>
  byte === LF || byte === CR || byte === SPACE || byte === TAB || byte === 0;

export const isLetter = (byte: number | undefined): boolean =>
  byte !== undefined && ((byte >= 0x41 && byte <= 0x5a) || (byte >= 0x61 && byte <= 0x7a));

/** A byte that may stand in a header's name; narrower than RFC 9110 so that body text is not taken for a head. */
export const isNameByte = (byte: number | undefined): boolean =>
  isLetter(byte) ||
  (byte !== undefined && ((byte >= 0x30 && byte <= 0x39) || byte === DASH || byte === 0x5f || byte === 0x2e));

/** Index of the first byte from `from` on that is neither blank nor part of a byte order mark. */
export function skipBlanks(view: Buffer, from: number): number {
  let i = from;
  for (;;) {
    if (isBlank(view[i])) i++;
    else if (view[i] === 0xef && view[i + 1] === 0xbb && view[i + 2] === 0xbf) i += 3;
    else return i;
  }
}

/** Whether `view` holds `word` (lower case ASCII) at `at`, letters of any case; null while too few bytes are there. */
export function matchesWord(view: Buffer, at: number, word: string): boolean | null {
  for (let i = 0; i < word.length; i++) {
    const byte = view[at + i];
    if (byte === undefined) return null;
    if ((isLetter(byte) ? byte | 0x20 : byte) !== word.charCodeAt(i)) return false;
  }
  return true;
}

/** A window on a byte stream: bytes are appended behind and consumed in front, each moved a bounded number of times. */
export class ByteWindow {
  #bytes = Buffer.allocUnsafe(4096);
  #start = 0;
  #end = 0;
  /** The byte consumed last; a line feed before the first, because a stream begins at a line start. */
  previous: number = LF;

  get view(): Buffer {
    return this.#bytes.subarray(this.#start, this.#end);
  }

  append(chunk: Buffer): void {
    const live = this.#end - this.#start;
    if (this.#end + chunk.length > this.#bytes.length) {
      const needed = live + chunk.length;
      // Moving in place only pays when at least half of the room becomes free; else the copies add up to a square.
      const target = needed > this.#bytes.length / 2 ? Buffer.allocUnsafe(needed * 2) : this.#bytes;
      this.#bytes.copy(target, 0, this.#start, this.#end);
      this.#bytes = target;
      this.#start = 0;
      this.#end = live;
    }
    chunk.copy(this.#bytes, this.#end);
    this.#end += chunk.length;
  }

  consume(count: number): void {
    if (count <= 0) return;
    this.previous = this.#bytes[this.#start + count - 1]!;
    this.#start += count;
    if (this.#start < this.#end) return;
    this.#start = 0;
    this.#end = 0;
    // A large picture must not keep its room for the life of the stream.
    if (this.#bytes.length > 1 << 20) this.#bytes = Buffer.allocUnsafe(4096);
  }
}
