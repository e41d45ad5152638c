import { parseIsoTime } from '../../clock/clock';
import { parseDeviceTime } from '../device-time';
import { child, childText, type XmlElement } from '../wire';
import { firstOf } from './answer';

const two = (text: string | null): string => (text ?? '').padStart(2, '0');

function written(part: XmlElement | undefined): string | null {
  const date = child(part, 'Date');
  const time = child(part, 'Time');
  const year = childText(date, 'Year');
  const fields = [
    childText(date, 'Month'),
    childText(date, 'Day'),
    ...['Hour', 'Minute', 'Second'].map((n) => childText(time, n)),
  ];
  if (!year || !/^\d{4}$/.test(year) || fields.some((f) => f === null || !/^\d{1,2}$/.test(f))) return null;
  const [month, day, hour, minute, second] = fields.map(two);
  return `${year}-${month}-${day}T${hour}:${minute}:${second}`;
}

/** Wall time of an answer to GetSystemDateAndTime in milliseconds, or null; by its UTC, else by its local time. */
export function readDeviceClock(body: XmlElement, timeZone: string | null): number | null {
  const utc = written(firstOf(body, 'UTCDateTime'));
  if (utc !== null) return parseIsoTime(`${utc}Z`);
  const local = written(firstOf(body, 'LocalDateTime'));
  return local === null ? null : parseDeviceTime(local, timeZone);
}

/** What a message's time is worth. */
export interface MessageTime {
  /** Milliseconds, or null where it can't be meant. */
  deviceAt: number | null;
  late: boolean;
  clockSuspect: boolean;
}

/** A message this much behind the device's own clock waited in its queue. */
const LATE_MS = 60_000;
/** One that lies further away did not: a subscription lives for minutes. Its time is made up (1970, 2020-05-27 …). */
const IMPOSSIBLE_MS = 86_400_000;

/**
 * Judges the UtcTime of a message against the device's own time (PROTOCOLS §0.4, §4.4). ONVIF times are UTC, also where
 * the Z is missing.
 *
 * @param state the message tells a state at subscription: its time is that of the last change, however old
 */
export function messageTime(text: string | null, deviceNow: number | null, state: boolean): MessageTime {
  if (text === null || text.trim() === '') return { deviceAt: null, late: false, clockSuspect: false };
  const at = parseDeviceTime(text, 'UTC');
  if (at === null) return { deviceAt: null, late: false, clockSuspect: true };
  if (deviceNow === null || state) return { deviceAt: at, late: false, clockSuspect: false };
  const away = deviceNow - at;
  if (Math.abs(away) > IMPOSSIBLE_MS) return { deviceAt: null, late: false, clockSuspect: true };
  return { deviceAt: at, late: away > LATE_MS, clockSuspect: away < -LATE_MS };
}
