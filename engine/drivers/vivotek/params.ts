/** Values by name, in the order of the answer. */
export type Params = ReadonlyMap<string, string>;

const MOST = 20_000;
const MOST_NAME = 200;

/**
 * Reads `name='value'` lines (PROTOCOLS §3.1): in single or double quotes or in none, with `\'` for a quote inside;
 * a quoted value may hold line ends. A value whose closing quote is missing was cut off and is left out.
 */
export function parseParams(text: string): Params {
  const found = new Map<string, string>();
  let at = 0;
  while (at < text.length && found.size < MOST) {
    const lineEnd = endOfLine(text, at);
    const cut = text.slice(at, Math.min(lineEnd, at + MOST_NAME)).indexOf('=');
    if (cut < 0) {
      at = lineEnd + 1;
      continue;
    }
    const equals = at + cut;
    const name = text.slice(at, equals).trim();
    const quote = text[equals + 1];
    if (quote !== "'" && quote !== '"') {
      if (isName(name)) found.set(name, text.slice(equals + 1, lineEnd).trim());
      at = lineEnd + 1;
      continue;
    }
    const value = quoted(text, equals + 2, quote);
    if (value === null) {
      at = lineEnd + 1;
      continue;
    }
    if (isName(name)) found.set(name, value.text);
    at = endOfLine(text, value.end) + 1;
  }
  return found;
}

const isName = (name: string): boolean => /^[\w.-]{1,120}$/.test(name);

function endOfLine(text: string, from: number): number {
  for (let i = from; i < text.length; i++) if (text[i] === '\n' || text[i] === '\r') return i;
  return text.length;
}

function quoted(text: string, from: number, quote: string): { text: string; end: number } | null {
  let out = '';
  for (let i = from; i < text.length; i++) {
    const char = text[i]!;
    if (char === quote) return { text: out, end: i + 1 };
    if (char === '\\' && i + 1 < text.length) {
      const next = text[++i]!;
      out += next === quote || next === '\\' ? next : `\\${next}`;
    } else out += char;
  }
  return null;
}

/** Names and values as a query or form body; the device reads UTF-8. */
export const paramsQuery = (params: Readonly<Record<string, string>>): string =>
  Object.entries(params)
    .map(([name, value]) => `${encodeURIComponent(name)}=${escapeParam(value)}`)
    .join('&');

/** Percent-encoded; the quotes and brackets that encodeURIComponent leaves would be read by the device's shell of a parser. */
export const escapeParam = (value: string): string =>
  encodeURIComponent(value).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
