import { afterEach, describe, expect, it } from 'vitest';
import { VirtualClock } from '../../engine/clock/virtual-clock';
import type { DeviceDefinition, DeviceStatus } from '../../engine/domain/devices';
import { silentLog } from '../../engine/domain/log';
import {
  createDevices,
  type DeviceDriver,
  type Devices,
  type DriverConnection,
  type DriverContext,
} from '../../engine/drivers';
import { lifeRecordOf } from '../../engine/host/signs-of-devices';
import { memorySettings } from '../support/memory-settings';
import { deviceAt } from '../support/recording-sink';

const START = Date.UTC(2026, 10, 21);
const MINUTE = 60_000;

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** A receiver: it listens from its start on, and knows nothing of who may send. */
function receiver(): DeviceDriver & { context(): DriverContext } {
  let last: DriverContext;
  return {
    kind: 'receiver',
    title: 'Receiver',
    defaultPort: 1,
    context: () => last,
    connect(context): DriverConnection {
      last = context;
      const no = async (): Promise<never> => Promise.reject(new Error('only receives'));
      return {
        id: context.definition.id,
        name: context.definition.name,
        start: () => context.sink.link('online', 'Listens'),
        push: async () => [],
        probe: no,
        setOutput: no,
        readOutput: no,
        snapshot: no,
        gotoPreset: no,
        close: async () => undefined,
      };
    },
    decode: async function* () {},
  };
}

const sender = (over: Partial<DeviceDefinition> = {}): DeviceDefinition =>
  deviceAt(1, { id: 'ups', name: 'UPS', receive: 'push', signOfLifeMs: 10 * MINUTE, ...over });

/** Runs that follow one another on one record and one wall clock. */
function site(clock = new VirtualClock(START)) {
  const settings = memorySettings();
  const told: string[] = [];

  async function run(definition = sender()) {
    const driver = receiver();
    const statuses: DeviceStatus[] = [];
    const devices: Devices = createDevices({
      clock,
      log: silentLog,
      onEvent: async (_id, { draft }) => {
        told.push(`${draft.type} ${draft.phase}`);
        return `e${told.length}`;
      },
      onPictures: async () => undefined,
      onStatus: (status) => void statuses.push(status),
      lifeOf: (of) => lifeRecordOf(settings, of),
      driverOf: () => driver,
    });
    closers.push(() => devices.close());
    devices.define(definition);
    devices.start();
    await clock.advance(0);
    await settle();
    return { devices, driver, statuses, status: () => devices.status(definition.id)!, hear: () => hear(driver) };
  }

  const hear = (driver: { context(): DriverContext }): void => driver.context().sink.seen(clock.now());
  return { clock, settings, told, run };
}

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(() => setImmediate(resolve)));

