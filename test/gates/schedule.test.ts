import { describe, expect, it } from 'vitest';
import { isoTime, parseIsoTime } from '../../engine/clock/clock';
import type { ArmingSchedule, SchedulePeriod, Weekday } from '../../engine/domain/schedules';
import { weekdays } from '../../engine/domain/schedules';
import { checkSchedule, evaluateSchedule, nextEdges, scheduleWindow } from '../../engine/gates';
import { cpuTime } from '../support/cpu-time';

const MINUTE = 60_000;
const DAY = 1_440 * MINUTE;

/** `02:30-05:00` as a period. */
function period(text: string): SchedulePeriod {
  const [from = 0, to = 0] = text.split('-').map((time) => {
    const [hour = 0, minute = 0] = time.split(':').map(Number);
    return hour * 60 + minute;
  });
  return { from, to };
}

function schedule(timeZone: string, week: Partial<Record<Weekday | 'daily', string[]>>): ArmingSchedule {
  const days = weekdays.map((day) => [day, (week[day] ?? week.daily ?? []).map(period)] as const);
  return {
    id: 's',
    name: 'Night',
    timeZone,
    week: Object.fromEntries(days) as Record<Weekday, SchedulePeriod[]>,
  };
}

const at = (text: string): number => parseIsoTime(text) ?? Number.NaN;

const edges = (arming: ArmingSchedule, from: string, count: number): string[] =>
  nextEdges(arming, at(from), count).map((edge) => `${edge.armed ? 'on' : 'off'} ${isoTime(edge.at).slice(0, 16)}`);

describe('a weekly schedule', () => {
  const office = schedule('Europe/Berlin', {
    monday: ['18:00-24:00'],
    tuesday: ['00:00-06:00', '18:00-22:00'],
    saturday: ['22:00-04:00'],
  });

  it.each([
    ['before its beginning', '2026-06-01T15:59:59Z', false],
    ['at its beginning', '2026-06-01T16:00:00Z', true],
    ['up to 24:00 and on into the next day', '2026-06-01T22:00:00Z', true],
    ['before its end', '2026-06-02T03:59:59.999Z', true],
    ['at its end', '2026-06-02T04:00:00Z', false],
    ['over midnight', '2026-06-06T23:30:00Z', true],
    ['over midnight, at its end', '2026-06-07T02:00:00Z', false],
    ['on a day without periods', '2026-06-03T12:00:00Z', false],
  ])('%s', (_title, time, armed) => {
    expect(evaluateSchedule(office, at(time)).armed).toBe(armed);
  });

  it('says until when, in local time', () => {
    expect(evaluateSchedule(office, at('2026-06-01T16:00:00Z')).detail).toBe(
      'schedule "Night" is armed until Tue 06:00 (Europe/Berlin)',
    );
    expect(evaluateSchedule(office, at('2026-06-02T04:00:00Z')).detail).toBe(
      'schedule "Night" is not armed until Tue 18:00 (Europe/Berlin)',
    );
  });

  it('previews the next edges', () => {
    expect(edges(office, '2026-06-01T00:00:00Z', 5)).toEqual([
      'on 2026-06-01T16:00',
      'off 2026-06-02T04:00',
      'on 2026-06-02T16:00',
      'off 2026-06-02T20:00',
      'on 2026-06-06T20:00',
    ]);
  });

  it('does not count the moment asked from as an edge', () => {
    expect(edges(office, '2026-06-01T16:00:00Z', 1)).toEqual(['off 2026-06-02T04:00']);
  });

  it('has no edge between periods that touch or overlap', () => {
    const touching = schedule('UTC', { daily: ['00:00-08:00', '08:00-09:00', '08:30-10:00'] });
    expect(edges(touching, '2026-06-01T00:00:00Z', 2)).toEqual(['off 2026-06-01T10:00', 'on 2026-06-02T00:00']);
  });

  it.each([
    ['24 hours on every day', ['00:00-24:00']],
    ['from 00:00 to 00:00 of the next day', ['00:00-00:00']],
    ['two halves', ['00:00-12:00', '12:00-24:00']],
    ['over midnight and the rest', ['20:00-08:00', '08:00-20:00']],
  ])('is always armed, without edges: %s', (_title, daily) => {
    const always = schedule('Europe/Berlin', { daily });
    expect(evaluateSchedule(always, at('2026-03-29T01:00:00Z')).armed).toBe(true);
    expect(evaluateSchedule(always, at('2026-03-29T01:00:00Z')).detail).toBe('schedule "Night" is always armed');
    expect(nextEdges(always, at('2026-03-01T00:00:00Z'), 5)).toEqual([]);
  });

  it('is never armed without periods', () => {
    const never = schedule('Europe/Berlin', {});
    expect(evaluateSchedule(never, at('2026-03-29T01:00:00Z')).armed).toBe(false);
    expect(nextEdges(never, at('2026-03-01T00:00:00Z'), 5)).toEqual([]);
  });

  it('gives twenty edges of one short period a week', () => {
    expect(nextEdges(schedule('Asia/Tokyo', { friday: ['12:00-12:01'] }), at('2026-01-01T00:00:00Z'), 20)).toHaveLength(
      20,
    );
  });
});

