import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { EventTemperature } from '../../engine/domain/events';
import { OFFERED_READING, type ThermalRule, type ThermalSensor } from '../../engine/domain/thermal';
import { checkThermalRule, type ThermalState, thermalMachine } from '../../engine/thermal';
import { MOST_NAMES } from '../../engine/thermal/state';
import { areas, group, levels, manual, reading, ruleOf, run, short, threshold, told } from './readings-of';

const rule = ruleOf([manual]);

describe('external sensors (T7, A3.4.3)', () => {
  const sensor = (id: string, more: Partial<ThermalSensor> = {}): ThermalSensor => ({
    id,
    name: '',
    conditions: [],
    ...more,
  });

  it('judge by rules of their own in place of the common ones', () => {
    const own = ruleOf([manual], { sensors: [sensor('17', { conditions: [threshold({ preAlarm: 70, alarm: 80 })] })] });
    expect(levels(own, [reading(0, 60, { rule: '17' }), reading(1, 80, { rule: '17' })])).toEqual(['normal', 'alarm']);
    expect(levels(own, [reading(0, 60, { rule: '18' })])).toEqual(['alarm']);
  });

  it('obey a common rule as well that names them', () => {
    const own = ruleOf([threshold({ names: ['17'], alarm: 90 })], {
      sensors: [sensor('17', { conditions: [threshold({ preAlarm: null, alarm: 95 })] })],
    });
    expect(levels(own, [reading(0, 91, { rule: '17' })])).toEqual(['alarm']);
  });

  it('follow the common rules where they have none, under their own name', () => {
    const named = ruleOf([manual], { sensors: [sensor('17', { name: 'Freezer' })] });
    expect(run(named, [reading(0, 60, { rule: '17' })]).signals).toMatchObject([
      { rule: 'Freezer', description: expect.stringContaining('average of Freezer (17) is 60 °C') },
    ]);
  });

  it('are told apart by their id where two have one name', () => {
    const twins = ruleOf([manual], { sensors: [sensor('17', { name: 'Rack' }), sensor('18', { name: 'rack' })] });
    const { signals } = run(twins, [reading(0, 60, { rule: '17' }), reading(1, 60, { rule: '18' })]);
    expect(signals.map((signal) => signal.rule)).toEqual(['Rack (17)', 'rack (18)']);
  });

  it('may watch a sudden change beside a threshold', () => {
    const both = ruleOf([], {
      sensors: [
        sensor('17', {
          conditions: [
            manual,
            {
              ...threshold(),
              kind: 'sudden-change',
              change: 'increase',
              cycleMs: 60_000,
              preAlarm: null,
              alarm: 10,
              tolerance: 0,
            },
          ],
        }),
      ],
    });
    const events = [reading(0, 20, { rule: '17' }), reading(5, 31, { rule: '17' }), reading(70, 31, { rule: '17' })];
    expect(told(both, events)).toEqual(['stop', 'start alarm', 'stop']);
  });
});

describe('readings that cannot be used', () => {
  it.each<[string, Partial<EventTemperature> | undefined]>([
    ['NaN', { value: Number.NaN }],
    ['infinite', { value: Number.POSITIVE_INFINITY }],
    ['colder than there is', { value: -273.2 }],
    ['hotter than any device measures', { value: 5_001 }],
    ['0 °F below absolute zero', { unit: 'fahrenheit', value: -460 }],
    ['negative kelvin', { unit: 'kelvin', value: -0.1 }],
    ['without a number', {}],
    ['a difference', { value: 60, difference: true }],
    ['no temperature at all', undefined],
  ])('%s: change nothing', (_what, temperature) => {
    const odd = temperature === undefined ? reading(1, 0, { temperature: undefined }) : reading(1, temperature);
    const before = run(rule, [reading(0, 60)]);
    const step = thermalMachine(rule).step(before.state, odd);
    expect(step).toEqual({ state: before.state, signals: [], durable: false });
    expect(step.state).toBe(before.state);
  });

  it('leave the rest of an event usable', () => {
    const event = areas(0, { 1: Number.NaN, 2: 60 });
    expect(run(rule, [event]).signals.map((signal) => signal.rule)).toEqual(['2']);
  });

  it('are those that were stored and sent later', () => {
    expect(told(rule, [reading(0, 60, { late: true })])).toEqual(['-']);
  });

  it('are those of a device alarm that ends', () => {
    const alarm = { type: 'temperature-alarm' as const, phase: 'start' as const };
    const ends = reading(1, 20, { ...alarm, phase: 'stop' });
    expect(told(rule, [reading(0, 60, alarm), ends])).toEqual(['start alarm', '-']);
  });

  it('are those that another one has overtaken', () => {
    const events = [
      reading(0, 40, { deviceAt: 10_000 }),
      reading(1, 60, { deviceAt: 9_000 }),
      reading(2, 60, { deviceAt: 10_000 }),
    ];
    expect(told(rule, events)).toEqual(['stop', '-', 'start alarm']);
  });

  it('are not those of a device whose clock was set back, or cannot be trusted', () => {
    expect(told(rule, [reading(0, 40, { deviceAt: 100_000 }), reading(1, 60, { deviceAt: 1_000 })])).toEqual([
      'stop',
      'start alarm',
    ]);
    const suspect = reading(1, 60, { deviceAt: 99_000, clockSuspect: true });
    expect(told(rule, [reading(0, 40, { deviceAt: 100_000 }), suspect])).toEqual(['stop', 'start alarm']);
  });

  it('are those that were offered to another node', () => {
    const own: ThermalRule = { ...rule, triggerId: 'mine' };
    const offered = { vendorType: OFFERED_READING, channel: undefined };
    expect(told(own, [reading(0, 60, { ...offered, deviceId: 'other' })])).toEqual(['-']);
    expect(told(own, [reading(0, 60, { ...offered, deviceId: 'mine' })])).toEqual(['start alarm']);
  });

  it('are those that no rule is about', () => {
    const named = ruleOf([threshold({ names: ['7'] })]);
    const machine = thermalMachine(named);
    expect(machine.step(machine.initial, reading(0, 60)).state).toBe(machine.initial);
  });
});

