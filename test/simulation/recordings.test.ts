// biome-ignore-all lint/suspicious/noThenProperty: given, when, then are the words of rule tests; nobody awaits one
/** Recordings in simulations and rule tests: they hold their alarm as on a site, and nothing is recorded. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readRuleTests, runRuleTests } from '../../engine/simulation';
import { simulateLines, simulationRuntime } from '../support/simulated-flow';

const runtime = simulationRuntime();
const demo = JSON.parse(readFileSync('flows/demo-site.json', 'utf8')) as (Record<string, unknown> & { id: string })[];

const record = {
  id: 'keep',
  type: 'alarmflow-record',
  z: 'demo-tab',
  name: 'Keep',
  where: 'local',
  device: '',
  channel: '1',
  preRecord: 5,
  postRecord: 20,
  part: 10,
  longest: 60,
  x: 900,
  y: 40,
  wires: [[]],
};

/** The door's alarm is recorded by its own camera, and by nothing else held. */
const flowWith = (device: object, node: object = {}) => [
  ...demo.map((one) =>
    one.id === 'demo-door' ? { ...one, wires: [['keep']] } : one.id === 'demo-hall' ? { ...one, ...device } : one,
  ),
  { ...record, ...node },
];
const kept = { record: true, recordChannels: '1', recordSeconds: 30 };

const at = (seconds: number) => new Date(Date.UTC(2026, 10, 23, 17, 0, seconds)).toISOString();
const door = (seconds: number, phase: 'start' | 'stop') => ({
  at: at(seconds),
  device: 'Hall thermal camera',
  type: 'digital-input',
  phase,
  input: '1',
});

async function alarmOf(flow: object[], events: object[]) {
  const { result, lines } = await simulateLines(runtime(), flow, events);
  const { raisedAt, clearedAt, endedAt, endReason } = result.alarms[0]!;
  const after = (time: number | null) => (time === null ? null : (time - raisedAt) / 1_000);
  return { cleared: after(clearedAt), ended: after(endedAt), endReason, alarms: result.alarms.length, lines };
}

describe('an alarm that is recorded', () => {
  it('lasts until its post-record time is over', async () => {
    const told = await alarmOf(flowWith(kept), [door(0, 'start'), door(4, 'stop')]);
    expect(told).toMatchObject({ cleared: 4, ended: 24, endReason: 'cleared' });
  });

  it('is told as one action: the files that a site would cut are none', async () => {
    const { lines } = await alarmOf(flowWith(kept), [door(0, 'start'), door(45, 'stop')]);
    expect(lines.filter((line) => / would send record/.test(line))).toEqual([expect.stringContaining('by "Keep"')]);
  });

  it('goes on when it comes back meanwhile', async () => {
    const told = await alarmOf(flowWith(kept), [
      door(0, 'start'),
      door(4, 'stop'),
      door(14, 'start'),
      door(16, 'stop'),
    ]);
    expect(told).toMatchObject({ cleared: 16, ended: 36, alarms: 1 });
  });

  it('is let go by the longest recording, and ends at its clear', async () => {
    const told = await alarmOf(flowWith(kept), [door(0, 'start'), door(70, 'stop')]);
    expect(told).toMatchObject({ cleared: 70, ended: 70 });
  });

  it('ends at once by a reset', async () => {
    const told = await alarmOf(flowWith(kept), [
      door(0, 'start'),
      door(4, 'stop'),
      { at: at(9), reset: 'Door contact' },
    ]);
    expect(told).toMatchObject({ ended: 9, endReason: 'reset' });
  });

  it.each([
    ['whose camera keeps no last seconds', {}, {}],
    ['by another channel than is kept', kept, { channel: '2' }],
    ['in a dry run', kept, { dryRun: true }],
  ])('%s is held by nothing', async (_name, device, node) => {
    const told = await alarmOf(flowWith(device, node), [door(0, 'start'), door(4, 'stop')]);
    expect(told).toMatchObject({ cleared: 4, ended: 4 });
  });
});

describe('a rule test', () => {
  it.each([
    ['23 s', false],
    ['24 s', true],
  ])('finds the alarm over %s after its beginning: %s', async (time, ok) => {
    const { at: _start, ...start } = door(0, 'start');
    const { at: _stop, ...stop } = door(0, 'stop');
    const text = JSON.stringify({
      tests: [
        {
          name: 'it',
          when: [
            { at: '0 s', event: start },
            { at: '4 s', event: stop },
          ],
          then: [{ at: time, end: 'Door contact' }],
        },
      ],
    });
    const { results } = await runRuleTests({
      runtime: runtime(),
      flows: flowWith(kept),
      tests: readRuleTests(text, 'tests'),
    });
    expect(results[0]).toMatchObject({ ok });
  });
});
