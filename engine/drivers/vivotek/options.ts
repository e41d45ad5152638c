import { userError } from '../../domain/errors';
import type { DriverDialog } from '../driver';

/** The driver's own settings of one camera. */
export interface VivotekOptions {
  /** Milliseconds between two questions for the inputs. */
  pollMs: number;
  /** A changed input is asked again after this long before it counts, milliseconds. */
  debounceMs: number;
  /** First number of inputs and outputs; null: found out. */
  firstNumber: 0 | 1 | null;
  /** Inputs that are active at 0 (normally closed). */
  inverted: ReadonlySet<string>;
  /** Report outputs that change as relay-state. */
  watchOutputs: boolean;
  /** The camera itself switches an output off after this long, milliseconds; null: never. */
  outputMostMs: number | null;
  /** Names of presets by their number. */
  presets: ReadonlyMap<number, string>;
  /** 1–5, or null: the camera's own. */
  quality: number | null;
  /** Milliseconds after which a pushed event without an end counts as over. */
  quietMs: number;
}

export const vivotekDialog: DriverDialog = {
  host: true,
  login: true,
  tls: true,
  receives: ['both', 'stream', 'push'],
  live: true,
  fields: [
    { name: 'pollMs', label: 'Ask for inputs every (ms)', kind: 'number', value: 500, min: 250, max: 5_000 },
    {
      name: 'debounceMs',
      label: 'Debounce (ms)',
      kind: 'number',
      value: 100,
      min: 0,
      max: 2_000,
      hint: 'A changed input counts when it reads the same again after this long; 0: at once',
    },
    {
      name: 'numbering',
      label: 'Inputs and outputs begin with',
      kind: 'choice',
      value: 'auto',
      choices: [
        { value: 'auto', label: 'find out' },
        { value: '0', label: '0' },
        { value: '1', label: '1' },
      ],
    },
    {
      name: 'inverted',
      label: 'Inputs that are normally closed',
      kind: 'text',
      value: '',
      hint: 'Their numbers as the camera counts, parted by commas: active at 0',
    },
    { name: 'watchOutputs', label: 'Report outputs that change', kind: 'flag', value: true },
    {
      name: 'outputMostSeconds',
      label: 'Outputs: the camera switches off after (s)',
      kind: 'number',
      value: 0,
      min: 0,
      max: 3_600,
      hint: 'Second net for a siren: the camera ends it by itself should alarmflow be gone. While it is held its time is begun anew again and again. 0: never',
    },
    {
      name: 'presets',
      label: 'Names of presets',
      kind: 'lines',
      value: '',
      hint: 'One line each: <number> = <name on the camera>. Without: the names that the camera lists, else the number itself',
    },
    {
      name: 'quality',
      label: 'Picture quality',
      kind: 'number',
      value: 0,
      min: 0,
      max: 5,
      hint: '1–5; 0: as set on the camera',
    },
    {
      name: 'quietSeconds',
      label: 'Quiet time of pushed events (s)',
      kind: 'number',
      value: 10,
      min: 1,
      max: 3_600,
      hint: 'A pushed event without an end counts as over after this long',
    },
  ],
};

const bad = (field: string, given: unknown, remedy: string): Error =>
  userError('E_DEVICE_OPTIONS', `"${field}": "${String(given).slice(0, 80)}" – ${remedy}`);

/** Checks and completes the settings. Throws `E_DEVICE_OPTIONS` (user) that names field and remedy. */
export function readVivotekOptions(options: Record<string, unknown>): Record<string, unknown> {
  const known = new Map(vivotekDialog.fields.map((field) => [field.name, field]));
  const unknown = Object.keys(options).find((name) => !known.has(name));
  if (unknown !== undefined) throw bad(unknown, options[unknown], 'this driver has no such setting: remove it');
  const checked: Record<string, unknown> = {};
  for (const [name, field] of known) {
    const given = options[name] ?? field.value;
    if (field.kind === 'number') {
      const value = typeof given === 'string' && /^\d{1,6}$/.test(given.trim()) ? Number(given) : given;
      if (typeof value !== 'number' || !Number.isInteger(value) || value < (field.min ?? 0) || value > (field.max ?? 0))
        throw bad(name, given, `give a whole number from ${field.min} to ${field.max}`);
      checked[name] = value;
    } else if (field.kind === 'flag') {
      if (typeof given !== 'boolean') throw bad(name, given, 'tick it or not');
      checked[name] = given;
    } else {
      const text = Array.isArray(given) ? given.join('\n') : given;
      if (typeof text !== 'string' || text.length > 4_096)
        throw bad(name, given, 'give a text of at most 4096 characters');
      if (field.choices && !field.choices.some((choice) => choice.value === text))
        throw bad(name, text, `choose one of: ${field.choices.map((choice) => choice.value).join(', ')}`);
      checked[name] = text;
    }
  }
  compileOptions(checked);
  return checked;
}

/** Checked settings in the form in which the driver uses them. Throws `E_DEVICE_OPTIONS` (user). */
export function compileOptions(checked: Record<string, unknown>): VivotekOptions {
  const inverted = String(checked.inverted)
    .split(/[\s,]+/)
    .filter((number) => number !== '');
  const wrong = inverted.find((number) => !/^\d{1,3}$/.test(number));
  if (wrong !== undefined) throw bad('inverted', wrong, 'give numbers of inputs, parted by commas');
  const presets = new Map<number, string>();
  for (const line of String(checked.presets).split(/\r?\n/)) {
    if (line.trim() === '') continue;
    const match = /^\s{0,20}(\d{1,4})\s{0,20}=\s{0,20}(\S.{0,59})$/.exec(line);
    if (!match) throw bad('presets', line, 'write <number> = <name on the camera>');
    presets.set(Number(match[1]), (match[2] ?? '').trim());
  }
  const most = Number(checked.outputMostSeconds);
  const quality = Number(checked.quality);
  return {
    pollMs: Number(checked.pollMs),
    debounceMs: Number(checked.debounceMs),
    firstNumber: checked.numbering === '0' ? 0 : checked.numbering === '1' ? 1 : null,
    inverted: new Set(inverted.map((number) => String(Number(number)))),
    watchOutputs: checked.watchOutputs === true,
    outputMostMs: most > 0 ? most * 1_000 : null,
    presets,
    quality: quality > 0 ? quality : null,
    quietMs: Number(checked.quietSeconds) * 1_000,
  };
}