describe('silence and restarts', () => {
  it('does not end a level: only a reading does', () => {
    expect(told(rule, [reading(0, 55), reading(86_400, 52), reading(86_401, 46)])).toEqual([
      'start alarm',
      'refresh alarm',
      'stop',
    ]);
  });

  it('heals a state that was lost by telling the end to gates that may know a beginning', () => {
    expect(told(rule, [reading(0, 20), reading(1, 20)])).toEqual(['stop', '-']);
  });
});

describe('a changed rule', () => {
  const adopt = (from: ThermalRule, to: ThermalRule, events: Parameters<typeof run>[1]) => {
    const { state } = run(from, events);
    const adopted = thermalMachine(to).adopt?.(state);
    if (!adopted) throw new Error('not adopted');
    return {
      ...adopted,
      next: (value: number) => thermalMachine(to).step(adopted.state, reading(100, value)).signals.map(short),
    };
  };

  it('judges by its new limits what still holds', () => {
    const { signals, next } = adopt(rule, ruleOf([threshold({ alarm: 54 })]), [reading(0, 55)]);
    expect(signals).toEqual([]);
    expect(next(51)).toEqual(['refresh alarm']);
    expect(next(50.9)).toEqual(['refresh pre-alarm']);
    expect(next(40)).toEqual(['stop']);
  });

  it('ends what it does not watch any more', () => {
    const { signals } = adopt(rule, ruleOf([threshold({ names: ['9'] })]), [reading(0, 55)]);
    expect(signals).toMatchObject([
      { phase: 'stop', type: 'temperature-alarm', level: 'alarm', rule: '1', channel: 2 },
    ]);
  });

  it('ends a group that is gone', () => {
    const grouped = ruleOf([group()]);
    const { signals } = adopt(grouped, rule, [areas(0, { 1: 80, 2: 20 })]);
    expect(signals).toMatchObject([{ phase: 'stop', type: 'temperature-difference', rule: 'group 1' }]);
  });

  it('keeps a group whose limits are others', () => {
    const { signals, state } = adopt(ruleOf([group()]), ruleOf([group({ alarm: 90 })]), [areas(0, { 1: 80, 2: 20 })]);
    expect(signals).toEqual([]);
    const step = thermalMachine(ruleOf([group({ alarm: 90 })])).step(state, areas(1, { 1: 80, 2: 20 }));
    expect(step.signals.map(short)).toEqual(['refresh pre-alarm']);
  });

  it('ends under its old name what has a new one', () => {
    const named = ruleOf([manual], { sensors: [{ id: '1', name: 'Press', conditions: [] }] });
    const { signals, next } = adopt(rule, named, [reading(0, 55)]);
    expect(signals).toMatchObject([{ phase: 'stop', rule: '1' }]);
    expect(next(55)).toEqual(['start alarm']);
  });

  it.each([null, undefined, 7, 'state', [], {}, { places: {} }, { places: {}, subjects: { a: 1 } }])(
    'takes no state that is none: %j',
    (state) => {
      expect(thermalMachine(rule).adopt?.(state)).toBeNull();
    },
  );
});

