/** What live sites have beside H.264 over TCP: Motion JPEG, sound, TLS, UDP, and cameras whose times are wrong. */
import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { afterEach, describe, expect } from 'vitest';
import { systemClock } from '../../engine/clock/system-clock';
import type { DeviceRecording } from '../../engine/domain/devices';
import { benchTiming, camera, probeFile, type RecordingBench, recordingBench } from '../support/recording-bench';
import { ffmpegMissing, type PictureOptions, type RtspServer, startRtspServer } from '../support/rtsp-server';
import { secureFront } from '../support/secure-front';
import { serverTest } from '../support/server-test';
import { anAuthority, type Certificate, selfSigned } from '../support/smtp-certificate';

const never = new AbortController().signal;
const opened: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of opened.splice(0).reverse()) await one.close();
});

async function until(what: string, holds: () => boolean, ms = 60_000): Promise<void> {
  for (let waited = 0; waited < ms && !holds(); waited += 20) await systemClock.sleep(20);
  if (!holds()) throw new Error(`never came: ${what}`);
}

async function site(
  picture: PictureOptions,
  taken: Partial<DeviceRecording> = {},
  options: Parameters<typeof recordingBench>[1] = {},
): Promise<{ server: RtspServer; bench: RecordingBench }> {
  const server = await startRtspServer();
  opened.push(server);
  await server.push('/live', picture);
  const bench = await recordingBench(server, { taken, ...options });
  opened.push(bench);
  return { server, bench };
}

/** A clip of the last seconds that were recorded. */
async function clipOf(bench: RecordingBench, seconds: number) {
  const now = Date.now();
  const clip = await bench.recorder.clip(camera, now - seconds * 1_000, now, never);
  return { clip, path: bench.path(clip.mediaId), found: probeFile(bench.path(clip.mediaId)) };
}

describe('Motion JPEG', () => {
  serverTest('is kept as it is, and its clips are H.264', ffmpegMissing, async () => {
    const { bench } = await site({ codec: 'mjpeg', size: '322x241' });
    await bench.filled(3_500);
    const { found, clip } = await clipOf(bench, 3);
    expect(found.codec).toBe('h264');
    expect(found.seconds * 1_000).toBeGreaterThan(clip.playsMs! - 2_000);
    expect(found.seconds * 1_000).toBeLessThan(clip.playsMs! + 2_000);
    expect(found.frames).toBeGreaterThan(12);
    const [picture] = await bench.recorder.picturesAt(camera, [Date.now() - 1_000], never);
    expect(picture!.bytes.subarray(0, 2).toString('hex')).toBe('ffd8');
    expect(picture!.bytes.subarray(-2).toString('hex')).toBe('ffd9');
  });

  serverTest('has its sound', ffmpegMissing, async () => {
    const { bench } = await site({ codec: 'mjpeg', sound: 'pcm_alaw' }, { sound: true });
    await bench.filled(3_500);
    const { found } = await clipOf(bench, 3);
    expect(found).toMatchObject({ codec: 'h264', sound: { codec: 'aac', rate: 8_000 } });
    expect(Math.abs(found.sound!.seconds - found.seconds)).toBeLessThan(1.5);
  });
});

describe('sound', () => {
  for (const [sound, rate] of [
    ['aac', 16_000],
    ['pcm_alaw', 8_000],
    ['g726', 8_000],
  ] as const)
    serverTest(`in ${sound} is AAC in the clip`, ffmpegMissing, async () => {
      const { server, bench } = await site({ sound }, { sound: true });
      const plays = () => server.requests.filter((line) => line.startsWith('PLAY')).length;
      // AAC is known when it has come once, and then taken as it is.
      if (sound === 'aac') await until('a second opening', () => plays() > 1);
      await bench.filled(3_500);
      const { found } = await clipOf(bench, 3);
      expect(found).toMatchObject({ codec: 'h264', sound: { codec: 'aac', rate } });
      expect(Math.abs(found.sound!.seconds - found.seconds)).toBeLessThan(1.5);
      if (sound !== 'aac') expect(plays()).toBe(1);
      expect(bench.told).toEqual([]);
    });

  serverTest('goes on over a stream that broke off', ffmpegMissing, async () => {
    const { server, bench } = await site({ sound: 'pcm_alaw' }, { sound: true });
    await bench.filled(2_500);
    server.dropPlayers();
    await until('the trouble', () => bench.recorder.trouble('cam') !== null);
    await until('its end', () => bench.recorder.trouble('cam') === null);
    await bench.reaches(Date.now() + 2_500);
    const { found } = await clipOf(bench, 5);
    expect(found).toMatchObject({ codec: 'h264', sound: { codec: 'aac' } });
    expect(Math.abs(found.sound!.seconds - found.seconds)).toBeLessThan(1.5);
  });

  serverTest('that is announced and never comes costs no pictures', ffmpegMissing, async () => {
    const server = await startRtspServer();
    opened.push(server);
    server.mute(1);
    await server.push('/live', { sound: 'pcm_alaw' });
    // A busy machine needs longer for a stream that has sound: elsewhere it gets that.
    const bench = await recordingBench(server, { taken: { sound: true }, timing: { ...benchTiming, soundMs: 4_000 } });
    opened.push(bench);
    await bench.filled(2_500);
    expect((await clipOf(bench, 2)).found.codec).toBe('h264');
  });

  serverTest('of a camera without any is no trouble', ffmpegMissing, async () => {
    const { bench } = await site({}, { sound: true });
    await bench.filled(2_500);
    const { found } = await clipOf(bench, 2);
    expect(found.codec).toBe('h264');
    expect(found.sound).toBeUndefined();
  });
});

