/** Times and spans as people write them in event files and rule tests. */
import { parseIsoTime } from '../clock/clock';
import { userError } from '../domain/errors';
import { zoneOf } from '../gates/zone';

const units: Record<string, number> = {
  ms: 1,
  s: 1_000,
  sec: 1_000,
  second: 1_000,
  seconds: 1_000,
  m: 60_000,
  min: 60_000,
  minute: 60_000,
  minutes: 60_000,
  h: 3_600_000,
  hour: 3_600_000,
  hours: 3_600_000,
  d: 86_400_000,
  day: 86_400_000,
  days: 86_400_000,
};

/** Milliseconds of `500 ms`, `2.5 s`, `1 min 30 s`, `2 h`, `1 day`; null for anything else. */
export function parseSpan(text: string): number | null {
  const parts = [...text.trim().matchAll(/(\d{1,12}(?:\.\d{1,6})?)\s*([a-z]{1,7})\s*/gy)];
  if (parts.length === 0 || parts.reduce((length, [part]) => length + part.length, 0) !== text.trim().length)
    return null;
  let total = 0;
  for (const [, count, unit] of parts) {
    const size = units[unit as string];
    if (size === undefined) return null;
    total += Number(count) * size;
  }
  return Math.round(total);
}

/** The same in the other direction, as short as it is exact: `1 min 30 s`, `250 ms`, `0 s`. */
export function spanText(ms: number): string {
  if (ms < 0) return `-${spanText(-ms)}`;
  let rest = Math.round(ms);
  const parts: string[] = [];
  for (const [unit, size] of [
    ['d', 86_400_000],
    ['h', 3_600_000],
    ['min', 60_000],
  ] as const) {
    const count = Math.floor(rest / size);
    if (count > 0) parts.push(`${count} ${unit}`);
    rest -= count * size;
  }
  if (rest > 0 || parts.length === 0)
    parts.push(rest % 1_000 === 0 || rest > 1_000 ? `${rest / 1_000} s` : `${rest} ms`);
  return parts.join(' ');
}

const withZoneName = /^(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d{1,3})?)?)\s+([A-Za-z][\w+/-]{1,60})$/;
const withOffset = /^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?\s*(?:[Zz]|[+-]\d{2}:?\d{2})$/;

/**
 * Wall milliseconds of `2026-11-23T18:05:00Z`, `2026-11-23T18:05+01:00` or `2026-11-23T18:05 Europe/Berlin`
 * (the first of the two moments in the repeated hour, the gap's end for a time in the gap); null for anything else.
 *
 * @throws E_TIME_ZONE (user) for a zone that is none
 */
export function parseMoment(text: string): number | null {
  const named = withZoneName.exec(text.trim());
  if (named && named[3] !== 'Z') {
    const local = parseIsoTime(`${named[1]}T${named[2]}Z`);
    return local === null ? null : zoneOf(named[3] as string).instants(local).first;
  }
  return withOffset.test(text.trim()) ? parseIsoTime(text) : null;
}

/** What a line or a step may count its time from. */
export interface TimeBase {
  /** The start; null when there is none yet. */
  start: number | null;
  /** The line or step before; null for the first. */
  before: number | null;
}

/**
 * The moment that `at` names: milliseconds since the epoch, a date with its zone, a span after the start (`40 s`), or a
 * span after the line before (`+40 s`).
 *
 * @throws E_BAD_TIME (user)
 */
export function readMoment(at: string | number, base: TimeBase): number {
  if (typeof at === 'number') return at;
  const text = at.trim();
  const span = parseSpan(text.replace(/^\+/, ''));
  if (span !== null) {
    const from = text.startsWith('+') ? (base.before ?? base.start) : base.start;
    if (from !== null) return from + span;
    throw userError(
      'E_BAD_TIME',
      `"${text}" counts from a start, and there is none: give one with --start, or write the first time as a date`,
    );
  }
  const moment = parseMoment(text);
  if (moment !== null) return moment;
  throw userError(
    'E_BAD_TIME',
    `"${text.slice(0, 60)}" is no time: write 2026-11-23T18:05:00Z, "2026-11-23T18:05 Europe/Berlin", "40 s" (after the start), "+40 s" (after the line before) or milliseconds`,
  );
}
