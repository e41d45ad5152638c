import type { Decoded } from '../driver';
import { createDechunker, createFramer, type Framer } from '../wire';
import { createReader, type Finding } from './reader';

/** A response head in front of a captured stream is at most this long. */
const HEAD_LIMIT = 64 * 1024;

/**
 * Understands captured bytes of a Hikvision device: an alert stream with or without the HTTP head in front of it, the
 * body of a push, one document or several one after another. The device is not there to be asked: zone-less times are
 * taken in this machine's zone, numbers above 32 as those of a recorder's IP channels.
 *
 * @param contentType what the capture was sent as; null: found out from the bytes
 */
export async function* decodeHikvision(
  chunks: AsyncIterable<Buffer>,
  contentType: string | null,
): AsyncIterable<Decoded> {
  let lastAt = 0;
  let lastDeviceAt: number | null = null;
  const reader = createReader({
    setting: () => ({ timeZone: null, channels: null, family: null, near: lastDeviceAt }),
    judge: (draft) => ({ late: draft.retransmitted === true, clockSuspect: draft.deviceAt === null }),
    // A capture has no receive times: the device's own decide whether a silence was long enough to be an end.
    at(draft) {
      if (draft.deviceAt !== null) {
        lastDeviceAt = draft.deviceAt;
        lastAt = Math.max(lastAt, draft.deviceAt);
      }
      return lastAt;
    },
  });
  const open = (first: Buffer): { framer: Framer; dechunk: (bytes: Buffer) => Buffer; rest: Buffer } => {
    const { rest, type, chunked } = splitHead(first);
    const framer = createFramer({ contentType: contentType ?? type ?? undefined });
    return { framer, dechunk: chunked ? createDechunker() : (bytes) => bytes, rest };
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

const isHttp = (start: string): boolean => /^(HTTP\/|POST |PUT )/.test(start);

/** Takes a response's (or request's) head off the front and reads what it says of the body. */
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
  if (finding.kind === 'heartbeat') return { kind: 'heartbeat', at: finding.at };
  if (finding.kind === 'picture') {
    const { contentType, bytes, name } = finding;
    return { kind: 'picture', contentType, size: bytes.length, ...(name === undefined ? {} : { name }) };
  }
  return finding;
}
