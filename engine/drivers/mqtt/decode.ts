import type { Decoded } from '../driver';
import { createSwitchStates } from '../switch-states';
import { isRecord, payloadOf } from './payload';
import { thingOf } from './profiles';
import { brokerSettings } from './settings';
import type { Thing } from './thing';
import type { ProfileName } from './thing-lines';

const LINE_LIMIT = 1024 * 1024;
const MOST_TOPICS = 1_000;

/**
 * Understands captured messages, one JSON object a line: `{"topic":…,"payload":…,"retain":…}`; payloads may be text or
 * JSON. Things are those of the device's list; without it they are known by the topics of the families. Other topics are
 * notices.
 */
export async function* decodeMqtt(
  chunks: AsyncIterable<Buffer>,
  _contentType: string | null,
  options: Record<string, unknown> = {},
): AsyncIterable<Decoded> {
  const states = createSwitchStates();
  const listed = brokerSettings(options).things;
  const things = createTopicThings(listed);
  let waiting: Buffer[] = [];
  let size = 0;
  for await (const chunk of chunks) {
    let rest = chunk;
    for (let end = rest.indexOf(10); end >= 0; end = rest.indexOf(10)) {
      const line = Buffer.concat([...waiting, rest.subarray(0, end)]);
      if (size + end > LINE_LIMIT) yield { kind: 'fault', reason: 'a line that is too long', bytes: size + end };
      else yield* decodeLine(line, states, things);
      waiting = [];
      size = 0;
      rest = rest.subarray(end + 1);
    }
    size += rest.length;
    if (size <= LINE_LIMIT) waiting.push(rest);
    else waiting = [];
  }
  if (size > LINE_LIMIT) yield { kind: 'fault', reason: 'a line that is too long', bytes: size };
  else yield* decodeLine(Buffer.concat(waiting), states, things);
}

function* decodeLine(
  bytes: Buffer,
  states: ReturnType<typeof createSwitchStates>,
  things: TopicThings,
): Generator<Decoded> {
  const line = payloadOf(bytes);
  if (line.text === '') return;
  const message = line.json();
  if (!isRecord(message) || typeof message.topic !== 'string') {
    yield { kind: 'fault', reason: 'a line that is no message: {"topic":…,"payload":…}', bytes: bytes.length };
    return;
  }
  const { topic } = message;
  const text = typeof message.payload === 'string' ? message.payload : JSON.stringify(message.payload ?? '');
  const readers = things.on(topic);
  if (readers.length === 0) {
    yield { kind: 'notice', text: `${topic}: ${text.slice(0, 200)}` };
    return;
  }
  const retained = message.retain === true;
  let told = false;
  const payload = payloadOf(Buffer.from(text));
  for (const [thing, sense] of readers.flatMap((t) => t.read(topic, payload).map((found) => [t, found] as const))) {
    const event = { deviceTime: null, deviceAt: null, raw: line.text };
    if (sense.kind === 'state') {
      const observed = states.observe(`${thing.name} ${sense.of} ${sense.type}`, sense.active, !retained);
      const phase = observed === 'snapshot' && sense.edge && !retained ? 'start' : observed;
      if (phase === null) continue;
      told = true;
      const { type, vendorType } = sense;
      yield { kind: 'event', event: { ...event, type, vendorType, phase, [sense.of]: thing.name } };
    } else if (sense.kind === 'pulse' && !retained) {
      told = true;
      const { type, vendorType, rule } = sense;
      yield { kind: 'event', event: { ...event, type, vendorType, phase: 'pulse', input: thing.name, rule } };
    } else if (sense.kind === 'availability') {
      told = true;
      const phase = sense.online ? 'stop' : 'start';
      yield {
        kind: 'event',
        event: { ...event, type: 'source-offline', vendorType: 'availability', phase, input: thing.name },
      };
    }
  }
  if (!told) yield { kind: 'notice', text: `${topic}: ${text.slice(0, 200)}` };
}

interface TopicThings {
  on(topic: string): readonly Thing[];
}

function createTopicThings(listed: readonly Thing[]): TopicThings {
  const known = new Map<string, readonly Thing[]>();
  return {
    on(topic) {
      const before = known.get(topic);
      if (before) return before;
      if (known.size > MOST_TOPICS) known.clear();
      const mine = listed.filter((thing) => thing.topics.includes(topic));
      const guessed = listed.length === 0 ? thingOfTopic(topic) : null;
      const found = guessed ? [guessed] : mine;
      known.set(topic, found);
      return found;
    },
  };
}

/** The thing that speaks on a topic by the conventions of its family, or null. */
function thingOfTopic(topic: string): Thing | null {
  const make = (profile: ProfileName, name: string, keys: Record<string, string>): Thing | null => {
    try {
      return thingOf({ profile, name, keys, line: 1 });
    } catch {
      // A topic that only looks like one of the family's is somebody else's.
      return null;
    }
  };
  const tasmota = /^(?:stat|tele)\/(.{1,200})\/(?:POWER(\d*)|SWITCH(\d+)|RESULT|SENSOR|STATE|LWT)$/.exec(topic);
  if (tasmota) {
    const [, name = '', output, input] = tasmota;
    return make('tasmota', name, { topic: name, output: output || '1', input: input ?? '1' });
  }
  const shelly1 = /^shellies\/([^/]{1,100})\/(?:online|(relay|input|longpush|input_event|sensor)\/(\w{1,40}))$/.exec(
    topic,
  );
  if (shelly1) {
    const [, id = '', kind, rest = ''] = shelly1;
    const keys: Record<string, string> =
      kind === 'sensor'
        ? { sensor: rest }
        : { output: kind === 'relay' ? rest : '0', input: kind === 'relay' ? '0' : rest || '0' };
    return make('shelly1', id, { id, ...keys });
  }
  const shelly2 = /^(shelly[^/]{1,100})\/(?:online|events\/rpc|status\/(switch|input):(\d{1,3}))$/.exec(topic);
  if (shelly2) {
    const [, id = '', kind, number = '0'] = shelly2;
    return make('shelly2', id, { id, output: kind === 'input' ? '0' : number, input: kind === 'input' ? number : '0' });
  }
  const zigbee = /^(zigbee2mqtt)\/(?!bridge\/)(.{1,200}?)(?:\/availability)?$/.exec(topic);
  return zigbee?.[2] && !/\/(?:set|get)$/.test(topic) ? make('zigbee', zigbee[2], { device: zigbee[2] }) : null;
}
