import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ThermalDifference } from '../../engine/domain/thermal';
import { areas, group, levels, reading, ruleOf, run, threshold, told } from './readings-of';

const difference = (more: Partial<ThermalDifference> = {}): ThermalDifference => ({
  kind: 'difference',
  measure: 'maximum',
  first: '1',
  second: '2',
  comparison: 'amount',
  direction: 'above',
  preAlarm: null,
  alarm: 10,
  tolerance: 0,
  ...more,
});

describe('the difference of two areas (A3.3.3, D5.10.7)', () => {
  it.each([
    ['amount', 'above', 30, 20.1, 'normal'],
    ['amount', 'above', 30, 20, 'alarm'],
    ['amount', 'above', 20, 30, 'alarm'],
    ['amount', 'above', 55.3, 45.3, 'alarm'],
    ['first-second', 'above', 30, 20, 'alarm'],
    ['first-second', 'above', 20, 30, 'normal'],
    ['amount', 'below', 30, 19.9, 'normal'],
    ['amount', 'below', 30, 20, 'alarm'],
    ['first-second', 'below', 20, 40, 'alarm'],
  ] as const)('%s %s 10: %d and %d is %s', (comparison, direction, first, second, level) => {
    const rule = ruleOf([difference({ comparison, direction })]);
    expect(levels(rule, [areas(0, { 1: first, 2: second })])).toEqual([level]);
  });

  it('waits until both have told something', () => {
    const events = [reading(0, 80), reading(1, 20, { rule: '2' })];
    expect(told(ruleOf([difference()]), events)).toEqual(['-', 'start alarm']);
  });

  it('compares no reading that is older than the time allowed', () => {
    const rule = ruleOf([difference()], { staleMs: 5_000 });
    expect(told(rule, [reading(0, 80), reading(5, 20, { rule: '2' })])).toEqual(['-', 'start alarm']);
    expect(told(rule, [reading(0, 80), reading(5.1, 20, { rule: '2' })])).toEqual(['-', '-']);
  });

  it('keeps its level while one of the two is silent', () => {
    const rule = ruleOf([difference()], { staleMs: 5_000 });
    const events = [areas(0, { 1: 80, 2: 20 }), reading(10, 20), areas(11, { 1: 20, 2: 20 })];
    expect(told(rule, events)).toEqual(['start alarm', '-', 'stop']);
  });

  it('does not compare places of different devices or channels', () => {
    const events = [
      reading(0, 80),
      reading(1, 20, { rule: '2', deviceId: 'other' }),
      reading(2, 20, { rule: '2', channel: 3 }),
    ];
    expect(told(ruleOf([difference()]), events)).toEqual(['-', '-', '-']);
  });

  it('tells both temperatures, and the place of the hotter', () => {
    const event = areas(
      0,
      {},
      {
        regions: [
          { id: '1', temperature: { unit: 'celsius', value: 20, point: { x: 0, y: 0 } } },
          { id: '2', temperature: { unit: 'celsius', value: 45, point: { x: 0.5, y: 0.5 } } },
        ],
      },
    );
    expect(run(ruleOf([difference({ preAlarm: 5 })]), [event]).signals).toEqual([
      {
        phase: 'start',
        type: 'temperature-difference',
        level: 'alarm',
        channel: 2,
        rule: '1 − 2',
        temperature: {
          unit: 'celsius',
          value: 25,
          threshold: 10,
          ruleType: 'difference of 1 and 2 (maximum) above',
          difference: true,
          point: { x: 0.5, y: 0.5 },
        },
        description: 'alarm: 1 20 °C, 2 45 °C, difference 25 °C; pre-alarm from 5 °C, alarm from 10 °C',
      },
    ]);
  });

  it('converts a difference in °F as a difference', () => {
    // 50 °F and 68 °F are 10 °C and 20 °C.
    const event = areas(
      0,
      {},
      {
        regions: [
          { id: '1', temperature: { unit: 'fahrenheit', value: 50 } },
          { id: '2', temperature: { unit: 'fahrenheit', value: 68 } },
        ],
      },
    );
    const rule = ruleOf([difference()], { unit: 'fahrenheit' });
    expect(run(rule, [event]).signals).toMatchObject([
      { level: 'alarm', temperature: { unit: 'fahrenheit', value: 18, threshold: 18 } },
    ]);
  });
});

