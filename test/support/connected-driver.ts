import type { DeviceDefinition } from '../../engine/domain/devices';
import { type Log, type LogFields, silentLog } from '../../engine/domain/log';
import type { CapturedPart, DeviceDriver, DriverConnection } from '../../engine/drivers/driver';
import type { FormerSettingsRecord } from '../../engine/drivers/former-settings';
import { deviceAt, type RecordingSink, recordingSink } from './recording-sink';
import { steadyClock } from './steady-clock';

export interface ConnectedDriver {
  connection: DriverConnection;
  sink: RecordingSink;
  /** What was captured, part after part. */
  parts: CapturedPart[];
  /** Warnings of the driver, `modbus.event-not-kept`. */
  warnings: { event: string; fields?: LogFields }[];
}

const closers: (() => Promise<void>)[] = [];

/** Closed by `closeDrivers`, last first. */
export function closeLater(close: () => Promise<void>): void {
  closers.push(close);
}

export async function closeDrivers(): Promise<void> {
  for (const close of closers.splice(0).reverse()) await close();
}

/** A driver that is connected to what listens on a port of this machine. */
export function connectDriver(
  driver: DeviceDriver,
  port: number,
  change: Partial<DeviceDefinition> = {},
  start = true,
  former?: FormerSettingsRecord,
): ConnectedDriver {
  const sink = recordingSink();
  const parts: CapturedPart[] = [];
  const warnings: ConnectedDriver['warnings'] = [];
  const log: Log = {
    ...silentLog,
    warn: (event, fields) => void warnings.push({ event, fields }),
    with: () => log,
  };
  const connection = driver.connect({
    definition: deviceAt(port, { driver: driver.kind, credentials: null, ...change }),
    sink,
    clock: steadyClock,
    log,
    tap: (part) => void parts.push(part),
    ...(former ? { former } : {}),
  });
  closers.push(() => connection.close());
  if (start) connection.start();
  return { connection, sink, parts, warnings };
}

export const linkIs = (sink: RecordingSink, link: string) => (): boolean => sink.links.at(-1)?.link === link;

/** An abort signal that never aborts. */
export const never = new AbortController().signal;
