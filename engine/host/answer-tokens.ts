/**
 * What a link that answers an alarm carries: what it does, to which alarm, for whom and until when, with an HMAC over
 * all of it. Nobody can make or change one without the site's key; nothing of it needs to be kept until it is used.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';

/** `snooze` shelves the alarm's condition for `minutes`. */
export type Answer = { kind: 'acknowledge' } | { kind: 'false-alarm' } | { kind: 'snooze'; minutes: number };

export interface AnswerClaim {
  alarmId: string;
  answer: Answer;
  /** Wall milliseconds, whole seconds. */
  expiresAt: number;
  /** Unique for each link. */
  nonce: string;
  /** Who was given it: a mail address, or a user's name; '': nobody by name. */
  receiver: string;
  /** By what it came. */
  by: 'mail' | 'push' | 'notice';
}

const VERSION = 'a1';
const NONCE_BYTES = 12;
const MAC_BYTES = 32;
/** Of a whole token; its parts are bounded by it. */
export const LONGEST_TOKEN = 2_000;
const kinds = ['acknowledge', 'false-alarm', 'snooze'] as const;
const ways = ['mail', 'push', 'notice'] as const;

/**
 * The nonce of a link: the same for the same words, so that a message that is sent again is the same to the byte; without
 * the key nobody can tell it beforehand.
 */
export const nonceOf = (key: Buffer, words: readonly (string | number | null)[]): string =>
  createHmac('sha256', key)
    .update(`alarmflow answer nonce ${VERSION}\n`)
    .update(JSON.stringify(words))
    .digest()
    .subarray(0, NONCE_BYTES)
    .toString('base64url');

const macOf = (key: Buffer, body: string): Buffer =>
  createHmac('sha256', key).update(`alarmflow answer link ${VERSION}\n`).update(body).digest();

export function writeToken(claim: AnswerClaim, key: Buffer): string {
  const { alarmId, answer, expiresAt, nonce, receiver, by } = claim;
  const minutes = answer.kind === 'snooze' ? answer.minutes : 0;
  const fields = [
    kinds.indexOf(answer.kind),
    minutes,
    Math.floor(expiresAt / 1000),
    nonce,
    ways.indexOf(by),
    alarmId,
    receiver,
  ];
  const body = Buffer.from(JSON.stringify(fields)).toString('base64url');
  return `${VERSION}.${body}.${macOf(key, body).toString('base64url')}`;
}

/** Sooner than this after its question nobody has read and pressed; programs that send every form at once are. */
export const SOONEST_PRESS_MS = 800;
/** A page that lay open for longer asks anew. */
const LATEST_PRESS_MS = 3_600_000;

const stampMac = (key: Buffer, nonce: string, askedAt: string): string =>
  createHmac('sha256', key)
    .update(`alarmflow answer form ${VERSION}\n`)
    .update(JSON.stringify([nonce, askedAt]))
    .digest()
    .subarray(0, NONCE_BYTES)
    .toString('base64url');

/** What the form of a question carries: that we have asked, and when (wall milliseconds). */
export function writeStamp(nonce: string, askedAt: number, key: Buffer): string {
  const at = Math.round(askedAt).toString(36);
  return `${at}.${stampMac(key, nonce, at)}`;
}

/** Whether a form is one that we have asked this link's question with, and that somebody can have read and pressed since. */
export function isPressed(stamp: string, nonce: string, now: number, key: Buffer): boolean {
  const [at = '', mac = '', ...rest] = stamp.split('.');
  if (rest.length > 0 || !/^[0-9a-z]{1,11}$/.test(at) || !/^[\w-]{16}$/.test(mac)) return false;
  if (!timingSafeEqual(Buffer.from(mac), Buffer.from(stampMac(key, nonce, at)))) return false;
  const waited = now - Number.parseInt(at, 36);
  return waited >= SOONEST_PRESS_MS && waited <= LATEST_PRESS_MS;
}

/**
 * What a token says, or null where it is not one of ours. How long this takes tells nothing about how nearly right the
 * HMAC is; nothing is read before it has been checked.
 */
export function readToken(token: string, key: Buffer): AnswerClaim | null {
  if (token.length > LONGEST_TOKEN) return null;
  const [version, body = '', mac = '', ...rest] = token.split('.');
  if (version !== VERSION || rest.length > 0 || !/^[\w-]+$/.test(body) || !/^[\w-]{43}$/.test(mac)) return null;
  const given = Buffer.from(mac, 'base64url');
  // The last of 43 signs holds two bits that mean nothing: only one spelling of them is taken.
  const right = given.length === MAC_BYTES && timingSafeEqual(given, macOf(key, body));
  if (!right || given.toString('base64url') !== mac) return null;
  const [kind, minutes, expires, nonce, by, alarmId, receiver] = JSON.parse(
    Buffer.from(body, 'base64url').toString('utf8'),
  ) as [number, number, number, string, number, string, string];
  const known = kinds[kind];
  const way = ways[by];
  // Ours, but of a version that has other kinds.
  if (known === undefined || way === undefined) return null;
  return {
    alarmId,
    answer: known === 'snooze' ? { kind: known, minutes } : { kind: known },
    expiresAt: expires * 1000,
    nonce,
    receiver,
    by: way,
  };
}
