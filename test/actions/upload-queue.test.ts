import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { createUploadLane, type LaneTurn } from '../../engine/actions/upload-lane';
import { VirtualClock } from '../../engine/clock/virtual-clock';
import type { ActionRow } from '../../engine/domain/actions';
import { type AlarmflowError, operationalError, userError } from '../../engine/domain/errors';
import type { FolderServer } from '../../engine/domain/file-server';
import type { Recordings } from '../../engine/domain/media';
import { temporaryFolder } from '../support/temporary-folder';
import { testUploads } from '../support/upload-spool';
import { ActionBench, anAlarm, aRow, RAISED } from './action-bench';

/** Pictures that come with an event are there or will not come any more. */
const NOW = RAISED + 5_000;

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

const anUploadRow = (fields: Partial<ActionRow> = {}, params: Record<string, unknown> = {}): ActionRow =>
  aRow(
    'upload',
    {
      serverId: 'nas',
      phases: ['raise', 'clear'],
      path: 'x',
      snapshotDeviceId: null,
      snapshotChannel: null,
      ...params,
    },
    { alarm: { ...anAlarm(), phase: 'raise' }, deadlineAt: RAISED + 7 * 86_400_000, ...fields },
  );

/** A folder that is there as long as its marker file is. */
async function site(options: Parameters<typeof testUploads>[0] = {}) {
  const base = await temporaryFolder();
  const made = await testUploads({
    clock: new VirtualClock(NOW),
    ...options,
    parts: { folders: [base], ...options?.parts },
  });
  closing.push(() => made.uploads.spool.close());
  const bench = new ActionBench(options?.clock ?? new VirtualClock(NOW), made.uploads);
  const server: FolderServer = {
    id: 'nas',
    name: 'Archive',
    protocol: 'folder',
    root: base,
    presence: 'marker',
    marker: '.here',
  };
  bench.fileServer = server;
  return {
    ...made,
    base,
    bench,
    mount: () => writeFileSync(join(base, '.here'), ''),
    names: () => readdirSync(base).filter((name) => name !== '.here'),
  };
}

const codeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'done',
    (thrown: AlarmflowError) => thrown.code,
  );

