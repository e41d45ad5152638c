import { isData, type WireData } from './event-text';

const TEXT_LIMIT = 200;

/** A value by a path of names, `Object.ObjectID`; own properties only, because names come from outside. */
export function valueAt(data: WireData | null | undefined, path: string): unknown {
  let value: unknown = data;
  for (const name of path.split('.')) {
    if (!isData(value) || !Object.hasOwn(value, name)) return undefined;
    value = value[name];
  }
  return value;
}

/** The first of the paths that leads to a text or a number, as a text of at most 200 characters. */
export function textAt(data: WireData | null | undefined, ...paths: string[]): string | undefined {
  for (const path of paths) {
    const value = valueAt(data, path);
    if (typeof value === 'number' && Number.isFinite(value)) return String(value);
    if (typeof value === 'string' && value.trim() !== '') return value.trim().slice(0, TEXT_LIMIT);
  }
  return undefined;
}

/** The first of the paths that leads to a finite number, also one written as text. */
export function numberAt(data: WireData | null | undefined, ...paths: string[]): number | undefined {
  for (const path of paths) {
    const text = textAt(data, path);
    if (text === undefined || !/^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d{1,3})?$/i.test(text)) continue;
    const value = Number(text);
    if (Number.isFinite(value)) return value;
  }
  return undefined;
}

/** Objects in a list, or the one object that stands where a list may stand; at most `most`. */
export function objectsAt(data: WireData | null | undefined, path: string, most = 64): WireData[] {
  const value = valueAt(data, path);
  if (Array.isArray(value)) return value.slice(0, most).filter(isData);
  return isData(value) ? [value] : [];
}

/** Texts in a list, or a single one. */
export function textsAt(data: WireData | null | undefined, path: string, most = 64): string[] {
  const value = valueAt(data, path);
  const list: unknown[] = Array.isArray(value) ? value.slice(0, most) : [value];
  return list
    .filter((item) => typeof item === 'string' || typeof item === 'number')
    .map((item) => String(item).trim().slice(0, TEXT_LIMIT))
    .filter((text) => text !== '');
}

/** An object without its undefined properties. */
export function withoutGaps<T extends object>(value: T): T {
  return Object.fromEntries(Object.entries(value).filter(([, inner]) => inner !== undefined)) as T;
}
