/**
 * What makes one conversation of all mails of one alarm. Gmail wants references to a common mail and an unchanged subject
 * (but for "Re:"), Apple Mail and Thunderbird go by the references (RFC 5322 §3.6.4), Outlook and Exchange by
 * Thread-Topic and Thread-Index (MS-OXOMSG §2.2.1.2, §2.2.1.3).
 */
import { createHash } from 'node:crypto';
import type { ActionRow } from '../domain/actions';
import { isDigest } from './held-back';

/** The id of the mail of one action: the same at every try, so that receivers can tell doubles. */
export const messageIdOf = (key: string, domain: string): string =>
  `<${createHash('sha256').update(key).digest('hex').slice(0, 40)}@${domain}>`;

/** Key of the row with which the same node told of the raise (DESIGN §3). */
export const raiseKey = (row: Pick<ActionRow, 'alarmId' | 'nodeId'>): string => `${row.alarmId}:${row.nodeId}:raise`;

/** Whether a mail belongs to its alarm alone: a digest and a notice of a flood stand for several. */
export const isOfOneAlarm = (row: Pick<ActionRow, 'alarmId' | 'alarm' | 'params'>): boolean =>
  row.alarmId !== null && row.alarm !== null && row.alarm.floodNotice === undefined && !isDigest(row);

export interface MailThread {
  inReplyTo: string | null;
  /** With angle brackets, the oldest first. */
  references: string[];
  topic: string;
  index: string | null;
}

/** FILETIME, 100 ns since 1601, of wall milliseconds. */
const filetime = (at: number): bigint => (BigInt(Math.trunc(at)) + 11_644_473_600_000n) * 10_000n;

/** 22 bytes of the conversation; 5 more for each mail after the first. */
export function threadIndex(alarmId: string, raisedAt: number, reply: { key: string; at: number } | null): string {
  const root = Buffer.alloc(22);
  // The six highest bytes: the first of them is the 0x01 that the format asks for, until the year 2057.
  root.writeBigUInt64BE(filetime(raisedAt));
  createHash('sha256').update(alarmId).digest().copy(root, 6, 0, 16);
  if (reply === null) return root.toString('base64');
  const child = Buffer.alloc(5);
  const difference = filetime(Math.max(reply.at, raisedAt)) - filetime(raisedAt);
  child.writeUInt32BE(Number((difference >> 18n) & 0x7fff_ffffn));
  child[4] = createHash('sha256').update(reply.key).digest()[0]! & 0xf0;
  return Buffer.concat([root, child]).toString('base64');
}

/**
 * @param answers the mail that this one answers, where it has surely been sent; null: the conversation as such
 * @param subject unchanged by the phase, without "Re:"
 */
export function threadOf(row: ActionRow, domain: string, answers: string | null, subject: string): MailThread {
  if (!isOfOneAlarm(row)) {
    const references = answers === null ? [] : [answers];
    return { inReplyTo: answers, references, topic: subject, index: null };
  }
  // A name for the conversation: mails of other nodes on the same alarm refer to it as well.
  const root = messageIdOf(`alarm:${row.alarmId}`, domain);
  const isFirst = row.phase === 'raise' && answers === null;
  return {
    inReplyTo: isFirst ? null : (answers ?? root),
    references: answers === null ? [root] : [root, answers],
    topic: subject,
    index: threadIndex(row.alarmId!, row.alarm!.raisedAt, isFirst ? null : { key: row.key, at: row.requestedAt }),
  };
}
