/**
 * What devices last told of themselves, kept over restarts and while they are away: what a flow asks of them is held
 * against it. Nothing is asked of a device for it.
 */
import { isDeepStrictEqual } from 'node:util';
import type { KnownDevice } from '../domain/capabilities';
import type { DeviceDefinition, DeviceOffers, DeviceStatus } from '../domain/devices';
import { asAlarmflowError } from '../domain/errors';
import type { Log } from '../domain/log';
import type { SettingsRecord } from '../domain/record';

interface Kept extends Pick<KnownDevice, 'facts' | 'offers'> {
  /** Where the device was: another one in its place has told nothing yet. */
  at: string;
}

export interface KnownDevices {
  /** A device of the flow; what is kept of it is read. */
  define(device: DeviceDefinition): Promise<void>;
  /** The flow has it no more. */
  forget(id: string): void;
  told(status: DeviceStatus): void;
  offered(id: string, offers: DeviceOffers): void;
  /** Null: no such device. */
  of(id: string): Pick<KnownDevice, 'facts' | 'offers'> | null;
}

const settingOf = (id: string): string => `known-device:${id}`;
const placeOf = ({ driver, host, port }: DeviceDefinition): string => `${driver} ${host} ${port}`;

export function createKnownDevices({ settings, log }: { settings: SettingsRecord; log: Log }): KnownDevices {
  const devices = new Map<string, Kept>();

  /** It costs nothing but a warning to lose it: the device tells again. */
  function keep(id: string, kept: Kept | null): void {
    settings.writeSetting(settingOf(id), kept).catch((thrown: unknown) => {
      log.debug('device.not-remembered', { deviceId: id, error: asAlarmflowError(thrown).message });
    });
  }

  function change(id: string, over: Partial<Kept>): void {
    const before = devices.get(id);
    if (!before) return;
    const after = { ...before, ...over };
    if (isDeepStrictEqual(before, after)) return;
    devices.set(id, after);
    keep(id, after);
  }

  return {
    async define(device) {
      const at = placeOf(device);
      if (devices.get(device.id)?.at === at) return;
      devices.set(device.id, { at, facts: null, offers: null });
      const kept = await settings.readSetting<Kept>(settingOf(device.id));
      const now = devices.get(device.id);
      if (kept?.at !== at || now?.at !== at) return;
      // What it has told meanwhile is newer.
      devices.set(device.id, { at, facts: now.facts ?? kept.facts, offers: now.offers ?? kept.offers });
    },
    forget(id) {
      if (devices.delete(id)) keep(id, null);
    },
    told({ deviceId, facts }) {
      if (facts) change(deviceId, { facts });
    },
    offered: (id, offers) => change(id, { offers }),
    of: (id) => devices.get(id) ?? null,
  };
}
