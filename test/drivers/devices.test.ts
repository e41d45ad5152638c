import { afterEach, describe, expect, it } from 'vitest';
import { VirtualClock } from '../../engine/clock/virtual-clock';
import type { DeviceStatus, ReceivedEvent } from '../../engine/domain/devices';
import { userError } from '../../engine/domain/errors';
import { silentLog } from '../../engine/domain/log';
import {
  createDevices,
  type DeviceDriver,
  type Devices,
  type DevicesOptions,
  type DriverConnection,
  type DriverContext,
  type HikvisionSimulator,
  startSimulator,
} from '../../engine/drivers';
import { deviceAt, until } from '../support/recording-sink';
import { steadyClock } from '../support/steady-clock';

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** A driver whose connections do what a test says. */
function puppet(): DeviceDriver & { contexts: DriverContext[]; closed: number; failNext: number } {
  const driver = {
    kind: 'puppet',
    title: 'Puppet',
    defaultPort: 1,
    contexts: [] as DriverContext[],
    closed: 0,
    failNext: 0,
    connect(context: DriverContext): DriverConnection {
      if (driver.failNext > 0) {
        driver.failNext--;
        throw new Error('the driver is broken');
      }
      driver.contexts.push(context);
      return {
        id: context.definition.id,
        name: context.definition.name,
        start() {},
        push: async () => [],
        probe: async () => Promise.reject(userError('E_NOT_SUPPORTED', 'no')),
        setOutput: async (_output, on) => on,
        readOutput: async () => null,
        snapshot: async () => Promise.reject(new Error('odd')),
        gotoPreset: async () => undefined,
        close: async () => void driver.closed++,
      };
    },
    decode: async function* () {},
  };
  return driver;
}

function hub(driver: DeviceDriver, clock = new VirtualClock(1_000)) {
  const told: string[] = [];
  const statuses: DeviceStatus[] = [];
  const devices = createDevices({
    clock,
    log: silentLog,
    onEvent: async (id, received) => {
      told.push(`${id} ${received.draft.type} ${received.draft.phase}`);
      return `e${told.length}`;
    },
    onPictures: async () => undefined,
    onStatus: (status) => void statuses.push(status),
    driverOf: () => driver,
  });
  closers.push(() => devices.close());
  return { devices, told, statuses, clock };
}

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(() => setImmediate(resolve)));

