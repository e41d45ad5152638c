import type { Boundaries } from './boundary';
import { CR, DASH, isNewline, LF } from './bytes';

/** So many part heads inside an announced picture prove that the announced length is wrong. */
const HEADS_THAT_DISPROVE = 3;
const MAX_NEWLINES_BEHIND = 4;

export interface RawEndFound {
  at: number;
  truncated: boolean;
}

/**
 * The end of a picture, or of a text in no known language: PROTOCOLS §0.1 rule 4 and 8. The bytes that a
 * Content-Length covers are the picture's, whatever they look like, until that length is disproved: by what stands
 * behind it, by the end of the stream, or by several part heads within it.
 */
export class RawEnd {
  readonly #form: 'text' | 'binary';
  /** Announced length while it is believed. */
  #length: number | null;
  #searched = 0;
  #heads = 0;
  /** First boundary inside the announced length; and the first that comes right behind a JPEG's end. */
  #first: number | null = null;
  #firstWhole: number | null = null;
  /** The stream ended before the announced length. */
  #short = false;

  constructor(form: 'text' | 'binary', length: number | null) {
    this.#form = form;
    this.#length = length;
  }

  /** Index behind the last byte; null while it is not known. `previous` is the byte before `view`. */
  find(
    view: Buffer,
    previous: number,
    boundaries: Boundaries,
    eof: boolean,
    max: number,
  ): RawEndFound | 'too-large' | null {
    if (this.#length !== null) {
      const end = this.#withinLength(view, previous, boundaries, eof, this.#length);
      if (end !== 'disproved') return end;
    }
    const found = boundaries.search(view, this.#searched, previous, eof, false);
    if (found.found) {
      const at = withoutNewline(view, found.at);
      return at > max ? 'too-large' : { at, truncated: false };
    }
    this.#searched = found.until;
    // The line end before the boundary is not counted.
    if (found.until > max + 2) return 'too-large';
    if (!eof) return null;
    return view.length > max ? 'too-large' : { at: view.length, truncated: this.#short };
  }

  #withinLength(
    view: Buffer,
    previous: number,
    boundaries: Boundaries,
    eof: boolean,
    length: number,
  ): RawEndFound | null | 'disproved' {
    while (this.#searched < length) {
      const found = boundaries.search(view, this.#searched, previous, eof, false);
      const reached = found.found ? found.at : found.until;
      if (found.found && found.at < length) {
        // A text is never believed over a boundary with a head behind it.
        if (this.#form === 'text') return { at: withoutNewline(view, found.at), truncated: false };
        this.#note(view, found.at);
        if (this.#heads >= HEADS_THAT_DISPROVE) {
          return { at: withoutNewline(view, this.#firstWhole ?? this.#first!), truncated: false };
        }
        this.#searched = found.at + 2;
        continue;
      }
      this.#searched = Math.min(reached, length);
      if (this.#searched < length && !eof) return null;
      break;
    }
    const whole = eof && view.length < length ? false : wholeAt(view, length, eof);
    if (whole === 'more') return null;
    if (whole) return { at: length, truncated: false };
    const at = isJpeg(view) ? this.#firstWhole : this.#first;
    if (at !== null) return { at: withoutNewline(view, at), truncated: false };
    this.#short = view.length < length;
    this.#length = null;
    return 'disproved';
  }

  #note(view: Buffer, at: number): void {
    this.#heads++;
    this.#first ??= at;
    const end = withoutNewline(view, at);
    if (this.#firstWhole === null && endsJpeg(view, end)) this.#firstWhole = at;
  }
}

const isJpeg = (view: Buffer): boolean => view[0] === 0xff && view[1] === 0xd8;
const endsJpeg = (view: Buffer, end: number): boolean => end >= 4 && view[end - 2] === 0xff && view[end - 1] === 0xd9;

/** The line end in front of a boundary belongs to the boundary. */
function withoutNewline(view: Buffer, at: number): number {
  if (at === 0 || view[at - 1] !== LF) return at;
  return at > 1 && view[at - 2] === CR ? at - 2 : at - 1;
}

/** Whether what stands at the announced length fits the end of a part; 'more' while too few bytes are there. */
function wholeAt(view: Buffer, length: number, eof: boolean): boolean | 'more' {
  if (isJpeg(view) && endsJpeg(view, length)) return true;
  let i = length;
  while (isNewline(view[i]) && i - length < MAX_NEWLINES_BEHIND) {
    // A JPEG without its end marker here is suspect: a line end alone may be a byte of it.
    if (view[i] === LF && !isJpeg(view)) return true;
    i++;
  }
  if (view[i] === undefined) return eof ? true : 'more';
  if (view[i] !== DASH) return false;
  if (view[i + 1] === undefined) return eof ? false : 'more';
  return view[i + 1] === DASH;
}
