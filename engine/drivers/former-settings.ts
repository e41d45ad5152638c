import { asAlarmflowError } from '../domain/errors';
import type { Log } from '../domain/log';

/** Where the former settings of one device are kept over the end of the process, by name. */
export interface FormerSettingsRecord {
  read(): Promise<Record<string, string>>;
  write(settings: Record<string, string>): Promise<void>;
}

/**
 * Settings of a device as they were before ours. They are on disk before the device takes ours: a run that is killed in
 * between would else find its own setting, take it for the site's and leave it for ever.
 */
export interface FormerSettings {
  get(name: string): Promise<string | undefined>;
  /** Replaces what is kept under the name. Never rejects: the alarm goes before what is put back after it. */
  keep(name: string, value: string): Promise<void>;
  /** Never rejects. */
  forget(name: string): Promise<void>;
}

/** Of one setting, in characters; settings of devices are a few kilobytes. */
const LONGEST = 200_000;

/** @param record undefined: they are known for as long as the connection lives */
export function createFormerSettings(record: FormerSettingsRecord | undefined, log: Log): FormerSettings {
  const known = new Map<string, string>();
  let loaded = false;
  let last: Promise<void> = Promise.resolve();

  async function load(): Promise<void> {
    if (loaded || !record) return;
    try {
      const stored = Object.entries(await record.read());
      if (loaded) return;
      for (const [name, value] of stored) if (typeof value === 'string' && !known.has(name)) known.set(name, value);
      loaded = true;
    } catch (thrown) {
      log.warn('device.former-settings-not-read', { reason: asAlarmflowError(thrown).message });
    }
  }

  async function write(): Promise<void> {
    // What could not be read must not be written over.
    if (!record || !loaded) return;
    const settings = Object.fromEntries([...known].filter(([, value]) => value.length <= LONGEST));
    last = last.then(() => record.write(settings)).catch(notKept);
    await last;
  }

  const notKept = (thrown: unknown): void =>
    log.warn('device.former-settings-not-kept', { reason: asAlarmflowError(thrown).message });

  return {
    async get(name) {
      await load();
      return known.get(name);
    },
    async keep(name, value) {
      await load();
      if (known.get(name) === value) return;
      known.set(name, value);
      await write();
    },
    async forget(name) {
      await load();
      if (known.delete(name)) await write();
    },
  };
}
