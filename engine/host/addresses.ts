import type { IncomingMessage } from 'node:http';
import { BlockList, isIP, isIPv4, isIPv6 } from 'node:net';
import type { TLSSocket } from 'node:tls';

/** An IP address in one spelling: no zone, IPv4 in IPv6 as IPv4. */
export function plainAddress(address: string): string {
  const bare = address.replace(/^\[|\]$/g, '').replace(/%.*$/, '');
  const mapped = /^::ffff:(\d{1,3}(?:\.\d{1,3}){3})$/i.exec(bare);
  if (mapped) return mapped[1]!;
  const hexMapped = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/i.exec(bare);
  if (!hexMapped) return bare.toLowerCase();
  const [high, low] = [Number.parseInt(hexMapped[1]!, 16), Number.parseInt(hexMapped[2]!, 16)];
  return `${high >> 8}.${high & 255}.${low >> 8}.${low & 255}`;
}

export const isLoopback = (address: string): boolean => {
  const plain = plainAddress(address);
  return plain === '::1' || (isIPv4(plain) && plain.startsWith('127.'));
};

/** An address or a network in CIDR form (`192.168.1.0/24`, `fe80::/10`). */
export function isAddressOrNetwork(text: string): boolean {
  const [address = '', prefix, ...rest] = text.split('/');
  const family = isIP(plainAddress(address));
  if (family === 0 || rest.length > 0) return false;
  if (prefix === undefined) return true;
  return /^\d{1,3}$/.test(prefix) && Number(prefix) <= (family === 4 ? 32 : 128);
}

export interface AddressList {
  includes(address: string): boolean;
}

/** Entries that are no address are left out; the schema of whoever gives them has refused them before. */
export function addressList(entries: readonly string[]): AddressList {
  const list = new BlockList();
  for (const entry of entries.filter(isAddressOrNetwork)) {
    const [address = '', prefix] = entry.split('/');
    const plain = plainAddress(address);
    const family = isIPv4(plain) ? 'ipv4' : 'ipv6';
    if (prefix === undefined) list.addAddress(plain, family);
    else list.addSubnet(plain, Number(prefix), family);
  }
  return {
    includes(address) {
      const plain = plainAddress(address);
      if (isIPv4(plain)) return list.check(plain, 'ipv4');
      return isIPv6(plain) && list.check(plain, 'ipv6');
    },
  };
}

/** Who sent a request, as far as it can be known. */
export interface Peer {
  /** Address of the sender; behind a trusted proxy the one that the proxy names. */
  address: string;
  /** The sender runs on this machine and nothing says that it only forwards. */
  local: boolean;
  /** Came by HTTPS, to us or to a trusted proxy. */
  secure: boolean;
  /** Forwarded by something that is not a trusted proxy. */
  unknownProxy: boolean;
}

const forwardedHeaders = ['x-forwarded-for', 'forwarded', 'x-forwarded-host', 'x-real-ip', 'via'] as const;

/** Only what a trusted proxy adds is believed; anybody can send these headers. */
export function peerOf(request: IncomingMessage, trustedProxies: AddressList): Peer {
  const direct = plainAddress(request.socket.remoteAddress ?? '');
  const encrypted = (request.socket as Partial<TLSSocket>).encrypted === true;
  const forwarded = forwardedHeaders.some((name) => request.headers[name] !== undefined);
  if (!trustedProxies.includes(direct))
    return { address: direct, local: isLoopback(direct) && !forwarded, secure: encrypted, unknownProxy: forwarded };
  // The right end of the list is what our own proxies wrote; the first that is none of them is the sender.
  const hops = String(request.headers['x-forwarded-for'] ?? '')
    .split(',')
    .map((hop) => plainAddress(hop.trim()))
    .filter((hop) => isIP(hop) !== 0);
  const address = hops.reverse().find((hop) => !trustedProxies.includes(hop)) ?? direct;
  const proto = String(request.headers['x-forwarded-proto'] ?? '')
    .split(',')
    .at(-1)
    ?.trim();
  return {
    address,
    local: !forwarded && isLoopback(direct),
    secure: encrypted || proto === 'https',
    unknownProxy: false,
  };
}
