import helper from 'node-red-node-test-helper';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { defaultPolicy } from '../../engine/index';
import { FakeFlowEngine } from '../support/fake-flow-engine';
import {
  catcher,
  caughtSink,
  collect,
  errorsOf,
  flowNode,
  gate,
  hall,
  live,
  run,
  sink,
  statusesOf,
  tab,
  turns,
} from './flow-fixture';

let engine: FakeFlowEngine;
beforeEach(() => {
  engine = new FakeFlowEngine();
});
afterEach(async () => {
  await helper.unload();
});

const define = async (config: Record<string, unknown> = {}) => {
  await run([tab, hall, gate, flowNode('temperature-rule', { name: 'Boiler room', ...config }), sink], engine);
  return engine.triggers.get('node');
};

const level = { preAlarm: 50, alarm: 55, tolerance: 3 };
const measured = { measure: 'maximum', place: 'any', names: [] };

describe('the temperature rule node', () => {
  it('defines a trigger with the rule of the manual when it is new', async () => {
    const trigger = await define();
    expect(trigger).toEqual({
      id: 'node',
      name: 'Boiler room',
      filter: { types: ['temperature-reading'] },
      policy: { ...defaultPolicy, ...trigger?.policy, quietMs: 0, keyParts: ['device', 'channel', 'type', 'rule'] },
      source: {
        kind: 'thermal',
        rule: {
          unit: 'celsius',
          conditions: [{ kind: 'threshold', ...measured, ...level, direction: 'above' }],
          sensors: [],
          filteringMs: 0,
          staleMs: 60_000,
          triggerId: 'node',
        },
      },
    });
  });

  it('listens to the devices chosen and to its own messages', async () => {
    expect((await define({ devices: ['hall', 'gate'] }))?.filter.deviceIds).toEqual(['hall', 'gate', 'node']);
  });

  it('judges the temperatures of device alarms where that is wanted', async () => {
    expect((await define({ deviceAlarms: true }))?.filter.types).toEqual([
      'temperature-reading',
      'temperature-prealarm',
      'temperature-alarm',
      'wireless-sensor',
    ]);
  });

  it('lets an escalation wait for the filtering time, too', async () => {
    const trigger = await define({ filteringTime: 10 });
    expect(trigger?.policy.onDelayMs).toBe(10_000);
    expect(trigger?.source).toMatchObject({ rule: { filteringMs: 10_000 } });
  });

  it('reads every kind of rule', async () => {
    const trigger = await define({
      rules: [
        {
          kind: 'threshold',
          measure: 'average',
          place: 'area',
          names: 'Press, 3',
          direction: 'below',
          preAlarm: '',
          alarm: '5',
          tolerance: 1,
        },
        { kind: 'sudden-change', change: 'either', seconds: 60, preAlarm: '', alarm: 20, tolerance: 0 },
        { kind: 'rise', seconds: 10, preAlarm: 5, alarm: 10, tolerance: 0 },
        { kind: 'section', preAlarm: '', alarm: 50, maximum: 60, tolerance: 0 },
        {
          kind: 'difference',
          first: 'A',
          second: 'B',
          comparison: 'first-second',
          direction: 'below',
          preAlarm: null,
          alarm: -5,
          tolerance: 1,
        },
        { kind: 'group', group: '2', names: '1,2,3', preAlarm: 10, alarm: 15, tolerance: 0 },
      ],
    });
    expect(trigger?.source).toMatchObject({
      rule: {
        conditions: [
          {
            kind: 'threshold',
            measure: 'average',
            place: 'area',
            names: ['Press', '3'],
            direction: 'below',
            preAlarm: null,
            alarm: 5,
            tolerance: 1,
          },
          {
            kind: 'sudden-change',
            ...measured,
            change: 'either',
            cycleMs: 60_000,
            preAlarm: null,
            alarm: 20,
            tolerance: 0,
          },
          { kind: 'rise', ...measured, withinMs: 10_000, preAlarm: 5, alarm: 10, tolerance: 0 },
          { kind: 'section', ...measured, preAlarm: null, alarm: 50, maximum: 60, tolerance: 0 },
          {
            kind: 'difference',
            measure: 'maximum',
            first: 'A',
            second: 'B',
            comparison: 'first-second',
            direction: 'below',
            preAlarm: null,
            alarm: -5,
            tolerance: 1,
          },
          {
            kind: 'group',
            measure: 'maximum',
            group: '2',
            names: ['1', '2', '3'],
            preAlarm: 10,
            alarm: 15,
            tolerance: 0,
          },
        ],
      },
    });
  });

  it('keeps values in °C whatever the unit of the dialog, differences as differences', async () => {
    const trigger = await define({
      unit: 'fahrenheit',
      rules: [
        { kind: 'threshold', preAlarm: 122, alarm: 131, tolerance: 5.4 },
        { kind: 'section', preAlarm: '', alarm: 122, maximum: 140, tolerance: 0 },
        { kind: 'rise', seconds: 5, preAlarm: '', alarm: 18, tolerance: 0 },
      ],
    });
    expect(trigger?.source).toMatchObject({
      rule: {
        unit: 'fahrenheit',
        conditions: [{ preAlarm: 50, alarm: 55, tolerance: 3 }, { alarm: 50, maximum: 60 }, { alarm: 10 }],
      },
    });
  });

  it('reads sensors with rules of their own', async () => {
    const trigger = await define({
      rules: [],
      sensors: [
        {
          id: 17,
          name: ' Freezer ',
          rules: [{ kind: 'threshold', direction: 'above', preAlarm: -15, alarm: -10, tolerance: 1 }],
        },
        { id: '18', rules: [] },
      ],
    });
    expect(trigger?.source).toMatchObject({
      rule: {
        conditions: [],
        sensors: [
          { id: '17', name: 'Freezer', conditions: [{ kind: 'threshold', preAlarm: -15, alarm: -10 }] },
          { id: '18', name: '', conditions: [] },
        ],
      },
    });
  });

  const bad = { kind: 'threshold', preAlarm: 50, alarm: 55, tolerance: 3 };

  it.each<[string, Record<string, unknown>, RegExp]>([
    ['rules that are none', { rules: 'hot' }, /field "Rules"/],
    ['no rule at all', { rules: [] }, /has no rule/],
    ['a rule without a limit', { rules: [{ ...bad, alarm: '' }] }, /rule 1: field "Alarm"/],
    [
      'a limit below absolute zero',
      { rules: [bad, { ...bad, preAlarm: -274 }] },
      /rule 2: field "Pre-alarm".*-273\.15/,
    ],
    [
      'the pre-alarm above the alarm',
      { rules: [{ ...bad, preAlarm: 55 }] },
      /"Pre-alarm" is 55, it must be below the alarm/,
    ],
    ['a rise within more than 10 s', { rules: [{ ...bad, kind: 'rise', preAlarm: '', seconds: 11 }] }, /"Duration"/],
    ['a place compared with itself', { rules: [{ ...bad, kind: 'difference', first: 'a', second: 'A' }] }, /"Second"/],
    ['an unknown kind', { rules: [{ ...bad, kind: 'magic' }] }, /"Rule"/],
    [
      'a group rule of a sensor',
      { sensors: [{ id: '1', rules: [{ ...bad, kind: 'group' }] }] },
      /sensor "1", rule 1: field "Rule"/,
    ],
    ['a sensor without id', { sensors: [{ id: ' ' }] }, /sensor 1: field "Sensor ID"/],
    ['two sensors of one id', { sensors: [{ id: 'a' }, { id: 'A' }] }, /sensor 2: field "Sensor ID"/],
    [
      'two sensors of one name',
      {
        sensors: [
          { id: 'a', name: 'x' },
          { id: 'b', name: 'X' },
        ],
      },
      /sensor 2: field "Name"/,
    ],
    ['a section that ends before it begins', { rules: [{ ...bad, kind: 'section', maximum: 54 }] }, /"Max. alarm"/],
    ['a tolerance below zero', { rules: [{ ...bad, tolerance: -1 }] }, /"Tolerance"/],
  ])('refuses %s and says where', async (_what, config, message) => {
    expect(await define(config)).toBeUndefined();
    expect(errorsOf('node')[0]).toMatch(/^Temperature rule "Boiler room"/);
    expect(errorsOf('node')[0]).toMatch(message);
    expect(statusesOf('node').at(-1)).toMatchObject({ fill: 'red' });
  });
});

