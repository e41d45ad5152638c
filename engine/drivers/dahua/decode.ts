import type { Decoded } from '../driver';
import { createDechunker, createFramer, type Framer } from '../wire';
import { createReader, type Finding } from './reader';

/** A response head in front of a captured stream is at most this long. */
const HEAD_LIMIT = 64 * 1024;

/**
 * Understands captured bytes of a device: its event stream with or without the HTTP head in front of it, or the bodies
 * of parts one after another. The device is not there to be asked: local times are taken in this machine's zone.
 *
 * @param contentType what the capture was sent as; null: found out from the bytes
 */
export async function* decodeDahua(chunks: AsyncIterable<Buffer>, contentType: string | null): AsyncIterable<Decoded> {
  let lastAt = 0;
  const reader = createReader({
    setting: () => ({ timeZone: null, nears: [], channels: null, inputs: null }),
    judge: () => ({ late: false, clockSuspect: false }),
    // The clock of the capture is that of its events; quiet times run by it.
    at(draft) {
      lastAt = Math.max(lastAt, draft.deviceAt ?? 0);
      return lastAt;
    },
  });
  const open = (first: Buffer): { framer: Framer; dechunk: (bytes: Buffer) => Buffer; rest: Buffer } => {
    const { rest, type, chunked } = splitHead(first);
    // The type of a part is none of the whole: bodies that were captured one by one follow one another.
    const outer = contentType !== null && /^multipart\//i.test(contentType) ? contentType : type;
    return {
      framer: createFramer({ contentType: outer ?? undefined }),
      dechunk: chunked ? createDechunker() : (bytes) => bytes,
      rest,
    };
  };

  let waiting: Buffer = Buffer.alloc(0);
  let body: ReturnType<typeof open> | null = null;
  for await (const chunk of chunks) {
    let next = chunk;
    if (!body) {
      waiting = Buffer.concat([waiting, chunk]);
      if (!headIsComplete(waiting)) continue;
      body = open(waiting);
      next = body.rest;
    }
    for (const part of body.framer.push(body.dechunk(next))) yield* reader.read(part).map(decoded);
  }
  if (!body) {
    body = open(waiting);
    for (const part of body.framer.push(body.dechunk(body.rest))) yield* reader.read(part).map(decoded);
  }
  for (const part of body.framer.end()) yield* reader.read(part).map(decoded);
}

/** Whether enough bytes are there to say if a response head stands in front. */
function headIsComplete(bytes: Buffer): boolean {
  const start = bytes.toString('latin1', 0, Math.min(bytes.length, 16)).trimStart();
  if (start.length < 5) return bytes.length > 64;
  if (!isHttp(start)) return true;
  return bytes.length > HEAD_LIMIT || /\r?\n\r?\n/.test(bytes.toString('latin1', 0, HEAD_LIMIT));
}

const isHttp = (start: string): boolean => /^HTTP\//.test(start);

/** Takes a response's head off the front and reads what it says of the body. */
function splitHead(bytes: Buffer): { rest: Buffer; type: string | null; chunked: boolean } {
  const text = bytes.toString('latin1', 0, Math.min(bytes.length, HEAD_LIMIT));
  const end = isHttp(text.trimStart()) ? /\r?\n\r?\n/.exec(text) : null;
  if (!end) return { rest: bytes, type: null, chunked: false };
  const head = text.slice(0, end.index);
  const type = /^content-type[ \t]*:[ \t]*([^\r\n]*)/im.exec(head)?.[1]?.trim();
  const chunked = /^transfer-encoding[ \t]*:[^\r\n]*chunked/im.test(head);
  return { rest: bytes.subarray(end.index + end[0].length), type: type || null, chunked };
}

function decoded(finding: Finding): Decoded {
  if (finding.kind === 'event') return { kind: 'event', event: finding.draft };
  if (finding.kind === 'heartbeat') return { kind: 'heartbeat', at: null };
  return finding.kind === 'notice' ? { kind: 'notice', text: finding.text } : finding;
}
