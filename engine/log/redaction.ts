/** Takes secrets out of whatever is about to be logged: by the name of the field, and by their known values. */

const secretName =
  /pass(?:word|wd|phrase|code)?$|^pass|secret|token|authorization|cookie|credential|api[-_]?key|private[-_]?key|csrf|^(?:pwd|auth)$/i;
const MASK = '[secret]';
/** Shorter values occur in ordinary words and would black out the whole log. */
const SHORTEST_VALUE = 3;
const DEEPEST = 8;
const LONGEST_LIST = 100;
const LONGEST_TEXT = 16_384;

/** Password in the address of a database, queue or device: `postgres://user:word@host`. */
const urlPassword = /([a-z][a-z0-9+.-]{0,20}:\/\/[^\s/:@]{0,200}):[^\s/@]{1,500}@/gi;

export interface Redaction {
  addSecret(value: string): void;
  text(value: string): string;
  /** A copy fit for JSON: bounded in depth and size, without cycles, errors spelled out. */
  value(value: unknown): unknown;
}

export function createRedaction(): Redaction {
  let secrets: string[] = [];

  function text(value: string): string {
    const cut = value.length > LONGEST_TEXT ? `${value.slice(0, LONGEST_TEXT)}… (${value.length} characters)` : value;
    let clean = cut.replace(urlPassword, `$1:${MASK}@`);
    for (const secret of secrets) if (clean.includes(secret)) clean = clean.replaceAll(secret, MASK);
    return clean;
  }

  function error(thrown: Error, path: object[]): Record<string, unknown> {
    const own = Object.entries(thrown).filter(([key]) => key !== 'name' && key !== 'stack');
    return {
      name: thrown.name,
      message: text(thrown.message),
      ...(object(Object.fromEntries(own), path) as Record<string, unknown>),
      ...(thrown.stack ? { stack: text(thrown.stack) } : {}),
      ...(thrown.cause === undefined ? {} : { cause: any(thrown.cause, path) }),
    };
  }

  function object(value: object, path: object[]): unknown {
    const entries = Object.entries(value).map(([key, inner]) => [
      text(key),
      // A flag or a count under such a name says nothing secret ("hasPassword": true).
      secretName.test(key) && inner !== null && inner !== undefined && typeof inner !== 'boolean'
        ? MASK
        : any(inner, path),
    ]);
    return Object.fromEntries(entries);
  }

  function any(value: unknown, path: object[]): unknown {
    if (typeof value === 'string') return text(value);
    if (typeof value === 'bigint' || typeof value === 'symbol') return text(String(value));
    if (typeof value === 'function') return '[function]';
    if (typeof value !== 'object' || value === null) return value;
    if (path.includes(value)) return '[circular]';
    if (path.length >= DEEPEST) return '[deeper]';
    const deeper = [...path, value];
    if (value instanceof Error) return error(value, deeper);
    if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
    if (Array.isArray(value)) {
      const shown = value.slice(0, LONGEST_LIST).map((inner) => any(inner, deeper));
      return value.length > LONGEST_LIST ? [...shown, `… ${value.length - LONGEST_LIST} more`] : shown;
    }
    if (value instanceof Map) return object(Object.fromEntries(value), deeper);
    if (value instanceof Set) return any([...value], path);
    if ('toJSON' in value && typeof value.toJSON === 'function') return any(value.toJSON(), deeper);
    return object(value, deeper);
  }

  return {
    addSecret(value) {
      // It also leaves the process in other spellings: inside addresses, XML and Basic logins.
      const spellings = [
        value,
        encodeURIComponent(value.toWellFormed()),
        JSON.stringify(value).slice(1, -1),
        value.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;'),
        Buffer.from(value).toString('base64'),
      ];
      const known = new Set([...secrets, ...spellings.filter((one) => one.length >= SHORTEST_VALUE)]);
      if (value.length < SHORTEST_VALUE) return;
      // The longest first: one secret may be a part of another.
      secrets = [...known].sort((a, b) => b.length - a.length);
    },
    text,
    value: (value) => any(value, []),
  };
}
