import type { DriverDialog, DriverField } from '../driver';
import { linesOf, optionError, readFields } from '../driver-options';
import { isWord } from './address';

/** Which change of a line is the alarm. */
export type InputEdge = 'rising' | 'falling' | 'any';

/** A line that is watched as an alarm input. */
export interface InputLine {
  line: string;
  /** `rising`: active while high; `falling`: active while low; `any`: each edge is an event by itself. */
  edge: InputEdge;
  /** An edge is an event without an end. */
  pulse: boolean;
  /** Low counts as high. */
  inverted: boolean;
}

export interface OutputLine {
  line: string;
  /** Entry of UserOutputSelector and LineSource; null: chosen by the driver. */
  userOutput: string | null;
}

/** The trigger set-up that the camera is to have; null: as it is. */
export interface TriggerSetup {
  selector: string | null;
  mode: 'On' | 'Off' | null;
  source: string | null;
  activation: string | null;
  /** Microseconds. */
  delayUs: number | null;
  divider: number | null;
  /** Line that debouncer and inverter belong to. */
  line: string | null;
  /** Microseconds. */
  debouncerUs: number | null;
  inverter: boolean | null;
}

/** Settings of one camera as they were checked. */
export interface GenicamOptions {
  inputs: InputLine[];
  pollMs: number;
  debounceMs: number;
  status: 'auto' | 'each';
  outputs: OutputLine[];
  trigger: TriggerSetup;
}

const asItIs = { value: '', label: 'as it is' };
const choice = (name: string, label: string, values: string[], hint?: string): DriverField => ({
  name,
  label,
  kind: 'choice',
  value: '',
  choices: [asItIs, ...values.map((value) => ({ value, label: value }))],
  hint,
});

const fields: readonly DriverField[] = [
  {
    name: 'inputs',
    label: 'Alarm inputs',
    kind: 'lines',
    value: '',
    hint: 'One line of the camera a row, e.g. "Line1", then any of: rising (default), falling, any, pulse, inverted. Empty: every line that is an input',
  },
  {
    name: 'pollMs',
    label: 'Read the lines every … ms',
    kind: 'number',
    value: 100,
    min: 50,
    max: 3_000,
    hint: 'Edges shorter than this are lost; wire short pulses to an input module',
  },
  {
    name: 'debounceMs',
    label: 'Debounce of the inputs, ms',
    kind: 'number',
    value: 0,
    min: 0,
    max: 60_000,
    hint: 'A level counts when it was read unchanged for this long',
  },
  {
    name: 'status',
    label: 'How lines are read',
    kind: 'choice',
    value: 'auto',
    choices: [
      { value: 'auto', label: 'all at once where the camera can (LineStatusAll)' },
      { value: 'each', label: 'one by one (LineSelector, LineStatus)' },
    ],
  },
  {
    name: 'outputs',
    label: 'Alarm outputs',
    kind: 'lines',
    value: '',
    hint: 'One line a row, e.g. "Line0" or "Line2 = UserOutput1"; a bidirectional line is made an output when it is switched. Empty: every line that is an output',
  },
  choice('triggerSelector', 'Trigger', ['FrameStart', 'AcquisitionStart', 'FrameBurstStart']),
  choice('triggerMode', 'Trigger mode', ['On', 'Off']),
  {
    name: 'triggerSource',
    label: 'Trigger source',
    kind: 'text',
    value: '',
    hint: 'Software, Line0, Line1 …; empty: as it is',
  },
  choice('triggerActivation', 'Trigger activation', ['RisingEdge', 'FallingEdge', 'AnyEdge', 'LevelHigh', 'LevelLow']),
  {
    name: 'triggerDelay',
    label: 'Trigger delay, µs',
    kind: 'text',
    value: '',
    hint: '0 to 1000000; empty: as it is',
  },
  { name: 'triggerDivider', label: 'Trigger divider', kind: 'text', value: '', hint: '1 to 65535; empty: as it is' },
  {
    name: 'setupLine',
    label: 'Line of debouncer and inverter',
    kind: 'text',
    value: '',
    hint: 'Empty: the line that is the trigger source',
  },
  {
    name: 'debouncer',
    label: 'Line debouncer of the camera, µs',
    kind: 'text',
    value: '',
    hint: '0 to 1000000; must be shorter than the signal, or nothing comes through; empty: as it is',
  },
  choice('lineInverter', 'Line inverter of the camera', ['on', 'off']),
];

export const genicamDialog: DriverDialog = {
  host: true,
  login: false,
  tls: false,
  receives: ['stream'],
  clock: false,
  fields,
};

