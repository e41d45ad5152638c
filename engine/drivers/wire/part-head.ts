import { COLON, CR, DASH, isLetter, isNameByte, LF, matchesWord, SPACE, TAB } from './bytes';

const MAX_NAME = 64;

/** What a line of a part's head is, told from its first bytes. */
export type HeadLine = 'empty' | 'header' | 'folded' | 'dashes' | 'body' | 'more';

/**
 * Judges the line at the start of `view` (PROTOCOLS §0.1 rule 3). The first line that does not look like a header ends
 * the head: devices leave out the empty line.
 */
export function judgeHeadLine(view: Buffer, hasHeaders: boolean, eof: boolean): HeadLine {
  let i = 0;
  while ((view[i] === SPACE || view[i] === TAB) && i < 200) i++;
  const byte = view[i];
  if (byte === undefined) return eof ? 'empty' : 'more';
  if (byte === LF) return 'empty';
  if (byte === CR) return view[i + 1] === undefined ? (eof ? 'empty' : 'more') : 'empty';
  if (i > 0) return hasHeaders && isLetter(byte) ? 'folded' : 'body';
  if (byte === DASH) return view[1] === undefined && !eof ? 'more' : view[1] === DASH ? 'dashes' : 'body';
  if (!isLetter(byte)) return 'body';
  while (isNameByte(view[i])) if (++i > MAX_NAME) return 'body';
  while (view[i] === SPACE || view[i] === TAB) if (++i > MAX_NAME + 16) return 'body';
  if (view[i] === undefined) return 'more';
  return view[i] === COLON && matchesWord(view, 0, 'code=') !== true ? 'header' : 'body';
}

/** Length of the empty line at the start of `view`; a carriage return alone counts as one. */
export function emptyLineLength(view: Buffer): number {
  let i = 0;
  while (view[i] === SPACE || view[i] === TAB) i++;
  if (view[i] === CR) i++;
  if (view[i] === LF) i++;
  return i;
}

/** Name in lower case and value of a header line. */
export function parseHeader(line: string): { name: string; value: string } {
  const colon = line.indexOf(':');
  return { name: line.slice(0, colon).trim().toLowerCase(), value: line.slice(colon + 1).trim() };
}

/** Media type without parameters, in lower case; '' when there is none. */
export const mediaType = (contentType: string | undefined): string =>
  (contentType ?? '').split(';', 1)[0]!.trim().toLowerCase();

/** Content-Length as a plain number above zero; null for anything else, because zero and nonsense mean nothing. */
export function contentLength(value: string | undefined): number | null {
  if (value === undefined || !/^\d{1,15}$/.test(value)) return null;
  const length = Number(value);
  return length > 0 ? length : null;
}

/** A parameter of a header, quoted or not; undefined when absent. */
export function parameter(header: string | undefined, name: 'name' | 'filename'): string | undefined {
  if (header === undefined) return undefined;
  const pattern =
    name === 'name'
      ? /(?:^|;)\s{0,20}name\s{0,20}=\s{0,20}(?:"((?:[^"\\]|\\.){0,500})"|([^;\s"]{0,500}))/i
      : /(?:^|;)\s{0,20}filename\s{0,20}=\s{0,20}(?:"((?:[^"\\]|\\.){0,500})"|([^;\s"]{0,500}))/i;
  const match = pattern.exec(header.slice(0, 4000));
  if (!match) return undefined;
  return match[1] !== undefined ? match[1].replace(/\\(["\\])/g, '$1') : match[2];
}
