import { actionKind, readPhases, readPlainInterval } from '../../shared/action-node';
import { defineNode } from '../../shared/define-node';
import type { Fields } from '../../shared/fields';
import { defaults, migrations } from './migrations';

/** Seconds of a clip at most. */
const MOST_CLIP_SECONDS = 600;

const seconds = (fields: Fields, field: string, label: string, least: number): number =>
  fields.number(field, label, { min: least, max: MOST_CLIP_SECONDS, integer: true, unit: 'seconds' });

function readClip(fields: Fields): Record<string, number> | null {
  if (!fields.flag('clip', 'Clip')) return null;
  const clip = {
    beforeSeconds: seconds(fields, 'clipBefore', 'From', 0),
    afterSeconds: seconds(fields, 'clipAfter', 'Until', 0),
    mostSeconds: seconds(fields, 'clipMost', 'At most', 1),
  };
  if (clip.beforeSeconds + clip.afterSeconds === 0) fields.refuse('Until', 0, 'at least 1 where "From" is 0');
  return clip;
}

export default defineNode(
  actionKind({
    type: 'alarmflow-upload',
    title: 'Upload',
    action: 'upload',
    defaults,
    migrations,
    read(fields) {
      const phases = readPhases(fields);
      const pictures = fields.flag('pictures', 'Pictures');
      const clip = readClip(fields);
      const alarmFile = fields.choice('alarmFile', 'Alarm', ['none', 'json', 'text'] as const);
      if (!pictures && clip === null && alarmFile === 'none')
        fields.refuse('Pictures', false, 'on, or clip or alarm: there is nothing to upload');
      return {
        name: fields.name('Upload'),
        deviceId: null,
        phases,
        interval: readPlainInterval(fields),
        params: {
          serverId: fields.reference('server', 'File server', 'alarmflow-file-server'),
          phases,
          path: fields.text('path', 'Path', { max: 500 }),
          pictures,
          clip,
          alarmFile,
          // The alarm's own camera is better than none.
          snapshotDeviceId: fields.referenceIfThere('snapshotDevice', 'Camera', 'alarmflow-device'),
          snapshotChannel: fields.number('snapshotChannel', 'Channel', {
            min: 1,
            max: 65_535,
            integer: true,
            optional: true,
          }),
          scheduleId: fields.reference('periods', 'Upload periods', 'alarmflow-schedule', true),
        },
      };
    },
  }),
);
