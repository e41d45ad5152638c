import { AlarmflowError } from '../../domain/errors';
import type { Cgi } from './cgi';
import { parseParams } from './params';

export type PortKind = 'di' | 'do';

/** State by number, as the camera counts; a number that the camera doesn't tell is absent. */
export type PortStates = ReadonlyMap<string, boolean>;

/** Most inputs or outputs that are looked for where the camera doesn't tell how many it has. */
const MOST_PORTS = 8;
/** The camera answers a question about a port that it lacks, or that the user may not ask, with one of these. */
const NO_ANSWER: ReadonlySet<string> = new Set(['E_NOT_SUPPORTED', 'E_BAD_PARAMETER']);

/** Asks for several ports at once. */
export async function readPorts(
  cgi: Cgi,
  kind: PortKind,
  numbers: readonly string[],
  signal: AbortSignal,
  timeoutMs?: number,
  tap?: (text: string) => void,
): Promise<PortStates> {
  if (numbers.length === 0) return new Map();
  const query = numbers.map((number) => kind + number).join('&');
  const what = kind === 'di' ? 'Inputs' : 'Outputs';
  const text = await cgi.ask(`/cgi-bin/dido/get${kind}.cgi?${query}`, what, signal, timeoutMs);
  tap?.(text);
  const found = portStates(kind, text);
  if (numbers.length < 2 || found.size === 0 || numbers.every((number) => found.has(number))) return found;
  // Some firmware answers for the first of several only.
  const all = new Map(found);
  for (const number of numbers) {
    if (all.has(number)) continue;
    for (const [other, active] of await readPorts(cgi, kind, [number], signal, timeoutMs, tap)) all.set(other, active);
  }
  return all;
}

/** The states in an answer; quoted or not, spaces or not. What is neither 0 nor 1 is no state. */
export function portStates(kind: PortKind, text: string): PortStates {
  const found = new Map<string, boolean>();
  for (const [name, value] of parseParams(text)) {
    const number = name.startsWith(kind) ? name.slice(2) : '';
    if (/^\d{1,3}$/.test(number) && /^[01]$/.test(value)) found.set(String(Number(number)), value === '1');
  }
  return found;
}

/**
 * Numbers of the ports that the camera has: numbering begins at 0 on some and at 1 on others (PROTOCOLS §3.3), which
 * only an answer can tell. Empty where none answers.
 *
 * @param count what the camera says of their number; null: it says nothing
 * @param first where the numbering begins; null: found out
 */
export async function findPorts(
  cgi: Cgi,
  kind: PortKind,
  count: number | null,
  first: 0 | 1 | null,
  signal: AbortSignal,
): Promise<string[]> {
  if (count === 0) return [];
  const answers = async (number: number): Promise<boolean> => {
    try {
      return (await readPorts(cgi, kind, [String(number)], signal)).has(String(number));
    } catch (thrown) {
      if (thrown instanceof AlarmflowError && NO_ANSWER.has(thrown.code)) return false;
      throw thrown;
    }
  };
  const candidates = first === null ? [0, 1] : [first];
  for (const start of candidates) {
    if (!(await answers(start))) continue;
    if (count !== null) return Array.from({ length: Math.min(count, MOST_PORTS) }, (_, i) => String(start + i));
    const numbers = [String(start)];
    for (let next = start + 1; next < start + MOST_PORTS && (await answers(next)); next++) numbers.push(String(next));
    return numbers;
  }
  return [];
}