describe('the hub', () => {
  it('opens connections only after start, and later ones at once', () => {
    const driver = puppet();
    const { devices } = hub(driver);
    devices.define(deviceAt(1));
    expect(driver.contexts).toHaveLength(0);
    devices.start();
    expect(driver.contexts).toHaveLength(1);
    devices.define(deviceAt(1, { id: 'cam2' }));
    expect(driver.contexts).toHaveLength(2);
  });

  it('says with its refusal that a device is only waiting for the start', async () => {
    const { devices } = hub(puppet());
    devices.define(deviceAt(1));
    const command = devices.device('cam1').setOutput('1', false, new AbortController().signal);
    await expect(command).rejects.toMatchObject({
      code: 'E_DEVICE_OFFLINE',
      message: expect.stringMatching(/^"[^"]+" is still being connected$/),
      facts: { link: 'connecting' },
    });
    expect(devices.status('cam1')).toMatchObject({ link: 'connecting', detail: 'Connecting' });
  });

  it('does not connect anew for the same definition, but for another', async () => {
    const driver = puppet();
    const { devices } = hub(driver);
    devices.define(deviceAt(1));
    devices.start();
    devices.define(deviceAt(1));
    await settle();
    expect([driver.contexts.length, driver.closed]).toEqual([1, 0]);
    devices.define(deviceAt(2));
    await until('it is connected anew', () => driver.contexts.length === 2);
    expect(driver.closed).toBe(1);
  });

  it('tells the link as events, each edge once', async () => {
    const driver = puppet();
    const { devices, told } = hub(driver);
    devices.define(deviceAt(1));
    devices.start();
    const sink = driver.contexts[0]?.sink;
    for (const link of [
      'online',
      'online',
      'offline',
      'offline',
      'connecting',
      'offline',
      'online',
      'refused',
      'refused',
      'online',
    ] as const)
      sink?.link(link, `now ${link}`);
    await settle();
    expect(told.map((t) => t.replace('cam1 ', ''))).toEqual([
      'source-offline stop',
      'credentials-refused stop',
      'source-online pulse',
      'source-offline start',
      'source-offline stop',
      'source-online pulse',
      'credentials-refused start',
      'credentials-refused stop',
      'source-online pulse',
    ]);
  });

  it('ends source-offline when the device answers, if only with a refusal', async () => {
    const driver = puppet();
    const { devices, told } = hub(driver);
    devices.define(deviceAt(1));
    devices.start();
    driver.contexts[0]?.sink.link('offline', 'gone');
    driver.contexts[0]?.sink.link('refused', 'no');
    await settle();
    expect(told.map((t) => t.replace('cam1 ', ''))).toEqual([
      'source-offline start',
      'source-offline stop',
      'credentials-refused start',
    ]);
  });

  it('goes on with the others when a driver throws, and starts that one again', async () => {
    const driver = puppet();
    const { devices, clock, told } = hub(driver);
    driver.failNext = 1;
    devices.define(deviceAt(1));
    devices.define(deviceAt(1, { id: 'cam2' }));
    devices.start();
    expect(driver.contexts.map((c) => c.definition.id)).toEqual(['cam2']);
    expect(devices.status('cam1')).toMatchObject({
      link: 'offline',
      detail: expect.stringContaining('the driver is broken'),
    });
    await clock.advance(1_000);
    expect(driver.contexts.map((c) => c.definition.id)).toEqual(['cam2', 'cam1']);
    expect(told).toContain('cam1 source-offline start');
  });

  it('takes no word of a connection that was replaced', async () => {
    const driver = puppet();
    const { devices } = hub(driver);
    devices.define(deviceAt(1));
    devices.start();
    const old = driver.contexts[0]?.sink;
    devices.define(deviceAt(2));
    await until('it is connected anew', () => driver.contexts.length === 2);
    driver.contexts[1]?.sink.link('online', 'here');
    old?.link('offline', 'gone');
    expect(devices.status('cam1')?.link).toBe('online');
  });

  it('finds devices for actions and says what is wrong otherwise', async () => {
    const driver = puppet();
    const { devices } = hub(driver);
    expect(() => devices.device('nobody')).toThrow(
      expect.objectContaining({ code: 'E_UNKNOWN_DEVICE', family: 'user' }),
    );
    devices.define(deviceAt(1));
    const device = devices.device('cam1');
    const { signal } = new AbortController();
    await expect(device.setOutput('1', true, signal)).rejects.toMatchObject({
      code: 'E_DEVICE_OFFLINE',
      family: 'operational',
    });
    devices.start();
    expect(await device.setOutput('1', true, signal)).toBe(true);
    await expect(device.snapshot(1, signal)).rejects.toMatchObject({ code: 'E_UNEXPECTED', family: 'bug' });
  });

  it('lets a device push only from its addresses', async () => {
    const { devices } = hub(puppet());
    devices.define(deviceAt(1, { pushFrom: ['192.0.2.0/24'] }));
    devices.start();
    const request = { method: 'POST', path: '/', headers: {}, body: Buffer.from('x'), remoteAddress: '198.51.100.7' };
    await expect(devices.push('cam1', request)).rejects.toMatchObject({ code: 'E_PUSH_REFUSED', family: 'user' });
    expect((await devices.push('cam1', { ...request, remoteAddress: '::ffff:192.0.2.9' })).eventIds).toEqual([]);
    await expect(devices.push('cam9', request)).rejects.toMatchObject({ code: 'E_UNKNOWN_DEVICE' });
  });

  describe('tells a device where to push', () => {
    const signal = new AbortController().signal;
    function site(url: string | null, told: string[] | null) {
      const driver = puppet();
      const connect = driver.connect;
      driver.connect = (context) => ({
        ...connect(context),
        ...(told
          ? {
              async setUpPush(given: string) {
                told.push(given);
                return { slot: '1', tested: null, warnings: [] };
              },
            }
          : {}),
      });
      const devices = createDevices({
        clock: new VirtualClock(1_000),
        log: silentLog,
        onEvent: async () => 'e1',
        onPictures: async () => {},
        onStatus: () => {},
        ingestUrl: async ({ id }) => (url === null ? null : `${url}/${id}`),
        driverOf: () => driver,
      });
      closers.push(() => devices.close());
      devices.define(deviceAt(1));
      return { devices, driver };
    }

    it('by its own ingest path, and each connection can ask for it', async () => {
      const told: string[] = [];
      const { devices, driver } = site('http://192.0.2.1/ingest', told);
      devices.start();
      const url = 'http://192.0.2.1/ingest/cam1';
      expect(await devices.setUpPush(deviceAt(1), signal)).toMatchObject({ slot: '1', url });
      expect(told).toEqual([url]);
      expect(await driver.contexts[0]?.ingestUrl?.()).toBe('http://192.0.2.1/ingest/cam1');
    });

    it.each([
      ['no address of ours is known', null, [], 'E_NO_PUSH_ADDRESS'],
      ['it cannot be told', 'http://192.0.2.1', null, 'E_NOT_SUPPORTED'],
    ])('or says why not: %s', async (_name, url, told, code) => {
      const { devices } = site(url, told);
      devices.start();
      await expect(devices.setUpPush(deviceAt(1), signal)).rejects.toMatchObject({ code, family: 'user' });
    });

    it('but tells none to a mere test of a connection', async () => {
      const { devices, driver } = site('http://192.0.2.1', []);
      await devices.test(deviceAt(1), signal).catch(() => undefined);
      expect(driver.contexts[0]).not.toHaveProperty('ingestUrl');
    });
  });

  it('knows how pushes of a device are taken', () => {
    const driver = puppet();
    const { devices } = hub(driver);
    devices.define(deviceAt(1));
    expect(devices.pushRules('cam1')).toEqual({ methods: ['POST', 'PUT'], packed: false });
    Object.assign(driver, { pushMethods: () => ['GET'], unpacksPushes: true });
    expect(devices.pushRules('cam1')).toEqual({ methods: ['GET'], packed: true });
    expect(devices.pushRules('cam9')).toBeNull();
  });

  it('knows nothing of a device that was removed', async () => {
    const driver = puppet();
    const { devices } = hub(driver);
    devices.define(deviceAt(1));
    devices.start();
    await devices.remove('cam1');
    expect(driver.closed).toBe(1);
    expect(devices.status('cam1')).toBeNull();
    expect(devices.statuses()).toEqual([]);
  });
});

