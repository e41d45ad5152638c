import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseMoment, parseSpan, spanText } from '../../engine/simulation';
import { readMoment } from '../../engine/simulation/times';

describe('spans of time', () => {
  it.each([
    ['0 s', 0],
    ['250 ms', 250],
    ['2.5 s', 2_500],
    ['1 min 30 s', 90_000],
    ['1min30s', 90_000],
    ['2 h', 7_200_000],
    ['1 day', 86_400_000],
    ['10 minutes', 600_000],
    ['', null],
    ['5', null],
    ['s', null],
    ['5 apples', null],
    ['5 s and more', null],
    ['-5 s', null],
  ])('reads %j as %j', (text, ms) => {
    expect(parseSpan(text)).toBe(ms);
  });

  it('reads back what it writes', () => {
    fc.assert(fc.property(fc.integer({ min: 0, max: 10 ** 11 }), (ms) => parseSpan(spanText(ms)) === ms));
  });
});

describe('moments', () => {
  it.each([
    ['2026-11-23T18:05:00Z', '2026-11-23T18:05:00.000Z'],
    ['2026-11-23T18:05+01:00', '2026-11-23T17:05:00.000Z'],
    ['2026-11-23T18:05 Europe/Berlin', '2026-11-23T17:05:00.000Z'],
    ['2026-07-23 18:05 Europe/Berlin', '2026-07-23T16:05:00.000Z'],
    // The repeated hour: its first passing.
    ['2026-10-25T02:30 Europe/Berlin', '2026-10-25T00:30:00.000Z'],
    // The gap: its end.
    ['2026-03-29T02:30 Europe/Berlin', '2026-03-29T01:00:00.000Z'],
    ['2026-01-05T12:00 UTC', '2026-01-05T12:00:00.000Z'],
  ])('reads %s as %s', (text, iso) => {
    expect(new Date(parseMoment(text)!).toISOString()).toBe(iso);
  });

  it('asks for a zone, which no time is without', () => {
    expect(parseMoment('2026-11-23T18:05')).toBeNull();
    expect(() => parseMoment('2026-11-23T18:05 Europe/Atlantis')).toThrow(/"Europe\/Atlantis" is no time zone/);
  });

  it('counts spans from the start, and those with a plus from the line before', () => {
    expect(readMoment('5 s', { start: 1_000, before: 3_000 })).toBe(6_000);
    expect(readMoment('+5 s', { start: 1_000, before: 3_000 })).toBe(8_000);
    expect(readMoment('+5 s', { start: 1_000, before: null })).toBe(6_000);
    expect(readMoment(42, { start: 1_000, before: null })).toBe(42);
    expect(() => readMoment('+5 s', { start: null, before: null })).toThrow(/there is none: give one with --start/);
    expect(() => readMoment('soon', { start: 0, before: null })).toThrow(/"soon" is no time: write/);
  });
});
