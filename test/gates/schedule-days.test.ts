import { describe, expect, it } from 'vitest';
import { isoTime, parseIsoTime } from '../../engine/clock/clock';
import type { ArmingSchedule, SchedulePeriod } from '../../engine/domain/schedules';
import { weekdays } from '../../engine/domain/schedules';
import { checkSchedule, evaluateSchedule, nextEdges, previewSchedule, scheduleWindow } from '../../engine/gates';
import { cpuTime } from '../support/cpu-time';

const at = (text: string): number => parseIsoTime(text) ?? Number.NaN;
const wholeDay: SchedulePeriod[] = [{ from: 0, to: 1_440 }];

const schedule = (daily: SchedulePeriod[], more: Partial<ArmingSchedule> = {}): ArmingSchedule => ({
  id: 's',
  name: 'Night',
  timeZone: 'Europe/Berlin',
  week: Object.fromEntries(weekdays.map((day) => [day, daily])) as ArmingSchedule['week'],
  ...more,
});

/** Whether a schedule is armed at noon in Berlin's winter. */
const armedOn = (arming: ArmingSchedule, date: string): boolean =>
  evaluateSchedule(arming, at(`${date}T11:00:00Z`)).armed;

describe('the days of a holiday', () => {
  it.each<[string, string, string | undefined, string[], string[]]>([
    ['once', '2026-12-24', undefined, ['2026-12-24'], ['2026-12-23', '2026-12-25', '2027-12-24']],
    ['once, a span', '2026-12-30', '2027-01-02', ['2026-12-30', '2027-01-02'], ['2026-12-29', '2027-01-03']],
    ['every year', '12-24', undefined, ['2026-12-24', '2031-12-24'], ['2026-12-25']],
    [
      'every year, over New Year',
      '12-30',
      '01-02',
      ['2026-12-30', '2027-01-02', '2024-01-01'],
      ['2026-12-29', '2027-01-03', '2027-06-01'],
    ],
    ['29 February', '02-29', undefined, ['2024-02-29', '2028-02-29'], ['2026-02-28', '2026-03-01']],
    [
      'a span from 29 February',
      '02-29',
      '03-02',
      ['2024-02-29', '2026-03-01', '2026-03-02'],
      ['2026-02-28', '2024-03-03'],
    ],
    ['a span up to 29 February', '02-27', '02-29', ['2024-02-29', '2026-02-28'], ['2026-03-01', '2024-03-01']],
  ])('%s', (_title, from, to, inside, outside) => {
    const arming = schedule(wholeDay, { holidays: [{ name: 'H', from, ...(to ? { to } : {}), periods: [] }] });
    checkSchedule(arming);
    expect(inside.filter((date) => armedOn(arming, date))).toEqual([]);
    expect(outside.filter((date) => !armedOn(arming, date))).toEqual([]);
  });

  it('are those of the zone, not of UTC', () => {
    const arming = schedule(wholeDay, {
      timeZone: 'Pacific/Auckland',
      holidays: [{ name: 'H', from: '2026-07-01', periods: [] }],
    });
    expect(nextEdges(arming, at('2026-06-20T00:00:00Z'), 2).map((edge) => isoTime(edge.at))).toEqual([
      '2026-06-30T12:00:00.000Z',
      '2026-07-01T12:00:00.000Z',
    ]);
  });

  it('are ordinary days when it is disabled', () => {
    const arming = schedule(wholeDay, { holidays: [{ name: 'H', enabled: false, from: '12-24', periods: [] }] });
    expect(armedOn(arming, '2026-12-24')).toBe(true);
    expect(nextEdges(arming, at('2026-01-01T00:00:00Z'), 5)).toEqual([]);
    expect(evaluateSchedule(arming, at('2026-12-24T12:00:00Z')).detail).toBe('schedule "Night" is always armed');
  });
});

describe('the order of what holds on a day', () => {
  const holiday = { name: 'H', from: '12-24', periods: wholeDay };
  const disabled = { ...holiday, enabled: false };
  const none = { name: 'N', from: '12-20', to: '12-31', periods: [] };
  const dated = { name: 'E', from: '2026-12-24', periods: [] };
  const datedArmed = { name: 'F', from: '2026-12-24', periods: wholeDay };

  it.each<[string, Partial<ArmingSchedule>, boolean]>([
    ['the weekday alone', {}, false],
    ['a holiday before the weekday', { holidays: [holiday] }, true],
    ['an enabled holiday before a disabled one', { holidays: [{ ...none, enabled: false }, holiday] }, true],
    ['the holiday listed first', { holidays: [none, holiday] }, false],
    ['the holiday listed first, though another one is longer', { holidays: [holiday, none] }, true],
    ['the weekday where the only holiday is disabled', { holidays: [disabled] }, false],
    ['an exception before a holiday', { holidays: [holiday], exceptions: [dated] }, false],
    ['an exception before the weekday', { exceptions: [datedArmed] }, true],
    ['the exception listed first', { exceptions: [dated, datedArmed] }, false],
  ])('%s', (_title, more, armed) => {
    expect(armedOn(schedule([], more), '2026-12-24')).toBe(armed);
  });
});

