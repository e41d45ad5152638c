import type { FlowEngine } from '../../../engine/index';

/** A driver as the dialog's pick list shows it. */
export interface DriverChoice {
  kind: string;
  title: string;
  defaultPort: number;
}

/** For an engine that does not tell its drivers. */
const known: readonly DriverChoice[] = [{ kind: 'hikvision', title: 'Hikvision / HIKMICRO (ISAPI)', defaultPort: 80 }];

export const driverChoices = async (engine: FlowEngine): Promise<readonly DriverChoice[]> =>
  (await engine.deviceDrivers?.()) ?? known;
