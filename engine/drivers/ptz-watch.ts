/** Looks where a camera looks after a move, beside its other requests: none waits for it. */
import { type Clock, callWithin, sleepOrStop } from '../clock/clock';
import type { PtzMove } from '../domain/devices';
import { type AlarmflowError, asAlarmflowError, operationalError } from '../domain/errors';
import type { Log } from '../domain/log';
import type { PtzOutcome, PtzTurn } from '../domain/ptz-outcomes';
import { judgeMove, LOOK_MS, type PtzPosition, type PtzReading, type PtzSample, samePlaceOf } from './ptz-judgement';

/** How a maker's cameras tell where they look. */
export interface PtzReader {
  /** null: this camera does not tell; it is not asked again. Throws AlarmflowError. */
  read(channel: number, signal: AbortSignal): Promise<PtzReading | null>;
  /** Where its presets are, as far as it tells. Absent: the protocol does not. Throws AlarmflowError. */
  presetPlaces?(channel: number, signal: AbortSignal): Promise<ReadonlyMap<number, PtzPosition>>;
}

export interface PtzMoves {
  gotoPreset(channel: number, preset: number, signal: AbortSignal): Promise<void>;
  ptz(channel: number, move: PtzMove, signal: AbortSignal): Promise<void>;
}

export interface WatchedPtz extends PtzMoves {
  turn(channel: number, move: PtzMove, signal: AbortSignal): Promise<PtzTurn>;
}

/** The look before a move may delay it by this much and no more, in milliseconds. */
const BEFORE_MS = 800;
const READ_MS = 2_000;
const EVERY_MS = 400;
/** Looks in a row that fail: the device is away, or its connection is being closed. */
const MOST_FAILURES = 3;
const MOST_REMEMBERED = 512;
/** A camera that says this to a question has no answer to it, or none for this user: asking on would only harm. */
const final: ReadonlySet<string> = new Set([
  'E_NOT_SUPPORTED',
  'E_BAD_PARAMETER',
  'E_LOW_PRIVILEGE',
  'E_CREDENTIALS_REFUSED',
  'E_NOT_ONVIF',
]);

/** What is known of one channel on this connection. */
interface Channel {
  /** It does not tell where it looks. */
  mute: boolean;
  /** It does not tell where its presets are. */
  placeless: boolean;
  /** Its readings have been seen to change. */
  lively: boolean;
  last: PtzPosition | null;
  /** Counts the moves: an older one is no longer looked at. */
  moves: number;
}

interface Looked {
  reading: PtzReading | null;
}

