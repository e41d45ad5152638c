/** Home Assistant's MQTT discovery, read only: things that announce themselves in retained documents. */
import type { EventType } from '../../domain/events';
import { isRecord, type JsonPath, own, type Payload, parseJsonPath, spelled, valueAt } from './payload';
import type { Sense, Thing } from './thing';
import { isTopic } from './thing-lines';

const abbreviations: Readonly<Record<string, string>> = {
  avty: 'availability',
  avty_t: 'availability_topic',
  cmd_t: 'command_topic',
  dev_cla: 'device_class',
  pl_avail: 'payload_available',
  pl_not_avail: 'payload_not_available',
  pl_off: 'payload_off',
  pl_on: 'payload_on',
  stat_off: 'state_off',
  stat_on: 'state_on',
  stat_t: 'state_topic',
  t: 'topic',
  val_tpl: 'value_template',
};

const components = ['binary_sensor', 'switch', 'siren', 'light'] as const;
type Component = (typeof components)[number];

const classes: Readonly<Record<string, EventType>> = {
  smoke: 'smoke',
  motion: 'motion',
  occupancy: 'pir',
  presence: 'motion',
  tamper: 'tamper',
  battery: 'power-fault',
  problem: 'device-fault',
  heat: 'temperature-alarm',
  sound: 'audio',
  moisture: 'vendor:water_leak',
  gas: 'vendor:gas',
  carbon_monoxide: 'vendor:carbon_monoxide',
  vibration: 'vendor:vibration',
  connectivity: 'vendor:connectivity',
};

/** A thing, or why the announcement is not understood; `gone`: the thing was taken back. */
export type Announcement =
  | { kind: 'thing'; id: string; thing: Thing }
  | { kind: 'gone'; id: string }
  | { kind: 'unknown'; id: string; reason: string }
  /** Of no component that alarmflow uses. */
  | { kind: 'other' };

/** Filters of the topics on which announcements come. */
export const discoveryFilters = (prefix: string): string[] => [`${prefix}/+/+/config`, `${prefix}/+/+/+/config`];

/** Reads an announcement; its id is node and object, as in the topic. Never throws. */
export function readAnnouncement(prefix: string, topic: string, payload: Payload): Announcement {
  const parts = topic.slice(prefix.length + 1).split('/');
  const component = components.find((c) => c === parts[0]);
  if (!component || parts.length < 3 || parts.length > 4) return { kind: 'other' };
  const id = parts.slice(1, -1).join('/').slice(0, 100);
  if (payload.text === '') return { kind: 'gone', id };
  const json = payload.json();
  if (!isRecord(json)) return { kind: 'unknown', id, reason: 'it is no JSON object' };
  return thingOf(component, id, whole(json));
}

/** With abbreviations spelled out and `~` replaced. */
function whole(json: Record<string, unknown>): Record<string, unknown> {
  const base = json['~'];
  const full: Record<string, unknown> = {};
  for (const [short, value] of Object.entries(json).slice(0, 200)) {
    const name = Object.hasOwn(abbreviations, short) ? (abbreviations[short] ?? short) : short;
    if (name === '__proto__') continue;
    const isTopicName = /topic$/.test(name) && typeof value === 'string' && typeof base === 'string';
    full[name] = isTopicName ? value.replace(/^~|~$/, () => base) : value;
  }
  return full;
}

