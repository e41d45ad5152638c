import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isoTime, parseIsoTime } from '../../engine/clock/clock';
import type { ArmingSchedule, PeriodTime, SchedulePeriod } from '../../engine/domain/schedules';
import { sunEvents, weekdays } from '../../engine/domain/schedules';
import { checkSchedule, evaluateSchedule, nextEdges } from '../../engine/gates';
import { modelArmed } from './minute-model';

const MINUTE = 60_000;
const at = (text: string): number => parseIsoTime(text) ?? Number.NaN;

interface Night {
  zone: string;
  /** Noon before it, about. */
  from: string;
  place: { latitude: number; longitude: number } | null;
}

const berlin = { latitude: 52.52, longitude: 13.405 };
const newYork = { latitude: 40.7128, longitude: -74.006 };
const lordHowe = { latitude: -31.55, longitude: 159.08 };
const tromso = { latitude: 69.6492, longitude: 18.9553 };

const nights: Night[] = [
  { zone: 'Europe/Berlin', from: '2026-03-28T12:00:00Z', place: berlin },
  { zone: 'Europe/Berlin', from: '2026-10-24T12:00:00Z', place: berlin },
  { zone: 'Europe/Berlin', from: '2024-02-28T12:00:00Z', place: berlin },
  { zone: 'Europe/Berlin', from: '2025-12-31T12:00:00Z', place: berlin },
  { zone: 'America/New_York', from: '2026-03-07T17:00:00Z', place: newYork },
  { zone: 'America/New_York', from: '2026-10-31T17:00:00Z', place: newYork },
  { zone: 'Australia/Lord_Howe', from: '2026-04-04T03:00:00Z', place: lordHowe },
  { zone: 'Australia/Lord_Howe', from: '2026-10-03T03:00:00Z', place: lordHowe },
  { zone: 'Asia/Kathmandu', from: '2026-07-01T00:00:00Z', place: { latitude: 27.7172, longitude: 85.324 } },
  { zone: 'America/St_Johns', from: '2026-11-01T00:00:00Z', place: { latitude: 47.5615, longitude: -52.7126 } },
  { zone: 'Africa/Cairo', from: '2026-04-23T12:00:00Z', place: null },
  // The clocks of São Paulo changed at midnight until 2019: forward 4 November 2018, back 17 February 2018.
  { zone: 'America/Sao_Paulo', from: '2018-11-03T15:00:00Z', place: null },
  { zone: 'America/Sao_Paulo', from: '2018-02-17T15:00:00Z', place: { latitude: -23.55, longitude: -46.633 } },
  // Casablanca sets its clocks back for Ramadan.
  { zone: 'Africa/Casablanca', from: '2026-02-14T12:00:00Z', place: null },
  { zone: 'Africa/Casablanca', from: '2026-03-21T12:00:00Z', place: { latitude: 33.5731, longitude: -7.5898 } },
  // Apia left out 30 December 2011.
  { zone: 'Pacific/Apia', from: '2011-12-29T21:00:00Z', place: null },
  { zone: 'Pacific/Kiritimati', from: '2026-05-01T00:00:00Z', place: { latitude: 1.87, longitude: -157.36 } },
  { zone: 'Europe/Oslo', from: '2026-06-20T12:00:00Z', place: tromso },
  { zone: 'Europe/Oslo', from: '2026-12-20T12:00:00Z', place: tromso },
  { zone: 'Europe/Oslo', from: '2026-05-17T12:00:00Z', place: tromso },
  { zone: 'UTC', from: '2100-02-28T00:00:00Z', place: null },
];

const minuteOfDay = fc.oneof(
  fc.integer({ min: 0, max: 1_440 }),
  fc.integer({ min: 60, max: 240 }),
  // Where clocks jump, midnight, and a little beside.
  fc.constantFrom(0, 1, 60, 90, 119, 120, 121, 150, 180, 1_380, 1_440),
);
const sunTime = fc.record({ sun: fc.constantFrom(...sunEvents), offsetMinutes: fc.integer({ min: -180, max: 180 }) });

