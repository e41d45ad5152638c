import helper from 'node-red-node-test-helper';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { userError } from '../../engine/domain/errors';
import type { ArmingChange } from '../../engine/index';
import { FakeFlowEngine } from '../support/fake-flow-engine';
import {
  catcher,
  caughtSink,
  collect,
  errorsOf,
  type FlowNode,
  flowNode,
  gate,
  hall,
  live,
  nights,
  run,
  sink,
  statusesOf,
  tab,
  turns,
} from './flow-fixture';

let engine: FakeFlowEngine;
beforeEach(() => {
  engine = new FakeFlowEngine();
});
afterEach(async () => {
  await helper.unload();
});

const lobby: FlowNode = { id: 'lobby', type: 'alarmflow-area', name: 'Lobby', version: 1 };
const keySwitch = { deviceId: 'gate', input: 2, contact: 'closed', meaning: 'pulse-toggles' };

describe('an area', () => {
  it('is defined with what a new dialog shows where a flow leaves fields out', async () => {
    await run([tab, lobby], engine);
    expect(engine.areas.get('lobby')).toEqual({
      id: 'lobby',
      name: 'Lobby',
      covers: 'area',
      scheduleId: null,
      exitDelayMs: 0,
      entryDelayMs: 0,
      atDisarm: 'end',
      unattended: 'force',
      inputs: [],
      flood: { raises: 10, withinMs: 600_000 },
    });
  });

  it('is defined with all its settings', async () => {
    const config = { covers: 'site', schedule: 'nights', exitDelay: '30', entryDelay: 20.5, atDisarm: 'let-run' };
    const more = { unattended: 'bypass', inputs: [keySwitch], floodRaises: '', floodMinutes: 5 };
    await run([tab, nights, gate, { ...lobby, ...config, ...more }], engine);
    expect(engine.areas.get('lobby')).toEqual({
      id: 'lobby',
      name: 'Lobby',
      covers: 'site',
      scheduleId: 'nights',
      exitDelayMs: 30_000,
      entryDelayMs: 20_500,
      atDisarm: 'let-run',
      unattended: 'bypass',
      inputs: [{ ...keySwitch, input: '2' }],
      flood: null,
    });
  });

  it('does without an input whose device is gone', async () => {
    await run([tab, gate, { ...lobby, inputs: [keySwitch, { ...keySwitch, deviceId: 'gone' }] }], engine);
    expect(engine.areas.get('lobby')?.inputs).toHaveLength(1);
  });

  it.each([
    ['an exit delay above an hour', { exitDelay: 3_601 }, 'Exit delay'],
    ['inputs that are no list', { inputs: 'gate' }, 'Alarm inputs'],
    ['an input without a number', { inputs: [{ ...keySwitch, input: ' ' }] }, 'Alarm inputs'],
    ['an input of an unknown meaning', { inputs: [{ ...keySwitch, meaning: 'opens' }] }, 'Alarm inputs'],
    ['an input that is no object', { inputs: [null] }, 'Alarm inputs'],
    ['an input twice', { inputs: [keySwitch, { ...keySwitch, meaning: 'active-arms' }] }, 'Alarm inputs'],
    ['an unknown way', { unattended: 'normal' }, 'What is open'],
  ])('with %s is refused by the name of the field', async (_what, config, label) => {
    await run([tab, gate, { ...lobby, ...config }], engine);
    expect(engine.areas.size).toBe(0);
    expect(errorsOf('lobby').join()).toContain(`field "${label}"`);
  });
});

