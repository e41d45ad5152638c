import { actionKind, readPhases, readPlainInterval } from '../../shared/action-node';
import { defineNode } from '../../shared/define-node';
import { defaults, migrations } from './migrations';

export default defineNode(
  actionKind({
    type: 'alarmflow-device-trigger',
    title: 'Device trigger',
    action: 'device-trigger',
    defaults,
    migrations,
    read(fields) {
      const phases = readPhases(fields);
      const trigger = fields.text('trigger', 'Trigger', { max: 64 });
      if (!/^\w*$/.test(trigger)) fields.refuse('Trigger', trigger, 'empty or a name like FrameStart');
      return {
        name: fields.name('Device trigger'),
        deviceId: fields.reference('device', 'Device', 'alarmflow-device'),
        phases,
        interval: readPlainInterval(fields),
        params: { phases, trigger },
      };
    },
  }),
);
