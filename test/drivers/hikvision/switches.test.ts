import { afterEach, describe, expect, it } from 'vitest';
import { VirtualClock } from '../../../engine/clock/virtual-clock';
import { silentLog } from '../../../engine/domain/log';
import { createFormerSettings } from '../../../engine/drivers/former-settings';
import { createHikvisionDriver, defaultTiming } from '../../../engine/drivers/hikvision';
import { readDocuments } from '../../../engine/drivers/hikvision/document';
import { createSiren } from '../../../engine/drivers/hikvision/siren';
import { editXml } from '../../../engine/drivers/hikvision/xml-edit';
import { closeDrivers, connectDriver, never } from '../../support/connected-driver';
import { hikvisionDevice } from '../../support/hikvision-device';
import { pause } from '../../support/steady-clock';

afterEach(closeDrivers);

const setUp = (faults: string[] = [], model = 'camera', options: Record<string, unknown> = {}) =>
  hikvisionDevice({ model, faults }, options, { start: false });

describe('the siren', () => {
  it('plays the sound that is set on the device, and its state is not known', async () => {
    const { sim, connection } = await setUp();
    expect(await connection.setSwitch?.('siren', '', true, {}, never)).toBeNull();
    expect(sim.state().switches.siren).toMatchObject({ playing: 2, plays: 1 });
    expect(await connection.readSwitch?.('siren', '', never)).toBeNull();
    expect(await connection.setSwitch?.('siren', '', false, {}, never)).toBeNull();
  });

  it('plays another sound at another volume and puts the volume back', async () => {
    const { sim, connection } = await setUp();
    await connection.setSwitch?.('siren', '', true, { sound: 13, volume: 90 }, never);
    expect(sim.state().switches.siren).toMatchObject({ playing: 13, volume: 90 });
    await connection.setSwitch?.('siren', '', false, {}, never);
    expect(sim.state().switches.siren.volume).toBe(60);
  });

  it.each([
    ['a sound that there is not', [], 'camera', { sound: 77 }, '', 'E_BAD_PARAMETER'],
    ['a model without', ['no-siren'], 'camera', {}, '', 'E_NOT_SUPPORTED'],
    ['a recorder', [], 'nvr', {}, '', 'E_NOT_SUPPORTED'],
    ['an error in a 200', ['error-in-200'], 'camera', {}, '', 'E_DEVICE_ERROR'],
    ['a busy device', ['busy-once'], 'camera', {}, '', 'E_DEVICE_BUSY'],
    ['a strange name', [], 'camera', {}, '../x', 'E_BAD_PARAMETER'],
    ['no alarm hub', [], 'camera', {}, 'hub:1', 'E_NOT_SUPPORTED'],
  ])('of %s is refused', async (_name, faults, model, manner, name, code) => {
    const { connection } = await setUp(faults, model);
    await expect(connection.setSwitch?.('siren', name, true, manner, never)).rejects.toMatchObject({ code });
  });

  it('of an alarm hub is switched by its number', async () => {
    const { sim, connection } = await setUp(['alarm-hub']);
    await connection.setSwitch?.('siren', 'hub:3', true, {}, never);
    expect(sim.state().switches.hubSirens).toEqual([3]);
    await connection.setSwitch?.('siren', 'hub:3', false, {}, never);
    expect(sim.state().switches.hubSirens).toEqual([]);
  });

  it('is played again and again while it is on, for its time, and no longer', async () => {
    const clock = new VirtualClock(1_800_000_000_000);
    const paths: string[] = [];
    const siren = createSiren({
      calls: {
        read: async () => null,
        async write({ path }) {
          paths.push(path);
          return { status: 200, headers: {}, body: Buffer.alloc(0) };
        },
      },
      deviceName: 'Yard',
      former: createFormerSettings(undefined, silentLog),
      clock,
      log: silentLog,
      closing: never,
    });
    await expect(siren.set('', true, {}, never)).rejects.toMatchObject({ code: 'E_NOT_SUPPORTED' });
    const able = createSiren({
      calls: {
        read: async () => ({ body: Buffer.from('{}'), root: { name: '', text: '', children: [] } }),
        async write({ path }) {
          paths.push(path);
          return { status: 200, headers: {}, body: Buffer.alloc(0) };
        },
      },
      deviceName: 'Yard',
      former: createFormerSettings(undefined, silentLog),
      clock,
      log: silentLog,
      closing: never,
    });
    await able.set('', true, { forMs: 15_000 }, never);
    expect(paths).toHaveLength(1);
    await clock.advance(60_000);
    expect(paths).toHaveLength(3);
    await able.set('', true, {}, never);
    await clock.advance(20_000);
    expect(paths).toHaveLength(8);
    await able.set('', false, {}, never);
    await clock.advance(60_000);
    expect(paths).toHaveLength(8);
    able.close();
  });
});

