import type { EventDraft, EventPhase, EventTarget } from '../../domain/events';
import { parseDeviceTime } from '../device-time';
import { channelNameOf, channelOf, type OnvifChannel } from './channel-map';
import { messageTime } from './device-time';
import { booleanOf, type Items, itemValue, type Message, type MessageSet, readMessages, stateOf } from './messages';
import { createPropertyStates } from './property-states';
import { temperatureOf } from './temperatures';
import { natureOfTopic, type TopicNature } from './topics';

/** What one message turned out to be. */
export type Finding =
  | { kind: 'event'; draft: EventDraft; late: boolean; clockSuspect: boolean }
  | { kind: 'notice'; text: string }
  | { kind: 'fault'; reason: string; bytes: number };

export interface ReaderOptions {
  setting(): {
    channels: readonly OnvifChannel[];
    informational: boolean;
    quietMs: number;
    invertedInputs?: ReadonlySet<string>;
  };
  /** Relays whose events tell the contact of a relay that is closed when idle. Absent: none. */
  contactRelays?: ReadonlySet<string>;
  /** Device time where a message comes without its own, or null. */
  deviceNow(): number | null;
  /** Milliseconds on a clock that never goes back. */
  at(): number;
}

/** Turns SOAP documents with messages into findings, in order; keeps what is open between them. Never throws. */
export interface Reader {
  read(bytes: Buffer): { findings: Finding[]; set: MessageSet };
  /** Whether a condition is open. */
  hasOpen(): boolean;
  /** A new subscription begins: states are told again. */
  resubscribed(): void;
  /**
   * What was open before and has not been told again. Where the device tells its states it has ended; where it tells
   * none, its quiet time runs (PROTOCOLS §0.5).
   */
  untold(): Finding[];
  /** Logical state of a relay as the device told it last on this subscription; null: it has not. */
  relay(token: string): boolean | null;
  /** What the events of this relay tell has turned out to be the other way round. */
  turnRelay(token: string): void;
}

/** Quiet time of what is left open by a device that doesn't tell its states again. */
const UNTOLD_QUIET_MS = 10_000;
/** End of an event that comes without an end of its own. */
const PULSE_QUIET_MS = 10_000;
const MAX_KEPT = 2_000;
const MAX_RAW = 64 * 1024;

