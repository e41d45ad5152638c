import { afterEach, describe, expect, it, vi } from 'vitest';
import { closeDrivers, linkIs } from '../../support/connected-driver';
import { quick } from '../../support/connected-hikvision';
import { hikvisionDevice } from '../../support/hikvision-device';
import { until } from '../../support/recording-sink';
import { pause } from '../../support/steady-clock';

// Far above what it takes: a machine on which others want to compute is slow, not wrong.
vi.setConfig({ testTimeout: 60_000 });

afterEach(closeDrivers);

const able = { inputs: 0, subscribeEvent: true };

describe('a subscription', () => {
  it('is made where the device has it, with our heart-beat, and is ended', async () => {
    const { sim, sink, connection } = await hikvisionDevice(able, { heartbeatSeconds: 1 });
    await until('online', linkIs(sink, 'online'));
    expect(sim.state().subscriptions).toEqual([{ id: '1', heartbeatMs: 1000, types: null }]);
    await sim.fire({ scene: 'thermal-alarm', pictures: 1 });
    await until('the picture', () => sink.pictureSets.length === 1);
    expect(sink.told()).toEqual(['temperature-alarm start']);
    await connection.close();
    expect(sim.state().commands.map((c) => c.command)).toEqual(['unsubscribe 1']);
  });

  it('keeps to the bounds of the device’s heart-beat', async () => {
    const { sim, sink } = await hikvisionDevice(able, { heartbeatSeconds: 30 });
    await until('online', linkIs(sink, 'online'));
    expect(sim.state().subscriptions[0]?.heartbeatMs).toBe(20_000);
  });

  it('asks for the wanted types alone, by the device’s own names', async () => {
    const { sim, sink } = await hikvisionDevice(able, { eventTypes: 'motion, temperature-alarm, sparkDetection' });
    await until('online', linkIs(sink, 'online'));
    expect(sim.state().subscriptions[0]?.types).toEqual(['VMD', 'TMA', 'sparkDetection']);
    await sim.fire({ scene: 'line-crossing' });
    await sim.fire({ scene: 'unknown' });
    await sim.fire({ scene: 'motion' });
    await until('the wanted ones', () => sink.events.length === 2);
    expect(sink.told()).toEqual(['vendor:sparkDetection start', 'motion start']);
  });

  it('takes heart-beats as what they are, in JSON as well', async () => {
    const { sim, sink } = await hikvisionDevice({ ...able, faults: ['json-alerts'] }, { heartbeatSeconds: 1 });
    await until('online', linkIs(sink, 'online'));
    await pause(1_200);
    await sim.fire({ scene: 'motion' });
    await until('the alarm is there', () => sink.events.length > 0);
    expect(sink.told()).toEqual(['motion start']);
    expect(sink.offsets.length).toBeGreaterThan(0);
  });

  it.each([
    ['is not there', {}],
    ['is refused', { ...able, faults: ['subscribe-refused'] }],
    ['is refused in a 200', { ...able, faults: ['subscribe-error-in-200'] }],
    ['ends at once again and again', { ...able, faults: ['subscribe-barren'] }],
  ])(
    'that %s makes room for the alert stream',
    async (_name, options) => {
      const { sim, sink } = await hikvisionDevice(options);
      await until('the stream is open', () => sim.state().streams === 1);
      expect(sim.state().subscriptions).toEqual([]);
      await sim.fire({ scene: 'motion' });
      await until('the alarm is there', () => sink.told().includes('motion start'));
    },
    60_000,
  );

  it('of a busy device is tried again', async () => {
    const { sim, sink } = await hikvisionDevice({ ...able, faults: ['subscribe-busy'] });
    await until('the first try', () => sim.state().streamsOpened >= 1);
    sim.faults.clear();
    await until('online', linkIs(sink, 'online'));
    expect(sim.state().subscriptions).toHaveLength(1);
  });

  it('is not made where the alert stream was chosen', async () => {
    const { sim, sink } = await hikvisionDevice(able, { eventSource: 'alert-stream' });
    await until('online', linkIs(sink, 'online'));
    expect(sim.state().subscriptions).toEqual([]);
  });

  it('that is half-open is noticed', async () => {
    const { sim, sink } = await hikvisionDevice(able, { heartbeatSeconds: 1 }, { timing: quick });
    await until('online', linkIs(sink, 'online'));
    sim.faults.set('half-open');
    await until('offline', linkIs(sink, 'offline'));
  });
});

it('unwanted events of an alert stream are left out with their pictures', async () => {
  const { sim, sink } = await hikvisionDevice({}, { eventTypes: 'intrusion' });
  await until('online', linkIs(sink, 'online'));
  await sim.fire({ scene: 'motion', pictures: 1 });
  await sim.fire({ scene: 'intrusion', pictures: 1 });
  await until('the picture', () => sink.pictureSets.length === 1);
  expect(sink.told()).toEqual(['intrusion start']);
});

it('a stream that is refused with 401 although the login is right is told from a wrong password', async () => {
  const { sim, sink } = await hikvisionDevice({ faults: ['stream-401'] });
  await until('it is told', () => /takes the login/.test(sink.links.at(-1)?.detail ?? ''));
  expect(sink.links.at(-1)).toMatchObject({ link: 'refused', detail: expect.stringMatching(/let the device push/) });
  expect(sim.state().logins.refused).toBe(0);
});

it('a user without the right to events is told so, and is no offline device', async () => {
  const { sink } = await hikvisionDevice({ faults: ['no-right-to-events'] });
  await until('refused', linkIs(sink, 'refused'));
  expect(sink.links.at(-1)?.detail).toMatch(/Notify Surveillance Center/);
});
