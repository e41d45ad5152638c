// biome-ignore-all lint/suspicious/noThenProperty: given, when, then are the words of rule tests; nobody awaits one
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type RuleTestResult, readRuleTests, runRuleTests } from '../../engine/simulation';
import { simulationRuntime } from '../support/simulated-flow';

const runtime = simulationRuntime();
const demo = JSON.parse(readFileSync('flows/demo-site.json', 'utf8')) as Record<string, unknown>[];

const crossing = { device: 'Yard camera', type: 'line-crossing', phase: 'pulse' };

async function run(test: object, flows: unknown = demo): Promise<RuleTestResult> {
  const tests = readRuleTests(JSON.stringify({ tests: [{ name: 'it', ...test }] }, null, 1), 'tests');
  const { results } = await runRuleTests({ runtime: runtime(), flows, tests });
  return results[0]!;
}

describe('the tests of the demo site', () => {
  it('pass', async () => {
    const tests = readRuleTests(readFileSync('flows/demo-site.test.json', 'utf8'), 'flows/demo-site.test.json');
    const { results, warnings } = await runRuleTests({ runtime: runtime(), flows: demo, tests });
    expect(results.filter(({ ok }) => !ok)).toEqual([]);
    expect(results.length).toBeGreaterThanOrEqual(7);
    expect(warnings).toEqual([]);
  });

  it('fail when a rule is changed', async () => {
    const changed = demo.map((node) => (node.id === 'demo-siren' ? { ...node, postAlarm: 3 } : node));
    const tests = readRuleTests(readFileSync('flows/demo-site.test.json', 'utf8'), 'flows/demo-site.test.json');
    const { results } = await runRuleTests({ runtime: runtime(), flows: changed, tests });
    expect(results.filter(({ ok }) => !ok).map(({ name }) => name)).toContain(
      'A hot hall sounds the siren until 10 s after the end, and mails the guard at once',
    );
  });
});

describe('an expectation', () => {
  const when = [{ at: '1 s', event: crossing }];
  it.each([
    ['of a raise at its time', { at: '1 s', raise: 'Fence crossed' }],
    ['of a raise by the id of its trigger', { at: '1 s', raise: 'demo-fence' }],
    ['of a raise within a time', { within: '2 s', raise: 'Fence crossed' }],
    ['of a raise of one device', { raise: 'Fence crossed', device: 'Yard camera' }],
    ['of an action by its kind', { at: '1 s', action: 'ptz-preset' }],
    ['of an action by its node', { at: '1 s', action: 'Look at the fence', phase: 'raise', times: 1 }],
    ['of an output before it is switched', { at: '0 s', output: 'Floodlight', is: 'off' }],
    ['of an output at a moment', { at: '1 s', output: 'Yard camera/1', is: 'on' }],
    ['of an output for a period', { after: '1 s', until: '10.9 s', output: 'Floodlight', is: 'on' }],
    ['of the end without a time', { end: 'Fence crossed' }],
    ['of nothing', { never: 'email' }],
    ['of nothing in a period', { never: { output: 'Floodlight', is: 'on' }, after: '11 s' }],
    ['of no raise later', { never: { raise: 'Fence crossed' }, after: '1.1 s', until: '1 min' }],
  ])('%s is met', async (_name, expectation) => {
    expect(await run({ when, then: [expectation] })).toMatchObject({ ok: true, failures: [] });
  });

  it.each([
    ['of a raise at another time', { at: '2 s', raise: 'Fence crossed' }, /^1 s: raise Fence crossed/],
    ['of a raise before its time', { at: '0 s', raise: 'Fence crossed' }, /^1 s: raise/],
    ['of more raises', { raise: 'Fence crossed', times: 2 }, /^1 times$/],
    ['of a mail', { action: 'email' }, /^1 s: would send ptz-preset/],
    ['of a refusal', { refuse: 'Fence crossed' }, /^1 s: raise/],
    ['of an output that is on', { at: '1 s', output: 'Siren', is: 'on' }, /^it was off all the time$/],
    ['of an output that stays on', { after: '1 s', until: '30 s', output: 'Floodlight', is: 'on' }, /^1 s: output on/],
    ['of nothing', { never: 'ptz-preset' }, /^1 s: would send ptz-preset/],
    ['of a trigger that is not there', { raise: 'Cellar' }, /no trigger "Cellar"; it has "Hall too hot"/],
    ['of an action that is not there', { action: 'mail' }, /no node "mail"/],
  ])('%s is not met, and it says what happened instead', async (_name, expectation, happened) => {
    const result = await run({ when, then: [expectation] });
    expect(result.ok).toBe(false);
    expect(result.failures[0]!.happened[0]).toMatch(happened);
  });

  it('is judged before anything is known when nothing happens at all', async () => {
    const { failures } = await run({ then: [{ within: '1 s', raise: 'Fence crossed' }] });
    expect(failures[0]!.happened).toEqual(['nothing happened at all']);
  });

  it('asks for messages to nodes beyond alarmflow', async () => {
    const flow = [
      ...demo.map((node) => (node.id === 'demo-fence' ? { ...node, wires: [['tell']] } : node)),
      { id: 'tell', type: 'mqtt out', z: 'demo-tab', name: 'Tell the BMS', x: 1, y: 1, wires: [] },
    ];
    expect(await run({ when, then: [{ at: '1 s', reaches: 'Tell the BMS' }] }, flow)).toMatchObject({ ok: true });
    const { failures } = await run({ when, then: [{ reaches: 'Floodlight' }] }, flow);
    expect(failures[0]!.happened[0]).toMatch(/no node that a simulation leaves out/);
  });
});

