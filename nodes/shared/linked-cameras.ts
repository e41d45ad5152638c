import type { Fields } from './fields';
import { MOST_TARGETS, rowNumber } from './held-output';

export const MOST_CAMERAS = MOST_TARGETS / 2;

/** Cameras of a dialog's list (`targetsEditor` of kind `camera`); one whose device is gone is left out and kept as an issue. */
export function readCameras(fields: Fields, label: string): { deviceId: string; channel: number }[] {
  const rows = fields.raw('targets') ?? [];
  if (!Array.isArray(rows) || rows.length > MOST_CAMERAS)
    fields.refuse(label, rows, `a list of at most ${MOST_CAMERAS}`);
  return rows.flatMap((row: unknown) => {
    const { device, channel } = (typeof row === 'object' && row !== null ? row : {}) as Record<string, unknown>;
    if (typeof device !== 'string' || device === '' || device.length > 64)
      return fields.refuse(label, row, 'a list in which each entry names a device');
    const number = rowNumber(fields, label, channel ?? 1, 1, 65_535);
    return fields.isThere(device, 'Device', 'alarmflow-device') ? [{ deviceId: device, channel: number }] : [];
  });
}