describe('temperatures that other nodes send', () => {
  const send = async (message: Record<string, unknown>, config: Record<string, unknown> = {}) => {
    await run([tab, flowNode('temperature-rule', { name: 'Rack', ...config }), sink, catcher, caughtSink], engine);
    const out = collect('sink');
    const caught = collect('caught');
    live('node').receive({ _msgid: 'm1', ...message });
    await turns();
    return { out, caught, places: engine.readings[0]?.reading.places };
  };
  const celsius = (value: number) => ({ unit: 'celsius', value });

  it('are offered under the name of the topic', async () => {
    const { out, caught } = await send({ payload: 23.5, topic: 'sensor/17' });
    expect(engine.readings).toEqual([
      { triggerId: 'node', reading: { messageId: 'm1', places: [{ name: 'sensor/17', temperature: celsius(23.5) }] } },
    ]);
    expect([...out, ...caught]).toEqual([]);
  });

  it.each<[string, Record<string, unknown>, unknown]>([
    ['a number as text', { payload: ' 23.5 ' }, [{ name: '', temperature: celsius(23.5) }]],
    ['below zero', { payload: -40 }, [{ name: '', temperature: celsius(-40) }]],
    [
      'an object',
      { payload: { value: 23.5, unit: '°F', name: 'Rack' } },
      [{ name: 'Rack', temperature: { unit: 'fahrenheit', value: 23.5 } }],
    ],
    [
      'the unit of the message',
      { payload: 300, unit: 'K' },
      [{ name: '', temperature: { unit: 'kelvin', value: 300 } }],
    ],
    [
      'a number as name',
      { payload: { temperature: 20, id: 17 }, topic: 'other' },
      [{ name: '17', temperature: celsius(20) }],
    ],
    [
      'all measures',
      { payload: { min: 1, max: 3, average: 2 }, topic: 'a' },
      [{ name: 'a', temperature: { unit: 'celsius', minimum: 1, maximum: 3, average: 2 } }],
    ],
    [
      'an array',
      {
        payload: [
          { name: 'a', value: 1 },
          { name: 'b', value: 2, unit: 'Kelvin' },
        ],
      },
      [
        { name: 'a', temperature: celsius(1) },
        { name: 'b', temperature: { unit: 'kelvin', value: 2 } },
      ],
    ],
  ])('may be %s', async (_what, message, expected) => {
    expect((await send(message)).places).toEqual(expected);
  });

  it('are in the unit of the dialog where nothing else is said', async () => {
    const { places } = await send({ payload: 70 }, { unit: 'fahrenheit' });
    expect(places).toEqual([{ name: '', temperature: { unit: 'fahrenheit', value: 70 } }]);
  });

  it.each<[string, Record<string, unknown>]>([
    ['nothing', {}],
    ['true', { payload: true }],
    ['a word', { payload: 'warm' }],
    ['an empty text', { payload: '' }],
    ['NaN', { payload: Number.NaN }],
    ['an object without a temperature', { payload: { humidity: 50 } }],
    ['a unit that nobody knows', { payload: 20, unit: 'R' }],
    ['a unit that is a word of the language', { payload: 20, unit: 'constructor' }],
    ['an empty array', { payload: [] }],
    ['an array of numbers without names', { payload: [1, 2] }],
    ['more than a message may tell', { payload: Array.from({ length: 257 }, (_v, i) => ({ name: `${i}`, value: 1 })) }],
    ['a name as long as a book', { payload: { value: 1, name: 'x'.repeat(129) } }],
    ['a name that is none', { payload: { value: 1, name: {} } }],
  ])('are refused with the remedy when they are %s', async (_what, message) => {
    const { caught } = await send(message);
    expect(engine.readings).toEqual([]);
    const { error } = caught[0] as unknown as { error: { message: string } };
    expect(error.message).toMatch(/Temperature rule "Rack" got .*set msg\.payload to a temperature/);
  });
});
