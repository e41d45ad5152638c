import type { Clock } from '../clock/clock';
import type { ActionHandler } from '../domain/actions';
import type { DeviceDirectory } from '../domain/devices';
import { deviceOf } from './device-of';
import { type Params, wholeNumber } from './fields';
import { limited } from './time-limit';

/** Parameters of the action `ptz-preset`; the camera is the row's device, else the alarm's. */
export interface PtzPresetParams {
  /** Video channel, from 1. */
  channel: number;
  /** Preset as the camera numbers it, from 1. */
  preset: number;
}

const ACTION = 'PTZ preset';
const CALL_LIMIT_MS = 10_000;

export const readPtzPresetParams = (params: Params): PtzPresetParams => ({
  channel: wholeNumber(ACTION, params, 'channel', 1, 65_535),
  preset: wholeNumber(ACTION, params, 'preset', 1, 65_535),
});

/** Turns a camera to a preset (L8). Done twice it is where it was. */
export function ptzPresetHandler(parts: { devices: DeviceDirectory; clock: Clock }): ActionHandler {
  return {
    kind: 'ptz-preset',
    heavy: false,
    waitsFor: () => 'devices',
    defaultDeadlineMs: 30_000,
    attempts: 5,
    check(params) {
      readPtzPresetParams(params);
    },
    async execute({ row, signal }) {
      const { channel, preset } = readPtzPresetParams(row.params);
      const device = deviceOf(parts.devices, row);
      const what = `"${device.name}" did not take preset ${preset}`;
      await limited(parts.clock, signal, CALL_LIMIT_MS, what, (stop) => device.gotoPreset(channel, preset, stop));
      return {
        status: 'done',
        summary: `"${device.name}" channel ${channel} accepted preset ${preset}; that it has turned is not confirmed`,
      };
    },
  };
}
