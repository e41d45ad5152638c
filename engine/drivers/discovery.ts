import type { Clock } from '../clock/clock';
import type { DiscoveredDevice, Discovery, DriverChoice } from '../domain/devices';
import { usualDialog } from '../domain/devices';
import { asAlarmflowError, userError } from '../domain/errors';
import type { Log } from '../domain/log';
import type { DeviceDriver } from './driver';
import { driverKinds, driverOf } from './registry';

/** How long devices have to answer. */
const SEARCH_MS = 5_000;
/** How long a driver has to come to an end after that. */
const GRACE_MS = 500;
/** Whatever answers on a network is no reason to fill the memory. */
const MOST_FOUND = 500;

/** The drivers as the device dialog offers them, in their order. */
export const driverChoices = (): DriverChoice[] =>
  driverKinds().map((kind) => {
    const { title, defaultPort, dialog, discover, setsUpPush } = driverOf(kind);
    return {
      kind,
      title,
      defaultPort,
      dialog: dialog ?? usualDialog,
      discovers: discover !== undefined,
      setsUpPush: setsUpPush === true,
    };
  });

/** One that answers on several of our addresses, or again and again, is one device. */
const keyOf = ({ driver, identity, host, port }: DiscoveredDevice): string =>
  JSON.stringify([driver, identity === '' ? [host, port] : identity]);

/**
 * Looks for devices on the local network for five seconds. A driver that cannot look is no reason for the others not
 * to; why it could not is told.
 *
 * @param kind only those of one driver; null: those of all that can look. `E_NOT_SUPPORTED` (user) for one that cannot.
 */
export async function discoverDevices(
  kind: string | null,
  options: { clock: Clock; log: Log; drivers?: readonly DeviceDriver[]; forMs?: number },
): Promise<Discovery> {
  const { clock, log } = options;
  const all = options.drivers ?? driverKinds().map(driverOf);
  const looking = all.filter((driver) => driver.discover && (kind === null || driver.kind === kind));
  if (kind !== null && looking.length === 0)
    throw userError('E_NOT_SUPPORTED', `Devices of "${kind}" cannot be looked for: enter the address by hand`);
  const found = new Map<string, DiscoveredDevice>();
  const problems: string[] = [];
  const limit = new AbortController();
  const timer = clock.after(options.forMs ?? SEARCH_MS, () => limit.abort());
  const look = async (driver: DeviceDriver): Promise<void> => {
    try {
      await driver.discover?.((device) => {
        if (found.size < MOST_FOUND && !found.has(keyOf(device))) found.set(keyOf(device), { ...device });
      }, limit.signal);
    } catch (thrown) {
      if (limit.signal.aborted) return;
      const error = asAlarmflowError(thrown);
      log.warn('discovery.driver-failed', { driver: driver.kind, error: error.message });
      problems.push(`${driver.title}: ${error.message}`);
    }
  };
  const over = new Promise<void>((resolve) => {
    limit.signal.addEventListener('abort', () => clock.after(GRACE_MS, resolve, { background: true }), { once: true });
  });
  await Promise.race([Promise.all(looking.map(look)), over]);
  timer.cancel();
  limit.abort();
  const devices = [...found.values()].sort(
    (a, b) => a.driver.localeCompare(b.driver) || a.host.localeCompare(b.host, undefined, { numeric: true }),
  );
  return { devices, problems };
}
