import { createHash } from 'node:crypto';
import type { Clock } from '../clock/clock';
import type { ActionHandler } from '../domain/actions';
import type { DeviceDirectory } from '../domain/devices';
import type { MediaRecord } from '../domain/record';
import { deviceOf } from './device-of';
import { type Params, wholeNumberOrNull } from './fields';
import { withHeldBack } from './held-back';
import { limited } from './time-limit';

/** Parameters of the action `snapshot`; the camera is the row's device, else the alarm's. */
export interface SnapshotParams {
  /** Video channel, from 1; null: the alarm's own, else 1. */
  channel: number | null;
}

const ACTION = 'Snapshot';
const CALL_LIMIT_MS = 10_000;

export const readSnapshotParams = (params: Params): SnapshotParams => ({
  channel: wholeNumberOrNull(ACTION, params, 'channel', 1, 65_535),
});

/** Fetches a picture and keeps it (L7); its name is made from the action's key. */
export function snapshotHandler(parts: { devices: DeviceDirectory; media: MediaRecord; clock: Clock }): ActionHandler {
  return {
    kind: 'snapshot',
    heavy: false,
    // A picture of a scene that is long over proves nothing.
    defaultDeadlineMs: 30_000,
    attempts: 5,
    check(params) {
      readSnapshotParams(params);
    },
    async execute({ row, signal }) {
      const device = deviceOf(parts.devices, row);
      // The alarm's channel counts only on the alarm's own device.
      const own = row.alarm && device.id === row.alarm.deviceId ? row.alarm.channel : undefined;
      const channel = readSnapshotParams(row.params).channel ?? own ?? 1;
      const what = `"${device.name}" sent no snapshot`;
      const picture = await limited(parts.clock, signal, CALL_LIMIT_MS, what, (stop) => device.snapshot(channel, stop));
      const name = `snapshot-${createHash('sha256').update(row.key).digest('hex').slice(0, 16)}`;
      const mediaId = await parts.media.keep({ ...picture, name });
      return {
        status: 'done',
        summary: withHeldBack(
          `Snapshot of "${device.name}" channel ${channel} kept as ${mediaId} (${picture.bytes.length} bytes)`,
          row,
        ),
      };
    },
  };
}
