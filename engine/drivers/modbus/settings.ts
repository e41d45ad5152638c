import type { DriverField } from '../driver';
import { linesOf, optionError, readFields } from '../driver-options';
import type { Framing } from './framing';

export type InputKind = 'discrete' | 'coils' | 'holding-bits' | 'input-bits' | 'holding-words' | 'input-words';
export type OutputKind = 'coil' | 'register';

/** A board's settings as the connection uses them; addresses are those on the wire, from 0. */
export interface BoardSettings {
  framing: Framing;
  unit: number;
  timeoutMs: number;
  spacingMs: number;
  pollMs: number;
  samples: number;
  inputs: { kind: InputKind; count: number; address: number; names: string[]; closed: ReadonlySet<number> };
  outputs: {
    kind: OutputKind;
    count: number;
    address: number;
    names: string[];
    multiple: boolean;
    readBack: boolean;
    on: number;
    off: number;
  };
  /** The board's own timers: a word written to this coil and those behind it, in steps of 100 ms. */
  timer: { address: number } | null;
  /** Whenever an output is on, the board's timer is set to this and renewed; 0: not. */
  secondNetMs: number;
}

const TITLE = 'Modbus';

/** The driver's part of the device dialog. */
export const boardFields: readonly DriverField[] = [
  {
    name: 'framing',
    label: 'Framing',
    kind: 'choice',
    value: 'tcp',
    choices: [
      { value: 'tcp', label: 'Modbus TCP' },
      { value: 'rtu', label: 'RTU over TCP (serial gateways)' },
    ],
  },
  { name: 'unit', label: 'Unit id', kind: 'number', value: 1, min: 0, max: 255 },
  {
    name: 'counting',
    label: 'Addresses in the manual',
    kind: 'choice',
    value: 'zero',
    hint: 'How the first addresses below are written',
    choices: [
      { value: 'zero', label: 'count from 0, as on the wire' },
      { value: 'one', label: 'count from 1' },
      { value: 'modicon', label: '00001, 10001, 30001, 40001' },
    ],
  },
  { name: 'inputs', label: 'Inputs', kind: 'number', value: 8, min: 0, max: 256 },
  {
    name: 'inputKind',
    label: 'Inputs are',
    kind: 'choice',
    value: 'discrete',
    choices: [
      { value: 'discrete', label: 'discrete inputs (function 2)' },
      { value: 'coils', label: 'coils (function 1)' },
      { value: 'holding-bits', label: 'bits of holding registers (function 3)' },
      { value: 'input-bits', label: 'bits of input registers (function 4)' },
      { value: 'holding-words', label: 'one holding register each (function 3)' },
      { value: 'input-words', label: 'one input register each (function 4)' },
    ],
  },
  { name: 'firstInput', label: 'Address of the first input', kind: 'number', value: 0, min: 0, max: 465_536 },
  {
    name: 'normallyClosed',
    label: 'Inputs that are closed at rest (NC)',
    kind: 'text',
    value: '',
    hint: 'Numbers, e.g. 2, 5-8',
  },
  { name: 'inputNames', label: 'Names of the inputs, one a line', kind: 'lines', value: '' },
  { name: 'outputs', label: 'Outputs', kind: 'number', value: 8, min: 0, max: 256 },
  {
    name: 'outputKind',
    label: 'Outputs are',
    kind: 'choice',
    value: 'coil',
    choices: [
      { value: 'coil', label: 'coils' },
      { value: 'register', label: 'one holding register each' },
    ],
  },
  { name: 'firstOutput', label: 'Address of the first output', kind: 'number', value: 0, min: 0, max: 465_536 },
  {
    name: 'writeWith',
    label: 'Written with',
    kind: 'choice',
    value: 'single',
    choices: [
      { value: 'single', label: 'function 5 or 6 (one)' },
      { value: 'multiple', label: 'function 15 or 16 (many)' },
    ],
  },
  {
    name: 'onValue',
    label: 'Register value for on',
    kind: 'number',
    value: 1,
    min: 0,
    max: 65_535,
    when: { field: 'outputKind', is: ['register'] },
  },
  {
    name: 'offValue',
    label: 'Register value for off',
    kind: 'number',
    value: 0,
    min: 0,
    max: 65_535,
    when: { field: 'outputKind', is: ['register'] },
  },
  { name: 'readBack', label: 'Outputs can be read back', kind: 'flag', value: true },
  { name: 'outputNames', label: 'Names of the outputs, one a line', kind: 'lines', value: '' },
  {
    name: 'timer',
    label: 'The board’s own timers',
    kind: 'choice',
    value: 'none',
    hint: 'Check the manual of the board',
    choices: [
      { value: 'none', label: 'none' },
      { value: 'flash-on', label: 'flash on: function 5 with the time in 100 ms' },
    ],
  },
  {
    name: 'timerAddress',
    label: 'Flash on: address of the first',
    kind: 'number',
    value: 512,
    min: 0,
    max: 65_535,
    when: { field: 'timer', is: ['flash-on'] },
  },
  {
    name: 'secondNet',
    label: 'Outputs fall off after this many seconds without alarmflow',
    kind: 'number',
    value: 0,
    min: 0,
    max: 3_000,
    hint: '0: never; needs the board’s own timers',
  },
  { name: 'pollHz', label: 'Inputs are read, times a second', kind: 'number', value: 10, min: 1, max: 20 },
  { name: 'samples', label: 'Equal samples that make a change', kind: 'number', value: 2, min: 1, max: 20 },
  { name: 'timeout', label: 'Time for an answer, ms', kind: 'number', value: 1_000, min: 50, max: 5_000 },
  {
    name: 'spacing',
    label: 'Pause between requests, ms',
    kind: 'number',
    value: 0,
    min: 0,
    max: 500,
    hint: '30 to 100 for serial gateways',
  },
];

