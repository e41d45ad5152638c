import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { crc16 } from '../../../engine/drivers/modbus/crc';
import { createAnswerReader, type Framing, frameRequest } from '../../../engine/drivers/modbus/framing';
import {
  readBits,
  readRegisters,
  writeCoil,
  writeCoils,
  writeRegisters,
} from '../../../engine/drivers/modbus/requests';

const hex = (text: string): Buffer => Buffer.from(text.replace(/\s/g, ''), 'hex');
const awaited = { transaction: 0x0102, unit: 1, functionCode: 2 };

describe('frames', () => {
  it('computes the CRC of the serial line specification', () => {
    expect(crc16(hex('02 07'))).toBe(0x1241);
    expect(crc16(Buffer.from('123456789'))).toBe(0x4b37);
  });

  it.each<[string, Framing, Buffer, string]>([
    ['reading discrete inputs', 'tcp', readBits('discrete', 0, 8).pdu, '0102 0000 0006 01 02 0000 0008'],
    ['switching a coil', 'tcp', writeCoil(5, 0xff00).pdu, '0102 0000 0006 01 05 0005 ff00'],
    ['a timer word', 'tcp', writeCoil(0x0200, 7).pdu, '0102 0000 0006 01 05 0200 0007'],
    ['many coils', 'tcp', writeCoils(3, true).pdu, '0102 0000 0008 01 0f 0003 0001 01 01'],
    ['many registers', 'tcp', writeRegisters(3, 0x1234).pdu, '0102 0000 0009 01 10 0003 0001 02 1234'],
    ['registers in RTU', 'rtu', readRegisters('holding', 0, 1).pdu, '01 03 0000 0001 840a'],
  ])('writes %s', (_name, framing, pdu, wire) => {
    expect(frameRequest(framing, 0x0102, 1, pdu)).toEqual(hex(wire));
  });

  const tcpAnswer = hex('0102 0000 0004 01 02 01 a5');
  const rtuBody = hex('01 02 01 a5');
  const crc = crc16(rtuBody);
  const rtuAnswer = Buffer.concat([rtuBody, Buffer.from([crc & 0xff, crc >> 8])]);

  it.each<[Framing, Buffer]>([
    ['tcp', tcpAnswer],
    ['rtu', rtuAnswer],
  ])('finds an answer in %s byte by byte, at its last byte', (framing, bytes) => {
    const reader = createAnswerReader(framing);
    const found = [...bytes].map((byte) => reader.push(Buffer.from([byte]), awaited));
    expect(found.slice(0, -1)).toEqual(found.slice(0, -1).map(() => null));
    expect(found.at(-1)?.pdu).toEqual(hex('02 01 a5'));
  });

  it('passes over the answer to another transaction', () => {
    const other = Buffer.concat([hex('7777'), tcpAnswer.subarray(2)]);
    const reader = createAnswerReader('tcp');
    expect(reader.push(Buffer.concat([other, tcpAnswer]), awaited)?.bytes).toEqual(tcpAnswer);
    expect(reader.strays()).toBe(1);
  });

  it('finds an RTU answer behind noise, and none with a wrong CRC', () => {
    const reader = createAnswerReader('rtu');
    expect(reader.push(Buffer.concat([hex('01 02 ff 00'), rtuAnswer]), awaited)?.pdu).toEqual(hex('02 01 a5'));
    const broken = Buffer.from(rtuAnswer);
    broken[broken.length - 1]! ^= 1;
    expect(createAnswerReader('rtu').push(broken, awaited)).toBeNull();
  });

  it('reads an exception in both framings', () => {
    expect(createAnswerReader('tcp').push(hex('0102 0000 0003 01 82 06'), awaited)?.pdu).toEqual(hex('82 06'));
    const body = hex('01 82 06');
    const sum = crc16(body);
    const frame = Buffer.concat([body, Buffer.from([sum & 0xff, sum >> 8])]);
    expect(createAnswerReader('rtu').push(frame, awaited)?.pdu).toEqual(hex('82 06'));
  });

  it('refuses what is no Modbus TCP', () => {
    expect(() => createAnswerReader('tcp').push(Buffer.from('HTTP/1.1 400'), awaited)).toThrow(/no Modbus TCP frame/);
  });

  it('keeps its memory bounded and throws nothing but protocol errors, whatever comes', () => {
    fc.assert(
      fc.property(
        fc.constantFrom<Framing>('tcp', 'rtu'),
        fc.array(fc.uint8Array({ maxLength: 300 })),
        (framing, chunks) => {
          const reader = createAnswerReader(framing);
          try {
            for (const chunk of chunks) reader.push(Buffer.from(chunk), awaited);
          } catch (error) {
            expect(error).toMatchObject({ code: 'E_DEVICE_PROTOCOL' });
          }
        },
      ),
    );
  });

  it('refuses an answer of the wrong length or echo', () => {
    expect(() => readBits('discrete', 0, 8).read(hex('02 02 0000'))).toThrow(/instead of 1/);
    expect(() => readRegisters('input', 0, 2).read(hex('04 02 0000'))).toThrow(/instead of 4/);
    expect(() => writeCoil(1, 0xff00).read(hex('05 0001 0000'))).toThrow(/repeats/);
  });
});
