import type { Clock } from '../../../engine/clock/clock';
import type { DeviceDefinition } from '../../../engine/domain/devices';
import { silentLog } from '../../../engine/domain/log';
import type { CapturedPart, DriverConnection } from '../../../engine/drivers/driver';
import {
  createGenicamDriver,
  type GenicamDriverOptions,
  type GenicamSimulator,
  type GenicamSimulatorOptions,
  startGenicamSimulator,
} from '../../../engine/drivers/genicam';
import { deviceAt, type RecordingSink, recordingSink } from '../../support/recording-sink';
import { steadyClock } from '../../support/steady-clock';

export interface ConnectedCamera {
  sim: GenicamSimulator;
  connection: DriverConnection;
  sink: RecordingSink;
  parts: CapturedPart[];
  /** Last facts told. */
  warnings(): string[];
}

export interface ConnectedOptions {
  settings?: Record<string, unknown>;
  change?: Partial<DeviceDefinition>;
  sim?: GenicamSimulatorOptions;
  clock?: Clock;
  /** How the driver reaches the tool; by default in memory. */
  driver?(sim: GenicamSimulator): GenicamDriverOptions;
  /** Before the connection starts. */
  prepare?(sim: GenicamSimulator): Promise<void> | void;
  tap?: boolean;
}

/** A definition of a camera on this machine. */
export const cameraAt = (settings: Record<string, unknown> = {}, change: Partial<DeviceDefinition> = {}) =>
  deviceAt(3956, { driver: 'genicam', credentials: null, options: settings, ...change });

/** Runs a test with a simulated camera and a started connection; ends both whatever happens. */
export async function withCamera(options: ConnectedOptions, work: (camera: ConnectedCamera) => Promise<void>) {
  const clock = options.clock ?? steadyClock;
  const sim = await startGenicamSimulator({ camera: 'stand-in', clock, ...options.sim });
  const sink = recordingSink();
  const parts: CapturedPart[] = [];
  let connection: DriverConnection | null = null;
  try {
    await options.prepare?.(sim);
    const driver = createGenicamDriver(options.driver?.(sim) ?? (sim.run ? { run: sim.run } : {}));
    connection = driver.connect({
      definition: cameraAt(options.settings, options.change),
      sink,
      clock,
      log: silentLog,
      ...(options.tap ? { tap: (part: CapturedPart) => void parts.push(part) } : {}),
    });
    connection.start();
    await work({ sim, connection, sink, parts, warnings: () => sink.factList.at(-1)?.warnings ?? [] });
  } finally {
    await connection?.close();
    await sim.close();
  }
}

export const never = new AbortController().signal;