describe('an arm node', () => {
  const flow = (config: Record<string, unknown> = {}): FlowNode[] => [
    tab,
    hall,
    nights,
    lobby,
    flowNode('arm', { name: 'Key switch', wires: [['sink'], ['changes']], ...config }),
    sink,
    { ...sink, id: 'changes' },
    catcher,
    caughtSink,
  ];

  it.each([
    [{}, { scope: 'site', id: 'site' }],
    [
      { scope: 'area', area: 'lobby' },
      { scope: 'area', id: 'lobby' },
    ],
    [
      { scope: 'device', device: 'hall' },
      { scope: 'device', id: 'hall' },
    ],
    [
      { scope: 'channel', device: 'hall', channel: '3' },
      { scope: 'channel', id: 'hall/3' },
    ],
    [
      { scope: 'trigger', target: 't1' },
      { scope: 'trigger', id: 't1' },
    ],
    [
      { scope: 'action', target: 'siren' },
      { scope: 'action', id: 'siren' },
    ],
  ])('with %j speaks of %j', async (config, subject) => {
    await run(flow(config), engine);
    expect(engine.arming.get('node')).toEqual({ nodeId: 'node', subject, scheduleId: null });
  });

  it('gives its subject a schedule', async () => {
    await run(flow({ schedule: 'nights' }), engine);
    expect(engine.arming.get('node')?.scheduleId).toBe('nights');
  });

  it.each<[Record<string, unknown>, unknown, object]>([
    [{}, true, { armed: true, how: 'normal', forMs: null }],
    [{}, 'Disarm', { armed: false, how: 'normal', forMs: null }],
    [{}, 'toggle', { armed: 'toggle', how: 'normal', forMs: null }],
    [{}, 0, { armed: false, how: 'normal', forMs: null }],
    [{}, { armed: 'arm', how: 'bypass', forMinutes: 1.5 }, { armed: true, how: 'bypass', forMs: 90_000 }],
    [{ how: 'force', minutes: 2 }, { armed: true }, { armed: true, how: 'force', forMs: 120_000 }],
    [{ order: 'disarm', minutes: '120' }, 'whatever', { armed: false, how: 'normal', forMs: 7_200_000 }],
    [{ order: 'toggle' }, undefined, { armed: 'toggle', how: 'normal', forMs: null }],
    [{ order: 'arm', how: 'bypass' }, false, { armed: true, how: 'bypass', forMs: null }],
  ])('with %j and the payload %j orders %j and passes the message on', async (config, payload, order) => {
    await run(flow(config), engine);
    const passed = collect('sink');
    live('node').receive({ payload });
    await turns();
    expect(engine.armingOrders).toEqual([
      { subject: { scope: 'site', id: 'site' }, source: 'node', who: 'Key switch', ...order },
    ]);
    expect(passed).toHaveLength(1);
  });

  it.each([
    'perhaps',
    2,
    {},
    { armed: true, how: 'soft' },
    { armed: true, forMinutes: -1 },
    { armed: true, forMinutes: '5' },
    null,
    [true],
  ])('refuses the payload %j and tells what it understands', async (payload) => {
    await run(flow(), engine);
    const caught = collect('caught');
    live('node').receive({ payload });
    await turns();
    expect(engine.armingOrders).toEqual([]);
    expect(String((caught[0]?.error as { message?: string } | undefined)?.message)).toContain(
      '"arm", "disarm" and "toggle"',
    );
    expect(JSON.stringify(caught[0]?.error)).toContain('Key switch');
  });

  it('hands a refused order to a catch node and passes nothing on', async () => {
    engine.failures.set('orderArming', userError('E_AREA_OPEN', 'area "Lobby" cannot be armed: Door (Hall camera)'));
    await run(flow(), engine);
    const [passed, caught] = [collect('sink'), collect('caught')];
    live('node').receive({ payload: true });
    await turns();
    expect(passed).toEqual([]);
    expect(JSON.stringify(caught[0]?.error)).toContain('Door (Hall camera)');
  });

  it.each<[ArmingChange['phase'], boolean]>([
    ['disarmed', false],
    ['exit-delay', false],
    ['armed', true],
    ['entry-delay', true],
  ])('tells of a change to %s on its second output with payload %s', async (phase, payload) => {
    await run(flow({ scope: 'area', area: 'lobby' }), engine);
    const [passed, changes] = [collect('sink'), collect('changes')];
    const change: ArmingChange = {
      subject: { scope: 'area', id: 'lobby' },
      name: 'Lobby',
      from: 'armed',
      phase,
      source: 'user',
      who: 'anna',
      detail: 'by anna',
      at: 1,
      until: null,
      bypassed: [],
    };
    engine.armingWatchers.get('node')?.(change);
    await turns();
    expect(passed).toEqual([]);
    expect(changes).toMatchObject([{ payload, topic: 'arming/area/Lobby', arming: change }]);
  });

  it('without a subject is refused and shows it', async () => {
    await run(flow({ scope: 'area' }), engine);
    expect(errorsOf('node').join()).toContain('field "Area" is empty');
    expect(statusesOf('node').at(-1)).toMatchObject({ fill: 'red' });
  });
});

describe('an action node', () => {
  it('tells that it is there, so that it can be disarmed by itself', async () => {
    await run([tab, flowNode('log', { name: 'Diary' }), sink], engine);
    expect(engine.actionNodes.get('node')).toBe('Diary');
  });
});
