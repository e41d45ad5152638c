import { actionKind, readInterval, readPhases } from '../../shared/action-node';
import { defineNode } from '../../shared/define-node';
import { defaults, migrations } from './migrations';

export default defineNode(
  actionKind({
    type: 'alarmflow-snmp-trap',
    title: 'SNMP',
    action: 'snmp-trap',
    defaults,
    migrations,
    read(fields) {
      const phases = readPhases(fields);
      return {
        name: fields.name('SNMP'),
        deviceId: null,
        phases,
        interval: readInterval(fields),
        params: {
          receiverId: fields.reference('receiver', 'SNMP receiver', 'alarmflow-snmp-receiver'),
          phases,
          text: fields.text('text', 'Text', { max: 500 }),
        },
      };
    },
  }),
);
