/** Pure: what became of a camera's move, from where it looked before and where it has looked since. */
import type { PtzOutcome } from '../domain/ptz-outcomes';

/** One axis of where a camera looks, in whatever unit its maker tells it. */
export interface PtzCoordinate {
  at: number;
  /** Differences up to this are the same place. */
  tolerance: number;
  /** A whole turn in its unit, for heads that turn round and round. Absent: it has ends. */
  turn?: number;
  /** Name of the unit; coordinates in different ones cannot be compared. Absent: the device has one. */
  space?: string;
}

/** Axes that a device does not tell, or has not got, are absent. */
export interface PtzPosition {
  pan?: PtzCoordinate;
  tilt?: PtzCoordinate;
  zoom?: PtzCoordinate;
}

/** What a camera says of itself at one moment. */
export interface PtzReading {
  position: PtzPosition;
  /** null: it does not tell. */
  moving: boolean | null;
  /** At which preset it says it is. Absent: it does not tell. */
  preset?: number;
}

export interface PtzSample extends PtzReading {
  /** Monotonic milliseconds since the camera took the move. */
  at: number;
}

export interface PtzCase {
  /** Just before the move; null: it was not told. */
  before: PtzReading | null;
  /** Where the preset is, as the camera says; null: it does not. */
  target: PtzPosition | null;
  /** Number of the preset; null: it went home. */
  preset: number | null;
  /** Where the camera came to rest when it was last sent there; null: that is not known. */
  formerRest: PtzPosition | null;
  /** Its readings have been seen to change: they are no constant that stands for "unknown". */
  lively: boolean;
  /** Oldest first. */
  samples: readonly PtzSample[];
  /** Monotonic milliseconds since the camera took the move. */
  now: number;
}

/** How long a move is looked at, in milliseconds. */
export const LOOK_MS = 8_000;
/** A head may take this long to begin to turn. */
const BEGIN_MS = 3_000;
/** Heads pan first and then zoom: one that rests elsewhere than it is to may go on within this time. */
const PAUSE_MS = 1_500;
/** Two looks at the same place, this far apart, are rest. */
const REST_MS = 300;
/** No head comes to another place and to rest in this time: what is read then is where it was. */
const START_MS = 500;

const axes = ['pan', 'tilt', 'zoom'] as const;

function distance(a: PtzCoordinate, b: PtzCoordinate): number {
  const apart = Math.abs(a.at - b.at);
  if (a.turn === undefined || a.turn !== b.turn) return apart;
  const part = apart % a.turn;
  return Math.min(part, a.turn - part);
}

/**
 * Whether two places are the same; null where they have no axis in common.
 *
 * @param factor of the tolerance
 */
export function samePlaceOf(a: PtzPosition, b: PtzPosition, factor = 1): boolean | null {
  let compared = false;
  for (const axis of axes) {
    const [x, y] = [a[axis], b[axis]];
    if (!x || !y || x.space !== y.space) continue;
    compared = true;
    if (distance(x, y) > x.tolerance * factor) return false;
  }
  return compared ? true : null;
}

/** Zero on all axes is what cameras say that know no position. */
export const isZero = ({ pan, tilt }: PtzPosition): boolean => (pan?.at ?? 0) === 0 && (tilt?.at ?? 0) === 0;

/** Since when the newest sample's place has not changed; null: it moves, or there is one sample only. */
function restsSince(samples: readonly PtzSample[]): number | null {
  const last = samples.at(-1);
  if (!last || last.moving === true) return null;
  let since = last.at;
  for (let i = samples.length - 2; i >= 0; i--) {
    const other = samples[i]!;
    if (other.moving === true || samePlaceOf(last.position, other.position, 0.2) === false) break;
    since = other.at;
  }
  return last.at - since >= REST_MS ? since : null;
}

/** What became of the move; null: it is to be looked at again. */
export function judgeMove({ before, target, preset, formerRest, lively, samples, now }: PtzCase): PtzOutcome | null {
  const over = now >= LOOK_MS;
  const last = samples.at(-1);
  if (!last) return over ? 'unconfirmed' : null;
  const from = before ?? samples[0]!;
  const fromStart = before !== null || samples[0]!.at <= START_MS;
  const isElsewhereThan = (sample: PtzSample): boolean => samePlaceOf(from.position, sample.position, 0.5) === false;
  const turned = isElsewhereThan(last);
  const stirred = turned || samples.some((sample) => sample.moving === true || isElsewhereThan(sample));
  const since = restsSince(samples);
  if (since === null) return !over ? null : stirred ? 'still-turning' : 'unconfirmed';
  const rested = last.at - since;
  const atTarget = target ? samePlaceOf(last.position, target) : null;
  if (atTarget === true) {
    // Some say that they move as soon as they are told to, also where there is no way to go.
    const stayed = before !== null && !samples.some(isElsewhereThan);
    const wasThere = stayed && samePlaceOf(before.position, target!) === true;
    return wasThere ? 'already-there' : 'reached';
  }
  if (stirred) {
    if (rested < PAUSE_MS && !over) return null;
    if (atTarget === false) return 'elsewhere';
    return preset !== null && last.preset === preset ? 'reached' : 'moved';
  }
  if (now < BEGIN_MS) return null;
  if (!fromStart) return atTarget === false ? 'elsewhere' : 'unmoved';
  // A camera that came here before when it was sent there says of its presets what is not so: that is no proof.
  if (formerRest && samePlaceOf(last.position, formerRest) === true)
    return atTarget === false ? 'elsewhere' : 'already-there';
  if (atTarget === null)
    return preset !== null && from.preset === preset && last.preset === preset ? 'already-there' : 'unmoved';
  const surely = samePlaceOf(last.position, target!, 2) === false && (lively || !isZero(last.position));
  return surely ? 'not-moved' : 'unmoved';
}
