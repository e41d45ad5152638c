import type { EventType } from '../../domain/events';
import { isRecord, own } from './payload';
import { available, inverted, noOutput, outputOf, refused, state } from './profile-parts';
import type { Sense, Thing } from './thing';
import { lineError, type ThingLine, topicIn, typeIn, yesNo } from './thing-lines';

const zigbeeTypes: Readonly<Record<string, EventType>> = {
  contact: 'digital-input',
  smoke: 'smoke',
  fire: 'fire',
  occupancy: 'pir',
  presence: 'motion',
  motion: 'motion',
  tamper: 'tamper',
  battery_low: 'power-fault',
  water_leak: 'vendor:water_leak',
  gas: 'vendor:gas',
  carbon_monoxide: 'vendor:carbon_monoxide',
  vibration: 'vendor:vibration',
  alarm: 'vendor:alarm',
  sos: 'vendor:sos',
};

export function zigbee(line: ThingLine): Thing {
  const device = topicIn(line, 'device', true) ?? '';
  const base = topicIn(line, 'base', false) ?? 'zigbee2mqtt';
  const output = line.keys.output ?? null;
  if (output !== null && !/^(state(_\w{1,20})?|warning|alarm)$/.test(output))
    throw lineError(line.line, `output=${output}: give state, state_l1 …, alarm, or warning for a siren`);
  const listed = line.keys.input?.split(',').map((property) => property.trim());
  if (listed?.some((property) => !/^\w{1,60}$/.test(property)))
    throw lineError(line.line, 'input= is a list of properties: contact,tamper');
  if (line.keys.type !== undefined && listed?.length !== 1)
    throw lineError(line.line, 'type= needs input= with the one property that it is for');
  const topic = `${base}/${device}`;
  const invert = yesNo(line, 'invert');
  const typeOf = (property: string): EventType => typeIn(line, zigbeeTypes[property] ?? `vendor:${property}`);

  function property(name: string, value: unknown): Sense[] {
    if (name === output && name !== 'warning') return state('output', 'relay-state', name, value);
    const isInput = listed ? listed.includes(name) : Object.hasOwn(zigbeeTypes, name);
    if (name === 'action') {
      if (typeof value !== 'string' || value === '' || (listed && !isInput)) return [];
      return [{ kind: 'pulse', type: 'digital-input', vendorType: 'action', rule: value.slice(0, 60) }];
    }
    if (!isInput) return [];
    // A magnet that is near is a contact that is made: open is what alarms.
    return inverted(state('input', typeOf(name), name, value), (name === 'contact') !== invert);
  }

  const get =
    output === null || output === 'warning'
      ? []
      : [{ topic: `${topic}/get`, payload: JSON.stringify({ [output]: '' }) }];

  return {
    name: line.name,
    topics: [topic, `${topic}/availability`, `${base}/bridge/state`, `${base}/bridge/logging`],
    hasInput: listed !== undefined || output === null,
    eventTypes: listed ? [...new Set(listed.map(typeOf))] : output === null ? ['digital-input'] : ['relay-state'],
    read(from, payload) {
      if (from === `${base}/bridge/state`) return available(payload, 'bridge');
      if (from === `${topic}/availability`) return available(payload);
      const json = payload.json();
      if (from === `${base}/bridge/logging`) {
        const message = own(json, 'message');
        const isOurs = own(json, 'level') === 'error' && typeof message === 'string' && message.includes(`'${device}'`);
        return isOurs && message.includes('failed') ? refused(message.slice(0, 200)) : [];
      }
      if (!isRecord(json)) return [];
      return Object.entries(json).flatMap(([name, value]) => property(name, value));
    },
    // Sensors sleep: only what is switched answers.
    ask: get,
    output:
      output === null
        ? noOutput(line)
        : outputOf(line, {
            on: (forMs) => [{ topic: `${topic}/set`, payload: JSON.stringify(zigbeeOn(output, forMs)) }],
            off: () => [
              {
                topic: `${topic}/set`,
                payload: JSON.stringify(
                  output === 'warning'
                    ? { warning: { mode: 'stop', duration: 0 } }
                    : { [output]: zigbeeWord(output, false) },
                ),
              },
            ],
            query: get,
            confirms: output !== 'warning',
            asksAtOnce: false,
            longestTimerMs: output === 'alarm' ? null : 1_800_000,
          }),
  };
}

const zigbeeWord = (output: string, on: boolean): unknown => (output === 'alarm' ? on : on ? 'ON' : 'OFF');

function zigbeeOn(output: string, forMs: number | null): Record<string, unknown> {
  if (output === 'warning')
    return {
      warning: { mode: 'burglar', level: 'high', strobe: true, duration: Math.ceil((forMs ?? 1_800_000) / 1_000) },
    };
  return { [output]: zigbeeWord(output, true), ...(forMs === null ? {} : { on_time: Math.ceil(forMs / 1_000) }) };
}
