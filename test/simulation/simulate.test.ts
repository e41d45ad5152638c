import { readFileSync } from 'node:fs';
import { Server, Socket } from 'node:net';
import { describe, expect, it, vi } from 'vitest';
import { simulateLines, simulationRuntime } from '../support/simulated-flow';

const runtime = simulationRuntime();
const START = '2026-11-23T17:05:00Z';

type Node = Record<string, unknown>;
const demo = JSON.parse(readFileSync('flows/demo-site.json', 'utf8')) as Node[];

/** The demo's fence with other nodes between the trigger and its floodlight. */
function fence(between: Node[], first: string): Node[] {
  const wires: Record<string, string[][]> = { 'demo-fence': [[first]] };
  return [
    ...demo.map((node) => ({ ...node, wires: wires[node.id as string] ?? node.wires })),
    ...between.map((node, index) => ({ z: 'demo-tab', x: 300, y: 900 + index * 40, ...node })),
  ];
}

const crossing = (at: string, more: object = {}): object => ({
  at,
  device: 'Yard camera',
  type: 'line-crossing',
  phase: 'pulse',
  ...more,
});

describe('a simulated flow', () => {
  it('tells raise, outputs, actions, refusals and the end with their times', async () => {
    const { lines, result } = await simulateLines(runtime(), demo, [
      crossing(START, { target: 'human' }),
      crossing('+2 s', { target: 'human' }),
      { at: '+18 s', disarm: 'site' },
      crossing('+1 s'),
      { at: '+1 s', device: 'Yard camera', type: 'face' },
    ]);
    expect(lines).toEqual([
      '0 raise Fence crossed [alarm 1]: Yard camera, line-crossing, human (pulse, single event)',
      '0 output on Floodlight (Yard camera)',
      '0 would send ptz-preset by "Look at the fence" at the raise [alarm 1]: Yard camera, channel 1, preset 1',
      expect.stringMatching(/^2 merged Fence crossed \[alarm 1\]: Yard camera, line-crossing, human \(pulse, start 2/),
      expect.stringMatching(/^7 clear Fence crossed \[alarm 1\].*ended by 5 s of quiet/),
      '12 output off Floodlight (Yard camera)',
      expect.stringMatching(/^12 end Fence crossed \[alarm 1\]/),
      expect.stringMatching(/^21 refused Fence crossed: Yard camera, line-crossing \(disarmed/),
      expect.stringMatching(/^22 not heard no trigger: Yard camera, face/),
    ]);
    expect(result.summary).toMatchObject({
      events: 4,
      orders: 1,
      raised: 1,
      merged: 1,
      refused: { disarmed: 1 },
      unheard: 1,
      actions: { 'ptz-preset': 1 },
    });
    expect(result.summary.outputs).toMatchObject([{ name: 'Floodlight', onMs: 12_000 }]);
    expect(result.warnings).toEqual([]);
  });

  it('gives the same report for the same input', async () => {
    const lines = [crossing(START), crossing('+9 s'), crossing('+1 s'), { at: '+1 s', acknowledge: 'all' }];
    const first = await simulateLines(runtime(), demo, lines);
    const second = await simulateLines(runtime(), demo, lines);
    expect(second).toEqual(first);
  });

  it('opens no connection and listens on no port', async () => {
    const connect = vi.spyOn(Socket.prototype, 'connect');
    const listen = vi.spyOn(Server.prototype, 'listen');
    const outside: Node[] = [
      { id: 'page', type: 'http in', url: '/x', method: 'get', wires: [[]] },
      { id: 'ask', type: 'http request', url: 'http://127.0.0.1:9/', wires: [[]] },
      { id: 'tcp', type: 'tcp out', host: '127.0.0.1', port: '9', beserver: 'client', wires: [] },
    ];
    const { result } = await simulateLines(
      runtime(),
      fence(
        [...outside, { id: 'pass', type: 'change', rules: [], wires: [['ask', 'tcp', 'demo-floodlight']] }],
        'pass',
      ),
      [crossing(START), { at: '+1 s', device: 'Hall thermal camera', type: 'temperature-alarm', channel: 2, rule: 1 }],
    );
    expect(result.summary.actions).toMatchObject({ email: 2, log: 3 });
    expect(connect).not.toHaveBeenCalled();
    expect(listen).not.toHaveBeenCalled();
    vi.restoreAllMocks();
  });

  it('runs switch, change and function nodes for real', async () => {
    const between: Node[] = [
      {
        id: 'only-people',
        type: 'switch',
        property: 'alarm.target',
        propertyType: 'msg',
        rules: [{ t: 'eq', v: 'human', vt: 'str' }],
        checkall: 'true',
        outputs: 1,
        wires: [['count']],
      },
      {
        id: 'count',
        type: 'function',
        func: "const seen = (flow.get('seen') ?? 0) + (msg.payload ? 1 : 0); flow.set('seen', seen); return seen >= 2 ? msg : null;",
        outputs: 1,
        wires: [['demo-floodlight']],
      },
    ];
    const { lines } = await simulateLines(runtime(), fence(between, 'only-people'), [
      crossing(START, { target: 'vehicle' }),
      crossing('+60 s', { target: 'human' }),
      crossing('+60 s', { target: 'human' }),
    ]);
    expect(lines.filter((line) => line.includes('output'))).toEqual([
      '120 output on Floodlight (Yard camera)',
      '130 output off Floodlight (Yard camera)',
    ]);
  });

  it('waits for a function node that answers later', async () => {
    const slow: Node = {
      id: 'slow',
      type: 'function',
      func: 'await new Promise((resolve) => setTimeout(resolve, 60)); return msg;',
      outputs: 1,
      wires: [['demo-floodlight']],
    };
    const { lines, result } = await simulateLines(runtime(), fence([slow], 'slow'), [crossing(START)]);
    expect(lines.filter((line) => line.includes('output'))).toEqual([
      '0 output on Floodlight (Yard camera)',
      '10 output off Floodlight (Yard camera)',
    ]);
    expect(result.warnings).toEqual([expect.stringMatching(/function "slow": its code asks for the time or waits/)]);
  });

  it('names nodes that keep time or reach outside, leaves them out and counts what would have reached them', async () => {
    const between: Node[] = [
      { id: 'both', type: 'change', rules: [], wires: [['wait', 'tell']] },
      { id: 'wait', type: 'delay', name: 'Wait a bit', pauseType: 'delay', timeout: '5', wires: [['demo-floodlight']] },
      { id: 'tell', type: 'mqtt out', name: 'Tell the BMS', topic: 'x', broker: 'broker', wires: [] },
      { id: 'strange', type: 'contrib-cron', name: 'Every hour', wires: [['demo-floodlight']] },
      { id: 'tick', type: 'inject', name: 'Tick', repeat: '60', props: [], wires: [['demo-floodlight']] },
    ];
    const flow = [...fence(between, 'both'), { id: 'broker', type: 'mqtt-broker', broker: 'localhost', port: '1883' }];
    const { result, lines } = await simulateLines(runtime(), flow, [crossing(START)]);
    expect(result.warnings).toEqual([
      expect.stringMatching(/^delay "Wait a bit": it keeps time by the clock/),
      expect.stringMatching(/^mqtt out "Tell the BMS": it reaches beyond alarmflow/),
      expect.stringMatching(/^contrib-cron "Every hour": nobody knows whether it keeps time/),
      expect.stringMatching(/^inject "Tick": it sends every 60 s/),
    ]);
    expect(result.summary.leftOut).toMatchObject([
      { node: 'Wait a bit', messages: 3 },
      { node: 'Tell the BMS', messages: 3 },
    ]);
    expect(lines.filter((line) => line.includes('output'))).toEqual([]);
  });

  it('goes through subflows and stops at what is left out inside them', async () => {
    const flow = [
      ...fence([{ id: 'use', type: 'subflow:sub', wires: [['demo-floodlight']] }], 'use'),
      {
        id: 'sub',
        type: 'subflow',
        name: 'Both ways',
        in: [{ x: 0, y: 0, wires: [{ id: 'inner' }, { id: 'inner-delay' }] }],
        out: [{ x: 0, y: 0, wires: [{ id: 'inner', port: 0 }] }],
      },
      { id: 'inner', z: 'sub', type: 'change', rules: [], x: 1, y: 1, wires: [[]] },
      { id: 'inner-delay', z: 'sub', type: 'delay', name: 'Inside', x: 1, y: 1, wires: [['inner']] },
    ];
    const { result, lines } = await simulateLines(runtime(), flow, [crossing(START)]);
    expect(lines.filter((line) => line.includes('output'))).toHaveLength(2);
    expect(result.summary.leftOut).toMatchObject([{ node: 'Inside', messages: 3 }]);
  });

  it('takes orders: acknowledge, output by hand, reset, a message into a node', async () => {
    const { lines } = await simulateLines(runtime(), demo, [
      { at: START, device: 'Hall thermal camera', type: 'temperature-alarm', channel: 2, rule: 1 },
      { at: '+1 s', acknowledge: 'Hall too hot' },
      { at: '+1 s', output: 'Siren', mode: 'off' },
      { at: '+1 s', output: 'Siren', mode: 'auto' },
      { at: '+1 s', reset: 'Hall too hot' },
      { at: '+1 s', send: { node: 'Floodlight', payload: true } },
      { at: '+1 s', send: { node: 'Floodlight', payload: false } },
    ]);
    expect(lines.filter((line) => /^\d+ (output|acknowledge|end) /.test(line))).toEqual([
      '0 output on Siren (Hall thermal camera)',
      expect.stringMatching(/^1 acknowledge Hall too hot/),
      '2 output off Siren (Hall thermal camera)',
      '3 output on Siren (Hall thermal camera)',
      expect.stringMatching(/^4 end Hall too hot/),
      '4 output off Siren (Hall thermal camera)',
      '5 output on Floodlight (Yard camera)',
      '11 output off Floodlight (Yard camera)',
    ]);
  });

  it('begins disarmed when told so', async () => {
    const { result } = await simulateLines(runtime(), demo, [crossing(START)], { armed: false });
    expect(result.summary).toMatchObject({ raised: 0, refused: { disarmed: 1 } });
  });

  it('lets time go on after the last event no longer than it is told', async () => {
    const latched = demo.map((node) => (node.id === 'demo-fence' ? { ...node, latched: true } : node));
    const { result } = await simulateLines(runtime(), latched, [crossing(START)], { runOnMs: 60_000 });
    expect(result.summary.to - result.summary.from).toBe(60_000);
    expect(result.alarms).toMatchObject([{ endedAt: null }]);
  });

  it('tells what nodes complain of', async () => {
    const broken: Node = { id: 'broken', type: 'function', name: 'Broken', func: 'null.x', outputs: 1, wires: [[]] };
    const { lines, result } = await simulateLines(runtime(), fence([broken], 'broken'), [crossing(START)]);
    expect(lines).toContainEqual(expect.stringMatching(/^0 complaint Broken: .*Cannot read properties of null/));
    expect(result.warnings).toContainEqual(expect.stringMatching(/^Broken: /));
  });

  it.each([
    [
      { at: START, device: 'Cellar', type: 'motion' },
      /Line 1 of the events: The flow has no device "Cellar"; it has "Hall/,
    ],
    [{ at: START, acknowledge: 'Cellar' }, /Line 1 of the events: The flow has no trigger "Cellar"/],
    [{ at: START, output: 'Lamp', mode: 'on' }, /Line 1 of the events: The flow has no output "Lamp"/],
  ])('refuses a name that the flow does not have, with its line: %j', async (line, message) => {
    await expect(simulateLines(runtime(), demo, [line])).rejects.toThrow(message);
  });
});
