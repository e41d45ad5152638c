import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { actionBackOff, backOffMs } from '../../engine/executor/back-off';

describe('the back-off', () => {
  it.each([
    [1, 1_000],
    [2, 2_000],
    [4, 8_000],
    [7, 60_000],
    [1_000, 60_000],
  ])('after %i failures is %i ms without chance', (failures, expected) => {
    expect(backOffMs(actionBackOff, failures, 0.5)).toBe(expected);
  });

  it('stays between its first and its longest wait, whatever chance says', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 10_000 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (failures, chance) => {
          const wait = backOffMs(actionBackOff, failures, chance);
          expect(wait).toBeGreaterThanOrEqual(1_000);
          expect(wait).toBeLessThanOrEqual(60_000);
        },
      ),
    );
  });
});
