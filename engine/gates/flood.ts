/** Flood control of one area: pure, time comes in as an input. See `domain/flood.ts` for what a flood is. */
import { FLOOD_NOTICE_EVERY_MS, type FloodLimits } from '../domain/flood';

/** What is known of one area's raises; plain data. Exempt alarms are not in it. */
export interface FloodState {
  /** The latest raises, oldest first: one more than the limit, which is all that begins and ends need. */
  readonly recent: readonly { readonly at: number; readonly alarmId: string }[];
  readonly flood: RunningFlood | null;
}

export interface RunningFlood {
  readonly since: number;
  readonly firstOut: string;
  /** Raises since the first that counted. */
  readonly raises: number;
  /** Raises since the last notice; none of them has been told by itself. */
  readonly untold: number;
  /** Any raise of it was ever grouped. */
  readonly grouped: boolean;
  readonly noticeAt: number;
}

export const noFlood: FloodState = { recent: [], flood: null };

const within = (state: FloodState, limits: FloodLimits, at: number): FloodState['recent'] =>
  state.recent.filter((raise) => raise.at <= at && at - raise.at < limits.withinMs);

/**
 * A raise. The one that begins the flood is still told by itself, so that its readers learn at once that notices are
 * grouped from now on; those after it are grouped.
 *
 * @param lives whether an alarm still runs; the first-out is the earliest of those that do
 */
export function floodRaise(
  state: FloodState,
  limits: FloodLimits,
  raise: { at: number; alarmId: string },
  lives: (alarmId: string) => boolean,
): { state: FloodState; begins: boolean; grouped: boolean } {
  const recent = [...state.recent, raise].slice(-(limits.raises + 1));
  if (state.flood !== null) {
    const { flood } = state;
    const running = { ...flood, raises: flood.raises + 1, untold: flood.untold + 1, grouped: true };
    return { state: { recent, flood: running }, begins: false, grouped: true };
  }
  const counted = within({ recent, flood: null }, limits, raise.at);
  if (counted.length <= limits.raises) return { state: { recent, flood: null }, begins: false, grouped: false };
  const firstOut = counted.find(({ alarmId }) => alarmId === raise.alarmId || lives(alarmId)) ?? raise;
  const flood: RunningFlood = {
    since: raise.at,
    firstOut: firstOut.alarmId,
    raises: counted.length,
    untold: 0,
    grouped: false,
    noticeAt: raise.at + FLOOD_NOTICE_EVERY_MS,
  };
  return { state: { recent, flood }, begins: true, grouped: false };
}

/**
 * The time of a notice. `tells` is the number of raises that the notice stands for; 0: there is none to tell. The last
 * notice of a flood stands for all of it.
 */
export function floodNotice(
  state: FloodState,
  limits: FloodLimits | null,
  at: number,
): { state: FloodState; tells: number; over: boolean } {
  const { flood } = state;
  if (flood === null || at < flood.noticeAt) return { state, tells: 0, over: false };
  const over = limits === null || within(state, limits, at).length < limits.raises;
  if (over) return { state: { ...state, flood: null }, tells: flood.grouped ? flood.raises : 0, over };
  const noticeAt = at + FLOOD_NOTICE_EVERY_MS;
  return { state: { ...state, flood: { ...flood, untold: 0, noticeAt } }, tells: flood.untold, over };
}

/** The wall clock was set: what was measured is carried over, like in `jump.ts`. */
export const carryFlood = ({ recent, flood }: FloodState, by: number): FloodState => ({
  recent: recent.map((raise) => ({ ...raise, at: raise.at + by })),
  flood: flood === null ? null : { ...flood, since: flood.since + by, noticeAt: flood.noticeAt + by },
});