const clockPeriod: fc.Arbitrary<SchedulePeriod> = fc.record({ from: minuteOfDay, to: minuteOfDay });
const time: fc.Arbitrary<PeriodTime> = fc.oneof(minuteOfDay, sunTime);
const sunPeriod: fc.Arbitrary<SchedulePeriod> = fc
  .tuple(time, time, fc.constantFrom(undefined, true, false))
  .map(([from, to, nextDay]) =>
    nextDay === undefined || (typeof from === 'number' && typeof to === 'number')
      ? { from, to }
      : { from, to, nextDay },
  );

const dateText = (days: number): string => isoTime(days * 86_400_000).slice(0, 10);

/** Schedules that have something to say about a night. */
function scheduleFor({ zone, from, place }: Night): fc.Arbitrary<ArmingSchedule> {
  const periods = fc.array(place === null ? clockPeriod : fc.oneof(clockPeriod, sunPeriod), { maxLength: 3 });
  const night = Math.floor(at(from) / 86_400_000);
  const days = fc
    .tuple(fc.integer({ min: night - 3, max: night + 3 }), fc.integer({ min: 0, max: 3 }))
    .map(([first, length]) => ({ from: dateText(first), to: dateText(first + length) }));
  const yearly = days.map((span) => ({ from: span.from.slice(5), to: span.to.slice(5) }));
  const holidays = fc.array(
    fc
      .tuple(fc.oneof(days, yearly), periods, fc.boolean())
      .map(([span, own, enabled]) => ({ name: 'h', enabled, ...span, periods: own })),
    { maxLength: 2 },
  );
  const exceptions = fc.array(
    fc.tuple(days, periods).map(([span, own]) => ({ name: 'e', ...span, periods: own })),
    { maxLength: 2 },
  );
  const sameDaily = periods.map((list) => weekdays.map(() => list));
  const week: fc.Arbitrary<SchedulePeriod[][]> = fc.oneof(sameDaily, fc.tuple(...weekdays.map(() => periods)));
  return fc.tuple(week, holidays, exceptions).map(
    ([lists, listed, dated]): ArmingSchedule => ({
      id: 's',
      name: 's',
      timeZone: zone,
      ...(place === null ? {} : { place }),
      week: Object.fromEntries(weekdays.map((day, index) => [day, lists[index]])) as ArmingSchedule['week'],
      holidays: listed,
      exceptions: dated,
    }),
  );
}

/** The minutes at which it changes, which reads better in a failure than thousands of them. */
const changesOf = (armed: boolean[]): string[] =>
  armed.flatMap((value, index) => (index === 0 || value !== armed[index - 1] ? [`${index}: ${value}`] : []));

describe('against a minute-by-minute model', () => {
  it.each(nights)('agrees at every minute and in every edge: $zone from $from', (night) => {
    const start = at(night.from);
    const minutes = 1_440;
    fc.assert(
      fc.property(scheduleFor(night), (arming) => {
        checkSchedule(arming);
        const model = modelArmed(arming, start, minutes);
        const own = model.map((_armed, index) => evaluateSchedule(arming, start + index * MINUTE).armed);
        expect(changesOf(own)).toEqual(changesOf(model));
        const edges = nextEdges(arming, start, 50).filter((edge) => edge.at < start + minutes * MINUTE);
        const modelEdges = model.flatMap((armed, index) =>
          index > 0 && armed !== model[index - 1] ? [{ at: start + index * MINUTE, armed }] : [],
        );
        expect(edges.map((edge) => ({ at: edge.at, armed: edge.armed }))).toEqual(modelEdges);
        for (const { reason } of edges) expect(reason).toMatch(/\S/);
      }),
      { numRuns: 60 },
    );
  });
});
