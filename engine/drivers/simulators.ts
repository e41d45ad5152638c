import { userError } from '../domain/errors';
import { type HikvisionSimulator, type HikvisionSimulatorOptions, startHikvisionSimulator } from './hikvision';

/** Starts a simulated device that speaks the real protocol. Throws `E_UNKNOWN_DRIVER` (user) where there is none. */
export async function startSimulator(
  kind: string,
  options: HikvisionSimulatorOptions = {},
): Promise<HikvisionSimulator> {
  if (kind === 'hikvision') return startHikvisionSimulator(options);
  throw userError('E_UNKNOWN_DRIVER', `There is no simulated device "${kind}"; known are: hikvision`);
}
