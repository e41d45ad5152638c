import type { DeviceDriver } from '../driver';
import { backoff } from '../wire/backoff';
import { connectModbus, type ModbusTiming } from './connection';
import { decodeModbus } from './decode';
import { boardFields, readBoardOptions } from './settings';

export type { ModbusFaultName, ModbusSimulator, ModbusSimulatorOptions, ModbusSimulatorState } from './simulator';
export { modbusFaultNames, startModbusSimulator } from './simulator';

/** The driver with times of its own, for tests. */
export const createModbusDriver = (timing: ModbusTiming): DeviceDriver => ({
  kind: 'modbus',
  title: 'Modbus relay and input board',
  defaultPort: 502,
  dialog: { host: true, login: false, tls: false, receives: ['stream'], clock: false, fields: boardFields },
  readOptions: readBoardOptions,
  addressOptions: ['unit', 'counting', 'outputKind', 'firstOutput'],
  connect: (context) => connectModbus(context, timing),
  decode: decodeModbus,
});

/** Relay and input boards over Modbus TCP, or RTU framing over TCP (PROTOCOLS §7). */
export const modbusDriver: DeviceDriver = createModbusDriver({ graceMs: 3_000, backoff });
