import { actionKind, readInterval, readPhases } from '../../shared/action-node';
import { defineNode } from '../../shared/define-node';
import { defaults, migrations } from './migrations';

export default defineNode(
  actionKind({
    type: 'alarmflow-mqtt-out',
    title: 'MQTT',
    action: 'mqtt-publish',
    defaults,
    migrations,
    read(fields) {
      const phases = readPhases(fields);
      const own = fields.choice('via', 'Through', ['broker', 'device'] as const) === 'broker';
      return {
        name: fields.name('MQTT'),
        deviceId: own ? null : fields.reference('device', 'Device', 'alarmflow-device'),
        phases,
        interval: readInterval(fields),
        params: {
          brokerId: own ? fields.reference('broker', 'Broker', 'alarmflow-mqtt-broker') : null,
          phases,
          topic: fields.text('topic', 'Topic', { max: 500 }),
          format: fields.choice('payloadFormat', 'Payload is', ['json', 'text'] as const),
          payload: fields.text('payload', 'Payload', { max: 20_000, lines: true }),
          qos: Number(fields.choice('qos', 'Quality', ['0', '1', '2'] as const)),
          retain: fields.flag('retain', 'The broker keeps the last one (retain)'),
          discovery: fields.text('discovery', 'Home Assistant', { max: 100 }),
        },
      };
    },
  }),
);
