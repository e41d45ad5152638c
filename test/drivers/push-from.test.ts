import { describe, expect, it } from 'vitest';
import { mayPushFrom } from '../../engine/drivers/push-from';

describe('addresses that may push', () => {
  it.each([
    [[], '203.0.113.1', true],
    [['192.0.2.1'], '192.0.2.1', true],
    [['192.0.2.1'], '::ffff:192.0.2.1', true],
    [['192.0.2.1'], '192.0.2.2', false],
    [['192.0.2.0/24', '198.51.100.7'], '192.0.2.77', true],
    [['192.0.2.0/24', '198.51.100.7'], '198.51.100.8', false],
    [['2001:db8::/32'], '2001:db8:1::5', true],
    [['2001:db8::/32'], '192.0.2.1', false],
    [['192.0.2.1'], 'nonsense', false],
  ])('with %j, %s: %s', (list, address, expected) => {
    expect(mayPushFrom(list, address)).toBe(expected);
  });

  it.each(['camera.local', '192.0.2.0/33', '192.0.2.0/x', ''])('names the entry %j that is none', (entry) => {
    expect(() => mayPushFrom([entry], '192.0.2.1')).toThrow(expect.objectContaining({ code: 'E_BAD_PARAMETER' }));
  });
});
