import helper from 'node-red-node-test-helper';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { operationalError } from '../../engine/domain/errors';
import type { FlowMessage } from '../../nodes/shared/runtime-api';
import { FakeFlowEngine } from '../support/fake-flow-engine';
import {
  alarmMessage,
  archive,
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

/** Runs one node between a catch node and a collecting node, sends it messages, and says what came out. */
async function through(
  node: FlowNode,
  ...messages: FlowMessage[]
): Promise<{ out: FlowMessage[]; caught: FlowMessage[] }> {
  await run([tab, hall, office, archive, controlRoom, node, sink, catcher, caughtSink], engine, {
    noc: controlRoomLogin,
  });
  const out = collect('sink');
  const caught = collect('caught');
  for (const message of messages) live('node').receive(message);
  await turns();
  return { out, caught };
}

const reasonOf = (message: FlowMessage | undefined): string =>
  (message?.error as { message?: string } | undefined)?.message ?? '';

describe('a trigger node', () => {
  it('sends payload, topic, the whole alarm and the id of the message', async () => {
    await run([tab, hall, flowNode('thermal-alarm'), sink], engine);
    const out = collect('sink');
    engine.deliver('node', alarmMessage('raise'));
    await turns();
    const { messageId, payload, topic, alarm } = alarmMessage('raise');
    expect(out).toEqual([{ _msgid: messageId, payload, topic, alarm }]);
  });

  it('keeps the message id when the engine delivers again', async () => {
    await run([tab, hall, flowNode('thermal-alarm'), sink], engine);
    const out = collect('sink');
    engine.deliver('node', alarmMessage('raise'));
    engine.deliver('node', alarmMessage('raise'));
    await turns();
    expect(out.map(({ _msgid }) => _msgid)).toEqual(['alarm-1:raise', 'alarm-1:raise']);
  });

  it('gives the flow an alarm of its own to change', async () => {
    await run([tab, hall, flowNode('thermal-alarm'), sink], engine);
    const out = collect('sink');
    const message = alarmMessage('raise');
    engine.deliver('node', message);
    await turns();
    (out[0]!.alarm as { deviceName: string }).deviceName = 'changed';
    expect(message.alarm.deviceName).toBe('Hall camera');
  });

  it.each([
    ['escalate', true],
    ['clear', false],
    ['end', false],
  ] as const)('sends %s with the payload %s', async (phase, payload) => {
    await run([tab, hall, flowNode('thermal-alarm'), sink], engine);
    const out = collect('sink');
    engine.deliver('node', alarmMessage(phase));
    await turns();
    expect(out[0]).toMatchObject({ payload, alarm: { phase } });
  });
});

describe('the linkage node', () => {
  it.each([
    [true, true],
    [false, false],
    [1, true],
    [0, false],
    ['on', true],
    ['OFF', false],
    [' True ', true],
    ['false', false],
    ['1', true],
    ['0', false],
  ])('understands the payload %j as %s', async (payload, condition) => {
    const { out, caught } = await through(flowNode('linkage'), { _msgid: 'm1', payload, topic: 'pump' });
    expect(engine.offered).toEqual([{ triggerId: 'node', message: { messageId: 'm1', condition, topic: 'pump' } }]);
    expect([...out, ...caught]).toEqual([]);
  });

  it.each([[undefined], [null], [2], ['maybe'], [''], [{}], [[]], [Number.NaN]])(
    'refuses the payload %j with the remedy',
    async (payload) => {
      const { caught } = await through(flowNode('linkage', { name: 'Pump' }), { _msgid: 'm1', payload });
      expect(engine.offered).toEqual([]);
      expect(reasonOf(caught[0])).toMatch(/Linkage "Pump" got .*true\/false, 1\/0 and "on"\/"off"/);
    },
  );

  it('takes a number as topic and none as the empty one', async () => {
    await through(flowNode('linkage'), { _msgid: 'a', payload: true, topic: 7 }, { _msgid: 'b', payload: true });
    expect(engine.offered.map(({ message }) => message.topic)).toEqual(['7', '']);
  });

  it.each([[{ a: 1 }], ['x'.repeat(513)]])('refuses an unusable topic', async (topic) => {
    const { caught } = await through(flowNode('linkage'), { _msgid: 'a', payload: true, topic });
    expect(reasonOf(caught[0])).toContain('msg.topic');
  });

  it('keeps the words that came with the message', async () => {
    await through(flowNode('linkage'), { _msgid: 'a', payload: true, description: 'pump 3 stopped' });
    expect(engine.offered[0]?.message.description).toBe('pump 3 stopped');
  });

  it('sends alarms like a trigger', async () => {
    await run([tab, flowNode('linkage'), sink], engine);
    const out = collect('sink');
    engine.deliver('node', alarmMessage('raise'));
    await turns();
    expect(out[0]).toMatchObject({ payload: true, alarm: { phase: 'raise' } });
  });
});

describe('the relay node', () => {
  const relay = (config: Record<string, unknown> = {}) =>
    flowNode('relay-out', { name: 'Siren', device: 'hall', output: '1', ...config });

  it.each(['raise', 'escalate'] as const)('asks for its output at %s and passes the message on', async (phase) => {
    const { out } = await through(relay({ postAlarm: 30 }), wired(phase));
    expect(engine.outputRequests).toEqual([
      {
        nodeId: 'node',
        nodeName: 'Siren',
        deviceId: 'hall',
        output: '1',
        alarm: wired(phase).alarm,
        messageId: `alarm-1:${phase}`,
        condition: true,
        topic: 'site/Hall camera/1/temperature-alarm',
        hold: { afterClearMs: 30_000, capMs: null },
      },
    ]);
    expect(out).toEqual([wired(phase)]);
  });

  it.each(['clear', 'end', 'remind'] as const)('asks for nothing at %s, but passes it on', async (phase) => {
    const { out } = await through(relay(), wired(phase));
    expect(engine.outputRequests).toEqual([]);
    expect(out).toHaveLength(1);
  });

  it('holds until cleared by hand, at most for its cap', async () => {
    await through(relay({ untilCleared: true, cap: '600', postAlarm: 5 }), wired('raise'));
    expect(engine.outputRequests[0]?.hold).toEqual({ afterClearMs: null, capMs: 600_000 });
  });

  it.each([
    [true, true],
    ['off', false],
    [0, false],
  ])('holds and releases on the plain payload %j', async (payload, condition) => {
    const { out } = await through(relay(), { _msgid: 'm1', payload, topic: 'door' });
    expect(engine.outputRequests[0]).toMatchObject({ alarm: null, messageId: 'm1', condition, topic: 'door' });
    expect(out).toEqual([{ _msgid: 'm1', payload, topic: 'door' }]);
  });

  it('refuses a plain payload that is no condition', async () => {
    const { out, caught } = await through(relay(), { _msgid: 'm1', payload: 'open the gate' });
    expect(engine.outputRequests).toEqual([]);
    expect(out).toEqual([]);
    expect(reasonOf(caught[0])).toContain('Relay out "Siren" got the payload');
  });
});

describe('action nodes', () => {
  const email = (config: Record<string, unknown> = {}) =>
    flowNode('email', { name: 'Guard', server: 'office', to: 'guard@example.org\noffice@example.org', ...config });

  it('ask for an email with exactly its parameters', async () => {
    const { out } = await through(
      email({ subject: 'Fire', text: ' Look \n', picture: 'none', snapshotDevice: 'hall', snapshotChannel: '2' }),
      wired('raise'),
    );
    expect(engine.actionRequests).toEqual([
      {
        nodeId: 'node',
        nodeName: 'Guard',
        kind: 'email',
        alarm: wired('raise').alarm,
        messageId: 'alarm-1:raise',
        deviceId: null,
        params: {
          serverId: 'office',
          to: ['guard@example.org', 'office@example.org'],
          more: [],
          phases: ['raise'],
          subject: 'Fire',
          text: ' Look \n',
          picture: 'none',
          clip: 0,
          links: false,
          snapshotDeviceId: 'hall',
          snapshotChannel: 2,
        },
      },
    ]);
    expect(out).toEqual([wired('raise')]);
  });

  it('leave optional parameters empty', async () => {
    await through(email(), wired('raise'));
    expect(engine.actionRequests[0]?.params).toMatchObject({
      subject: '',
      text: '',
      picture: 'event-or-snapshot',
      snapshotDeviceId: null,
      snapshotChannel: null,
    });
  });

  it.each([
    ['ptz-preset', { device: 'hall', channel: '2', preset: 7 }, 'hall', { channel: 2, preset: 7 }],
    ['ptz-preset', {}, null, { channel: 1, preset: 1 }],
    ['snapshot', { device: 'hall', channel: '' }, 'hall', { channels: [], offsets: [0], cameras: [] }],
    ['snapshot', { channel: 3 }, null, { channels: [3], offsets: [0], cameras: [] }],
    [
      'snapshot',
      { version: 2, channel: '1, 2', offsets: '-1, 0, 1.5', targets: [{ device: 'hall', channel: 4 }] },
      null,
      { channels: [1, 2], offsets: [-1, 0, 1.5], cameras: [{ deviceId: 'hall', channel: 4 }] },
    ],
    [
      'record',
      { channel: '2' },
      null,
      { channels: [2], preSeconds: 5, postSeconds: 10, partSeconds: 300, capSeconds: 3600 },
    ],
    ['log', { text: 'seen', level: 'warn' }, null, { text: 'seen', level: 'warn' }],
  ] as const)('ask for %s %j', async (type, config, deviceId, params) => {
    await through(flowNode(type, { name: 'Act', ...config }), wired('raise'));
    expect(engine.actionRequests).toEqual([
      expect.objectContaining({ kind: type, nodeName: 'Act', deviceId, params, messageId: 'alarm-1:raise' }),
    ]);
  });

  it('ask for an upload', async () => {
    await through(flowNode('upload', { server: 'archive', path: 'a/b', snapshotChannel: '3' }), wired('raise'));
    expect(engine.actionRequests).toEqual([
      expect.objectContaining({
        kind: 'upload',
        nodeName: 'Upload',
        deviceId: null,
        params: {
          serverId: 'archive',
          phases: ['raise'],
          path: 'a/b',
          pictures: true,
          clip: null,
          alarmFile: 'none',
          snapshotDeviceId: null,
          snapshotChannel: 3,
          scheduleId: null,
        },
      }),
    ]);
  });

  it('ask for an SNMP notification', async () => {
    await through(flowNode('snmp-trap', { receiver: 'noc' }), wired('raise'));
    expect(engine.actionRequests).toEqual([
      expect.objectContaining({
        kind: 'snmp-trap',
        nodeName: 'SNMP',
        params: { receiverId: 'noc', phases: ['raise', 'clear', 'end'], text: '' },
      }),
    ]);
  });

  it('act in the chosen phases only, and pass every message on', async () => {
    const { out } = await through(
      flowNode('snapshot', { phases: ['escalate', 'clear'] }),
      wired('raise'),
      wired('escalate'),
      wired('clear'),
      wired('end'),
    );
    expect(engine.actionRequests.map(({ alarm }) => alarm?.phase)).toEqual(['escalate', 'clear']);
    expect(out).toHaveLength(4);
  });

  it('act on plain messages, except at the end of a condition', async () => {
    const { out } = await through(
      email(),
      { _msgid: 'a', payload: 'look' },
      { _msgid: 'b', payload: false },
      { _msgid: 'c' },
    );
    expect(engine.actionRequests.map(({ messageId, alarm }) => [messageId, alarm])).toEqual([
      ['a', null],
      ['c', null],
    ]);
    expect(out).toHaveLength(3);
  });

  it('pass a message on only when the request is on disk', async () => {
    let release = (): void => undefined;
    engine.gates.set(
      'requestAction',
      new Promise<void>((done) => {
        release = done;
      }),
    );
    const { out } = await through(email(), wired('raise'));
    expect(out).toEqual([]);
    release();
    await turns();
    expect(out).toHaveLength(1);
  });

  it('hand an error of the engine to the catch node and go on', async () => {
    engine.failures.set('requestAction', operationalError('E_RECORD_WRITE', 'the disk is full: free some space'));
    const { out, caught } = await through(email(), wired('raise'));
    expect(out).toEqual([]);
    expect(reasonOf(caught[0])).toContain('the disk is full: free some space');
    engine.failures.clear();
    live('node').receive(wired('escalate'));
    await turns();
    expect(out).toHaveLength(1);
  });

  it.each([['fire'], [{}], [{ id: 'a', deviceId: 'b', phase: 'dawn' }], [[]], [true]])(
    'refuse a msg.alarm that is none: %j',
    async (alarm) => {
      const { caught } = await through(email(), { _msgid: 'm', payload: true, alarm });
      expect(engine.actionRequests).toEqual([]);
      expect(reasonOf(caught[0])).toContain('msg.alarm is not an alarm of alarmflow');
    },
  );

  it('refuse an unusable message id', async () => {
    const { caught } = await through(email(), { _msgid: 'x'.repeat(300), payload: true });
    expect(reasonOf(caught[0])).toContain('_msgid');
  });

  it('refuse messages with the reason while their configuration is wrong', async () => {
    const { out, caught } = await through(email({ to: '' }), wired('raise'));
    expect(out).toEqual([]);
    expect(reasonOf(caught[0])).toContain('field "Receivers"');
  });

  it('can be wired one after another', async () => {
    await run(
      [
        tab,
        hall,
        { ...flowNode('log'), wires: [['next']] },
        { ...flowNode('snapshot'), id: 'next', wires: [['sink']] },
        sink,
      ],
      engine,
    );
    const out = collect('sink');
    live('node').receive(wired('raise'));
    await turns();
    expect(engine.actionRequests.map(({ kind }) => kind)).toEqual(['log', 'snapshot']);
    expect(out).toEqual([wired('raise')]);
  });
});

describe('in a Node-RED without the engine', () => {
  it('a message is refused with the reason', async () => {
    await run([tab, hall, flowNode('log'), sink, catcher, caughtSink], undefined);
    const caught = collect('caught');
    live('node').receive(wired('raise'));
    await turns();
    expect(reasonOf(caught[0])).toContain('must run inside alarmflow');
  });
});
