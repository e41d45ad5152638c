import { type EventType, knownEventTypes } from '../../domain/events';
import { linesOf, optionError } from '../driver-options';

export const profileNames = ['tasmota', 'shelly1', 'shelly2', 'zigbee', 'topic'] as const;
export type ProfileName = (typeof profileNames)[number];

/** One line of the list of things, read and checked for its form. */
export interface ThingLine {
  profile: ProfileName;
  name: string;
  /** Only keys that the profile has. */
  keys: Readonly<Record<string, string>>;
  /** For messages. */
  line: number;
}

const common = ['type', 'invert', 'pulse', 'switch'];
const keysOf: Record<ProfileName, readonly string[]> = {
  tasmota: ['topic', 'output', 'input', 'full'],
  shelly1: ['id', 'output', 'input', 'sensor'],
  shelly2: ['id', 'output', 'input', 'sensor'],
  zigbee: ['device', 'base', 'output', 'input'],
  topic: ['state', 'path', 'on', 'off', 'command', 'send-on', 'send-off', 'query', 'available', 'online', 'offline'],
};

const MOST_THINGS = 500;

/** `Things` as the operator wrote them. Throws `E_DEVICE_OPTIONS` (user) that names the line. */
export function readThingLines(text: string): ThingLine[] {
  const things: ThingLine[] = [];
  const names = new Set<string>();
  for (const { line, number } of linesOf(text)) {
    const thing = readLine(line, number);
    if (names.has(thing.name)) throw lineError(number, `there are two things named "${thing.name}"`);
    names.add(thing.name);
    things.push(thing);
    if (things.length > MOST_THINGS) throw lineError(number, `give at most ${MOST_THINGS} things`);
  }
  return things;
}

export const lineError = (number: number, reason: string): Error =>
  optionError('MQTT', 'Things', `line ${number}: ${reason}`);

function readLine(line: string, number: number): ThingLine {
  const words = wordsOf(line, number);
  const [profileWord = '', name = ''] = words;
  const profile = profileNames.find((p) => p === profileWord);
  if (!profile) throw lineError(number, `"${profileWord}" is no kind of thing; there are: ${profileNames.join(', ')}`);
  if (name === '' || name.length > 100 || (/^[\w-]+=/.test(name) && words.length > 2))
    throw lineError(number, 'a name comes second, in quotes where it has blanks: tasmota "Yard siren" topic=siren');
  const allowed = [...keysOf[profile], ...common];
  const keys: Record<string, string> = {};
  for (const word of words.slice(2)) {
    const cut = word.indexOf('=');
    const key = word.slice(0, Math.max(0, cut));
    if (!allowed.includes(key))
      throw lineError(
        number,
        `"${word}" is no setting of ${profile}; there are: ${allowed.map((k) => `${k}=`).join(' ')}`,
      );
    if (Object.hasOwn(keys, key)) throw lineError(number, `${key}= stands there twice`);
    const value = word.slice(cut + 1);
    if (value === '' && key !== 'send-off') throw lineError(number, `${key}= has no value`);
    keys[key] = value;
  }
  return { profile, name, keys, line: number };
}

/** Words apart by blanks; quotes of either kind hold a word, or the value behind `=`, together. */
function wordsOf(line: string, number: number): string[] {
  const words: string[] = [];
  let word: string | null = null;
  let quote: string | null = null;
  for (const sign of line) {
    if (quote !== null) {
      if (sign === quote) quote = null;
      else word += sign;
    } else if ((sign === '"' || sign === "'") && (word === null || word.endsWith('='))) {
      quote = sign;
      word ??= '';
    } else if (sign === ' ' || sign === '\t') {
      if (word !== null) words.push(word);
      word = null;
    } else word = (word ?? '') + sign;
  }
  if (quote !== null) throw lineError(number, `the quote ${quote} is not closed`);
  if (word !== null) words.push(word);
  return words;
}

/** Value of `type=`: a type of the list, or `vendor:` and a name. */
export function typeIn(thing: ThingLine, otherwise: EventType): EventType {
  const { type } = thing.keys;
  if (type === undefined) return otherwise;
  const known = knownEventTypes.find((t) => t === type);
  if (known) return known;
  if (/^vendor:[\w.-]{1,60}$/.test(type)) return type as `vendor:${string}`;
  throw lineError(thing.line, `type=${type} is no type of event: give one of the list, or vendor: and a name`);
}

export function wholeIn(thing: ThingLine, key: string, least: number, most: number): number | null {
  const text = thing.keys[key];
  if (text === undefined) return null;
  const value = /^\d{1,4}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= least && value <= most) return value;
  throw lineError(thing.line, `${key}=${text}: give a whole number from ${least} to ${most}`);
}

export function yesNo(thing: ThingLine, key: string): boolean {
  const text = thing.keys[key] ?? 'no';
  if (text === 'yes') return true;
  if (text === 'no') return false;
  throw lineError(thing.line, `${key}=${text}: give yes or no`);
}

/** A topic or a part of one, which must name one thing alone. */
export function topicIn(thing: ThingLine, key: string, required: boolean): string | null {
  const text = thing.keys[key];
  if (text === undefined) {
    if (required) throw lineError(thing.line, `${thing.profile} needs ${key}=`);
    return null;
  }
  if (!isTopic(text)) throw lineError(thing.line, `${key}=${text}: a topic has no # and no +, and no / at its ends`);
  return text;
}

export const isTopic = (text: string): boolean =>
  text.length > 0 && text.length <= 500 && !/[#+\0]/.test(text) && !text.startsWith('/') && !text.endsWith('/');
