import { asAlarmflowError } from '../../domain/errors';
import type { Abilities } from './abilities';
import type { CallOptions, Camera } from './camera';
import type { GenicamOptions, InputLine, OutputLine } from './options';

/** Which lines are watched and which are switched, and what the operator should mend. */
export interface LineRoles {
  inputs: InputLine[];
  outputs: OutputLine[];
  /** Mode of each line as read (`Input`, `Output`, `Strobe` …), or null where the camera does not tell. */
  modes: ReadonlyMap<string, string | null>;
  /** Another program had control: the modes are not known. */
  inUse: boolean;
  warnings: string[];
}

const MOST_LINES = 64;

/** Asks every line for its mode. Only lines that the operator names are ever changed (an output may be wired as input). */
export async function readLineRoles(
  camera: Camera,
  abilities: Abilities,
  settings: GenicamOptions,
  options: CallOptions,
): Promise<LineRoles> {
  const warnings: string[] = [];
  const lines = abilities.entries('lineSelector').slice(0, MOST_LINES);
  const modes = new Map<string, string | null>();
  let inUse = false;
  for (const line of lines) modes.set(line, await modeOf(line));
  if (inUse)
    warnings.push(
      'Another program holds the control of the camera: which lines are outputs could not be read, and nothing can be written; levels of lines are still read',
    );

  async function modeOf(line: string): Promise<string | null> {
    if (inUse || abilities.name('lineMode') === null) return null;
    try {
      const [mode = null] = await camera.readUnder({ selector: 'LineSelector', value: line }, ['LineMode'], options);
      return mode;
    } catch (thrown) {
      const error = asAlarmflowError(thrown);
      if (error.code === 'E_DEVICE_BUSY') {
        inUse = true;
        return null;
      }
      // The camera is gone: that concerns more than this line.
      if (!readFailed.has(error.code)) throw error;
      return null;
    }
  }

  const isOutput = (line: string): boolean => /output|strobe/i.test(modes.get(line) ?? '');
  const readable = abilities.name('lineStatus') !== null || abilities.name('lineStatusAll') !== null;
  const known = (rows: readonly { line: string }[], field: string): void => {
    const absent = rows.map((row) => row.line).filter((line) => !modes.has(line));
    if (absent.length === 0) return;
    const has = lines.length > 0 ? `it has ${lines.join(', ')}` : 'it has none';
    warnings.push(`"${field}" names ${absent.join(', ')}, which the camera does not have: ${has}`);
  };
  known(settings.inputs, 'Alarm inputs');
  known(settings.outputs, 'Alarm outputs');
  const plain = (line: string): InputLine => ({ line, edge: 'rising', pulse: false, inverted: false });
  const chosen =
    settings.inputs.length > 0
      ? settings.inputs.filter(({ line }) => modes.has(line))
      : lines.filter((l) => !isOutput(l)).map(plain);
  const outputs =
    settings.outputs.length > 0
      ? settings.outputs.filter(({ line }) => modes.has(line))
      : lines.filter(isOutput).map((line) => ({ line, userOutput: null }));
  const both = chosen.filter(({ line }) => isOutput(line) && settings.inputs.length > 0).map(({ line }) => line);
  if (both.length > 0)
    warnings.push(`${both.join(', ')} is watched as an input, but the camera has it as an output: set its LineMode`);
  if (!readable && settings.inputs.length > 0) warnings.push('The camera does not tell the state of its lines');
  return { inputs: readable ? chosen : [], outputs, modes, inUse, warnings };
}

/** Errors of one feature, not of the camera. */
export const readFailed: ReadonlySet<string> = new Set([
  'E_NOT_SUPPORTED',
  'E_BAD_PARAMETER',
  'E_DEVICE_LOCKED',
  'E_DEVICE_ERROR',
]);
