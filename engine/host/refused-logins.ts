/**
 * Logins that devices have refused, over the end of a connection and of the process: a site that starts again and again,
 * or that is deployed again and again, must not lock an account. A password is never kept, only a keyed hash of the login
 * at its device, under a key from `<data>/secret.key`; whoever has the record alone cannot try passwords on it.
 */
import { createHmac, hkdfSync } from 'node:crypto';
import type { Clock } from '../clock/clock';
import type { DeviceDefinition } from '../domain/devices';
import { asAlarmflowError } from '../domain/errors';
import type { Log } from '../domain/log';
import type { SettingsRecord } from '../domain/record';
import { REMEMBERED_MS, type RefusalMemory } from '../drivers';

const SETTING = 'refused-logins';
/** Logins that are refused at one time; of more the oldest are forgotten. */
const MOST = 1_000;

interface Refusal {
  at: number;
  times: number;
}

/** Reads what the last run has left. */
export async function openRefusedLogins(options: {
  record: SettingsRecord;
  /** The key of the installation. */
  secret(): Promise<string>;
  clock: Clock;
  log: Log;
}): Promise<(definition: DeviceDefinition) => RefusalMemory> {
  const { record, clock, log } = options;
  const key = Buffer.from(hkdfSync('sha256', await options.secret(), '', 'alarmflow refused logins', 32));
  const refusals = new Map<string, Refusal>(storedIn(await record.readSetting<unknown>(SETTING)));
  let writing = false;
  let changed = false;

  const lately = ({ at }: Refusal): boolean => clock.now() - at < REMEMBERED_MS;

  function forgetOld(): void {
    for (const [id, refusal] of refusals) if (!lately(refusal)) refusals.delete(id);
    for (const id of refusals.keys()) {
      if (refusals.size <= MOST) break;
      refusals.delete(id);
    }
  }

  /** One write at a time; what changes meanwhile is the next. */
  async function write(): Promise<void> {
    changed = true;
    if (writing) return;
    writing = true;
    while (changed) {
      changed = false;
      forgetOld();
      try {
        await record.writeSetting(SETTING, Object.fromEntries(refusals));
      } catch (thrown) {
        log.warn('device.refused-login-not-kept', { reason: asAlarmflowError(thrown).message });
      }
    }
    writing = false;
  }

  function idOf({ driver, host, port, credentials }: DeviceDefinition): string {
    const { user = '', password = '' } = credentials ?? {};
    const login = JSON.stringify([driver, host.toLowerCase(), port, user, password]);
    return createHmac('sha256', key).update(login).digest('base64url');
  }

  return (definition) => {
    const id = idOf(definition);
    return {
      last() {
        const refusal = refusals.get(id);
        return refusal && lately(refusal) ? { ...refusal } : null;
      },
      refused(times) {
        // The latest last, so that the oldest is the first to go.
        refusals.delete(id);
        refusals.set(id, { at: clock.now(), times });
        void write();
      },
      accepted() {
        if (refusals.delete(id)) void write();
      },
    };
  };
}

/** What another version or hand has written there is left out where it is none of ours. */
function storedIn(stored: unknown): [string, Refusal][] {
  if (typeof stored !== 'object' || stored === null) return [];
  return Object.entries(stored).flatMap(([id, value]) => {
    const { at, times } = (value ?? {}) as Partial<Refusal>;
    return typeof at === 'number' && typeof times === 'number' && times >= 1 ? [[id, { at, times }]] : [];
  });
}
