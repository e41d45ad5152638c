import { describe, expect, it } from 'vitest';
import type { EventFilter } from '../../engine/domain/triggers';
import {
  alarmKey,
  duration,
  filterRefusal,
  hasWholeKey,
  keyAgrees,
  listensTo,
  matchesFilter,
  signalOf,
} from '../../engine/gates';
import { alarmEvent } from '../support/alarm-events';
import { bare, openContext } from '../support/alarm-gates';

const filter = (fields: Partial<EventFilter> = {}): EventFilter => ({ types: ['temperature-alarm'], ...fields });
const hot = { type: 'temperature-alarm' as const, channel: 2 };

describe('a filter', () => {
  it.each<[string, Partial<EventFilter>, Parameters<typeof alarmEvent>[0], string | null]>([
    ['lets the type pass', {}, hot, null],
    ['refuses another type', {}, { type: 'motion' }, 'type motion is not among temperature-alarm'],
    ['refuses another device', { deviceIds: ['cam9'] }, hot, 'device cam1 is not among those chosen'],
    ['lets a chosen channel pass', { channels: [1, 2] }, hot, null],
    ['refuses another channel', { channels: [1, 3] }, hot, 'channel 2 is not among 1, 3'],
    [
      'refuses an event without a channel',
      { channels: [1] },
      { ...hot, channel: undefined },
      'the event names no channel; wanted 1',
    ],
    ['lets a stop without a channel pass', { channels: [1] }, { ...hot, channel: undefined, phase: 'stop' }, null],
    ['refuses a stop of another channel', { channels: [1] }, { ...hot, phase: 'stop' }, 'channel 2 is not among 1'],
    ['takes any type where asked', { types: [], anyType: true }, { type: 'vendor:odd' }, null],
    [
      'takes no reading for an event',
      { types: [], anyType: true },
      { type: 'temperature-reading' },
      'type temperature-reading tells of nothing that happens: name it to take it',
    ],
    [
      'takes a named reading beside any type',
      { types: ['temperature-reading'], anyType: true },
      { type: 'temperature-reading' },
      null,
    ],
    ['lets a listed sender pass', { senders: ['192.0.2.0/24'] }, { ...hot, sender: '192.0.2.7' }, null],
    ['lets a sender pass by its name', { senders: ['ups-1'] }, { ...hot, sender: '192.0.2.7', input: 'UPS-1' }, null],
    [
      'refuses another sender',
      { senders: ['192.0.2.0/24', 'ups-1'] },
      { ...hot, sender: '198.51.100.7' },
      'sender 198.51.100.7 is not among 192.0.2.0/24, ups-1',
    ],
    [
      'refuses the end of another sender',
      { senders: ['192.0.2.0/24'] },
      { ...hot, phase: 'stop', sender: '198.51.100.7' },
      'sender 198.51.100.7 is not among 192.0.2.0/24',
    ],
    [
      'refuses an event without a sender',
      { senders: ['192.0.2.7'] },
      hot,
      'the event names no sender; wanted 192.0.2.7',
    ],
    ['lets an end without a sender pass', { senders: ['192.0.2.7'] }, { ...hot, phase: 'stop' }, null],
    ["knows the device's own name", { vendorTypes: ['vmd'] }, { ...hot, vendorType: 'VMD' }, null],
    ['knows how the name begins', { vendorTypes: ['1.3.6.*'] }, { ...hot, vendorType: '1.3.6.1.4' }, null],
    [
      'refuses another name',
      { vendorTypes: ['1.3.6.*'] },
      { ...hot, vendorType: '1.3.61' },
      'the device\'s name "1.3.61" is not among 1.3.6.*',
    ],
    [
      'lets an end of another name pass',
      { vendorTypes: ['linkDown'] },
      { ...hot, phase: 'stop', vendorType: 'linkUp' },
      null,
    ],
    ['knows regions', { regions: ['2', '3'] }, { ...hot, regions: [{ id: '1' }, { id: '3' }] }, null],
    ['refuses other regions', { regions: ['2'] }, { ...hot, regions: [{ id: '1' }] }, 'region 1 is not among 2'],
    [
      'refuses an event without a region',
      { regions: ['2'] },
      { ...hot, regions: [{}] },
      'the event names no region; wanted 2',
    ],
    ['lets a stop without a region pass', { regions: ['2'] }, { ...hot, phase: 'stop' }, null],
    ['knows inputs', { inputs: ['1'] }, { ...hot, input: '2' }, 'input 2 is not among 1'],
    ['knows rules', { rules: ['4'] }, { ...hot, rule: '4' }, null],
    [
      'refuses another target',
      { targets: ['human'] },
      { ...hot, target: 'vehicle' },
      'target vehicle is not among human',
    ],
    ['finds the target in a region', { targets: ['human'] }, { ...hot, regions: [{ target: 'human' }] }, null],
    [
      'refuses the other direction',
      { directions: ['a-to-b'] },
      { ...hot, direction: 'b-to-a' },
      'direction b-to-a is not among a-to-b',
    ],
    ['takes both directions for either', { directions: ['a-to-b'] }, { ...hot, direction: 'both' }, null],
    [
      'refuses a lower level',
      { minimumLevel: 'alarm' },
      { ...hot, level: 'pre-alarm' },
      'level pre-alarm is below alarm',
    ],
    ['lets both levels pass from pre-alarm on', { minimumLevel: 'pre-alarm' }, { ...hot, level: 'pre-alarm' }, null],
    [
      'lets the one stop of a source with two levels pass',
      { minimumLevel: 'alarm' },
      { ...hot, level: 'pre-alarm', phase: 'stop' },
      null,
    ],
    [
      'refuses a lower temperature',
      { minimumCelsius: 60 },
      { ...hot, temperature: { unit: 'celsius', value: 55.04 } },
      '55 °C is below 60 °C',
    ],
    ['takes the limit itself', { minimumCelsius: 60 }, { ...hot, temperature: { unit: 'celsius', value: 60 } }, null],
    ['reads Fahrenheit', { minimumCelsius: 60 }, { ...hot, temperature: { unit: 'fahrenheit', value: 140 } }, null],
    [
      'reads Fahrenheit below',
      { minimumCelsius: 60 },
      { ...hot, temperature: { unit: 'fahrenheit', value: 139 } },
      '59.4 °C is below 60 °C',
    ],
    [
      'reads Kelvin',
      { minimumCelsius: 60 },
      { ...hot, temperature: { unit: 'kelvin', value: 330 } },
      '56.9 °C is below 60 °C',
    ],
    [
      'takes the hottest region',
      { minimumCelsius: 60 },
      {
        ...hot,
        regions: [{ temperature: { unit: 'celsius', value: 20 } }, { temperature: { unit: 'celsius', value: 70 } }],
      },
      null,
    ],
    [
      'refuses an event without temperature',
      { minimumCelsius: 60 },
      hot,
      'the event tells no temperature; wanted at least 60 °C',
    ],
    ['lets a stop without temperature pass', { minimumCelsius: 60 }, { ...hot, phase: 'stop' }, null],
  ])('%s', (_title, fields, event, refusal) => {
    expect(filterRefusal(filter(fields), alarmEvent(event))).toBe(refusal);
    expect(matchesFilter(filter(fields), alarmEvent(event))).toBe(refusal === null);
  });

  it('takes a pre-alarm type as pre-alarm level', () => {
    const both = filter({ types: ['temperature-prealarm', 'temperature-alarm'], minimumLevel: 'alarm' });
    expect(filterRefusal(both, alarmEvent({ type: 'temperature-prealarm' }))).toBe('level pre-alarm is below alarm');
    expect(filterRefusal(both, alarmEvent({ type: 'temperature-prealarm', phase: 'stop' }))).not.toBeNull();
  });

  it('listens by device and type alone', () => {
    expect(listensTo(filter({ channels: [7] }), alarmEvent(hot))).toBe(true);
    expect(listensTo(filter({ deviceIds: [] }), alarmEvent(hot))).toBe(false);
  });
});

