import type { EventType } from '../../domain/events';
import { own } from './payload';
import { available, inverted, needsSomething, noOutput, outputOf, state } from './profile-parts';
import type { Thing } from './thing';
import { lineError, type ThingLine, topicIn, typeIn, wholeIn, yesNo } from './thing-lines';

const shellySensors: Readonly<Record<string, EventType>> = {
  smoke: 'smoke',
  flood: 'vendor:water_leak',
  motion: 'motion',
  gas: 'vendor:gas',
  vibration: 'vendor:vibration',
  tamper: 'tamper',
};

export function shelly1(line: ThingLine): Thing {
  const id = topicIn(line, 'id', true) ?? '';
  const output = wholeIn(line, 'output', 0, 15);
  const input = wholeIn(line, 'input', 0, 15);
  const { sensor } = line.keys;
  if (output === null && input === null && sensor === undefined)
    throw needsSomething(line, 'output=, input= (numbers from 0) or sensor=');
  if (sensor !== undefined && !/^\w{1,40}$/.test(sensor)) throw lineError(line.line, `sensor=${sensor} is no name`);
  const at = (rest: string): string => `shellies/${id}/${rest}`;
  const type = typeIn(line, sensor === undefined ? 'digital-input' : (shellySensors[sensor] ?? `vendor:${sensor}`));
  const invert = yesNo(line, 'invert');
  return {
    name: line.name,
    topics: [
      at('online'),
      ...(output === null ? [] : [at(`relay/${output}`)]),
      ...(input === null ? [] : [at(`input/${input}`), at(`longpush/${input}`), at(`input_event/${input}`)]),
      ...(sensor === undefined ? [] : [at(`sensor/${sensor}`)]),
    ],
    hasInput: input !== null || sensor !== undefined,
    eventTypes: [
      ...(input === null && sensor === undefined ? [] : [type]),
      ...(output === null ? [] : ['relay-state' as const]),
    ],
    read(from, payload) {
      if (from === at('online')) return available(payload);
      if (from.startsWith(at('relay/'))) {
        // A relay that is too hot or overloaded says so instead of its state.
        if (payload.text === 'overpower') return [{ kind: 'pulse', type: 'power-fault', vendorType: 'overpower' }];
        return state('output', 'relay-state', 'relay', payload.text);
      }
      if (from.startsWith(at('longpush/')))
        return payload.text === '1' ? [{ kind: 'pulse', type, vendorType: 'longpush', rule: 'long' }] : [];
      if (from.startsWith(at('input_event/'))) {
        const event = own(payload.json(), 'event');
        return typeof event === 'string' && event !== ''
          ? [{ kind: 'pulse', type, vendorType: 'input_event', rule: event.slice(0, 20) }]
          : [];
      }
      const open = payload.text === 'open' ? true : payload.text === 'close' ? false : payload.text;
      return inverted(state('input', type, from.slice(at('').length), open), invert);
    },
    ask: [{ topic: at('command'), payload: 'update' }],
    answersAlike: true,
    output:
      output === null
        ? noOutput(line)
        : outputOf(line, {
            on: () => [{ topic: at(`relay/${output}/command`), payload: 'on' }],
            off: () => [{ topic: at(`relay/${output}/command`), payload: 'off' }],
            query: [{ topic: at('command'), payload: 'update' }],
            confirms: true,
            asksAtOnce: false,
            longestTimerMs: null,
          }),
  };
}
