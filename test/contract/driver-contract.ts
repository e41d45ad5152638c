/**
 * What every driver promises, whatever its protocol (PROTOCOLS §0): run for each kind that has a simulator, through the
 * hub that the site uses, over real sockets and with the drivers' own times.
 */
import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../engine/clock/system-clock';
import { VirtualClock } from '../../engine/clock/virtual-clock';
import type { DeviceDefinition, PushRequest, ReceivedEvent } from '../../engine/domain/devices';
import { AlarmflowError } from '../../engine/domain/errors';
import type { EventType } from '../../engine/domain/events';
import { silentLog } from '../../engine/domain/log';
import { createDevices, type Devices } from '../../engine/drivers';
import type { DeviceDriver } from '../../engine/drivers/driver';
import { alarmTrigger, startAlarms } from '../support/alarm-record';
import { deviceAt, until } from '../support/recording-sink';

/** A test for those kinds alone that have the thing; for others there is nothing to skip. */
const where = (has: boolean): typeof it => (has ? it : ((() => undefined) as unknown as typeof it));

/** A simulated device as the contract plays with it. */
export interface PlayedDevice {
  port: number;
  /** Where the driver needs one that is made for this device. */
  driver?: DeviceDriver;
  /** Says that the same condition is on once more, as the device repeats itself; and that it ended. */
  repeat(): unknown;
  end(): unknown;
  /** What the repeats are about. */
  type: EventType;
  /** Something that no device should send; the stream goes on behind it. Absent: see the driver's own tests. */
  odd?(): unknown;
  /** It hangs: connections stay, nothing is answered. */
  hang(on: boolean): void;
  /** It is unplugged; `start` with its port brings it back. */
  unplug(): Promise<void>;
  replug?(): Promise<void>;
  /** Wrong passwords that it has had. */
  refused?(): number;
  isOn?(): boolean | null | Promise<boolean | null>;
  close(): Promise<void>;
}

export interface DriverKind {
  kind: string;
  change?: Partial<DeviceDefinition>;
  /** A relay that can be switched. */
  output?: string;
  /** Tells its life only by what it pushes: nobody can ask it. */
  pushOnly?: boolean;
  start(options: {
    port?: number;
    password?: string;
    push(request: PushRequest): Promise<unknown>;
  }): Promise<PlayedDevice>;
}

interface Hub {
  devices: Devices;
  device: PlayedDevice;
  definition: DeviceDefinition;
  events: ReceivedEvent[];
  told(): string[];
  link(): string | undefined;
}

/** Noticing takes at most so long (DESIGN §9); so may the way back, whose pauses grow. */
const NOTICED_MS = 15_000;
const never = new AbortController().signal;
const closers: (() => Promise<unknown>)[] = [];

/** Sockets, pipes and timers that keep the process busy. */
const busy = (): number =>
  process.getActiveResourcesInfo().filter((name) => /^(TCP|TLS|UDP|Pipe|Timeout|Process)/.test(name)).length;

async function hubWith(kind: DriverKind, change: Partial<DeviceDefinition> = {}, password?: string): Promise<Hub> {
  const push = (request: PushRequest): Promise<unknown> => devices.push('cam1', request);
  const device = await kind.start({ push, ...(password === undefined ? {} : { password }) });
  const events: ReceivedEvent[] = [];
  const devices = createDevices({
    clock: systemClock,
    log: silentLog,
    async onEvent(_id, received) {
      events.push(received);
      return `e${events.length}`;
    },
    onPictures: async () => undefined,
    onStatus: () => undefined,
    ...(device.driver ? { driverOf: () => device.driver! } : {}),
  });
  const definition = deviceAt(device.port, { driver: kind.kind, ...kind.change, ...change });
  closers.push(
    () => device.close(),
    () => devices.close(),
  );
  devices.define(definition);
  devices.start();
  const told = (): string[] => events.map(({ draft }) => `${draft.type} ${draft.phase}`);
  return { devices, device, definition, events, told, link: () => devices.status('cam1')?.link };
}