describe('the nights on which clocks change', () => {
  it.each<[string, string, string, string, string[]]>([
    // Berlin 2026: forward 29 March 02:00 → 03:00 (01:00Z), back 25 October 03:00 → 02:00 (01:00Z).
    [
      'Berlin, short: a period around the gap is an hour shorter',
      'Europe/Berlin',
      '01:00-04:00',
      '2026-03-28T12:00:00Z',
      ['on 2026-03-29T00:00', 'off 2026-03-29T02:00'],
    ],
    [
      'Berlin, short: a period that starts in the gap starts at its end',
      'Europe/Berlin',
      '02:30-05:00',
      '2026-03-28T12:00:00Z',
      ['on 2026-03-29T01:00', 'off 2026-03-29T03:00'],
    ],
    [
      'Berlin, short: a period that ends in the gap ends with it',
      'Europe/Berlin',
      '01:00-02:30',
      '2026-03-28T12:00:00Z',
      ['on 2026-03-29T00:00', 'off 2026-03-29T01:00'],
    ],
    [
      'Berlin, short: a period inside the gap is left out that night',
      'Europe/Berlin',
      '02:10-02:50',
      '2026-03-28T12:00:00Z',
      ['on 2026-03-30T00:10', 'off 2026-03-30T00:50'],
    ],
    [
      'Berlin, long: the repeated hour is armed once, continuously',
      'Europe/Berlin',
      '02:00-03:00',
      '2026-10-24T12:00:00Z',
      ['on 2026-10-25T00:00', 'off 2026-10-25T02:00'],
    ],
    [
      'Berlin, long: a period inside the repeated hour has no hole',
      'Europe/Berlin',
      '02:15-02:45',
      '2026-10-24T12:00:00Z',
      ['on 2026-10-25T00:15', 'off 2026-10-25T01:45'],
    ],
    [
      'Berlin, long: a period that ends in the repeated hour ends in its second run',
      'Europe/Berlin',
      '22:00-02:30',
      '2026-10-24T12:00:00Z',
      ['on 2026-10-24T20:00', 'off 2026-10-25T01:30'],
    ],
    [
      'Berlin, long: a period that starts in the repeated hour starts in its first run',
      'Europe/Berlin',
      '02:30-06:00',
      '2026-10-24T12:00:00Z',
      ['on 2026-10-25T00:30', 'off 2026-10-25T05:00'],
    ],
    // New York 2026: forward 8 March 02:00 → 03:00 (07:00Z), back 1 November 02:00 → 01:00 (06:00Z).
    [
      'New York, short',
      'America/New_York',
      '02:30-05:00',
      '2026-03-07T18:00:00Z',
      ['on 2026-03-08T07:00', 'off 2026-03-08T09:00'],
    ],
    [
      'New York, long',
      'America/New_York',
      '01:30-05:00',
      '2026-10-31T18:00:00Z',
      ['on 2026-11-01T05:30', 'off 2026-11-01T10:00'],
    ],
    [
      'New York, long, end in the repeated hour',
      'America/New_York',
      '23:00-01:30',
      '2026-10-31T18:00:00Z',
      ['on 2026-11-01T03:00', 'off 2026-11-01T06:30'],
    ],
    // Lord Howe 2026 changes by half an hour: forward 4 October 02:00 → 02:30 (3 Oct 15:30Z), back 5 April 02:00 → 01:30 (4 Apr 15:00Z).
    [
      'Lord Howe, short by half an hour',
      'Australia/Lord_Howe',
      '02:15-05:00',
      '2026-10-03T04:00:00Z',
      ['on 2026-10-03T15:30', 'off 2026-10-03T18:00'],
    ],
    [
      'Lord Howe, long by half an hour',
      'Australia/Lord_Howe',
      '01:45-05:00',
      '2026-04-04T04:00:00Z',
      ['on 2026-04-04T14:45', 'off 2026-04-04T18:30'],
    ],
    [
      'Lord Howe, long, end in the repeated half hour',
      'Australia/Lord_Howe',
      '20:00-01:45',
      '2026-04-04T04:00:00Z',
      ['on 2026-04-04T09:00', 'off 2026-04-04T15:15'],
    ],
    // Cairo 2026 goes forward at midnight of 24 April: 00:00 → 01:00 (23 April 22:00Z).
    [
      'Cairo, midnight is in the gap',
      'Africa/Cairo',
      '00:00-06:00',
      '2026-04-23T12:00:00Z',
      ['on 2026-04-23T22:00', 'off 2026-04-24T03:00'],
    ],
  ])('%s', (_title, zone, daily, from, expected) => {
    expect(edges(schedule(zone, { daily: [daily] }), from, expected.length)).toEqual(expected);
  });

  it('keeps a day that a zone skipped for ever without edges of its own', () => {
    // Apia went from 29 December 2011 24:00 straight to 31 December 00:00 (10:00Z on the 30th).
    expect(edges(schedule('Pacific/Apia', { daily: ['22:00-23:00'] }), '2011-12-29T12:00:00Z', 4)).toEqual([
      'on 2011-12-30T08:00',
      'off 2011-12-30T09:00',
      'on 2011-12-31T08:00',
      'off 2011-12-31T09:00',
    ]);
  });
});

