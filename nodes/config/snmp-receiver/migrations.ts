import { DEFAULT_SNMP_ARC } from '../../../engine/index';
import { firstVersion, type Migration } from '../../shared/migrations';

export const defaults = {
  name: '',
  host: '',
  port: 162,
  snmpVersion: '2c',
  notification: 'trap',
  level: 'authPriv',
  authentication: 'sha256',
  privacy: 'aes',
  arc: DEFAULT_SNMP_ARC,
  engineId: '',
};

export const migrations: readonly Migration[] = [firstVersion];