describe('a device that only sends', () => {
  it('may be silent for as long as it likes where no sign of life is expected', async () => {
    const { clock, told, run } = site();
    const { status } = await run(sender({ signOfLifeMs: undefined }));
    await clock.advance(1_000 * MINUTE);
    expect(status().link).toBe('online');
    expect(told.filter((line) => line.startsWith('source-offline start'))).toEqual([]);
  });

  it('is offline when it is overdue, not before, and people see when it was heard last', async () => {
    const { clock, told, run } = site();
    const { status, statuses, hear } = await run();
    await clock.advance(5 * MINUTE);
    hear();
    const heardAt = clock.now();
    await clock.advance(10 * MINUTE - 1);
    expect(status().link).toBe('online');
    await clock.advance(1);
    expect(status()).toMatchObject({
      link: 'offline',
      lastSeenAt: heardAt,
      detail: expect.stringContaining('10 minutes'),
    });
    expect(statuses.at(-1)).toMatchObject({ link: 'offline', lastSeenAt: heardAt });
    await settle();
    expect(told).toContain('source-offline start');
  });

  it('is online again with the next message, and can be overdue once more', async () => {
    const { clock, told, run } = site();
    const { status, hear } = await run();
    await clock.advance(20 * MINUTE);
    hear();
    expect(status()).toMatchObject({ link: 'online', detail: 'Listens' });
    await clock.advance(10 * MINUTE);
    expect(status().link).toBe('offline');
    await settle();
    expect(told.slice(-4)).toEqual([
      'source-offline start',
      'source-offline stop',
      'source-online pulse',
      'source-offline start',
    ]);
  });

  it('lives by any push, also one that makes no event', async () => {
    const { clock, run } = site();
    const { devices, status } = await run();
    const push = { method: 'POST', path: '/', headers: {}, body: Buffer.alloc(0), remoteAddress: '192.0.2.1' };
    for (let turn = 0; turn < 5; turn++) {
      await clock.advance(9 * MINUTE);
      await devices.push('ups', push);
      expect(status().link).toBe('online');
    }
    await clock.advance(10 * MINUTE);
    expect(status().link).toBe('offline');
  });

  it('that has never been heard is missed as well, and told so', async () => {
    const { clock, run } = site();
    const { status } = await run();
    await clock.advance(10 * MINUTE);
    expect(status()).toMatchObject({ link: 'offline', lastSeenAt: null, detail: expect.stringContaining('yet') });
  });

  it('keeps what its driver says of its own trouble', async () => {
    const { clock, run } = site();
    const { status, driver } = await run();
    driver.context().sink.link('offline', 'The port is taken');
    await clock.advance(20 * MINUTE);
    expect(status()).toMatchObject({ link: 'offline', detail: 'The port is taken' });
    driver.context().sink.link('online', 'Listens');
    expect(status()).toMatchObject({ link: 'offline', detail: expect.stringContaining('Nothing has come') });
  });
});

describe('the sign of life over a restart', () => {
  it('stays missing: nothing says online in between', async () => {
    const { clock, told, run } = site();
    const first = await run();
    first.hear();
    const heardAt = clock.now();
    await clock.advance(11 * MINUTE);
    expect(first.status().link).toBe('offline');
    await first.devices.close();
    told.length = 0;
    const second = await run();
    expect(second.status()).toMatchObject({ link: 'offline', lastSeenAt: heardAt });
    await settle();
    expect(told).toEqual(['source-offline start']);
    second.hear();
    expect(second.status().link).toBe('online');
  });

  it('goes on with the time that had passed, after the grace for what came meanwhile', async () => {
    const { clock, run } = site();
    const first = await run();
    first.hear();
    await clock.advance(2 * MINUTE);
    await first.devices.close();
    const second = await run();
    expect(second.status().link).toBe('online');
    await clock.advance(8 * MINUTE - 1);
    expect(second.status().link).toBe('online');
    await clock.advance(1);
    expect(second.status().link).toBe('offline');
    // It comes back, falls silent for nine minutes, and alarmflow starts anew.
    second.hear();
    await clock.advance(9 * MINUTE);
    await second.devices.close();
    const third = await run();
    await clock.advance(5 * MINUTE - 1);
    expect(third.status().link).toBe('online');
    await clock.advance(1);
    expect(third.status().link).toBe('offline');
  });

  it('is that of the device, not of another one in its place', async () => {
    const { clock, run } = site();
    const first = await run();
    first.hear();
    await clock.advance(11 * MINUTE);
    await first.devices.close();
    const other = await run(sender({ host: '192.0.2.99' }));
    expect(other.status()).toMatchObject({ link: 'online', lastSeenAt: null });
  });

  it('is forgotten when none is expected any more', async () => {
    const { clock, settings, run } = site();
    const { devices, status } = await run();
    await clock.advance(11 * MINUTE);
    expect(status().link).toBe('offline');
    devices.define(sender({ signOfLifeMs: undefined }));
    await clock.advance(0);
    await settle();
    expect(status().link).toBe('online');
    expect(await settings.readSetting('sign-of-life:ups')).toBeNull();
  });

  it('writes little, however much a device sends', async () => {
    const { clock, settings, run } = site();
    const { hear } = await run();
    let writes = 0;
    const write = settings.writeSetting.bind(settings);
    settings.writeSetting = async (name, value) => {
      writes++;
      await write(name, value);
    };
    for (let turn = 0; turn < 1_000; turn++) {
      hear();
      await clock.advance(100);
    }
    expect(writes).toBeLessThanOrEqual(2);
  });
});