describe('the verdict on a moment', () => {
  it('costs less than two microseconds while the moments stay in one window', () => {
    const arming = schedule('Europe/Berlin', { daily: ['18:00-06:00'] });
    const start = at('2026-06-01T20:00:00Z');
    evaluateSchedule(arming, start);
    let armed = 0;
    const began = cpuTime();
    for (let index = 0; index < 200_000; index++) if (evaluateSchedule(arming, start + index).armed) armed++;
    const eachMs = (cpuTime() - began) / 200_000;
    expect(armed).toBe(200_000);
    expect(eachMs).toBeLessThan(0.002);
  });

  it('is as cheap where late events of last week lie between those of today', () => {
    const arming = schedule('Europe/Berlin', { daily: ['18:00-06:00'] });
    const start = at('2026-06-01T20:00:00Z');
    const began = cpuTime();
    for (let index = 0; index < 200_000; index++) evaluateSchedule(arming, start + index - (index % 3) * 2 * DAY);
    expect((cpuTime() - began) / 200_000).toBeLessThan(0.004);
  });

  it('holds for the whole of its window', () => {
    const arming = schedule('Europe/Berlin', { daily: ['18:00-06:00'] });
    const window = scheduleWindow(arming, at('2026-06-01T20:00:00Z'));
    expect([isoTime(window.from), isoTime(window.to)]).toEqual([
      '2026-06-01T16:00:00.000Z',
      '2026-06-02T04:00:00.000Z',
    ]);
    expect(evaluateSchedule(arming, window.to - 1).armed).toBe(true);
    expect(evaluateSchedule(arming, window.to).armed).toBe(false);
    expect(evaluateSchedule(arming, window.from - 1).armed).toBe(false);
  });

  it('is right however the moments jump', () => {
    const arming = schedule('Europe/Berlin', { daily: ['18:00-06:00'] });
    for (const day of [0, 300, 5, 100, 99, 0]) {
      expect(evaluateSchedule(arming, at('2026-01-10T12:00:00Z') + day * DAY).armed).toBe(false);
      expect(evaluateSchedule(arming, at('2026-01-10T22:00:00Z') + day * DAY).armed).toBe(true);
    }
  });
});

describe('a schedule from a flow', () => {
  it.each<[string, ArmingSchedule, string]>([
    [
      'an unknown zone',
      schedule('Europe/Atlantis', {}),
      '"Europe/Atlantis" is no time zone: choose one such as Europe/Berlin',
    ],
    [
      'a time beyond 24:00',
      schedule('UTC', { monday: ['10:00-24:01'] }),
      'Schedule "Night": monday has a period 600–1441; times are whole minutes from 0 to 1440',
    ],
    [
      'a day without a list',
      { ...schedule('UTC', {}), week: {} as ArmingSchedule['week'] },
      'Schedule "Night": monday has no list of periods; give an empty one for a day that is not armed',
    ],
  ])('is refused with the reason: %s', (_title, arming, message) => {
    expect(() => checkSchedule(arming)).toThrow(message);
  });
});
