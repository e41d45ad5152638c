import { actionKind, readPhases, readPlainInterval } from '../../shared/action-node';
import { defineNode } from '../../shared/define-node';
import type { Fields } from '../../shared/fields';
import { MOST_TARGETS, rowNumber } from '../../shared/held-output';
import { defaults, migrations } from './migrations';

const MOST_MOMENTS = 10;
const MOST_SECONDS = 60;

/** Seconds from the alarm, before it below zero. */
function readOffsets(fields: Fields): number[] {
  const label = 'Moments';
  const entries = fields.list('offsets', label, { max: MOST_MOMENTS, entryLength: 10, required: true });
  return entries.map((entry) => {
    const seconds = Number(entry.replace('−', '-'));
    return Math.abs(seconds) <= MOST_SECONDS
      ? seconds
      : fields.refuse(label, entry, `seconds from −${MOST_SECONDS} to ${MOST_SECONDS}, with commas between them`);
  });
}

/** Cameras of other devices; one whose device is gone is left out and kept as an issue. */
function readCameras(fields: Fields): { deviceId: string; channel: number }[] {
  const label = 'Further cameras';
  const rows = fields.raw('targets') ?? [];
  if (!Array.isArray(rows) || rows.length > MOST_TARGETS / 2)
    fields.refuse(label, rows, `a list of at most ${MOST_TARGETS / 2}`);
  return rows.flatMap((row: unknown) => {
    const { device, channel } = (typeof row === 'object' && row !== null ? row : {}) as Record<string, unknown>;
    if (typeof device !== 'string' || device === '' || device.length > 64)
      return fields.refuse(label, row, 'a list in which each entry names a device');
    const number = rowNumber(fields, label, channel ?? 1, 1, 65_535);
    return fields.isThere(device, 'Device', 'alarmflow-device') ? [{ deviceId: device, channel: number }] : [];
  });
}

export default defineNode(
  actionKind({
    type: 'alarmflow-snapshot',
    title: 'Snapshot',
    action: 'snapshot',
    defaults,
    migrations,
    read: (fields) => ({
      name: fields.name('Snapshot'),
      deviceId: fields.reference('device', 'Device', 'alarmflow-device', true),
      phases: readPhases(fields),
      interval: readPlainInterval(fields),
      params: {
        channels: fields.channels('channel', 'Channels'),
        offsets: readOffsets(fields),
        cameras: readCameras(fields),
      },
    }),
  }),
);