describe('memory', () => {
  it('forgets the oldest quiet names and never one with a level', () => {
    const events = [reading(0, 60, { rule: 'hot' })];
    for (let index = 0; index < MOST_NAMES + 50; index++)
      events.push(reading(1 + index, 20, { rule: `made up ${index}` }));
    const machine = thermalMachine(rule);
    let state: ThermalState = machine.initial;
    for (const event of events) state = machine.step(state, event).state;
    expect(Object.keys(state.places)).toHaveLength(MOST_NAMES);
    expect(Object.keys(state.subjects)).toHaveLength(MOST_NAMES);
    expect(state.subjects['place|cube|2|hot']).toMatchObject({ told: 'alarm' });
    expect(state.places['place|cube|2|made up 0']).toBeUndefined();
  });

  it('takes no further name when each one has a level', () => {
    const machine = thermalMachine(rule);
    let state: ThermalState = machine.initial;
    for (let index = 0; index <= MOST_NAMES; index++)
      state = machine.step(state, reading(index, 60, { rule: `${index}` })).state;
    expect(Object.keys(state.subjects)).toHaveLength(MOST_NAMES);
    expect(state.subjects[`place|cube|2|${MOST_NAMES}`]).toBeUndefined();
  });

  it('leaves a state alone that it was given', () => {
    const machine = thermalMachine(rule);
    const { state } = machine.step(machine.initial, reading(0, 60));
    const kept = structuredClone(state);
    machine.step(state, reading(1, 20));
    expect(state).toEqual(kept);
    expect(machine.initial).toEqual({ places: {}, subjects: {} });
  });

  it('takes any name, even words of the language', () => {
    const names = ['__proto__', 'constructor', 'toString', 'a|b', ''];
    const events = names.map((name, at) => reading(at, 60, { rule: name }));
    expect(told(rule, events)).toEqual(names.map(() => 'start alarm'));
    expect(({} as Record<string, unknown>).told).toBeUndefined();
  });

  it('survives whatever a device tells', () => {
    const number = fc.oneof(fc.double(), fc.constant(undefined));
    const temperature = fc.record({
      unit: fc.constantFrom('celsius' as const, 'fahrenheit' as const, 'kelvin' as const),
      value: number,
      minimum: number,
      maximum: number,
      average: number,
    });
    const event = fc.record({ at: fc.integer(), rule: fc.string(), temperature });
    const all = ruleOf([manual, group(), { ...manual, kind: 'rise', withinMs: 10_000, measure: 'maximum' }]);
    fc.assert(
      fc.property(fc.array(event, { maxLength: 30 }), (events) => {
        const { signals } = run(
          all,
          events.map((given) => reading(given.at, given.temperature, { rule: given.rule })),
        );
        for (const signal of signals) expect(Number.isFinite(signal.temperature?.value)).toBe(true);
      }),
    );
  });
});

describe('a rule that is none', () => {
  it.each<[string, ThermalRule, RegExp]>([
    ['no rule at all', ruleOf([]), /rules are empty/],
    ['an unknown unit', ruleOf([manual], { unit: 'réaumur' as 'celsius' }), /unit must be one of/],
    ['a limit that is no number', ruleOf([threshold({ alarm: Number.NaN })]), /a limit of rule 1 is NaN/],
    ['a limit below absolute zero', ruleOf([threshold({ preAlarm: -300 })]), /from -273.15/],
    ['pre-alarm and alarm the wrong way round', ruleOf([threshold({ preAlarm: 60 })]), /pre-alarm below its alarm/],
    ['the same for below', ruleOf([threshold({ direction: 'below' })]), /pre-alarm above its alarm/],
    ['a negative tolerance', ruleOf([threshold({ tolerance: -1 })]), /tolerance of rule 1/],
    [
      'a section that ends before it begins',
      ruleOf([{ ...manual, kind: 'section', maximum: 54 }]),
      /maximum of rule 1/,
    ],
    [
      'a rise of nothing',
      ruleOf([{ ...manual, kind: 'rise', withinMs: 1_000, preAlarm: null, alarm: 0 }]),
      /more than 0 K/,
    ],
    [
      'a place compared with itself',
      ruleOf([{ ...manual, kind: 'difference', first: 'A', second: ' a ', comparison: 'amount' }]),
      /itself/,
    ],
    [
      'two sensors of one id',
      ruleOf([manual], {
        sensors: [
          { id: 'a', name: '', conditions: [] },
          { id: 'A ', name: '', conditions: [] },
        ],
      }),
      /twice/,
    ],
    ['a sensor without id', ruleOf([manual], { sensors: [{ id: ' ', name: '', conditions: [] }] }), /no id/],
    ['a kind that nobody knows', ruleOf([{ ...manual, kind: 'magic' as 'threshold' }]), /no kind/],
  ])('%s', (_what, wrong, message) => {
    expect(() => thermalMachine(wrong)).toThrow(message);
    expect(() => checkThermalRule(wrong)).toThrow(expect.objectContaining({ code: 'E_BAD_TRIGGER', family: 'user' }));
  });
});
