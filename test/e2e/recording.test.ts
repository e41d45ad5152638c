/**
 * The whole product against a real RTSP stream: pre- and post-record become a playable clip of the right length, two
 * alarms get one each, and a process that is killed in the middle keeps what it had and goes on.
 */
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect } from 'vitest';
import { startHikvisionSimulator } from '../../engine/drivers/hikvision/simulator';
import type { ActionRow, Alarm, AlarmDetails } from '../../engine/host/console-api';
import { type AlarmflowProcess, eventually, startAlarmflow } from '../support/alarmflow-process';
import {
  DEVICE_NODE,
  deviceCredentials,
  linkageFlow,
  TRIGGER_NODE,
  thermalAlert,
  writeFlowFiles,
} from '../support/linkage-flow';
import { probeFile } from '../support/recording-bench';
import { removeFolder } from '../support/remove-folder';
import { ffmpegMissing, type RtspServer, startRtspServer } from '../support/rtsp-server';
import { serverTest } from '../support/server-test';

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** thermal alarm → record and snapshots, on a camera whose last seconds are kept. */
function recordingFlow(devicePort: number, rtspPort: number): Record<string, unknown>[] {
  const flow = linkageFlow({ devicePort, relay: false, log: false });
  const record = { record: true, recordChannels: '2', recordSeconds: 20, recordStream: 'main', recordPort: rtspPort };
  return [
    ...flow.map((node) => {
      if (node.id === DEVICE_NODE) return { ...node, ...record };
      return node.id === TRIGGER_NODE ? { ...node, wires: [['test-record', 'test-snapshot']] } : node;
    }),
    {
      id: 'test-record',
      type: 'alarmflow-record',
      z: 'test-tab',
      name: 'Record',
      version: 1,
      preRecord: 3,
      postRecord: 10,
      x: 400,
      y: 60,
      wires: [[]],
    },
    {
      id: 'test-snapshot',
      type: 'alarmflow-snapshot',
      z: 'test-tab',
      name: 'Around it',
      version: 2,
      offsets: '-2, 0, 2',
      x: 400,
      y: 120,
      wires: [[]],
    },
  ];
}

interface Site {
  rtsp: RtspServer;
  start(): Promise<AlarmflowProcess>;
  /** Wall milliseconds of the first and the last picture in files that are whole; zeros where there are none. */
  recorded(): Promise<{ from: number; to: number }>;
}

async function openSite(): Promise<Site> {
  const rtsp = await startRtspServer({ login: { scheme: 'digest', ...deviceCredentials } });
  closers.push(() => rtsp.close());
  await rtsp.push('/Streaming/Channels/201');
  const camera = await startHikvisionSimulator({ ...deviceCredentials, model: 'thermal' });
  closers.push(() => camera.close());
  const dataDir = await mkdtemp(join(tmpdir(), 'alarmflow-recording-'));
  closers.push(() => removeFolder(dataDir));
  const files = await writeFlowFiles(recordingFlow(camera.port, rtsp.port));
  return {
    rtsp,
    async start() {
      const site = await startAlarmflow({
        args: ['run', files.flowFile, '--credentials', files.credentialsFile, '--port', '0'],
        dataDir,
      });
      closers.push(() => site.kill());
      return site;
    },
    async recorded() {
      const names = (await readdir(join(dataDir, 'recording'), { recursive: true })).join('\n');
      const whole = [...names.matchAll(/(\d+)-(\d+)-\w+\.ts$/gm)];
      if (whole.length === 0) return { from: 0, to: 0 };
      return {
        from: Math.min(...whole.map((one) => Number(one[1]))),
        to: Math.max(...whole.map((one) => Number(one[2]))),
      };
    },
  };
}

async function push(site: AlarmflowProcess, rule: number, state: 'active' | 'inactive' = 'active'): Promise<void> {
  const body = thermalAlert({ rule, state, count: state === 'active' ? 1 : 2 });
  expect((await fetch(await site.ingestUrl(DEVICE_NODE), { method: 'POST', body })).status).toBe(200);
}

const alarmsOf = async (site: AlarmflowProcess): Promise<Alarm[]> =>
  (await site.api<{ alarms: Alarm[] }>('/api/v1/alarms?live=0')).alarms;

async function detailsOf(site: AlarmflowProcess, rule: number): Promise<AlarmDetails> {
  const alarm = (await alarmsOf(site)).find((one) => one.rule === String(rule));
  return await site.api<AlarmDetails>(`/api/v1/alarms/${alarm!.id}`);
}

