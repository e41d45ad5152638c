import { afterEach, describe, expect, it, vi } from 'vitest';
import { VirtualClock } from '../../../engine/clock/virtual-clock';
import { operationalError } from '../../../engine/domain/errors';
import type { DeviceEvent } from '../../../engine/domain/events';
import { silentLog } from '../../../engine/domain/log';
import { hikvisionDriver } from '../../../engine/drivers/hikvision';
import { createTemperatureFeed } from '../../../engine/drivers/hikvision/temperature-feed';
import { readingsOf } from '../../../engine/thermal/readings';
import { closeDrivers, linkIs } from '../../support/connected-driver';
import { hikvisionDevice } from '../../support/hikvision-device';
import { type RecordingSink, until } from '../../support/recording-sink';
import { pause, steadyClock } from '../../support/steady-clock';

// Far above what it takes: a machine on which others want to compute is slow, not wrong.
vi.setConfig({ testTimeout: 60_000 });

afterEach(closeDrivers);

const on = { temperatures: true, temperatureSeconds: 0.5 };
const readings = (sink: RecordingSink) => sink.events.filter((e) => e.draft.type === 'temperature-reading');
const some =
  (sink: RecordingSink, count = 1) =>
  (): boolean =>
    readings(sink).length >= count;
const regions = (sink: RecordingSink) => readings(sink).at(-1)?.draft.regions ?? [];

