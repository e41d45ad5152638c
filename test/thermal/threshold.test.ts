import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromCelsius, toCelsius, toKelvins } from '../../engine/domain/temperature';
import { levels, manual, reading, ruleOf, run, threshold, told } from './readings-of';

const rule = ruleOf([manual]);

describe('the example of A3.3.4: pre-alarm 50, alarm 55, tolerance 3', () => {
  it.each([
    ['below the pre-alarm', [49.9], ['normal']],
    ['exactly at the pre-alarm', [50], ['pre-alarm']],
    ['one tenth below the alarm', [54.9], ['pre-alarm']],
    ['exactly at the alarm', [55], ['alarm']],
    ['from pre-alarm to alarm', [50, 55], ['pre-alarm', 'alarm']],
    ['down to the edge of the tolerance', [55, 52], ['alarm', 'alarm']],
    ['the alarm is cancelled below 52', [55, 51.9], ['alarm', 'pre-alarm']],
    ['up again inside the band of the alarm', [55, 51.9, 54.9, 55], ['alarm', 'pre-alarm', 'pre-alarm', 'alarm']],
    ['the pre-alarm stays to the edge of its own tolerance', [50, 47], ['pre-alarm', 'pre-alarm']],
    ['the pre-alarm is cancelled below 47', [50, 46.9], ['pre-alarm', 'normal']],
    ['from alarm to below both', [60, 46.9], ['alarm', 'normal']],
    [
      'all the way up and down',
      [20, 50, 55, 52, 51.9, 47, 46.9],
      ['normal', 'pre-alarm', 'alarm', 'alarm', 'pre-alarm', 'pre-alarm', 'normal'],
    ],
    ['in the band from below it is no level', [20, 49, 53], ['normal', 'normal', 'pre-alarm']],
    ['below both limits but never reached', [48], ['normal']],
  ])('%s: %j', (_what, temperatures, expected) => {
    expect(
      levels(
        rule,
        temperatures.map((value, at) => reading(at, value)),
      ),
    ).toEqual(expected);
  });

  it('tells one start, and rises and falls as the same condition going on', () => {
    const events = [20, 51, 51.2, 56, 50.5, 46].map((value, at) => reading(at, value));
    expect(told(rule, events)).toEqual([
      'stop',
      'start pre-alarm',
      'refresh pre-alarm',
      'refresh alarm',
      'refresh pre-alarm',
      'stop',
    ]);
  });

  it('tells value, limit, rule and place with the alarm', () => {
    const told = { value: 57.6, average: 55.5, calibration: 'region' as const, point: { x: 0.25, y: 0.5 }, preset: 3 };
    const { signals } = run(rule, [reading(0, told, { description: 'Press' })]);
    expect(signals).toEqual([
      {
        phase: 'start',
        type: 'temperature-alarm',
        level: 'alarm',
        channel: 2,
        rule: '1',
        temperature: {
          unit: 'celsius',
          value: 55.5,
          threshold: 55,
          ruleType: 'average above',
          calibration: 'region',
          point: { x: 0.25, y: 0.5 },
          preset: 3,
        },
        description: 'alarm: average of Press (1) is 55.5 °C; pre-alarm from 50 °C, alarm from 55 °C, tolerance 3 °C',
      },
    ]);
  });

  it('names the pre-alarm with its own type and limit', () => {
    expect(run(rule, [reading(0, 51)]).signals).toMatchObject([
      { type: 'temperature-prealarm', level: 'pre-alarm', temperature: { value: 51, threshold: 50 } },
    ]);
  });
});

describe('below', () => {
  const freezer = ruleOf([threshold({ direction: 'below', preAlarm: 5, alarm: 0, tolerance: 1 })]);

  it.each([
    [5.1, 'normal'],
    [5, 'pre-alarm'],
    [0.1, 'pre-alarm'],
    [0, 'alarm'],
    [-40, 'alarm'],
  ])('judges %d °C as %s', (value, level) => {
    expect(levels(freezer, [reading(0, value)])).toEqual([level]);
  });

  it('is cancelled only above the limit and the tolerance', () => {
    const events = [0, 1, 1.1, 6, 6.1].map((value, at) => reading(at, value));
    expect(levels(freezer, events)).toEqual(['alarm', 'alarm', 'pre-alarm', 'pre-alarm', 'normal']);
  });
});

describe('a threshold without pre-alarm or tolerance', () => {
  it('knows the alarm alone', () => {
    const events = [54.9, 55, 54.9].map((value, at) => reading(at, value));
    expect(levels(ruleOf([threshold({ preAlarm: null, tolerance: 0 })]), events)).toEqual([
      'normal',
      'alarm',
      'normal',
    ]);
  });
});

