import type { EventType } from '../../domain/events';
import { own } from './payload';
import { available, inverted, needsSomething, noOutput, outputOf, state } from './profile-parts';
import type { Publication, Sense, Thing } from './thing';
import { lineError, type ThingLine, topicIn, typeIn, wholeIn, yesNo } from './thing-lines';

export function shelly2(line: ThingLine): Thing {
  const id = topicIn(line, 'id', true) ?? '';
  const output = wholeIn(line, 'output', 0, 200);
  const input = wholeIn(line, 'input', 0, 200);
  const sensor = /^(smoke|flood|presence|occupancy):\d{1,3}$/.exec(line.keys.sensor ?? '')?.[0];
  if (line.keys.sensor !== undefined && sensor === undefined)
    throw lineError(line.line, `sensor=${line.keys.sensor}: give e.g. smoke:0 or flood:0`);
  if (output === null && input === null && sensor === undefined)
    throw needsSomething(line, 'output=, input= (numbers from 0) or sensor=');
  const kind = sensor?.split(':', 1)[0] ?? '';
  const sensorType: EventType = kind === 'smoke' ? 'smoke' : kind === 'flood' ? 'vendor:water_leak' : 'motion';
  const type = typeIn(line, sensor === undefined ? 'digital-input' : sensorType);
  const invert = yesNo(line, 'invert');
  const relay = output === null ? null : `switch:${output}`;
  const contacts = [...(input === null ? [] : [`input:${input}`]), ...(sensor === undefined ? [] : [sensor])];
  const components = [...(relay === null ? [] : [relay]), ...contacts];

  /** Attributes of one component; only those that changed are there. */
  function component(name: string, value: unknown, edge: boolean): Sense[] {
    if (name === relay) return state('output', 'relay-state', name, own(value, 'output'), edge);
    if (!contacts.includes(name)) return [];
    const told = own(value, 'state') ?? own(value, 'alarm') ?? own(value, 'value');
    return inverted(state('input', type, name, told, edge), invert);
  }

  function notified(json: unknown): Sense[] {
    const method = own(json, 'method');
    const params = own(json, 'params');
    if (method === 'NotifyStatus' || method === 'NotifyFullStatus')
      return components.flatMap((name) => component(name, own(params, name), method === 'NotifyStatus'));
    const events = method === 'NotifyEvent' ? own(params, 'events') : undefined;
    if (!Array.isArray(events)) return [];
    return events.slice(0, 50).flatMap((event): Sense[] => {
      const name = own(event, 'component');
      const what = own(event, 'event');
      if (typeof name !== 'string' || typeof what !== 'string' || !contacts.includes(name)) return [];
      // Buttons: down and up are the halves of what follows as single, double, triple or long push.
      if (!/_push$|^alarm/.test(what)) return [];
      return [{ kind: 'pulse', type, vendorType: name, rule: what.slice(0, 40) }];
    });
  }

  const call = (method: string, params: Record<string, unknown>): Publication => ({
    topic: `${id}/rpc`,
    payload: '',
    rpc: { method, params },
  });

  return {
    name: line.name,
    topics: [`${id}/online`, `${id}/events/rpc`, ...components.map((name) => `${id}/status/${name}`)],
    hasInput: contacts.length > 0,
    eventTypes: [...(contacts.length > 0 ? [type] : []), ...(relay === null ? [] : ['relay-state' as const])],
    read(from, payload) {
      if (from === `${id}/online`) return available(payload);
      if (from === `${id}/events/rpc`) return notified(payload.json());
      const name = from.slice(id.length + '/status/'.length);
      return component(name, payload.json(), true);
    },
    ask: [call('Shelly.GetStatus', {})],
    readAnswer: (result) => components.flatMap((name) => component(name, own(result, name), false)),
    output:
      output === null
        ? noOutput(line)
        : outputOf(line, {
            on: (forMs) => [
              call('Switch.Set', {
                id: output,
                on: true,
                ...(forMs === null ? {} : { toggle_after: Math.ceil(forMs / 100) / 10 }),
              }),
            ],
            off: () => [call('Switch.Set', { id: output, on: false })],
            query: [call('Switch.GetStatus', { id: output })],
            confirms: true,
            asksAtOnce: true,
            longestTimerMs: 86_400_000,
          }),
  };
}
