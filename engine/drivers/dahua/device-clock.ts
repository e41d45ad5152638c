/** An event further behind the device's own clock than this tells of the past. */
const LATE_MS = 60_000;
/** Devices write whole seconds, and the way takes time. */
const SLACK_MS = 5_000;
/** A change of the offset below this is noise. */
const NOISE_MS = 2_000;
/** What a device has stored it sends right after it was connected to. */
const REPLAY_MS = 60_000;
const QUARTER_MS = 15 * 60_000;
/** Zones reach 14 hours. */
const ZONES_MS = 14 * 3_600_000 + LATE_MS;
const MOST_PLACES = 1_000;

/** How far an event's time can be trusted, and whether it tells of the past. */
export interface TimeVerdict {
  late: boolean;
  clockSuspect: boolean;
}

/**
 * The clock of one device as far as it is known, and what its event times are worth (PROTOCOLS §0.4). An event is late
 * only against the device's own time. The device tells that time without a zone, and cameras behind a recorder have
 * clocks of their own; so what can as well be a wrong zone or another clock is suspect, never late: a false "late"
 * would keep a real alarm from acting.
 */
export interface DeviceClock {
  /** Device time minus ours in milliseconds, or null while unknown. */
  offset(): number | null;
  /** What the device's clock may show now; our own time while nothing is known. */
  nears(now: number): number[];
  /** Takes the device's time as read from it; true when the offset has changed by more than noise. */
  measured(deviceAt: number, now: number): boolean;
  /** @param place channel or input of the event: each may have a clock of its own */
  judge(deviceTime: string | null, deviceAt: number | null, place: string, now: number): TimeVerdict;
  /** The connection is new: a device that was restarted may have another time now. */
  reconnected(now: number): void;
}

export function createDeviceClock(): DeviceClock {
  let offset: number | null = null;
  let connectedAt: number | null = null;
  /** Newest event time of each place, before and since the last connection. */
  let horizon = new Map<string, number>();
  let newest = new Map<string, number>();
  /** Places whose events were seen to agree with the device's clock. */
  const agreeing = new Set<string>();

  const nears = (now: number): number[] => {
    if (offset === null) return [now];
    return mayBeZone(offset) ? [now + offset, now] : [now + offset];
  };

  return {
    offset: () => offset,
    nears,

    measured(deviceAt, now) {
      const value = deviceAt - now;
      if (offset !== null && Math.abs(value - offset) < NOISE_MS) return false;
      offset = value;
      agreeing.clear();
      return true;
    },

    judge(deviceTime, deviceAt, place, now) {
      if (deviceAt === null) return { late: false, clockSuspect: deviceTime !== null };
      const shown = nears(now);
      const isNow = shown.some((n) => Math.abs(deviceAt - n) <= LATE_MS);
      if (isNow && offset !== null && agreeing.size < MOST_PLACES) agreeing.add(place);
      const before = horizon.get(place);
      const replayed = before !== undefined && deviceAt < before && shown.every((n) => deviceAt < n - SLACK_MS);
      const old = offset !== null && shown.every((n) => deviceAt < n - LATE_MS);
      const fresh = connectedAt !== null && now - connectedAt <= REPLAY_MS;
      const late = (replayed && fresh) || (old && (fresh || agreeing.has(place)));
      if (!late && deviceAt > (newest.get(place) ?? Number.NEGATIVE_INFINITY) && newest.size < MOST_PLACES)
        newest.set(place, deviceAt);
      return { late, clockSuspect: !late && !isNow };
    },

    reconnected(now) {
      horizon = newest;
      newest = new Map(horizon);
      connectedAt = now;
    },
  };
}

/** An offset of whole quarters of an hour is more likely a zone that is set wrong here or there than a wrong clock. */
function mayBeZone(offset: number): boolean {
  const size = Math.abs(offset);
  if (size < QUARTER_MS - LATE_MS || size > ZONES_MS) return false;
  const rest = size % QUARTER_MS;
  return rest <= LATE_MS || rest >= QUARTER_MS - LATE_MS;
}
