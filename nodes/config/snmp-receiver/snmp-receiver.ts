import { type SnmpReceiverDefinition, snmpAuthentications, snmpPrivacies } from '../../../engine/index';
import { defineNode, type NodeKind } from '../../shared/define-node';
import { testRoute } from '../../shared/dialog-config';
import type { Fields } from '../../shared/fields';
import { defaults, migrations } from './migrations';

/** Shortest key of SNMPv3, RFC 3414 §11.2. */
const SHORTEST_KEY = 8;

function readAccess(fields: Fields): SnmpReceiverDefinition['access'] {
  const version = fields.choice('snmpVersion', 'Version', ['1', '2c', '3'] as const);
  if (version !== '3')
    return { version, community: fields.secret('community', 'Community', { max: 255, required: true }) ?? '' };
  const user = fields.secret('user', 'User', { max: 32, required: true }) ?? '';
  const level = fields.choice('level', 'Security level', ['noAuthNoPriv', 'authNoPriv', 'authPriv'] as const);
  if (level === 'noAuthNoPriv') return { version, user, security: { level } };
  const key = (field: string, label: string): string =>
    fields.secret(field, label, { least: SHORTEST_KEY, max: 255, required: true }) ?? '';
  const authentication = fields.choice('authentication', 'Authentication', snmpAuthentications);
  const authKey = key('authKey', 'Authentication key');
  if (level === 'authNoPriv') return { version, user, security: { level, authentication, authKey } };
  const privacy = fields.choice('privacy', 'Privacy', snmpPrivacies);
  const privacyKey = key('privacyKey', 'Privacy key');
  return { version, user, security: { level, authentication, authKey, privacy, privacyKey } };
}

function readArc(fields: Fields): string {
  const arc = fields.text('arc', 'Arc', { max: 200 }).replace(/^\./, '');
  const right =
    /^[0-2](?:\.(?:0|[1-9]\d{0,9})){3,30}$/.test(arc) && arc.split('.').every((number) => Number(number) < 2 ** 32);
  return right ? arc : fields.refuse('Arc', arc, 'an object identifier like 1.3.6.1.4.1.32473.1');
}

function readEngineId(fields: Fields): string {
  const text = fields.text('engineId', 'Engine id', { max: 70 }).replace(/^0x/i, '').toLowerCase();
  return text === '' || /^(?:[0-9a-f]{2}){5,32}$/.test(text)
    ? text
    : fields.refuse('Engine id', text, 'empty or 5 to 32 octets in hexadecimal digits');
}

const snmpReceiver: NodeKind<SnmpReceiverDefinition> = {
  type: 'alarmflow-snmp-receiver',
  title: 'SNMP receiver',
  defaults,
  migrations,
  credentials: {
    community: { type: 'password' },
    user: { type: 'text' },
    authKey: { type: 'password' },
    privacyKey: { type: 'password' },
  },
  read(fields) {
    const host = fields.host('host', 'Host');
    const access = readAccess(fields);
    const notification = fields.choice('notification', 'Send', ['trap', 'inform'] as const);
    if (notification === 'inform' && access.version === '1')
      fields.refuse('Send', notification, 'trap, as SNMPv1 knows no informs');
    return {
      id: fields.id,
      name: fields.name(host),
      host,
      port: fields.number('port', 'Port', { min: 1, max: 65_535, integer: true }),
      notification,
      access,
      arc: readArc(fields),
      engineId: readEngineId(fields),
    };
  },
  start: (definition, site) => site.engine.defineSnmpReceiver(definition),
  register: (red) =>
    testRoute(red, '/alarmflow/snmp-receivers/test', snmpReceiver, (engine, definition) =>
      engine.testSnmpReceiver(definition),
    ),
};

export default defineNode(snmpReceiver);
