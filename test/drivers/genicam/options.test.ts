import { describe, expect, it } from 'vitest';
import { genicamDriver } from '../../../engine/drivers/genicam';
import { cameraArgs } from '../../../engine/drivers/genicam/address';
import { readGenicamOptions } from '../../../engine/drivers/genicam/options';

const codeOf = (work: () => unknown): string => {
  try {
    work();
  } catch (thrown) {
    return (thrown as { code: string }).code;
  }
  return 'none';
};

describe('the settings of a camera', () => {
  it('leave everything as it is by default', () => {
    expect(readGenicamOptions({})).toEqual({
      inputs: [],
      pollMs: 100,
      debounceMs: 0,
      status: 'auto',
      outputs: [],
      trigger: {
        selector: null,
        mode: null,
        source: null,
        activation: null,
        delayUs: null,
        divider: null,
        line: null,
        debouncerUs: null,
        inverter: null,
      },
    });
  });

  it('name the inputs with edge, pulse and inverter, a row each', () => {
    const { inputs } = readGenicamOptions({
      inputs: 'Line1\n# the gate\nLine2: falling, inverted\r\nLine3 any\nLine4 rising pulse',
    });
    expect(inputs).toEqual([
      { line: 'Line1', edge: 'rising', pulse: false, inverted: false },
      { line: 'Line2', edge: 'falling', pulse: false, inverted: true },
      { line: 'Line3', edge: 'any', pulse: true, inverted: false },
      { line: 'Line4', edge: 'rising', pulse: true, inverted: false },
    ]);
  });

  it('name the outputs with their user output', () => {
    expect(readGenicamOptions({ outputs: 'Line0\nLine2 = UserOutput1' }).outputs).toEqual([
      { line: 'Line0', userOutput: null },
      { line: 'Line2', userOutput: 'UserOutput1' },
    ]);
  });

  it('take the trigger source as the line of debouncer and inverter', () => {
    const { trigger } = readGenicamOptions({ triggerSource: 'Line1', debouncer: '1500', lineInverter: 'off' });
    expect(trigger).toMatchObject({ line: 'Line1', debouncerUs: 1500, inverter: false });
  });

  it.each([0, 1, 999_999.5, 1_000_000])('take a trigger delay of %d µs', (delay) => {
    expect(readGenicamOptions({ triggerDelay: String(delay) }).trigger.delayUs).toBe(delay);
  });

  it.each([
    [{ triggerDelay: '1000001' }, 'Trigger delay'],
    [{ triggerDelay: '-1' }, 'Trigger delay'],
    [{ triggerDelay: '1e3' }, 'Trigger delay'],
    [{ triggerDivider: '0' }, 'Trigger divider'],
    [{ triggerDivider: '1.5' }, 'Trigger divider'],
    [{ debouncer: '10' }, 'which line'],
    [{ lineInverter: 'on', triggerSource: 'Software' }, 'which line'],
    [{ triggerSource: 'R[0x10]' }, 'no name'],
    [{ triggerSource: 'Line1 LineMode=Output' }, 'no name'],
    [{ triggerSelector: 'Bogus' }, 'choose one of'],
    [{ pollMs: 20 }, 'from 50'],
    [{ inputs: 'Line1 sideways' }, 'row 1'],
    [{ inputs: 'Line1\nLine1' }, 'row 2'],
    [{ inputs: '--help' }, 'row 1'],
    [{ outputs: 'Line0 = R[1]' }, 'row 1'],
    [{ outputs: 'Line0 = A B' }, 'row 1'],
    [{ nothing: 1 }, 'no such setting'],
  ])('refuse %o and say what is wrong', (options, words) => {
    expect(() => genicamDriver.readOptions?.(options)).toThrow(words);
    expect(codeOf(() => genicamDriver.readOptions?.(options))).toBe('E_DEVICE_OPTIONS');
  });

  it('are the same when they are read twice', () => {
    const once = genicamDriver.readOptions?.({ inputs: 'Line1 falling', triggerDelay: '5' }) ?? {};
    expect(genicamDriver.readOptions?.(once)).toEqual(once);
  });
});

describe('the name of a camera', () => {
  it('is an address or a name, and is told to the tool as such', () => {
    expect(cameraArgs('192.168.1.20')).toEqual(['-a', '192.168.1.20']);
    expect(cameraArgs('Maker-CA050-10UC-00C1234')).toEqual(['-n', 'Maker-CA050-10UC-00C1234']);
  });

  it.each(['', '--help', '*', 'a*', 'Cam?', 'a\nb', '$(id)', 'x'.repeat(200), '-n'])('is never "%s"', (host) => {
    expect(codeOf(() => cameraArgs(host))).toBe('E_DEVICE_OPTIONS');
  });
});
