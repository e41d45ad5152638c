/** The nodes that hold sirens, lights and cameras, as their dialogs say it. */
import helper from 'node-red-node-test-helper';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { FlowMessage } from '../../nodes/shared/runtime-api';
import { FakeFlowEngine } from '../support/fake-flow-engine';
import { openSandbox } from './editor-sandbox';
import {
  catcher,
  caughtSink,
  collect,
  type FlowNode,
  flowNode,
  hall,
  live,
  run,
  sink,
  tab,
  turns,
  wired,
} from './flow-fixture';

const yard: FlowNode = { ...hall, id: 'yard', name: 'Yard camera', host: '192.0.2.11' };

let engine: FakeFlowEngine;
beforeEach(() => {
  engine = new FakeFlowEngine();
});
afterEach(async () => {
  await helper.unload();
});

async function through(node: FlowNode, message: FlowMessage): Promise<FlowMessage[]> {
  await run([tab, hall, yard, node, sink, catcher, caughtSink], engine);
  const caught = collect('caught');
  live('node').receive(message);
  await turns();
  return caught;
}

const held = () =>
  engine.outputRequests.map(({ deviceId, kind, output, manner }) => ({ deviceId, kind, output, manner }));

describe('a node with several targets', () => {
  const siren = flowNode('audible-alarm', {
    name: 'Horn',
    targets: [
      { device: 'hall', output: '2' },
      { device: 'local-console' },
      { device: 'local-player' },
      { device: 'yard' },
    ],
    sound: 3,
    volume: '80',
    priority: 70,
  });

  it('defines and asks for each of them, with its manner and priority', async () => {
    await through(siren, wired('raise'));
    const manner = { sound: 3, volume: 80 };
    const targets = [
      { deviceId: 'hall', kind: 'siren', output: '2', manner },
      { deviceId: 'local-console', kind: 'siren', output: 'buzzer', manner },
      { deviceId: 'local-player', kind: 'siren', output: 'speaker', manner },
      { deviceId: 'yard', kind: 'siren', output: '1', manner },
    ];
    expect(held()).toEqual(targets);
    expect(engine.outputs.get('node')).toMatchObject({ name: 'Horn', priority: 70, kind: 'siren' });
    expect(engine.outputRequests[0]).toMatchObject({
      nodeId: 'node',
      nodeName: 'Horn',
      priority: 70,
      condition: true,
      hold: { afterClearMs: 10_000, capMs: null },
    });
  });

  it.each(['clear', 'end', 'remind'] as const)(
    'asks for nothing at the %s: the hold follows the alarm',
    async (phase) => {
      await through(siren, wired(phase));
      expect(held()).toEqual([]);
    },
  );

  it('goes on without a device that is gone, and says so', async () => {
    await through(
      { ...siren, targets: [{ device: 'gone', output: '1' }, { device: 'local-console' }] },
      wired('raise'),
    );
    expect(held().map(({ deviceId }) => deviceId)).toEqual(['local-console']);
  });

  it('passes a plain message on to all of them', async () => {
    await through(siren, { _msgid: 'm1', payload: false, topic: 'x' });
    expect(engine.outputRequests.map(({ condition, topic }) => [condition, topic])).toEqual(
      Array.from({ length: 4 }, () => [false, 'x']),
    );
  });
});

describe('a sound', () => {
  it.each([
    ['', {}],
    [1, { times: 1 }],
    ['50', { times: 50 }],
  ])('of %j times is asked for so', async (times, manner) => {
    await through(flowNode('audible-alarm', { targets: [{ device: 'hall' }], times }), wired('raise'));
    expect(held()).toEqual([{ deviceId: 'hall', kind: 'siren', output: '1', manner }]);
  });
});

describe('a light', () => {
  it('is asked for with flash and brightness', async () => {
    const targets = [{ device: 'hall', output: '1' }];
    await through(flowNode('light', { targets, flash: 'fast', brightness: 40 }), wired('raise'));
    expect(held()).toEqual([
      { deviceId: 'hall', kind: 'light', output: '1', manner: { flash: 'fast', brightness: 40 } },
    ]);
  });
});