async function online(kind: DriverKind): Promise<Hub> {
  const hub = await hubWith(kind);
  if (kind.pushOnly) await hub.device.end();
  await until('online', () => hub.link() === 'online', NOTICED_MS);
  return hub;
}

/** The contract of one driver; call it once for each in a test file. */
export function driverContract(kind: DriverKind): void {
  describe(`the driver ${kind.kind}`, () => {
    const strays: unknown[] = [];
    const stray = (reason: unknown): void => void strays.push(reason);
    process.on('unhandledRejection', stray);

    afterEach(async () => {
      for (const close of closers.splice(0).reverse()) await close();
      expect(strays.splice(0)).toEqual([]);
    });

    it('is online within seconds, and says so once', async () => {
      const hub = await online(kind);
      await until('it is told', () => hub.told().includes('source-online pulse'));
      expect(hub.told().filter((one) => one === 'source-online pulse')).toHaveLength(1);
    });

    it('makes one alarm of a condition that is told again and again, and ends it', async () => {
      const hub = await online(kind);
      const of = (...phases: string[]) =>
        hub.events.filter(({ draft }) => draft.type === hub.device.type && phases.includes(draft.phase));
      await new Promise((resolve) => setTimeout(resolve, 700));
      // Heart-beats and polls have passed: none of them is an event of the condition, but a state told at the start.
      expect(of('start', 'refresh', 'pulse')).toEqual([]);
      for (let i = 0; i < 3; i++) await hub.device.repeat();
      await until('the condition', () => of('start').length > 0);
      await new Promise((resolve) => setTimeout(resolve, 400));
      await hub.device.end();
      await until('its end', () => of('stop').some((e) => e.receivedAt >= of('start')[0]!.receivedAt), 5_000);
      const phases = await phasesOf(hub, 0);
      expect(phases.filter((phase) => phase === 'raise')).toHaveLength(1);
      expect(phases.filter((phase) => phase === 'clear')).toHaveLength(1);
    });

    it('lets the quiet time end a condition whose end never comes', async () => {
      const hub = await online(kind);
      // What is on before the device is looked at is a state, no beginning.
      await new Promise((resolve) => setTimeout(resolve, 700));
      await hub.device.repeat();
      await until('the condition', () => hub.told().includes(`${hub.device.type} start`));
      expect((await phasesOf(hub, 120_000, 30_000)).filter((phase) => phase === 'clear')).toHaveLength(1);
    });

    it('goes on behind an odd part', async () => {
      const hub = await online(kind);
      if (!hub.device.odd) return;
      await new Promise((resolve) => setTimeout(resolve, 700));
      await hub.device.odd();
      await hub.device.repeat();
      await until('the condition behind it', () => hub.told().includes(`${hub.device.type} start`));
      expect(hub.link()).toBe('online');
      expect(hub.told()).not.toContain('source-offline start');
    });

    where(kind.output !== undefined)('switches a relay and proves it, the same twice over', async () => {
      const { devices, device } = await online(kind);
      const relay = devices.device('cam1');
      for (const on of [true, true, false, false]) {
        expect(await relay.setOutput(kind.output!, on, never)).toBe(on);
        expect(await relay.readOutput(kind.output!, never)).toBe(on);
        expect(await device.isOn?.()).toBe(on);
      }
    });

    where(!kind.pushOnly)('leaves no socket and no timer behind when it closes', async () => {
      const before = busy();
      const { devices, device } = await online(kind);
      const begun = performance.now();
      await devices.close();
      expect(performance.now() - begun).toBeLessThan(1_000);
      await device.close();
      await until('nothing of it is left open', () => busy() <= before, 3_000);
    });

    it('tries a wrong password twice at most, says so, and takes the right one', { timeout: 30_000 }, async () => {
      const hub = await hubWith(kind, {}, 'another-one');
      if (!hub.device.refused) return;
      await until('the refusal', () => hub.link() === 'refused', NOTICED_MS);
      await until('it is told', () => hub.told().includes('credentials-refused start'));
      await new Promise((resolve) => setTimeout(resolve, 3_000));
      expect(hub.device.refused()).toBeGreaterThanOrEqual(1);
      expect(hub.device.refused()).toBeLessThanOrEqual(2);
      const user = hub.definition.credentials?.user ?? 'admin';
      hub.devices.define({ ...hub.definition, credentials: { user, password: 'another-one' } });
      await until('online', () => hub.link() === 'online', NOTICED_MS);
      await until('it is told', () => hub.told().includes('credentials-refused stop'));
    });
  });
}