describe('limits that binary numbers cannot hold', () => {
  it('are met exactly: 1.1 less a tolerance of 0.2 is 0.9', () => {
    const rule = ruleOf([threshold({ preAlarm: null, alarm: 1.1, tolerance: 0.2 })]);
    expect(levels(rule, [reading(0, 1.1), reading(1, 0.9), reading(2, 0.8)])).toEqual(['alarm', 'alarm', 'normal']);
  });
});

describe('what is measured', () => {
  const area = { value: 60, maximum: 60, minimum: 20, average: 40, calibration: 'region' as const };

  it.each([
    ['maximum', 'alarm'],
    ['average', 'normal'],
    ['minimum', 'normal'],
  ] as const)('judges the %s of an area', (measure, level) => {
    expect(levels(ruleOf([threshold({ measure })]), [reading(0, area)])).toEqual([level]);
  });

  it('takes the value of an area without more for its highest, as devices report it', () => {
    const highest = reading(0, { value: 60, calibration: 'region' });
    expect(levels(ruleOf([threshold({ measure: 'maximum' })]), [highest])).toEqual(['alarm']);
    expect(told(ruleOf([threshold({ measure: 'average' })]), [highest])).toEqual(['-']);
  });

  it('takes the value of a point for all three', () => {
    for (const measure of ['maximum', 'minimum', 'average'] as const) {
      const point = reading(0, { value: 60, calibration: 'point' });
      expect(levels(ruleOf([threshold({ measure })]), [point])).toEqual(['alarm']);
    }
  });

  it.each([
    ['point', 'point', true],
    ['point', 'region', false],
    ['line', 'line', true],
    ['area', 'region', true],
    ['area', 'line', false],
    ['any', 'line', true],
    ['scene', 'region', false],
  ] as const)('a rule for %s and a %s: %s', (place, calibration, judged) => {
    const maximum = ruleOf([threshold({ place, measure: 'maximum' })]);
    expect(told(maximum, [reading(0, { value: 60, calibration })])).toEqual([judged ? 'start alarm' : '-']);
  });

  it('takes a reading that names no place for the whole scene', () => {
    const scene = ruleOf([threshold({ place: 'scene' })]);
    expect(run(scene, [reading(0, 60, { rule: undefined })]).signals).toMatchObject([{ rule: 'scene' }]);
    expect(told(scene, [reading(0, 60)])).toEqual(['-']);
  });

  it('finds places by number or by the name that the device gives', () => {
    const named = ruleOf([threshold({ names: ['press', '3'] })]);
    expect(told(named, [reading(0, 60, { rule: '1', description: 'Press' })])).toEqual(['start alarm']);
    expect(told(named, [reading(0, 60, { rule: '3' })])).toEqual(['start alarm']);
    expect(told(named, [reading(0, 60, { rule: '2', description: 'Oven' })])).toEqual(['-']);
  });

  it('keeps a level for each place, channel and device', () => {
    const events = [
      reading(0, 60),
      reading(1, 20, { rule: '2' }),
      reading(2, 20, { channel: 3 }),
      reading(3, 20, { deviceId: 'other' }),
      reading(4, 61),
    ];
    expect(told(rule, events)).toEqual(['start alarm', 'stop', 'stop', 'stop', 'refresh alarm']);
  });

  it('reads each region of an event', () => {
    const { signals } = run(rule, [
      reading(0, 70, {
        regions: [
          { id: '4', temperature: { unit: 'celsius', value: 70 } },
          { id: '5', temperature: { unit: 'celsius', value: 10 } },
        ],
      }),
    ]);
    expect(signals.map(({ rule: name, phase }) => `${name} ${phase}`)).toEqual(['4 start', '5 stop']);
  });
});

describe('units', () => {
  it.each([
    ['fahrenheit', 131, 'alarm'],
    ['fahrenheit', 130.9, 'pre-alarm'],
    ['fahrenheit', 122, 'pre-alarm'],
    ['fahrenheit', 121.9, 'normal'],
    ['kelvin', 328.15, 'alarm'],
    ['kelvin', 328.05, 'pre-alarm'],
    ['kelvin', 323.15, 'pre-alarm'],
  ] as const)('judges a reading in %s: %d is %s', (unit, value, level) => {
    expect(levels(rule, [reading(0, { value, unit })])).toEqual([level]);
  });

  it('tells the alarm in the unit of the rule, the tolerance as a difference', () => {
    const { signals } = run(ruleOf([manual], { unit: 'fahrenheit' }), [reading(0, 60)]);
    expect(signals).toMatchObject([
      {
        temperature: { unit: 'fahrenheit', value: 140, threshold: 131 },
        description: 'alarm: average of 1 is 140 °F; pre-alarm from 122 °F, alarm from 131 °F, tolerance 5.4 °F',
      },
    ]);
  });

  it('converts a tolerance as a difference', () => {
    expect([toKelvins(5.4, 'fahrenheit'), toKelvins(3, 'kelvin'), toKelvins(3, 'celsius')]).toEqual([3, 3, 3]);
  });

  it('gives the same levels whatever the unit of the readings', () => {
    const tenths = fc.array(fc.integer({ min: -400, max: 1_500 }), { minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(tenths, fc.constantFrom('fahrenheit' as const, 'kelvin' as const), (values, unit) => {
        const inCelsius = values.map((value, at) => reading(at, value / 10));
        const inUnit = values.map((value, at) => reading(at, { unit, value: fromCelsius(value / 10, unit) }));
        expect(levels(rule, inUnit)).toEqual(levels(rule, inCelsius));
      }),
    );
  });

  it('converts back and forth without a change', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: -2_731, max: 50_000 }),
        fc.constantFrom('fahrenheit' as const, 'kelvin' as const),
        (tenths, unit) => {
          expect(toCelsius(fromCelsius(tenths / 10, unit), unit)).toBe(tenths / 10);
        },
      ),
    );
  });
});

