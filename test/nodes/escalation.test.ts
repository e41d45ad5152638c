import helper from 'node-red-node-test-helper';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AlarmMessage } from '../../engine/index';
import { FakeFlowEngine } from '../support/fake-flow-engine';
import {
  alarmMessage,
  catcher,
  caughtSink,
  collect,
  errorsOf,
  flowNode,
  live,
  office,
  run,
  sink,
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

const second = { ...sink, id: 'second' };

const flow = (config: Record<string, unknown> = {}) => [
  tab,
  flowNode('escalation', {
    name: 'Night guard',
    steps: [{ delay: 0 }, { delay: '90.5' }],
    wires: [['sink'], ['second']],
    version: 1,
    ...config,
  }),
  sink,
  second,
  catcher,
  caughtSink,
];

const stepMessage = (phase: 'escalate' | 'clear', outputs: number[]): AlarmMessage => {
  const message = alarmMessage(phase);
  const escalation = { nodeId: 'node', step: outputs.at(-1) ?? 1, round: 1, outputs };
  return { ...message, alarm: { ...message.alarm, escalation } };
};

describe('an escalation node', () => {
  it('defines its steps', async () => {
    await run(flow({ repeatMode: 'times', rounds: 4, pause: 60, level: 'pre-alarm', stopCleared: true }), engine);
    expect(engine.escalations.get('node')).toEqual({
      id: 'node',
      name: 'Night guard',
      steps: [{ delayMs: 0 }, { delayMs: 90_500 }],
      repeats: 4,
      repeatAfterMs: 60_000,
      minimumLevel: 'pre-alarm',
      stopAtAcknowledge: true,
      stopAtClear: true,
    });
  });

  it.each([
    ['never', 0],
    ['times', 3],
    ['until', null],
  ])('repeats %s', async (repeatMode, repeats) => {
    await run(flow({ repeatMode }), engine);
    expect(engine.escalations.get('node')?.repeats).toBe(repeats);
  });

  it.each([
    [{ steps: [] }, 'Steps'],
    [{ steps: 'soon' }, 'Steps'],
    [{ steps: [{ delay: 0 }, { delay: '' }] }, 'Steps: 2'],
    [{ steps: [{ delay: -1 }] }, 'Steps: 1'],
    [{ steps: [null] }, 'Steps: 1'],
    [{ steps: Array.from({ length: 11 }, () => ({ delay: 1 })) }, 'Steps'],
    [{ rounds: 0 }, 'Rounds'],
    [{ pause: 0 }, 'Pause'],
    [{ repeatMode: 'often' }, 'Repeat'],
    [{ level: 'high' }, 'Begins with'],
    [{ stopCleared: 'yes' }, 'Clear'],
  ])('refuses %j and names the field', async (config, label) => {
    await run(flow(config), engine);
    expect(engine.escalations.size).toBe(0);
    expect(errorsOf('node')[0]).toMatch(new RegExp(`^Escalation "Night guard": field "${label}"`));
  });

  it('hands the alarms that are on to the engine, and leaves their ends to it', async () => {
    await run(flow(), engine);
    for (const phase of ['raise', 'escalate', 'remind', 'clear', 'end'] as const) live('node').receive(wired(phase));
    await turns();
    expect(engine.escalated.map(({ alarmId }) => alarmId)).toEqual(['alarm-1', 'alarm-1', 'alarm-1']);
  });

  it('refuses a message without an alarm', async () => {
    await run(flow(), engine);
    const caught = collect('caught');
    live('node').receive({ _msgid: 'm1', payload: true });
    await turns();
    expect(caught).toHaveLength(1);
    expect(engine.escalated).toEqual([]);
  });

  it('sends a step to its output, and the clear to the outputs of those who were called', async () => {
    await run(flow(), engine);
    const [first, other] = [collect('sink'), collect('second')];
    engine.deliver('node', stepMessage('escalate', [2]));
    await turns();
    expect([first.length, other.length]).toEqual([0, 1]);
    expect(other[0]).toMatchObject({ payload: true, alarm: { phase: 'escalate', escalation: { step: 2 } } });
    engine.deliver('node', stepMessage('clear', [1, 2]));
    await turns();
    expect([first.length, other.length]).toEqual([1, 2]);
  });

  it('lets a mail act on a step though its dialog names other phases, and on the clear only if it does', async () => {
    const mail = flowNode('email', {
      id: 'mail',
      server: 'office',
      to: 'guard@example.org',
      phases: ['raise'],
      version: 1,
      wires: [],
    });
    await run([...flow({ wires: [['mail'], []] }), office, mail], engine);
    engine.deliver('node', stepMessage('escalate', [1]));
    engine.deliver('node', stepMessage('clear', [1]));
    await turns();
    expect(engine.actionRequests.map(({ alarm }) => alarm?.phase)).toEqual(['escalate']);
  });
});
