/** What a notification carries: the objects of ALARMFLOW-MIB (resources/ALARMFLOW-MIB.txt). */
import { createHash } from 'node:crypto';
import { isoTime } from '../clock/clock';
import type { ActionRow } from '../domain/actions';
import { momentOf } from './alarm-values';

/** Numbers of the notifications in the MIB. */
const notificationNumbers: Record<ActionRow['phase'] | 'test', number> = {
  raise: 1,
  escalate: 2,
  remind: 3,
  clear: 4,
  end: 5,
  message: 6,
  test: 7,
};

/** One object of the MIB with its value. */
export interface SnmpValue {
  /** Number below alarmflowObjects. */
  object: number;
  type: 'text' | 'octets' | 'unsigned';
  value: string | Buffer | number;
}

export interface SnmpNotification {
  /** Number below alarmflowNotifications. */
  number: number;
  values: SnmpValue[];
}

/** AlarmflowText of the MIB: UTF-8, at most 255 octets. */
function mibText(text: string): string {
  let bytes = 0;
  let kept = '';
  for (const character of text.toWellFormed()) {
    bytes += Buffer.byteLength(character);
    if (bytes > 255) break;
    kept += character;
  }
  return kept;
}

/** DateAndTime (RFC 2579) in UTC. */
export function dateAndTime(at: number): Buffer {
  const [year, month, day, hours, minutes, seconds, fraction] = isoTime(at)
    .split(/[-T:.Z]/)
    .map(Number) as [number, number, number, number, number, number, number];
  const octets = Buffer.from([0, 0, month, day, hours, minutes, seconds, Math.floor(fraction / 100), 0x2b, 0, 0]);
  octets.writeUInt16BE(year);
  return octets;
}

function notification(
  number: number,
  facts: {
    alarmId: string;
    site: string;
    device: string;
    type: string;
    level: string;
    channel: number;
    text: string;
    at: number;
    mark: string;
  },
): SnmpNotification {
  const text = (object: number, value: string): SnmpValue => ({ object, type: 'text', value: mibText(value) });
  return {
    number,
    values: [
      text(1, facts.alarmId),
      text(2, facts.site),
      text(3, facts.device),
      text(4, facts.type),
      text(5, facts.level),
      { object: 6, type: 'unsigned', value: facts.channel },
      text(7, facts.text),
      { object: 8, type: 'octets', value: dateAndTime(facts.at) },
      text(9, facts.mark),
    ],
  };
}

/** The notification of an action; its mark is the same at every try, so that receivers can tell doubles. */
export function notificationOf(row: ActionRow, siteName: string, text: string): SnmpNotification {
  const { alarm } = row;
  return notification(notificationNumbers[row.phase], {
    alarmId: alarm?.id ?? '',
    site: siteName,
    device: alarm?.deviceName ?? '',
    type: alarm?.type ?? '',
    level: alarm?.level ?? '',
    channel: alarm?.channel ?? 0,
    text,
    at: momentOf(row),
    mark: createHash('sha256').update(row.key).digest('hex').slice(0, 16),
  });
}

export const testNotification = (siteName: string, at: number, mark: string): SnmpNotification =>
  notification(notificationNumbers.test, {
    alarmId: '',
    site: siteName,
    device: '',
    type: '',
    level: '',
    channel: 0,
    text: 'Test of alarmflow',
    at,
    mark,
  });
