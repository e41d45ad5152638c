import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ThermalRise, ThermalSection, ThermalSuddenChange } from '../../engine/domain/thermal';
import { MOST_SAMPLES, type Sample, withSample } from '../../engine/thermal/window';
import { levels, reading, ruleOf, run, told } from './readings-of';

const sudden = (more: Partial<ThermalSuddenChange> = {}): ThermalSuddenChange => ({
  kind: 'sudden-change',
  measure: 'maximum',
  place: 'any',
  names: [],
  change: 'increase',
  cycleMs: 60_000,
  preAlarm: null,
  alarm: 20,
  tolerance: 0,
  ...more,
});

const rise = (more: Partial<ThermalRise> = {}): ThermalRise => ({
  kind: 'rise',
  measure: 'maximum',
  place: 'any',
  names: [],
  withinMs: 5_000,
  preAlarm: null,
  alarm: 10,
  tolerance: 0,
  ...more,
});

const section = (more: Partial<ThermalSection> = {}): ThermalSection => ({
  kind: 'section',
  measure: 'maximum',
  place: 'any',
  names: [],
  preAlarm: null,
  alarm: 50,
  maximum: 60,
  tolerance: 0,
  ...more,
});

/** Readings as pairs of second and temperature. */
const series = (...pairs: [number, number][]) => pairs.map(([at, value]) => reading(at, value));

describe('sudden change (A3.3.4): max − min inside the cycle exceeds the value', () => {
  it.each([
    [
      'exactly the value is not exceeding it',
      [
        [0, 20],
        [30, 40],
      ],
      'normal',
    ],
    [
      'one tenth more',
      [
        [0, 20],
        [30, 40.1],
      ],
      'alarm',
    ],
    [
      'exactly a cycle apart',
      [
        [0, 20],
        [60, 40.1],
      ],
      'alarm',
    ],
    [
      'a moment longer than a cycle apart',
      [
        [0, 20],
        [60.001, 40.1],
      ],
      'normal',
    ],
    [
      'in several steps',
      [
        [0, 20],
        [20, 30],
        [40, 41],
      ],
      'alarm',
    ],
    ['a single reading', [[0, 500]], 'normal'],
    [
      'a decrease',
      [
        [0, 50],
        [30, 20],
      ],
      'normal',
    ],
    [
      'from a low point in between',
      [
        [0, 30],
        [10, 20],
        [20, 40.5],
      ],
      'alarm',
    ],
    [
      '55.3 − 35.3 is exactly the value',
      [
        [0, 35.3],
        [1, 55.3],
      ],
      'normal',
    ],
  ] as [string, [number, number][], string][])('%s: %j is %s', (_what, pairs, level) => {
    expect(levels(ruleOf([sudden()]), series(...pairs)).at(-1)).toBe(level);
  });

  it('watches a decrease, or either, where that is chosen', () => {
    const falling = series([0, 50], [30, 20]);
    expect(levels(ruleOf([sudden({ change: 'decrease' })]), falling).at(-1)).toBe('alarm');
    expect(levels(ruleOf([sudden({ change: 'either' })]), falling).at(-1)).toBe('alarm');
    expect(levels(ruleOf([sudden({ change: 'decrease' })]), series([0, 20], [30, 50])).at(-1)).toBe('normal');
  });

  it('is over when the change has left the cycle', () => {
    const events = series([0, 20], [10, 45], [60, 45], [60.5, 45]);
    expect(levels(ruleOf([sudden()]), events)).toEqual(['normal', 'alarm', 'alarm', 'normal']);
  });

  it('stays within the tolerance', () => {
    const events = series([0, 20], [10, 45], [59, 33], [69.9, 45], [70.1, 45]);
    const rule = ruleOf([sudden({ tolerance: 8 })]);
    expect(levels(rule, events)).toEqual(['normal', 'alarm', 'alarm', 'alarm', 'alarm']);
    expect(levels(ruleOf([sudden()]), events).at(-1)).toBe('normal');
  });

  it('tells the change as a difference, and both ends in words', () => {
    expect(run(ruleOf([sudden()]), series([0, 20], [30, 45])).signals.at(-1)).toMatchObject({
      type: 'temperature-alarm',
      temperature: {
        value: 25,
        threshold: 20,
        difference: true,
        ruleType: 'sudden increase of the maximum within 60 s',
      },
      description: 'alarm: maximum of 1 went from 20 °C to 45 °C in 30 s, by 25 °C; alarm over 20 °C',
    });
  });

  it('gives a difference in °F where the rule is in °F', () => {
    const { signals } = run(ruleOf([sudden()], { unit: 'fahrenheit' }), series([0, 20], [30, 45]));
    expect(signals.at(-1)).toMatchObject({
      temperature: { unit: 'fahrenheit', value: 45, threshold: 36 },
      description: 'alarm: maximum of 1 went from 68 °F to 113 °F in 30 s, by 45 °F; alarm over 36 °F',
    });
  });
});