/** The lives of all kinds side by side: a device that is silent takes seconds to be missed, whatever the machine. */
export function driverLives(kinds: readonly DriverKind[]): void {
  describe('the drivers, with their own times', () => {
    afterEach(async () => {
      for (const close of closers.splice(0).reverse()) await close();
    });

    /** All kinds at once; fails with the names of those that did. */
    async function each(work: (kind: DriverKind) => Promise<void>): Promise<void> {
      const outcomes = await Promise.allSettled(kinds.map(work));
      const failures = outcomes.flatMap((outcome, at) =>
        outcome.status === 'rejected' ? [`${kinds[at]!.kind}: ${outcome.reason}`] : [],
      );
      expect(failures).toEqual([]);
    }

    it('notice a device that is gone within 15 s, and its return by themselves', { timeout: 90_000 }, () =>
      each(async (kind) => {
        const hub = await online(kind);
        await hub.device.unplug();
        await until('offline', () => hub.link() === 'offline', NOTICED_MS);
        await until('it is told', () => hub.told().includes('source-offline start'));
        if (hub.device.replug) await hub.device.replug();
        else {
          const push = (request: PushRequest): Promise<unknown> => hub.devices.push('cam1', request);
          const back = await kind.start({ push, port: hub.device.port });
          closers.unshift(() => back.close());
        }
        await until('online again', () => hub.link() === 'online', 2 * NOTICED_MS);
        await until('it is told', () => hub.told().filter((one) => one === 'source-online pulse').length === 2);
        expect(hub.told().filter((one) => one === 'source-offline start')).toHaveLength(1);
      }),
    );

    it('notice a device that hangs within 15 s, and close within a second meanwhile', { timeout: 60_000 }, async () => {
      const before = busy();
      await each(async (kind) => {
        const hub = await online(kind);
        // Long enough for a rhythm to be learnt.
        await new Promise((resolve) => setTimeout(resolve, 1_500));
        const begun = performance.now();
        hub.device.hang(true);
        await until('offline', () => hub.link() === 'offline', NOTICED_MS + 5_000);
        expect(performance.now() - begun).toBeLessThanOrEqual(NOTICED_MS);
        const picture = hub.devices.device('cam1').snapshot(1, never);
        const failure = picture.then(
          () => null,
          (error: unknown) => error,
        );
        const closing = performance.now();
        await hub.devices.close();
        expect(performance.now() - closing).toBeLessThan(1_000);
        expect(await failure).toBeInstanceOf(AlarmflowError);
        await hub.device.close();
      });
      await until('nothing of them is left open', () => busy() <= before, 3_000);
    });
  });
}

/** What the alarms make of the events of the condition, and of the silence after them. */
async function phasesOf(hub: Hub, silenceMs: number, quietMs: number | null = null): Promise<string[]> {
  const events = hub.events.filter(({ draft }) => draft.type === hub.device.type);
  const clock = new VirtualClock(events[0]?.receivedAt ?? 0);
  const run = startAlarms(clock);
  await run.define(alarmTrigger({ quietMs }, { filter: { types: [hub.device.type] } }));
  await run.alarms.flowsStarted();
  for (const [at, { draft, pictures: _pictures, picturesAnnounced: _a, ...received }] of events.entries() as Iterable<
    [number, ReceivedEvent & { picturesAnnounced?: number }]
  >) {
    await clock.advance(Math.max(0, received.receivedAt - clock.now()));
    const { picturesAnnounced: _announced, ...told } = draft;
    await run.alarms.accept({ ...told, ...received, id: `e${at}`, deviceId: 'cam1', pictures: [] });
  }
  await clock.advance(silenceMs);
  const phases = run.delivered.map((message) => message.alarm.phase);
  run.crash();
  return phases;
}
