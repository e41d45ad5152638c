import { LONGEST_PULSE_MS } from '../../../engine/index';
import { actionKind, readPhases, readPlainInterval } from '../../shared/action-node';
import { defineNode } from '../../shared/define-node';
import type { Fields } from '../../shared/fields';
import { defaults, migrations } from './migrations';

/** As on the wire, from 0. */
function readAddress(fields: Fields): number {
  const fromOne = fields.choice('counting', 'Addresses count', ['zero', 'one'] as const) === 'one';
  const address = fields.number('address', 'Address', {
    min: fromOne ? 1 : 0,
    max: fromOne ? 65_536 : 65_535,
    integer: true,
  });
  return fromOne ? address - 1 : address;
}

export default defineNode(
  actionKind({
    type: 'alarmflow-modbus-write',
    title: 'Modbus write',
    action: 'modbus-write',
    defaults,
    migrations,
    read(fields) {
      const phases = readPhases(fields);
      const table = fields.choice('table', 'Writes a', ['coil', 'register'] as const);
      const whole = { min: 0, max: table === 'coil' ? 1 : 65_535, integer: true } as const;
      const pulse = fields.number('pulse', 'Pulse', {
        min: 0.01,
        max: LONGEST_PULSE_MS / 1_000,
        unit: 'seconds',
        optional: true,
      });
      return {
        name: fields.name('Modbus write'),
        deviceId: fields.reference('device', 'Device', 'alarmflow-device'),
        phases,
        interval: readPlainInterval(fields),
        params: {
          phases,
          table,
          address: readAddress(fields),
          value: fields.number('value', 'Value', whole),
          pulseMs: pulse === null ? null : Math.round(pulse * 1_000),
          restValue: pulse === null ? null : fields.number('restValue', 'Value after it', whole),
          unit: fields.number('unit', 'Unit id', { min: 0, max: 255, integer: true, optional: true }),
          multiple: fields.flag('multiple', 'Write with function 15 or 16'),
          readBack: fields.flag('readBack', 'Read it back'),
        },
      };
    },
  }),
);
