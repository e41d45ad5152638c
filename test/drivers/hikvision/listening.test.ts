import { afterEach, describe, expect, it } from 'vitest';
import { closeDrivers, closeLater, never } from '../../support/connected-driver';
import { hikvisionDevice } from '../../support/hikvision-device';
import { startPushReceiver } from '../../support/push-receiver';
import { until } from '../../support/recording-sink';

afterEach(closeDrivers);

const ours = 'http://192.0.2.7:1880/in/hik/f00d';
const foreign = 'http://192.0.2.99:8000/other';
const setUp = (faults: string[] = [], model = 'camera') => hikvisionDevice({ model, faults }, {}, { start: false });
const shown = async (url: string): Promise<string> => {
  const answer = await fetch(`${url}/sim/state`);
  return JSON.stringify(await answer.json());
};

describe('setting up the push', () => {
  it.each([
    ['an empty list', [], 'camera'],
    ['free slots', ['hosts-free-slots'], 'camera'],
    ['the whole list only', ['hosts-whole-list-only'], 'camera'],
    ['the whole list only, with free slots', ['hosts-whole-list-only', 'hosts-free-slots'], 'camera'],
    ['a recorder’s single slot', ['hosts-free-slots'], 'nvr'],
  ])('works with %s', async (_name, faults, model) => {
    const { sim, connection } = await setUp(faults, model);
    expect(await connection.setUpPush?.(ours, never)).toEqual({ slot: '1', tested: true, warnings: [] });
    expect(sim.state().listeners).toEqual([
      { id: 1, host: '192.0.2.7', port: 1880, path: '/in/hik/f00d', format: 'XML' },
    ]);
  });

  it.each([[[]], [['hosts-whole-list-only']], [['hosts-free-slots']]])(
    'keeps what is not ours with %s',
    async (faults) => {
      const { sim, connection } = await setUp(faults);
      sim.addListener(foreign);
      expect(await connection.setUpPush?.(ours, never)).toMatchObject({ slot: '2', warnings: [] });
      expect(sim.state().listeners.map((s) => s.host)).toEqual(['192.0.2.99', '192.0.2.7']);
    },
  );

  it('uses its own slot again, also from another address', async () => {
    const { sim, connection } = await setUp();
    await connection.setUpPush?.(ours, never);
    await connection.setUpPush?.(ours.replace('192.0.2.7', '192.0.2.8'), never);
    expect(sim.state().listeners.map((s) => s.host)).toEqual(['192.0.2.8']);
  });

  it.each([[[]], [['no-content-type']], [['blank-line-before-head']], [['no-content-type', 'json-alerts']]])(
    'brings its events in with the faults %j',
    async (faults) => {
      const { sim, connection } = await setUp(faults);
      const receiver = await startPushReceiver(connection);
      closeLater(() => receiver.close());
      sim.addListener(receiver.url);
      await sim.fire({ scene: 'intrusion', pictures: 1 });
      await until('the alarm is there', () => receiver.told().includes('intrusion start'));
      expect(receiver.refusals).toEqual([]);
      expect(receiver.events[0]?.pictures).toHaveLength(1);
    },
  );

  it('really makes the device push', async () => {
    const { sim, connection } = await setUp();
    // Its own control page answers; that is all a push needs here.
    await connection.setUpPush?.(`http://127.0.0.1:${sim.port}/sim/none`, never);
    await until('the test', () => sim.state().pushes.answered === 1);
    await sim.fire({ scene: 'motion' });
    expect(sim.state().pushes.sent).toBeGreaterThan(1);
  });

  it.each([
    ['full slots', [], 'nvr', ours, 'E_NO_FREE_SLOT'],
    ['a device that does not keep it', ['hosts-ignored'], 'camera', ours, 'E_DEVICE_ERROR'],
    ['a model without', ['no-http-hosts'], 'camera', ours, 'E_NOT_SUPPORTED'],
    ['no address', [], 'camera', 'nonsense', 'E_BAD_PARAMETER'],
    ['an address of the device itself', [], 'camera', 'http://localhost:1880/x', 'E_BAD_PARAMETER'],
    ['a password in it', [], 'camera', 'http://u:p@192.0.2.7/x', 'E_BAD_PARAMETER'],
  ])('is refused with %s', async (_name, faults, model, url, code) => {
    const { sim, connection } = await setUp(faults, model);
    if (code === 'E_NO_FREE_SLOT') sim.addListener(foreign);
    await expect(connection.setUpPush?.(url, never)).rejects.toMatchObject({ code });
    expect(await shown(sim.url)).not.toContain('f00d');
  });

  it('says when the device has no test, when its test fails and when it forgot a slot', async () => {
    const none = await setUp(['hosts-no-test']);
    expect(await none.connection.setUpPush?.(ours, never)).toEqual({ slot: '1', tested: null, warnings: [] });
    const failing = await setUp(['hosts-test-fails']);
    expect(await failing.connection.setUpPush?.(ours, never)).toMatchObject({
      tested: false,
      warnings: [expect.stringMatching(/could not reach 192\.0\.2\.7:1880/)],
    });
    const forgetful = await setUp(['hosts-dropped']);
    forgetful.sim.addListener(foreign);
    expect((await forgetful.connection.setUpPush?.(ours, never))?.warnings).toEqual([
      expect.stringMatching(/192\.0\.2\.99:8000/),
    ]);
  });
});
