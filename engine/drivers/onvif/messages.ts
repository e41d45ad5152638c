import { AlarmflowError } from '../../domain/errors';
import { child, childrenOf, findAll, type XmlElement } from '../wire';
import { parseSoap, textIn } from './answer';
import { readTopic, type Topic } from './topics';

/** Items of a message by name, in order; a name may come twice. */
export type Items = readonly { name: string; value: string }[];

/** One tt:Message with the topic of its NotificationMessage (PROTOCOLS §4.4). */
export interface Message {
  topic: Topic;
  /** `absent`: it is no property. */
  operation: 'initialized' | 'changed' | 'deleted' | 'absent';
  utcTime: string | null;
  source: Items;
  key: Items;
  values: Items;
  /** Content of ElementItems of the data, e.g. a TemperatureReading. */
  elements: { name: string; element: XmlElement }[];
}

/** Everything that one answer, or one notification, tells. */
export interface MessageSet {
  messages: Message[];
  currentTime: string | null;
  terminationTime: string | null;
  /** Parts that could not be read, in words. */
  faults: string[];
}

const MAX_MESSAGES = 2_000;
const MAX_ITEMS = 64;
const MAX_VALUE = 1_024;

/**
 * Reads the messages out of SOAP: PullMessagesResponse or Notify, several NotificationMessages in it, several
 * tt:Messages in one. Never throws. A document that can't be read as a whole (cut short, something behind it) is
 * searched for the NotificationMessages that are whole.
 */
export function readMessages(bytes: Buffer): MessageSet {
  const set: MessageSet = { messages: [], currentTime: null, terminationTime: null, faults: [] };
  const text = bytes.toString('utf8').replaceAll('\0', '');
  let root: XmlElement | null = null;
  try {
    root = parseSoap(text);
  } catch (thrown) {
    if (!(thrown instanceof AlarmflowError)) throw thrown;
    set.faults.push(thrown.message);
  }
  if (root) {
    set.currentTime = textIn(root, 'CurrentTime');
    set.terminationTime = textIn(root, 'TerminationTime');
    const all = root.name === 'NotificationMessage' ? [root] : findAll(root, 'NotificationMessage');
    for (const notification of all) readNotification(notification, set);
    return set;
  }
  set.currentTime = /CurrentTime[^<>]{0,200}>([^<]{1,64})</.exec(text)?.[1]?.trim() ?? null;
  set.terminationTime = /TerminationTime[^<>]{0,200}>([^<]{1,64})</.exec(text)?.[1]?.trim() ?? null;
  for (const piece of wholeNotifications(text)) {
    try {
      readNotification(parseSoap(piece), set);
    } catch (thrown) {
      if (!(thrown instanceof AlarmflowError)) throw thrown;
      set.faults.push(thrown.message);
    }
  }
  return set;
}

/** Texts from start tag to end tag of each NotificationMessage; each byte is looked at once. */
function wholeNotifications(text: string): string[] {
  const found: string[] = [];
  const open = /<([\w.-]{1,64}:)?NotificationMessage(?=[\s>])/g;
  for (let match = open.exec(text); match && found.length < MAX_MESSAGES; match = open.exec(text)) {
    const end = `</${match[1] ?? ''}NotificationMessage>`;
    const at = text.indexOf(end, open.lastIndex);
    if (at < 0) break;
    found.push(text.slice(match.index, at + end.length));
    open.lastIndex = at + end.length;
  }
  return found;
}

function readNotification(notification: XmlElement, set: MessageSet): void {
  const topicText = child(notification, 'Topic')?.text ?? '';
  const topic = readTopic(topicText);
  const messages = findAll(notification, 'Message').filter(
    (m) => m.attributes.UtcTime !== undefined || m.children.some((c) => /^(Source|Key|Data)$/.test(c.name)),
  );
  if (!topic || messages.length === 0) {
    set.faults.push(topic ? `${topic.path}: no message in it` : 'a notification without topic');
    return;
  }
  for (const message of messages) {
    if (set.messages.length >= MAX_MESSAGES) return;
    set.messages.push(readMessage(message, topic));
  }
}

