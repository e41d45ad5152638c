/** What one message carries. */
export interface Payload {
  text: string;
  /** Its JSON; undefined where it is none. */
  json(): unknown;
}

/** No thing that switches sends more; longer ones are other people's pictures. */
export const PAYLOAD_LIMIT = 256 * 1024;

export function payloadOf(bytes: Buffer): Payload {
  const text = bytes
    .toString('utf8')
    .replace(/^\uFEFF/, '')
    .replace(/\0+$/, '')
    .trim();
  let read = false;
  let value: unknown;
  return {
    text,
    json() {
      if (!read) {
        read = true;
        try {
          value = JSON.parse(text);
        } catch {
          // Plain text is the other half of what things send: undefined says so.
          value = undefined;
        }
      }
      return value;
    },
  };
}

/** ON/on/1/true and OFF/off/0/false, as text, number or boolean (PROTOCOLS §8); null for anything else. */
export function onOff(value: unknown): boolean | null {
  switch (typeof value === 'string' ? value.trim().toLowerCase() : value) {
    case 'on':
    case '1':
    case 'true':
    case 1:
    case true:
      return true;
    case 'off':
    case '0':
    case 'false':
    case 0:
    case false:
      return false;
    default:
      return null;
  }
}

export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** A property that the object has itself, not one of its prototype. */
export const own = (value: unknown, name: string): unknown =>
  isRecord(value) && Object.hasOwn(value, name) ? value[name] : undefined;

/** A place in JSON: names and indexes. */
export type JsonPath = (string | number)[];

/** `a.b[0]["c d"]`, with or without `$.` in front; null where it is none of that form. */
export function parseJsonPath(text: string): JsonPath | null {
  const path: JsonPath = [];
  let rest = text.trim().replace(/^\$\.?/, '');
  if (rest === '') return [];
  if (!/^[.[]/.test(rest)) rest = `.${rest}`;
  while (rest !== '') {
    const match = /^\.([\w-]{1,100})|^\[(\d{1,4})\]|^\["([^"\]]{1,100})"\]|^\['([^'\]]{1,100})'\]/.exec(rest);
    if (!match || path.length >= 20) return null;
    path.push(match[2] === undefined ? (match[1] ?? match[3] ?? match[4] ?? '') : Number(match[2]));
    rest = rest.slice(match[0].length);
  }
  return path;
}

/** What stands at that place, or undefined. */
export function valueAt(value: unknown, path: JsonPath): unknown {
  let found = value;
  for (const step of path) {
    found = typeof step === 'number' ? (Array.isArray(found) ? found[step] : undefined) : own(found, step);
    if (found === undefined) return undefined;
  }
  return found;
}

/** A value as a payload spells it, for comparison with the texts of a setting. */
export const spelled = (value: unknown): string =>
  (typeof value === 'string' ? value : value === undefined ? '' : JSON.stringify(value)).trim().toLowerCase();
