import helper from 'node-red-node-test-helper';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FakeFlowEngine } from '../support/fake-flow-engine';
import { errorsOf, flowNode, hall, live, run, sink, tab, turns, warningsOf, wired } from './flow-fixture';

let engine: FakeFlowEngine;
beforeEach(() => {
  engine = new FakeFlowEngine();
});
afterEach(async () => {
  await helper.unload();
});

async function raised(type: string, config: Record<string, unknown> = {}): Promise<unknown> {
  const node = flowNode(type, { name: 'Act', ...config });
  await run([tab, hall, node, sink], engine);
  live(node.id).receive(wired('raise'));
  await turns();
  return engine.actionRequests[0]?.params;
}

describe('a show message node', () => {
  it('asks for a message that stays until it is acknowledged, with words of the engine', async () => {
    expect(await raised('show-message')).toEqual({
      phases: ['raise', 'escalate'],
      level: 'by-alarm',
      title: '',
      text: '',
      picture: true,
      tour: [],
      dwell: 5,
      sound: 'none',
      goesWhen: 'acknowledged',
      seconds: 0,
    });
    expect(engine.actionRequests).toMatchObject([{ kind: 'show-message', nodeName: 'Act', deviceId: null }]);
  });

  it('names the cameras of its tour, and does without one that is gone', async () => {
    const targets = [
      { device: 'hall', channel: '2' },
      { device: 'gone', channel: 1 },
    ];
    expect(await raised('show-message', { targets, dwell: '7', seconds: '30' })).toMatchObject({
      tour: [{ deviceId: 'hall', channel: 2 }],
      dwell: 7,
      seconds: 30,
    });
    expect(warningsOf('node')).toEqual([expect.stringContaining('(gone)')]);
  });

  it.each([
    [{ seconds: 4 }, '"Goes after" is 4'],
    [{ dwell: 1 }, '"Each for" is 1'],
    [{ level: 'red' }, '"Level" is "red"'],
    [{ targets: [{ channel: 1 }] }, '"Linked channels"'],
    [{ targets: [{ device: 'hall', channel: 0 }] }, '"Linked channels" is 0'],
  ])('with %j refuses to work and names the field', async (config, fault) => {
    await run([tab, hall, flowNode('show-message', config)], engine);
    expect(errorsOf('node')).toEqual([expect.stringContaining(fault)]);
  });
});

describe('a web push node', () => {
  it('asks for a notification of everybody', async () => {
    expect(await raised('web-push')).toEqual({
      phases: ['raise', 'escalate', 'clear'],
      to: 'all',
      title: '',
      text: '',
      picture: true,
      links: false,
      urgency: 'high',
      ttl: 3_600,
      stays: true,
      silent: false,
    });
  });

  it.each([
    [
      { to: 'roles', roles: ['operator'] },
      { to: 'roles', roles: ['operator'] },
    ],
    [
      { to: 'users', users: 'anna, otto\nanna' },
      { to: 'users', users: ['anna', 'otto'] },
    ],
    [
      { ttl: '0.5', links: true, silent: true },
      { ttl: 30, links: true, silent: true },
    ],
  ])('with %j asks for %j', async (config, params) => {
    expect(await raised('web-push', config)).toMatchObject(params);
  });

  it.each([
    [{ to: 'roles', roles: [] }, '"Roles"'],
    [{ to: 'users', users: '' }, '"Users"'],
    [{ ttl: 40_321 }, '"Kept for" is 40321'],
    [{ urgency: 'now' }, '"Urgency" is "now"'],
  ])('with %j refuses to work and names the field', async (config, fault) => {
    await run([tab, flowNode('web-push', config)], engine);
    expect(errorsOf('node')).toEqual([expect.stringContaining(fault)]);
  });
});
