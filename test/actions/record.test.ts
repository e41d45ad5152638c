import { beforeEach, describe, expect, it } from 'vitest';
import { VirtualClock } from '../../engine/clock/virtual-clock';
import { operationalError } from '../../engine/domain/errors';
import type { Clip, Recordings } from '../../engine/domain/media';
import { ActionBench, aRow, Camera, RAISED } from './action-bench';

const clip: Clip = {
  mediaId: 'clip-1',
  contentType: 'video/mp4',
  size: 3_200_000,
  from: RAISED - 5_000,
  to: RAISED + 27_000,
};
const recorded = (change: Partial<Recordings> = {}): Recordings => ({
  isRecorded: () => true,
  picturesAt: async (_camera, moments) =>
    moments.map((moment) => ({ contentType: 'image/jpeg', bytes: Buffer.from(String(moment - RAISED)) })),
  clip: async () => clip,
  ...change,
});
const params = { channels: [], preSeconds: 5, postSeconds: 10, partSeconds: 300, capSeconds: 3_600 };
const clipParams = { channel: 2, from: RAISED - 5_000, to: RAISED + 27_000, part: 1, last: true };

let bench: ActionBench;
let clock: VirtualClock;
beforeEach(() => {
  clock = new VirtualClock(RAISED);
  bench = new ActionBench(clock);
  bench.cameras.set('cam', new Camera('cam', 'Hall camera'));
  bench.cameras.set('yard', new Camera('yard', 'Yard camera'));
  bench.recordings = recorded();
});

describe('the action record', () => {
  it('says what it records', async () => {
    const result = await bench.run(aRow('record', params));
    expect(result).toEqual({
      status: 'done',
      summary: 'Records "Hall camera" channel 2 from 5 s before until 10 s after the alarm',
    });
  });

  it('is refused in words where nothing is recorded', async () => {
    bench.recordings = recorded({ isRecorded: () => false });
    await expect(bench.run(aRow('record', params))).rejects.toMatchObject({
      code: 'E_NOT_RECORDED',
      family: 'user',
      message: expect.stringContaining('tick "Keep the last seconds for alarms"'),
    });
  });

  it('is tried again, with the true reason, where the box is ticked and nothing is recorded for the moment', async () => {
    const refused = operationalError('E_CREDENTIALS_REFUSED', 'The camera refuses the password');
    bench.recordings = recorded({ isRecorded: () => false, hindrance: () => refused });
    const failure = bench.run(aRow('record', params));
    await expect(failure).rejects.toMatchObject({ code: 'E_CREDENTIALS_REFUSED', family: 'operational' });
    await expect(failure).rejects.toThrow(
      'Of "Hall camera" channel 2 nothing is recorded at the moment: The camera refuses the password',
    );
  });

  it('asks for the box of the channel that lacks it, whatever hinders the others', async () => {
    const hindered = (channel: number) => (channel === 1 ? operationalError('E_RECORDER', 'just being opened') : null);
    bench.recordings = recorded({ isRecorded: () => false, hindrance: ({ channel }) => hindered(channel) });
    await expect(bench.run(aRow('record', { ...params, channels: [1, 3] }))).rejects.toMatchObject({
      code: 'E_NOT_RECORDED',
      family: 'user',
      message: expect.stringContaining('"Hall camera" channel 3 nothing'),
    });
  });

  it('says in a dry run what it would record', () => {
    expect(bench.handler('record').rehearse!(aRow('record', { ...params, channels: [1, 3] }))).toBe(
      'Record "Hall camera" channels 1, 3 from 5 s before until 10 s after the alarm',
    );
  });

  it('cuts a short clip when it is tested', async () => {
    const row = aRow('record', params);
    const result = await bench
      .handler('record')
      .execute({ row, attempt: 1, signal: new AbortController().signal, test: true });
    expect(result.summary).toBe('Test: a clip of "Hall camera" channel 2 was cut and kept (32 s, 3.2 MB)');
  });

  for (const [field, value] of [
    ['postSeconds', 9],
    ['postSeconds', 301],
    ['preSeconds', -1],
    ['channels', '1'],
    ['channels', [0]],
    ['partSeconds', 5],
    ['capSeconds', 100_000],
  ] as const)
    it(`takes no ${field} ${JSON.stringify(value)}`, () => {
      expect(() => bench.handler('record').check({ ...params, [field]: value })).toThrowError(`field "${field}"`);
    });
});

