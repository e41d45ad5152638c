/** How long an output is held and how often an action acts, as the dialogs of relay and action nodes say it. */
import helper from 'node-red-node-test-helper';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { FlowMessage } from '../../nodes/shared/runtime-api';
import { FakeFlowEngine } from '../support/fake-flow-engine';
import { openSandbox } from './editor-sandbox';
import {
  archive,
  archiveLogin,
  catcher,
  caughtSink,
  collect,
  controlRoom,
  controlRoomLogin,
  type FlowNode,
  flowNode,
  hall,
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

async function through(node: FlowNode, message: FlowMessage): Promise<{ caught: FlowMessage[] }> {
  await run([tab, hall, office, archive, controlRoom, node, sink, catcher, caughtSink], engine, {
    archive: archiveLogin,
    noc: controlRoomLogin,
  });
  const caught = collect('caught');
  live('node').receive(message);
  await turns();
  return { caught };
}

const relay = (config: Record<string, unknown> = {}): FlowNode =>
  flowNode('relay-out', { name: 'Siren', device: 'hall', output: '1', ...config });

describe('the relay node', () => {
  it.each([
    ['of an older flow', { postAlarm: 30, untilCleared: false, cap: '' }, { afterClearMs: 30_000, capMs: null }],
    ['after the clear', { hold: 'after-clear', postAlarm: 5, onTime: 99 }, { afterClearMs: 5_000, capMs: null }],
    [
      'fixed',
      { hold: 'fixed', onTime: '2.5', postAlarm: 10 },
      { kind: 'fixed', onMs: 2_500, afterClearMs: 10_000, capMs: null },
    ],
    [
      'extended',
      { hold: 'extended', onTime: 86_400, cap: 90_000 - 3_600 },
      { kind: 'extended', onMs: 86_400_000, afterClearMs: 10_000, capMs: 86_400_000 },
    ],
  ])('asks for the hold %s', async (_name, config, hold) => {
    await through(relay(config), wired('raise'));
    expect(engine.outputRequests[0]?.hold).toEqual(hold);
  });

  it.each([
    [{ hold: 'forever' }, 'field "Hold" is "forever", it must be one of after-clear, fixed, extended'],
    [{ onTime: 86_401 }, 'field "Alarm output time" is 86401'],
    [{ onTime: -1 }, 'field "Alarm output time" is -1'],
  ])('refuses %j', async (config, reason) => {
    const { caught } = await through(relay(config), wired('raise'));
    expect(engine.outputRequests).toEqual([]);
    expect(JSON.stringify(caught[0])).toContain(reason.replaceAll('"', '\\"'));
  });
});

const nodes: Record<string, Record<string, unknown>> = {
  email: { server: 'office', to: 'guard@example.org' },
  'snmp-trap': { receiver: 'noc' },
  log: {},
  upload: { server: 'archive' },
  snapshot: { device: 'hall' },
};

describe.each(Object.keys(nodes))('the %s node', (type) => {
  const node = (config: Record<string, unknown> = {}): FlowNode => flowNode(type, { ...nodes[type], ...config });
  const sums = type !== 'upload' && type !== 'snapshot';

  it('has no interval unless one is set', async () => {
    await through(node(), wired('raise'));
    expect(engine.actionRequests).toHaveLength(1);
    expect(engine.actionRequests[0]).not.toHaveProperty('interval');
  });

  it('asks with the interval of its dialog', async () => {
    await through(node({ interval: '60', ...(sums ? { intervalTell: 'digest' } : {}) }), wired('raise'));
    expect(engine.actionRequests[0]?.interval).toEqual({ everyMs: 60_000, tell: sums ? 'digest' : 'next' });
  });

  it('refuses an interval of more than an hour', async () => {
    const { caught } = await through(node({ interval: 3_601 }), wired('raise'));
    expect(engine.actionRequests).toEqual([]);
    expect(JSON.stringify(caught[0])).toContain('Interval');
  });

  it('acts on reminders when it is told to, and only then', async () => {
    await through(node({ phases: ['raise'] }), wired('remind'));
    expect(engine.actionRequests).toEqual([]);
    await helper.unload();
    await through(node({ phases: ['remind'] }), wired('remind'));
    expect(engine.actionRequests.map(({ alarm }) => alarm?.phase)).toEqual(['remind']);
  });
});

describe('the dialogs', () => {
  const sandbox = openSandbox(['hall']);
  const check = (type: string, field: string, value: unknown): true | string => {
    const { validate, label } = sandbox.definitions.get(`alarmflow-${type}`)!.defaults[field]!;
    return validate!.call({}, value, { label });
  };

  it.each([
    ['relay-out', 'hold', 'forever', 'fixed'],
    ['relay-out', 'onTime', 86_401, 0],
    ['relay-out', 'onTime', '', '0.5'],
    ['email', 'interval', 3_601, 3_600],
    ['email', 'interval', -1, '0'],
    ['email', 'intervalTell', 'never', 'digest'],
    ['upload', 'interval', 'often', '30'],
  ])('of %s refuse %s %j and take %j', (type, field, wrong, right) => {
    expect(check(type, field, wrong)).toMatch(/^[A-Z][\w ]+: \w/);
    expect(check(type, field, right)).toBe(true);
  });
});
