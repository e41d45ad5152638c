/** Keeps one camera's ring filled: one ffmpeg that copies the stream, watched, and started again with back-off. */
import { type Clock, sleepOrStop, type Timer } from '../clock/clock';
import type { LiveStream } from '../domain/devices';
import { type AlarmflowError, asAlarmflowError, operationalError } from '../domain/errors';
import { sortableId } from '../domain/ids';
import type { Log } from '../domain/log';
import { type FfmpegRun, reasonOf, startFfmpeg } from './ffmpeg';
import type { Ring } from './ring';
import { createStreamReader, isPlayable, streamType } from './transport-stream';

export interface CameraTiming {
  /** Nothing came for so long after it was asked for: the stream is not there. */
  openMs: number;
  /** Nothing came for so long: the stream stands still. */
  stallMs: number;
  /** No key frame for so long: nothing can be cut from the stream. */
  keyMs: number;
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

export function createCameraRecorder(parts: CameraParts): CameraRecorder {
  const { ring, clock, timing, title } = parts;
  const log = parts.log.with({ camera: title });
  const stop = new AbortController();
  let trouble: AlarmflowError | null = operationalError('E_RECORDER', `The stream of ${title} is just being opened`);
  let telling: Timer | null = null;
  let told = false;
  let running: Promise<void> = Promise.resolve();
  let healthySince: number | null = null;

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
      let error: AlarmflowError;
      try {
        await parts.checkSpace();
        const stream = await parts.liveStream(stop.signal);
        await record(stream);
        error = operationalError('E_RECORDER', `The stream of ${title} has ended`);
      } catch (thrown) {
        error = asAlarmflowError(thrown);
      }
      if (stop.signal.aborted) return;
      await ring
        .end()
        .catch((thrown: unknown) => log.warn('recording.file-not-ended', { error: asAlarmflowError(thrown).message }));
      await ring.prune(clock.now());
      if (healthySince !== null && clock.monotonic() - healthySince > timing.longestRetryMs) wait = timing.retryMs;
      else if (healthySince !== null) wait = Math.min(wait, timing.retryMs * 4);
      troubled(error);
      const pause = Math.max(error.code === 'E_CREDENTIALS_REFUSED' ? timing.refusedMs : wait, error.retryAfterMs ?? 0);
      wait = Math.min(wait * 2, timing.longestRetryMs);
      await sleepOrStop(clock, pause, stop.signal);
    }
  }

  /** One life of the stream; resolves when it ends by itself, throws why it broke. */
  async function record(stream: LiveStream): Promise<void> {
    const run = startFfmpeg(parts.ffmpegPath, [
      // The address comes over standard input: among the arguments everybody on this machine would read the login.
      '-fflags',
      'nobuffer',
      '-analyzeduration',
      '500000',
      '-fpsprobesize',
      '0',
      '-protocol_whitelist',
      'pipe,rtsp,rtp,tcp,tls',
      '-f',
      'concat',
      '-safe',
      '0',
      '-i',
      'pipe:0',
      // Sound is left out: recording it is forbidden in many places, and few cameras send a kind that a clip can hold.
      '-map',
      '0:v:0',
      '-c',
      'copy',
      '-f',
      'mpegts',
      '-mpegts_flags',
      '+pat_pmt_at_frames',
      '-muxdelay',
      '0',
      '-muxpreload',
      '0',
      '-flush_packets',
      '1',
      'pipe:1',
    ]);
    run.child.stdin?.end(playlist(stream));
    const kill = (): void => run.kill();
    stop.signal.addEventListener('abort', kill, { once: true });
    let broken: AlarmflowError | null = null;
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
        if (seen === null && now - began > timing.openMs)
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
        () => {
          seen = clock.monotonic();
        },
        () => {
          keySeen = clock.monotonic();
        },
      );
      const code = await run.ended;
      if (broken) throw broken;
      if (code !== 0) throw streamError(title, run.words());
    } catch (thrown) {
      throw broken ?? diskError(title, thrown);
    } finally {
      watch.cancel();
      stop.signal.removeEventListener('abort', kill);
      run.kill();
    }
  }

  async function consume(run: FfmpegRun, came: () => void, keyCame: () => void): Promise<void> {
    const reader = createStreamReader();
    const name = sortableId(clock.now());
    let pruned = clock.monotonic();
    for await (const chunk of run.child.stdout ?? []) {
      came();
      parts.watchWall();
      const at = Math.round(clock.now());
      for (const piece of reader.feed(chunk as Buffer)) {
        const since = ring.openSince();
        if (piece.key && piece.tables) {
          checkFormat(piece.tables);
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

  /** What no browser plays must not fill a ring as if all were well. */
  function checkFormat(tables: Buffer): void {
    if (isPlayable(streamType(tables))) return;
    throw operationalError(
      'E_RECORDER_FORMAT',
      `The stream of ${title} is neither H.264 nor H.265 (Motion JPEG?), so no clip can be made of it: set H.264 on the camera, or choose its other stream in the dialog of the device`,
    );
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

/** What ffmpeg reads over standard input: the address with its login (RFC 3986 §3.2.1), and how to open it. */
function playlist({ url, login }: LiveStream): string {
  const whole = new URL(url);
  const user = login ? `${escaped(login.user)}:${escaped(login.password)}@` : '';
  const rest = `${whole.host}${whole.pathname}${whole.search}`.replace(/['\r\n\\]/g, percent);
  return [
    'ffconcat version 1.0',
    `file '${whole.protocol}//${user}${rest}'`,
    'option rtsp_transport tcp',
    // Nothing else is asked for. Beside sound ffmpeg would also take its time from the camera's clock (RTCP, RFC 3550 §6.4.1), and a
    // camera whose clock is set would tear the stream.
    'option allowed_media_types video',
    'option timeout 8000000',
    'option fflags nobuffer',
    'option analyzeduration 500000',
    'option fpsprobesize 0',
    '',
  ].join('\n');
}

const percent = (sign: string): string => `%${sign.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`;

/** Also what encodeURIComponent leaves: a quotation mark would end the name in the list. */
const escaped = (text: string): string => encodeURIComponent(text).replace(/[!'()*]/g, percent);

function streamError(title: string, words: string): AlarmflowError {
  if (/\b40[13]\b/.test(words) && /Unauthorized|Forbidden|authorization failed|denied/i.test(words))
    return operationalError(
      'E_CREDENTIALS_REFUSED',
      `The stream of ${title} refuses the login: check user and password in the dialog of the device, and its right to see live pictures`,
    );
  if (/404 Not Found|Not Found/i.test(words))
    return operationalError(
      'E_RECORDER',
      `The device knows no stream for ${title}: check the channel in its dialog ("Keep the last seconds for alarms")`,
    );
  return operationalError('E_RECORDER', `The stream of ${title} broke off: ${reasonOf(words)}`);
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
