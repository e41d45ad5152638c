import { actionKind, readPhases, readPlainInterval } from '../../shared/action-node';
import { defineNode } from '../../shared/define-node';
import type { Fields } from '../../shared/fields';
import { readCameras } from '../../shared/linked-cameras';
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

export default defineNode(
  actionKind({
    type: 'alarmflow-snapshot',
    title: 'Snapshot',
    action: 'snapshot',
    defaults,
    migrations,
    read(fields) {
      const cameras = readCameras(fields, 'Further cameras');
      // The further cameras go on without one that is gone; where there are none, nothing is left to be done.
      const type = 'alarmflow-device';
      const deviceId =
        cameras.length > 0
          ? fields.referenceIfThere('device', 'Device', type)
          : fields.reference('device', 'Device', type, true);
      const isGone = deviceId === null && fields.isChosen('device');
      return {
        name: fields.name('Snapshot'),
        deviceId,
        phases: readPhases(fields),
        interval: readPlainInterval(fields),
        params: {
          channels: fields.channels('channel', 'Channels'),
          offsets: readOffsets(fields),
          cameras,
          ...(isGone ? { onlyCameras: true } : {}),
        },
      };
    },
  }),
);
