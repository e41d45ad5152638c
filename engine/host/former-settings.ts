/** Settings of devices as they were before ours, kept over the end of the process until they are put back. */
import type { DeviceDefinition } from '../domain/devices';
import type { SettingsRecord } from '../domain/record';
import type { FormerSettingsRecord } from '../drivers';

interface Kept {
  /** Where the device was: another one in its place is not to be given the settings of this one. */
  at: string;
  settings: Record<string, string>;
}

const settingOf = (id: string): string => `former-settings:${id}`;

export function formerSettingsOf(record: SettingsRecord, device: DeviceDefinition): FormerSettingsRecord {
  const { id, driver, host, port } = device;
  const at = `${driver} ${host} ${port}`;
  return {
    async read() {
      const kept = await record.readSetting<Kept>(settingOf(id));
      return kept?.at === at ? kept.settings : {};
    },
    write: (settings) => record.writeSetting(settingOf(id), { at, settings } satisfies Kept),
  };
}
