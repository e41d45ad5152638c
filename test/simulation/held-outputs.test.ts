// biome-ignore-all lint/suspicious/noThenProperty: given, when, then are the words of rule tests; nobody awaits one
/** Sirens, lights and cameras in simulations and rule tests: nothing is sent, everything is told. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readRuleTests, runRuleTests } from '../../engine/simulation';
import { simulateLines, simulationRuntime } from '../support/simulated-flow';

const runtime = simulationRuntime();
const demo = JSON.parse(readFileSync('flows/demo-site.json', 'utf8')) as (Record<string, unknown> & { id: string })[];

const held = { z: 'demo-tab', hold: 'after-clear', onTime: 10, untilCleared: false, cap: '', version: 1, wires: [[]] };
const added = [
  {
    id: 'horn',
    type: 'alarmflow-audible-alarm',
    name: 'Horn',
    targets: [{ device: 'local-console' }, { device: 'demo-yard', output: '1' }],
    sound: 2,
    times: 3,
    postAlarm: 5,
    priority: 50,
    x: 900,
    y: 40,
    ...held,
  },
  {
    id: 'lamp',
    type: 'alarmflow-light',
    name: 'Lamp',
    targets: [{ device: 'demo-yard', output: '1' }],
    flash: 'fast',
    postAlarm: 0,
    priority: 50,
    x: 900,
    y: 80,
    ...held,
  },
  ...[
    { id: 'look', name: 'Look', number: 2, priority: 50 },
    { id: 'watch', name: 'Watch', number: 7, priority: 90 },
  ].map(({ number, ...node }, at) => ({
    type: 'alarmflow-ptz',
    targets: [{ device: 'demo-yard', channel: 1, move: 'preset', number, back: 'preset', backNumber: 1 }],
    postAlarm: 3,
    x: 900,
    y: 120 + 40 * at,
    ...held,
    ...node,
  })),
];
const wires: Record<string, string[]> = { 'demo-fence': ['horn', 'lamp', 'look'], 'demo-door': ['watch'] };
const flow = [
  ...demo.map((node) => {
    const more = wires[node.id];
    return more ? { ...node, wires: [more] } : node;
  }),
  ...added,
];

const crossing = { device: 'Yard camera', type: 'line-crossing', phase: 'pulse' };
const door = (phase: 'start' | 'stop') => ({ device: 'Hall thermal camera', type: 'digital-input', phase, input: '1' });
const at = (seconds: number) => `2026-11-23T17:00:${String(seconds).padStart(2, '0')}Z`;

describe('a simulation', () => {
  it('tells how outputs are on, who decides, and where a camera returns to', async () => {
    const { lines, result } = await simulateLines(runtime(), flow, [
      { at: at(0), ...crossing },
      { at: at(1), ...door('start') },
      { at: at(2), ...door('stop') },
    ]);
    const outputs = lines.filter((line) => /(?:siren|light|ptz|output) (?:on|off) /.test(line));
    expect(outputs).toEqual(
      expect.arrayContaining([
        '0 siren on Horn (Console): sound 2, 3 times',
        '0 siren on Horn (Yard camera): sound 2, 3 times',
        '0 light on Lamp (Yard camera): flashing fast',
        '0 ptz on Watch (Yard camera): preset 2, then preset 1',
        '1 ptz on Watch (Yard camera): preset 7, then preset 1',
      ]),
    );
    const camera = outputs.filter((line) => line.includes(' ptz '));
    expect(camera.at(-1)).toMatch(/ ptz off Watch \(Yard camera\): preset 1$/);
    expect(result.summary.outputs.map(({ id, spans }) => [id, spans.length])).toEqual([
      ['demo-yard/light/1', 1],
      ['demo-yard/ptz/1', 1],
      ['demo-yard/siren/1', 1],
      ['local-console/siren/buzzer', 1],
    ]);
    expect(result.summary.outputs.every(({ spans }) => spans.every(({ to }) => to !== null))).toBe(true);
  });
});

describe('a rule test', () => {
  const run = async (then: object[]) => {
    const text = JSON.stringify({ tests: [{ name: 'it', when: [{ at: '1 s', event: crossing }], then }] });
    const { results } = await runRuleTests({ runtime: runtime(), flows: flow, tests: readRuleTests(text, 'tests') });
    return results[0]!;
  };

  it.each([
    ['a siren of a device', { at: '1 s', output: 'Yard camera/siren/1', is: 'on' }],
    ["the console's buzzer", { at: '1 s', output: 'Console/buzzer', is: 'on' }],
    ['a light by its name', { at: '1 s', output: 'Lamp', is: 'on' }],
    ['a camera that is held', { at: '1 s', output: 'Yard camera/ptz/1', is: 'on' }],
    ['a siren that is over', { never: { output: 'Console/siren/buzzer', is: 'on' }, after: '1 min' }],
  ])('asks for %s', async (_name, expectation) => {
    expect(await run([expectation])).toMatchObject({ ok: true, failures: [] });
  });

  it('says what happened instead', async () => {
    const { ok, failures } = await run([{ at: '0 s', output: 'Lamp', is: 'on' }]);
    expect(ok).toBe(false);
    expect(JSON.stringify(failures)).toContain('light on Lamp (Yard camera): flashing fast');
  });

  it('names the outputs of a node by their devices where one name is not enough', async () => {
    await expect(run([{ at: '1 s', output: 'Horn', is: 'on' }])).resolves.toMatchObject({ ok: false });
  });
});
