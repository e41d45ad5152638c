import { type Clock, isoTime, parseIsoTime } from '../../../clock/clock';
import { wallTimeText } from '../../device-time';
import type { Faults } from './faults';

/** What the simulated device can be made to report. */
export interface EventRequest {
  /** As the device spells it, e.g. `VideoMotion`. */
  code: string;
  /** Default Start. */
  action?: 'Start' | 'Stop' | 'Pulse' | 'State';
  /** Counted from 0; default 0. */
  index?: number;
  /** Further data; the times are added to it. */
  data?: Record<string, unknown>;
  /** Wall milliseconds of the event instead of now: a stored one. */
  at?: number;
}

export interface EventWriterOptions {
  faults: Faults;
  clock: Clock;
  /** IANA zone of the device; null: that of this machine. */
  timeZone: string | null;
}

/** How the device writes its events and its clock. */
export interface EventWriter {
  body(request: EventRequest): string;
  /** What getCurrentTime answers. */
  localTime(): string;
}

/** 2017, as after a power loss with an empty battery. */
const WRONG_BASE = 1_483_228_800_000;
const FAST_MS = 127 * 60_000;
const ZONE_ERROR_S = 8 * 3_600;

export function createEventWriter({ faults, clock, timeZone }: EventWriterOptions): EventWriter {
  const startedAt = clock.now();
  let sequence = 0;

  function deviceTime(at: number): number {
    if (faults.has('wrong-clock')) return WRONG_BASE + (at - startedAt);
    return faults.has('fast-clock') ? at + FAST_MS : at;
  }

  const wall = (at: number): string => wallTimeText(at, timeZone).replace('T', ' ');

  function times(at: number): Record<string, unknown> {
    if (faults.has('no-time')) return {};
    const now = deviceTime(at);
    const local = wall(now);
    // Firmware that takes its local time for UTC, or that was left in the zone of its factory.
    const asUtc = Math.floor((parseIsoTime(`${local.replace(' ', 'T')}Z`) ?? now) / 1000);
    const seconds = Math.floor(now / 1000);
    const utc = faults.has('utc-is-local') ? asUtc : faults.has('wrong-device-zone') ? seconds - ZONE_ERROR_S : seconds;
    return {
      ...(faults.has('no-locale-time') ? {} : { LocaleTime: local }),
      ...(faults.has('real-utc') ? { RealUTC: seconds } : {}),
      UTC: faults.has('real-utc') ? asUtc : utc,
      UTCMS: now % 1000,
    };
  }

  function body({ code, action = 'Start', index = 0, data, at }: EventRequest): string {
    const shown = faults.has('missing-index') ? '' : faults.has('empty-index') ? ';index=' : `;index=${index}`;
    const told = faults.has('unknown-action') ? 'Jump' : action;
    const head = `Code=${code};action=${told}${shown}`;
    if (faults.has('no-data') || (data === undefined && action === 'Stop' && !faults.has('odd-values'))) return head;
    if (faults.has('null-data')) return `${head};data=null\n`;
    const odd = faults.has('odd-values') ? { Note: 'a;b=c;data={"x"}--myboundary', Path: 'C:\\x' } : {};
    const all = { ...data, EventSeq: ++sequence, ...odd, ...times(at ?? clock.now()) };
    let json = JSON.stringify(all, null, 3);
    if (faults.has('nan-in-json')) json = json.replace(/\n\}$/, ',\n   "Speed" : nan\n}');
    if (faults.has('truncated-json')) json = json.slice(0, Math.max(2, json.length - 12));
    return `${head};data=${json}\n${faults.has('trailing-nul') ? '\0' : ''}`;
  }

  return { body, localTime: () => wall(deviceTime(clock.now())) };
}

/** A moment for file names and logs of the simulated device. */
export const logTime = (at: number): string => isoTime(at).slice(11, 19);