async function clipOf(site: AlarmflowProcess, rule: number): Promise<AlarmDetails['media'][number]> {
  return await eventually(
    `the clip of alarm ${rule}`,
    async () => (await detailsOf(site, rule)).media.find(({ kind }) => kind === 'clip') ?? null,
    120_000,
  );
}

async function download(site: AlarmflowProcess, mediaId: string): Promise<string> {
  const response = await fetch(new URL(`/api/v1/media/${mediaId}`, site.url));
  const path = join(await mkdtemp(join(tmpdir(), 'alarmflow-clip-')), 'clip.mp4');
  closers.push(() => rm(join(path, '..'), { recursive: true, force: true }));
  await writeFile(path, Buffer.from(await response.arrayBuffer()));
  return path;
}

describe('the recording of alarms by the product', () => {
  serverTest(
    'has the seconds before and after, one clip for each alarm, with pictures around the moment',
    ffmpegMissing,
    async () => {
      const { start, recorded } = await openSite();
      const site = await start();
      await eventually('some seconds to be recorded', async () => {
        const { from, to } = await recorded();
        return to - from >= 4_000;
      });
      await push(site, 1);
      await pause(3_000);
      await push(site, 2);
      await push(site, 1, 'inactive');
      await pause(2_000);
      await push(site, 2, 'inactive');
      const [first, second] = [await clipOf(site, 1), await clipOf(site, 2)];
      expect(first.mediaId).not.toBe(second.mediaId);
      for (const [clip, rule] of [
        [first, 1],
        [second, 2],
      ] as const) {
        const { raisedAt, clearedAt } = (await detailsOf(site, rule)).alarm;
        const seconds = 3 + (clearedAt! - raisedAt) / 1000 + 10;
        expect(clip.note).toBeNull();
        const found = probeFile(await download(site, clip.mediaId));
        expect(found.codec).toBe('h264');
        expect(found.seconds).toBeGreaterThan(seconds - 0.7);
        expect(found.seconds).toBeLessThan(seconds + 2.5);
      }
      const actions = await eventually('all outcomes', async () => {
        const { actions } = await site.api<{ actions: ActionRow[] }>('/api/v1/actions?limit=100');
        return actions.every(({ finishedAt }) => finishedAt !== null) ? actions : null;
      });
      expect(actions.filter(({ status }) => status !== 'done')).toEqual([]);
      const { media, alarm } = await eventually('the end of the alarm', async () => {
        const details = await detailsOf(site, 1);
        return details.alarm.endedAt === null ? null : details;
      });
      const offsets = media
        .filter(({ kind }) => kind === 'picture')
        .map(({ at }) => Math.round((at - alarm.raisedAt) / 1000));
      expect(offsets).toEqual([-2, 0, 2]);
      // The alarm lasts as long as its recording.
      expect(alarm.endedAt! - alarm.clearedAt!).toBeGreaterThanOrEqual(10_000);
      expect(site.output()).not.toContain(deviceCredentials.password);
    },
    300_000,
  );

  serverTest(
    'is kept and goes on when the process is killed in the middle, and the clip says its gap',
    ffmpegMissing,
    async () => {
      const { rtsp, start, recorded } = await openSite();
      const before = await start();
      await eventually('some seconds to be recorded', async () => {
        const { from, to } = await recorded();
        return to - from >= 3_000;
      });
      await push(before, 1);
      const raised = Date.now();
      await eventually('some of the alarm to be recorded', async () => (await recorded()).to >= raised + 2_000);
      await before.kill('SIGKILL');
      await eventually('ffmpeg to end with the process', () => rtsp.players() === 0);
      await pause(2_000);
      const site = await start();
      const again = Date.now();
      await eventually('more of the alarm to be recorded', async () => (await recorded()).to >= again + 2_000);
      await push(site, 1, 'inactive');
      const clip = await clipOf(site, 1);
      expect(clip.note).toMatch(/^without \d+ s that were not recorded$/);
      const missing = Number(/\d+/.exec(clip.note!)![0]);
      expect(missing).toBeGreaterThanOrEqual(2);
      const found = probeFile(await download(site, clip.mediaId));
      const whole = (clip.until! - clip.at) / 1000;
      expect(Math.abs(found.seconds - (whole - missing))).toBeLessThan(2);
      expect(found.seconds).toBeGreaterThan(3 + 2 + 2 + 8);
      expect((await detailsOf(site, 1)).media.filter(({ kind }) => kind === 'clip')).toHaveLength(1);
    },
    300_000,
  );
});