function readMessage(message: XmlElement, topic: Topic): Message {
  const data = child(message, 'Data');
  const operation = (message.attributes.PropertyOperation ?? '').trim().toLowerCase();
  return {
    topic,
    operation: operation === 'initialized' || operation === 'changed' || operation === 'deleted' ? operation : 'absent',
    utcTime: message.attributes.UtcTime?.trim() || null,
    source: itemsOf(child(message, 'Source')),
    key: itemsOf(child(message, 'Key')),
    values: itemsOf(data),
    elements: childrenOf(data, 'ElementItem')
      .slice(0, MAX_ITEMS)
      .map((item) => ({ name: item.attributes.Name ?? '', element: item })),
  };
}

const itemsOf = (part: XmlElement | undefined): Items =>
  childrenOf(part, 'SimpleItem')
    .slice(0, MAX_ITEMS)
    .map((item) => ({
      name: (item.attributes.Name ?? '').trim(),
      // Some write the value as text; tokens such as "000" stay as they are.
      value: (item.attributes.Value ?? item.text).trim().slice(0, MAX_VALUE),
    }));

/** Value of the first item with one of these names, in the order of the names; letters of any case. */
export function itemValue(items: Items, ...names: string[]): string | undefined {
  for (const name of names) {
    const found = items.find((item) => item.name.toLowerCase() === name.toLowerCase());
    if (found && found.value !== '') return found.value;
  }
  return undefined;
}

/** true/false, 1/0, on/off, active/inactive, yes/no, in any case; null for anything else. */
export function booleanOf(value: string | undefined): boolean | null {
  switch (value?.toLowerCase()) {
    case 'true':
    case '1':
    case 'on':
    case 'active':
    case 'yes':
    case 'high':
      return true;
    case 'false':
    case '0':
    case 'off':
    case 'inactive':
    case 'no':
    case 'low':
      return false;
    default:
      return null;
  }
}

/** Items that tell the state, best first. */
const stateNames = [
  'IsMotion',
  'State',
  'LogicalState',
  'AlarmActive',
  'IsTamper',
  'IsInside',
  'IsLineCross',
  'IsPeople',
  'IsVehicle',
  'IsPet',
  'IsIntrusion',
  'IsTPSmartEvent',
  'IsLoitering',
  'IsSoundDetected',
  'Crossed',
  'ObjectsInside',
  'Failed',
  'Critical',
  'Active',
  'Triggered',
  'Tampering',
  'Motion',
  'Value',
  'AlarmState',
  'AlarmStatus',
].map((name) => name.toLowerCase());

/** A number in one of these is no state. */
const noState = /(?:id|token|count|number|time|stamp|level|name|type|index|temperature|value\d|x|y)$/i;

/**
 * State that the data of a message tells: of the item that is known for it, else of the only item that is a boolean
 * (PROTOCOLS §4.4). `unreadable`: the known item is there but says something else. null: none is there.
 *
 * @param strict an unknown item counts only when it spells its state out: a lone `1` may be anything
 */
export function stateOf(values: Items, strict = false): { state: boolean; item: string } | 'unreadable' | null {
  for (const name of stateNames) {
    const item = values.find((v) => v.name.toLowerCase() === name);
    if (!item) continue;
    const state = booleanOf(item.value);
    if (state === null) return 'unreadable';
    // One message may tell several kinds at once (IsPeople, IsVehicle …): it holds while one of them does.
    const holds = state ? item : values.find((v) => /^is[a-z]/i.test(v.name) && booleanOf(v.value) === true);
    return { state: holds !== undefined, item: (holds ?? item).name };
  }
  const words = values.filter((v) => /^(?:true|false|active|inactive)$/i.test(v.value));
  const numbers = strict ? [] : values.filter((v) => booleanOf(v.value) !== null && !noState.test(v.name));
  const candidates = words.length > 0 ? words : numbers;
  const [only] = candidates;
  return candidates.length === 1 && only ? { state: booleanOf(only.value) === true, item: only.name } : null;
}
