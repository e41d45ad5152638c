import { heldDefaults } from '../../shared/held-output';
import { firstVersion, type Migration } from '../../shared/migrations';

/** One camera as the dialog lists it. */
export interface CameraRow {
  device: string;
  channel: number | string;
  move: string;
  number: number | string;
  back: string;
  backNumber: number | string;
}

export const defaults = {
  name: '',
  targets: [] as readonly CameraRow[],
  devices: [] as readonly string[],
  ...heldDefaults,
  // A camera returns when the alarm has ended, not before the operator has seen what it was about.
  postAlarm: 30,
};

export const migrations: readonly Migration[] = [firstVersion];
