import { type Clock, isoTime, parseIsoTime } from '../../../clock/clock';
import { parseDeviceTime, wallTimeText } from '../../device-time';
import type { Faults } from './faults';

/** The clock of the simulated device, right or wrong, and how it writes what it shows. */
export interface ClockFace {
  /** A moment of ours as the device writes it in `dateTime`; without one its present time. */
  text(at?: number): string;
  /** For the `Date` header, RFC 9110 §5.6.7. */
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

const DAYS = ['Thu', 'Fri', 'Sat', 'Sun', 'Mon', 'Tue', 'Wed'];
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

function httpDate(ms: number): string {
  const iso = isoTime(ms);
  const day = DAYS[((Math.floor(ms / 86_400_000) % 7) + 7) % 7];
  const month = MONTHS[Number(iso.slice(5, 7)) - 1];
  return `${day}, ${iso.slice(8, 10)} ${month} ${iso.slice(0, 4)} ${iso.slice(11, 19)} GMT`;
}