describe('the hub with a real driver', () => {
  async function real(): Promise<{
    sim: HikvisionSimulator;
    devices: Devices;
    received: ReceivedEvent[];
    pictures: string[];
  }> {
    const sim = await startSimulator('hikvision', { heartbeatMs: 200 });
    closers.push(() => sim.close());
    const received: ReceivedEvent[] = [];
    const pictures: string[] = [];
    const devices = createDevices({
      clock: steadyClock,
      log: silentLog,
      onEvent: async (_id, event) => `e${received.push(event)}`,
      onPictures: async (_id, eventId) => void pictures.push(eventId),
      onStatus() {},
    });
    closers.push(() => devices.close());
    return { sim, devices, received, pictures };
  }

  it('brings stream events and pushes of one device into one order', async () => {
    const { sim, devices, received, pictures } = await real();
    devices.define(deviceAt(sim.port, { receive: 'both' }));
    devices.start();
    await until('online', () => devices.status('cam1')?.link === 'online');
    await until('facts', () => devices.status('cam1')?.facts?.model === 'SIM-TD2628T');
    await sim.fire({ scene: 'thermal-alarm', pictures: 1 });
    await until('the alarm and its picture', () => pictures.length === 1);
    const body = Buffer.from(
      '<EventNotificationAlert><channelID>1</channelID><eventType>VMD</eventType><eventState>active</eventState></EventNotificationAlert>',
    );
    const { eventIds: ids } = await devices.push('cam1', {
      method: 'POST',
      path: '/',
      headers: {},
      body,
      remoteAddress: '127.0.0.1',
    });
    expect(ids.map((id) => received[Number(id.slice(1)) - 1]?.draft.type)).toEqual(['motion']);
    // The states of its inputs are read meanwhile.
    const told = received.map((e) => e.draft.type).filter((type) => type !== 'digital-input');
    expect(told.slice(-2)).toEqual(['temperature-alarm', 'motion']);
    expect(devices.status('cam1')?.lastSeenAt).toBeGreaterThan(Date.now() - 5_000);
  });

  it('refuses a push that is none', async () => {
    const { sim, devices } = await real();
    devices.define(deviceAt(sim.port, { receive: 'push' }));
    devices.start();
    const request = { method: 'POST', path: '/', headers: {}, body: Buffer.from('<a>'), remoteAddress: '127.0.0.1' };
    await expect(devices.push('cam1', request)).rejects.toMatchObject({ code: 'E_BAD_PUSH', family: 'user' });
  });

  it('watches over a device that only pushes', async () => {
    const { sim, devices } = await real();
    devices.define(deviceAt(sim.port, { receive: 'push' }));
    devices.start();
    await until('online', () => devices.status('cam1')?.link === 'online');
    expect(sim.state().streamsOpened).toBe(0);
  });

  it('receives what a device sends to a listener, from the simulated one to the push', async () => {
    const { createServer } = await import('node:http');
    const { sim, devices, received } = await real();
    devices.define(deviceAt(sim.port, { receive: 'push', credentials: null }));
    devices.start();
    const server = createServer(async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const { method = '', url: path = '', headers } = request;
      const body = Buffer.concat(chunks);
      const answer = devices.push('cam1', {
        method,
        path,
        headers,
        body,
        remoteAddress: request.socket.remoteAddress ?? '',
      });
      response.statusCode = await answer.then(() => 200).catch(() => 400);
      response.end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    closers.push(() => new Promise((resolve) => server.close(() => resolve())));
    const { port } = server.address() as { port: number };
    sim.addListener(`http://127.0.0.1:${port}/in/x`, 'XML');
    sim.addListener(`http://127.0.0.1:${port}/in/x`, 'JSON');
    for (const fault of ['', 'blank-line-before-head', 'pictures-short-length', 'no-content-type']) {
      sim.faults.clear();
      if (fault) sim.faults.set(fault);
      await sim.fire({ scene: 'line-crossing', pictures: 2 });
    }
    const crossings = received.filter((e) => e.draft.type === 'line-crossing');
    expect(crossings).toHaveLength(8);
    expect(crossings.map((e) => e.pictures.length)).toEqual(Array(8).fill(2));
    expect(sim.state().pushes).toMatchObject({ failed: 0, lastStatus: 200 });
  });

  it('asks a device that is not defined who it is, and names what is wrong', async () => {
    const { sim, devices } = await real();
    const signal = AbortSignal.timeout(30_000);
    expect(await devices.test(deviceAt(sim.port), signal)).toMatchObject({
      serialNumber: expect.stringContaining('SIM-THERMAL'),
    });
    const wrong = deviceAt(sim.port, { credentials: { user: 'admin', password: 'x' } });
    await expect(devices.test(wrong, signal)).rejects.toMatchObject({ code: 'E_CREDENTIALS_REFUSED' });
    expect(devices.statuses()).toEqual([]);
  });
});

describe('a device that is found elsewhere', () => {
  async function site(onLeave: DevicesOptions['onLeave'], kind: Partial<DeviceDriver> = {}) {
    const driver = Object.assign(puppet(), kind);
    const clock = new VirtualClock(1_000);
    const statuses: string[] = [];
    const devices = createDevices({
      clock,
      log: silentLog,
      onEvent: async () => 'e1',
      onPictures: async () => undefined,
      onStatus: ({ link }) => void statuses.push(link),
      driverOf: () => driver,
      ...(onLeave ? { onLeave } : {}),
    });
    closers.push(() => devices.close());
    devices.define(deviceAt(1));
    devices.start();
    driver.contexts[0]?.sink.link('online', 'here');
    return { devices, driver, clock, statuses };
  }

  it('is left by its old connection, before that is closed and the new one opened', async () => {
    const told: unknown[] = [];
    const { devices, driver } = await site(async ({ device, address }, signal) => {
      told.push(address, await device.setOutput('1', false, signal), driver.closed, driver.contexts.length);
    });
    devices.define(deviceAt(2));
    await until('it is connected anew', () => driver.contexts.length === 2);
    expect(told).toEqual(['127.0.0.1:1', false, 0, 1]);
    expect(driver.closed).toBe(1);
  });

  it.each([
    ['a host', { host: '127.0.0.2' }, 1],
    ['a port', { port: 2 }, 1],
    ['a driver', { driver: 'dahua' }, 1],
    ['a setting that is part of its address', { options: { unit: 2 } }, 1],
    ['a name', { name: 'Gate' }, 0],
    ['a password', { credentials: null }, 0],
    ['another setting', { options: { pollMs: 5 } }, 0],
  ])('is left %s later, as far as that moves it', async (_what, change, times) => {
    let left = 0;
    const { devices, driver } = await site(async () => void left++, { addressOptions: ['unit'] });
    devices.define(deviceAt(1, change));
    await until('it is connected anew', () => driver.contexts.length === 2);
    expect(left).toBe(times);
  });

  it('is left when it is removed, but not when alarmflow ends', async () => {
    let left = 0;
    const { devices } = await site(async () => void left++);
    await devices.remove('cam1');
    expect(left).toBe(1);
    devices.define(deviceAt(1, { id: 'cam2' }));
    await devices.close();
    expect(left).toBe(1);
  });

  it('is left with a signal that aborts after some seconds, and connected elsewhere all the same', async () => {
    const { devices, driver, clock } = await site(
      (_leaving, signal) =>
        new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
    );
    devices.define(deviceAt(2));
    await clock.advance(4_000);
    expect(driver.contexts).toHaveLength(1);
    await clock.advance(1_500);
    await until('it is connected anew', () => driver.contexts.length === 2);
  });

  it('tells that it is online there, also in the words of before, so that its outputs are driven', async () => {
    const { devices, driver, statuses } = await site(async () => undefined);
    devices.define(deviceAt(2));
    await until('it is connected anew', () => driver.contexts.length === 2);
    driver.contexts[1]?.sink.link('online', 'here');
    expect(statuses).toEqual(['online', 'connecting', 'online']);
  });
});
