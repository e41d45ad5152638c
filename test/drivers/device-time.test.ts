import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseDeviceTime, wallTimeText } from '../../engine/drivers/device-time';

const iso = (text: string, zone: string | null = 'UTC', near: string | null = null): string | null => {
  const at = parseDeviceTime(text, zone, near === null ? null : Date.parse(near));
  return at === null ? null : new Date(at).toISOString();
};

describe('device times', () => {
  it.each([
    ['2024-11-19T16:53:28+01:00', '2024-11-19T15:53:28.000Z'],
    ['2024-11-19T16:53:28Z', '2024-11-19T16:53:28.000Z'],
    ['2024-11-19T16:53:28-0330', '2024-11-19T20:23:28.000Z'],
    ['2024-11-19T16:53:28+8', '2024-11-19T08:53:28.000Z'],
    ['2024-11-19 16:53:28.25+01:00', '2024-11-19T15:53:28.250Z'],
    ['2024-11-19T16:53:28', '2024-11-19T16:53:28.000Z'],
    ['2024-11-19T16:53:2808:00', '2024-11-19T08:53:28.000Z'],
    ['2024-11-19T16:53:2800:00', '2024-11-19T16:53:28.000Z'],
    ['2024-11-19T16:53:28 01:00', '2024-11-19T15:53:28.000Z'],
    ['20241119T165328Z', '2024-11-19T16:53:28.000Z'],
    ['2024-1-9T6:03:28+00:00', '2024-01-09T06:03:28.000Z'],
    [' 2024-11-19T16:53:28+01:00\n', '2024-11-19T15:53:28.000Z'],
    ['1732031608', '2024-11-19T15:53:28.000Z'],
    ['1732031608.5', '2024-11-19T15:53:28.500Z'],
    ['1732031608000', '2024-11-19T15:53:28.000Z'],
    ['1970-01-01T00:00:10+00:00', '1970-01-01T00:00:10.000Z'],
  ])('%j is %s', (text, expected) => {
    expect(iso(text)).toBe(expected);
  });

  it.each([
    '',
    'now',
    '2024-13-01T00:00:00Z',
    '2023-02-29T00:00:00Z',
    '2024-11-31T00:00:00',
    '2024-11-19T25:00:00Z',
    '2024-11-19T16:53:28+99:00',
    '2024-11-19',
    '0',
  ])('%j is none', (text) => {
    expect(iso(text)).toBeNull();
  });

  it.each([
    ['summer', '2026-07-01T12:00:00', '2026-07-01T10:00:00.000Z'],
    ['winter', '2026-01-01T12:00:00', '2026-01-01T11:00:00.000Z'],
    ['before the gap', '2026-03-29T01:59:59', '2026-03-29T00:59:59.000Z'],
    ['in the gap', '2026-03-29T02:30:00', '2026-03-29T01:30:00.000Z'],
    ['behind the gap', '2026-03-29T03:00:00', '2026-03-29T01:00:00.000Z'],
    ['the repeated hour, first', '2026-10-25T02:30:00', '2026-10-25T00:30:00.000Z'],
    ['behind the repeated hour', '2026-10-25T03:00:00', '2026-10-25T02:00:00.000Z'],
  ])('reads a time without a zone in the zone of the device: %s', (_name, text, expected) => {
    expect(iso(text, 'Europe/Berlin')).toBe(expected);
  });

  it('decides in the repeated hour by what the time should be near to', () => {
    expect(iso('2026-10-25T02:30:00', 'Europe/Berlin', '2026-10-25T01:29:00Z')).toBe('2026-10-25T01:30:00.000Z');
    expect(iso('2026-10-25T02:30:00', 'Europe/Berlin', '2026-10-25T00:31:00Z')).toBe('2026-10-25T00:30:00.000Z');
  });

  it('keeps fractions in zones of quarter hours', () => {
    expect(iso('2026-07-01T12:00:00.125', 'Asia/Kathmandu')).toBe('2026-07-01T06:15:00.125Z');
  });

  it('has no time without a zone for a zone that does not exist', () => {
    expect(iso('2026-07-01T12:00:00', 'Mars/Olympus')).toBeNull();
  });

  it('reads back what a wall clock shows, in any zone', () => {
    const zones = fc.constantFrom('Europe/Berlin', 'America/St_Johns', 'Australia/Lord_Howe', 'Asia/Tokyo', 'UTC');
    const seconds = fc.integer({ min: 0, max: 4_000_000_000 });
    fc.assert(
      fc.property(zones, seconds, (zone, second) => {
        const at = second * 1000;
        expect(parseDeviceTime(wallTimeText(at, zone), zone, at)).toBe(at);
      }),
      { numRuns: 300 },
    );
  });
});
