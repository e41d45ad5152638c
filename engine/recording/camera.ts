/** Keeps one camera's ring filled: one ffmpeg that copies the stream, watched, and started again with back-off. */
import { type Clock, sleepOrStop, type Timer } from '../clock/clock';
import type { DeviceRecording, LiveStream, StreamSecurity } from '../domain/devices';
import { type AlarmflowError, asAlarmflowError, operationalError } from '../domain/errors';
import { sortableId } from '../domain/ids';
import type { Log } from '../domain/log';
import { type FfmpegRun, startFfmpeg } from './ffmpeg';
import type { Ring } from './ring';
import { openTunnel, type SecureTunnel } from './secure-tunnel';
import { createStampWatch } from './stamp-watch';
import { playlist, recordArguments, type StreamManner, soundCodecIn, streamError } from './stream-input';
import { createStreamReader, pictureTime, soundKind, videoKind } from './transport-stream';

export interface CameraTiming {
  /** Nothing came for so long after it was asked for: the stream is not there. */
  openMs: number;
  /** Nothing came for so long: the stream stands still. */
  stallMs: number;
  /** No key frame for so long: nothing can be cut from the stream. */
  keyMs: number;
  /** Nothing came for so long where sound was asked for: it is tried without, for pictures go before sound. */
  soundMs: number;
  /** First and longest wait before the stream is opened again; each wait is twice the one before. */
  retryMs: number;
  longestRetryMs: number;
  /** After a refused password: more tries would lock the account (PROTOCOLS §0.2). */
  refusedMs: number;
  /** So long without pictures before people are told. */
  tellMs: number;
  /** Least length of a file of the ring. */
  segmentMs: number;
}

export const usualTiming: CameraTiming = {
  openMs: 20_000,
  stallMs: 10_000,
  keyMs: 30_000,
  soundMs: 15_000,
  retryMs: 1_000,
  longestRetryMs: 60_000,
  refusedMs: 300_000,
  tellMs: 10_000,
  segmentMs: 1_000,
};

export interface CameraParts {
  /** For messages: `"Hall camera" channel 1`. */
  title: string;
  ring: Ring;
  ffmpegPath: string;
  liveStream(signal: AbortSignal): Promise<LiveStream>;
  /** What the dialog says of how the stream is taken. */
  wanted: Pick<DeviceRecording, 'transport' | 'security' | 'sound'>;
  /** Throws an operational error while the disk has no room for recordings. */
  checkSpace(): Promise<void>;
  /** Moves the ring with the wall clock where that was set. */
  watchWall(): void;
  /** Nothing has been recorded for a while; null: it is again. */
  told(trouble: AlarmflowError | null): void;
  timing: CameraTiming;
  clock: Clock;
  log: Log;
}

export interface CameraRecorder {
  start(): void;
  /** Why nothing is being recorded at the moment, or null. */
  trouble(): AlarmflowError | null;
  close(): Promise<void>;
}

const PRUNE_EVERY_MS = 1_000;
/** A second stream with wrong times within that: the camera numbers its pictures wrongly. */
const WRONG_TIMES_MS = 600_000;
/** Without any word in the dialog, a certificate must be a good one. */
const strict: StreamSecurity = { allowSelfSigned: false, authority: '', fingerprint: '' };

/** The stream is opened anew at once, in another manner: that is no trouble to tell of. */
class Anew extends Error {}

