/** All rings of the site, and what is cut out of them. */
import { createHash } from 'node:crypto';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { type Clock, isoTime } from '../clock/clock';
import { createWallWatch } from '../clock/wall-watch';
import type { DeviceDefinition, LiveStream, Picture } from '../domain/devices';
import { type AlarmflowError, asAlarmflowError, operationalError, userError } from '../domain/errors';
import type { Log } from '../domain/log';
import type { CameraChannel, Clip, Recordings } from '../domain/media';
import type { MediaStore } from '../domain/record';
import { type CameraRecorder, type CameraTiming, createCameraRecorder, usualTiming } from './camera';
import { createQueue, cutClip, cutPicture, planOneCodec } from './cutting';
import { ffmpegVersion } from './ffmpeg';
import { createRing, type Ring, type Segment } from './ring';

export interface RecorderOptions {
  /** Folder of the rings; everything in it is the recorder's. */
  folder: string;
  ffmpegPath: string;
  /** Space for the rings of all cameras together, in bytes; what recordings hold comes on top. */
  mostBytes: number;
  /** Bytes that must stay free on the disk. */
  reserveBytes: number;
  freeBytes(): Promise<number>;
  media: Pick<MediaStore, 'keepFile' | 'ofOrigin'>;
  liveStream(camera: CameraChannel, signal: AbortSignal): Promise<LiveStream>;
  /** Nothing has been recorded of a camera for a while, and why; null: it is again. */
  told(camera: CameraChannel, trouble: AlarmflowError | null): void;
  clock: Clock;
  log: Log;
  timing?: CameraTiming;
}

/** A span of a camera that must not be pruned; `to` null: from then on. */
export interface HeldSpan {
  camera: CameraChannel;
  from: number;
  to: number | null;
}

export interface Recorder extends Recordings {
  /** What is to be kept of a device; the same again changes nothing. */
  define(definition: DeviceDefinition): void;
  remove(deviceId: string): void;
  /** Opens the streams; what is defined later opens at once. Rings of cameras that nobody records any more go. */
  start(): Promise<void>;
  /** Whether a device's dialog says that the channel's last seconds are kept, be they or not at the moment. */
  isSetUp(camera: CameraChannel): boolean;
  hold(id: string, span: HeldSpan): void;
  release(id: string): void;
  /** Looks whether the wall clock was set, and moves all that is recorded and held with it. */
  watchWall(): void;
  /** Why a device's recording does not work at the moment, or null. */
  trouble(deviceId: string): AlarmflowError | null;
  /** Whether ffmpeg is there, in words. */
  tools(): Promise<{ ok: boolean; detail: string }>;
  close(): Promise<void>;
}

interface Camera {
  channel: CameraChannel;
  definition: DeviceDefinition;
  ring: Ring;
  recorder: CameraRecorder;
}

/** Beyond what the dialog says, so that a request that is a little late still finds it. */
const SLACK_MS = 15_000;
/** How long a picture is behind the moment that it shows, at most, before it is given up. */
const DELAY_MS = 3_000;
const LOOK_MS = 100;

const keyOf = ({ deviceId, channel }: CameraChannel): string => `${deviceId}/${channel}`;

/** Folder of a camera: node ids may hold anything. */
const folderOf = ({ deviceId, channel }: CameraChannel): string =>
  `${/^[\w-]{1,64}$/.test(deviceId) ? deviceId : createHash('sha256').update(deviceId).digest('hex').slice(0, 32)}-${channel}`;

