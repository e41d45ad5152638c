import type { Decoded } from '../driver';
import { capturedParts } from '../wire';
import { createReader, type Finding } from './reader';

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
  for await (const part of capturedParts(chunks, contentType)) yield* reader.read(part).map(decoded);
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
