import type { MqttBrokerDefinition } from '../../../engine/index';
import { defineNode, type NodeKind } from '../../shared/define-node';
import { testRoute } from '../../shared/dialog-config';
import { readCertificates, readFingerprint } from '../../shared/tls-fields';
import { defaults, migrations } from './migrations';

const mqttBroker: NodeKind<MqttBrokerDefinition> = {
  type: 'alarmflow-mqtt-broker',
  title: 'MQTT broker',
  defaults,
  migrations,
  credentials: { user: { type: 'text' }, password: { type: 'password' } },
  read(fields) {
    const host = fields.host('host', 'Host');
    const clientId = fields.text('clientId', 'Client id', { max: 128 });
    if (/\p{Cc}/u.test(clientId)) fields.refuse('Client id', clientId, 'empty or a text without control characters');
    return {
      id: fields.id,
      name: fields.name(host),
      host,
      port: fields.number('port', 'Port', { min: 1, max: 65_535, integer: true }),
      tls: fields.flag('tls', 'TLS'),
      authority: readCertificates(fields, 'authority', 'Own authority'),
      fingerprint: readFingerprint(fields, 'fingerprint', 'Fingerprint'),
      version: fields.choice('mqttVersion', 'Version', ['5', '3.1.1'] as const) === '5' ? 5 : 4,
      clientId,
      credentials: fields.login(),
    };
  },
  start: (definition, site) => site.engine.defineMqttBroker(definition),
  register: (red) =>
    testRoute(red, '/alarmflow/mqtt-brokers/test', mqttBroker, (engine, definition) =>
      engine.testMqttBroker(definition),
    ),
};

export default defineNode(mqttBroker);
