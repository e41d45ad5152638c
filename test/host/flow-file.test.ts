import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AlarmflowError } from '../../engine/domain/errors';
import { checkFlows, typesWithout } from '../../engine/host/flow-file';

const tab = { id: 'a', type: 'tab' };

describe('a flow file', () => {
  it.each([
    ['text', 'no flow'],
    [null, 'no flow'],
    [{ a: 1 }, 'no flow'],
    [[1], 'entry 1 is no object'],
    [[{ type: 'tab' }], 'entry 1 has no usable "id"'],
    [[{ id: '__proto__', type: 'tab' }], 'entry 1 has no usable "id"'],
    [[{ id: 'a' }], 'entry 1 has no "type"'],
    [[tab, { ...tab, label: 'Hall' }], 'entry 2 ("Hall") has the same id "a" as entry 1'],
    [[{ id: 'a', type: 'debug', wires: 'b' }], 'entry 1 has "wires" that are no lists of ids'],
    [[{ id: 'a', type: 'debug', z: 1 }], 'entry 1 has a "z" that is no id'],
    [Array(50_001).fill(tab), '50001 nodes'],
  ])('like %.60j is refused', (flow, reason) => {
    expect(() => checkFlows(flow, 'Flow file x.json')).toThrow(
      expect.objectContaining({ code: 'E_FLOW_FILE', family: 'user', message: expect.stringContaining(reason) }),
    );
  });

  it('tells ten faults, and how many more there are', () => {
    expect(() => checkFlows(Array(15).fill(1))).toThrow(/entry 10 is no object; and 5 more/);
  });

  it('is an array, or an object that has it as flows', () => {
    expect(checkFlows([tab])).toEqual([tab]);
    expect(checkFlows({ rev: '1', flows: [tab] })).toEqual([tab]);
  });

  it('of any content is taken or refused with one user error', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        try {
          expect(typesWithout(checkFlows(value), () => false)).toBeInstanceOf(Array);
        } catch (error) {
          expect(error).toBeInstanceOf(AlarmflowError);
        }
      }),
    );
  });
});
