/** Bodies that come compressed, unpacked within bounds: a few bytes must not become gigabytes. */
import { createGunzip, createInflate, createInflateRaw } from 'node:zlib';
import { AlarmflowError, userError } from '../domain/errors';

export type Coding = 'gzip' | 'deflate';

/** Text of devices shrinks to a tenth at best; beyond a hundredth somebody wants to fill the memory. */
const MOST_RATIO = 100;
/** So much is never a bomb, however small it was packed. */
const HARMLESS_BYTES = 64 * 1024;

/**
 * The coding of a body, by its header or, where the sender does not say, by its first bytes; null: none that is known.
 */
export function codingOf(header: string | undefined, body: Buffer): Coding | 'identity' | null {
  const told = (header ?? '').trim().toLowerCase();
  if (told === '' || told === 'identity') return body[0] === 0x1f && body[1] === 0x8b ? 'gzip' : 'identity';
  if (told === 'gzip' || told === 'x-gzip') return 'gzip';
  return told === 'deflate' ? 'deflate' : null;
}

/** `deflate` should be zlib's format (RFC 9110 §8.4.1.2); some senders leave its head away. */
const hasZlibHead = (packed: Buffer): boolean =>
  packed.length >= 2 && (packed[0]! & 0x0f) === 8 && packed.readUInt16BE(0) % 31 === 0;

/**
 * Unpacks a body. Throws `E_BODY_TOO_LARGE` (user) for more than `maxBytes` or a hundred times what was sent,
 * `E_BAD_PUSH` (user) for one that is damaged or cut off, and whatever `reserve` throws.
 *
 * @param reserve told of every further piece before it is kept
 */
export async function unpackBody(
  coding: Coding,
  packed: Buffer,
  maxBytes: number,
  reserve: (bytes: number) => void,
): Promise<Buffer> {
  const stream = coding === 'gzip' ? createGunzip() : hasZlibHead(packed) ? createInflate() : createInflateRaw();
  const most = Math.min(maxBytes, Math.max(HARMLESS_BYTES, packed.length * MOST_RATIO));
  const chunks: Buffer[] = [];
  let size = 0;
  stream.end(packed);
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > most)
        throw userError(
          'E_BODY_TOO_LARGE',
          size > maxBytes
            ? `The body unpacks to more than ${maxBytes} bytes: let the device send less, or raise --ingest-max-bytes`
            : `The body unpacks to more than ${MOST_RATIO} times its size: let the device send it plainly`,
        );
      reserve(chunk.length);
      chunks.push(chunk);
    }
  } catch (cause) {
    if (cause instanceof AlarmflowError) throw cause;
    throw userError('E_BAD_PUSH', `The ${coding} body is damaged or cut off: let the device send it plainly`, {
      cause,
    });
  }
  return Buffer.concat(chunks);
}
