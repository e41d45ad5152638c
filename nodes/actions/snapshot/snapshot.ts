import { actionKind, readPhases, readPlainInterval } from '../../shared/action-node';
import { defineNode } from '../../shared/define-node';
import { defaults, migrations } from './migrations';

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
        channel: fields.number('channel', 'Channel', { min: 1, max: 65_535, integer: true, optional: true }),
      },
    }),
  }),
);
