import { asAlarmflowError, operationalError } from '../../domain/errors';
import type { Log } from '../../domain/log';
import type { Abilities } from './abilities';
import type { CallOptions, Camera } from './camera';
import { parseNumber } from './output';

/** Levels of lines, true is high, and the text that told them. */
export interface LineLevels {
  levels: ReadonlyMap<string, boolean>;
  raw: string;
}

export interface LineReader {
  /** Levels of the lines. Throws what the camera's answer throws. */
  read(options: CallOptions): Promise<LineLevels>;
  /** How many lines one look takes one by one; 1 where all come at once. */
  calls(): number;
}

/** A level that can't be read is none: it must neither begin nor end anything. */
function levelOf(line: string, text: string): boolean {
  const word = /^(?:(true|1|on|high)|false|0|off|low)\b/i.exec(text.trim());
  if (word) return word[1] !== undefined;
  throw operationalError(
    'E_DEVICE_ERROR',
    `The level of ${line} can't be read: the camera tells "${text.slice(0, 60)}"`,
  );
}

/**
 * Reads the levels of lines: all in one mask where the camera has LineStatusAll, else each under its selector
 * (PROTOCOLS §6.1). Which bit is which line is not the same on all cameras (bit 0 is Line0, or Line1 where there is no
 * Line0), so a mask that tells lines apart for the first time is compared with the lines one by one; a camera that
 * contradicts itself is read one by one from then on.
 */
export function createLineReader(
  camera: Camera,
  abilities: Abilities,
  lines: readonly string[],
  status: 'auto' | 'each',
  log: Log,
): LineReader {
  const all = abilities.name('lineStatusAll');
  const bits = bitsOf(abilities.allEntries('lineSelector'), lines);
  const single = abilities.name('lineSelector') !== null && abilities.name('lineStatus') !== null;
  let mask = all !== null && bits !== null && (status === 'auto' || !single);
  let proved = !single;

  async function readEach(options: CallOptions): Promise<LineLevels> {
    const levels = new Map<string, boolean>();
    const raw: string[] = [];
    for (const line of lines) {
      const [text = ''] = await camera.readUnder({ selector: 'LineSelector', value: line }, ['LineStatus'], options);
      levels.set(line, levelOf(line, text));
      raw.push(`LineSelector = ${line}\nLineStatus = ${text}`);
    }
    return { levels, raw: raw.join('\n') };
  }

  async function readMask(options: CallOptions): Promise<LineLevels & { value: number }> {
    const [text = ''] = await camera.read([all ?? ''], options);
    const value = maskOf(text);
    const levels = new Map(lines.map((line) => [line, bit(value, bits?.get(line) ?? 0)]));
    return { levels, raw: `${all} = ${text}`, value };
  }

  return {
    calls: () => (mask ? 1 : lines.length),
    async read(options) {
      if (!mask) return readEach(options);
      let seen: Awaited<ReturnType<typeof readMask>>;
      try {
        seen = await readMask(options);
      } catch (thrown) {
        if (!single || asAlarmflowError(thrown).code !== 'E_LINE_MASK') throw thrown;
        mask = false;
        log.warn('genicam.line-mask-unreadable', { reason: asAlarmflowError(thrown).message });
        return readEach(options);
      }
      if (proved || seen.value === 0) return seen;
      let each: LineLevels;
      try {
        each = await readEach(options);
      } catch (thrown) {
        // Another program has control: selectors cannot be set, but the mask is still true.
        if (asAlarmflowError(thrown).code === 'E_DEVICE_BUSY') return seen;
        throw thrown;
      }
      const again = await readMask(options);
      // Something moved meanwhile: nothing is proved by that.
      if (again.value !== seen.value) return each;
      const differ = lines.filter((line) => each.levels.get(line) !== seen.levels.get(line));
      if (differ.length > 0) {
        mask = false;
        log.warn('genicam.line-mask-differs', { lines: differ.join(' '), mask: seen.value });
        return each;
      }
      proved = new Set(seen.levels.values()).size > 1;
      return seen;
    },
  };
}

/** In decimals, as arv-tool 0.8 prints, or in hexadecimal digits. */
function maskOf(text: string): number {
  const hex = /^0x([\da-f]{1,13})\b/i.exec(text.trim())?.[1];
  const value = hex === undefined ? parseNumber(text)?.value : Number.parseInt(hex, 16);
  if (value !== undefined && Number.isInteger(value) && value >= 0) return value;
  throw operationalError('E_LINE_MASK', `The mask of all lines can't be read: the camera tells "${text.slice(0, 60)}"`);
}

/** Beyond 32 bits as well, where `>>` would lie. */
const bit = (value: number, at: number): boolean => Math.floor(value / 2 ** at) % 2 === 1;

/** Bit of each line: its number, counted from the camera's first line; null where a line has no number. */
function bitsOf(all: readonly string[], lines: readonly string[]): ReadonlyMap<string, number> | null {
  const numberOf = (line: string): number => Number(/^Line(\d{1,2})$/i.exec(line)?.[1] ?? Number.NaN);
  const known = all.map(numberOf).filter((n) => !Number.isNaN(n));
  const first = Math.min(...(known.length > 0 ? known : [0]));
  // Bit 0 is Line0, or Line1 on cameras that count from there.
  const base = first === 1 ? 1 : 0;
  const bits = new Map(lines.map((line) => [line, numberOf(line) - base]));
  return [...bits.values()].every((b) => b >= 0 && b < 52) ? bits : null;
}
