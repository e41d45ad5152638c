/** Requests and answers of the Modbus application protocol V1.1b3, §6; addresses are those on the wire, from 0. */
import { operationalError } from '../../domain/errors';

/** One request and how its answer is to be read. */
export interface ModbusRequest<T> {
  /** Function code and what follows it. */
  pdu: Buffer;
  /** For messages: `discrete inputs 0–7`. */
  what: string;
  /** Throws `E_DEVICE_PROTOCOL` (operational) for an answer that is none to this request. */
  read(answer: Buffer): T;
}

/** Most that one request may read (§6.1–6.4). */
export const MOST_BITS = 2000;
export const MOST_REGISTERS = 125;

const notAnAnswer = (what: string, reason: string): Error =>
  operationalError('E_DEVICE_PROTOCOL', `The board's answer about ${what} cannot be right: ${reason}`);

const words = (fc: number, ...values: number[]): Buffer => {
  const pdu = Buffer.alloc(1 + 2 * values.length);
  pdu[0] = fc;
  values.forEach((value, at) => {
    pdu.writeUInt16BE(value, 1 + 2 * at);
  });
  return pdu;
};

const span = (name: string, address: number, count: number): string =>
  count === 1 ? `${name} ${address}` : `${name} ${address}–${address + count - 1}`;

/** FC1 (coils) or FC2 (discrete inputs). */
export function readBits(kind: 'coils' | 'discrete', address: number, count: number): ModbusRequest<boolean[]> {
  const what = span(kind === 'coils' ? 'coils' : 'discrete inputs', address, count);
  const bytes = Math.ceil(count / 8);
  return {
    pdu: words(kind === 'coils' ? 1 : 2, address, count),
    what,
    read(answer) {
      if (answer[1] !== bytes || answer.length !== 2 + bytes)
        throw notAnAnswer(what, `${answer.length - 2} bytes instead of ${bytes}`);
      return Array.from({ length: count }, (_, bit) => ((answer[2 + (bit >> 3)]! >> (bit & 7)) & 1) === 1);
    },
  };
}

/** FC3 (holding registers) or FC4 (input registers). */
export function readRegisters(kind: 'holding' | 'input', address: number, count: number): ModbusRequest<number[]> {
  const what = span(`${kind} registers`, address, count);
  return {
    pdu: words(kind === 'holding' ? 3 : 4, address, count),
    what,
    read(answer) {
      if (answer[1] !== 2 * count || answer.length !== 2 + 2 * count)
        throw notAnAnswer(what, `${answer.length - 2} bytes instead of ${2 * count}`);
      return Array.from({ length: count }, (_, at) => answer.readUInt16BE(2 + 2 * at));
    },
  };
}

/** The device repeats what it was told, as proof that it has taken it. */
const echoed = (pdu: Buffer, what: string): ModbusRequest<void> => ({
  pdu,
  what,
  read(answer) {
    const echo = pdu.subarray(0, 5);
    if (!answer.equals(echo))
      throw notAnAnswer(what, `it repeats ${answer.toString('hex')} for ${echo.toString('hex')}`);
  },
});

export const COIL_ON = 0xff00;
export const COIL_OFF = 0x0000;

/** FC5. The word is `COIL_ON` or `COIL_OFF`, or what a maker takes for his timers (PROTOCOLS §7). */
export const writeCoil = (address: number, word: number): ModbusRequest<void> =>
  echoed(words(5, address, word), `coil ${address}`);

/** FC15 with one coil. */
export const writeCoils = (address: number, on: boolean): ModbusRequest<void> =>
  echoed(Buffer.concat([words(15, address, 1), Buffer.from([1, on ? 1 : 0])]), `coil ${address}`);

/** FC6. */
export const writeRegister = (address: number, value: number): ModbusRequest<void> =>
  echoed(words(6, address, value), `register ${address}`);

/** FC16 with one register. */
export const writeRegisters = (address: number, value: number): ModbusRequest<void> =>
  echoed(Buffer.concat([words(16, address, 1), Buffer.from([2, value >> 8, value & 0xff])]), `register ${address}`);
