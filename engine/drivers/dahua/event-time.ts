import { isoTime, parseIsoTime } from '../../clock/clock';
import { parseDeviceTime } from '../device-time';
import type { WireData } from './event-text';
import { numberAt, textAt } from './fields';

export interface EventTime {
  /** As the device wrote it. */
  deviceTime: string | null;
  /** Milliseconds, or null where the event has no time that can be read. */
  deviceAt: number | null;
}

/** A time is the present one when it lies no farther from it than this. */
const NEAR_MS = 60_000;
/** `UTC` and `LocaleTime` name one second. */
const SAME_MS = 1_500;
/** 1980 and 2100: what lies outside is no time in seconds. */
const LEAST_S = 315_532_800;
const MOST_S = 4_102_444_800;

/**
 * The time of an event (PROTOCOLS §2.3, §0.4). `RealUTC` is believed; `UTC` is a local time written as UTC on some
 * firmware, which shows where it equals `LocaleTime`, or where only the local reading is the present time.
 *
 * @param zone IANA zone of the device's clock; null: that of this machine
 * @param nears what the device's clock may show now, in milliseconds
 */
export function eventTime(data: WireData | null, zone: string | null, nears: readonly number[]): EventTime {
  const real = secondsOf(numberAt(data, 'RealUTC'));
  const millis = numberAt(data, 'UTCMS') ?? 0;
  const fraction = millis > 0 && millis < 1_000 ? millis : 0;
  const plain = secondsOf(numberAt(data, 'UTC'));
  const localeText = textAt(data, 'LocaleTime', 'LocalTime', 'StartTime');
  const near = nears[0] ?? null;
  const locale = localeText === undefined ? null : parseDeviceTime(localeText, zone, near);
  const deviceTime =
    localeText ?? (real === null && plain === null ? null : (textAt(data, real === null ? 'UTC' : 'RealUTC') ?? null));
  return { deviceTime, deviceAt: moment() };

  function moment(): number | null {
    if (real !== null) return real + fraction;
    if (plain === null) return locale;
    const utc = plain + fraction;
    if (localeText !== undefined && locale !== null) {
      const written = parseIsoTime(`${localeText.trim().replace(' ', 'T')}Z`);
      if (written !== null && Math.abs(written - plain) <= SAME_MS) return locale + fraction;
      // A wrong zone on the device spoils UTC while its clock shows the right time.
      return isNow(utc) || !isNow(locale) ? utc : locale + fraction;
    }
    if (isNow(utc) || nears.length === 0) return utc;
    const asLocal = parseDeviceTime(isoTime(plain).slice(0, 19), zone, near);
    return asLocal !== null && isNow(asLocal + fraction) ? asLocal + fraction : utc;
  }

  function isNow(at: number): boolean {
    return nears.some((n) => Math.abs(at - n) <= NEAR_MS);
  }
}

const secondsOf = (seconds: number | undefined): number | null =>
  seconds !== undefined && seconds >= LEAST_S && seconds <= MOST_S ? Math.floor(seconds) * 1000 : null;
