/**
 * Address of the device that a proxy speaks for, found before community and user are known to be right: the agent
 * address of a version 1 trap (RFC 1157 §4.1.6) or snmpTrapAddress.0 (RFC 3584 §4.1). null: none is told.
 */
export function agentAddressIn(bytes: Buffer): string | null {
  const marked = bytes.indexOf(TRAP_ADDRESS);
  if (marked >= 0) return addressAt(bytes, marked + TRAP_ADDRESS.length);
  const message = berElement(bytes, 0, 0x30);
  const version = message && berElement(bytes, message.start, 0x02);
  const community = version && berElement(bytes, version.end, 0x04);
  const pdu = community && berElement(bytes, community.end, 0xa4);
  const enterprise = pdu && berElement(bytes, pdu.start, 0x06);
  return enterprise ? addressAt(bytes, enterprise.end) : null;
}

/** 1.3.6.1.6.3.18.1.3.0 as BER has it. */
const TRAP_ADDRESS = Buffer.from('06092b0601060312010300', 'hex');

function addressAt(bytes: Buffer, at: number): string | null {
  if (bytes[at] !== 0x40 || bytes[at + 1] !== 4 || at + 6 > bytes.length) return null;
  const address = [...bytes.subarray(at + 2, at + 6)].join('.');
  return address === '0.0.0.0' ? null : address;
}

/** Where the contents of a BER element with that tag lie, or null where there is no such element. */
export function berElement(bytes: Buffer, at: number, tag: number): { start: number; end: number } | null {
  const first = bytes[at + 1];
  if (bytes[at] !== tag || first === undefined) return null;
  if (first < 0x80) return { start: at + 2, end: at + 2 + first };
  const count = first & 0x7f;
  if (count === 0 || count > 3 || at + 2 + count > bytes.length) return null;
  const start = at + 2 + count;
  return { start, end: start + bytes.readUIntBE(at + 2, count) };
}

/** The datagram with its community blanked, as a capture may show it; version 3 has none. */
export function withoutCommunity(bytes: Buffer): Buffer {
  const message = berElement(bytes, 0, 0x30);
  const version = message && berElement(bytes, message.start, 0x02);
  const isVersion3 = version !== null && bytes[version.end - 1] === 3;
  const community = version && !isVersion3 ? berElement(bytes, version.end, 0x04) : null;
  if (!community) return bytes;
  // One that is cut off tells a length that it does not have.
  const [start, end] = [community.start, community.end].map((at) => Math.min(at, bytes.length));
  return Buffer.from(bytes).fill('*', start, end);
}

/** Length of the BER message in front, or null where none begins or its length is not there yet. */
export function messageLength(bytes: Buffer): number | null {
  return berElement(bytes, 0, 0x30)?.end ?? null;
}
