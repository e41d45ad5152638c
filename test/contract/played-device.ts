/** A simulated device behind the hub that the site uses, over real sockets and with the driver's own times. */
import { VirtualClock } from '../../engine/clock/virtual-clock';
import type { DeviceDefinition, PushRequest, ReceivedEvent } from '../../engine/domain/devices';
import type { EventPhase, EventType } from '../../engine/domain/events';
import { silentLog } from '../../engine/domain/log';
import { createDevices, type Devices } from '../../engine/drivers';
import type { DeviceDriver } from '../../engine/drivers/driver';
import { alarmTrigger, startAlarms } from '../support/alarm-record';
import { freePort } from '../support/free-port';
import { deviceAt, until } from '../support/recording-sink';
import { pause, steadyClock } from '../support/steady-clock';

/** A simulated device as the contract plays with it. */
export interface PlayedDevice {
  port: number;
  /** What its definition says beside that of its kind. */
  change?: Partial<DeviceDefinition>;
  /** Where the driver needs one that is made for this device. */
  driver?: DeviceDriver;
  /** Says that the same condition is on once more, as the device repeats itself; and that it ended. */
  repeat(): unknown;
  end(): unknown;
  /** What the repeats are about. */
  type: EventType;
  /** Tells once more that it lives, where it doesn't do so by itself. */
  beat?(): unknown;
  /** Something that no device should send; the stream goes on behind it. */
  odd?(): unknown;
  /** An event that no document names. */
  unknown?(): unknown;
  /** Sends a secret under a name that says so. */
  confide?(secret: string): unknown;
  /** Its clock is set, by minutes or years. */
  setClock?(): unknown;
  /** It hangs: connections stay, nothing is answered. */
  hang(on: boolean): void;
  /** It is unplugged; `start` with its port brings it back. */
  unplug(): Promise<void>;
  replug?(): Promise<void>;
  /** Gets another password while it runs. */
  setPassword?(password: string): void;
  /** Wrong passwords that it has had. */
  refused?(): number;
  isOn?(): boolean | null | Promise<boolean | null>;
  close(): Promise<void>;
}

/**
 * What not every kind of device has; tests of it are defined for those alone.
 * `password`: it asks for the login at every request, so that another password shows while it runs.
 */
export type Having = 'odd' | 'unknown' | 'login' | 'password' | 'clock' | 'tcp' | 'confides' | 'pushes';

export interface DriverKind {
  kind: string;
  has: readonly Having[];
  change?: Partial<DeviceDefinition>;
  /** A relay that can be switched. */
  output?: string;
  /** Tells its life only by what it sends: nobody can ask it. */
  unasked?: boolean;
  /** Without a connection or a port of ours: online with the first push. */
  pushOnly?: boolean;
  start(options: {
    port?: number;
    password?: string;
    push(request: PushRequest): Promise<unknown>;
  }): Promise<PlayedDevice>;
}

export interface Hub {
  devices: Devices;
  device: PlayedDevice;
  definition: DeviceDefinition;
  events: ReceivedEvent[];
  told(): string[];
  /** Events of the played condition in these phases. */
  of(...phases: EventPhase[]): ReceivedEvent[];
  link(): string | undefined;
  /** The same device again on its port, after it was unplugged. */
  restart(password?: string): Promise<PlayedDevice>;
}

/** Noticing takes at most so long (DESIGN §9); so may the way back, whose pauses grow. */
export const NOTICED_MS = 15_000;

export { pause };

/** Closes what a test has opened, last first. */
export type Closers = (() => Promise<unknown>)[];

export async function hubWith(
  kind: DriverKind,
  closers: Closers,
  { password, at }: { password?: string; at?: number } = {},
): Promise<Hub> {
  const push = (request: PushRequest): Promise<unknown> => devices.push('cam1', request);
  const start = async (port?: number, changed?: string): Promise<PlayedDevice> => {
    const started = await kind.start({ push, ...(port && { port }), ...(changed && { password: changed }) });
    closers.push(() => started.close());
    return started;
  };
  // Where its port is given, the device is still to come. Its own is one that nobody gets while it is unplugged.
  const device = await start(await freePort(), password);
  const events: ReceivedEvent[] = [];
  const devices = createDevices({
    clock: steadyClock,
    log: silentLog,
    async onEvent(_id, received) {
      events.push(received);
      return `e${events.length}`;
    },
    onPictures: async () => undefined,
    onStatus: () => undefined,
    ...(device.driver ? { driverOf: () => device.driver! } : {}),
  });
  const definition = deviceAt(at ?? device.port, { driver: kind.kind, ...kind.change, ...device.change });
  closers.push(() => devices.close());
  devices.define(definition);
  devices.start();
  return {
    devices,
    device,
    definition,
    events,
    told: () => events.map(({ draft }) => `${draft.type} ${draft.phase}`),
    of: (...phases) => events.filter(({ draft }) => draft.type === device.type && phases.includes(draft.phase)),
    link: () => devices.status('cam1')?.link,
    restart: (changed) => start(at ?? device.port, changed),
  };
}

export async function online(kind: DriverKind, closers: Closers): Promise<Hub> {
  const hub = await hubWith(kind, closers);
  if (kind.pushOnly) await hub.device.end();
  await until('online', () => hub.link() === 'online', NOTICED_MS);
  return hub;
}

/** What the alarms make of the events of the condition, and of the silence after them. */
export async function phasesOf(hub: Hub, silenceMs: number, quietMs: number | null = null): Promise<string[]> {
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
