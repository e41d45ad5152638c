import { operationalError, userError } from '../../domain/errors';
import type { Log } from '../../domain/log';
import type { Abilities } from './abilities';
import { isWord } from './address';
import type { CallOptions, Camera } from './camera';
import type { LineRoles } from './line-roles';
import type { OutputLine } from './options';

/** Lines as alarm outputs: a line shows the value of a user output, and that value is set (PROTOCOLS §6.2). */
export interface LineOutputs {
  /**
   * Sets a line (`Line0`) or a user output (`UserOutput1`); proved by what the camera reads back. Throws
   * `E_NOT_SUPPORTED`, `E_BAD_PARAMETER` (user), `E_DEVICE_BUSY`, `E_OUTPUT_UNCONFIRMED` … (operational).
   */
  set(output: string, on: boolean, options: CallOptions): Promise<boolean>;
  read(output: string, options: CallOptions): Promise<boolean | null>;
}

const isTrue = (text: string | undefined): boolean => /^(true|1)\b/i.test(text ?? '');

export function createLineOutputs(
  camera: Camera,
  name: string,
  abilities: Abilities,
  roles: LineRoles,
  log: Log,
): LineOutputs {
  /** The line (or null for a user output by itself) and the user output behind it. */
  function target(output: string): { line: OutputLine | null; userOutput: string } {
    if (!isWord(output)) throw userError('E_BAD_PARAMETER', `"${output.slice(0, 60)}" is no line of "${name}"`);
    if (abilities.name('userOutputValue') === null)
      throw userError('E_NOT_SUPPORTED', `"${name}" has no UserOutputValue: its lines cannot be switched by a program`);
    if (abilities.entries('userOutputSelector').includes(output)) return { line: null, userOutput: output };
    const line = roles.outputs.find((o) => o.line === output);
    if (line) return { line, userOutput: userOutputOf(line) };
    const known = roles.outputs.map((o) => o.line).join(', ') || 'none';
    if (!roles.modes.has(output))
      throw userError('E_BAD_PARAMETER', `"${name}" has no line ${output}; its outputs are: ${known}`);
    throw userError(
      'E_BAD_PARAMETER',
      `${output} of "${name}" is no alarm output (outputs are: ${known}): if nothing feeds it, add it to "Alarm outputs" in the device's dialog`,
    );
  }

  /** As set up, else the one with the line's number, else the first that the line can show. */
  function userOutputOf({ line, userOutput }: OutputLine): string {
    const sources = abilities.entries('lineSource');
    const selectable = abilities.entries('userOutputSelector');
    const offered = selectable.length > 0 ? selectable : sources.filter((s) => /^UserOutput/i.test(s));
    const possible = sources.length > 0 ? offered.filter((u) => sources.includes(u)) : offered;
    if (userOutput !== null) {
      if (possible.includes(userOutput)) return userOutput;
      throw userError('E_BAD_PARAMETER', `"${name}" has no ${userOutput} for ${line}; it has: ${possible.join(', ')}`);
    }
    const taken = new Set(roles.outputs.filter((o) => o.line !== line).map((o) => o.userOutput));
    const free = possible.filter((u) => !taken.has(u));
    const number = /\d+$/.exec(line)?.[0];
    const same = free.find((u) => /\d+$/.exec(u)?.[0] === number);
    // Two lines must not share one by chance: those without a number of their own take what no other line's number claims.
    const numbers = new Set(roles.outputs.filter((o) => o.line !== line).map((o) => /\d+$/.exec(o.line)?.[0]));
    const chosen = same ?? free.find((u) => !numbers.has(/\d+$/.exec(u)?.[0])) ?? free[0];
    if (chosen !== undefined) return chosen;
    throw userError('E_NOT_SUPPORTED', `"${name}" has no user output that ${line} can show: it cannot be switched`);
  }

  const underOutput = (userOutput: string): { selector: string; value: string } | null =>
    abilities.name('userOutputSelector') === null ? null : { selector: 'UserOutputSelector', value: userOutput };
  const underLine = (line: string): { selector: string; value: string } => ({ selector: 'LineSelector', value: line });

  const unconfirmed = (what: string, said: string): Error =>
    operationalError(
      'E_OUTPUT_UNCONFIRMED',
      `"${name}" did not confirm ${what}: it reads back ${said.slice(0, 60)}; is another program setting it as well?`,
    );

  /** Writes unless it is so already: a line that is right is not touched. */
  async function ensure(
    feature: 'LineMode' | 'LineSource',
    value: string,
    line: string,
    options: CallOptions,
  ): Promise<void> {
    const [is = ''] = await camera.readUnder(underLine(line), [feature], options);
    if (is === value || (feature === 'LineMode' && /strobe/i.test(is) && value === 'Output')) return;
    const back = await camera.write(feature, value, underLine(line), options);
    if (back !== value) throw unconfirmed(`${feature}=${value} of ${line}`, back);
  }

  return {
    async set(output, on, options) {
      const { line, userOutput } = target(output);
      if (line && abilities.name('lineMode') !== null) await ensure('LineMode', 'Output', line.line, options);
      // The value before the source: the line goes straight to what it is to show.
      const back = await camera.write('UserOutputValue', String(on), underOutput(userOutput), options);
      if (isTrue(back) !== on) throw unconfirmed(`${userOutput}=${on}`, back);
      if (line && abilities.name('lineSource') !== null) await ensure('LineSource', userOutput, line.line, options);
      if (line) await compareLevel(line.line, on, options);
      return on;
    },

    async read(output, options) {
      const { line, userOutput } = target(output);
      if (line && abilities.name('lineSource') !== null) {
        const [source] = await camera.readUnder(underLine(line.line), ['LineSource'], options);
        // It shows something else: whether it is on nobody can say.
        if (source !== userOutput) return null;
      }
      const under = underOutput(userOutput);
      const names = ['UserOutputValue'];
      const [value] = await (under ? camera.readUnder(under, names, options) : camera.read(names, options));
      return isTrue(value);
    },
  };

  /** The level at the line itself, where the camera tells it: not proof (some tell the wire's side), but worth a word. */
  async function compareLevel(line: string, on: boolean, options: CallOptions): Promise<void> {
    if (abilities.name('lineStatus') === null) return;
    const names = abilities.name('lineInverter') === null ? ['LineStatus'] : ['LineStatus', 'LineInverter'];
    const [status, inverter] = await camera.readUnder(underLine(line), names, options);
    if (isTrue(status) !== (on !== isTrue(inverter)))
      log.warn('genicam.output-level-differs', { line, on, status, inverter });
  }
}
