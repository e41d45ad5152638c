import type { DriverDialog } from '../driver';
import { optionError, readFields } from '../driver-options';

/** What the channel records when alarmflow doesn't: the device's own modes of recording. */
export type RecordMode = 'auto' | 'manual' | 'off';

/** Settings of this driver alone. */
export interface DahuaOptions {
  /** Mode that a recording goes back to where the mode before it isn't known. */
  normalRecordMode: RecordMode;
  /** Heart-beat that the device is asked for, seconds. */
  heartbeatSeconds: number;
}

const recordModes: readonly RecordMode[] = ['auto', 'manual', 'off'];

const defaultOptions: DahuaOptions = { normalRecordMode: 'auto', heartbeatSeconds: 5 };

export const dahuaDialog: DriverDialog = {
  host: true,
  login: true,
  tls: true,
  receives: ['stream'],
  live: true,
  fields: [
    {
      name: 'normalRecordMode',
      label: 'Normal recording mode',
      kind: 'choice',
      value: defaultOptions.normalRecordMode,
      choices: [
        { value: 'auto', label: 'Auto (by the recording schedule)' },
        { value: 'manual', label: 'Manual (always)' },
        { value: 'off', label: 'Off' },
      ],
      hint: 'A recording that alarmflow started goes back to the mode found before it. Where that is not known, this one is set.',
    },
    {
      name: 'heartbeatSeconds',
      label: 'Heart-beat (s)',
      kind: 'number',
      value: defaultOptions.heartbeatSeconds,
      min: 1,
      max: 10,
      hint: 'How often the device says that it is there. A longer one saves traffic and finds a dead device later.',
    },
  ],
};

/** Checks and completes the driver's settings. Throws `E_DEVICE_OPTIONS` (user). */
export function readDahuaOptions(options: Record<string, unknown>): DahuaOptions {
  const read = readFields('Dahua', dahuaDialog.fields, options);
  const heartbeatSeconds = Number(read.heartbeatSeconds);
  if (!Number.isInteger(heartbeatSeconds))
    throw optionError('Dahua', 'Heart-beat (s)', 'give a whole number from 1 to 10');
  return { normalRecordMode: recordModes.find((m) => m === read.normalRecordMode) ?? 'auto', heartbeatSeconds };
}
