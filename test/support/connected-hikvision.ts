import type { DeviceDefinition } from '../../engine/domain/devices';
import { silentLog } from '../../engine/domain/log';
import {
  createHikvisionDriver,
  defaultTiming,
  type HikvisionSimulator,
  type HikvisionSimulatorOptions,
  type StreamTiming,
  startHikvisionSimulator,
} from '../../engine/drivers/hikvision';
import { deviceAt, type RecordingSink, recordingSink } from './recording-sink';
import { steadyClock } from './steady-clock';

/** The same limits, 20 times shorter. */
export const quick: StreamTiming = {
  headMs: 400,
  settleMs: 60,
  heartbeatMs: 500,
  askAfterMs: { least: 250, most: 550 },
  askMs: 150,
  reopenAfterMs: { least: 600, most: 3_750 },
  goodLifeMs: 1_500,
  checkEveryMs: 10_000,
  learnAgainMs: 200,
};

/** What the running test has opened, last first to be closed; closed by `closeConnected`. */
export const closers: (() => Promise<void>)[] = [];

export async function closeConnected(): Promise<void> {
  for (const close of closers.splice(0).reverse()) await close();
}

/** A simulated device, without inputs unless they are asked for, and a driver that is connected to it. */
export async function connected(
  options: HikvisionSimulatorOptions = {},
  change: Partial<DeviceDefinition> = {},
  timing: StreamTiming = defaultTiming,
): Promise<{ sim: HikvisionSimulator; sink: RecordingSink }> {
  const sim = await startHikvisionSimulator({ heartbeatMs: 200, inputs: 0, clock: steadyClock, ...options });
  closers.push(() => sim.close());
  const sink = recordingSink();
  const definition = deviceAt(sim.port, change);
  const connection = createHikvisionDriver(timing).connect({ definition, sink, clock: steadyClock, log: silentLog });
  closers.push(() => connection.close());
  connection.start();
  return { sim, sink };
}

export const isOnline = (sink: RecordingSink) => (): boolean => sink.links.at(-1)?.link === 'online';
