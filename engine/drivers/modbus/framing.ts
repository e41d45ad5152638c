import { operationalError } from '../../domain/errors';
import { crc16 } from './crc';

export type Framing = 'tcp' | 'rtu';

/** What is waited for: answers to anything else are not it. */
export interface Awaited {
  transaction: number;
  unit: number;
  functionCode: number;
}

/** An answer as it came: the whole frame, and its PDU. */
export interface AnswerFrame {
  bytes: Buffer;
  pdu: Buffer;
}

/** Cuts the bytes of one connection into answers; a chunk may be a single byte or hold several frames. */
export interface AnswerReader {
  /**
   * The answer to what is awaited, once it is whole. Frames that answer something else are passed over and counted.
   * Throws `E_DEVICE_PROTOCOL` (operational) for bytes after which no frame can be found.
   */
  push(chunk: Buffer, awaited: Awaited | null): AnswerFrame | null;
  strays(): number;
}

/** A request as it goes on the wire. */
export function frameRequest(framing: Framing, transaction: number, unit: number, pdu: Buffer): Buffer {
  if (framing === 'tcp') {
    const head = Buffer.alloc(7);
    head.writeUInt16BE(transaction, 0);
    head.writeUInt16BE(pdu.length + 1, 4);
    head[6] = unit;
    return Buffer.concat([head, pdu]);
  }
  const body = Buffer.concat([Buffer.from([unit]), pdu]);
  const crc = crc16(body);
  return Buffer.concat([body, Buffer.from([crc & 0xff, crc >> 8])]);
}

export const createAnswerReader = (framing: Framing): AnswerReader =>
  framing === 'tcp' ? createTcpReader() : createRtuReader();

const MBAP = 7;
/** Unit identifier and PDU (Modbus messaging on TCP/IP V1.0b, §3.1.3). */
const LENGTHS = { least: 2, most: 254 };

/**
 * The next MBAP frame in front of `bytes`; null while it is not whole. Throws `E_DEVICE_PROTOCOL` (operational) where
 * no frame begins.
 */
export function nextTcpFrame(bytes: Buffer): (AnswerFrame & { transaction: number; unit: number }) | null {
  if (bytes.length < 6) return null;
  const length = bytes.readUInt16BE(4);
  if (bytes.readUInt16BE(2) !== 0 || length < LENGTHS.least || length > LENGTHS.most)
    throw operationalError(
      'E_DEVICE_PROTOCOL',
      'What came is no Modbus TCP frame: check that the address and port are those of the board, and whether it speaks RTU over TCP',
    );
  const end = 6 + length;
  if (bytes.length < end) return null;
  const frame = bytes.subarray(0, end);
  return { bytes: frame, pdu: frame.subarray(MBAP), transaction: frame.readUInt16BE(0), unit: frame[6]! };
}

function createTcpReader(): AnswerReader {
  let waiting = Buffer.alloc(0);
  let strays = 0;
  return {
    push(chunk, awaited) {
      waiting = Buffer.concat([waiting, chunk]);
      for (;;) {
        const frame = nextTcpFrame(waiting);
        if (!frame) return null;
        waiting = waiting.subarray(frame.bytes.length);
        // Boards answer with unit 0, 1 or 255 whatever they were asked as: the transaction tells.
        const isIt = awaited !== null && frame.transaction === awaited.transaction && answers(frame.pdu, awaited);
        if (isIt) return frame;
        strays++;
      }
    },
    strays: () => strays,
  };
}

const answers = (pdu: Buffer, { functionCode }: Awaited): boolean => (pdu[0]! & 0x7f) === functionCode;

/** Two frames of the largest size; more can only be noise. */
const RTU_LIMIT = 512;

/** Length of the RTU answer whose unit and function code stand at `at`, or null while it can't be known. */
function rtuLength(bytes: Buffer, at: number): number | null {
  const functionCode = bytes[at + 1];
  if (functionCode === undefined) return null;
  if (functionCode & 0x80) return 5;
  if (functionCode >= 1 && functionCode <= 4) {
    const count = bytes[at + 2];
    return count === undefined ? null : 5 + count;
  }
  return 8;
}

/** The RTU answer that begins at `at`; null where none does or it is not whole. */
export function rtuFrameAt(bytes: Buffer, at: number): AnswerFrame | null {
  const length = rtuLength(bytes, at);
  if (length === null || bytes.length < at + length) return null;
  const frame = bytes.subarray(at, at + length);
  const crc = crc16(frame.subarray(0, length - 2));
  return frame.readUInt16LE(length - 2) === crc ? { bytes: frame, pdu: frame.subarray(1, length - 2) } : null;
}

function createRtuReader(): AnswerReader {
  let waiting = Buffer.alloc(0);
  let strays = 0;
  return {
    push(chunk, awaited) {
      // RTU has no mark where a frame begins: noise in front of it is told apart by unit, function code and CRC.
      waiting = Buffer.concat([waiting, chunk.subarray(-RTU_LIMIT)]).subarray(-RTU_LIMIT);
      if (!awaited) {
        strays += waiting.length > 0 ? 1 : 0;
        waiting = Buffer.alloc(0);
        return null;
      }
      for (let at = 0; at + 5 <= waiting.length; at++) {
        if (waiting[at] !== awaited.unit || (waiting[at + 1]! & 0x7f) !== awaited.functionCode) continue;
        const frame = rtuFrameAt(waiting, at);
        if (!frame) continue;
        if (at > 0) strays++;
        waiting = Buffer.alloc(0);
        return frame;
      }
      return null;
    },
    strays: () => strays,
  };
}
