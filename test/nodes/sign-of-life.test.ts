import { describe, expect, it } from 'vitest';
import type { DeviceDefinition } from '../../engine/domain/devices';
import { driverChoices } from '../../engine/drivers';
import { device } from '../../nodes/config/device/device';
import { fitDriver } from '../../nodes/config/device/settings';
import { completeConfig } from '../../nodes/shared/define-node';
import { Fields } from '../../nodes/shared/fields';
import type { RawConfig } from '../../nodes/shared/runtime-api';

function read(config: RawConfig): DeviceDefinition {
  const complete = completeConfig(device, { id: 'd', ...config }, 'Device "d"');
  const fields = new Fields(complete, 'Device "d"', () => null, {});
  return fitDriver(device.read(fields), driverChoices(), 'Device "d"');
}

describe('the sign of life in the device dialog', () => {
  it.each([
    ['', undefined],
    [0, undefined],
    ['0', undefined],
    [10, 600_000],
    ['1.5', 90_000],
  ])('takes %j minutes', (signOfLife, ms) => {
    expect(read({ version: 2, driver: 'http-push', signOfLife }).signOfLifeMs).toBe(ms);
  });

  it.each([[-1], ['soon'], [100_001]])('refuses %j', (signOfLife) => {
    expect(() => read({ version: 2, driver: 'http-push', signOfLife })).toThrow(/Sign of life/);
  });

  it('counts only where nobody asks the device', () => {
    const camera = { version: 2, driver: 'vivotek', host: '192.0.2.1', signOfLife: 10 };
    expect(read({ ...camera, receive: 'push' }).signOfLifeMs).toBe(600_000);
    expect(read({ ...camera, receive: 'both' })).not.toHaveProperty('signOfLifeMs');
  });

  it.each([
    ['http-push', { silenceSeconds: 90, recent: 5 }, 90_000, { recent: 5 }],
    ['http-push', { silenceSeconds: 0 }, undefined, undefined],
    ['snmp-traps', { silence: 60, listenPort: 1162 }, 3_600_000, { listenPort: 1162 }],
    ['mqtt', { silence: 60 }, undefined, { silence: 60 }],
  ])('takes over what %s had of its own: %j', (driver, options, ms, left) => {
    const definition = read({ version: 1, driver, host: driver === 'mqtt' ? '192.0.2.1' : '', options });
    expect(definition.signOfLifeMs).toBe(ms);
    expect(definition.options).toEqual(left);
  });
});
