import type { Decoded } from '../driver';
import { readOnvifOptions, tokensIn } from './options';
import { createReader } from './reader';

/** A capture that shows no end of a document for this long is none. */
const MAX_WAITING = 4 << 20;

/**
 * Understands captured bytes of an ONVIF device: answers to PullMessages and notifications, one or many after another,
 * with or without HTTP heads and multipart lines around them. The device is not there to be asked: events of one
 * channel carry its token as channel name, not its number.
 *
 * @param options the device's settings; absent: those of a new device, informational topics included
 */
export async function* decodeOnvif(
  chunks: AsyncIterable<Buffer>,
  options: Record<string, unknown> = { informational: true },
): AsyncIterable<Decoded> {
  const { informational, quietSeconds, invertedInputs, contactRelays } = readOnvifOptions(options);
  const inverted = tokensIn(invertedInputs);
  const reader = createReader({
    setting: () => ({
      channels: [],
      informational,
      quietMs: Math.round(quietSeconds * 1000),
      invertedInputs: inverted,
    }),
    contactRelays: tokensIn(contactRelays),
    deviceNow: () => null,
    at: () => 0,
  });
  let waiting = '';
  let from = 0;
  const decoder = new TextDecoder('utf-8');

  function* take(last: boolean): Iterable<Decoded> {
    for (;;) {
      const end = /<\/(?:[\w.-]{1,64}:)?Envelope\s{0,8}>/g;
      end.lastIndex = from;
      const found = end.exec(waiting);
      if (!found) break;
      const piece = waiting.slice(0, end.lastIndex);
      waiting = waiting.slice(end.lastIndex);
      from = 0;
      yield* readPiece(piece);
    }
    // The end tag may have begun in what was searched already.
    from = Math.max(0, waiting.length - 100);
    if (waiting.length > MAX_WAITING || last) {
      const rest = waiting;
      waiting = '';
      from = 0;
      if (rest.trim() !== '') yield* readPiece(rest);
    }
  }

  function* readPiece(piece: string): Iterable<Decoded> {
    const start = /<(?:[\w.-]{1,64}:)?Envelope[\s>]/.exec(piece)?.index ?? 0;
    const bytes = Buffer.from(piece.slice(start));
    const { findings, set } = reader.read(bytes);
    for (const finding of findings) {
      if (finding.kind === 'event') yield { kind: 'event', event: finding.draft };
      else yield finding;
    }
    if (findings.length === 0) {
      if (set.currentTime !== null) yield { kind: 'heartbeat', at: set.currentTime };
      else yield { kind: 'notice', text: 'a SOAP document without messages' };
    }
  }

  for await (const chunk of chunks) {
    waiting += decoder.decode(chunk, { stream: true });
    yield* take(false);
  }
  waiting += decoder.decode();
  yield* take(true);
}
