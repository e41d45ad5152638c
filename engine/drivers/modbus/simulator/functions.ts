import type { BoardHardware } from './hardware';

const FLASH_ON = 0x0200;
const exception = (functionCode: number, code: number): Buffer => Buffer.from([functionCode | 0x80, code]);

const packed = (functionCode: number, bits: boolean[]): Buffer => {
  const bytes = Buffer.alloc(Math.ceil(bits.length / 8));
  bits.forEach((on, at) => {
    if (on) bytes[at >> 3] = bytes[at >> 3]! | (1 << (at & 7));
  });
  return Buffer.concat([Buffer.from([functionCode, bytes.length]), bytes]);
};

const packedWords = (functionCode: number, values: number[]): Buffer => {
  const answer = Buffer.alloc(2 + 2 * values.length);
  answer[0] = functionCode;
  answer[1] = 2 * values.length;
  values.forEach((value, at) => {
    answer.writeUInt16BE(value, 2 + 2 * at);
  });
  return answer;
};

/** Contacts as registers: 0 for the bits of all, from 100 on one word each. */
function inputRegister(hardware: BoardHardware, address: number): number | undefined {
  if (address >= 100) {
    const contact = hardware.contacts[address - 100];
    return contact === undefined ? undefined : Number(contact);
  }
  if (address * 16 >= hardware.contacts.length) return undefined;
  return hardware.contacts
    .slice(address * 16, address * 16 + 16)
    .reduce((sum, on, bit) => sum | (Number(on) << bit), 0);
}

/** What a simulated board does with a request that is whole (V1.1b3 §6). `ignored`: it says yes and does nothing. */
export function carryOut(hardware: BoardHardware, pdu: Buffer, ignored: boolean): Buffer {
  const functionCode = pdu[0]!;
  if (pdu.length < 5) return exception(functionCode, 3);
  const address = pdu.readUInt16BE(1);
  const value = pdu.readUInt16BE(3);
  const echo = pdu.subarray(0, 5);
  const { coils, contacts, registers } = hardware;
  switch (functionCode) {
    case 1:
    case 2: {
      const bits = functionCode === 1 ? coils : contacts;
      if (value < 1 || value > 2000) return exception(functionCode, 3);
      if (address + value > bits.length) return exception(functionCode, 2);
      return packed(functionCode, bits.slice(address, address + value));
    }
    case 3:
    case 4: {
      if (value < 1 || value > 125) return exception(functionCode, 3);
      const read = Array.from({ length: value }, (_, at) =>
        functionCode === 3
          ? (registers[address + at] ?? inputRegister(hardware, address + at))
          : inputRegister(hardware, address + at),
      );
      const known = read.filter((word) => word !== undefined);
      return known.length < value ? exception(functionCode, 2) : packedWords(functionCode, known);
    }
    case 5: {
      const timed = address >= FLASH_ON && address < FLASH_ON + coils.length;
      if (timed) {
        hardware.commands.push(`flash ${address - FLASH_ON + 1} ${value * 100} ms`);
        if (!ignored) hardware.flashOn(address - FLASH_ON, value * 100);
        return echo;
      }
      if (value !== 0xff00 && value !== 0) return exception(functionCode, 3);
      if (address >= coils.length) return exception(functionCode, 2);
      hardware.commands.push(`coil ${address + 1} ${value ? 'on' : 'off'}`);
      if (!ignored) hardware.setCoil(address, value === 0xff00);
      return echo;
    }
    case 6:
      if (address >= registers.length) return exception(functionCode, 2);
      hardware.commands.push(`register ${address + 1} = ${value}`);
      if (!ignored) registers[address] = value;
      return echo;
    case 15:
    case 16: {
      const room = functionCode === 15 ? coils.length : registers.length;
      const size = functionCode === 15 ? Math.ceil(value / 8) : 2 * value;
      if (value < 1 || pdu[5] !== size || pdu.length !== 6 + size) return exception(functionCode, 3);
      if (address + value > room) return exception(functionCode, 2);
      hardware.commands.push(`write ${value} from ${address + 1}`);
      for (let at = 0; at < value && !ignored; at++) {
        if (functionCode === 15) hardware.setCoil(address + at, ((pdu[6 + (at >> 3)]! >> (at & 7)) & 1) === 1);
        else registers[address + at] = pdu.readUInt16BE(6 + 2 * at);
      }
      return echo;
    }
    default:
      return exception(functionCode, 1);
  }
}