describe('the queue of uploads on disk', () => {
  it('keeps the picture of the moment, also over a crash', async () => {
    const first = await site();
    expect(await codeOf(first.bench.run(anUploadRow()))).toBe('E_UPLOAD_NOT_MOUNTED');
    expect(first.bench.cameras.get('cam')!.asked).toEqual(['snapshot 2']);
    // The process is gone without a farewell; another one takes the folder up.
    const second = await site({ folder: first.folder });
    second.mount();
    await second.bench.run(anUploadRow({ attempts: 2 }));
    expect(second.bench.cameras.get('cam')!.asked).toEqual([]);
    expect(second.names()).toHaveLength(1);
  });

  it('begins anew what a crash has left without its manifest', async () => {
    const first = await site();
    mkdirSync(join(first.folder, 'f'.repeat(32)));
    writeFileSync(join(first.folder, 'f'.repeat(32), '0'), 'half');
    const second = await site({ folder: first.folder });
    second.mount();
    expect((await second.bench.run(anUploadRow())).status).toBe('done');
    expect(existsSync(join(first.folder, 'f'.repeat(32)))).toBe(false);
  });

  it('knows that an upload is done when its row comes once more', async () => {
    const { bench, mount, base, names } = await site();
    mount();
    const { summary } = await bench.run(anUploadRow());
    for (const name of names()) writeFileSync(join(base, name), 'changed by somebody');
    expect(await bench.run(anUploadRow())).toEqual({ status: 'done', summary });
    expect(names()).toHaveLength(1);
  });

  it('drops the oldest when more waits than it may hold, and says so', async () => {
    const { bench, dropped, uploads } = await site({ mostBytes: 20_000 });
    bench.cameras.get('cam')!.picture = async () => ({ contentType: 'image/jpeg', bytes: Buffer.alloc(9_000, 1) });
    for (const at of [1, 2, 3]) await codeOf(bench.run(anUploadRow({ key: `upload-${at}`, requestedAt: RAISED + at })));
    expect(dropped).toEqual([{ serverId: 'nas', count: 1, bytes: 9_000, reason: 'full' }]);
    expect(uploads.spool.bytes()).toBe(18_000);
    await expect(bench.run(anUploadRow({ key: 'upload-1' }))).rejects.toMatchObject({
      code: 'E_UPLOAD_DROPPED',
      family: 'user',
      message: expect.stringContaining('20000 bytes'),
    });
    expect(await codeOf(bench.run(anUploadRow({ key: 'upload-2' })))).toBe('E_WAITS');
  });

  it('drops what has failed for people before what waits, and without an alarm', async () => {
    const { bench, dropped, uploads } = await site({ mostBytes: 20_000 });
    bench.cameras.get('cam')!.picture = async () => ({ contentType: 'image/jpeg', bytes: Buffer.alloc(9_000, 1) });
    await codeOf(bench.run(anUploadRow({ key: 'waits', requestedAt: RAISED })));
    await codeOf(bench.run(anUploadRow({ key: 'failed', requestedAt: RAISED + 1 })));
    await uploads.spool.setAside('failed');
    await codeOf(bench.run(anUploadRow({ key: 'new', requestedAt: RAISED + 2 })));
    expect(dropped).toEqual([]);
    expect(['waits', 'failed', 'new'].map((key) => uploads.spool.entry(key)?.state)).toEqual([
      'open',
      'dropped',
      'open',
    ]);
  });

  it('drops what has waited until its deadline, and says so', async () => {
    const clock = new VirtualClock(NOW);
    const { bench, dropped, uploads } = await site({ clock });
    await codeOf(bench.run(anUploadRow({ deadlineAt: RAISED + 90_000 })));
    // What is asked of the queue comes after what it has begun by itself.
    const swept = (): Promise<void> => uploads.spool.setAside('nobody');
    await clock.advance(60_000);
    await swept();
    expect(dropped).toEqual([]);
    await clock.advance(60_000);
    await swept();
    expect(dropped).toMatchObject([{ serverId: 'nas', reason: 'too-old' }]);
    expect(uploads.spool.bytes()).toBe(0);
  });

  it('writes nothing while its period is closed, but has the picture', async () => {
    const clock = new VirtualClock(NOW);
    const { bench, mount, names } = await site({
      clock,
      parts: { period: () => ({ armed: false, to: RAISED + 3_600_000, detail: 'schedule "Nights" is not armed' }) },
    });
    mount();
    const sent = bench.run(anUploadRow({}, { scheduleId: 'nights' }));
    // Looked at again at least every quarter of an hour: the schedule may be another one by then.
    await expect(sent).rejects.toMatchObject({ code: 'E_WAITS', retryAfterMs: 900_000 });
    expect(bench.cameras.get('cam')!.asked).toEqual(['snapshot 2']);
    expect(names()).toEqual([]);
  });

  it('carries out rows of the older kind', async () => {
    const { bench, mount, names } = await site();
    mount();
    const params = { serverId: 'nas', phases: ['raise'], path: 'x', snapshotDeviceId: null, snapshotChannel: null };
    const row = aRow('sftp-upload', params, {
      alarm: { ...anAlarm(), phase: 'raise' },
      deadlineAt: RAISED + 86_400_000,
    });
    expect((await bench.run(row)).status).toBe('done');
    expect(names()).toHaveLength(1);
  });
});