/** Checks and completes the settings. Throws `E_DEVICE_OPTIONS` (user). */
export function readBoardOptions(options: Record<string, unknown>): Record<string, unknown> {
  const read = readFields(TITLE, boardFields, options);
  settingsOf(read);
  return read;
}

/** The settings as the connection uses them. Throws `E_DEVICE_OPTIONS` (user). */
export function boardSettings(options: Record<string, unknown>): BoardSettings {
  return settingsOf(readFields(TITLE, boardFields, options));
}

type Read = Record<string, string | number | boolean>;

function settingsOf(read: Read): BoardSettings {
  const number = (name: string): number => {
    const value = Number(read[name]);
    if (name !== 'secondNet' && name !== 'pollHz' && !Number.isInteger(value))
      throw optionError(TITLE, labelOf(name), 'give a whole number');
    return value;
  };
  const inputs = number('inputs');
  const outputs = number('outputs');
  if (inputs === 0 && outputs === 0) throw optionError(TITLE, 'Inputs', 'give a number of inputs or of outputs');
  const inputKind = read.inputKind as InputKind;
  const outputKind = read.outputKind as OutputKind;
  const timer = read.timer === 'flash-on' ? { address: number('timerAddress') } : null;
  const secondNetMs = number('secondNet') * 1_000;
  if (secondNetMs > 0 && !timer)
    throw optionError(TITLE, labelOf('secondNet'), 'choose the board’s own timers first, or give 0');
  if (secondNetMs > 0 && secondNetMs < 1_000) throw optionError(TITLE, labelOf('secondNet'), 'give 0, or 1 and more');
  if (timer && outputKind !== 'coil')
    throw optionError(TITLE, labelOf('timer'), 'only outputs that are coils have them');
  if (timer && timer.address + outputs > 65_536)
    throw optionError(TITLE, labelOf('timerAddress'), 'the timers reach beyond address 65535');
  if (outputKind === 'register' && read.onValue === read.offValue)
    throw optionError(TITLE, labelOf('onValue'), 'on and off need different values');
  const counting = String(read.counting);
  return {
    framing: read.framing as Framing,
    unit: number('unit'),
    timeoutMs: number('timeout'),
    spacingMs: number('spacing'),
    pollMs: 1_000 / number('pollHz'),
    samples: number('samples'),
    inputs: {
      kind: inputKind,
      count: inputs,
      address: wireAddress('firstInput', number('firstInput'), counting, tableOf(inputKind), size(inputKind, inputs)),
      names: namesIn(String(read.inputNames)),
      closed: numbersIn(String(read.normallyClosed), inputs),
    },
    outputs: {
      kind: outputKind,
      count: outputs,
      address: wireAddress('firstOutput', number('firstOutput'), counting, outputKind === 'coil' ? 0 : 4, outputs),
      names: namesIn(String(read.outputNames)),
      multiple: read.writeWith === 'multiple',
      readBack: read.readBack === true,
      on: number('onValue'),
      off: number('offValue'),
    },
    timer,
    secondNetMs,
  };
}

const labelOf = (name: string): string => boardFields.find((field) => field.name === name)?.label ?? name;

/** Leading digit of the Modicon notation. */
const tableOf = (kind: InputKind): number => {
  if (kind === 'discrete') return 1;
  if (kind === 'coils') return 0;
  return kind.startsWith('input') ? 3 : 4;
};

/** Addresses that so many inputs take. */
const size = (kind: InputKind, count: number): number => (kind.endsWith('bits') ? Math.ceil(count / 16) : count);

function wireAddress(field: string, given: number, counting: string, table: number, count: number): number {
  const label = labelOf(field);
  // A new device's 0 stands for "the first", however the manual counts.
  let address = given === 0 || counting === 'zero' ? given : given - 1;
  if (counting === 'modicon' && given !== 0) {
    // Five digits (40001) or six (400001); coils have no leading digit.
    const base = table * (given > 99_999 ? 100_000 : 10_000);
    address = given - base - 1;
    const room = given > 99_999 ? 65_536 : 9_999;
    if (address < 0 || address >= room)
      throw optionError(TITLE, label, `write it as ${table}0001 to ${table}9999, or count from 0 or 1`);
  }
  if (count > 0 && address + count > 65_536) throw optionError(TITLE, label, 'the addresses reach beyond 65535');
  return address;
}

const namesIn = (text: string): string[] => text.split(/\r?\n/).map((line) => line.trim().slice(0, 100));

/** `2, 5-8` as numbers from 1. */
function numbersIn(text: string, most: number): ReadonlySet<number> {
  const found = new Set<number>();
  for (const { line } of linesOf(text.replaceAll(',', '\n'))) {
    const match = /^(\d{1,3})(?:\s*-\s*(\d{1,3}))?$/.exec(line);
    const from = Number(match?.[1]);
    const to = Number(match?.[2] ?? match?.[1]);
    if (!match || from < 1 || to < from || to > most)
      throw optionError(TITLE, labelOf('normallyClosed'), `"${line}" is no input from 1 to ${most}; write e.g. 2, 5-8`);
    for (let input = from; input <= to; input++) found.add(input);
  }
  return found;
}
