import { execFileSync } from 'node:child_process';
import { readdirSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import type { Clock } from '../../engine/clock/clock';
import { systemClock } from '../../engine/clock/system-clock';
import {
  benchTiming,
  camera,
  probeFile,
  program,
  type RecordingBench,
  recordingBench,
} from '../support/recording-bench';
import { ffmpegMissing, type RtspServer, type RtspServerOptions, startRtspServer } from '../support/rtsp-server';
import { serverTest } from '../support/server-test';
import { mountSmallDisk, type SmallDisk } from '../support/small-disk';

const never = new AbortController().signal;
const opened: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of opened.splice(0).reverse()) await one.close();
});

async function site(
  server: RtspServerOptions = {},
  options: Parameters<typeof recordingBench>[1] = {},
): Promise<{ server: RtspServer; bench: RecordingBench }> {
  const rtsp = await startRtspServer(server);
  opened.push(rtsp);
  await rtsp.push('/live');
  const bench = await recordingBench(rtsp, options);
  opened.push(bench);
  return { server: rtsp, bench };
}

const until = async (what: () => boolean, ms = 40_000): Promise<void> => {
  for (let waited = 0; waited < ms && !what(); waited += 20) await systemClock.sleep(20);
  if (!what()) throw new Error('it never came to that');
};

