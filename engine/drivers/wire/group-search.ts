import { createSocket, type Socket } from 'node:dgram';
import { networkInterfaces } from 'node:os';
import type { Clock, Timer } from '../../clock/clock';
import { operationalError } from '../../domain/errors';

export interface GroupSearch {
  /** Where questions go: a multicast group, or in tests a single device. */
  to: { address: string; port: number };
  /**
   * Own addresses to ask from; default every IPv4 address of this machine but the loopback's, for an IPv6 group the
   * link-local one of each network (`fe80::1%eth0`).
   */
  from?: readonly string[] | undefined;
  /** Own port; 0: any free one. */
  port: number;
  /** Devices send their answers to the group, not to whoever asked: the sockets join it. */
  answersToGroup: boolean;
  /** When to ask at first, milliseconds from now: the later ones are for answers that were lost. Then every 5 s. */
  askAtMs: readonly number[];
  /** The questions of one round from one address. */
  questions(): readonly string[];
  /** Anything that arrives, odd bytes among it. */
  answered(bytes: Buffer, from: string): void;
  clock: Clock;
}

const ASK_EVERY_MS = 5_000;

const isIPv6 = (address: string): boolean => address.includes(':');

function ownAddresses(family: 'IPv4' | 'IPv6'): string[] {
  return Object.entries(networkInterfaces()).flatMap(([name, list]) => {
    const mine = (list ?? []).filter((a) => a.family === family && !a.internal).map((a) => a.address);
    if (family === 'IPv4') return mine;
    const local = mine.find((address) => /^fe[89ab]/i.test(address));
    return local === undefined ? [] : [`${local}%${name}`];
  });
}

/**
 * Asks a multicast group over UDP from each network of this machine, again and again until the signal aborts. Throws
 * `E_DISCOVERY` (operational) when no socket can be opened.
 */
export async function searchGroup(search: GroupSearch, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  const { to, clock } = search;
  const addresses = search.from ?? ownAddresses(isIPv6(to.address) ? 'IPv6' : 'IPv4');
  const timers: Timer[] = [];
  const sockets: Socket[] = [];
  const failures: unknown[] = [];

  const ask = (): void => {
    for (const socket of sockets) {
      // A network that is down for the moment is asked again with the next round.
      for (const text of search.questions()) socket.send(text, to.port, to.address, () => undefined);
    }
  };

  for (const address of addresses) {
    try {
      sockets.push(await openSocket(address, search));
    } catch (thrown) {
      failures.push(thrown);
    }
  }
  if (sockets.length === 0)
    throw operationalError(
      'E_DISCOVERY',
      addresses.length === 0
        ? 'This machine has no network address to look for devices from: connect it to the network'
        : `No socket for the search could be opened on any network: check the firewall${search.port === 0 ? '' : ', and that no other search runs'}`,
      { cause: failures[0] },
    );
  try {
    for (const ms of search.askAtMs) timers.push(clock.after(ms, ask, { background: true }));
    timers.push(clock.every(ASK_EVERY_MS, ask, { background: true }));
    await new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      else signal.addEventListener('abort', () => resolve(), { once: true });
    });
  } finally {
    for (const timer of timers) timer.cancel();
    for (const socket of sockets) socket.close();
  }
}

function openSocket(address: string, { to, port, answersToGroup, answered }: GroupSearch): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = createSocket({ type: isIPv6(to.address) ? 'udp6' : 'udp4', reuseAddr: true });
    socket.once('error', (error) => {
      socket.close();
      reject(error);
    });
    const joins = answersToGroup && !isIPv6(to.address) && Number(to.address.split('.')[0]) >= 224;
    // Answers to the group arrive only at a socket that is bound to no single address.
    socket.bind(port, joins ? undefined : address, () => {
      try {
        if (joins) {
          socket.addMembership(to.address, address);
          socket.setMulticastLoopback(false);
        }
        const zone = address.split('%')[1];
        if (zone !== undefined) socket.setMulticastInterface(`::%${zone}`);
        else if (!isIPv6(address) && !address.startsWith('127.')) socket.setMulticastInterface(address);
        socket.setMulticastTTL(2);
      } catch (thrown) {
        // The network went away between the listing and now.
        socket.close();
        reject(thrown);
        return;
      }
      socket.removeAllListeners('error');
      // An unreachable neighbour shows as an error of the socket; the search goes on.
      socket.on('error', () => undefined);
      socket.on('message', (bytes, { address: from }) => answered(bytes, from));
      resolve(socket);
    });
  });
}
