/**
 * A schedule's truth, worked out minute by minute and slowly: Intl says what the clocks show at each minute, and a
 * minute is armed if it lies between the first and the last at which they show a time inside a period. It shares
 * nothing with the code under test but the sun's events, which have a test of their own.
 */
import type { ArmingSchedule, PeriodTime, SchedulePeriod, SunEvent } from '../../engine/domain/schedules';
import { solarNoon, sunMoment } from '../../engine/gates/sun';

const MINUTE = 60_000;
const DAY = 86_400_000;
const NAMES = ['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday'] as const;

export interface Minute {
  at: number;
  /** Minutes of the local calendar since 1970-01-01 00:00, counted as if every day had 1440. */
  key: number;
}

const formats = new Map<string, Intl.DateTimeFormat>();

function localKey(timeZone: string, at: number): number {
  let format = formats.get(timeZone);
  if (format === undefined) {
    format = new Intl.DateTimeFormat('sv-SE', { timeZone, dateStyle: 'short', timeStyle: 'medium' });
    formats.set(timeZone, format);
  }
  // Sweden writes 2026-03-29 02:30:00.
  return Date.parse(`${format.format(at).replace(' ', 'T')}Z`) / MINUTE;
}

const known = new Map<string, Minute[]>();

/** The minutes in `[from, from + minutes)` with three days on both sides. */
function clock(timeZone: string, from: number, minutes: number): Minute[] {
  const name = `${timeZone} ${from} ${minutes}`;
  let found = known.get(name);
  if (found === undefined) {
    found = [];
    for (let at = from - 3 * DAY; at < from + minutes * MINUTE + 3 * DAY; at += MINUTE)
      found.push({ at, key: localKey(timeZone, at) });
    known.set(name, found);
  }
  return found;
}

function periodsOn(schedule: ArmingSchedule, date: Date): readonly SchedulePeriod[] {
  const whole = date.toISOString().slice(0, 10);
  const ofYear = whole.slice(5);
  for (const { from, to = from, periods } of schedule.exceptions ?? [])
    if (whole >= from && whole <= to) return periods;
  for (const { from, to = from, periods, enabled = true } of schedule.holidays ?? []) {
    if (!enabled) continue;
    const day = from.length === 5 ? ofYear : whole;
    if (from <= to ? day >= from && day <= to : day >= from || day <= to) return periods;
  }
  return schedule.week[NAMES[date.getUTCDay()] ?? 'monday'];
}

const NOMINAL: Record<SunEvent, number> = { dawn: 330, sunrise: 360, sunset: 1080, dusk: 1110 };
const nominal = (time: PeriodTime): number =>
  typeof time === 'number' ? time : NOMINAL[time.sun] + time.offsetMinutes;

/** Whether each minute in `[from, from + minutes)` is armed. */
export function modelArmed(schedule: ArmingSchedule, from: number, minutes: number): boolean[] {
  const all = clock(schedule.timeZone, from, minutes);
  const start = all[0]?.at ?? 0;
  const armed = new Array<boolean>(all.length).fill(false);
  const days = all.map(({ key }) => Math.floor(key / 1440));
  const [firstDay, lastDay] = [Math.min(...new Set(days)), Math.max(...new Set(days))];
  const indexOf = (at: number): number => Math.round((at - start) / MINUTE);

  /** The sun's event on a date: of the solar noons around, the one nearest to when the clocks show noon. */
  const sunAt = (day: number, time: Exclude<PeriodTime, number>): number => {
    const place = schedule.place ?? { latitude: 0, longitude: 0 };
    const noonIndex = all.findIndex(({ key }) => key === day * 1440 + 720);
    const noon = noonIndex < 0 ? day * DAY + DAY / 2 - (all[0]!.key * MINUTE - start) : all[noonIndex]!.at;
    const nearest = [day - 2, day - 1, day, day + 1, day + 2]
      .map((solar) => ({ solar, distance: Math.abs(solarNoon(place.longitude, solar) - noon) }))
      .sort((a, b) => a.distance - b.distance)[0]!.solar;
    return sunMoment(time.sun, place, nearest).at + time.offsetMinutes * MINUTE;
  };

  for (let day = firstDay; day <= lastDay; day++) {
    for (const period of periodsOn(schedule, new Date(day * DAY))) {
      const overnight =
        typeof period.from === 'number' && typeof period.to === 'number'
          ? period.to <= period.from
          : (period.nextDay ?? nominal(period.to) <= nominal(period.from));
      const endDay = overnight ? day + 1 : day;
      const { from: begin, to: end } = period;
      let first: number;
      let last: number;
      if (typeof begin === 'number' && typeof end === 'number') {
        // What the clocks show decides: a period in a gap is none.
        const inside = all.flatMap(({ key }, index) =>
          key >= day * 1440 + begin && key < endDay * 1440 + end ? [index] : [],
        );
        first = inside[0] ?? 0;
        last = inside.at(-1) ?? -1;
      } else {
        // A day at the edge of what is known may begin or end beyond it.
        const clockBegin = all.findIndex(({ key }) => typeof begin === 'number' && key >= day * 1440 + begin);
        const beginIndex =
          typeof begin === 'number' ? (clockBegin < 0 ? all.length : clockBegin) : indexOf(sunAt(day, begin));
        first = Math.max(0, beginIndex);
        last =
          typeof end === 'number'
            ? all.findLastIndex(({ key }) => key < endDay * 1440 + end)
            : Math.min(all.length, indexOf(sunAt(endDay, end))) - 1;
      }
      for (let index = first; index <= last; index++) armed[index] = true;
    }
  }
  return armed.slice(3 * 1440, 3 * 1440 + minutes);
}
