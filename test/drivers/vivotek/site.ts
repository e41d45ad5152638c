import type { DeviceDefinition } from '../../../engine/domain/devices';
import { silentLog } from '../../../engine/domain/log';
import type { CapturedPart } from '../../../engine/drivers/driver';
import {
  type CameraTiming,
  createVivotekDriver,
  startVivotekSimulator,
  type VivotekConnection,
  type VivotekSimulator,
  type VivotekSimulatorOptions,
} from '../../../engine/drivers/vivotek';
import { type PushReceiver, startPushReceiver } from '../../support/push-receiver';
import { deviceAt, type RecordingSink, recordingSink } from '../../support/recording-sink';
import { steadyClock } from '../../support/steady-clock';

/** The same limits, some 20 times shorter. */
export const quick: CameraTiming = {
  answerMs: 400,
  presenceMs: 100,
  againMs: 50,
  learnAgainMs: 300,
  pollMs: 60,
  reopenMs: () => 150,
};

/** Nothing that would be waited for. */
export const soon: Record<string, unknown> = { pollMs: 250, debounceMs: 20 };

export interface CameraSite {
  sim: VivotekSimulator;
  sink: RecordingSink;
  connection: VivotekConnection;
  captured: CapturedPart[];
}

const closers: (() => Promise<void>)[] = [];

export async function closeSites(): Promise<void> {
  for (const close of closers.splice(0).reverse()) await close();
}

/** A simulated camera and a driver that is connected to it, not yet started. */
export async function cameraSite(
  options: VivotekSimulatorOptions = {},
  change: Partial<DeviceDefinition> = {},
  timing: CameraTiming = quick,
): Promise<CameraSite> {
  const sim = await startVivotekSimulator({ clock: steadyClock, ...options });
  closers.push(() => sim.close());
  const sink = recordingSink();
  const captured: CapturedPart[] = [];
  const driver = createVivotekDriver(timing);
  const definition = deviceAt(sim.port, {
    driver: 'vivotek',
    receive: 'both',
    credentials: { user: 'root', password: 'simulated1' },
    options: soon,
    ...change,
  });
  const connection = driver.connect({
    definition: { ...definition, options: driver.readOptions?.(definition.options ?? {}) },
    sink,
    clock: steadyClock,
    log: silentLog,
    tap: (part) => captured.push(part),
  }) as VivotekConnection;
  closers.push(() => connection.close());
  return { sim, sink, connection, captured };
}

/** The ingest path of the camera; the camera pushes there. */
export async function receiverFor({ sim, connection }: CameraSite): Promise<PushReceiver> {
  const receiver = await startPushReceiver(connection);
  closers.push(() => receiver.close());
  sim.setTarget(receiver.url);
  return receiver;
}

export const calm = (): AbortSignal => new AbortController().signal;
export const isOnline = (sink: RecordingSink) => (): boolean => sink.links.at(-1)?.link === 'online';
