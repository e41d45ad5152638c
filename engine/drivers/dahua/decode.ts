import type { Decoded } from '../driver';
import { capturedParts } from '../wire';
import { createReader, type Finding } from './reader';

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
  // The type of a part is none of the whole: bodies that were captured one by one follow one another.
  const outer = contentType !== null && /^multipart\//i.test(contentType) ? contentType : null;
  for await (const part of capturedParts(chunks, outer)) yield* reader.read(part).map(decoded);
}

function decoded(finding: Finding): Decoded {
  if (finding.kind === 'event') return { kind: 'event', event: finding.draft };
  if (finding.kind === 'heartbeat') return { kind: 'heartbeat', at: null };
  return finding.kind === 'notice' ? { kind: 'notice', text: finding.text } : finding;
}
