import { type Clock, parseIsoTime } from '../../../clock/clock';
import { parseDeviceTime, wallTimeText } from '../../device-time';
import { httpDate } from '../../simulated/http-date';
import type { Faults } from './faults';

/** The clock of the simulated device, right or wrong, and how it writes what it shows. */
export interface ClockFace {
  /** A moment of ours as the device writes it in `dateTime`; without one its present time. */
  text(at?: number): string;
  /** For the `Date` header. */
  httpDate(): string;
  /** False for a text that is no time. */
  set(text: string): boolean;
}

/** 2017, as after a power loss with an empty battery. */
const WRONG_BASE = 1_483_228_800_000;

export function createClockFace(clock: Clock, faults: Faults, zone: string | null, startOffsetMs: number): ClockFace {
  const startedAt = clock.now();
  let offsetMs = startOffsetMs;
  const deviceNow = (at = clock.now()): number =>
    faults.has('wrong-clock') ? WRONG_BASE + (at - startedAt) : at + offsetMs;

  return {
    text(at) {
      const now = deviceNow(at);
      const wall = wallTimeText(now, zone);
      if (faults.has('no-zone')) return wall;
      const minutes = Math.round(((parseIsoTime(`${wall}Z`) ?? now) - Math.floor(now / 1000) * 1000) / 60_000);
      const sign = faults.has('lost-plus') ? '' : minutes < 0 ? '-' : '+';
      const two = (n: number): string => String(n).padStart(2, '0');
      return `${wall}${sign}${two(Math.floor(Math.abs(minutes) / 60))}:${two(Math.abs(minutes) % 60)}`;
    },
    httpDate: () => httpDate(deviceNow()),
    set(text) {
      const at = parseDeviceTime(text, zone);
      if (at === null) return false;
      offsetMs = at - clock.now();
      return true;
    },
  };
}
