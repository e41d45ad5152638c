/** What becomes of the drivers' connections, with their own times: side by side, because they wait rather than work. */
import { createServer, type Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { AlarmflowError } from '../../engine/domain/errors';
import { until } from '../support/recording-sink';
import { pause, steadyClock } from '../support/steady-clock';
import { busy, opening } from './driver-contract';
import { driverKindsPlayed } from './driver-kinds';
import { type Closers, type DriverKind, hubWith, NOTICED_MS, online } from './played-device';

const asked = driverKindsPlayed.filter(({ unasked }) => !unasked);
const having = (thing: DriverKind['has'][number]): DriverKind[] => asked.filter(({ has }) => has.includes(thing));
const never = new AbortController().signal;

/** All kinds at once; fails with the names of those that did. */
async function each(kinds: readonly DriverKind[], work: (kind: DriverKind, closers: Closers) => Promise<void>) {
  const outcomes = await Promise.allSettled(kinds.map((kind) => opening((closers) => work(kind, closers))()));
  const failures = outcomes.flatMap((outcome, at) =>
    outcome.status === 'rejected' ? [`${kinds[at]!.kind}: ${outcome.reason}`] : [],
  );
  expect(failures).toEqual([]);
}

/** Connections are taken, nothing is ever answered. */
async function silentPort(): Promise<{ port: number; close(): Promise<void> }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.resume();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  return {
    port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

describe.concurrent('the drivers', () => {
  it('notice a device that is gone within 15 s, and its return by themselves', { timeout: 120_000 }, () =>
    each(asked, async (kind, closers) => {
      const hub = await online(kind, closers);
      await hub.device.unplug();
      await until('offline', () => hub.link() === 'offline', NOTICED_MS);
      await until('it is told', () => hub.told().includes('source-offline start'));
      if (hub.device.replug) await hub.device.replug();
      const back = hub.device.replug ? hub.device : await hub.restart();
      await until('online again', () => hub.link() === 'online', 2 * NOTICED_MS);
      await until('it is told', () => hub.told().filter((one) => one === 'source-online pulse').length === 2);
      expect(hub.told().filter((one) => one === 'source-offline start')).toHaveLength(1);
      await pause(1_000);
      await back.repeat();
      await until('its events', () => hub.of('start').length > 0);
    }),
  );

  it('take no harm from a device that hangs for a while', { timeout: 120_000 }, () =>
    each(asked, async (kind, closers) => {
      const hub = await online(kind, closers);
      hub.device.hang(true);
      await until('offline', () => hub.link() === 'offline', NOTICED_MS + 5_000);
      hub.device.hang(false);
      await until('online again', () => hub.link() === 'online', 2 * NOTICED_MS);
      await pause(1_000);
      await hub.device.repeat();
      await until('its events', () => hub.of('start').length > 0);
    }),
  );

  it('notice within 15 s that what takes their connection answers nothing', { timeout: 120_000 }, () =>
    each(having('tcp'), async (kind, closers) => {
      const silent = await silentPort();
      closers.push(() => silent.close());
      const hub = await hubWith(kind, closers, { at: silent.port });
      await until('offline', () => hub.link() === 'offline', NOTICED_MS);
      await until('it is told', () => hub.told().includes('source-offline start'));
      await silent.close();
      await hub.restart();
      await until('online', () => hub.link() === 'online', 2 * NOTICED_MS);
    }),
  );

  it(
    'notice within 15 s that a device comes back with another password, and try the old one twice at most',
    { timeout: 120_000 },
    () =>
      each(having('login'), async (kind, closers) => {
        const hub = await online(kind, closers);
        // It is known by then, so that what is asked after its restart is asked in turn.
        await pause(1_500);
        await hub.device.unplug();
        await until('offline', () => hub.link() === 'offline', NOTICED_MS);
        const device = await hub.restart('another-one');
        await until('refused', () => hub.link() === 'refused', NOTICED_MS);
        await until('it is told', () => hub.told().includes('credentials-refused start'));
        await pause(5_000);
        expect(device.refused!()).toBeGreaterThanOrEqual(1);
        expect(device.refused!()).toBeLessThanOrEqual(2);
        const user = hub.definition.credentials?.user ?? 'admin';
        hub.devices.define({ ...hub.definition, credentials: { user, password: 'another-one' } });
        await until('online', () => hub.link() === 'online', NOTICED_MS);
        await until('it is told', () => hub.told().includes('credentials-refused stop'));
      }),
  );

  it(
    'notice within 15 s that a device got another password while it runs, and try the old one twice at most',
    { timeout: 120_000 },
    () =>
      each(having('password'), async (kind, closers) => {
        const hub = await online(kind, closers);
        await pause(1_500);
        hub.device.setPassword!('another-one');
        await until('refused', () => hub.link() === 'refused', NOTICED_MS);
        await pause(5_000);
        expect(hub.device.refused!()).toBeLessThanOrEqual(2);
        const user = hub.definition.credentials?.user ?? 'admin';
        hub.devices.define({ ...hub.definition, credentials: { user, password: 'another-one' } });
        await until('online', () => hub.link() === 'online', NOTICED_MS);
      }),
  );

  it('notice within 15 s that a clock was set, and take what happens then for no old story', { timeout: 120_000 }, () =>
    each(having('clock'), async (kind, closers) => {
      const hub = await online(kind, closers);
      const offset = (): number => hub.devices.status('cam1')?.clockOffsetMs ?? 0;
      await pause(1_500);
      const before = offset();
      await hub.device.setClock!();
      await until('another offset', () => Math.abs(offset() - before) > 600_000, NOTICED_MS);
      expect(hub.link()).toBe('online');
      await hub.device.repeat();
      await until('the condition', () => hub.of('start').length > 0);
      expect(hub.of('start')[0]!.late).toBe(false);
    }),
  );
});

it('the drivers notice a device that hangs within 15 s, and close within a second meanwhile', {
  timeout: 120_000,
}, async () => {
  const before = busy();
  await each(asked, async (kind, closers) => {
    const hub = await online(kind, closers);
    // Long enough for a rhythm to be learnt.
    await pause(1_500);
    const begun = steadyClock.monotonic();
    hub.device.hang(true);
    await until('offline', () => hub.link() === 'offline', NOTICED_MS + 5_000);
    expect(steadyClock.monotonic() - begun).toBeLessThanOrEqual(NOTICED_MS);
    const picture = hub.devices.device('cam1').snapshot(1, never);
    const failure = picture.then(
      () => null,
      (error: unknown) => error,
    );
    const closing = steadyClock.monotonic();
    await hub.devices.close();
    expect(steadyClock.monotonic() - closing).toBeLessThan(1_000);
    expect(await failure).toBeInstanceOf(AlarmflowError);
  });
  await until('nothing of them is left open', () => busy() <= before);
});
