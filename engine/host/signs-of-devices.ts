/** When devices that cannot be asked were heard of last, kept over the end of the process. */
import type { DeviceDefinition } from '../domain/devices';
import type { SettingsRecord } from '../domain/record';
import type { KeptLife, LifeRecord } from '../drivers';

interface Kept extends KeptLife {
  /** What the device was: another one under its id has given no sign yet. */
  of: string;
}

const settingOf = (id: string): string => `sign-of-life:${id}`;

export function lifeRecordOf(record: SettingsRecord, device: DeviceDefinition): LifeRecord {
  const { id, driver, host, port } = device;
  const of = `${driver} ${host} ${port}`;
  return {
    async read() {
      const kept = await record.readSetting<Kept>(settingOf(id));
      return kept?.of === of ? { at: kept.at, heard: kept.heard, overdue: kept.overdue } : null;
    },
    write: (kept) => record.writeSetting(settingOf(id), kept && ({ of, ...kept } satisfies Kept)),
  };
}
