import { onOff, type Payload, parseJsonPath, spelled, valueAt } from './payload';
import { inverted, needsSomething, noOutput, outputOf } from './profile-parts';
import type { Sense, Thing } from './thing';
import { lineError, type ThingLine, topicIn, typeIn, yesNo } from './thing-lines';

export function freeTopics(line: ThingLine): Thing {
  const stateTopic = topicIn(line, 'state', false);
  const command = topicIn(line, 'command', false);
  const availability = topicIn(line, 'available', false);
  const query = topicIn(line, 'query', false);
  if (stateTopic === null && command === null) throw needsSomething(line, 'state= or command= (a topic)');
  const path = line.keys.path === undefined ? null : parseJsonPath(line.keys.path);
  if (line.keys.path !== undefined && path === null)
    throw lineError(line.line, `path=${line.keys.path} is no path such as a.b[0]`);
  const { on, off } = line.keys;
  if ((on === undefined) !== (off === undefined)) throw lineError(line.line, 'on= and off= belong together');
  if (on !== undefined && spelled(on) === spelled(off)) throw lineError(line.line, 'on= and off= are the same');
  const of = command === null ? ('input' as const) : ('output' as const);
  const type = typeIn(line, of === 'input' ? 'digital-input' : 'relay-state');
  const invert = yesNo(line, 'invert');
  const { online = 'online', offline = 'offline' } = line.keys;

  function active(payload: Payload): boolean | null {
    const value = path === null ? payload.text : valueAt(payload.json(), path);
    if (on === undefined) return onOff(value);
    if (spelled(value) === spelled(on)) return true;
    return spelled(value) === spelled(off) ? false : null;
  }

  return {
    name: line.name,
    topics: [stateTopic, availability].filter((topic) => topic !== null),
    hasInput: of === 'input',
    eventTypes: [type],
    read(from, payload) {
      const senses: Sense[] = [];
      if (from === stateTopic) {
        const found = active(payload);
        if (found !== null) senses.push({ kind: 'state', of, type, vendorType: 'topic', active: found, edge: true });
      }
      if (from === availability) {
        const told = spelled(payload.text);
        if (told === spelled(online)) senses.push({ kind: 'availability', by: 'thing', online: true });
        if (told === spelled(offline)) senses.push({ kind: 'availability', by: 'thing', online: false });
      }
      return inverted(senses, invert);
    },
    ask: query === null ? [] : [{ topic: query, payload: '' }],
    answersAlike: true,
    output:
      command === null
        ? noOutput(line)
        : outputOf(line, {
            on: () => [{ topic: command, payload: line.keys['send-on'] ?? 'ON' }],
            off: () => [{ topic: command, payload: line.keys['send-off'] ?? 'OFF' }],
            query: query === null ? [] : [{ topic: query, payload: '' }],
            confirms: stateTopic !== null,
            asksAtOnce: false,
            longestTimerMs: null,
          }),
  };
}