export function createCameraRecorder(parts: CameraParts): CameraRecorder {
  const { ring, clock, timing, title } = parts;
  const log = parts.log.with({ camera: title });
  const stop = new AbortController();
  let trouble: AlarmflowError | null = operationalError('E_RECORDER', `The stream of ${title} is just being opened`);
  let telling: Timer | null = null;
  let told = false;
  let running: Promise<void> = Promise.resolve();
  let healthySince: number | null = null;
  /** What has been learned of the camera. */
  let soundCodec: string | null = null;
  let silent = false;
  let ownTimes = false;
  let wrongTimesAt: number | null = null;

  function healthy(): void {
    if (trouble === null) return;
    trouble = null;
    healthySince = clock.monotonic();
    telling?.cancel();
    telling = null;
    log.info('recording.running', {});
    if (told) parts.told(null);
    told = false;
  }

  function troubled(error: AlarmflowError): void {
    if (trouble?.message !== error.message)
      log.warn('recording.interrupted', { code: error.code, error: error.message });
    trouble = error;
    if (told || telling) return;
    telling = clock.after(
      timing.tellMs,
      () => {
        telling = null;
        told = true;
        if (trouble) parts.told(trouble);
      },
      { background: true },
    );
  }

  async function keepOpen(): Promise<void> {
    await ring.load();
    let wait = timing.retryMs;
    while (!stop.signal.aborted) {
      healthySince = null;
      let error: AlarmflowError | null = null;
      try {
        await parts.checkSpace();
        await open(await parts.liveStream(stop.signal));
        error = operationalError('E_RECORDER', `The stream of ${title} has ended`);
      } catch (thrown) {
        if (thrown instanceof Anew) log.info('recording.opened-anew', { reason: thrown.message });
        else error = asAlarmflowError(thrown);
      }
      if (stop.signal.aborted) return;
      await ring
        .end()
        .catch((thrown: unknown) => log.warn('recording.file-not-ended', { error: asAlarmflowError(thrown).message }));
      await ring.prune(clock.now());
      if (error === null) continue;
      if (healthySince !== null && clock.monotonic() - healthySince > timing.longestRetryMs) wait = timing.retryMs;
      else if (healthySince !== null) wait = Math.min(wait, timing.retryMs * 4);
      troubled(error);
      const pause = Math.max(error.code === 'E_CREDENTIALS_REFUSED' ? timing.refusedMs : wait, error.retryAfterMs ?? 0);
      wait = Math.min(wait * 2, timing.longestRetryMs);
      await sleepOrStop(clock, pause, stop.signal);
    }
  }

  /** By the way that the dialog and the device ask for. */
  async function open(stream: LiveStream): Promise<void> {
    const url = new URL(stream.url);
    if (url.protocol !== 'rtsps:') return record(stream, null);
    const tunnel = await openTunnel(
      {
        title,
        host: url.hostname.replace(/^\[|\]$/g, ''),
        port: Number(url.port || 322),
        security: parts.wanted.security ?? strict,
      },
      clock,
      stop.signal,
    );
    try {
      const near = `rtsp://127.0.0.1:${tunnel.port}${url.pathname}${url.search}`;
      await record({ url: near, login: stream.login }, tunnel);
    } finally {
      tunnel.close();
    }
  }

  function mannerOf(tunnel: SecureTunnel | null): StreamManner {
    const sound = !parts.wanted.sound || silent ? null : soundCodec === 'aac' ? 'aac' : 'make';
    return { transport: tunnel ? 'tls' : (parts.wanted.transport ?? 'tcp'), sound, ownTimes };
  }

  /** One life of the stream; resolves when it ends by itself, throws why it broke. */
  async function record(stream: LiveStream, tunnel: SecureTunnel | null): Promise<void> {
    const manner = mannerOf(tunnel);
    silent = false;
    const run = startFfmpeg(parts.ffmpegPath, recordArguments(manner), manner.sound === null ? 'error' : 'info');
    run.child.stdin?.end(playlist(stream, manner));
    const kill = (): void => run.kill();
    stop.signal.addEventListener('abort', kill, { once: true });
    let broken: Error | null = null;
    const breakOff = (why: string): void => {
      broken ??= operationalError('E_RECORDER', why);
      run.kill();
    };
    const began = clock.monotonic();
    let seen: number | null = null;
    let keySeen = began;
    const watch = clock.every(
      Math.max(50, timing.stallMs / 5),
      () => {
        const now = clock.monotonic();
        if (seen === null && manner.sound !== null && now - began > timing.soundMs) {
          // A track that is announced and stays empty would hold all up.
          silent = true;
          broken ??= new Anew('nothing came with sound, so it is taken without');
          run.kill();
        } else if (seen === null && now - began > timing.openMs)
          breakOff(
            `The device sends no pictures of ${title}: nothing came within ${timing.openMs / 1000} s; check camera and network`,
          );
        else if (seen !== null && now - seen > timing.stallMs)
          breakOff(
            `The stream of ${title} stands still: nothing came for ${Math.round(timing.stallMs / 1000)} s; check camera and network`,
          );
        else if (now - keySeen > timing.keyMs)
          breakOff(
            `The stream of ${title} had no key frame for ${timing.keyMs / 1000} s: set a shorter I-frame interval on the camera, and H.264 or H.265`,
          );
      },
      { background: true },
    );
    try {
      await consume(
        run,
        manner,
        () => {
          seen = clock.monotonic();
        },
        () => {
          keySeen = clock.monotonic();
        },
      );
      const code = await run.ended;
      if (broken) throw broken;
      if (code !== 0) throw tunnel?.failure() ?? streamError(title, run.words());
    } catch (thrown) {
      if (thrown instanceof Anew) throw thrown;
      throw broken ?? diskError(title, thrown);
    } finally {
      watch.cancel();
      stop.signal.removeEventListener('abort', kill);
      run.kill();
    }
  }

  async function consume(run: FfmpegRun, manner: StreamManner, came: () => void, keyCame: () => void): Promise<void> {
    const reader = createStreamReader();
    const stamps = createStampWatch();
    const name = sortableId(clock.now());
    let pruned = clock.monotonic();
    for await (const chunk of run.child.stdout ?? []) {
      came();
      parts.watchWall();
      const at = Math.round(clock.now());
      for (const piece of reader.feed(chunk as Buffer)) {
        const since = ring.openSince();
        if (piece.key && piece.tables) {
          checkFormat(piece.tables, piece.bytes);
          checkSound(manner, run, piece.tables);
          if (!manner.ownTimes) checkTimes(stamps.goesRight(pictureTime(piece.bytes), clock.monotonic()));
          keyCame();
          // Short files cost more than they are worth; a clock that was set back begins a new one at once.
          if (since === null || at - since >= timing.segmentMs || at < since) await ring.begin(name, at, piece.tables);
          healthy();
        }
        await ring.write(piece.bytes, at);
      }
      if (clock.monotonic() - pruned > PRUNE_EVERY_MS) {
        pruned = clock.monotonic();
        await ring.prune(clock.now());
        await parts.checkSpace();
      }
    }
  }

  /** What no clip can be made of must not fill a ring as if all were well. */
  function checkFormat(tables: Buffer, picture: Buffer): void {
    if (videoKind(tables, picture) !== null) return;
    throw operationalError(
      'E_RECORDER_FORMAT',
      `The stream of ${title} is neither H.264 nor H.265 nor Motion JPEG (MPEG-4?), so no clip can be made of it: set H.264 on the camera, or choose its other stream in the dialog of the device`,
    );
  }

  /** AAC is taken as it is, as soon as it is known to come; what a camera was given in its place is made AAC again. */
  function checkSound(manner: StreamManner, run: FfmpegRun, tables: Buffer): void {
    if (manner.sound === 'aac' && soundKind(tables) === 'other') {
      soundCodec = 'other';
      throw new Anew('the camera has another sound than AAC now');
    }
    if (manner.sound !== 'make' || soundCodec !== null) return;
    soundCodec = soundCodecIn(run.words());
    if (soundCodec === 'aac') throw new Anew('its sound is AAC and needs not be made anew');
  }

  /** Wrong times are mended by opening the stream anew, those that come again by times of our own. */
  function checkTimes(right: boolean): void {
    if (right) return;
    const now = clock.monotonic();
    ownTimes = wrongTimesAt !== null && now - wrongTimesAt < WRONG_TIMES_MS;
    wrongTimesAt = now;
    throw new Anew(ownTimes ? 'its times are wrong again: it gets ours' : 'its times are wrong: its clock was set?');
  }

  return {
    start() {
      running = keepOpen().catch((thrown: unknown) => {
        const error = asAlarmflowError(thrown);
        log.error('recording.failed', { error: error.message });
        troubled(error);
      });
    },
    trouble: () => trouble,
    async close() {
      stop.abort();
      telling?.cancel();
      await running;
      await ring
        .end()
        .catch((thrown: unknown) => log.warn('recording.file-not-ended', { error: asAlarmflowError(thrown).message }));
    },
  };
}

function diskError(title: string, thrown: unknown): AlarmflowError {
  const code = (thrown as NodeJS.ErrnoException | null)?.code ?? '';
  if (/^E(?:NOSPC|DQUOT|ROFS|ACCES|IO)$/.test(code))
    return operationalError(
      'E_RECORDER_DISK',
      `The recording of ${title} cannot be written: ${(thrown as Error).message}; check space and rights of the data folder`,
      { cause: thrown },
    );
  return asAlarmflowError(thrown);
}
