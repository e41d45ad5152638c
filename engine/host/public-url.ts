/** Under which address devices reach this process, for those that are told where to push. */
import { createSocket } from 'node:dgram';
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { isLoopback } from './addresses';

export interface ListeningAddress {
  /** The operator's word; null: found out. */
  publicUrl: string | null;
  /** As configured: an address, a name, or one that means all of this machine. */
  host: string;
  port: number;
  tls: boolean;
}

/** Discard (RFC 863); nothing is sent there. */
const ANY_PORT = 9;

/**
 * Our URL as a device reaches it, without a slash at its end; null where there is none: we listen for this machine only
 * and the device is another, or no way leads to it.
 *
 * @param deviceHost address or name of the device; empty: it has none
 */
export async function urlTowards(deviceHost: string, own: ListeningAddress): Promise<string | null> {
  if (own.publicUrl !== null) return own.publicUrl.replace(/\/+$/, '');
  const address = await addressTowards(deviceHost, own.host);
  if (address === null) return null;
  return `${own.tls ? 'https' : 'http'}://${isIP(address) === 6 ? `[${address}]` : address}:${own.port}`;
}

async function addressTowards(deviceHost: string, host: string): Promise<string | null> {
  const everywhere = host === '0.0.0.0' || host === '::';
  const onlyHere = host.toLowerCase() === 'localhost' || isLoopback(host);
  if (!everywhere && !onlyHere) return host;
  if (deviceHost === '') return null;
  let device: { address: string; family: number };
  try {
    device = await lookup(deviceHost, { family: host === '0.0.0.0' ? 4 : 0 });
  } catch {
    // A device whose name nobody knows is reached by nobody; its driver tells that.
    return null;
  }
  if (onlyHere) return isLoopback(device.address) ? (isIP(host) ? host : '127.0.0.1') : null;
  const local = await localAddress(device.address, device.family);
  // An address of one wire alone needs a zone (RFC 4007) that means nothing to the device.
  return local === null || /^fe[89ab]/i.test(local) ? null : local;
}

/** The address of this machine from which packets to that device leave; connecting a UDP socket sends none. */
function localAddress(device: string, family: number): Promise<string | null> {
  return new Promise((resolve) => {
    const socket = createSocket(family === 6 ? 'udp6' : 'udp4');
    const done = (found: string | null): void => {
      socket.close();
      resolve(found);
    };
    socket.once('error', () => done(null));
    socket.connect(ANY_PORT, device, () => done(socket.address().address));
  });
}
