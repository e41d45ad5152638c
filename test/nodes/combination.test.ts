import helper from 'node-red-node-test-helper';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FakeFlowEngine } from '../support/fake-flow-engine';
import {
  alarmMessage,
  catcher,
  caughtSink,
  collect,
  errorsOf,
  flowNode,
  live,
  run,
  sink,
  statusesOf,
  tab,
  turns,
  wired,
} from './flow-fixture';

let engine: FakeFlowEngine;
beforeEach(() => {
  engine = new FakeFlowEngine();
});
afterEach(async () => {
  await helper.unload();
});

const operands = [
  { kind: 'trigger', id: 'line-1' },
  { kind: 'topic', id: ' gate/open ' },
];

const flow = (config: Record<string, unknown> = {}) => [
  tab,
  flowNode('combination', { name: 'Double line', mode: 'sequence', operands, within: '4.5', version: 1, ...config }),
  sink,
  catcher,
  caughtSink,
];

const ofTrigger = (phase: Parameters<typeof wired>[0], triggerId = 'line-1') => {
  const message = wired(phase);
  return { ...message, alarm: { ...(message.alarm as object), triggerId, triggerName: 'Line 1' } };
};

describe('a combination node', () => {
  it('defines a trigger whose conditions are made of its operands, in their order', async () => {
    await run(flow(), engine);
    expect(engine.triggers.get('node')).toMatchObject({
      name: 'Double line',
      filter: { types: ['message'], deviceIds: ['node'] },
      policy: { keyParts: ['device'], quietMs: 0 },
      source: {
        kind: 'combination',
        rule: { mode: 'sequence', operands: ['line-1', 'gate/open'], withinMs: 4_500, count: 3 },
      },
    });
  });

  it.each([
    [{ operands: [] }, 'Operands'],
    [{ operands: operands.slice(1) }, 'Operands'],
    [{ operands: 'line-1' }, 'Operands'],
    [{ operands: [...operands, operands[0]] }, 'Operands'],
    [{ operands: [{ kind: 'device', id: 'x' }, operands[0]] }, 'Operands'],
    [{ operands: [{ kind: 'topic', id: ' ' }, operands[0]] }, 'Operands'],
    [{ operands: [null, operands[0]] }, 'Operands'],
    [{ mode: 'xor' }, 'Raise when'],
    [{ within: -1 }, 'Within'],
    [{ starts: 1 }, 'Number of starts'],
  ])('refuses %j and names the field', async (config, label) => {
    await run(flow(config), engine);
    expect(engine.triggers.size).toBe(0);
    expect(errorsOf('node')[0]).toMatch(new RegExp(`^Combination "Double line": field "${label}`));
    expect(statusesOf('node').at(-1)?.text).toBe('check settings');
  });

  it('takes one operand where one is enough', async () => {
    await run(flow({ mode: 'count', operands: operands.slice(0, 1) }), engine);
    expect(engine.triggers.has('node')).toBe(true);
  });

  it.each([
    ['raise', true, false],
    ['escalate', true, false],
    ['remind', true, true],
    ['clear', false, false],
    ['end', false, false],
  ] as const)('offers an alarm that comes with the phase %s as its trigger', async (phase, condition, goesOn) => {
    await run(flow(), engine);
    live('node').receive(ofTrigger(phase));
    await turns();
    expect(engine.offered).toEqual([
      {
        triggerId: 'node',
        message: {
          messageId: `alarm-1:${phase}`,
          condition,
          goesOn,
          topic: 'site/Hall camera/1/temperature-alarm',
          operand: { id: 'line-1', name: 'Line 1', alarmId: 'alarm-1' },
        },
      },
    ]);
  });

  it('offers a plain message as its topic', async () => {
    await run(flow(), engine);
    live('node').receive({ _msgid: 'm1', payload: 'on', topic: 'gate/open', description: 'Gate opened' });
    await turns();
    expect(engine.offered[0]?.message).toEqual({
      messageId: 'm1',
      condition: true,
      topic: 'gate/open',
      operand: { id: 'gate/open', name: 'gate/open' },
      description: 'Gate opened',
    });
  });

  it.each([
    ['an alarm of another trigger', ofTrigger('raise', 'stranger'), 'none of its operands'],
    ['another topic', { _msgid: 'm1', payload: true, topic: 'gate/shut' }, 'none of its operands'],
    ['no topic', { _msgid: 'm1', payload: true }, 'none of its operands'],
    ['a payload that says nothing', { _msgid: 'm1', payload: 'ajar', topic: 'gate/open' }, 'understands true/false'],
  ])('refuses %s', async (_what, message, why) => {
    await run(flow(), engine);
    const caught = collect('caught');
    live('node').receive(message);
    await turns();
    expect(engine.offered).toEqual([]);
    expect(caught).toHaveLength(1);
    const { error } = caught[0] as { error?: { message?: string } };
    expect(error?.message).toContain('Combination "Double line" got');
    expect(error?.message).toContain(why);
  });

  it('sends the alarms that the engine makes', async () => {
    await run(flow(), engine);
    const sent = collect('sink');
    engine.deliver('node', alarmMessage('raise'));
    await turns();
    expect(sent).toMatchObject([{ payload: true, alarm: { phase: 'raise' } }]);
  });
});
