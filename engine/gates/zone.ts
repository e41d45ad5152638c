/**
 * Local time of IANA zones, from Intl alone. Local times are counted like UTC: milliseconds since 1970-01-01 00:00 of
 * the local calendar. Offsets are exact to the second; answers are cached per zone.
 */
import { userError } from '../domain/errors';
import { DAY, daysFromCivil } from './calendar';

const HOUR = 3_600_000;
/** No zone is or was further from UTC than this. */
const LARGEST_OFFSET = 16 * HOUR;
const MAX_CACHED_DAYS = 4_096;

/** A stretch of time with one offset. */
interface Stretch {
  from: number;
  to: number;
  /** Local minus UTC in milliseconds. */
  offset: number;
}

/** Local times that a moment's neighbourhood gives to one local time. */
export interface Instants {
  /** First moment at which the clocks show it; for a time in a gap the gap's end. */
  first: number;
  /** Last such moment; differs from the first in the repeated hour only. */
  last: number;
  /** The clocks never show it. */
  skipped: boolean;
}

export interface Zone {
  /** Local minus UTC in milliseconds. */
  offsetAt(at: number): number;
  /** When the clocks show this local time. */
  instants(local: number): Instants;
}

function createZone(format: Intl.DateTimeFormat): Zone {
  const days = new Map<number, Stretch[]>();

  const measure = (at: number): number => {
    const part: Record<string, number> = {};
    for (const { type, value } of format.formatToParts(at)) part[type] = Number(value);
    const { year = 1970, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = part;
    const local = daysFromCivil(year, month, day) * DAY + hour * HOUR + minute * 60_000 + second * 1_000;
    return local - Math.floor(at / 1_000) * 1_000;
  };

  /** Halves the stretch until the second of the change is found; two changes a day happen in no zone. */
  const change = (from: number, to: number, before: number): number => {
    let low = from;
    let high = to;
    while (high - low > 1_000) {
      const middle = low + Math.floor((high - low) / 2_000) * 1_000;
      if (measure(middle) === before) low = middle;
      else high = middle;
    }
    return high;
  };

  const dayOf = (number: number): Stretch[] => {
    const known = days.get(number);
    if (known !== undefined) return known;
    const from = number * DAY;
    const to = from + DAY;
    const before = measure(from);
    const after = measure(to);
    const stretches: Stretch[] = [];
    if (before === after) stretches.push({ from, to, offset: before });
    else {
      const middle = change(from, to, before);
      stretches.push({ from, to: middle, offset: before });
      if (middle < to) stretches.push({ from: middle, to, offset: after });
    }
    if (days.size >= MAX_CACHED_DAYS) days.clear();
    days.set(number, stretches);
    return stretches;
  };

  return {
    offsetAt(at) {
      const stretches = dayOf(Math.floor(at / DAY));
      const first = stretches[0] as Stretch;
      return at < first.to ? first.offset : (stretches[1] as Stretch).offset;
    },
    instants(local) {
      let first: number | null = null;
      let last: number | null = null;
      let gapEnd: number | null = null;
      let previous: Stretch | null = null;
      const until = Math.floor((local + LARGEST_OFFSET) / DAY);
      for (let day = Math.floor((local - LARGEST_OFFSET) / DAY); day <= until; day++) {
        for (const stretch of dayOf(day)) {
          const at = local - stretch.offset;
          if (at >= stretch.from && at < stretch.to) {
            first ??= at;
            last = at;
          }
          if (previous !== null && stretch.from + previous.offset <= local && local < stretch.from + stretch.offset) {
            gapEnd = stretch.from;
          }
          previous = stretch;
        }
      }
      const found = first ?? gapEnd ?? local;
      return { first: found, last: last ?? found, skipped: first === null };
    },
  };
}

const zones = new Map<string, Zone>();

/**
 * The zone of that IANA name.
 *
 * @throws E_TIME_ZONE (user) for a name that is none
 */
export function zoneOf(name: string): Zone {
  const known = zones.get(name);
  if (known !== undefined) return known;
  let format: Intl.DateTimeFormat;
  try {
    format = new Intl.DateTimeFormat('en-US', {
      timeZone: name,
      calendar: 'gregory',
      numberingSystem: 'latn',
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
  } catch (cause) {
    throw userError('E_TIME_ZONE', `"${name}" is no time zone: choose one such as Europe/Berlin`, { cause });
  }
  const zone = createZone(format);
  zones.set(name, zone);
  return zone;
}
