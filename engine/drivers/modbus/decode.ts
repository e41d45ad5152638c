import type { Decoded } from '../driver';
import { createSwitchStates } from '../switch-states';
import { exceptionIn } from './exceptions';
import { type AnswerFrame, type Framing, nextTcpFrame, rtuFrameAt } from './framing';
import { boardSettings } from './settings';

const LIMIT = 512;

/**
 * Understands captured answers of a board: contacts that change between two answers of function 2 are events, the rest
 * is told as notices. Answers don't say which addresses they are about: bits count from input 1. The device's settings
 * tell which inputs are closed at rest.
 *
 * @param contentType `application/x-modbus-tcp` or `application/x-modbus-rtu`; null: found out from the bytes
 */
export async function* decodeModbus(
  chunks: AsyncIterable<Buffer>,
  contentType: string | null,
  options: Record<string, unknown> = {},
): AsyncIterable<Decoded> {
  let framing: Framing | null = contentType?.includes('rtu') ? 'rtu' : contentType?.includes('tcp') ? 'tcp' : null;
  const { inputs } = boardSettings(options);
  const states = createSwitchStates();
  let waiting: Buffer = Buffer.alloc(0);
  let skipped = 0;

  function next(atEnd: boolean): AnswerFrame | null {
    framing ??= guess(waiting, atEnd);
    while (framing && waiting.length > 0) {
      const frame = framing === 'tcp' ? tcpFrame(waiting) : rtuFrameAt(waiting, 0);
      if (frame) {
        waiting = waiting.subarray(frame.bytes.length);
        return frame;
      }
      // A frame is at most 260 bytes: more than that without one is not waiting but noise.
      const broken = framing === 'tcp' ? isBroken(waiting) : waiting.length > LIMIT;
      if (!broken && !atEnd) return null;
      waiting = waiting.subarray(1);
      skipped++;
    }
    return null;
  }

  for await (const chunk of chunks) {
    for (let at = 0; at < chunk.length; at += LIMIT) {
      waiting = Buffer.concat([waiting, chunk.subarray(at, at + LIMIT)]);
      for (let frame = next(false); frame; frame = next(false)) yield* read(frame, states, inputs.closed);
    }
  }
  for (let frame = next(true); frame; frame = next(true)) yield* read(frame, states, inputs.closed);
  skipped += waiting.length;
  if (skipped > 0) yield { kind: 'fault', reason: 'bytes that are no Modbus answer', bytes: skipped };
}

function tcpFrame(bytes: Buffer): AnswerFrame | null {
  return isBroken(bytes) ? null : nextTcpFrame(bytes);
}

/** Whether no MBAP header begins here. */
function isBroken(bytes: Buffer): boolean {
  if (bytes.length < 6) return false;
  const length = bytes.readUInt16BE(4);
  return bytes.readUInt16BE(2) !== 0 || length < 2 || length > 254;
}

function guess(bytes: Buffer, atEnd: boolean): Framing | null {
  if (bytes.length < 8 && !atEnd) return null;
  if (rtuFrameAt(bytes, 0)) return 'rtu';
  return isBroken(bytes) && (bytes.length > 260 || atEnd) ? 'rtu' : isBroken(bytes) ? null : 'tcp';
}

function* read(
  { pdu, bytes }: AnswerFrame,
  states: ReturnType<typeof createSwitchStates>,
  closed: ReadonlySet<number>,
): Generator<Decoded> {
  const exception = exceptionIn(pdu);
  const functionCode = pdu[0]! & 0x7f;
  if (exception !== null) {
    yield { kind: 'notice', text: `function ${functionCode} refused with exception ${exception}` };
    return;
  }
  if (functionCode !== 2) {
    yield { kind: 'notice', text: `answer to function ${functionCode}: ${pdu.subarray(1).toString('hex')}` };
    return;
  }
  let changes = 0;
  for (let bit = 0; bit < 8 * (pdu.length - 2); bit++) {
    const active = (((pdu[2 + (bit >> 3)]! >> (bit & 7)) & 1) === 1) !== closed.has(bit + 1);
    const first = states.state(String(bit)) === null;
    const phase = states.observe(String(bit), active, false);
    if (phase === null || (first && !active)) continue;
    changes++;
    yield {
      kind: 'event',
      event: {
        type: 'digital-input',
        vendorType: 'input',
        phase,
        input: String(bit + 1),
        deviceTime: null,
        deviceAt: null,
        raw: bytes.toString('hex'),
      },
    };
  }
  if (changes === 0) yield { kind: 'heartbeat', at: null };
}
