import type { DeviceDefinition } from '../../engine/domain/devices';
import { silentLog } from '../../engine/domain/log';
import {
  createDahuaDriver,
  type DahuaSimulator,
  type DahuaSimulatorOptions,
  defaultTiming,
  type StreamTiming,
  startDahuaSimulator,
} from '../../engine/drivers/dahua';
import type { CapturedPart, DriverConnection } from '../../engine/drivers/driver';
import { deviceAt, type RecordingSink, recordingSink, until } from './recording-sink';
import { steadyClock } from './steady-clock';

/** The real limits but one: a stream that says nothing counts as open sooner. */
export const patient: StreamTiming = { ...defaultTiming, settleMs: 60 };

/** The same limits, 20 times shorter: a second of heart-beats is 50 ms. */
export const quick: StreamTiming = {
  headMs: 400,
  settleMs: 60,
  secondMs: 50,
  askMs: 150,
  silentMs: 3_000,
  goodLifeMs: 1_500,
  checkEveryMs: 10_000,
  learnAgainMs: 200,
};

/** What the running test has opened, last first to be closed; closed by `closeConnected`. */
export const closers: (() => Promise<void>)[] = [];

export async function closeConnected(): Promise<void> {
  for (const close of closers.splice(0).reverse()) await close();
}

export interface Connected {
  sim: DahuaSimulator;
  sink: RecordingSink;
  connection: DriverConnection;
  captured: CapturedPart[];
}

/** A simulated device, without inputs unless they are asked for, and a driver for it that is not started. */
export async function prepared(
  options: DahuaSimulatorOptions = {},
  change: Partial<DeviceDefinition> = {},
  timing: StreamTiming = patient,
): Promise<Connected> {
  const sim = await startDahuaSimulator({ secondMs: 50, inputs: 0, clock: steadyClock, ...options });
  closers.push(() => sim.close());
  const sink = recordingSink();
  const captured: CapturedPart[] = [];
  const connection = createDahuaDriver(timing).connect({
    definition: deviceAt(sim.port, { driver: 'dahua', ...change }),
    sink,
    clock: steadyClock,
    log: silentLog,
    tap: (part) => captured.push(part),
  });
  closers.push(() => connection.close());
  return { sim, sink, connection, captured };
}

/** A simulated device and a driver that is connected to it. */
export async function connected(
  options: DahuaSimulatorOptions = {},
  change: Partial<DeviceDefinition> = {},
  timing: StreamTiming = patient,
): Promise<Connected> {
  const all = await prepared(options, change, timing);
  all.connection.start();
  return all;
}

export const isOnline = (sink: RecordingSink) => (): boolean => sink.links.at(-1)?.link === 'online';

/** A connected driver that has learnt who the device is and what holds on it. */
export async function settled(...parameters: Parameters<typeof connected>): Promise<Connected> {
  const all = await connected(...parameters);
  await until('online', isOnline(all.sink));
  await until('the device is known', () => all.sink.factList.length > 0);
  await until('its state was read', () => all.sim.state().targets.some((t) => t.endsWith('code=StorageLowSpace')));
  return all;
}
