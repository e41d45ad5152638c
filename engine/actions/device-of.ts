import type { ActionRow } from '../domain/actions';
import type { ConnectedDevice, DeviceDirectory } from '../domain/devices';
import { userError } from '../domain/errors';

/** The device that an action works on: the one it names, else the alarm's own. Throws E_NO_DEVICE (user). */
export function deviceOf(devices: DeviceDirectory, row: ActionRow): ConnectedDevice {
  const id = row.deviceId ?? row.alarm?.deviceId;
  if (!id)
    throw userError('E_NO_DEVICE', `Node "${row.nodeName || row.nodeId}" names no device: choose one in its dialog`);
  return devices.device(id);
}