describe('a sound with a number of times', () => {
  async function yard() {
    const clock = new VirtualClock(1_800_000_000_000);
    const begun: number[] = [];
    const volumes: number[] = [];
    const told = () =>
      Buffer.from(JSON.stringify({ AudioAlarm: { audioID: 2, audioVolume: volumes.at(-1) ?? 60, alarmTimes: 7 } }));
    const siren = createSiren({
      calls: {
        read: async () => ({ body: told(), root: readDocuments(told())[0]! }),
        async write({ path, json }) {
          if (path.includes('/test')) begun.push(clock.monotonic());
          else volumes.push((json as { AudioAlarm: { audioVolume: number } }).AudioAlarm.audioVolume);
          return { status: 200, headers: {}, body: Buffer.alloc(0) };
        },
      },
      deviceName: 'Yard',
      former: createFormerSettings(undefined, silentLog),
      clock,
      log: silentLog,
      closing: never,
    });
    return { clock, siren, begun, volumes };
  }

  it('is played so often and then silent, and its volume is put back', async () => {
    const { clock, siren, begun, volumes } = await yard();
    await siren.set('', true, { times: 3, volume: 90 }, never);
    await clock.advance(14_000);
    expect(begun).toEqual([0, 5_000, 10_000]);
    expect(volumes).toEqual([90]);
    await clock.advance(60_000);
    expect(begun).toHaveLength(3);
    expect(volumes).toEqual([90, 60]);
  });

  it('is over with the hold, if that is shorter', async () => {
    const { clock, siren, begun } = await yard();
    await siren.set('', true, { times: 50, forMs: 9_000 }, never);
    await clock.advance(600_000);
    expect(begun).toEqual([0, 5_000]);
  });

  it('is not begun anew by the same claim, but by a newer one, another sound, and after it was off', async () => {
    const { clock, siren, begun } = await yard();
    const set = async (manner: object, count: number) => {
      await siren.set('', true, manner, never);
      await clock.advance(60_000);
      expect(begun).toHaveLength(count);
    };
    await set({ times: 2, since: 100 }, 2);
    await set({ times: 2, since: 100, forMs: 90_000 }, 2);
    await set({ times: 2, since: 50 }, 2);
    await set({ times: 2, since: 200 }, 4);
    await set({ times: 1, since: 100 }, 5);
    await siren.set('', false, {}, never);
    await set({ times: 1, since: 100 }, 6);
    await set({ times: 1 }, 7);
    siren.close();
  });
});