describe('filtering time of an escalation (T2)', () => {
  const filtered = ruleOf([manual], { filteringMs: 10_000 });

  it('lets an alarm level count when it has held for the filtering time', () => {
    const events = [reading(0, 51), reading(9, 56), reading(14, 57), reading(18.9, 58), reading(19, 58)];
    expect(levels(filtered, events)).toEqual(['pre-alarm', 'pre-alarm', 'pre-alarm', 'pre-alarm', 'alarm']);
  });

  it('says how much is left', () => {
    expect(run(filtered, [reading(0, 51), reading(9, 56), reading(14, 57)]).signals.at(-1)?.description).toContain(
      'filtering time of the alarm: 5 s left',
    );
  });

  it('begins anew when the level was left in between', () => {
    const events = [reading(0, 51), reading(1, 56), reading(8, 51), reading(9, 56), reading(18, 56), reading(19, 56)];
    expect(levels(filtered, events).slice(-2)).toEqual(['pre-alarm', 'alarm']);
  });

  it('leaves an alarm level that begins with the condition to the on-delay of the trigger', () => {
    expect(levels(filtered, [reading(0, 20), reading(1, 56)])).toEqual(['normal', 'alarm']);
  });
});

describe('properties', () => {
  const walk = fc.array(fc.integer({ min: 400, max: 600 }), { minLength: 1, maxLength: 80 });

  it('never tells an alarm below the alarm less the tolerance, nor a pre-alarm below its own', () => {
    fc.assert(
      fc.property(walk, (tenths) => {
        const found = levels(
          rule,
          tenths.map((value, at) => reading(at, value / 10)),
        );
        for (const [at, level] of found.entries()) {
          const value = (tenths[at] ?? 0) / 10;
          if (level === 'alarm') expect(value).toBeGreaterThanOrEqual(52);
          if (level !== 'normal') expect(value).toBeGreaterThanOrEqual(47);
          if (value >= 55) expect(level).toBe('alarm');
        }
      }),
    );
  });

  /** A3.3.4 once more, written as a person would keep a tally: two lamps, each with a switch-on and a switch-off line. */
  const reference = (values: number[]): string[] => {
    let yellow = false;
    let red = false;
    return values.map((value) => {
      if (value >= 50) yellow = true;
      if (value < 47) yellow = false;
      if (value >= 55) red = true;
      if (value < 52) red = false;
      return red ? 'alarm' : yellow ? 'pre-alarm' : 'normal';
    });
  };

  it('agrees with a tally kept by hand', () => {
    fc.assert(
      fc.property(walk, (tenths) => {
        const values = tenths.map((value) => value / 10);
        expect(
          levels(
            rule,
            values.map((value, at) => reading(at, value)),
          ),
        ).toEqual(reference(values));
      }),
      { numRuns: 500 },
    );
  });

  it('tells no more starts than the temperature has crossed from below the band to the limit', () => {
    fc.assert(
      fc.property(walk, (tenths) => {
        const { signals } = run(
          rule,
          tenths.map((value, at) => reading(at, value / 10)),
        );
        let armed = true;
        let crossings = 0;
        for (const value of tenths) {
          if (armed && value >= 500) {
            crossings += 1;
            armed = false;
          }
          if (value < 470) armed = true;
        }
        expect(signals.filter(({ phase }) => phase === 'start')).toHaveLength(crossings);
      }),
    );
  });

  it('must be kept exactly when a level has changed', () => {
    fc.assert(
      fc.property(walk, (tenths) => {
        const events = tenths.map((value, at) => reading(at, value / 10));
        const found = levels(rule, events);
        const { steps } = run(rule, events);
        for (const [at, step] of steps.entries()) {
          expect(step.durable).toBe(found[at] !== (at === 0 ? 'normal' : found[at - 1]));
        }
      }),
    );
  });
});
