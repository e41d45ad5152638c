import type { DeviceDefinition } from '../../engine/domain/devices';
import { silentLog } from '../../engine/domain/log';
import type { CapturedPart, DriverConnection } from '../../engine/drivers/driver';
import {
  createOnvifDriver,
  defaultTiming,
  type FeedTiming,
  type OnvifSimulator,
  type OnvifSimulatorOptions,
  startOnvifSimulator,
} from '../../engine/drivers/onvif';
import { deviceAt, type RecordingSink, recordingSink } from './recording-sink';
import { steadyClock } from './steady-clock';

/** Shorter times for tests; what is waited for stays the same. */
export const quickTiming: FeedTiming = {
  pullMs: 400,
  lifeMs: 2_000,
  answerMs: 1_000,
  askAfterMs: 350,
  askMs: 150,
  askAgainMs: 50,
  untoldMs: 400,
  resyncMs: 700,
  goodLifeMs: 1_000,
};

const closers: (() => Promise<void>)[] = [];

/** Closes what the running test has opened, last first. */
export async function closeOnvif(): Promise<void> {
  for (const close of closers.splice(0).reverse()) await close();
}

export interface ConnectedOnvif {
  sim: OnvifSimulator;
  sink: RecordingSink;
  connection: DriverConnection;
  parts: CapturedPart[];
}

export const onvifAt = (port: number, change: Partial<DeviceDefinition> = {}): DeviceDefinition =>
  deviceAt(port, { driver: 'onvif', ...change });

/** A simulated device of its own for the running test. */
export async function onvifDevice(options: OnvifSimulatorOptions = {}): Promise<OnvifSimulator> {
  const sim = await startOnvifSimulator({ clock: steadyClock, ...options });
  closers.push(() => sim.close());
  return sim;
}

/** A connection, not started, to be closed after the test. */
export function onvifConnection(
  definition: DeviceDefinition,
  timing: FeedTiming = quickTiming,
  ingestUrl?: () => Promise<string | null>,
): Omit<ConnectedOnvif, 'sim'> {
  const sink = recordingSink();
  const parts: CapturedPart[] = [];
  const context = {
    definition,
    sink,
    clock: steadyClock,
    log: silentLog,
    tap: (part: CapturedPart) => void parts.push(part),
    ...(ingestUrl ? { ingestUrl } : {}),
  };
  const connection = createOnvifDriver(timing).connect(context);
  closers.push(() => connection.close());
  return { connection, sink, parts };
}

/** A simulated device and a driver that is connected to it. */
export async function connectedOnvif(
  options: OnvifSimulatorOptions = {},
  change: Partial<DeviceDefinition> = {},
  timing: FeedTiming = quickTiming,
): Promise<ConnectedOnvif> {
  const sim = await onvifDevice(options);
  const opened = onvifConnection(onvifAt(sim.port, change), timing);
  opened.connection.start();
  return { sim, ...opened };
}

export { defaultTiming };
export const onvifOnline = (sink: RecordingSink) => (): boolean => sink.links.at(-1)?.link === 'online';