describe('groups (C3.3): A hottest, B average, A − B', () => {
  const rule = ruleOf([group({ preAlarm: 10, alarm: 15 })]);

  it.each([
    // A = 50, B = 40.1: 9.9
    ['one tenth below the warning', { 1: 50, 2: 30.2 }, 'normal'],
    // A = 50, B = 40
    ['exactly the warning', { 1: 50, 2: 30 }, 'pre-alarm'],
    // A = 50, B = 35.1
    ['one tenth below the alarm', { 1: 50, 2: 20.2 }, 'pre-alarm'],
    ['exactly the alarm', { 1: 50, 2: 20 }, 'alarm'],
    // A = 60, B = 40: both conditions are met, the alarm wins.
    ['both at once', { 1: 60, 2: 40, 3: 20 }, 'alarm'],
    ['all the same', { 1: 90, 2: 90, 3: 90 }, 'normal'],
    ['one area alone', { 1: 90 }, 'normal'],
  ])('%s: %j is %s', (_what, celsius, level) => {
    expect(levels(rule, [areas(0, celsius)])).toEqual([level]);
  });

  it('names the area with the largest difference', () => {
    const event = areas(0, { 1: 30, 2: 72, 3: 40, 4: 38 });
    expect(run(rule, [event]).signals).toMatchObject([
      {
        type: 'temperature-difference',
        rule: 'group 1',
        temperature: { value: 27, threshold: 15, difference: true, ruleType: 'highest of group 1 less its average' },
        description:
          'alarm: hottest of group 1 is 2 with 72 °C, 27 °C above the average 45 °C of 4 areas; pre-alarm from 10 °C, alarm from 15 °C',
      },
    ]);
  });

  it('takes only its own areas', () => {
    const listed = ruleOf([group({ names: ['1', '2'] })]);
    expect(levels(listed, [areas(0, { 1: 40, 2: 40, 3: 500 })])).toEqual(['normal']);
  });

  it('goes on without an area that is silent, and says so', () => {
    const listed = ruleOf([group({ names: ['1', '2', '3'] })], { staleMs: 5_000 });
    const events = [areas(0, { 1: 20, 2: 20, 3: 20 }), areas(10, { 1: 60, 2: 20 })];
    const { signals } = run(listed, events);
    expect(signals.at(-1)).toMatchObject({ level: 'alarm', description: expect.stringContaining('of 2 of 3 areas') });
  });

  it('takes the average of those that have told something', () => {
    const listed = ruleOf([group({ names: ['1', '2', '3'] })]);
    // A = 60, B = 48.
    expect(levels(listed, [areas(0, { 1: 60, 2: 36 })])).toEqual(['pre-alarm']);
  });

  it('is judged only when one of its areas tells something', () => {
    const listed = ruleOf([threshold({ names: ['3'], measure: 'maximum' }), group({ names: ['1', '2'] })]);
    const { steps } = run(listed, [areas(0, { 1: 80, 2: 20 }), reading(1, 20, { rule: '3' })]);
    expect(steps[1]?.signals.map((signal) => signal.rule)).toEqual(['3']);
  });

  it('keeps its level when only one area is left', () => {
    const listed = ruleOf([group({ names: ['1', '2'] })], { staleMs: 5_000 });
    expect(told(listed, [areas(0, { 1: 80, 2: 20 }), reading(10, 20)])).toEqual(['start alarm', '-']);
  });

  it('leaves out the whole scene where it takes every area', () => {
    const events = [reading(0, 500, { rule: undefined }), areas(1, { 1: 40, 2: 40 })];
    expect(levels(rule, events).at(-1)).toBe('normal');
  });

  it('takes up readings that come one by one', () => {
    const events = ['1', '2', '3'].map((rule, at) => reading(at, rule === '3' ? 70 : 40, { rule }));
    expect(told(rule, events)).toEqual(['-', 'stop', 'start alarm']);
  });

  it('agrees with A, B, WA and AA computed by hand, whatever the areas', () => {
    const temperatures = fc.array(fc.integer({ min: -40, max: 150 }), { minLength: 2, maxLength: 16 });
    fc.assert(
      fc.property(temperatures, (values) => {
        const highest = Math.max(...values);
        const total = values.reduce((sum, value) => sum + value, 0);
        // In sixteenths and thirds alike: multiplied by the number of areas there is nothing to round.
        const excess = highest * values.length - total;
        const expected = excess >= 15 * values.length ? 'alarm' : excess >= 10 * values.length ? 'pre-alarm' : 'normal';
        const named = Object.fromEntries(values.map((value, index) => [`area ${index}`, value]));
        expect(levels(rule, [areas(0, named)])).toEqual([expected]);
      }),
    );
  });
});

describe('several rules in one trigger', () => {
  it('give a place the highest level that any of them holds', () => {
    const rule = ruleOf([
      threshold({ tolerance: 0 }),
      { ...threshold({ tolerance: 0 }), kind: 'section', alarm: 40, maximum: 45, preAlarm: null },
    ]);
    const events = [39, 42, 48, 51, 56].map((value, at) => reading(at, value));
    expect(told(rule, events)).toEqual(['stop', 'start alarm', 'stop', 'start pre-alarm', 'refresh alarm']);
  });

  it('tell places, pairs and groups side by side under names of their own', () => {
    const rule = ruleOf([threshold({ measure: 'maximum' }), difference(), group()]);
    const { signals } = run(rule, [areas(0, { 1: 80, 2: 20 })]);
    expect(signals.map(({ rule: name, type }) => [name, type])).toEqual([
      ['1', 'temperature-alarm'],
      ['2', 'temperature-alarm'],
      ['1 − 2', 'temperature-difference'],
      ['group 1', 'temperature-difference'],
    ]);
  });
});