describe('a camera', () => {
  it.each<[Record<string, unknown>, unknown, string]>([
    [{ number: 3 }, { move: { move: 'preset', number: 3 } }, '1'],
    [{ channel: '2', move: 'tour', number: '4' }, { move: { move: 'tour', number: 4 } }, '2'],
    [{ move: 'pan', back: 'stop' }, { move: { move: 'pan' }, home: { move: 'stop' } }, '1'],
    [
      { number: 3, back: 'preset', backNumber: 1 },
      { move: { move: 'preset', number: 3 }, home: { move: 'preset', number: 1 } },
      '1',
    ],
    [{ move: 'home', back: 'home' }, { move: { move: 'home' }, home: { move: 'home' } }, '1'],
    [{ move: 'aux', number: 2, back: 'home' }, { move: { move: 'aux', number: 2, on: true } }, '1'],
  ])('that is to do %j', async (row, manner, output) => {
    await through(flowNode('ptz', { targets: [{ device: 'hall', ...row }] }), wired('raise'));
    expect(held()).toEqual([{ deviceId: 'hall', kind: 'ptz', output, manner }]);
    expect(engine.outputRequests[0]?.hold.afterClearMs).toBe(30_000);
  });

  it('may have its direction and an auxiliary switch held by one node', async () => {
    const targets = [
      { device: 'hall', number: 3 },
      { device: 'hall', move: 'aux', number: 1 },
    ];
    await through(flowNode('ptz', { targets }), wired('raise'));
    expect(held()).toHaveLength(2);
  });
});

describe('a configuration that cannot be', () => {
  it.each<[string, Record<string, unknown>, string]>([
    ['audible-alarm', { targets: [] }, 'field "Sounds at" is []'],
    ['audible-alarm', { targets: [{ output: '1' }] }, 'a list in which each entry names a device'],
    ['audible-alarm', { targets: [{ device: 'gone' }] }, 'gone or disabled (gone)'],
    ['audible-alarm', { volume: 101 }, 'field "Volume" is 101'],
    ['audible-alarm', { times: 0 }, 'field "Times" is 0'],
    ['audible-alarm', { times: 51 }, 'field "Times" is 51'],
    ['audible-alarm', { priority: 101 }, 'field "Priority" is 101'],
    ['light', { targets: [{ device: 'local-console' }] }, 'gone or disabled (local-console)'],
    ['light', { targets: [{ device: 'hall' }, { device: 'hall', output: '1' }] }, 'a list that has each target once'],
    ['light', { targets: [{ device: 'hall' }], flash: 'disco' }, 'field "Light" is "disco"'],
    ['ptz', { targets: [{ device: 'hall', move: 'fly', number: 1 }] }, 'field "Cameras" is "fly"'],
    ['ptz', { targets: [{ device: 'hall', number: 0 }] }, 'a whole number from 1 to 65535'],
    ['ptz', { targets: [{ device: 'hall', number: 1, back: 'preset' }] }, 'a whole number from 1 to 65535'],
  ])('of %s %j is refused', async (type, config, reason) => {
    const caught = await through(flowNode(type, config), wired('raise'));
    expect(held()).toEqual([]);
    expect(JSON.stringify(caught[0])).toContain(reason.replaceAll('"', '\\"'));
  });
});

describe('the dialog of targets', () => {
  const sandbox = openSandbox(['hall']);
  const check = (type: string, value: unknown): true | string => {
    const { validate, label } = sandbox.definitions.get(`alarmflow-${type}`)!.defaults.targets!;
    return validate!.call({}, value, { label: label ?? '' });
  };

  it.each<[string, unknown, true | string]>([
    ['audible-alarm', [{ device: 'local-console' }], true],
    ['audible-alarm', [], 'at least one'],
    ['audible-alarm', [{ device: '' }], 'names no device'],
    ['audible-alarm', [{ device: 'hall' }, { device: 'hall', output: '1' }], 'is there already'],
    ['ptz', [{ device: 'hall', channel: 1, move: 'preset', number: 3, back: 'stay' }], true],
    ['ptz', [{ device: 'hall', channel: 0, move: 'preset', number: 3 }], 'whole number'],
    ['ptz', [{ device: 'hall', channel: 1, move: 'pan', number: '' }], true],
    ['ptz', [{ device: 'hall', channel: 1, move: 'pan', back: 'preset', backNumber: '' }], 'whole number'],
  ])('of %s says of %j: %s', (type, rows, verdict) => {
    const found = check(type, rows);
    if (verdict === true) expect(found).toBe(true);
    else expect(found).toContain(verdict);
  });
});
