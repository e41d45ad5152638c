import type { EventDraft } from '../../domain/events';
import type { TimeVerdict } from './reader';

/** Where a device's time was read, from the least to the most telling for its events. */
export type ClockSource = 'date-header' | 'system-time' | 'heart-beat';

const ranks: Record<ClockSource, number> = { 'date-header': 0, 'system-time': 1, 'heart-beat': 2 };

/** An event further behind the device's own clock than this tells of the past. */
const LATE_MS = 60_000;
/** Devices write whole seconds, and the way takes time. */
const SLACK_MS = 5_000;
/** A change of the offset below this is noise. */
const NOISE_MS = 2_000;

/**
 * The clock of one device as far as it is known, and what its event times are worth (PROTOCOLS §0.4). Device clocks
 * are wrong in the field: an event is late only against the device's own time, never against ours.
 */
export interface DeviceClock {
  /** Device time minus ours in milliseconds, or null while unknown. */
  offset(): number | null;
  /** Takes a measurement; true when the offset has changed by more than noise. */
  measured(source: ClockSource, deviceAt: number, now: number): boolean;
  judge(draft: Pick<EventDraft, 'deviceTime' | 'deviceAt' | 'retransmitted'>, now: number): TimeVerdict;
  /** The connection is new: a device that was restarted may have another time now. */
  reconnected(): void;
}

export function createDeviceClock(): DeviceClock {
  let offset: number | null = null;
  let source: ClockSource = 'date-header';
  let newest: number | null = null;
  /** Newest event time before the last reconnection; what lies before it is a replay. */
  let horizon: number | null = null;

  return {
    offset: () => offset,

    measured(from, deviceAt, now) {
      if (offset !== null && ranks[from] < ranks[source]) return false;
      const value = deviceAt - now;
      source = from;
      if (offset !== null && Math.abs(value - offset) < NOISE_MS) return false;
      offset = value;
      return true;
    },

    judge({ deviceTime, deviceAt, retransmitted }, now) {
      if (deviceAt === null) return { late: retransmitted === true, clockSuspect: deviceTime !== null };
      // The zone of a time without one is a setting; the Date header alone can't prove that it is right.
      const zoned = /(?:[zZ]|[+-]\d{1,2}:?\d{2})$/.test(deviceTime?.trim() ?? '');
      const known = offset !== null && (zoned || source !== 'date-header');
      const deviceNow = known && offset !== null ? now + offset : null;
      if (deviceNow !== null && horizon !== null && horizon > deviceNow + SLACK_MS) {
        // What was seen before lies in the device's future: its clock was set back, nothing is replayed by that.
        horizon = null;
        newest = null;
      }
      const replayed = horizon !== null && deviceAt < horizon;
      const old = deviceNow !== null && deviceAt < deviceNow - LATE_MS;
      const late = retransmitted === true || replayed || old;
      const clockSuspect = !late && Math.abs(deviceAt - (deviceNow ?? now)) > LATE_MS;
      if (!late && (newest === null || deviceAt > newest)) newest = deviceAt;
      return { late, clockSuspect };
    },

    reconnected() {
      horizon = newest;
      offset = null;
      source = 'date-header';
    },
  };
}
