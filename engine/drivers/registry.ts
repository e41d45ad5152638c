import { userError } from '../domain/errors';
import { decodeCaptured } from './capture-file';
import { dahuaDriver } from './dahua';
import type { Decoded, DeviceDriver } from './driver';
import { genicamDriver } from './genicam';
import { hikvisionDriver } from './hikvision';
import { httpPushDriver } from './http-push';
import { modbusDriver } from './modbus';
import { mqttDriver } from './mqtt';
import { onvifDriver } from './onvif';
import { snmpTrapsDriver } from './snmp-traps';
import { vivotekDriver } from './vivotek';

const drivers: readonly DeviceDriver[] = [
  hikvisionDriver,
  dahuaDriver,
  modbusDriver,
  mqttDriver,
  snmpTrapsDriver,
  genicamDriver,
  httpPushDriver,
  onvifDriver,
  vivotekDriver,
];

/** Names of all drivers, as flows and the command line know them. */
export const driverKinds = (): string[] => drivers.map((driver) => driver.kind);

/** The driver of that name. Throws `E_UNKNOWN_DRIVER` (user). */
export function driverOf(kind: string): DeviceDriver {
  const driver = drivers.find((d) => d.kind === kind);
  if (driver) return driver;
  throw userError('E_UNKNOWN_DRIVER', `There is no driver "${kind}"; known are: ${driverKinds().join(', ')}`);
}

/**
 * What a driver understands from captured bytes, finding by finding: a file of `alarmflow capture`, or bytes as they came.
 *
 * @param contentType what the capture was sent as; null: found out from the bytes
 * @param options the device's own settings; absent: those in the capture, else those of a new device. Wrong ones, or any
 *   for a driver that has none, throw `E_DEVICE_OPTIONS` (user) at once.
 */
export function decodeCapture(
  kind: string,
  chunks: AsyncIterable<Buffer>,
  contentType: string | null,
  options?: Record<string, unknown>,
): AsyncIterable<Decoded> {
  const driver = driverOf(kind);
  if (options && !driver.readOptions)
    throw userError('E_DEVICE_OPTIONS', `The driver ${kind} has no settings of its own: leave the options away`);
  return decodeCaptured(driver, chunks, contentType, options && driver.readOptions?.(options));
}
