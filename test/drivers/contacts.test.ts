import { describe, expect, it } from 'vitest';
import { contactNumber } from '../../engine/drivers/modbus/board';
import { contactOf } from '../../engine/drivers/vivotek/actions';

describe('which contact an output is', () => {
  it.each([
    ['relay', '0', '0'],
    ['relay', 'do0', '0'],
    ['relay', ' DO00 ', '0'],
    ['line', 'do0', '0'],
    ['line', 'vi0', null],
    ['relay', 'siren', null],
    ['siren', '0', null],
  ] as const)('of VIVOTEK: %s %j is %j', (kind, output, contact) => {
    expect(contactOf(kind, output)).toBe(contact);
  });

  it.each([
    ['2', '2'],
    ['02', '2'],
    [' 2 ', '2'],
    ['Hall siren', '2'],
    ['5', null],
    ['0', null],
    ['constructor', null],
  ])('of a Modbus board with four outputs: %j is %j', (output, contact) => {
    expect(contactNumber(output, { outputs: { count: 4, names: ['', 'Hall siren'] } as never })).toBe(contact);
  });
});
