/** Where the values of a JSON text stand: messages about a test file name the line. */

/** Line numbers, counted from 1, by path (`tests.0.then.2`); the text itself has the path ''. */
export type LinesByPath = ReadonlyMap<string, number>;

const MOST_DEPTH = 64;

/** @param text valid JSON; of anything else only what comes before the fault is found */
export function linesOf(text: string): LinesByPath {
  const lines = new Map<string, number>();
  let at = 0;
  let line = 1;

  const skip = (): void => {
    for (; at < text.length; at++) {
      const sign = text[at];
      if (sign === '\n') line++;
      else if (sign !== ' ' && sign !== '\t' && sign !== '\r' && sign !== '\uFEFF') return;
    }
  };
  const string = (): string => {
    const from = at++;
    while (at < text.length && text[at] !== '"') at += text[at] === '\\' ? 2 : 1;
    at++;
    try {
      return JSON.parse(text.slice(from, at)) as string;
    } catch {
      // Not valid JSON: the parser that goes before this has told so.
      return '';
    }
  };

  const value = (path: string, depth: number): void => {
    skip();
    lines.set(path, line);
    const open = text[at];
    if (open === '"') string();
    else if ((open === '{' || open === '[') && depth < MOST_DEPTH) {
      const close = open === '{' ? '}' : ']';
      at++;
      for (let index = 0; ; index++) {
        skip();
        if (at >= text.length || text[at] === close) break;
        let name = String(index);
        if (open === '{') {
          name = string();
          skip();
          at++;
        }
        value(path === '' ? name : `${path}.${name}`, depth + 1);
        skip();
        if (text[at] !== ',') break;
        at++;
      }
      at++;
    } else while (at < text.length && !/[,\]}\s]/.test(text[at]!)) at++;
  };
  value('', 0);
  return lines;
}

/** The line of a value, or of the nearest value around it that has one. */
export function lineAt(lines: LinesByPath, path: readonly PropertyKey[]): number {
  for (let length = path.length; length >= 0; length--) {
    const line = lines.get(path.slice(0, length).map(String).join('.'));
    if (line !== undefined) return line;
  }
  return 1;
}