describe('temperatures', () => {
  it('are not read unless it is asked for', async () => {
    const { sim, sink } = await hikvisionDevice();
    await until('online', linkIs(sink, 'online'));
    await pause(400);
    expect(sim.state().temperatureStreams).toBe(0);
    expect(readings(sink)).toEqual([]);
  });

  it('come by their stream, one event with a region for each rule, by name', async () => {
    const { sim, sink } = await hikvisionDevice({}, on);
    await until('a reading after the device is known', () => readings(sink).at(-1)?.draft.channelName !== undefined);
    expect(sim.state().temperatureStreams).toBe(1);
    expect(sim.state().streams).toBe(1);
    const { draft, late, clockSuspect } = readings(sink).at(-1)!;
    expect({ late, clockSuspect }).toEqual({ late: false, clockSuspect: false });
    expect(draft).toMatchObject({ type: 'temperature-reading', phase: 'pulse', channel: 2, channelName: 'Thermal' });
    expect(draft.deviceAt).toBeGreaterThan(Date.now() - 60_000);
    expect(draft.regions).toMatchObject([
      {
        id: 'Press',
        temperature: { unit: 'celsius', value: 61.5, maximum: 61.5, minimum: 22, average: 40.5, calibration: 'region' },
      },
      { id: 'Bearing', temperature: { value: 45, calibration: 'point' } },
      { id: 'Belt', temperature: { maximum: 33, minimum: 20.5, average: 28, calibration: 'line' } },
    ]);
    expect(draft.regions?.[1]?.temperature).not.toHaveProperty('maximum');
  });

  it('are what a temperature rule needs', async () => {
    const { sink } = await hikvisionDevice({}, on);
    await until('a reading', some(sink));
    const { draft } = readings(sink)[0]!;
    const event = {
      ...draft,
      id: 'e1',
      deviceId: 'cam1',
      receivedAt: 1,
      clockSuspect: false,
      late: false,
      pictures: [],
    };
    const found = readingsOf(event as DeviceEvent, {});
    expect(found.map((r) => [r.name, r.place, r.celsius])).toEqual([
      ['Press', 'area', { maximum: 61.5, minimum: 22, average: 40.5 }],
      ['Bearing', 'point', { maximum: 45, minimum: 45, average: 45 }],
      ['Belt', 'line', { maximum: 33, minimum: 20.5, average: 28 }],
    ]);
  });

  it('come at most once in the interval, the newest of each rule', async () => {
    const { sim, sink } = await hikvisionDevice({ thermometryMs: 20 }, on);
    await until('the first', some(sink));
    const from = steadyClock.monotonic();
    sim.setTemperature(1, { maximum: 99.5 });
    await until('four more', some(sink, 5));
    expect(steadyClock.monotonic() - from).toBeGreaterThan(1_400);
    expect(regions(sink)[0]).toMatchObject({ id: 'Press', temperature: { maximum: 99.5 } });
  });

  it.each([
    [['thermometry-single']],
    [['one-byte-chunks']],
    [['lf-only']],
    [['wrong-content-length']],
    [['no-content-length']],
    [['thermometry-channel-1']],
  ])('come also with %s', async (faults) => {
    const { sim, sink } = await hikvisionDevice({ faults, thermometryMs: 100 }, on);
    await until('all rules', () => regions(sink).length === 3);
    expect(
      regions(sink)
        .map((r) => r.id)
        .sort(),
    ).toEqual(['Bearing', 'Belt', 'Press']);
    expect(readings(sink).at(-1)?.draft.channel).toBe(faults.includes('thermometry-channel-1') ? 1 : 2);
    expect(sim.state().streams).toBe(1);
  });

  it('keep rules of one name apart by their numbers', async () => {
    const { sink } = await hikvisionDevice({ faults: ['same-rule-names'] }, on);
    await until('a reading', some(sink));
    expect(regions(sink).map((r) => r.id)).toEqual(['Rule', 'Rule (2)', 'Rule (3)']);
  });

  it('keep their unit', async () => {
    const { sink } = await hikvisionDevice({ faults: ['fahrenheit'] }, on);
    await until('a reading', some(sink));
    expect(regions(sink)[0]).toMatchObject({ temperature: { unit: 'fahrenheit', maximum: 142.7 } });
  });

  it('that the device marks as frozen are none', async () => {
    const { sink } = await hikvisionDevice({ faults: ['frozen-temperatures'] }, on);
    await until('online', linkIs(sink, 'online'));
    await pause(600);
    expect(readings(sink)).toEqual([]);
  });

  it.each(['no-thermometry-stream', 'thermometry-error-in-200'])('are asked for with the fault %s', async (fault) => {
    const { sim, sink } = await hikvisionDevice({ faults: [fault] }, on);
    await until('two readings', some(sink, 2));
    expect(regions(sink)).toMatchObject([
      { id: 'Press', temperature: { maximum: 61.5, minimum: 22, average: 40.5 } },
      { id: 'Bearing' },
      { id: 'Belt' },
    ]);
    expect(sim.state().temperatureStreams).toBe(0);
  });

  it('that a device does not have disturb nothing', async () => {
    const { sim, sink, warnings } = await hikvisionDevice({ model: 'camera' }, on);
    await until('it is said', () => warnings.some((w) => w.event === 'hikvision.no-temperatures'));
    await sim.fire({ scene: 'motion' });
    await until('the alarm is there', () => sink.told().includes('motion start'));
    expect(sink.links.map((l) => l.link)).not.toContain('offline');
  });

  it('come back when their stream was cut, and the alerts go on', async () => {
    const { sim, sink } = await hikvisionDevice({}, on);
    await until('a reading', some(sink));
    sim.cutTemperatures();
    await until('the stream is back', () => sim.state().temperatureStreams === 1);
    const before = readings(sink).length;
    await until('a reading', some(sink, before + 1));
    expect(sim.state().streamsOpened).toBe(1);
  });

  it('never make a wrong password count more than the stream of alerts does', async () => {
    const { sim, sink } = await hikvisionDevice({}, on, { password: 'wrong' });
    await until('refused', linkIs(sink, 'refused'));
    await pause(500);
    expect(sim.state().logins.refused).toBe(1);
  });
});

