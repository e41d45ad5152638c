import { isRecord, own, spelled } from './payload';
import { available, inverted, needsSomething, noOutput, outputOf, refused, state } from './profile-parts';
import type { Sense, Thing } from './thing';
import { lineError, type ThingLine, topicIn, typeIn, wholeIn, yesNo } from './thing-lines';

/** 1–111 are tenths of a second, 112 and more are seconds and 100 (Tasmota, command PulseTime). */
export const pulseTime = (ms: number): number =>
  ms <= 11_100 ? Math.max(1, Math.ceil(ms / 100)) : Math.min(64_900, Math.ceil(ms / 1_000) + 100);

export function tasmota(line: ThingLine): Thing {
  const topic = topicIn(line, 'topic', true) ?? '';
  const output = wholeIn(line, 'output', 1, 32);
  const input = wholeIn(line, 'input', 1, 32);
  if (output === null && input === null) throw needsSomething(line, 'output= or input= (a number)');
  const full = line.keys.full ?? '%prefix%/%topic%/';
  if (!full.includes('%prefix%') || !full.includes('%topic%') || /[#+]/.test(full))
    throw lineError(line.line, 'full= is the FullTopic of the thing, with %prefix% and %topic%');
  const at = (prefix: string, rest: string): string =>
    `${full.replaceAll('%prefix%', prefix).replaceAll('%topic%', topic).replace(/\/+$/, '')}/${rest}`;
  const type = typeIn(line, 'digital-input');
  const invert = yesNo(line, 'invert');
  /** Its timer may be a second net; else what is set in it is its owner's. */
  const timed = line.keys.pulse !== undefined || line.keys.switch !== undefined;
  const power = output === 1 ? ['POWER', 'POWER1'] : output === null ? [] : [`POWER${output}`];
  const contact = input === null ? [] : [`Switch${input}`];
  const upper = (names: string[]): string[] => names.map((n) => n.toUpperCase());

  /** Members of a JSON message that are ours, whatever their case. */
  function members(json: unknown, edge: boolean): Sense[] {
    if (!isRecord(json)) return [];
    return Object.entries(json).flatMap(([name, value]) => {
      const key = name.toUpperCase();
      if (key === 'COMMAND' && spelled(value) === 'unknown') return refused('it does not know the command');
      if (key === 'COMMAND' && spelled(value) === 'error') return refused('it reports an error');
      if (upper(power).includes(key)) return state('output', 'relay-state', name, value, edge);
      if (upper(contact).includes(key)) return state('input', type, name, own(value, 'Action') ?? value, edge);
      return [];
    });
  }

  return {
    name: line.name,
    topics: [
      ...power.map((p) => at('stat', p)),
      ...upper(contact).map((c) => at('stat', c)),
      at('stat', 'RESULT'),
      ...(input === null ? [] : [at('stat', 'STATUS10')]),
      at('tele', 'SENSOR'),
      at('tele', 'STATE'),
      at('tele', 'LWT'),
    ],
    hasInput: input !== null,
    eventTypes: [...(input === null ? [] : [type]), ...(output === null ? [] : ['relay-state' as const])],
    read(from, payload) {
      const last = from.slice(from.lastIndexOf('/') + 1);
      if (from === at('tele', 'LWT')) return available(payload);
      if (from === at('tele', 'SENSOR') || from === at('tele', 'STATE'))
        return inverted(members(payload.json(), false), invert);
      if (last === 'STATUS10') return inverted(members(own(payload.json(), 'StatusSNS'), false), invert);
      if (last === 'RESULT') return inverted(members(payload.json(), true), invert);
      if (power.includes(last)) return state('output', 'relay-state', last, payload.text);
      return inverted(state('input', type, last, own(payload.json(), 'Action') ?? payload.text), invert);
    },
    ask: [
      ...power.slice(-1).map((p) => ({ topic: at('cmnd', p), payload: '' })),
      // Sensors and contacts; the message of every five minutes, at once.
      ...(input === null ? [] : [{ topic: at('cmnd', 'STATUS'), payload: '10' }]),
    ],
    output:
      output === null
        ? noOutput(line)
        : outputOf(line, {
            // The setting stays in the thing, so a thing whose timer is ours gets it with every command.
            on: (forMs) =>
              timed
                ? [
                    {
                      topic: at('cmnd', 'Backlog'),
                      payload: `PulseTime${output} ${forMs === null ? 0 : pulseTime(forMs)}; Power${output} ON`,
                    },
                  ]
                : [{ topic: at('cmnd', `POWER${output}`), payload: 'ON' }],
            off: () => [{ topic: at('cmnd', `POWER${output}`), payload: 'OFF' }],
            query: [{ topic: at('cmnd', `POWER${output}`), payload: '' }],
            confirms: true,
            asksAtOnce: false,
            longestTimerMs: timed ? 64_800_000 : null,
          }),
  };
}
