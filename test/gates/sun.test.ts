import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Place, SunEvent } from '../../engine/domain/schedules';
import { solarDayAt, solarNoon, sunMoment } from '../../engine/gates/sun';
import { cpuTime } from '../support/cpu-time';

const MINUTE = 60_000;
const DAY = 1_440 * MINUTE;

const utc = (date: string, time: string): number => Date.parse(`${date}T${time}:00Z`);
const solarDay = (date: string): number => Math.floor(Date.parse(`${date}T00:00:00Z`) / DAY);

describe('the sun', () => {
  // Published times: Finnish Meteorological Institute (solstices; Helsinki), National Astronomical Observatory of
  // Japan (Tokyo), United States Naval Observatory with civil twilight (Decorah), each in local time.
  it.each<[string, number, number, string, number, Partial<Record<SunEvent, string>>]>([
    ['Berlin', 52.52, 13.405, '2015-12-22', 60, { sunrise: '08:15', sunset: '15:54' }],
    ['Moscow', 55.7558, 37.6173, '2015-12-22', 180, { sunrise: '08:57', sunset: '15:58' }],
    ['London', 51.5074, -0.1278, '2015-12-22', 0, { sunrise: '08:04', sunset: '15:53' }],
    ['Madrid', 40.4168, -3.7038, '2015-12-22', 60, { sunrise: '08:34', sunset: '17:51' }],
    ['Cairo', 30.0444, 31.2357, '2015-12-22', 120, { sunrise: '06:47', sunset: '16:59' }],
    ['Addis Ababa', 9.03, 38.74, '2015-12-22', 180, { sunrise: '06:35', sunset: '18:11' }],
    ['Helsinki in winter', 60.17, 24.94, '2022-12-21', 120, { sunrise: '09:23', sunset: '15:12' }],
    ['Helsinki in summer', 60.17, 24.94, '2006-07-02', 180, { sunrise: '04:03', sunset: '22:46' }],
    ['Helsinki in autumn', 60.17, 24.94, '2018-09-16', 180, { sunrise: '06:50', sunset: '19:39' }],
    ['Reykjavík', 64.1466, -21.9426, '2022-12-21', 0, { sunrise: '11:21', sunset: '15:29' }],
    ['Bodø, 49 minutes of sun', 67.28, 14.405, '2022-12-21', 60, { sunrise: '11:35', sunset: '12:24' }],
    ['Tokyo in summer', 35.6544, 139.7447, '2006-07-02', 540, { sunrise: '04:29', sunset: '19:01' }],
    ['Tokyo in autumn', 35.6544, 139.7447, '2018-09-16', 540, { sunrise: '05:24', sunset: '17:48' }],
    [
      'Decorah, Iowa',
      43.303,
      -91.786,
      '2010-09-01',
      -300,
      { dawn: '06:02', sunrise: '06:32', sunset: '19:41', dusk: '20:11' },
    ],
  ])('rises and sets over %s as published, within two minutes', (_city, latitude, longitude, date, zone, published) => {
    for (const [event, time] of Object.entries(published) as [SunEvent, string][]) {
      const moment = sunMoment(event, { latitude, longitude }, solarDay(date));
      expect(moment.stays).toBe('none');
      expect(Math.abs(moment.at + zone * MINUTE - utc(date, time)), `${event} ${time}`).toBeLessThanOrEqual(2 * MINUTE);
    }
  });

  it('stays down at its noon in the polar night of Murmansk', () => {
    const murmansk = { latitude: 68.97, longitude: 33.08 };
    const day = solarDay('2022-12-21');
    const noon = solarNoon(murmansk.longitude, day);
    for (const event of ['sunrise', 'sunset'] as const) {
      const moment = sunMoment(event, murmansk, day);
      expect(moment.stays).toBe('down');
      expect(Math.abs(moment.at - noon)).toBeLessThanOrEqual(MINUTE);
    }
    expect(sunMoment('dawn', murmansk, day).stays).toBe('none');
  });

  it('stays up over Utsjoki in July, from one lowest point to the next', () => {
    const utsjoki = { latitude: 69.75, longitude: 27 };
    const day = solarDay('2006-07-02');
    expect(sunMoment('sunset', utsjoki, day).stays).toBe('up');
    expect(sunMoment('sunset', utsjoki, day).at).toBe(sunMoment('sunrise', utsjoki, day + 1).at);
    expect(sunMoment('sunset', utsjoki, day).at - sunMoment('sunrise', utsjoki, day).at).toBeGreaterThan(DAY - MINUTE);
  });

  it.each([90, -90])('has a noon and a midnight at the pole, latitude %s', (latitude) => {
    for (const date of ['2026-03-20', '2026-06-21', '2026-09-23', '2026-12-21'])
      for (const event of ['dawn', 'sunrise', 'sunset', 'dusk'] as const)
        expect(Number.isFinite(sunMoment(event, { latitude, longitude: 0 }, solarDay(date)).at)).toBe(true);
  });

  it('comes up before noon and goes down after it, twilight outside, wherever and whenever', () => {
    const place: fc.Arbitrary<Place> = fc.record({
      latitude: fc.double({ min: -90, max: 90, noNaN: true }),
      longitude: fc.double({ min: -180, max: 180, noNaN: true }),
    });
    fc.assert(
      fc.property(place, fc.integer({ min: -20_000, max: 60_000 }), (where, day) => {
        const noon = solarNoon(where.longitude, day);
        const [dawn, sunrise, sunset, dusk] = (['dawn', 'sunrise', 'sunset', 'dusk'] as const).map(
          (event) => sunMoment(event, where, day).at,
        ) as [number, number, number, number];
        expect(dawn).toBeLessThanOrEqual(sunrise + MINUTE);
        expect(sunrise).toBeLessThanOrEqual(noon + MINUTE);
        expect(sunset).toBeGreaterThanOrEqual(noon - MINUTE);
        expect(dusk).toBeGreaterThanOrEqual(sunset - MINUTE);
        expect(dusk - dawn).toBeLessThanOrEqual(DAY + 2 * MINUTE);
        expect(solarDayAt(where.longitude, noon)).toBe(day);
      }),
    );
  });

  it('is worked out a hundred thousand times in a second', () => {
    const began = cpuTime();
    for (let day = 0; day < 20_000; day++) sunMoment('sunset', { latitude: 52.52, longitude: 13.405 }, day);
    expect(cpuTime() - began).toBeLessThan(200 * 5);
  });
});
