import type { Clock } from '../clock/clock';
import type { ActionHandler } from '../domain/actions';
import type { ConnectedDevice, DeviceDirectory } from '../domain/devices';
import { arrivalWords, notMoved, type PtzTurn } from '../domain/ptz-outcomes';
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

/** Turns a camera to a preset (L8), and says what became of it where the camera tells. Done twice it is where it was. */
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
      const { arrival } = await limited(parts.clock, signal, CALL_LIMIT_MS, what, (stop) =>
        turn(device, channel, preset, stop),
      );
      const camera = `"${device.name}" channel ${channel}`;
      const target = `preset ${preset}`;
      const outcome = arrival ? await arrival(signal) : 'unconfirmed';
      signal.throwIfAborted();
      if (outcome === 'not-moved') throw notMoved(camera, target);
      return { status: 'done', summary: `${camera} ${arrivalWords(outcome, target)}` };
    },
  };
}

async function turn(device: ConnectedDevice, channel: number, preset: number, signal: AbortSignal): Promise<PtzTurn> {
  if (device.turn) return device.turn(channel, { move: 'preset', number: preset }, signal);
  await device.gotoPreset(channel, preset, signal);
  return { arrival: null };
}
