/** What is left on where a device was before: asked who it is, and only then told to switch off. */
import { isDeepStrictEqual } from 'node:util';
import type { ConnectedDevice, DeviceDefinition, DeviceFacts, DevicePlace } from '../domain/devices';
import { userError } from '../domain/errors';
import { samePlace } from '../domain/outputs';
import { connectedDevice } from './connected-device';
import type { DeviceDriver, DriverConnection } from './driver';

/** What the hub knows of one device. */
export interface Placed {
  definition: DeviceDefinition;
  driver: DeviceDriver;
  facts: DeviceFacts | null;
}

export function placeOf({ definition, driver, facts }: Placed): DevicePlace {
  const { host, port, tls, name } = definition;
  const options: Record<string, unknown> = {};
  for (const field of driver.addressOptions ?? [])
    if (definition.options?.[field] !== undefined) options[field] = definition.options[field];
  return {
    driver: definition.driver,
    host,
    port,
    tls,
    ...(Object.keys(options).length > 0 ? { options } : {}),
    deviceName: name,
    serialNumber: facts?.serialNumber ?? '',
  };
}

/** Whether a device is to be found elsewhere, so that its outputs are others; a new name or password moves nothing. */
export function isElsewhere(before: DeviceDefinition, after: DeviceDefinition, driver: DeviceDriver): boolean {
  if (before.driver !== after.driver || before.host !== after.host || before.port !== after.port) return true;
  return (driver.addressOptions ?? []).some(
    (name) => !isDeepStrictEqual(before.options?.[name], after.options?.[name]),
  );
}

/** Whether a device of the flow is the one that was at a place: by its address, or by its serial number. */
export function isAt(device: Placed, place: DevicePlace): boolean {
  const here = placeOf(device);
  if (samePlace(here, place)) return true;
  if (here.driver !== place.driver || place.serialNumber === '' || here.serialNumber !== place.serialNumber)
    return false;
  // Two boards behind one unit are told apart by these.
  return isDeepStrictEqual(here.options ?? {}, place.options ?? {});
}

const noVisit = (why: string): Error => userError('E_NO_VISIT', why);

/**
 * @param device as the flow has it today; undefined: it is gone
 * @param connect makes the connection, which sends its login by Digest alone
 */
export async function visitPlace(
  device: Placed | undefined,
  place: DevicePlace,
  connect: (definition: DeviceDefinition) => DriverConnection,
  work: (device: ConnectedDevice, signal: AbortSignal) => Promise<void>,
  close: (connection: DriverConnection) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const { deviceName, host, port, tls, serialNumber } = place;
  if (!device) throw noVisit(`"${deviceName}" is no longer in the flow, and its login has gone with it`);
  const { definition, driver } = device;
  if (definition.driver !== place.driver)
    throw noVisit(`"${deviceName}" is a device of another kind now, with another login`);
  if (!driver.visits)
    throw noVisit(`a ${driver.title} device cannot prove which one it is, so no command is sent there`);
  if (serialNumber === '') throw noVisit('its serial number is not known, so no command is sent there');
  const connection = connect({
    ...definition,
    host,
    port,
    tls,
    options: { ...definition.options, ...place.options },
  });
  try {
    const facts = await connection.probe(signal);
    if (facts.serialNumber !== serialNumber)
      throw userError('E_STRANGER', `another device answers there (${facts.model || 'of unknown model'})`);
    await work(
      connectedDevice(
        definition.id,
        () => deviceName,
        () => connection,
      ),
      signal,
    );
  } finally {
    await close(connection);
  }
}
