/** The action `device-trigger` (REQUIREMENTS L13, T13): a device's software trigger, fired at most once. */
import type { ActionHandler, ActionResult, ActionRow } from '../domain/actions';
import type { AlarmPhase } from '../domain/alarms';
import type { DeviceDirectory } from '../domain/devices';
import { asAlarmflowError, userError } from '../domain/errors';
import { deviceOf } from './device-of';
import { badParameter, isAskedFor, type Params, readPhases, text } from './fields';
import { withHeldBack } from './held-back';

/** Parameters of the action `device-trigger`. */
export interface DeviceTriggerParams {
  /** `FrameStart`; empty: the trigger that the device is set up with. */
  trigger: string;
  phases: AlarmPhase[];
}

const ACTION = 'Device trigger';

/** Checks and reads the parameters; throws E_BAD_PARAMETER (user) that names the field. */
export function readDeviceTriggerParams(params: Params): DeviceTriggerParams {
  const trigger = text(ACTION, params, 'trigger', 64).trim();
  if (!/^\w*$/.test(trigger)) throw badParameter(ACTION, 'trigger', 'must be a name like FrameStart, or empty');
  return { trigger, phases: readPhases(ACTION, params) };
}

/** Errors after which nothing has fired for sure: the device was not reached, or refused. */
const nothingFired: ReadonlySet<string> = new Set([
  'E_DEVICE_OFFLINE',
  'E_DEVICE_LOCKED',
  'E_CREDENTIALS_REFUSED',
  'E_ARAVIS_OLD',
  'E_USB_ACCESS',
]);

const unsure = (device: string, why: string) =>
  userError(
    'E_TRIGGER_UNSURE',
    `"${device}" was told to fire, and it is not known whether it did (${why}). It is not told again, so that nothing fires twice: look at the device, and retry by hand if it did not`,
  );

const MOST_KEYS = 1_000;

export function deviceTriggerHandler({ devices }: { devices: DeviceDirectory }): ActionHandler {
  /** The last try of a row that surely fired nothing, by key; what an earlier process has tried is not in it. */
  const harmless = new Map<string, number>();

  return {
    kind: 'device-trigger',
    heavy: false,
    waitsFor: () => 'devices',
    // What a trigger is for is over soon.
    defaultDeadlineMs: 10_000,
    attempts: 20,
    once: true,
    check(params) {
      readDeviceTriggerParams(params);
    },
    rehearse(row: ActionRow) {
      const { trigger } = readDeviceTriggerParams(row.params);
      return `would fire the trigger ${trigger || 'that is set up'} of "${deviceOf(devices, row).name}"`;
    },
    async execute({ row, attempt, signal, test }): Promise<ActionResult> {
      const { trigger, phases } = readDeviceTriggerParams(row.params);
      if (!isAskedFor(phases, row) && !test)
        return { status: 'skipped', summary: `No trigger is asked for at the phase "${row.phase}"` };
      const device = deviceOf(devices, row);
      if (attempt > 1 && harmless.get(row.key) !== attempt - 1)
        throw unsure(device.name, 'alarmflow was stopped in the middle of it');
      if (!device.trigger)
        throw userError('E_NOT_SUPPORTED', `"${device.name}" has no software trigger: choose another device`);
      try {
        await device.trigger(trigger, signal);
      } catch (thrown) {
        const error = asAlarmflowError(signal.aborted ? signal.reason : thrown);
        if (error.family !== 'operational') throw error;
        if (!nothingFired.has(error.code)) throw unsure(device.name, error.message);
        if (harmless.size >= MOST_KEYS) harmless.clear();
        harmless.set(row.key, attempt);
        throw error;
      }
      harmless.delete(row.key);
      const which = trigger === '' ? 'The trigger that is set up' : `The trigger ${trigger}`;
      return { status: 'done', summary: withHeldBack(`${which} of "${device.name}" fired`, row) };
    },
  };
}
