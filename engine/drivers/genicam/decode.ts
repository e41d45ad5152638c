import { StringDecoder } from 'node:string_decoder';
import type { Decoded } from '../driver';
import { createInputWatch } from './input-watch';
import { type InputLine, readGenicamOptions } from './options';
import { parseNumber, parseReply } from './output';

const LINE_LIMIT = 4_096;
const MOST_LINES = 64;

/**
 * Understands what arv-tool printed, as a capture holds it: the levels of lines become events, errors faults, all else
 * notices. Looks have no times here: nothing is debounced.
 *
 * @param options the device's settings; its alarm inputs say which lines count and how. Without any, every line counts,
 *   and high is active. Wrong ones throw `E_DEVICE_OPTIONS` (user).
 */
export async function* decodeGenicam(
  chunks: AsyncIterable<Buffer>,
  _contentType: string | null = null,
  options: Record<string, unknown> = {},
): AsyncIterable<Decoded> {
  const read = createDecoder(readGenicamOptions(options).inputs);
  const decoder = new StringDecoder('utf8');
  let rest = '';
  for await (const chunk of chunks) {
    const lines = (rest + decoder.write(chunk)).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) yield* read(line);
    if (rest.length > LINE_LIMIT) {
      yield { kind: 'fault', reason: `a line longer than ${LINE_LIMIT} characters`, bytes: Buffer.byteLength(rest) };
      rest = '';
    }
  }
  yield* read(rest + decoder.end());
}

const plain = (line: string): InputLine => ({ line, edge: 'rising', pulse: false, inverted: false });

/** @param listed lines that count; none: all do */
function createDecoder(listed: readonly InputLine[]): (line: string) => Decoded[] {
  let selected: string | null = null;
  const watches = new Map<string, ReturnType<typeof createInputWatch>>();

  function level(line: string, high: boolean, raw: string): Decoded[] {
    let watch = watches.get(line);
    if (!watch) {
      const meant = listed.length === 0 ? [plain(line)] : listed.filter((input) => input.line === line);
      if (meant.length === 0 || watches.size >= MOST_LINES) return [];
      watch = createInputWatch(meant, 0);
      watches.set(line, watch);
    }
    return watch.seen({ levels: new Map([[line, high]]), raw }, 0).map((event) => ({ kind: 'event', event }));
  }

  return (text) => {
    const line = text.replace(/\r$/, '');
    if (line.trim() === '') return [];
    if (line.length > LINE_LIMIT)
      return [{ kind: 'fault', reason: `a line longer than ${LINE_LIMIT} characters`, bytes: Buffer.byteLength(line) }];
    const reply = parseReply(line);
    if (
      reply.kind === 'missing' ||
      reply.kind === 'error' ||
      /^(Can't connect|Device '.*' not found|No device)/.test(line)
    )
      return [{ kind: 'fault', reason: line, bytes: Buffer.byteLength(line) }];
    if (reply.kind === 'value' && reply.name === 'LineSelector') {
      selected = reply.text;
      return [];
    }
    if (reply.kind === 'value' && reply.name === 'LineStatus' && selected !== null)
      return level(selected, /^(true|1)\b/i.test(reply.text), line);
    if (reply.kind === 'value' && reply.name === 'LineStatusAll') {
      const mask = parseNumber(reply.text)?.value;
      if (mask === undefined) return [{ kind: 'fault', reason: line, bytes: Buffer.byteLength(line) }];
      const found: Decoded[] = [];
      // Which bit is which line only the camera knows; the numbers are those of cameras that begin with Line0.
      for (let bit = 0; bit < 32; bit++) {
        const name = `Line${bit}`;
        const high = Math.floor(mask / 2 ** bit) % 2 === 1;
        if (high || watches.has(name) || listed.some((input) => input.line === name))
          found.push(...level(name, high, line));
      }
      return found;
    }
    return [{ kind: 'notice', text: line }];
  };
}