describe('an upload', () => {
  const clipOf = (bytes: Buffer): { recordings: Recordings; asked: { from: number; to: number }[] } => {
    const asked: { from: number; to: number }[] = [];
    return {
      asked,
      recordings: {
        isRecorded: () => true,
        picturesAt: async () => [],
        clip: async (_camera, from, to) => {
          asked.push({ from, to });
          return { mediaId: 'clip', contentType: 'video/mp4', size: bytes.length, from, to };
        },
      },
    };
  };
  const clipBytes = Buffer.alloc(200_000, 3);
  const openClip = async () => ({
    size: clipBytes.length,
    async *bytes(first: number, last: number) {
      for (let at = first; at <= last; at += 65_536) yield clipBytes.subarray(at, Math.min(at + 65_536, last + 1));
    },
  });
  const clip = { beforeSeconds: 10, afterSeconds: 20, mostSeconds: 60 };

  it('waits for the end of its clip in the queue, then has pictures, clip and alarm', async () => {
    const clock = new VirtualClock(NOW);
    const { recordings, asked } = clipOf(clipBytes);
    const { bench, mount, base, names } = await site({ clock, parts: { recordings, openClip } });
    mount();
    const row = anUploadRow({}, { clip, alarmFile: 'json' });
    await expect(bench.run(row)).rejects.toMatchObject({ code: 'E_WAITS', retryAfterMs: 17_000 });
    await clock.advance(17_000);
    const { summary } = await bench.run(row);
    expect(summary).toContain('1 picture, 1 alarm file, 1 clip in a folder');
    expect(asked).toEqual([{ from: RAISED - 10_000, to: RAISED + 20_000 }]);
    expect(
      names()
        .map((name) => name.split('.')[1])
        .sort(),
    ).toEqual(['jpg', 'json', 'mp4']);
    const file = (ending: string): Buffer => readFileSync(join(base, names().find((name) => name.endsWith(ending))!));
    expect(file('mp4').equals(clipBytes)).toBe(true);
    expect(JSON.parse(file('json').toString())).toMatchObject({
      site: 'Depot',
      phase: 'raise',
      files: names().filter((name) => !name.endsWith('json')),
      alarm: { id: 'alarm-1', device: { name: 'Hall camera' }, raisedAt: '2026-11-21T07:00:00.000Z' },
    });
  });

  it('cuts the clip of a long alarm to its limit, the end of it kept', async () => {
    const clock = new VirtualClock(RAISED + 700_000);
    const { recordings, asked } = clipOf(clipBytes);
    const { bench, mount } = await site({ clock, parts: { recordings, openClip } });
    mount();
    const alarm = { ...anAlarm({ clearedAt: RAISED + 600_000 }), phase: 'clear' as const };
    await bench.run(anUploadRow({ phase: 'clear', alarm }, { clip }));
    expect(asked).toEqual([{ from: RAISED + 560_000, to: RAISED + 620_000 }]);
  });

  it('goes without a clip that cannot be had, and says why', async () => {
    const clock = new VirtualClock(RAISED + 60_000);
    const { bench, mount, names } = await site({ clock });
    mount();
    const { summary } = await bench.run(anUploadRow({}, { clip }));
    expect(summary).toMatch(/1 picture in a folder .*; There is no clip to upload: .* is not recorded here/);
    expect(names()).toHaveLength(1);
  });

  it('asks for a clip that has a gap a few times, then goes without', async () => {
    const clock = new VirtualClock(RAISED + 60_000);
    const recordings: Recordings = {
      isRecorded: () => true,
      picturesAt: async () => [],
      clip: async () => {
        throw operationalError('E_NO_FOOTAGE', 'the stream was broken off');
      },
    };
    const { bench, mount } = await site({ clock, parts: { recordings } });
    mount();
    const row = anUploadRow({}, { clip });
    for (const _try of [1, 2, 3]) expect(await codeOf(bench.run(row))).toBe('E_WAITS');
    expect((await bench.run(row)).summary).toContain('no clip to upload: the stream was broken off');
  });

  it('as a test says so in its name, asks for nothing that is still to come, and is not kept', async () => {
    const { recordings, asked } = clipOf(clipBytes);
    const { bench, mount, names, uploads } = await site({ parts: { recordings, openClip } });
    mount();
    const row = anUploadRow({}, { clip });
    await bench.handler('upload').execute({ row, attempt: 1, signal: new AbortController().signal, test: true });
    expect(asked).toEqual([{ from: RAISED - 10_000, to: NOW }]);
    expect(names().every((name) => name.startsWith('TEST '))).toBe(true);
    expect(uploads.spool.entry(row.key)).toBeNull();
  });

  it('rehearses in one sentence', async () => {
    const { bench, base } = await site();
    const said = bench.handler('upload').rehearse!(anUploadRow({}, { alarmFile: 'text' }));
    expect(said).toMatch(new RegExp(`^upload of pictures, the alarm as text to ${base} as ${base}/x-`));
  });

  it.each([
    [{ pictures: false }, 'pictures'],
    [{ clip: { beforeSeconds: 0, afterSeconds: 0, mostSeconds: 9 } }, 'clip'],
    [{ clip: { beforeSeconds: 1, afterSeconds: 1, mostSeconds: 0 } }, 'mostSeconds'],
    [{ alarmFile: 'pdf' }, 'alarmFile'],
    [{ scheduleId: 5 }, 'scheduleId'],
  ])('refuses the parameters %j', async (params, field) => {
    const { bench } = await site();
    expect(() => bench.handler('upload').check(anUploadRow({}, params).params)).toThrow(`"${field}"`);
  });
});

