import type { DeviceDriver } from '../driver';
import { connectSnmpTraps } from './connection';
import { decodeSnmpTraps } from './decode';
import { readTrapOptions, trapFields } from './settings';

export type { SnmpFaultName, SnmpSimulator, SnmpSimulatorOptions, SnmpSimulatorState } from './simulator';
export { snmpFaultNames, snmpScenes, startSnmpSimulator } from './simulator';

/** Receives SNMP notifications: traps of version 1, 2c and 3, and informs (PROTOCOLS §5). */
export const snmpTrapsDriver: DeviceDriver = {
  kind: 'snmp-traps',
  title: 'SNMP traps and informs',
  defaultPort: 1162,
  dialog: {
    host: false,
    login: true,
    loginHint: 'version 1 and 2c: the community is the password, the user stays empty; version 3: user and password',
    tls: false,
    receives: ['push'],
    ingest: false,
    clock: false,
    fields: trapFields,
  },
  readOptions: readTrapOptions,
  connect: connectSnmpTraps,
  decode: decodeSnmpTraps,
};
