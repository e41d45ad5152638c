import { BlockList, isIP } from 'node:net';
import { userError } from '../domain/errors';

const plain = (address: string): string => address.trim().replace(/^::ffff:(?=\d+\.)/i, '');

/**
 * Whether an address may push: the list holds addresses and networks (`192.0.2.0/24`); an empty one lets all in.
 * Throws `E_BAD_PARAMETER` (user) for an entry that is neither.
 */
export function mayPushFrom(list: readonly string[], remoteAddress: string): boolean {
  if (list.length === 0) return true;
  const allowed = new BlockList();
  for (const entry of list) {
    const [address = '', prefix] = plain(entry).split('/');
    const family = isIP(address);
    const bits = prefix === undefined ? null : Number(prefix);
    const most = family === 4 ? 32 : 128;
    if (family === 0 || (bits !== null && !(Number.isInteger(bits) && bits >= 0 && bits <= most)))
      throw userError('E_BAD_PARAMETER', `"${entry}" is neither an address nor a network such as 192.0.2.0/24`);
    const kind = family === 4 ? 'ipv4' : 'ipv6';
    if (bits === null) allowed.addAddress(address, kind);
    else allowed.addSubnet(address, bits, kind);
  }
  const remote = plain(remoteAddress);
  const family = isIP(remote);
  return family !== 0 && allowed.check(remote, family === 4 ? 'ipv4' : 'ipv6');
}
