import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createDebouncer } from '../../../engine/drivers/modbus/debounce';
import { boardSettings, readBoardOptions } from '../../../engine/drivers/modbus/settings';

describe('the settings of a board', () => {
  it('have a value for everything, and stay the same when they are read again', () => {
    const read = readBoardOptions({});
    expect(read).toMatchObject({ framing: 'tcp', unit: 1, inputs: 8, outputs: 8, pollHz: 10, samples: 2 });
    expect(readBoardOptions(read)).toEqual(read);
  });

  it.each<[string, Record<string, unknown>, number]>([
    ['counted from 0', { counting: 'zero', firstInput: 5 }, 5],
    ['counted from 1', { counting: 'one', firstInput: 5 }, 4],
    ['as 10001', { counting: 'modicon', firstInput: 10_001 }, 0],
    ['as 100001', { counting: 'modicon', firstInput: 100_017 }, 16],
    ['as 00001 for coils', { counting: 'modicon', inputKind: 'coils', firstInput: 3 }, 2],
    ['as 40001 for holding registers', { counting: 'modicon', inputKind: 'holding-words', firstInput: 40_011 }, 10],
    ['as 30001 for input registers', { counting: 'modicon', inputKind: 'input-bits', firstInput: 30_002 }, 1],
    ['left as it is', { counting: 'modicon' }, 0],
  ])('take the first address %s', (_name, options, address) => {
    expect(boardSettings(options).inputs.address).toBe(address);
  });

  it('read which inputs are closed at rest', () => {
    expect([...boardSettings({ normallyClosed: '2, 5-7' }).inputs.closed]).toEqual([2, 5, 6, 7]);
  });

  it.each<[string, Record<string, unknown>, RegExp]>([
    ['a setting that there is not', { baud: 9600 }, /no such setting/],
    ['a unit beyond 255', { unit: 256 }, /Unit id.*from 0 to 255/],
    ['half an input', { inputs: 1.5 }, /whole number/],
    ['a framing that there is not', { framing: 'ascii' }, /choose one of/],
    ['nothing to read or switch', { inputs: 0, outputs: 0 }, /number of inputs/],
    ['40001 for discrete inputs', { counting: 'modicon', firstInput: 40_001 }, /write it as 10001/],
    ['addresses beyond the end', { firstInput: 65_535 }, /beyond 65535/],
    ['NC of an input that there is not', { inputs: 4, normallyClosed: '5' }, /no input from 1 to 4/],
    ['a second net without timers', { secondNet: 5 }, /own timers first/],
    ['timers of registers', { timer: 'flash-on', outputKind: 'register' }, /coils/],
    ['the same value for on and off', { outputKind: 'register', onValue: 0 }, /different values/],
    ['a number that is text', { inputs: 'many' }, /give a number/],
    ['a flag that is text', { readBack: 'yes' }, /true or false/],
  ])('refuse %s, naming the field', (_name, options, words) => {
    expect(() => readBoardOptions(options)).toThrow(words);
  });

  it('never fail in another way, whatever they are', () => {
    const value = fc.oneof(fc.string(), fc.double(), fc.boolean(), fc.constant(null), fc.integer());
    const names = ['framing', 'unit', 'firstInput', 'normallyClosed', 'inputs', 'counting', '__proto__', 'x'];
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom(...names), value), (options) => {
        try {
          readBoardOptions(options);
        } catch (error) {
          expect(error).toMatchObject({ code: 'E_DEVICE_OPTIONS', family: 'user' });
        }
      }),
    );
  });
});

describe('debouncing', () => {
  it('takes a contact for changed after so many equal samples', () => {
    const debouncer = createDebouncer(3);
    const seen = [true, true, true, false, true, false, false, false].map((on) => debouncer.sample([on])[0]);
    expect(seen).toEqual([null, null, true, true, true, true, true, false]);
  });

  it('begins anew after a gap', () => {
    const debouncer = createDebouncer(2);
    debouncer.sample([true]);
    debouncer.gap();
    expect(debouncer.sample([true])).toEqual([null]);
    expect(debouncer.sample([true])).toEqual([true]);
  });
});