describe('differences of temperatures', () => {
  it.each([
    ['temperature-difference', 'temperature-difference start'],
    ['temperature-difference-prealarm', 'temperature-difference-prealarm start'],
  ])('of %s are marked as such', async (scene, told) => {
    const { sim, sink } = await hikvisionDevice({ inputs: 0 });
    await until('online', linkIs(sink, 'online'));
    await sim.fire({ scene });
    await until('the alarm is there', () => sink.events.length === 1);
    expect(sink.told()).toEqual([told]);
    expect(sink.events[0]?.draft.temperature).toMatchObject({ difference: true, value: 18.2, threshold: 15 });
    await sim.fire({ scene: 'thermal-alarm' });
    await until('the other is there', () => sink.events.length === 2);
    expect(sink.events[1]?.draft.temperature).not.toHaveProperty('difference');
  });
});

describe('the feed', () => {
  it('opens a stream anew that says nothing for 20 s', async () => {
    const clock = new VirtualClock(0);
    let opened = 0;
    const feed = createTemperatureFeed({
      async stream(_path, signal) {
        opened++;
        async function* silence(): AsyncGenerator<Buffer> {
          await new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
        }
        return { status: 200, headers: {}, body: silence(), close() {} };
      },
      get: () => Promise.reject(operationalError('E_DEVICE_BUSY', 'not now')),
      channels: () => [2],
      everyMs: 1_000,
      timeZone: null,
      deliver() {},
      onPart() {},
      clock,
      log: silentLog,
    });
    feed.connected();
    await clock.advance(19_000);
    expect(opened).toBe(1);
    await clock.advance(10_000);
    expect(opened).toBe(2);
    await feed.close();
  });

  it('of a camera whose rules say nothing disturbs no alarm', async () => {
    const { sim, sink } = await hikvisionDevice({ faults: ['thermometry-silent'] }, on);
    await until('the stream', () => sim.state().temperatureStreams === 1);
    await sim.fire({ scene: 'thermal-alarm' });
    await until('the alarm', () => sink.told().includes('temperature-alarm start'));
    expect(readings(sink)).toEqual([]);
  });

  it('of a camera that has neither stream nor poll disturbs no alarm', async () => {
    const { sim, sink } = await hikvisionDevice({ faults: ['no-thermometry-stream', 'no-thermometry-poll'] }, on);
    await until('facts', () => sink.factList.length > 0);
    await sim.fire({ scene: 'thermal-alarm' });
    await until('the alarm', () => sink.told().includes('temperature-alarm start'));
    expect(readings(sink)).toEqual([]);
  });
});

it('a capture of alerts, pictures and temperatures is read by decode', async () => {
  const { sim, sink, parts } = await hikvisionDevice({}, on);
  await until('a reading', some(sink));
  await sim.fire({ scene: 'thermal-alarm', pictures: 2 });
  await until('the pictures', () => sink.pictureSets.length === 2);
  async function* captured(): AsyncGenerator<Buffer> {
    for (const part of parts) yield part.bytes;
  }
  const kinds = new Set<string>();
  for await (const line of hikvisionDriver.decode(captured(), null))
    kinds.add(line.kind === 'event' ? line.event.type : line.kind);
  expect([...kinds].sort()).toEqual(['heartbeat', 'picture', 'temperature-alarm', 'temperature-reading']);
});

it('a push is captured part by part, and unwanted events of it are left out', async () => {
  const { connection, parts } = await hikvisionDevice(
    {},
    { eventTypes: 'intrusion' },
    { start: false, receive: 'push' },
  );
  const alert = (type: string): string =>
    `<EventNotificationAlert><channelID>1</channelID><eventType>${type}</eventType><eventState>active</eventState></EventNotificationAlert>`;
  const push = (type: string) =>
    connection.push({
      method: 'POST',
      path: '/',
      headers: { 'content-type': 'application/xml' },
      body: Buffer.from(alert(type)),
      remoteAddress: '127.0.0.1',
    });
  expect(await push('VMD')).toEqual([]);
  expect((await push('fielddetection')).map((e) => e.draft.type)).toEqual(['intrusion']);
  expect(parts.map((p) => p.bytes.toString().split('\r\n').at(-2))).toEqual([alert('VMD'), alert('fielddetection')]);
});