describe('the next edges', () => {
  it('are found where only an exception makes some', () => {
    const arming = schedule([], {
      exceptions: [{ name: 'Fair', from: '2027-11-02', periods: [{ from: 540, to: 600 }] }],
    });
    expect(nextEdges(arming, at('2026-11-21T00:00:00Z'), 20)).toEqual([
      { at: at('2027-11-02T08:00:00Z'), armed: true, reason: 'exception Fair: Tuesday 09:00 begins' },
      { at: at('2027-11-02T09:00:00Z'), armed: false, reason: 'exception Fair: Tuesday 10:00 ends' },
    ]);
  });

  it('are found where only a holiday of every year makes some, ten years on', () => {
    const arming = schedule(wholeDay, { holidays: [{ name: 'H', from: '05-01', periods: [] }] });
    expect(nextEdges(arming, at('2026-11-21T00:00:00Z'), 20)).toHaveLength(20);
  });

  it.each<[string, ArmingSchedule]>([
    ['exceptions that are past', schedule(wholeDay, { exceptions: [{ name: 'E', from: '2020-01-01', periods: [] }] })],
    [
      'a holiday as armed as its week',
      schedule(wholeDay, { holidays: [{ name: 'H', from: '12-24', periods: wholeDay }] }),
    ],
    ['an exception far away', schedule([], { exceptions: [{ name: 'E', from: '2040-01-01', periods: wholeDay }] })],
  ])('end after two years without one, quickly: %s', (_title, arming) => {
    const began = cpuTime();
    expect(nextEdges(arming, at('2026-11-21T00:00:00Z'), 20)).toEqual([]);
    const window = scheduleWindow(arming, at('2026-11-21T00:00:00Z'));
    expect(cpuTime() - began).toBeLessThan(500);
    expect(window.detail).toMatch(/does not change for two years$/);
    expect(window.to).toBeGreaterThan(at('2028-11-21T00:00:00Z'));
    expect(scheduleWindow(arming, window.to).armed).toBe(window.armed);
  });

  it('come fast with a thousand holidays and exceptions', () => {
    const special = Array.from({ length: 1_000 }, (_none, index) => ({
      name: `S${index}`,
      from: isoTime(at('2026-01-01T00:00:00Z') + index * 86_400_000).slice(0, 10),
      periods: [{ from: index % 1_000, to: 1_200 }],
    }));
    const arming = schedule([], { holidays: special, exceptions: special });
    checkSchedule(arming);
    const began = cpuTime();
    expect(nextEdges(arming, at('2026-11-21T00:00:00Z'), 20)).toHaveLength(20);
    expect(cpuTime() - began).toBeLessThan(200);
  });

  it('say the date of an edge that is not within the week', () => {
    const arming = schedule(wholeDay, { holidays: [{ name: 'H', from: '12-24', periods: [] }] });
    expect(evaluateSchedule(arming, at('2026-11-21T00:00:00Z')).detail).toBe(
      'schedule "Night" is armed until Thu 2026-12-24 00:00 (Europe/Berlin)',
    );
  });

  it('are previewed on the clocks of the zone', () => {
    const arming = schedule([{ from: 1_080, to: 360 }]);
    expect(previewSchedule(arming, at('2026-11-21T12:00:00Z'), 1)).toEqual({
      timeZone: 'Europe/Berlin',
      armed: false,
      detail: 'schedule "Night" is not armed until Sat 18:00 (Europe/Berlin)',
      edges: [
        { at: at('2026-11-21T17:00:00Z'), armed: true, reason: 'Saturday 18:00 begins', local: 'Sat 2026-11-21 18:00' },
      ],
    });
  });
});

describe('a window', () => {
  it.each<[string, ArmingSchedule, string, string, string]>([
    [
      'of one period a year',
      schedule([], { holidays: [{ name: 'H', from: '12-24', periods: wholeDay }] }),
      '2026-12-24T12:00:00Z',
      '2026-12-23T23:00:00.000Z',
      '2026-12-24T23:00:00.000Z',
    ],
    [
      'of a long span that it is asked about late in',
      schedule([], { exceptions: [{ name: 'E', from: '2026-06-01', to: '2026-06-30', periods: wholeDay }] }),
      '2026-06-25T12:00:00Z',
      '2026-06-25T12:00:00.000Z',
      '2026-06-30T22:00:00.000Z',
    ],
  ])('claims no more than it knows: %s', (_title, arming, moment, from, to) => {
    const window = scheduleWindow(arming, at(moment));
    expect([window.armed, isoTime(window.from), isoTime(window.to)]).toEqual([true, from, to]);
  });
});