describe('a key', () => {
  const parts = ['device', 'channel', 'input', 'type', 'rule'] as const;

  it('is canonical whatever the order of its parts', () => {
    const event = alarmEvent({ ...hot, rule: '1' });
    expect(alarmKey(parts, event)).toBe('device=cam1;channel=2;type=temperature-alarm;rule=1');
    expect(alarmKey([...parts].reverse(), event)).toBe(alarmKey(parts, event));
  });

  it('is one for pre-alarm and alarm', () => {
    expect(alarmKey(parts, alarmEvent({ ...hot, type: 'temperature-prealarm' }))).toBe(
      alarmKey(parts, alarmEvent(hot)),
    );
  });

  it('cannot be forged by a rule name', () => {
    const forged = alarmEvent({ ...hot, rule: '1;target=human' });
    expect(alarmKey(['rule', 'target'], forged)).toBe('rule=1%3btarget%3dhuman');
  });

  it('is whole only with all of its parts', () => {
    expect(hasWholeKey(['device', 'channel'], alarmEvent(hot))).toBe(true);
    expect(hasWholeKey(['device', 'rule'], alarmEvent(hot))).toBe(false);
  });

  it('agrees with an event that leaves out the rule', () => {
    const key = alarmKey(parts, alarmEvent({ ...hot, rule: '1' }));
    expect(keyAgrees(key, parts, alarmEvent(hot))).toBe(true);
    expect(keyAgrees(key, parts, alarmEvent({ ...hot, rule: '2' }))).toBe(false);
    expect(keyAgrees(key, parts, alarmEvent({ ...hot, channel: 1 }))).toBe(false);
  });
});

