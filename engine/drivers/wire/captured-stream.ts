import { createDechunker } from './dechunk';
import { createFramer, type FramedPart, type Framer } from './framer';

/** A head in front of a captured stream is at most this long. */
const HEAD_LIMIT = 64 * 1024;

interface Body {
  framer: Framer;
  dechunk(bytes: Buffer): Buffer;
  /** What came behind the head. */
  rest: Buffer;
}

/**
 * The parts of a captured stream with or without the HTTP head in front of it, or of bodies one after another. With a
 * head that says so, chunk sizes are taken out.
 *
 * @param contentType that of the whole; null: that of the head, else found out from the bytes
 */
export async function* capturedParts(
  chunks: AsyncIterable<Buffer>,
  contentType: string | null,
): AsyncIterable<FramedPart> {
  let waiting: Buffer = Buffer.alloc(0);
  let body: Body | null = null;
  for await (const chunk of chunks) {
    let next = chunk;
    if (!body) {
      waiting = Buffer.concat([waiting, chunk]);
      if (!headIsComplete(waiting)) continue;
      body = bodyOf(waiting, contentType);
      next = body.rest;
    }
    yield* body.framer.push(body.dechunk(next));
  }
  if (!body) {
    body = bodyOf(waiting, contentType);
    yield* body.framer.push(body.dechunk(body.rest));
  }
  yield* body.framer.end();
}

function bodyOf(first: Buffer, contentType: string | null): Body {
  const { rest, type, chunked } = splitHead(first);
  const framer = createFramer({ contentType: contentType ?? type ?? undefined });
  return { framer, dechunk: chunked ? createDechunker() : (bytes) => bytes, rest };
}

/** Whether enough bytes are there to say if a head stands in front. */
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