describe('a clip of a recording', () => {
  it('is shown with its alarm, with what it lacks', async () => {
    bench.recordings = recorded({ clip: async () => ({ ...clip, missingMs: 11_200 }) });
    const result = await bench.run(aRow('record-clip', clipParams));
    expect(result.summary).toBe(
      'Clip of "Hall camera" channel 2 kept (21 s, 3.2 MB), without 12 s that were not recorded',
    );
    expect(bench.shown).toEqual([
      {
        alarmId: 'alarm-1',
        mediaId: 'clip-1',
        kind: 'clip',
        deviceId: 'cam',
        channel: 2,
        at: clip.from,
        until: clip.to,
        note: 'without 12 s that were not recorded',
      },
    ]);
  });

  it('is not tried again where nothing was recorded, and says why', async () => {
    bench.recordings = recorded({ clip: () => Promise.reject(operationalError('E_NO_FOOTAGE', 'no pictures')) });
    await expect(bench.run(aRow('record-clip', clipParams))).rejects.toMatchObject({
      code: 'E_NO_FOOTAGE',
      family: 'user',
    });
    expect(bench.shown).toEqual([]);
  });
});

describe('pictures around the alarm', () => {
  it('come out of the recording and are shown with the alarm, each with its moment', async () => {
    const result = await bench.run(aRow('snapshot', { channels: [2], offsets: [-3, 0, 4] }));
    expect(result.summary).toMatch(/^3 pictures of "Hall camera" channel 2 kept/);
    expect(
      bench.shown
        .map(({ at, channel, alarmId }) => [at - RAISED, channel, alarmId])
        .sort((a, b) => Number(a[0]) - Number(b[0])),
    ).toEqual([
      [-3_000, 2, 'alarm-1'],
      [0, 2, 'alarm-1'],
      [4_000, 2, 'alarm-1'],
    ]);
    // The one at the alarm is asked of the camera itself, which is faster and sharper.
    expect(bench.cameras.get('cam')!.asked).toEqual(['snapshot 2']);
  });

  it('are taken of several channels and cameras', async () => {
    await bench.run(
      aRow('snapshot', {
        channels: [1, 2],
        cameras: [
          { deviceId: 'yard', channel: 7 },
          { deviceId: 'cam', channel: 1 },
        ],
      }),
    );
    expect(bench.cameras.get('cam')!.asked.sort()).toEqual(['snapshot 1', 'snapshot 2']);
    expect(bench.cameras.get('yard')!.asked).toEqual(['snapshot 7']);
    expect(bench.shown.length).toBe(3);
  });

  it('of a moment that nobody has recorded are one live picture, which does not pass for one of the moment', async () => {
    bench.recordings = recorded({ picturesAt: async (_camera, moments) => moments.map(() => null) });
    await clock.advanceTo(RAISED + 20_000);
    const result = await bench.run(aRow('snapshot', { offsets: [-1, 0, 1] }));
    expect(result.summary).toContain('Snapshot of "Hall camera" channel 2 kept');
    expect(result.summary).toContain('not had: "Hall camera" channel 2 1 s before: it was not recorded then');
    expect(bench.cameras.get('cam')!.asked).toEqual(['snapshot 2']);
    expect(bench.shown).toMatchObject([{ at: RAISED + 20_000, note: 'live, 20 s late' }]);
  });

  it('that are taken late of a camera that is not recorded say when', async () => {
    bench.recordings = recorded({ isRecorded: () => false });
    await clock.advanceTo(RAISED + 20_000);
    await bench.run(aRow('snapshot', {}));
    expect(bench.shown).toMatchObject([{ at: RAISED + 20_000, note: 'live, 20 s late' }]);
  });

  it('of before the alarm are left out in words where nothing is recorded', async () => {
    bench.recordings = recorded({ isRecorded: () => false });
    const result = await bench.run(aRow('snapshot', { offsets: [-3, 0] }));
    expect(result.summary).toContain('not had: "Hall camera" channel 2 3 s before: its last seconds are not kept');
    expect(bench.shown.length).toBe(1);
  });

  it('of after the alarm are waited for where nothing is recorded', async () => {
    bench.recordings = recorded({ isRecorded: () => false });
    const work = bench.run(aRow('snapshot', { offsets: [0, 5] }));
    await clock.advanceTo(RAISED + 4_999);
    expect(bench.cameras.get('cam')!.asked.length).toBe(1);
    await clock.advanceTo(RAISED + 5_000);
    await work;
    expect(bench.cameras.get('cam')!.asked.length).toBe(2);
  });

  it('that could be had are kept also when another camera fails, which is tried again', async () => {
    bench.cameras.get('yard')!.snapshot = () => Promise.reject(operationalError('E_DEVICE_OFFLINE', 'away'));
    const row = aRow('snapshot', { cameras: [{ deviceId: 'yard', channel: 1 }] });
    await expect(bench.run(row)).rejects.toMatchObject({ code: 'E_DEVICE_OFFLINE', family: 'operational' });
    expect(bench.shown.map(({ deviceId }) => deviceId)).toEqual(['cam']);
  });

  for (const [field, value] of [
    ['offsets', []],
    ['offsets', [61]],
    ['channels', [0]],
    ['cameras', [{ deviceId: 'a' }]],
  ] as const)
    it(`take no ${field} ${JSON.stringify(value)}`, () => {
      expect(() => bench.handler('snapshot').check({ [field]: value })).toThrowError(`field "${field}"`);
    });
});
