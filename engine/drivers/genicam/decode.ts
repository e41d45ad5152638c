import { StringDecoder } from 'node:string_decoder';
import type { Decoded } from '../driver';
import { createInputWatch } from './input-watch';
import { parseNumber, parseReply } from './output';

const LINE_LIMIT = 4_096;
const MOST_LINES = 64;

/**
 * Understands what arv-tool printed, as a capture holds it: the levels of lines become events (what was set up in the
 * device's dialog is not known here: high is active), errors faults, all else notices.
 */
export async function* decodeGenicam(chunks: AsyncIterable<Buffer>): AsyncIterable<Decoded> {
  const read = createDecoder();
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

function createDecoder(): (line: string) => Decoded[] {
  let selected: string | null = null;
  const watches = new Map<string, ReturnType<typeof createInputWatch>>();

  function level(line: string, high: boolean, raw: string): Decoded[] {
    let watch = watches.get(line);
    if (!watch) {
      if (watches.size >= MOST_LINES) return [];
      watch = createInputWatch([{ line, edge: 'rising', pulse: false, inverted: false }], 0);
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
      const mask = parseNumber(reply.text)?.value ?? 0;
      const found: Decoded[] = [];
      // Which bit is which line only the camera knows; the numbers are those of cameras that begin with Line0.
      for (let bit = 0; bit < 32; bit++) {
        const name = `Line${bit}`;
        const high = Math.floor(mask / 2 ** bit) % 2 === 1;
        if (high || watches.has(name)) found.push(...level(name, high, line));
      }
      return found;
    }
    return [{ kind: 'notice', text: line }];
  };
}