const certificate = selfSigned();
const noTls = (): string | null => ffmpegMissing() ?? (certificate ? null : 'openssl is not installed');
const pinOf = ({ cert }: Certificate): string => new X509Certificate(cert).fingerprint256;

async function secureSite(
  shown: Certificate,
  security: DeviceRecording['security'],
  host = '127.0.0.1',
): Promise<{ server: RtspServer; bench: RecordingBench }> {
  const login = { user: 'admin', password: 'geheim-9' };
  const server = await startRtspServer({ login: { scheme: 'digest', ...login } });
  opened.push(server);
  await server.push('/live');
  const front = await secureFront(shown, () => server.port);
  opened.push(front);
  const taken = { transport: 'tls' as const, ...(security ? { security } : {}) };
  const bench = await recordingBench(server, { taken, login, url: `rtsps://${host}:${front.port}/live` });
  opened.push(bench);
  return { server, bench };
}

describe('RTSP over TLS', () => {
  const none = { allowSelfSigned: false, authority: '', fingerprint: '' };

  serverTest('is recorded from the camera whose certificate is pinned', noTls, async () => {
    const { bench } = await secureSite(certificate!, { ...none, fingerprint: pinOf(certificate!) });
    await bench.filled(2_500);
    expect((await clipOf(bench, 2)).found.codec).toBe('h264');
    const processes = execFileSync('ps', ['-eo', 'args'], { encoding: 'utf8' });
    expect(processes).not.toContain('geheim-9');
    expect(bench.logged()).not.toContain('geheim-9');
  });

  serverTest('is recorded where any certificate is allowed', noTls, async () => {
    const { bench } = await secureSite(certificate!, { ...none, allowSelfSigned: true });
    await bench.filled(1_000);
  });

  serverTest('trusts an authority of the site, for the host that it signed', noTls, async () => {
    const authority = anAuthority()!;
    const own = { ...none, authority: authority.cert };
    const { bench } = await secureSite(authority.issue('127.0.0.1', 1), own);
    await bench.filled(1_000);
    const other = await secureSite(authority.issue('192.0.2.7', 1), own);
    await until('the trouble', () => other.bench.told.length > 0);
    expect(other.bench.told).toEqual(['E_RECORDER_TLS']);
    expect(other.server.requests).toEqual([]);
  });

  for (const [what, security, words] of [
    ['nobody signed', none, 'enter its fingerprint'],
    ['the dialog says nothing of', undefined, 'enter its fingerprint'],
    ['is not the pinned one', { ...none, fingerprint: `${'AA:'.repeat(31)}AA` }, 'somebody stands between'],
  ] as const)
    serverTest(`is refused, and no login sent, with a certificate that ${what}`, noTls, async () => {
      const { server, bench } = await secureSite(certificate!, security);
      await until('the trouble', () => bench.told.length > 0);
      expect(bench.told).toEqual(['E_RECORDER_TLS']);
      expect(bench.recorder.trouble('cam')!.message).toContain(words);
      expect(server.requests).toEqual([]);
    });

  serverTest('goes on after the connection was cut, and says what a port without TLS is', noTls, async () => {
    const { server, bench } = await secureSite(certificate!, { ...none, allowSelfSigned: true });
    await bench.filled(1_000);
    server.dropPlayers();
    await until('the trouble', () => bench.recorder.trouble('cam') !== null);
    await until('its end', () => bench.recorder.trouble('cam') === null);
    const plain = await recordingBench(server, { url: `rtsps://127.0.0.1:${server.port}/live` });
    opened.push(plain);
    await until('the trouble', () => plain.told.length > 0);
    expect(plain.recorder.trouble('cam')!.message).toMatch(/switched on at the camera|within 8 s/);
  });
});

describe('a camera that has UDP alone', () => {
  serverTest('is told of with the remedy, and recorded when that is chosen', ffmpegMissing, async () => {
    const server = await startRtspServer({ udp: true });
    opened.push(server);
    await server.push('/live');
    const [tcp, udp] = await Promise.all([
      recordingBench(server),
      recordingBench(server, { taken: { transport: 'udp' } }),
    ]);
    opened.push(tcp, udp);
    await until('the trouble', () => tcp.told.length > 0);
    expect(tcp.recorder.trouble('cam')!.message).toContain('choose another transport');
    await udp.filled(2_500);
    expect((await clipOf(udp, 2)).found.codec).toBe('h264');
  });
});

describe('times of a camera', () => {
  serverTest(
    'that jump have the stream opened anew, and again by times of our own',
    ffmpegMissing,
    async () => {
      const { server, bench } = await site({});
      await bench.filled(1_000);
      const plays = () => server.requests.filter((line) => line.startsWith('PLAY')).length;
      // Again and again: a jump just while the stream is opened anew for another reason is none for whoever opens it.
      const ours = (): boolean => bench.logged().includes('it gets ours');
      for (let round = 0; round < 6 && !ours(); round++) {
        const before = plays();
        server.shiftClock(-600);
        for (let waited = 0; waited < 15_000 && plays() === before; waited += 100) await systemClock.sleep(100);
        await bench.reaches(Date.now() + 2_500);
      }
      expect(ours()).toBe(true);
      expect(bench.logged()).toContain('its clock was set');
      await bench.reaches(Date.now() + 3_000);
      server.shiftClock(-600);
      await bench.reaches(Date.now() + 3_000);
      const { found, clip } = await clipOf(bench, 3);
      expect(Math.abs(found.seconds * 1_000 - clip.playsMs!)).toBeLessThan(2_500);
      expect(found.frames).toBeGreaterThan(20);
      expect(bench.told).toEqual([]);
    },
    180_000,
  );
});
