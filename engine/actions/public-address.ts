/** Which addresses of the Internet a push service may have: an endpoint is what a browser says, and may point anywhere. */
import { BlockList, isIP, isIPv4 } from 'node:net';

/** IANA special-purpose registries (RFC 6890 and later): nothing of this is a server of somebody else. */
const special = new BlockList();
for (const [network, prefix] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.31.196.0', 24],
  ['192.52.193.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['192.175.48.0', 24],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3],
] as const)
  special.addSubnet(network, prefix, 'ipv4');
/** What is global lies in 2000::/3; these parts of it do not, or lead to IPv4 addresses of any kind. */
const notGlobal = new BlockList();
for (const [network, prefix] of [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
] as const)
  notGlobal.addSubnet(network, prefix, 'ipv6');
const global6 = new BlockList();
global6.addSubnet('2000::', 3, 'ipv6');

/** Whether an IP address belongs to a server on the open Internet. */
export function isPublicAddress(address: string): boolean {
  if (isIPv4(address)) return !special.check(address, 'ipv4');
  if (isIP(address) !== 6) return false;
  return global6.check(address, 'ipv6') && !notGlobal.check(address, 'ipv6');
}

const LONGEST_ENDPOINT = 2_048;
/** Names that never lead out of a house. */
const houseNames =
  /(^|\.)(localhost|local|internal|intranet|lan|home|corp|private|home\.arpa|arpa|test|invalid|onion)$/i;

/** Why a push service's URL cannot be one, before anybody looks its name up; null: it may be. */
export function endpointFault(endpoint: string): string | null {
  if (endpoint.length > LONGEST_ENDPOINT) return `it is longer than ${LONGEST_ENDPOINT} characters`;
  if (!URL.canParse(endpoint)) return 'it is no URL';
  const { protocol, username, password, hostname, hash } = new URL(endpoint);
  if (protocol !== 'https:') return 'it is not https';
  if (username !== '' || password !== '' || hash !== '') return 'it has a login or a fragment';
  if (hostname.startsWith('[') || isIP(hostname) !== 0) return 'it names an address instead of a server';
  if (!hostname.includes('.') || houseNames.test(hostname.replace(/\.$/, '')))
    return 'its name is none of the Internet';
  return null;
}