describe('an event as a signal', () => {
  const signal = (event: Parameters<typeof alarmEvent>[0], policy = bare()) =>
    signalOf(alarmEvent(event), policy, null, openContext);

  it.each<[string, number | null, number | undefined, 'start' | 'pulse', number | null]>([
    ['the driver knows its source', null, 7_000, 'start', 7_000],
    ['the trigger goes before the driver', 9_000, 7_000, 'start', 9_000],
    ['0 of the trigger waits for the real end', 0, 7_000, 'start', null],
    ['a source that tells its ends has none', null, undefined, 'start', null],
    ['a single event has 5 s if nobody knows better', null, undefined, 'pulse', 5_000],
  ])('has the quiet time: %s', (_title, quietMs, ofEvent, phase, expected) => {
    expect(signal({ phase, quietMs: ofEvent }, bare({ quietMs })).quietMs).toBe(expected);
  });

  it('has the same identity when the device sends it twice', () => {
    const event = { deviceTime: '2026-06-01T10:00:00+02:00', deviceAt: 1, repeat: 3 };
    expect(signal({ ...event, id: 'a' }).identity).toBe(signal({ ...event, id: 'b' }).identity);
    expect(signal({ ...event, repeat: 4 }).identity).not.toBe(signal(event).identity);
    expect(signal({ ...event, phase: 'stop' }).identity).not.toBe(signal(event).identity);
  });

  it('has no identity without a device time, nor a refresh without a counter', () => {
    expect(signal({}).identity).toBeNull();
    expect(signal({ phase: 'refresh', deviceTime: '10:00:00', deviceAt: 1 }).identity).toBeNull();
  });

  it('tells how late it is', () => {
    const late = signal({
      late: true,
      deviceTime: '10:00:00',
      deviceAt: 1_000,
      receivedAt: 181_000,
      retransmitted: true,
    });
    expect(late.late).toBe('device time 10:00:00, 3 min before its receipt, sent again by the device; recorded only');
  });
});

describe('durations', () => {
  it.each([
    [0, '0 ms'],
    [350, '350 ms'],
    [4_299, '4.2 s'],
    [10_000, '10 s'],
    [125_000, '2 min 5 s'],
    [3_600_000, '1 h'],
    [3_780_000, '1 h 3 min'],
    [187_200_000, '2 d 4 h'],
  ])('%d ms is %s', (ms, text) => {
    expect(duration(ms)).toBe(text);
  });
});