describe('temperature rise (C3.3): a rise of at least the value within 1–10 s', () => {
  it.each([
    [
      'exactly the value in exactly the time',
      [
        [0, 20],
        [5, 30],
      ],
      'alarm',
    ],
    [
      'one tenth less',
      [
        [0, 20],
        [5, 29.9],
      ],
      'normal',
    ],
    [
      'a tenth of a second longer',
      [
        [0, 20],
        [5.1, 30],
      ],
      'normal',
    ],
    [
      'in steps',
      [
        [0, 20],
        [1, 23],
        [2, 26],
        [3, 30],
      ],
      'alarm',
    ],
    [
      'after a dip',
      [
        [0, 28],
        [1, 20],
        [3, 30],
      ],
      'alarm',
    ],
    [
      'a fall',
      [
        [0, 30],
        [5, 20],
      ],
      'normal',
    ],
    [
      'slower than the duration for ever',
      [
        [0, 20],
        [2.6, 25],
        [5.2, 30],
        [7.8, 35],
      ],
      'normal',
    ],
  ] as [string, [number, number][], string][])('%s: %j is %s', (_what, pairs, level) => {
    expect(levels(ruleOf([rise()]), series(...pairs)).at(-1)).toBe(level);
  });

  it('knows a warning value', () => {
    const events = series([0, 20], [1, 25], [2, 30]);
    expect(levels(ruleOf([rise({ preAlarm: 5 })]), events)).toEqual(['normal', 'pre-alarm', 'alarm']);
  });

  it.each([1_000, 10_000])('within %d ms', (withinMs) => {
    const rule = ruleOf([rise({ withinMs })]);
    expect(levels(rule, series([0, 20], [withinMs / 1_000, 30])).at(-1)).toBe('alarm');
    expect(levels(rule, series([0, 20], [withinMs / 1_000 + 0.01, 30])).at(-1)).toBe('normal');
  });
});

describe('section alarm (C3.3): alarm value ≤ t ≤ maximum alarm value', () => {
  it.each([
    [49.9, 'normal'],
    [50, 'alarm'],
    [55, 'alarm'],
    [60, 'alarm'],
    [60.1, 'normal'],
  ])('judges %d °C between 50 and 60 as %s', (value, level) => {
    expect(levels(ruleOf([section()]), [reading(0, value)])).toEqual([level]);
  });

  it('may have a pre-alarm below', () => {
    const events = series([0, 47.9], [1, 48], [2, 50], [3, 60.1]);
    expect(levels(ruleOf([section({ preAlarm: 48 })]), events)).toEqual(['normal', 'pre-alarm', 'alarm', 'normal']);
  });

  it('is left only beyond the tolerance, on either side', () => {
    const rule = ruleOf([section({ tolerance: 1 })]);
    expect(levels(rule, series([0, 55], [1, 49], [2, 48.9]))).toEqual(['alarm', 'alarm', 'normal']);
    expect(levels(rule, series([0, 55], [1, 61], [2, 61.1]))).toEqual(['alarm', 'alarm', 'normal']);
    expect(levels(rule, series([0, 61], [1, 49]))).toEqual(['normal', 'normal']);
  });
});

describe('the window', () => {
  const pairs = fc.array(fc.tuple(fc.integer({ min: 0, max: 3_000 }), fc.integer({ min: -400, max: 1_500 })), {
    minLength: 2,
    maxLength: 60,
  });

  it('agrees with a search through every pair of readings', () => {
    fc.assert(
      fc.property(pairs, fc.integer({ min: 1, max: 300 }), (steps, limit) => {
        let at = 0;
        const events = steps.map(([pause, tenths]) => {
          at += pause + 1;
          return [at, tenths / 10] as [number, number];
        });
        const found = levels(
          ruleOf([rise({ alarm: limit / 10 })]),
          events.map(([ms, value]) => reading(ms / 1_000, value)),
        );
        for (const [index, [now]] of events.entries()) {
          const inside = events.slice(0, index + 1).filter(([then]) => then >= now - 5_000);
          const risen = inside.some(([, from], i) =>
            inside.slice(i + 1).some(([, to]) => Math.round((to - from) * 10) >= limit),
          );
          expect(found[index]).toBe(risen ? 'alarm' : 'normal');
        }
      }),
      { numRuns: 300 },
    );
  });

  it('serves two rules of different cycles, each with its own', () => {
    const rule = ruleOf([rise({ alarm: 10 }), sudden({ alarm: 40 })]);
    expect(levels(rule, series([0, 20], [6, 30]))).toEqual(['normal', 'normal']);
    expect(levels(rule, series([0, 20], [30, 60.1]))).toEqual(['normal', 'alarm']);
  });

  it('stays bounded, and never makes a change larger than it was', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -100, max: 100 }), { minLength: 300, maxLength: 700 }), (values) => {
        let window: readonly Sample[] = [];
        for (const [at, value] of values.entries()) window = withSample(window, at, value, 10_000);
        expect(window.length).toBeLessThanOrEqual(MOST_SAMPLES);
        expect(window.at(-1)).toEqual([values.length - 1, values.at(-1)]);
        for (const [at, value] of window) expect(values[at]).toBe(value);
      }),
      { numRuns: 20 },
    );
  });

  it('keeps the lowest and the highest of a slow climb with many readings', () => {
    let window: readonly Sample[] = [];
    for (let at = 0; at < 5_000; at++) window = withSample(window, at, at / 100, 10_000);
    expect([window[0]?.[1], window.at(-1)?.[1]]).toEqual([0, 49.99]);
  });

  it('forgets what a clock that was set back has left in the future', () => {
    const events = series([1_000, 20], [1_001, 20], [10, 40], [11, 41]);
    expect(told(ruleOf([rise()]), events).slice(1)).toEqual(['-', '-', '-']);
  });
});