const DRIVER = 'GenICam camera';

/** Checks and completes the settings; they stay in the dialog's own form. Throws `E_DEVICE_OPTIONS` (user). */
export function readGenicamFields(options: Record<string, unknown>): Record<string, unknown> {
  const read = readFields(DRIVER, fields, options);
  settingsOf(read);
  return read;
}

/** The settings as the driver uses them. Throws `E_DEVICE_OPTIONS` (user). */
export function readGenicamOptions(options: Record<string, unknown>): GenicamOptions {
  return settingsOf(readFields(DRIVER, fields, options));
}

const labelOf = (name: string): string => fields.find((f) => f.name === name)?.label ?? name;
const refuse = (name: string, reason: string): Error => optionError(DRIVER, labelOf(name), reason);

function settingsOf(read: Record<string, string | number | boolean>): GenicamOptions {
  const text = (name: string): string | null => String(read[name] ?? '').trim() || null;
  const word = (name: string): string | null => {
    const given = text(name);
    if (given !== null && !isWord(given)) throw refuse(name, `"${given.slice(0, 60)}" is no name, write e.g. Line1`);
    return given;
  };
  const number = (name: string, min: number, max: number, whole: boolean): number | null => {
    const given = text(name);
    if (given === null) return null;
    const value = /^\d{1,9}(\.\d{1,6})?$/.test(given) ? Number(given) : Number.NaN;
    if (value >= min && value <= max && (!whole || Number.isInteger(value))) return value;
    throw refuse(name, `give a ${whole ? 'whole ' : ''}number from ${min} to ${max}, or leave it empty`);
  };
  const source = word('triggerSource');
  const line = word('setupLine') ?? (source !== null && /^Line/i.test(source) ? source : null);
  const debouncerUs = number('debouncer', 0, 1_000_000, false);
  const inverter = text('lineInverter');
  if (line === null && debouncerUs !== null) throw refuse('debouncer', 'say which line it is for, e.g. Line1');
  if (line === null && inverter !== null) throw refuse('lineInverter', 'say which line it is for, e.g. Line1');
  return {
    inputs: inputsOf(String(read.inputs)),
    pollMs: Number(read.pollMs),
    debounceMs: Number(read.debounceMs),
    status: read.status === 'each' ? 'each' : 'auto',
    outputs: outputsOf(String(read.outputs)),
    trigger: {
      selector: word('triggerSelector'),
      mode: text('triggerMode') as 'On' | 'Off' | null,
      source,
      activation: word('triggerActivation'),
      delayUs: number('triggerDelay', 0, 1_000_000, false),
      divider: number('triggerDivider', 1, 65_535, true),
      line,
      debouncerUs,
      inverter: inverter === null ? null : inverter === 'on',
    },
  };
}

const MOST_LINES = 64;
const edges: readonly string[] = ['rising', 'falling', 'any'];

function inputsOf(text: string): InputLine[] {
  const found = new Map<string, InputLine>();
  for (const { line: row, number } of linesOf(text)) {
    const [line = '', ...words] = row.split(/[\s,=:]+/);
    const wrong = words.find((w) => !edges.includes(w) && w !== 'pulse' && w !== 'inverted');
    const edge = (words.find((w) => edges.includes(w)) ?? 'rising') as InputEdge;
    if (!isWord(line) || wrong !== undefined)
      throw refuse('inputs', `row ${number}: write e.g. "Line1 falling inverted", not "${row.slice(0, 60)}"`);
    if (found.has(line) || found.size >= MOST_LINES)
      throw refuse('inputs', `row ${number}: give each line once, and at most ${MOST_LINES}`);
    found.set(line, {
      line,
      edge,
      pulse: edge === 'any' || words.includes('pulse'),
      inverted: words.includes('inverted'),
    });
  }
  return [...found.values()];
}

function outputsOf(text: string): OutputLine[] {
  const found = new Map<string, OutputLine>();
  for (const { line: row, number } of linesOf(text)) {
    const [line = '', userOutput = null, more] = row.split(/[\s=:]+/);
    if (!isWord(line) || (userOutput !== null && !isWord(userOutput)) || more !== undefined)
      throw refuse('outputs', `row ${number}: write e.g. "Line0" or "Line2 = UserOutput1", not "${row.slice(0, 60)}"`);
    if (found.has(line) || found.size >= MOST_LINES)
      throw refuse('outputs', `row ${number}: give each line once, and at most ${MOST_LINES}`);
    found.set(line, { line, userOutput });
  }
  return [...found.values()];
}
