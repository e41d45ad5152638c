import { isoTime } from '../clock/clock';
import { userError } from '../domain/errors';
import type { CapturedPart, Decoded, DeviceDriver } from './driver';

/**
 * A capture: a line that says what it is, then each part with a line of its own before it and a line end behind it.
 * Bytes stay as they are, so that a text editor shows what the device sent.
 */
const MAGIC = 'alarmflow-capture/1 ';
const PART = 'part ';
/** The line before a part or before all. */
const LINE_LIMIT = 256 * 1024;
const PART_LIMIT = 64 << 20;

/** What a capture says of itself. */
export interface CaptureHead {
  driver: string;
  device: string;
  /** The device's own settings, secrets removed; they decide how a push is understood. */
  options?: Record<string, unknown>;
}

export const captureHead = (head: CaptureHead): Buffer => Buffer.from(`${MAGIC}${JSON.stringify(head)}\n`, 'utf8');

export const capturePart = ({ at, contentType, bytes }: CapturedPart): Buffer =>
  Buffer.concat([
    Buffer.from(`${PART}${JSON.stringify({ at: isoTime(at), contentType, size: bytes.length })}\n`, 'utf8'),
    bytes,
    Buffer.from('\n'),
  ]);

type Read =
  | { kind: 'head'; head: CaptureHead }
  | { kind: 'part'; contentType: string | null; bytes: Buffer }
  | { kind: 'fault'; reason: string; bytes: number };

/** Reads a capture file; a fault is the last of what it yields. */
async function* readCapture(chunks: AsyncIterable<Buffer>): AsyncIterable<Read> {
  let waiting: Buffer = Buffer.alloc(0);
  let parts: Buffer[] = [];
  let size = 0;
  let wanted: { contentType: string | null; size: number } | null = null;
  const join = (): void => {
    waiting = Buffer.concat([waiting, ...parts]);
    parts = [];
  };

  function* take(): Generator<Read, boolean> {
    for (;;) {
      if (wanted) {
        // A part and the line end behind it.
        if (size < wanted.size + 1) return true;
        join();
        yield { kind: 'part', contentType: wanted.contentType, bytes: waiting.subarray(0, wanted.size) };
        waiting = waiting.subarray(wanted.size + 1);
        size = waiting.length;
        wanted = null;
        continue;
      }
      join();
      const end = waiting.indexOf(10);
      if (end < 0 && size <= LINE_LIMIT) return true;
      const line = waiting.toString('utf8', 0, Math.max(0, end));
      const read = end > LINE_LIMIT ? null : lineOf(line);
      if (read === null) {
        yield { kind: 'fault', reason: 'the capture file is damaged here', bytes: size };
        return false;
      }
      waiting = waiting.subarray(end + 1);
      size = waiting.length;
      if ('driver' in read) yield { kind: 'head', head: read };
      else wanted = read;
    }
  }

  for await (const chunk of chunks) {
    parts.push(chunk);
    size += chunk.length;
    if (!(yield* take())) return;
  }
  if (wanted !== null || size > 0) {
    join();
    yield { kind: 'fault', reason: 'the capture file ends in the middle of a part', bytes: size };
  }
}

function lineOf(line: string): CaptureHead | { contentType: string | null; size: number } | null {
  const magic = line.startsWith(MAGIC);
  if (!magic && !line.startsWith(PART)) return null;
  let told: unknown;
  try {
    told = JSON.parse(line.slice(magic ? MAGIC.length : PART.length));
  } catch {
    // Told as damage by the caller.
    return null;
  }
  if (typeof told !== 'object' || told === null) return null;
  const { driver, device, options, contentType, size } = told as Record<string, unknown>;
  if (magic) {
    if (typeof driver !== 'string' || typeof device !== 'string') return null;
    const given = typeof options === 'object' && options !== null && !Array.isArray(options);
    return { driver, device, ...(given ? { options: options as Record<string, unknown> } : {}) };
  }
  const known = contentType === null || typeof contentType === 'string';
  if (!known || !Number.isInteger(size) || Number(size) < 0 || Number(size) > PART_LIMIT) return null;
  return { contentType, size: Number(size) };
}

