/**
 * Sunrise, sunset and civil twilight: the equations of the NOAA Solar Calculator (gml.noaa.gov/grad/solcalc, after
 * J. Meeus, Astronomical Algorithms), evaluated at the event itself. Good to a minute or two between the polar
 * circles for the years 1800–2100; a flat horizon at the height of the eye is assumed.
 */
import type { Place, SunEvent } from '../domain/schedules';
import { DAY, MINUTE } from './calendar';

/** 2000-01-01 12:00 UTC. */
const J2000 = 946_728_000_000;
const CENTURY = 36_525 * DAY;

/** Degrees of the sun's centre from the zenith; refraction and the sun's radius are in the first. */
const ZENITH = { horizon: 90.833, civil: 96 };

const sin = (degrees: number): number => Math.sin((degrees * Math.PI) / 180);
const cos = (degrees: number): number => Math.cos((degrees * Math.PI) / 180);
const tan = (degrees: number): number => Math.tan((degrees * Math.PI) / 180);
const degrees = (radians: number): number => (radians * 180) / Math.PI;

/** A moment of the sun's day. */
export interface SunMoment {
  /** Milliseconds since the epoch, to the minute. */
  at: number;
  /**
   * `none` when the event takes place. Otherwise the sun stays above (`up`) or below (`down`) the height in question
   * all day, and the moment is the one at which it came nearest to it: its lowest point, or noon.
   */
  stays: 'none' | 'up' | 'down';
}

/** Declination in degrees and the equation of time in minutes. */
function position(at: number): { declination: number; equationOfTime: number } {
  const t = (at - J2000) / CENTURY;
  const meanLongitude = 280.46646 + t * (36_000.76983 + t * 0.0003032);
  const meanAnomaly = 357.52911 + t * (35_999.05029 - t * 0.0001537);
  const eccentricity = 0.016708634 - t * (0.000042037 + t * 0.0000001267);
  const centre =
    sin(meanAnomaly) * (1.914602 - t * (0.004817 + t * 0.000014)) +
    sin(2 * meanAnomaly) * (0.019993 - t * 0.000101) +
    sin(3 * meanAnomaly) * 0.000289;
  const node = 125.04 - t * 1934.136;
  const apparentLongitude = meanLongitude + centre - 0.00569 - 0.00478 * sin(node);
  const meanObliquity = 23 + (26 + (21.448 - t * (46.815 + t * (0.00059 - t * 0.001813))) / 60) / 60;
  const obliquity = meanObliquity + 0.00256 * cos(node);
  const y = tan(obliquity / 2) ** 2;
  const equation =
    y * sin(2 * meanLongitude) -
    2 * eccentricity * sin(meanAnomaly) +
    4 * eccentricity * y * sin(meanAnomaly) * cos(2 * meanLongitude) -
    0.5 * y * y * sin(4 * meanLongitude) -
    1.25 * eccentricity * eccentricity * sin(2 * meanAnomaly);
  return {
    declination: degrees(Math.asin(sin(obliquity) * sin(apparentLongitude))),
    equationOfTime: 4 * degrees(equation),
  };
}

/** When the sun is highest at a longitude on the `day`th day since 1970-01-01, counted in local solar time. */
export function solarNoon(longitude: number, day: number): number {
  const mean = day * DAY + (720 - 4 * longitude) * MINUTE;
  return mean - position(mean).equationOfTime * MINUTE;
}

const toMinute = (at: number): number => Math.round(at / MINUTE) * MINUTE;

/** The solar day whose noon is nearest to a moment; a moment at local noon gives the local day's sun. */
export function solarDayAt(longitude: number, at: number): number {
  return Math.round((at - (720 - 4 * longitude) * MINUTE) / DAY);
}

/**
 * An event of the solar day. Where the sun stays up all day, dawn and sunrise are at its lowest point before noon,
 * sunset and dusk at the one after; where it stays down, all are at noon. So the night from sunset to sunrise is
 * empty at the pole in summer, whole in winter, and changes without a leap between.
 */
export function sunMoment(event: SunEvent, { latitude, longitude }: Place, day: number): SunMoment {
  const side = event === 'dawn' || event === 'sunrise' ? -1 : 1;
  const zenith = event === 'dawn' || event === 'dusk' ? ZENITH.civil : ZENITH.horizon;
  const noon = solarNoon(longitude, day);
  let at = noon;
  // The first round uses the sun of noon, the others that of the event found before.
  for (let round = 0; round < 4; round++) {
    const { declination, equationOfTime } = position(at);
    const cosine = cos(zenith) / (cos(latitude) * cos(declination)) - tan(latitude) * tan(declination);
    if (cosine >= 1) return { at: toMinute(noon), stays: 'down' };
    if (cosine <= -1) {
      // Half way between two noons, so that one day's end is the next one's beginning.
      return { at: toMinute((noon + solarNoon(longitude, day + side)) / 2), stays: 'up' };
    }
    const hours = degrees(Math.acos(cosine)) / 15;
    at = day * DAY + (720 - 4 * longitude - equationOfTime + side * hours * 60) * MINUTE;
  }
  return { at: toMinute(at), stays: 'none' };
}