function thingOf(component: Component, id: string, json: Record<string, unknown>): Announcement {
  const unknown = (reason: string): Announcement => ({ kind: 'unknown', id, reason });
  const topicOf = (name: string): string | null => {
    const value = json[name];
    return typeof value === 'string' && isTopic(value) ? value : null;
  };
  const text = (name: string, otherwise: string): string => {
    const value = json[name];
    return ['string', 'number', 'boolean'].includes(typeof value) ? String(value) : otherwise;
  };
  const stateTopic = topicOf('state_topic');
  const command = component === 'binary_sensor' ? null : topicOf('command_topic');
  if (component === 'binary_sensor' ? !stateTopic : !command) return unknown('it names no topic that can be used');
  if (component === 'light' && json.schema !== undefined && json.schema !== 'basic')
    return unknown(`lights of the form "${String(json.schema).slice(0, 20)}" are not understood`);
  const path = pathOf(json.value_template ?? (component === 'light' ? json.state_value_template : undefined));
  if (path === null) return unknown('its value_template is more than a place in JSON');
  const on = text('payload_on', 'ON');
  const off = text('payload_off', 'OFF');
  const states = { on: text('state_on', on), off: text('state_off', off) };
  const deviceClass = typeof json.device_class === 'string' ? json.device_class : '';
  const input = component === 'binary_sensor';
  const type: EventType = input
    ? Object.hasOwn(classes, deviceClass)
      ? (classes[deviceClass] ?? 'digital-input')
      : 'digital-input'
    : 'relay-state';
  const availability = availabilityOf(json, topicOf, text);
  const wrap = (word: string): string =>
    component === 'siren' && json.command_template === undefined ? JSON.stringify({ state: word }) : word;

  const thing: Thing = {
    name: id,
    topics: [...new Set([stateTopic, ...availability.map((a) => a.topic)].filter((topic) => topic !== null))],
    hasInput: input,
    eventTypes: [type],
    read(from, payload) {
      const senses: Sense[] = [];
      if (from === stateTopic) {
        const told = spelled(path === undefined ? payload.text : valueAt(payload.json(), path));
        const active = told === spelled(states.on) ? true : told === spelled(states.off) ? false : null;
        if (active !== null)
          senses.push({
            kind: 'state',
            of: input ? 'input' : 'output',
            type,
            vendorType: deviceClass || component,
            active,
            edge: true,
          });
      }
      for (const { topic, online, offline, path: place } of availability) {
        if (from !== topic) continue;
        const told = spelled(place === undefined ? payload.text : valueAt(payload.json(), place));
        if (told === spelled(online)) senses.push({ kind: 'availability', by: 'thing', online: true });
        if (told === spelled(offline)) senses.push({ kind: 'availability', by: 'thing', online: false });
      }
      return senses;
    },
    ask: [],
    output:
      command === null
        ? null
        : {
            on: () => [{ topic: command, payload: wrap(on) }],
            off: () => [{ topic: command, payload: wrap(off) }],
            query: [],
            confirms: stateTopic !== null,
            asksAtOnce: false,
            longestTimerMs: null,
            pulseMs: null,
            switchKind: component === 'siren' || component === 'light' ? component : null,
          },
  };
  return { kind: 'thing', id, thing };
}

interface Availability {
  topic: string;
  online: string;
  offline: string;
  path: JsonPath | undefined;
}

function availabilityOf(
  json: Record<string, unknown>,
  topicOf: (name: string) => string | null,
  text: (name: string, otherwise: string) => string,
): Availability[] {
  const single = topicOf('availability_topic');
  if (single !== null) {
    const path = pathOf(json.availability_template);
    const words = { online: text('payload_available', 'online'), offline: text('payload_not_available', 'offline') };
    return path === null ? [] : [{ topic: single, ...words, path }];
  }
  const listed = Array.isArray(json.availability) ? json.availability.slice(0, 4) : [];
  return listed.filter(isRecord).flatMap((entry): Availability[] => {
    const full = whole({ '~': json['~'], ...entry });
    const path = pathOf(full.value_template);
    if (typeof full.topic !== 'string' || !isTopic(full.topic) || path === null) return [];
    const word = (name: string, otherwise: string): string => {
      const value = own(full, name);
      return typeof value === 'string' ? value : otherwise;
    };
    return [
      {
        topic: full.topic,
        online: word('payload_available', 'online'),
        offline: word('payload_not_available', 'offline'),
        path,
      },
    ];
  });
}

/** Place in the JSON that a template names; undefined: the whole payload; null: it does more than that. */
function pathOf(template: unknown): JsonPath | undefined | null {
  if (template === undefined || template === '') return undefined;
  if (typeof template !== 'string' || template.length > 300) return null;
  const inner = /^\{\{-?\s*([^{}|]*?)\s*-?\}\}$/.exec(template.trim())?.[1];
  if (inner === 'value') return undefined;
  return inner?.startsWith('value_json') ? parseJsonPath(inner.slice('value_json'.length)) : null;
}