describe('the white light', () => {
  it('goes on with its brightness and back to what was set before', async () => {
    const { sim, connection } = await setUp();
    expect(await connection.setSwitch?.('light', '1', true, { brightness: 80, flash: 'fast' }, never)).toBe(true);
    expect(sim.state().switches.lights[0]).toMatchObject({ mode: 'colorVuWhiteLight', brightness: 80 });
    expect(await connection.readSwitch?.('light', '1', never)).toBe(true);
    expect(await connection.setSwitch?.('light', '1', false, {}, never)).toBe(false);
    expect(sim.state().switches.lights[0]).toMatchObject({ mode: 'eventIntelligence', brightness: 40 });
  });

  it('set on twice still goes back to the first', async () => {
    const { sim, connection } = await setUp();
    await connection.setSwitch?.('light', '', true, { brightness: 10 }, never);
    await connection.setSwitch?.('light', '', true, { brightness: 90 }, never);
    await connection.setSwitch?.('light', '', false, {}, never);
    expect(sim.state().switches.lights[0]).toMatchObject({ mode: 'eventIntelligence', brightness: 40 });
  });

  it.each([
    [
      'a killed run left on goes off, although the next run was told to switch it on first',
      80,
      false,
      'eventIntelligence',
    ],
    ['burned otherwise before stays as it was', 40, null, 'colorVuWhiteLight'],
  ])('that %s', async (_what, brightness, off, mode) => {
    const { sim, connection: earlier } = await setUp();
    await earlier.setSwitch?.('light', '1', true, { brightness }, never);
    const login = { credentials: { user: 'admin', password: 'simulated1' } };
    const { connection } = connectDriver(createHikvisionDriver(defaultTiming), sim.port, login, false);
    expect(await connection.setSwitch?.('light', '1', true, { brightness: 80 }, never)).toBe(true);
    expect(await connection.setSwitch?.('light', '1', false, {}, never)).toBe(off);
    expect(sim.state().switches.lights[0]?.mode).toBe(mode);
  });

  it.each([
    [{}, 'eventIntelligence'],
    [{ normalLight: 'irLight' }, 'irLight'],
    [{ normalLight: 'close' }, 'close'],
  ])('that an earlier run left on goes to the normal one with %o', async (options, mode) => {
    const { sim, connection } = await setUp([], 'camera', options);
    const earlier = await setUp();
    await earlier.connection.close();
    expect(await connection.setSwitch?.('light', '1', false, {}, never)).toBe(false);
    expect(sim.state().switches.lights[0]?.mode).toBe(mode);
  });

  it.each([
    ['a model without white light', ['no-white-light'], 'camera', '1', 'E_NOT_SUPPORTED'],
    ['a recorder', [], 'nvr', '1', 'E_NOT_SUPPORTED'],
    ['a light that does not follow', ['light-ignored'], 'camera', '1', 'E_DEVICE_ERROR'],
    ['no channel', [], 'camera', '../../System/reboot', 'E_BAD_PARAMETER'],
    ['no external light', [], 'camera', 'external', 'E_NOT_SUPPORTED'],
  ])('of %s is refused', async (_name, faults, model, name, code) => {
    const { connection } = await setUp(faults, model);
    await expect(connection.setSwitch?.('light', name, true, {}, never)).rejects.toMatchObject({ code });
  });

  it('outside the camera flashes and goes out by the device’s own timer', async () => {
    const { sim, connection } = await setUp(['external-light']);
    const manner = { brightness: 70, flash: 'fast' as const, forMs: 900 };
    expect(await connection.setSwitch?.('light', 'external', true, manner, never)).toBe(true);
    expect(sim.state().switches.external).toEqual({ on: true, brightness: 70, frequency: 'high', seconds: 1 });
    await pause(1_100);
    expect(await connection.readSwitch?.('light', 'external', never)).toBe(false);
    expect(await connection.setSwitch?.('light', 'external', false, {}, never)).toBe(false);
    expect(sim.state().switches.external).toEqual({ on: false, brightness: 50, frequency: 'medium', seconds: 15 });
  });
});