export function createWatchedPtz(parts: PtzMoves & { reader: PtzReader; clock: Clock; log: Log }): WatchedPtz {
  const { reader, clock, log } = parts;
  const channels = new Map<number, Channel>();
  /** Where the camera came to rest when it was last sent to a preset, by channel and preset. */
  const rests = new Map<string, PtzPosition>();

  function channelOf(channel: number): Channel {
    const known = channels.get(channel);
    if (known) return known;
    const fresh: Channel = { mute: false, placeless: false, lively: false, last: null, moves: 0 };
    if (channels.size < MOST_REMEMBERED) channels.set(channel, fresh);
    return fresh;
  }

  const limited = <T>(ms: number, signal: AbortSignal, ask: (signal: AbortSignal) => Promise<T>): Promise<T> =>
    callWithin(clock, ms, signal, () => operationalError('E_TOO_SLOW', `no answer within ${ms} ms`), ask);

  function untold(channel: number, what: string, thrown: unknown): AlarmflowError {
    const error = asAlarmflowError(thrown);
    log.debug('ptz.not-told', { channel, what, code: error.code, reason: error.message });
    return error;
  }

  async function look(channel: number, ms: number, signal: AbortSignal): Promise<Looked | AlarmflowError> {
    const known = channelOf(channel);
    if (known.mute) return { reading: null };
    try {
      const reading = await limited(ms, signal, (stop) => reader.read(channel, stop));
      if (!reading || Object.keys(reading.position).length === 0) {
        known.mute = true;
        return { reading: null };
      }
      if (known.last && samePlaceOf(known.last, reading.position, 0.5) === false) known.lively = true;
      known.last = reading.position;
      return { reading };
    } catch (thrown) {
      const error = untold(channel, 'position', thrown);
      if (!final.has(error.code)) return error;
      known.mute = true;
      return { reading: null };
    }
  }

  /** Cameras that say the same of all presets say nothing of any. */
  async function targetOf(channel: number, preset: number, signal: AbortSignal): Promise<PtzPosition | null> {
    const known = channelOf(channel);
    if (known.placeless || !reader.presetPlaces) return null;
    try {
      const places = await limited(READ_MS, signal, (stop) => reader.presetPlaces!(channel, stop));
      const [first, ...others] = places.values();
      if (!first) known.placeless = true;
      const target = places.get(preset);
      if (!first || !target) return null;
      const differ = others.some((other) => samePlaceOf(first, other, 0.5) === false);
      const isUnset = [target.pan, target.tilt].every((axis) => axis === undefined || axis.at === 0);
      return differ || (others.length === 0 && !isUnset) ? target : null;
    } catch (thrown) {
      if (final.has(untold(channel, 'places of presets', thrown).code)) known.placeless = true;
      return null;
    }
  }

  function sendMove(channel: number, move: PtzMove, signal: AbortSignal): Promise<void> {
    if (move.move !== 'aux') channelOf(channel).moves++;
    return parts.ptz(channel, move, signal);
  }

  async function arrive(
    channel: number,
    preset: number | null,
    before: PtzReading | null,
    takenAt: number,
    signal: AbortSignal,
  ): Promise<PtzOutcome> {
    const known = channelOf(channel);
    const { moves } = known;
    const samples: PtzSample[] = [];
    const key = `${channel}/${preset}`;
    const formerRest = rests.get(key) ?? null;
    let target: PtzPosition | null | undefined = preset === null ? null : undefined;
    let failures = 0;
    for (;;) {
      if (signal.aborted || known.moves !== moves) return 'overtaken';
      const left = LOOK_MS - (clock.monotonic() - takenAt);
      const looked = left > 0 ? await look(channel, Math.min(READ_MS, left), signal) : null;
      if (signal.aborted || known.moves !== moves) return 'overtaken';
      if (looked && 'reading' in looked) {
        if (!looked.reading) return 'unconfirmed';
        failures = 0;
        samples.push({ ...looked.reading, at: clock.monotonic() - takenAt });
      } else if (looked && ++failures >= MOST_FAILURES) {
        return 'unconfirmed';
      }
      // Behind the first look, which comes soonest to where the camera was.
      if (target === undefined && samples.length > 0) target = await targetOf(channel, preset!, signal);
      const now = clock.monotonic() - takenAt;
      const outcome = judgeMove({
        before,
        target: target ?? null,
        preset,
        formerRest,
        lively: known.lively,
        samples,
        now,
      });
      if (outcome !== null) {
        const rest = samples.at(-1)?.position;
        if (rest && ['reached', 'moved', 'elsewhere'].includes(outcome)) {
          if (rests.size >= MOST_REMEMBERED) rests.clear();
          rests.set(key, rest);
        }
        return outcome;
      }
      await sleepOrStop(clock, EVERY_MS, signal);
    }
  }

  return {
    gotoPreset(channel, preset, signal) {
      channelOf(channel).moves++;
      return parts.gotoPreset(channel, preset, signal);
    },
    ptz: sendMove,
    async turn(channel, move, signal) {
      if ((move.move !== 'preset' && move.move !== 'home') || channelOf(channel).mute) {
        await sendMove(channel, move, signal);
        return { arrival: null };
      }
      // Only where it has told before: a question that it refuses as a wrong login must not stand before the move.
      const looked = channelOf(channel).last === null ? null : await look(channel, BEFORE_MS, signal);
      await sendMove(channel, move, signal);
      const before = looked && 'reading' in looked ? looked.reading : null;
      const takenAt = clock.monotonic();
      return {
        arrival: (stop) => arrive(channel, move.move === 'preset' ? move.number : null, before, takenAt, stop),
      };
    },
  };
}
