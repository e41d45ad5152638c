/** A recorder on one simulated camera, with a media store that keeps files in a folder. */
import { execFileSync } from 'node:child_process';
import { readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { systemClock } from '../../engine/clock/system-clock';
import type { DeviceDefinition, DeviceRecording } from '../../engine/domain/devices';
import type { AlarmflowError } from '../../engine/domain/errors';
import type { Log, LogFields } from '../../engine/domain/log';
import type { CameraChannel } from '../../engine/domain/media';
import type { KeptFile } from '../../engine/domain/record';
import {
  type CameraTiming,
  createRecorder,
  type Recorder,
  type RecorderOptions,
  usualTiming,
} from '../../engine/recording';
import type { RtspServer } from './rtsp-server';
import { temporaryFolder } from './temporary-folder';

export const camera: CameraChannel = { deviceId: 'cam', channel: 1 };

export const cameraDefinition = (seconds = 20, taken: Partial<DeviceRecording> = {}): DeviceDefinition => ({
  id: 'cam',
  name: 'Hall camera',
  driver: 'hikvision',
  host: '127.0.0.1',
  port: 80,
  tls: false,
  allowSelfSigned: false,
  receive: 'stream',
  credentials: null,
  timeZone: null,
  pushFrom: [],
  recording: { channels: [1], seconds, stream: 'main', rtspPort: null, ...taken },
});

/** As on a site, but so quick that a test can wait for it. */
export const benchTiming: CameraTiming = {
  ...usualTiming,
  // A busy machine holds up the simulated camera, too: only what never comes again is a fault.
  stallMs: 8_000,
  openMs: 30_000,
  soundMs: 25_000,
  retryMs: 200,
  longestRetryMs: 400,
  refusedMs: 60_000,
  tellMs: 300,
};

export interface RecordingBench {
  recorder: Recorder;
  /** Folder of the rings. */
  folder: string;
  /** What people were told, in order: a code, or null when it was well again. */
  told: (string | null)[];
  /** Everything that was logged, as one text. */
  logged(): string;
  path(mediaId: string): string;
  /** Resolves when so many milliseconds of pictures have been written since the bench began. */
  filled(ms: number): Promise<void>;
  /** Resolves when pictures of this moment of the wall have been written. */
  reaches(at: number): Promise<void>;
  close(): Promise<void>;
}

export async function recordingBench(
  server: RtspServer,
  options: Partial<RecorderOptions> & {
    login?: { user: string; password: string } | null;
    path?: string;
    seconds?: number;
    /** How the dialog says that the stream is taken. */
    taken?: Partial<DeviceRecording>;
    /** In place of the server's own address. */
    url?: string;
  } = {},
): Promise<RecordingBench> {
  const { login = null, path = '/live', seconds, taken, url, ...others } = options;
  const folder = options.folder ?? join(await temporaryFolder(), 'recording');
  const kept = await temporaryFolder();
  const told: (string | null)[] = [];
  const lines: string[] = [];
  const files = new Map<string, KeptFile>();
  const note = (level: string) => (event: string, fields?: LogFields) =>
    void lines.push(`${level} ${event} ${JSON.stringify(fields)}`);
  const log: Log = {
    debug: note('debug'),
    info: note('info'),
    warn: note('warn'),
    error: note('error'),
    with: () => log,
  };
  const recorder = createRecorder({
    folder,
    ffmpegPath: 'ffmpeg',
    mostBytes: 512 * 1024 * 1024,
    reserveBytes: 0,
    freeBytes: async () => 1e12,
    media: {
      ofOrigin: async (origin) => files.get(origin) ?? null,
      async keepFile(file, write) {
        const before = files.get(file.origin);
        if (before) return before;
        const mediaId = `m${files.size + 1}`;
        await write(join(kept, mediaId));
        const found = { mediaId, size: (await stat(join(kept, mediaId))).size };
        files.set(file.origin, found);
        return found;
      },
    },
    liveStream: async () => ({ url: url ?? server.url(path), login }),
    told: (_camera, trouble: AlarmflowError | null) => void told.push(trouble?.code ?? null),
    clock: systemClock,
    log,
    timing: benchTiming,
    ...others,
  });
  const begun = Date.now();
  /** What the files of the ring have of this bench's time, in wall milliseconds; null: nothing yet. */
  async function span(): Promise<{ from: number; to: number } | null> {
    const ring = join(folder, 'cam-1');
    const names = await readdir(ring).catch(() => []);
    // A file may be gone, or have been renamed, since it was listed.
    const times = await Promise.all(
      names.map((name) =>
        stat(join(ring, name)).then(
          ({ mtimeMs }) => mtimeMs,
          () => 0,
        ),
      ),
    );
    const to = Math.max(0, ...times);
    return to < begun ? null : { from: Math.max(begun, Math.min(...names.map(Number.parseFloat))), to };
  }
  async function written(enough: (span: { from: number; to: number }) => boolean): Promise<void> {
    for (const limit = Date.now() + 40_000; ; await systemClock.sleep(50)) {
      const found = await span();
      if (found && enough(found)) return;
      if (Date.now() > limit)
        throw new Error(`not enough is recorded (${JSON.stringify(found)}): ${recorder.trouble('cam')?.message}`);
    }
  }
  recorder.define(cameraDefinition(seconds, taken));
  await recorder.start();
  return {
    recorder,
    folder,
    told,
    logged: () => lines.join('\n'),
    path: (mediaId) => join(kept, mediaId),
    filled: (ms) => written(({ from, to }) => to - from >= ms),
    reaches: (at) => written(({ to }) => to >= at),
    close: () => recorder.close(),
  };
}

export interface ProbedFile {
  seconds: number;
  codec: string;
  frames: number;
  /** Its second track, where it has one. */
  sound?: { codec: string; seconds: number; rate: number };
}

interface ProbedStream {
  codec_type: string;
  codec_name: string;
  nb_read_frames: string;
  duration: string;
  sample_rate: string;
}

/** What ffprobe says of a file; it decodes every picture, so that a broken file does not pass. */
export function probeFile(path: string): ProbedFile {
  const wanted = 'format=duration:stream=codec_type,codec_name,nb_read_frames,duration,sample_rate';
  const said = execFileSync('ffprobe', ['-v', 'error', '-count_frames', '-show_entries', wanted, '-of', 'json', path], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const { format, streams } = JSON.parse(said) as { format: { duration: string }; streams: ProbedStream[] };
  const [stream, second, ...others] = streams;
  if (stream?.codec_type !== 'video' || others.length > 0 || (second && second.codec_type !== 'audio'))
    throw new Error(`${streams.length} streams: ${streams.map(({ codec_type }) => codec_type).join(', ')}`);
  return {
    seconds: Number(format.duration),
    codec: stream.codec_name,
    frames: Number(stream.nb_read_frames),
    ...(second
      ? {
          sound: { codec: second.codec_name, seconds: Number(second.duration), rate: Number(second.sample_rate) },
        }
      : {}),
  };
}

/** Puts a program in a folder of its own, for tests of one that misbehaves. */
export async function program(lines: string): Promise<string> {
  const path = join(await temporaryFolder(), 'program');
  await writeFile(path, `#!/bin/sh\n${lines}\n`, { mode: 0o755 });
  return path;
}
