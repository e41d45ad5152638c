import { silentLog } from '../../engine/domain/log';
import {
  createHikvisionDriver,
  defaultTiming,
  type HikvisionSimulator,
  type HikvisionSimulatorOptions,
  type StreamTiming,
  startHikvisionSimulator,
} from '../../engine/drivers/hikvision';
import { type ConnectedDriver, closeLater, connectDriver } from './connected-driver';
import { steadyClock } from './steady-clock';

/** A simulated device and its driver with settings of the driver's own; closed by `closeDrivers`. */
export async function hikvisionDevice(
  simulated: HikvisionSimulatorOptions = {},
  options: Record<string, unknown> = {},
  more: { start?: boolean; timing?: StreamTiming; receive?: 'stream' | 'push' | 'both'; password?: string } = {},
): Promise<ConnectedDriver & { sim: HikvisionSimulator }> {
  const sim = await startHikvisionSimulator({ heartbeatMs: 200, log: silentLog, clock: steadyClock, ...simulated });
  closeLater(() => sim.close());
  const change = {
    options,
    credentials: { user: 'admin', password: more.password ?? 'simulated1' },
    ...(more.receive ? { receive: more.receive } : {}),
  };
  const driver = createHikvisionDriver(more.timing ?? defaultTiming);
  return { sim, ...connectDriver(driver, sim.port, change, more.start ?? true) };
}
