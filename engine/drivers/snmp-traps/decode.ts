import type { Decoded } from '../driver';
import { createOpenConditions } from '../open-conditions';
import { messageLength } from './agent-address';
import { draftsOf } from './event';
import { trapSettings } from './settings';
import { createTrapDecoder } from './trap-decoder';

const LIMIT = 65_507;

/**
 * Understands captured datagrams, one behind the other, by the device's table, else by the default one. Communities and
 * digests are not checked; what is encrypted is a notice. Which of several senders one is of stands in no datagram.
 */
export async function* decodeSnmpTraps(
  chunks: AsyncIterable<Buffer>,
  _contentType: string | null,
  options?: Record<string, unknown>,
): AsyncIterable<Decoded> {
  const decoder = createTrapDecoder(null, 'capture');
  const { table } = trapSettings({ options });
  const conditions = createOpenConditions();
  let waiting: Buffer = Buffer.alloc(0);
  let skipped = 0;

  function* whole(): Generator<Decoded> {
    for (;;) {
      const length = messageLength(waiting);
      if (length === null && waiting.length < 6) return;
      if (length === null || length > LIMIT || length < 6) {
        // No message begins here; the next may.
        const next = waiting.indexOf(0x30, 1);
        skipped += next < 0 ? waiting.length : next;
        waiting = next < 0 ? Buffer.alloc(0) : waiting.subarray(next);
        continue;
      }
      if (waiting.length < length) return;
      yield* read(waiting.subarray(0, length));
      waiting = waiting.subarray(length);
    }
  }

  function read(bytes: Buffer): Decoded[] {
    const { trap, replies, refusal } = decoder.decode(bytes, { address: 'capture', port: 0 });
    if (trap) return draftsOf(trap, table, conditions, 'capture', null, 0).map((event) => ({ kind: 'event', event }));
    if (replies.length > 0) return [{ kind: 'notice', text: 'a version 3 sender asks who is there' }];
    if (isVersion3(bytes)) return [{ kind: 'notice', text: 'version 3, encrypted or unreadable without its keys' }];
    return [{ kind: 'fault', reason: refusal ?? 'it is no notification', bytes: bytes.length }];
  }

  for await (const chunk of chunks) {
    waiting = Buffer.concat([waiting, chunk]);
    yield* whole();
  }
  skipped += waiting.length;
  if (skipped > 0) yield { kind: 'fault', reason: 'bytes that are no SNMP message', bytes: skipped };
}

/** INTEGER 3 is the first element of such a message. */
const isVersion3 = (bytes: Buffer): boolean => bytes.subarray(0, 8).includes(Buffer.from([2, 1, 3]));
