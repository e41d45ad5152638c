import { asAlarmflowError } from '../../domain/errors';
import type { Decoded } from '../driver';
import { createOpenConditions } from '../open-conditions';
import { understandPush } from './connection';
import { readMessages } from './message';
import { compileMapping, readHttpPushOptions } from './options';

/** A capture is read whole; larger ones are refused. */
const MOST_BYTES = 64 << 20;

/** The bytes of a capture; null: more than 64 MiB. */
export async function wholeCapture(chunks: AsyncIterable<Buffer>): Promise<Buffer | null> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const chunk of chunks) {
    size += chunk.length;
    if (size > MOST_BYTES) return null;
    parts.push(chunk);
  }
  return Buffer.concat(parts);
}

/**
 * Understands captured pushes: requests with their heads one after another, or one body alone. Times without a zone are
 * taken in this machine's.
 *
 * @param contentType what a body alone was sent as
 * @param options the device's settings; absent: those of a new device. Wrong ones throw `E_DEVICE_OPTIONS` (user).
 */
export async function* decodeHttpPush(
  chunks: AsyncIterable<Buffer>,
  contentType: string | null,
  options: Record<string, unknown> = {},
): AsyncIterable<Decoded> {
  const mapping = compileMapping(readHttpPushOptions(options));
  const open = createOpenConditions();
  const bytes = await wholeCapture(chunks);
  if (bytes === null) {
    yield { kind: 'fault', reason: `the capture is larger than ${MOST_BYTES} bytes`, bytes: MOST_BYTES };
    return;
  }
  for (const message of readMessages(bytes, contentType)) {
    try {
      // A capture has no receive times: nothing can be said of the sender's clock.
      for (const { draft, pictures } of understandPush({ ...mapping, unmatched: 'refuse' }, message, null, 0)) {
        yield { kind: 'event', event: { ...draft, phase: open.decide(draft, draft.phase, 0) } };
        for (const { contentType: type, bytes: picture, name } of pictures)
          yield { kind: 'picture', contentType: type, size: picture.length, ...(name === undefined ? {} : { name }) };
      }
    } catch (thrown) {
      yield { kind: 'fault', reason: asAlarmflowError(thrown).message, bytes: message.body.length };
    }
  }
}