/** A picture alone; one that lies in a part with a boundary line is its driver's to understand. */
const isPicture = (contentType: string | null, bytes: Buffer): boolean =>
  /^\s*image\//i.test(contentType ?? '') && !bytes.subarray(0, 2).equals(Buffer.from('--'));

/** Parts whose bytes are a text each are parted by line ends; frames and the like follow one another as they are. */
const isText = (contentType: string | null): boolean =>
  contentType === null || /^\s*text\/|xml|json|urlencoded|message\/http/i.test(contentType);

/** The type that tells one decoder from another: what is captured with heads is not mixed with what is not. */
const family = (contentType: string | null): string =>
  (contentType ?? '').split(';', 1)[0]!.trim().toLowerCase() === 'message/http' ? 'message' : 'body';

/**
 * What a driver understands from captured bytes: a file of `alarmflow capture`, or anything else as it came from the
 * device. `E_OTHER_DRIVER` (user) for a capture of another driver's device.
 *
 * @param options settings of the device, checked, in place of those in the capture
 */
export async function* decodeCaptured(
  driver: DeviceDriver,
  chunks: AsyncIterable<Buffer>,
  contentType: string | null,
  options?: Record<string, unknown>,
): AsyncIterable<Decoded> {
  const source = chunks[Symbol.asyncIterator]();
  let first = Buffer.alloc(0);
  let over = false;
  while (first.length < MAGIC.length && MAGIC.startsWith(first.toString('latin1'))) {
    const next = await source.next();
    if (next.done) {
      over = true;
      break;
    }
    first = Buffer.concat([first, next.value]);
  }
  const all = async function* (): AsyncIterable<Buffer> {
    if (first.length > 0) yield first;
    if (!over) yield* { [Symbol.asyncIterator]: () => source };
  };
  if (!first.toString('latin1', 0, MAGIC.length).startsWith(MAGIC)) yield* driver.decode(all(), contentType, options);
  else yield* decodeParts(driver, all(), options);
}

async function* decodeParts(
  driver: DeviceDriver,
  chunks: AsyncIterable<Buffer>,
  given: Record<string, unknown> | undefined,
): AsyncIterable<Decoded> {
  const waiting: Decoded[] = [];
  const source = readCapture(chunks)[Symbol.asyncIterator]();
  let head: CaptureHead | null = null;
  /** The part that began another family, for the next decoder. */
  let kept: { contentType: string | null; bytes: Buffer } | null = null;
  let over = false;

  async function* partsOf(kind: string): AsyncIterable<Buffer> {
    for (;;) {
      const part = kept ?? (await nextPart());
      kept = null;
      if (!part) return;
      if (isPicture(part.contentType, part.bytes)) {
        waiting.push({ kind: 'picture', contentType: part.contentType ?? '', size: part.bytes.length });
        continue;
      }
      if (family(part.contentType) !== kind) {
        kept = part;
        return;
      }
      yield part.bytes;
      if (isText(part.contentType) && part.bytes.at(-1) !== 10) yield Buffer.from('\r\n');
    }
  }

  async function nextPart(): Promise<{ contentType: string | null; bytes: Buffer } | null> {
    while (!over) {
      const next = await source.next();
      if (next.done) break;
      const read = next.value;
      if (read.kind === 'part') return read;
      if (read.kind === 'fault') waiting.push(read);
      else {
        head ??= read.head;
        if (read.head.driver !== driver.kind)
          throw userError(
            'E_OTHER_DRIVER',
            `The capture is of "${read.head.device}", whose driver is ${read.head.driver}: give that driver`,
          );
      }
    }
    over = true;
    return null;
  }

  while (!over) {
    kept ??= await nextPart();
    if (!kept) break;
    // The type of one body is none of all that follow it; frames say by theirs how they are to be read.
    const contentType = isText(kept.contentType) ? null : kept.contentType;
    const kind = family(kept.contentType);
    const options = given ?? (head as CaptureHead | null)?.options;
    for await (const line of driver.decode(partsOf(kind), contentType, options)) {
      yield* waiting.splice(0);
      yield line;
    }
    yield* waiting.splice(0);
  }
  yield* waiting.splice(0);
}