describe('the local recorder', () => {
  serverTest('cuts a playable clip with the seconds before and after the moment', ffmpegMissing, async () => {
    const { bench } = await site();
    await bench.filled(5_000);
    const now = Date.now();
    const clip = await bench.recorder.clip(camera, now - 3_000, now + 2_000, never);
    const found = probeFile(bench.path(clip.mediaId));
    expect(found.codec).toBe('h264');
    // From the key frame before it: at most one second more, for this stream has one each second.
    // How it is reckoned is in cutting.test.ts; here the camera itself may be held up by a busy machine.
    expect(found.seconds).toBeGreaterThan(3.5);
    expect(found.seconds).toBeLessThan(8);
    expect(found.frames).toBeGreaterThan(35);
    expect(clip.from).toBeLessThanOrEqual(now - 3_000);
    expect(clip.from).toBeGreaterThan(now - 6_000);
    expect(clip.missingMs ?? 0).toBeLessThan(2_000);
    const again = await bench.recorder.clip(camera, now - 3_000, now + 2_000, never);
    expect(again.mediaId).toBe(clip.mediaId);
  });

  serverTest('gives pictures of moments before, at and after', ffmpegMissing, async () => {
    const { bench } = await site();
    await bench.filled(3_000);
    const now = Date.now();
    const pictures = await bench.recorder.picturesAt(camera, [now + 1_000, now - 2_000, now, now - 3_600_000], never);
    expect(pictures.map((picture) => picture?.bytes.subarray(0, 2).toString('hex') ?? null)).toEqual([
      'ffd8',
      'ffd8',
      'ffd8',
      null,
    ]);
    expect(pictures[0]!.bytes.equals(pictures[1]!.bytes)).toBe(false);
  });

  for (const scheme of ['basic', 'digest'] as const)
    serverTest(
      `logs in by ${scheme} and keeps the login out of the process list and the log`,
      ffmpegMissing,
      async () => {
        const login = { user: 'ad min', password: "p@s'w:/or d%1" };
        const { bench } = await site({ login: { scheme, ...login } }, { login });
        await bench.filled(500);
        const processes = execFileSync('ps', ['-eo', 'args'], { encoding: 'utf8' });
        expect(processes).toContain('pipe:0');
        for (const secret of [login.password, encodeURIComponent(login.password), 'or%20d%251', 'or d%1']) {
          expect(processes).not.toContain(secret);
          expect(bench.logged()).not.toContain(secret);
        }
      },
    );

  serverTest('tells a wrong login and does not try it again at once', ffmpegMissing, async () => {
    const login = { user: 'admin', password: 'right' };
    const { server, bench } = await site(
      { login: { scheme: 'digest', ...login } },
      { login: { user: 'admin', password: 'wr0ng-secret' } },
    );
    await until(() => bench.told.length > 0);
    expect(bench.told).toEqual(['E_CREDENTIALS_REFUSED']);
    const tries = server.requests.length;
    await systemClock.sleep(1_000);
    expect(server.requests.length).toBe(tries);
    expect(bench.logged()).not.toContain('wr0ng-secret');
    await expect(bench.recorder.clip(camera, Date.now() - 2_000, Date.now() - 1_000, never)).rejects.toMatchObject({
      code: 'E_NO_FOOTAGE',
      family: 'operational',
    });
  });

  serverTest('goes on after the source was away, and the clip says what it lacks', ffmpegMissing, async () => {
    const { server, bench } = await site();
    await bench.filled(2_000);
    const from = Date.now() - 2_000;
    await bench.reaches(from + 2_000);
    await server.endPush('/live');
    await until(() => bench.told.at(-1) === 'E_RECORDER');
    await systemClock.sleep(1_500);
    await server.push('/live');
    await until(() => bench.told.at(-1) === null);
    await bench.reaches(Date.now() + 2_500);
    const clip = await bench.recorder.clip(camera, from, Date.now(), never);
    expect(clip.missingMs).toBeGreaterThan(1_500);
    const found = probeFile(bench.path(clip.mediaId));
    const recorded = (clip.to - clip.from - clip.missingMs!) / 1000;
    expect(Math.abs(found.seconds - recorded)).toBeLessThan(2.5);
  });

  serverTest('keeps H.265 in the form that players know', ffmpegMissing, async () => {
    const rtsp = await startRtspServer();
    opened.push(rtsp);
    await rtsp.push('/live', { codec: 'libx265' });
    const bench = await recordingBench(rtsp);
    opened.push(bench);
    await bench.filled(2_000);
    const clip = await bench.recorder.clip(camera, Date.now() - 2_000, Date.now(), never);
    expect(probeFile(bench.path(clip.mediaId)).codec).toBe('hevc');
    expect((await readFile(bench.path(clip.mediaId))).includes('hvc1')).toBe(true);
  });

  serverTest('plays where the camera is given another picture size in between', ffmpegMissing, async () => {
    const { server, bench } = await site();
    await bench.filled(2_000);
    const from = Date.now() - 2_000;
    await bench.reaches(from + 2_000);
    await server.endPush('/live');
    await until(() => bench.recorder.trouble('cam') !== null);
    await server.push('/live', { size: '640x480' });
    await until(() => bench.recorder.trouble('cam') === null);
    await bench.reaches(Date.now() + 2_500);
    const clip = await bench.recorder.clip(camera, from, Date.now(), never);
    expect(probeFile(bench.path(clip.mediaId)).frames).toBeGreaterThan(35);
  });

  serverTest(
    'keeps the longer part where the camera is given another codec in between, and says so',
    ffmpegMissing,
    async () => {
      const { server, bench } = await site();
      await bench.filled(2_000);
      const from = Date.now() - 2_000;
      await bench.reaches(from + 2_000);
      await server.endPush('/live');
      await until(() => bench.recorder.trouble('cam') !== null);
      await server.push('/live', { codec: 'libx265' });
      await until(() => bench.recorder.trouble('cam') === null);
      await bench.reaches(Date.now() + 4_500);
      const clip = await bench.recorder.clip(camera, from, Date.now(), never);
      const found = probeFile(bench.path(clip.mediaId));
      expect(found).toMatchObject({ codec: 'hevc' });
      expect(clip.missingReason).toBe('the camera changed its codec in between');
      expect(clip.missingMs).toBeGreaterThan(1_900);
      expect(Math.abs(found.seconds * 1_000 - clip.playsMs!)).toBeLessThan(2_500);
    },
  );

  serverTest('asks for no sound, and keeps the picture of a camera that has some', ffmpegMissing, async () => {
    const rtsp = await startRtspServer();
    opened.push(rtsp);
    await rtsp.push('/live', { sound: 'pcm_alaw' });
    const bench = await recordingBench(rtsp);
    opened.push(bench);
    await bench.filled(2_000);
    expect(rtsp.requests.filter((line) => line.startsWith('SETUP'))).toHaveLength(1);
    const clip = await bench.recorder.clip(camera, Date.now() - 2_000, Date.now(), never);
    expect(probeFile(bench.path(clip.mediaId)).codec).toBe('h264');
  });

  for (const [way, byMs] of [
    ['back', -1_800_000],
    ['forward', 1_800_000],
  ] as const)
    serverTest(`keeps the past where it was when the wall clock is set ${way}`, ffmpegMissing, async () => {
      let ahead = 0;
      const clock: Clock = { ...systemClock, now: () => systemClock.now() + ahead };
      const { bench } = await site({}, { clock });
      await bench.filled(4_500);
      ahead = byMs;
      await bench.reaches(Date.now() + 2_500);
      const now = clock.now();
      const clip = await bench.recorder.clip(camera, now - 6_500, now, never);
      expect(clip.missingMs ?? 0).toBeLessThan(2_000);
      // Without its past it would have half of it.
      expect(Math.abs(probeFile(bench.path(clip.mediaId)).seconds - 7)).toBeLessThan(2.5);
    });

  serverTest('notices a stream that stands still', ffmpegMissing, async () => {
    const { server, bench } = await site({}, { timing: { ...benchTiming, stallMs: 1_500 } });
    await bench.filled(500);
    server.stall(true);
    await until(() => bench.recorder.trouble('cam') !== null);
    expect(bench.recorder.trouble('cam')!.message).toContain('stands still');
    server.stall(false);
    await until(() => bench.recorder.trouble('cam') === null);
  });

  serverTest('starts ffmpeg again when it is killed', ffmpegMissing, async () => {
    const { server, bench } = await site();
    await bench.filled(500);
    const own = execFileSync('ps', ['--ppid', String(process.pid), '-o', 'pid=,args='], { encoding: 'utf8' });
    const recorder = own.split('\n').find((line) => line.includes('mpegts'));
    process.kill(Number.parseInt(recorder!, 10), 'SIGKILL');
    await until(() => bench.recorder.trouble('cam') !== null);
    await until(() => bench.recorder.trouble('cam') === null);
    expect(server.requests.filter((line) => line === 'PLAY /live').length).toBeGreaterThan(1);
  });

  serverTest('keeps no more than its seconds, but what is held', ffmpegMissing, async () => {
    const { bench } = await site({}, { seconds: -12 });
    await bench.filled(1_000);
    bench.recorder.hold('h', { camera, from: Date.now() - 1_000, to: null });
    await bench.reaches(Date.now() + 5_000);
    const oldest = (): number =>
      Date.now() - Math.min(...readdirSync(join(bench.folder, 'cam-1')).map(Number.parseFloat));
    expect(oldest()).toBeGreaterThan(5_000);
    bench.recorder.release('h');
    await until(() => oldest() < 5_000);
  });

  serverTest(
    'takes up after a restart what the last run has recorded, and clears what nobody records',
    ffmpegMissing,
    async () => {
      const { server, bench } = await site();
      await bench.filled(3_500);
      const from = Date.now() - 2_000;
      await bench.close();
      const next = await recordingBench(server, { folder: bench.folder });
      opened.push(next);
      await next.filled(4_000);
      const clip = await next.recorder.clip(camera, from, Date.now(), never);
      expect(clip.from).toBeLessThanOrEqual(from);
      expect(probeFile(next.path(clip.mediaId)).seconds).toBeGreaterThan(3);
      next.recorder.remove('cam');
      await next.close();
      const last = await recordingBench(server, { folder: bench.folder, path: '/other' });
      opened.push(last);
      last.recorder.remove('cam');
      await last.recorder.start();
      expect(readdirSync(bench.folder)).toEqual([]);
    },
  );

  serverTest('records nothing while the disk is full, and says so', ffmpegMissing, async () => {
    let free = 1e12;
    const { bench } = await site({}, { reserveBytes: 1e6, freeBytes: async () => free });
    await bench.filled(500);
    free = 5;
    await until(() => bench.told.length > 0);
    expect(bench.told).toEqual(['E_RECORDER_DISK']);
  });

  const disk = ffmpegMissing() === null ? mountSmallDisk(2) : 'ffmpeg is missing';
  if (typeof disk !== 'string') afterAll(() => disk.remove());
  serverTest(
    'says that a disk is full when it takes no more, and goes on when there is space',
    () => (typeof disk === 'string' ? disk : null),
    async () => {
      const folder = join((disk as SmallDisk).folder, 'recording');
      const rtsp = await startRtspServer();
      opened.push(rtsp);
      await rtsp.push('/live', { size: '1280x720', rate: 25 });
      const bench = await recordingBench(rtsp, { folder });
      opened.push(bench);
      await until(() => bench.told.includes('E_RECORDER_DISK'));
      expect(bench.recorder.trouble('cam')!.message).toContain('check space and rights of the data folder');
      for (const name of readdirSync(join(folder, 'cam-1'))) rmSync(join(folder, 'cam-1', name), { force: true });
      await until(() => bench.told.at(-1) === null);
    },
  );

  serverTest(
    'says how to get ffmpeg where it is missing',
    () => null,
    async () => {
      const { bench } = await site({}, { ffmpegPath: '/nowhere/ffmpeg' });
      await until(() => bench.told.length > 0);
      expect(bench.told).toEqual(['E_FFMPEG_MISSING']);
      expect(bench.recorder.trouble('cam')!.message).toContain('apt install ffmpeg');
      expect(await bench.recorder.tools()).toMatchObject({ ok: false });
      expect(bench.recorder.isRecorded(camera)).toBe(false);
      expect(bench.recorder.hindrance!(camera)!.code).toBe('E_FFMPEG_MISSING');
    },
  );

  serverTest('gives up a clip at the caller’s word', ffmpegMissing, async () => {
    const { bench } = await site();
    await bench.filled(500);
    const stop = new AbortController();
    const clip = bench.recorder.clip(camera, Date.now(), Date.now() + 60_000, stop.signal);
    stop.abort(new Error('deadline'));
    await expect(clip).rejects.toThrow('deadline');
  });

  it('refuses a camera that is not set up', async () => {
    const server = { url: () => 'rtsp://127.0.0.1:1/' } as unknown as RtspServer;
    const bench = await recordingBench(server, { ffmpegPath: await program('exit 1') });
    opened.push(bench);
    const other = { deviceId: 'cam', channel: 2 };
    expect(bench.recorder.isSetUp(other)).toBe(false);
    expect(bench.recorder.hindrance!(other)).toBeNull();
    await expect(bench.recorder.clip(other, 0, 1, never)).rejects.toMatchObject({
      code: 'E_NOT_RECORDED',
      family: 'user',
    });
    expect(await bench.recorder.picturesAt(other, [1, 2], never)).toEqual([null, null]);
  });
});