describe('a schedule from a flow', () => {
  const place = { latitude: 52, longitude: 13 };
  const sunset = { sun: 'sunset', offsetMinutes: 0 } as const;
  const holiday = { name: 'Xmas', from: '12-24', periods: [] };
  const wrong = (more: object): ArmingSchedule => schedule(wholeDay, more as Partial<ArmingSchedule>);
  const daily = (period: object): ArmingSchedule => schedule([period as SchedulePeriod], { place });

  it.each<[ArmingSchedule, string]>([
    [
      schedule([{ from: sunset, to: 1_440 }]),
      'monday has a period that follows the sun, but the schedule has no place; give latitude and longitude',
    ],
    [daily({ from: { sun: 'noon', offsetMinutes: 0 }, to: 0 }), '"sun" must be one of dawn, sunrise, sunset, dusk'],
    [
      daily({ from: { sun: 'dusk', offsetMinutes: 721 }, to: 0 }),
      '"offsetMinutes" must be a whole number from −720 to 720',
    ],
    [daily({ from: { sun: 'dusk', offsetMinutes: 1.5 }, to: 0 }), '"offsetMinutes" must be a whole number'],
    [daily({ from: '8:00', to: 0 }), 'monday has a period "8:00"–0; times are whole minutes from 0 to 1440'],
    [daily({ from: 0.5, to: 10 }), 'times are whole minutes from 0 to 1440'],
    [daily({ from: sunset, to: 0, nextDay: 'yes' }), '"nextDay" "yes"; it must be true or false'],
    [daily({ from: 10, to: 20, nextDay: true }), 'leave it out'],
    [schedule([null as unknown as SchedulePeriod]), 'monday has null for a period; give "from" and "to"'],
    [schedule(Array.from({ length: 1_441 }, () => ({ from: 0, to: 1 }))), 'monday has 1441 periods'],
    [wrong({ place: { latitude: 91, longitude: 0 } }), 'latitude is 91; it must be a number of degrees from −90 to 90'],
    [wrong({ place: { latitude: 0, longitude: '13' } }), 'longitude is "13"'],
    [wrong({ place: { latitude: Number.NaN, longitude: 0 } }), 'latitude is null'],
    [wrong({ place: 'Berlin' }), 'its place is "Berlin"; give latitude and longitude, or no place'],
    [wrong({ week: null }), 'monday has no list of periods'],
    [wrong({ holidays: 'Xmas' }), 'holidays are "Xmas"; give a list'],
    [wrong({ holidays: [null] }), 'holiday 1 is null; give name, from and periods'],
    [wrong({ holidays: [{ ...holiday, name: ' ' }] }), 'holiday 1 has the name " "; give one of 1 to 200 characters'],
    [
      wrong({ holidays: [holiday, { ...holiday, from: '02-30' }] }),
      'holiday 2 "Xmas": the first day is "02-30"; it must be an existing day like 2026-12-24, or 12-24 for every year',
    ],
    [
      wrong({ holidays: [{ ...holiday, to: '2026-12-26' }] }),
      'holiday 1 "Xmas": the last day is "2026-12-26"; it must be a day like 12-26, as the first is',
    ],
    [
      wrong({ holidays: [{ ...holiday, from: '2026-12-24', to: '2026-12-23' }] }),
      'the last day "2026-12-23" is before the first "2026-12-24"; exchange them',
    ],
    [wrong({ holidays: [{ ...holiday, enabled: 1 }] }), 'enabled is 1; it must be true or false'],
    [wrong({ holidays: [{ ...holiday, periods: undefined }] }), 'holiday 1 "Xmas" has no list of periods'],
    [wrong({ holidays: Array.from({ length: 1_001 }, () => holiday) }), 'it has 1001 holidays; keep to 1000'],
    [
      wrong({ exceptions: [{ ...holiday, from: '12-24' }] }),
      'exception 1 "Xmas": the first day is "12-24"; it must be an existing day like 2026-12-24',
    ],
    [
      wrong({ exceptions: [{ ...holiday, from: '2026-12-24', periods: [{ from: sunset, to: 0 }] }] }),
      'exception 1 "Xmas" has a period that follows the sun',
    ],
    [
      wrong({
        holidays: Array.from({ length: 20 }, () => ({
          ...holiday,
          periods: Array.from({ length: 1_000 }, () => ({ from: 0, to: 1 })),
        })),
      }),
      'it has 20007 periods in all; keep to 20000',
    ],
  ])('is refused with field and remedy: %#', (arming, message) => {
    expect(() => checkSchedule(arming)).toThrow(message);
    expect(() => checkSchedule(arming)).toThrow('Schedule "Night": ');
  });

  it('is accepted with all that a schedule can have', () => {
    checkSchedule(
      schedule([{ from: sunset, to: { sun: 'dawn', offsetMinutes: 30 }, nextDay: true }], {
        place,
        holidays: [
          holiday,
          { name: 'Closed', enabled: false, from: '12-20', to: '01-06', periods: [{ from: 1_320, to: 360 }] },
        ],
        exceptions: [{ name: 'Fair', from: '2026-05-01', to: '2026-05-03', periods: wholeDay }],
      }),
    );
  });
});