describe('recording', () => {
  it.each([[[]], [['record-by-post']], [['record-bare-track']]])('starts and stops, also with %s', async (faults) => {
    const { sim, connection } = await setUp(faults, 'nvr');
    expect(await connection.setSwitch?.('record', '3', true, {}, never)).toBe(true);
    expect(sim.state().switches.recording).toEqual([3]);
    expect(await connection.readSwitch?.('record', '3', never)).toBe(true);
    expect(await connection.readSwitch?.('record', '4', never)).toBe(false);
    expect(await connection.setSwitch?.('record', '3', false, {}, never)).toBe(false);
    expect(sim.state().switches.recording).toEqual([]);
  });

  it('that the schedule does already counts as started, but not as stopped', async () => {
    const { connection } = await setUp(['record-already']);
    expect(await connection.setSwitch?.('record', '1', true, {}, never)).toBe(true);
    await expect(connection.setSwitch?.('record', '1', false, {}, never)).rejects.toMatchObject({
      code: 'E_NOT_SUPPORTED',
    });
  });

  it('whose state is not told is confirmed without it', async () => {
    const { connection } = await setUp(['no-record-status']);
    expect(await connection.setSwitch?.('record', '1', true, {}, never)).toBeNull();
  });

  it.each([
    ['without a disk', ['no-storage'], '1', 'E_NOT_SUPPORTED'],
    ['of a channel that there is not', [], '99', 'E_BAD_PARAMETER'],
    ['of no channel', [], '1/../x', 'E_BAD_PARAMETER'],
  ])('%s is refused', async (_name, faults, channel, code) => {
    const { connection } = await setUp(faults);
    await expect(connection.setSwitch?.('record', channel, true, {}, never)).rejects.toMatchObject({ code });
  });
});

it('lines are none of this kind of device', async () => {
  const { connection } = await setUp();
  await expect(connection.setSwitch?.('line', '1', true, {}, never)).rejects.toMatchObject({ code: 'E_NOT_SUPPORTED' });
});

it('a document is written back with what is not understood, in the namespace of the device', () => {
  const body = Buffer.from('<a:X xmlns:a="urn:own" version="1.0"><a:odd k="1">A &amp; B</a:odd><a:on>no</a:on></a:X>');
  expect(editXml(body, { on: 'yes', absent: '1' })).toBe(
    '<?xml version="1.0" encoding="UTF-8"?>\n<X version="1.0" xmlns="urn:own"><odd k="1">A &amp; B</odd><on>yes</on></X>',
  );
});

describe('a run that is killed while it holds', () => {
  async function killed(
    kind: 'siren' | 'light',
    name: string,
    manner: object,
    faults: Parameters<typeof setUp>[0] = [],
  ) {
    let stored: Record<string, string> = {};
    const former = {
      read: async () => ({ ...stored }),
      write: async (settings: Record<string, string>) => {
        stored = { ...settings };
      },
    };
    const { sim } = await setUp(faults);
    const login = { credentials: { user: 'admin', password: 'simulated1' } };
    const run = () =>
      connectDriver(createHikvisionDriver(defaultTiming), sim.port, login, false, former).connection.setSwitch!;
    await run()(kind, name, true, manner, never);
    return { sim, next: run(), stored: () => stored };
  }

  it.each([
    ['is to go off', null],
    ['goes on with the hold', 90],
    ['holds it louder', 100],
  ])('a siren has its volume put back by the next run, which %s', async (_what, volume) => {
    const { sim, next, stored } = await killed('siren', '', { volume: 90 });
    expect(sim.state().switches.siren.volume).toBe(90);
    if (volume !== null) await next('siren', '', true, { volume }, never);
    await next('siren', '', false, {}, never);
    expect(sim.state().switches.siren.volume).toBe(60);
    expect(stored()).toEqual({});
  });

  it('a white light goes back to what was set before, also when the next run wants it brighter', async () => {
    const { sim, next } = await killed('light', '1', { brightness: 30 });
    await next('light', '1', true, { brightness: 80 }, never);
    expect(await next('light', '1', false, {}, never)).toBe(false);
    expect(sim.state().switches.lights[0]).toMatchObject({ mode: 'eventIntelligence', brightness: 40 });
  });

  it('an external light gets its own brightness and flashing back', async () => {
    const { sim, next } = await killed('light', 'external', { brightness: 100, flash: 'fast', forMs: 60_000 }, [
      'external-light',
    ]);
    await next('light', 'external', false, {}, never);
    expect(sim.state().switches.external).toEqual({ on: false, brightness: 50, frequency: 'medium', seconds: 15 });
  });
});
