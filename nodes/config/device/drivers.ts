import type { FlowEngine } from '../../../engine/index';

/** A driver as the dialog's pick list shows it. */
export interface DriverChoice {
  kind: string;
  title: string;
  defaultPort: number;
}

export const driverChoices = (engine: FlowEngine): Promise<readonly DriverChoice[]> => engine.deviceDrivers();