export function createReader(options: ReaderOptions): Reader {
  const states = createPropertyStates();
  const lastDrafts = new Map<string, EventDraft>();
  const relays = new Map<string, boolean>();
  const contacts = new Set(options.contactRelays);
  /** Types and channels whose better topic was seen, `motion 1`. */
  const preferred = new Set<string>();
  let toldStates = false;

  function keep<K, V>(map: Map<K, V>, key: K, value: V): void {
    map.delete(key);
    map.set(key, value);
    if (map.size > MAX_KEPT) map.delete(map.keys().next().value ?? key);
  }

  function read(bytes: Buffer): { findings: Finding[]; set: MessageSet } {
    const set = readMessages(bytes);
    const current = set.currentTime === null ? null : parseDeviceTime(set.currentTime, 'UTC');
    const deviceNow = current ?? options.deviceNow();
    const findings = set.messages.map((message) => understand(message, deviceNow));
    return {
      findings: [...findings, ...set.faults.map((reason) => ({ kind: 'fault' as const, reason, bytes: bytes.length }))],
      set,
    };
  }

  function understand(message: Message, deviceNow: number | null): Finding {
    const { topic, operation } = message;
    const nature = natureOfTopic(topic.path);
    const notice = (why: string): Finding => ({ kind: 'notice', text: `${topic.written}: ${why}` });
    const setting = options.setting();
    if (nature.life === 'info' && !setting.informational) return notice('informational');
    if (operation === 'initialized') toldStates = true;
    if (operation === 'deleted' && nature.life !== 'reading' && nature.life !== 'info')
      return stateful(message, nature, false, deviceNow) ?? notice('deleted');
    const told = stateIn(message, nature);
    if (told === 'unreadable' || (told === null && nature.life === 'state'))
      return notice('tells no state that can be read');
    if (told === null || nature.life === 'reading' || nature.life === 'info') {
      if (operation === 'initialized' || operation === 'deleted') return notice(`${operation}, no event`);
      return event(message, nature, 'pulse', deviceNow, nature.quietMs);
    }
    return stateful(message, nature, told !== isTurned(message, nature), deviceNow) ?? notice('nothing new');
  }

  /** Whether the device tells this state the other way round. */
  function isTurned(message: Message, nature: TopicNature): boolean {
    if (nature.place === 'output') return contacts.has(placeOf(message, nature).output ?? '');
    const inverted = options.setting().invertedInputs;
    return nature.place === 'input' && inverted !== undefined && inverted.has(placeOf(message, nature).input ?? '');
  }

  function stateful(message: Message, nature: TopicNature, state: boolean, deviceNow: number | null): Finding | null {
    const channel = placeOf(message, nature).channel;
    const place = identity(message);
    if (nature.place === 'output') {
      const token = itemValue(message.source, 'RelayToken', 'Token', 'RelayOutputToken', 'Source');
      if (token !== undefined && message.operation !== 'deleted') keep(relays, token, state);
    }
    if (nature.secondary && preferred.has(`${nature.type} ${channel}`) && !states.isOpen(place)) return null;
    if (!nature.secondary) preferred.add(`${nature.type} ${channel}`);
    if (preferred.size > MAX_KEPT) preferred.clear();
    const part = message.key.length === 0 ? '' : JSON.stringify(message.key);
    const phase = states.decide({ place, part, operation: message.operation, state, at: options.at() });
    if (phase === null) return null;
    const lasts = phase === 'start' || phase === 'refresh' || phase === 'snapshot';
    const own =
      message.operation === 'absent' || nature.life === 'pulse' ? (nature.quietMs ?? PULSE_QUIET_MS) : undefined;
    const found = event(
      message,
      nature,
      phase,
      deviceNow,
      lasts ? own || options.setting().quietMs || undefined : undefined,
    );
    // The end of the last object ends them all: it is not that object's alone.
    if (phase === 'stop' && found.kind === 'event') delete found.draft.objectId;
    if (found.kind === 'event') {
      const before = lastDrafts.get(place);
      if (before && phase !== 'start') keepPlace(found.draft, before);
      if (lasts) keep(lastDrafts, place, found.draft);
      else lastDrafts.delete(place);
    }
    return found;
  }

  function event(
    message: Message,
    nature: TopicNature,
    phase: EventPhase,
    deviceNow: number | null,
    quietMs: number | undefined,
  ): Finding {
    const { topic, utcTime } = message;
    const time = messageTime(utcTime, deviceNow, message.operation === 'initialized');
    const rule = itemValue(message.source, 'Rule', 'RuleName') ?? itemValue(message.values, 'RuleName');
    const objectId = itemValue(message.key, 'ObjectId') ?? itemValue(message.values, 'ObjectId');
    const thermal = /^temperature/.test(nature.type) ? temperatureOf(message) : {};
    const target = nature.target ?? targetOf(message.values);
    const direction = directionOf(itemValue(message.values, 'Direction'));
    const draft: EventDraft = {
      type: nature.type,
      vendorType: topic.written,
      phase,
      ...(nature.type === 'temperature-alarm' ? { level: 'alarm' as const } : {}),
      ...placeOf(message, nature),
      ...optional('rule', rule ?? thermal.item),
      ...optional('objectId', objectId),
      ...optional('target', target),
      ...optional('condition', conditionOf(message, nature)),
      ...optional('direction', direction),
      ...optional('temperature', thermal.temperature),
      ...optional('description', words(message)),
      deviceTime: utcTime,
      deviceAt: time.deviceAt,
      ...optional('quietMs', quietMs),
      raw: rawOf(message),
    };
    return { kind: 'event', draft, late: time.late, clockSuspect: time.clockSuspect };
  }

  /**
   * Motion goes on when that of people has ended: each topic has an end of its own (§4.4). So has each source where no
   * channel is known that could tell them apart.
   */
  function conditionOf(message: Message, nature: TopicNature): string | undefined {
    const parts = [
      ...(nature.target === undefined ? [] : [message.topic.path]),
      ...(nature.place === 'channel' && channelOf(message, options.setting().channels) === undefined
        ? [channelNameOf(message) ?? '']
        : []),
    ].filter((part) => part !== '');
    return parts.length === 0 ? undefined : parts.join(' ');
  }

  function placeOf(
    message: Message,
    nature: TopicNature,
  ): Pick<EventDraft, 'channel' | 'input' | 'output' | 'channelName'> {
    switch (nature.place) {
      case 'input':
        return optional(
          'input',
          itemValue(message.source, 'InputToken', 'AlarmInToken', 'Token', 'port', 'Source') ??
            message.source[0]?.value,
        );
      case 'output':
        return optional(
          'output',
          itemValue(message.source, 'RelayToken', 'RelayOutputToken', 'Token', 'Source') ?? message.source[0]?.value,
        );
      case 'device':
        return {};
      default:
        return {
          ...optional('channel', channelOf(message, options.setting().channels)),
          ...optional('channelName', channelNameOf(message)),
        };
    }
  }

  return {
    read,
    hasOpen: states.hasOpen,
    resubscribed() {
      states.resubscribed();
      relays.clear();
      toldStates = false;
    },
    untold() {
      return states.takeUntold().flatMap((place): Finding[] => {
        const last = lastDrafts.get(place);
        lastDrafts.delete(place);
        if (!last) return [];
        const { quietMs: _quiet, objectId: _object, ...draft } = { ...last, deviceTime: null, deviceAt: null };
        const phase = toldStates ? ('stop' as const) : ('refresh' as const);
        const quiet = toldStates ? {} : { quietMs: UNTOLD_QUIET_MS };
        return [{ kind: 'event', draft: { ...draft, phase, ...quiet }, late: false, clockSuspect: false }];
      });
    },
    relay: (token) => relays.get(token) ?? null,
    turnRelay(token) {
      if (!contacts.delete(token)) contacts.add(token);
      const known = relays.get(token);
      if (known !== undefined) relays.set(token, !known);
    },
  };
}