describe('the way to a file server', () => {
  const signal = new AbortController().signal;
  const turnOf = (key: string, fields: Partial<LaneTurn> = {}): LaneTurn => ({
    key,
    requestedAt: Number(key),
    again: false,
    forced: false,
    ...fields,
  });
  const away = async (): Promise<never> => {
    throw operationalError('E_UPLOAD_UNREACHABLE', 'away');
  };

  it('lets one try a server that is away, and sends the others behind it in their order', async () => {
    const clock = new VirtualClock(NOW);
    const lane = createUploadLane(clock);
    const waits: number[] = [];
    const go = (key: string, work: () => Promise<unknown> = away): Promise<unknown> =>
      lane
        .run(turnOf(key), 'nas', signal, work)
        .catch((thrown: AlarmflowError) => void waits.push(thrown.retryAfterMs ?? 0));
    await go('1');
    let tried = 0;
    for (const key of ['2', '3', '4']) await go(key, async () => void tried++);
    expect(tried).toBe(0);
    expect(waits).toEqual([1_000, 1_100, 1_200, 1_300]);
  });

  it('waits longer and longer for a server that is away, up to a minute', async () => {
    const clock = new VirtualClock(NOW);
    const lane = createUploadLane(clock);
    const waits: number[] = [];
    for (let at = 0; at < 9; at++) {
      const wait = await lane
        .run(turnOf('1'), 'nas', signal, away)
        .then(() => 0)
        .catch((thrown: AlarmflowError) => thrown.retryAfterMs!);
      waits.push(wait);
      await clock.advance(wait);
    }
    expect(waits).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000, 60_000]);
  });

  it('gives old and new uploads a connection each', async () => {
    const clock = new VirtualClock(NOW);
    const lane = createUploadLane(clock);
    const begun: string[] = [];
    const ends = new Map<string, () => void>();
    const go = (key: string, again: boolean): void => {
      lane
        .run(turnOf(key, { again }), 'nas', signal, () => {
          begun.push(key);
          return new Promise<void>((done) => ends.set(key, done));
        })
        .catch(() => undefined);
    };
    go('11', true);
    go('90', false);
    go('12', true);
    go('91', false);
    go('10', true);
    await clock.advance(0);
    expect(begun).toEqual(['11', '90']);
    ends.get('11')!();
    await clock.advance(0);
    // The oldest of the old ones, while the new one still goes.
    expect(begun).toEqual(['11', '90', '10']);
    ends.get('90')!();
    await clock.advance(0);
    expect(begun).toEqual(['11', '90', '10', '91']);
    for (const end of ends.values()) end();
  });

  it('sends back to the queue what does not fit, instead of holding the places of other actions', async () => {
    const lane = createUploadLane(new VirtualClock(NOW));
    const codes: Promise<string>[] = [];
    for (let at = 0; at < 12; at++)
      codes.push(codeOf(lane.run(turnOf(String(at)), 'nas', signal, () => new Promise(() => undefined))));
    const sentBack = await Promise.race([Promise.all(codes.slice(8)), Promise.all(codes)]);
    expect(sentBack).toEqual(['E_WAITS', 'E_WAITS', 'E_WAITS', 'E_WAITS']);
  });

  it('leaves a server that refused the login alone for a minute, until it is set up anew', async () => {
    const clock = new VirtualClock(NOW);
    const lane = createUploadLane(clock);
    let tried = 0;
    const refused = (): Promise<string> =>
      codeOf(
        lane.run(turnOf(String(tried)), 'nas', signal, async () => {
          tried++;
          throw userError('E_UPLOAD_LOGIN_REFUSED', 'no');
        }),
      );
    expect(await refused()).toBe('E_UPLOAD_LOGIN_REFUSED');
    expect(await refused()).toBe('E_WAITS');
    await clock.advance(60_000);
    expect(await refused()).toBe('E_UPLOAD_LOGIN_REFUSED');
    lane.begin();
    expect(await refused()).toBe('E_UPLOAD_LOGIN_REFUSED');
    expect(tried).toBe(3);
  });
});