export function createRecorder(options: RecorderOptions): Recorder {
  const { clock, log, folder, ffmpegPath } = options;
  const cameras = new Map<string, Camera>();
  const held = new Map<string, HeldSpan>();
  const closing = new Map<string, Promise<void>>();
  const queue = createQueue();
  let started = false;

  const wall = createWallWatch(clock);
  wall.onSet((byMs) => {
    log.info('recording.clock-set', { byMs });
    for (const { ring } of cameras.values()) ring.move(byMs);
    for (const [id, { camera, from, to }] of held)
      held.set(id, { camera, from: from + byMs, to: to === null ? null : to + byMs });
  });

  const checkSpace = async (): Promise<void> => {
    const free = await options.freeBytes();
    if (free >= options.reserveBytes) return;
    throw operationalError(
      'E_RECORDER_DISK',
      `Nothing is recorded: the disk of ${folder} has ${Math.floor(free / 1048576)} MB free and ${Math.floor(options.reserveBytes / 1048576)} are needed; free some space`,
      { retryAfterMs: 10_000 },
    );
  };

  const isHeld = (camera: CameraChannel, segment: Segment): boolean => {
    for (const span of held.values())
      if (
        keyOf(span.camera) === keyOf(camera) &&
        segment.to > span.from &&
        (span.to === null || segment.from < span.to)
      )
        return true;
    return false;
  };

  function ringOf(channel: CameraChannel, keepMs: number): Ring {
    return createRing(join(folder, folderOf(channel)), clock, {
      keepMs: keepMs + SLACK_MS,
      mostBytes: () => options.mostBytes / Math.max(1, cameras.size),
      isHeld: (segment) => isHeld(channel, segment),
    });
  }

  function openCamera(definition: DeviceDefinition, channel: CameraChannel): void {
    const key = keyOf(channel);
    const ring = ringOf(channel, (definition.recording?.seconds ?? 0) * 1000);
    const recorder = createCameraRecorder({
      title: `"${definition.name}" channel ${channel.channel}`,
      ring,
      ffmpegPath,
      liveStream: (signal) => options.liveStream(channel, signal),
      wanted: definition.recording ?? {},
      checkSpace,
      watchWall: wall.look,
      told: (trouble) => options.told(channel, trouble),
      timing: options.timing ?? usualTiming,
      clock,
      log,
    });
    cameras.set(key, { channel, definition: structuredClone(definition), ring, recorder });
    // Two writers on one ring would take each other's files for left over.
    void (closing.get(key) ?? Promise.resolve()).then(() => {
      if (started && cameras.get(key)?.recorder === recorder) recorder.start();
    });
  }

  function closeCamera(key: string): void {
    const camera = cameras.get(key);
    if (!camera) return;
    cameras.delete(key);
    const done = camera.recorder.close().finally(() => {
      if (closing.get(key) === done) closing.delete(key);
    });
    closing.set(key, done);
  }

  async function clearStrangers(): Promise<void> {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const known = new Set(
      [...cameras.values()]
        .map(({ channel }) => folderOf(channel))
        .concat([...held.values()].map((span) => folderOf(span.camera))),
    );
    for (const name of await readdir(folder))
      if (!known.has(name)) await rm(join(folder, name), { recursive: true, force: true });
  }

  const notRecorded = (camera: CameraChannel): AlarmflowError =>
    userError(
      'E_NOT_RECORDED',
      `Channel ${camera.channel} of device ${camera.deviceId} is not recorded here: tick "Keep the last seconds for alarms" in the dialog of the device`,
    );

  /** Resolves when the moment has been recorded, or will not be any more. */
  async function until(ring: Ring, moment: number, signal: AbortSignal): Promise<void> {
    const ahead = moment - clock.now();
    if (ahead > 0) await clock.sleep(ahead, signal);
    for (let waited = 0; (ring.lastAt() ?? 0) < moment && waited < DELAY_MS; waited += LOOK_MS)
      await clock.sleep(LOOK_MS, signal);
  }

  return {
    define(definition) {
      const wanted = new Set(definition.recording?.channels ?? []);
      for (const [key, camera] of cameras) {
        if (camera.definition.id !== definition.id) continue;
        if (wanted.has(camera.channel.channel) && isDeepStrictEqual(camera.definition, definition))
          wanted.delete(camera.channel.channel);
        else closeCamera(key);
      }
      for (const channel of wanted) openCamera(definition, { deviceId: definition.id, channel });
    },
    remove(deviceId) {
      for (const [key, camera] of cameras) if (camera.definition.id === deviceId) closeCamera(key);
    },
    async start() {
      await clearStrangers();
      started = true;
      for (const camera of cameras.values()) camera.recorder.start();
    },
    isSetUp: (camera) => cameras.has(keyOf(camera)),
    isRecorded(camera) {
      const found = cameras.get(keyOf(camera));
      return found !== undefined && found.ring.lastAt() !== null;
    },
    hindrance(camera) {
      const found = cameras.get(keyOf(camera));
      if (!found) return null;
      const opening = `The stream of "${found.definition.name}" channel ${camera.channel} is open, its first pictures are still to come`;
      return found.recorder.trouble() ?? operationalError('E_RECORDER', opening);
    },
    hold(id, span) {
      wall.look();
      held.set(id, span);
    },
    watchWall: wall.look,
    release(id) {
      held.delete(id);
    },

    async picturesAt(camera, moments, signal) {
      signal.throwIfAborted();
      const found = cameras.get(keyOf(camera));
      if (!found) return moments.map(() => null);
      const pictures: (Picture | null)[] = moments.map(() => null);
      const order = moments.map((moment, index) => ({ moment, index })).sort((a, b) => a.moment - b.moment);
      for (const { moment, index } of order) {
        await until(found.ring, moment, signal);
        const segment = found.ring.span(moment - 1, moment + 1)[0];
        if (!segment) continue;
        try {
          pictures[index] = await queue(signal, () => cutPicture(ffmpegPath, segment, moment, signal));
        } catch (thrown) {
          signal.throwIfAborted();
          log.warn('recording.picture-not-cut', { camera: keyOf(camera), error: asAlarmflowError(thrown).message });
        }
      }
      return pictures;
    },

    async clip(camera, from, to, signal): Promise<Clip> {
      signal.throwIfAborted();
      const origin = `clip:${keyOf(camera)}:${Math.round(from)}-${Math.round(to)}`;
      const found = cameras.get(keyOf(camera));
      if (!found) {
        const kept = await options.media.ofOrigin(origin);
        if (!kept) throw notRecorded(camera);
        return { ...kept, contentType: 'video/mp4', from, to };
      }
      await until(found.ring, to, signal);
      const plan = await planOneCodec(found.ring.span(from, to), from, to);
      if (!plan || plan.playsMs <= 0) {
        const kept = await options.media.ofOrigin(origin);
        if (kept) return { ...kept, contentType: 'video/mp4', from, to };
        const why = found.recorder.trouble();
        throw operationalError(
          'E_NO_FOOTAGE',
          `There are no pictures of "${found.definition.name}" channel ${camera.channel} of that time${why ? `: ${why.message}` : ''}`,
        );
      }
      const pin = `clip ${origin}`;
      held.set(pin, { camera, from, to });
      try {
        const kept = await queue(signal, () =>
          options.media.keepFile(
            { contentType: 'video/mp4', name: clipName(found.definition.name, camera, plan.from), origin },
            (path) => cutClip(ffmpegPath, plan, path, signal),
          ),
        );
        return {
          ...kept,
          contentType: 'video/mp4',
          from: plan.from,
          to: plan.to,
          playsMs: plan.playsMs,
          ...(plan.missingMs > 0 ? { missingMs: plan.missingMs } : {}),
          ...(plan.reason === null ? {} : { missingReason: plan.reason }),
        };
      } finally {
        held.delete(pin);
      }
    },

    trouble(deviceId) {
      for (const camera of cameras.values()) {
        const trouble = camera.definition.id === deviceId ? camera.recorder.trouble() : null;
        if (trouble) return trouble;
      }
      return null;
    },
    tools: () => ffmpegVersion(ffmpegPath),
    async close() {
      started = false;
      for (const key of [...cameras.keys()]) closeCamera(key);
      await Promise.all(closing.values());
    },
  };
}

/** `Hall-camera-1-2026-11-21T14-22-05Z.mp4`. */
function clipName(device: string, { channel }: CameraChannel, at: number): string {
  const plain =
    device
      .replace(/[^\p{L}\p{N}]+/gu, '-')
      .replace(/^-|-$/g, '')
      .slice(0, 60) || 'camera';
  return `${plain}-${channel}-${isoTime(at).slice(0, 19).replaceAll(':', '-')}Z.mp4`;
}