describe('a test', () => {
  it('begins at its time and armed as given', async () => {
    const night = [
      ...demo.map((node) => (node.id === 'demo-fence' ? { ...node, schedule: 'night' } : node)),
      {
        id: 'night',
        type: 'alarmflow-schedule',
        name: 'Night',
        version: 1,
        timeZone: 'Europe/Berlin',
        week: Object.fromEntries(
          ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'].map((day) => [
            day,
            [{ from: 18 * 60, to: 1440 }],
          ]),
        ),
      },
    ];
    const test = (time: string) =>
      run({ given: { time }, when: [{ event: crossing }], then: [{ at: '0 s', raise: 'Fence crossed' }] }, night);
    expect(await test('2026-11-23T18:05 Europe/Berlin')).toMatchObject({ ok: true });
    expect((await test('2026-11-23T17:55 Europe/Berlin')).failures[0]!.happened[0]).toMatch(/refused.*not-armed/);
    const disarmed = { armed: false };
    expect(
      await run({
        given: disarmed,
        when: [{ event: crossing }],
        then: [{ refuse: 'Fence crossed', because: 'disarmed' }],
      }),
    ).toMatchObject({ ok: true });
  });

  it('fails at a step that cannot be taken, with its line', async () => {
    const result = await run({ when: [{ event: { ...crossing, device: 'Cellar' } }], then: [{ never: 'email' }] });
    expect(result.failures).toMatchObject([{ line: 6, expected: 'a step that can be taken' }]);
  });

  it('has nothing of the test before it', async () => {
    const test = (name: string) => ({
      name,
      when: [{ event: crossing }],
      then: [{ at: '0 s', raise: 'Fence crossed' }],
    });
    const tests = readRuleTests(JSON.stringify({ tests: [test('one'), test('two')] }), 'tests');
    const { results } = await runRuleTests({ runtime: runtime(), flows: demo, tests });
    expect(results).toMatchObject([{ ok: true }, { ok: true }]);
  });
});

describe('a test file', () => {
  const refused =
    (tests: unknown): (() => unknown) =>
    () =>
      readRuleTests(JSON.stringify({ tests }, null, 1), 'The file');
  const one = (then: unknown, more: object = {}) => refused([{ name: 'it', then: [then], ...more }]);

  it.each([
    [one({}), /line 6: test 1 "it": it expects nothing/],
    [one({ raise: 'a', clear: 'b' }), /it expects several things at once \(raise, clear\)/],
    [one({ raise: 'a', because: 'late' }), /"because" belongs to "refuse", not to "raise"/],
    [one({ output: 'Siren' }), /"output" needs "is"/],
    [one({ raises: 'a' }), /line 6: test 1 "it": then\.0: Unrecognized key: "raises"/],
    [one({ never: 'email', raise: 'x' }), /beside "never" only times may stand/],
    [one({ never: { raise: 'x' }, times: 2 }), /"times" belongs to what happens/],
    [one({ raise: 'a', at: '1 s', within: '2 s' }), /"at" stands alone/],
    [one({ raise: 'a', after: '5 s', within: '2 s' }), /its period ends before it begins/],
    [one({ raise: 'a', at: 'soon' }), /"soon" is no time/],
    [one({ refuse: 'a', because: 'mood' }), /then\.0\.because: Invalid option/],
    [
      one({ raise: 'a' }, { when: [{ event: { device: 'a', type: 'b' } }] }),
      /when\.0\.event\.type: "b" is no event type/,
    ],
    [one({ raise: 'a' }, { when: [{ at: '1 s' }] }), /it says neither what happened/],
    [
      one(
        { raise: 'a' },
        {
          when: [
            { at: '2 s', disarm: 'site' },
            { at: '1 s', arm: 'site' },
          ],
        },
      ),
      /before the step above/,
    ],
    [one({ raise: 'a' }, { given: { time: '2026-11-23T18:05' } }), /"2026-11-23T18:05" is no time/],
    [refused([]), /The file cannot be used: line 2: tests: /],
    [refused([{ name: ' ', then: [{ raise: 'Heat' }] }]), /name: is empty: write a name/],
    [refused([{ name: 'a', then: [] }]), /then: is empty: write what is to happen/],
    [
      refused([
        { name: 'a', then: [{ raise: 'x' }] },
        { name: 'a', then: [{ raise: 'x' }] },
      ]),
      /test 2 "a": another test has the same name/,
    ],
    [() => readRuleTests('{', 'The file'), /The file is no valid JSON/],
  ])('is refused with test and line (%#)', (read, message) => {
    expect(read).toThrow(message);
  });

  it('tells all of its faults at once', () => {
    expect(refused([{ name: 'a', then: [{ raises: 'x' }, { output: 1 }] }])).toThrow(/raises.*output/);
  });
});
