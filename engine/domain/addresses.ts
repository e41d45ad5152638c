/** IP addresses and networks as operators write them, without asking the system (RFC 4291 §2.2, RFC 4632 §3.1). */

interface Address {
  value: bigint;
  /** Bits: 32 or 128. */
  width: 32 | 128;
}

const LONGEST = 64;
const MAPPED = 0xffffn << 32n;

function version4(text: string): bigint | null {
  if (!/^\d{1,3}(?:\.\d{1,3}){3}$/.test(text)) return null;
  const bytes = text.split('.').map(Number);
  return bytes.every((byte) => byte <= 255) ? bytes.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n) : null;
}

/** Groups of 16 bits; the last may be an address of version 4. */
function groupsOf(text: string): bigint[] | null {
  if (text === '') return [];
  const parts = text.split(':');
  const groups: bigint[] = [];
  for (const [at, part] of parts.entries()) {
    const last = at === parts.length - 1 ? version4(part) : null;
    if (last !== null) groups.push(last >> 16n, last & 0xffffn);
    else if (/^[0-9a-f]{1,4}$/i.test(part)) groups.push(BigInt(`0x${part}`));
    else return null;
  }
  return groups;
}

function version6(text: string): bigint | null {
  const [head = '', tail, ...more] = text.split('::');
  const before = groupsOf(head);
  const after = tail === undefined ? [] : groupsOf(tail);
  if (more.length > 0 || !before || !after) return null;
  const missing = 8 - before.length - after.length;
  if (tail === undefined ? missing !== 0 : missing < 1) return null;
  const groups = [...before, ...Array<bigint>(missing).fill(0n), ...after];
  return groups.reduce((sum, group) => (sum << 16n) | group, 0n);
}

/** One of version 4 in the clothes of version 6 (`::ffff:192.0.2.1`) is itself; a zone (`%eth0`) is left out. */
function addressOf(text: string): Address | null {
  if (text.length > LONGEST) return null;
  const four = version4(text);
  if (four !== null) return { value: four, width: 32 };
  const six = version6(text.replace(/%[\w.-]+$/, ''));
  if (six === null) return null;
  return six >> 32n === MAPPED >> 32n ? { value: six & 0xffff_ffffn, width: 32 } : { value: six, width: 128 };
}

/** @returns null where it is neither an address nor a network */
function networkOf(text: string): (Address & { bits: number }) | null {
  const [start = '', bits, ...more] = text.split('/');
  const address = addressOf(start);
  if (!address || more.length > 0) return null;
  if (bits === undefined) return { ...address, bits: address.width };
  if (!/^\d{1,3}$/.test(bits) || Number(bits) > address.width) return null;
  return { ...address, bits: Number(bits) };
}

/** Whether a list of senders may hold it: an address, a network (`192.0.2.0/24`) or a host name. */
export const isSenderEntry = (text: string): boolean =>
  networkOf(text) !== null ||
  // What looks like an address and is none must not count as a name.
  (text.length <= 253 && /^[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?$/i.test(text) && !/^[\d.]+$/.test(text));

/** Whether a sender is one of a list: by its address, or by the name under which it is known. */
export function isAmongSenders(
  list: readonly string[],
  address: string | undefined,
  name: string | undefined,
): boolean {
  const sender = address === undefined ? null : addressOf(address);
  return list.some((entry) => {
    const network = networkOf(entry);
    if (!network) return [address, name].some((told) => told?.toLowerCase() === entry.toLowerCase());
    if (!sender || sender.width !== network.width) return false;
    const rest = BigInt(network.width - network.bits);
    return sender.value >> rest === network.value >> rest;
  });
}
