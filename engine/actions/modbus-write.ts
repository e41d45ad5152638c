/** The action `modbus-write` (REQUIREMENTS L13): one coil or register written once, or for a moment, and read back. */
import type { ActionHandler, ActionResult, ActionRow } from '../domain/actions';
import type { AlarmPhase } from '../domain/alarms';
import type { DeviceDirectory } from '../domain/devices';
import { userError } from '../domain/errors';
import { LONGEST_PULSE_MS, type ModbusWrite } from '../domain/modbus-write';
import { deviceOf } from './device-of';
import { flag, isAskedFor, oneOf, type Params, readPhases, wholeNumber, wholeNumberOrNull } from './fields';
import { withHeldBack } from './held-back';

/** Parameters of the action `modbus-write`. */
export interface ModbusWriteParams extends ModbusWrite {
  phases: AlarmPhase[];
}

const ACTION = 'Modbus write';

/** Checks and reads the parameters; throws E_BAD_PARAMETER (user) that names the field. */
export function readModbusWriteParams(params: Params): ModbusWriteParams {
  const table = oneOf(ACTION, params, 'table', ['coil', 'register']);
  const most = table === 'coil' ? 1 : 65_535;
  const pulseMs = wholeNumberOrNull(ACTION, params, 'pulseMs', 1, LONGEST_PULSE_MS);
  return {
    table,
    address: wholeNumber(ACTION, params, 'address', 0, 65_535),
    value: wholeNumber(ACTION, params, 'value', 0, most),
    unit: wholeNumberOrNull(ACTION, params, 'unit', 0, 255),
    multiple: flag(ACTION, params, 'multiple'),
    readBack: flag(ACTION, params, 'readBack'),
    pulse: pulseMs === null ? null : { ms: pulseMs, rest: wholeNumber(ACTION, params, 'restValue', 0, most) },
    phases: readPhases(ACTION, params),
  };
}

const words = ({ table, address, value, unit, pulse }: ModbusWrite, device: string): string => {
  const place = `${table} ${address}${unit === null ? '' : ` of unit ${unit}`} of "${device}"`;
  return pulse ? `${place} to ${value} for ${pulse.ms / 1_000} s, then to ${pulse.rest}` : `${place} to ${value}`;
};

export function modbusWriteHandler({ devices }: { devices: DeviceDirectory }): ActionHandler {
  return {
    kind: 'modbus-write',
    heavy: false,
    waitsFor: () => 'devices',
    // Late, a write means something else than it was meant for.
    defaultDeadlineMs: 5 * 60_000,
    attempts: 20,
    check(params) {
      readModbusWriteParams(params);
    },
    rehearse(row: ActionRow) {
      return `would set ${words(readModbusWriteParams(row.params), deviceOf(devices, row).name)}`;
    },
    async execute({ row, signal, test }): Promise<ActionResult> {
      const { phases, ...write } = readModbusWriteParams(row.params);
      if (!isAskedFor(phases, row) && !test)
        return { status: 'skipped', summary: `No write is asked for at the phase "${row.phase}"` };
      const device = deviceOf(devices, row);
      if (!device.writeModbus)
        throw userError('E_NOT_SUPPORTED', `"${device.name}" is no Modbus board: choose another device`);
      const read = await device.writeModbus(write, signal);
      const proof = read === null ? 'taken by the board, not read back' : `read back ${read}`;
      return { status: 'done', summary: withHeldBack(`Set ${words(write, device.name)}: ${proof}`, row) };
    },
  };
}