/** Channels may become known, or unknown, between a start and its end: it ends where it began. */
function keepPlace(draft: EventDraft, { channel, condition }: EventDraft): void {
  if (channel === undefined) delete draft.channel;
  else draft.channel = channel;
  if (condition === undefined) delete draft.condition;
  else draft.condition = condition;
}

/** The state that a message tells, as its topic understands it. */
function stateIn(message: Message, nature: TopicNature): boolean | 'unreadable' | null {
  if (nature.life === 'reading' || nature.life === 'info') return null;
  if (nature.activeText !== undefined) {
    const text = itemValue(message.values, 'State', 'JobState');
    return text === undefined ? null : text.toLowerCase() === nature.activeText;
  }
  const told = stateOf(message.values, nature.life === 'pulse');
  if (told === 'unreadable' && nature.life !== 'state') return null;
  return told === null || told === 'unreadable' ? told : told.state;
}

const identity = (message: Message): string =>
  JSON.stringify([message.topic.path.toLowerCase(), ...message.source.map((i) => [i.name, i.value])]);

/** Nothing where there is nothing: events keep no empty fields. */
const optional = <K extends string, V>(name: K, value: V | undefined): { [key in K]?: V } =>
  (value === undefined ? {} : { [name]: value }) as { [key in K]?: V };

function targetOf(values: Items): EventTarget | undefined {
  const classes = (itemValue(values, 'ClassTypes', 'ClassType', 'ObjectType', 'Type') ?? '').toLowerCase();
  const is = (name: string): boolean => booleanOf(itemValue(values, name)) === true;
  if (is('IsPeople') || is('IsPerson') || /human|people|person|face/.test(classes)) return 'human';
  if (is('IsVehicle') || /vehicle|car\b|truck|bus\b|bike/.test(classes)) return 'vehicle';
  if (is('IsPet') || /animal|pet|dog|cat/.test(classes)) return 'other';
  return undefined;
}

function directionOf(text: string | undefined): EventDraft['direction'] {
  const plain = text?.toLowerCase().replace(/[^a-z]/g, '') ?? '';
  if (plain === 'atob' || plain === 'ab' || plain === 'lefttoright') return 'a-to-b';
  if (plain === 'btoa' || plain === 'ba' || plain === 'righttoleft') return 'b-to-a';
  return plain === 'both' || plain === 'any' ? 'both' : undefined;
}

const words = (message: Message): string | undefined => {
  const said = [...message.source, ...message.key, ...message.values].map((i) => `${i.name} ${i.value}`).join(', ');
  return said === '' ? undefined : said.slice(0, 500);
};

const plain = (items: Items): Record<string, string> =>
  Object.assign(Object.create(null) as Record<string, string>, Object.fromEntries(items.map((i) => [i.name, i.value])));

function rawOf(message: Message): string {
  const { topic, operation, utcTime, source, key, values, elements } = message;
  return JSON.stringify({
    topic: topic.written,
    ...(operation === 'absent' ? {} : { operation }),
    utcTime,
    source: plain(source),
    key: plain(key),
    data: plain(values),
    ...(elements.length > 0 ? { elements: elements.map(({ name }) => name) } : {}),
  }).slice(0, MAX_RAW);
}
