import { actionKind, readPhases } from '../../shared/action-node';
import { defineNode } from '../../shared/define-node';
import { defaults, migrations } from './migrations';

export default defineNode(
  actionKind({
    type: 'alarmflow-ptz-preset',
    title: 'PTZ preset',
    action: 'ptz-preset',
    defaults,
    migrations,
    read: (fields) => ({
      name: fields.name('PTZ preset'),
      deviceId: fields.reference('device', 'Device', 'alarmflow-device', true),
      phases: readPhases(fields),
      params: {
        channel: fields.number('channel', 'Channel', { min: 1, max: 65_535, integer: true }),
        preset: fields.number('preset', 'Preset', { min: 1, max: 65_535, integer: true }),
      },
    }),
  }),
);
