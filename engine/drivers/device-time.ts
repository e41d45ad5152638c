import { isoTime, parseIsoTime } from '../clock/clock';

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

const formats = new Map<string, Intl.DateTimeFormat>();

function formatOf(zone: string | null): Intl.DateTimeFormat | null {
  const key = zone ?? '';
  const known = formats.get(key);
  if (known) return known;
  try {
    const format = new Intl.DateTimeFormat('en-US-u-ca-iso8601-nu-latn', {
      timeZone: zone ?? undefined,
      hourCycle: 'h23',
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
      hour: '2-digit',
      minute: '2-digit',
      second: '2-digit',
    });
    formats.set(key, format);
    return format;
  } catch {
    // A zone that Intl doesn't know: the caller treats the time as one without a known zone.
    return null;
  }
}

/** Wall time in a zone, written as if it were UTC, in milliseconds; null for an unknown zone. */
function wallIn(zone: string | null, at: number): number | null {
  const format = formatOf(zone);
  if (!format) return null;
  const part: Record<string, string> = {};
  for (const { type, value } of format.formatToParts(at)) part[type] = value;
  const year = (part.year ?? '').padStart(4, '0');
  return parseIsoTime(`${year}-${part.month}-${part.day}T${part.hour}:${part.minute}:${part.second}Z`);
}

/**
 * The moment at which a zone's wall clock shows `wall` (written as UTC milliseconds). In the gap of the short day the
 * moment the clock would have shown it without the change; in the repeated hour of the long day the moment that lies
 * nearest to `near`, or the first.
 */
function momentOf(wallMs: number, zone: string | null, near: number | null): number | null {
  const wall = Math.floor(wallMs / 1000) * 1000;
  const candidates: number[] = [];
  let beforeChange: number | null = null;
  for (const probe of [wall - DAY_MS, wall + DAY_MS]) {
    const seen = wallIn(zone, probe);
    if (seen === null) return null;
    const candidate = wall - (seen - probe);
    beforeChange ??= candidate;
    if (wallIn(zone, candidate) === wall && !candidates.includes(candidate)) candidates.push(candidate);
  }
  candidates.sort((a, b) => (near === null ? a - b : Math.abs(a - near) - Math.abs(b - near)));
  const moment = candidates[0] ?? beforeChange;
  return moment === null ? null : moment + (wallMs - wall);
}

const shape =
  /^(\d{4})-?(\d{1,2})-?(\d{1,2})[T ]\s?(\d{1,2}):?(\d{2}):?(\d{2})(?:[.,](\d{1,9}))?\s*(Z|z|[+-]\d{1,2}:?(?:\d{2})?|\d{2}:\d{2})?$/;

function offsetMinutes(zone: string): number | null {
  if (/^z$/i.test(zone)) return 0;
  const match = /^([+-]?)(\d{1,2}):?(\d{2})?$/.exec(zone);
  if (!match) return null;
  const minutes = Number(match[2]) * 60 + Number(match[3] ?? 0);
  if (minutes > 15 * 60) return null;
  return match[1] === '-' ? -minutes : minutes;
}

const pad = (text: string | undefined, size = 2): string => (text ?? '').padStart(size, '0');

/**
 * Milliseconds of a time as a device writes it, or null when it cannot be read or has no known zone (PROTOCOLS §0.4).
 * Accepts offsets with and without colon, an offset whose plus sign was lost (`…:2801:00`, `…:28 01:00`), no offset at
 * all (then the zone decides), and plain seconds since the epoch.
 *
 * @param zone IANA zone of the device's clock; null: the zone of this machine
 * @param near what the time should be near to, for the hour that a clock shows twice
 */
export function parseDeviceTime(text: string, zone: string | null, near: number | null = null): number | null {
  const trimmed = text.trim();
  if (trimmed.length > 64) return null;
  if (/^\d{9,10}(\.\d+)?$/.test(trimmed)) return Math.round(Number(trimmed) * 1000);
  if (/^\d{12,13}$/.test(trimmed)) return Number(trimmed);
  const match = shape.exec(trimmed);
  if (!match) return null;
  const [, year, month, day, hour, minute, second, fraction, zoneText] = match;
  const date = `${year}-${pad(month)}-${pad(day)}`;
  const wall = parseIsoTime(
    `${date}T${pad(hour)}:${minute}:${second}.${(fraction ?? '0').slice(0, 3).padEnd(3, '0')}Z`,
  );
  // Date turns the 31st of a short month into the next month's first days; such a date is none.
  if (wall === null || Number(day) > daysInMonth(Number(year), Number(month))) return null;
  if (zoneText === undefined) return momentOf(wall, zone, near);
  const offset = offsetMinutes(zoneText);
  return offset === null ? null : wall - offset * MINUTE_MS;
}

function daysInMonth(year: number, month: number): number {
  if (month === 2) return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0 ? 29 : 28;
  return [4, 6, 9, 11].includes(month) ? 30 : 31;
}

/** A moment as a device's wall clock shows it, `YYYY-MM-DDThh:mm:ss`; UTC for an unknown zone. */
export const wallTimeText = (at: number, zone: string | null): string => isoTime(wallIn(zone, at) ?? at).slice(0, 19);
