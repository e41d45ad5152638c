import { randomUUID } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';
import { isIPv4 } from 'node:net';
import { networkInterfaces } from 'node:os';
import type { Clock, Timer } from '../../clock/clock';
import { systemClock } from '../../clock/system-clock';
import type { DiscoveredDevice } from '../../domain/devices';
import { operationalError } from '../../domain/errors';
import { childOf, findNode, looksLikeDocument, numberOf, readDocuments, textOf } from './document';

export interface SadpOptions {
  /** Where questions go; default the multicast group of SADP, 239.255.255.250:37020. */
  to?: { address: string; port: number };
  /** Own addresses to ask from; default every IPv4 address of this machine but the loopback's. */
  from?: readonly string[];
  /** Own port; default that of the group, where many devices send their answers; 0: any free one. */
  port?: number;
  clock?: Clock;
}

const GROUP = { address: '239.255.255.250', port: 37_020 };
/** The later ones are for answers that were lost. */
const ASK_AT_MS = [0, 700, 2_500];
const ASK_EVERY_MS = 5_000;
const MAX_DEVICES = 1_000;
const MAX_BYTES = 16 * 1024;

const ownAddresses = (): string[] =>
  Object.values(networkInterfaces())
    .flatMap((list) => list ?? [])
    .filter((a) => a.family === 'IPv4' && !a.internal)
    .map((a) => a.address);

/**
 * Looks for devices on the local network by SADP, reading only, until the signal aborts (PROTOCOLS §1.7). Each device is
 * told once. Throws `E_DISCOVERY` (operational) when no socket can be opened.
 */
export async function discoverHikvision(
  found: (device: DiscoveredDevice) => void,
  signal: AbortSignal,
  options: SadpOptions = {},
): Promise<void> {
  if (signal.aborted) return;
  const clock = options.clock ?? systemClock;
  const to = options.to ?? GROUP;
  const addresses = options.from ?? ownAddresses();
  const told = new Set<string>();
  const timers: Timer[] = [];
  const sockets: Socket[] = [];
  const failures: unknown[] = [];

  const answered = (bytes: Buffer, from: string): void => {
    const device = readSadpAnswer(bytes, from);
    if (!device || told.has(device.identity) || told.size >= MAX_DEVICES) return;
    told.add(device.identity);
    found(device);
  };
  const ask = (): void => {
    const text = `<?xml version="1.0" encoding="utf-8"?><Probe><Uuid>${randomUUID().toUpperCase()}</Uuid><Types>inquiry</Types></Probe>`;
    // A network that is down for the moment is asked again with the next question.
    for (const socket of sockets) socket.send(text, to.port, to.address, () => undefined);
  };

  for (const address of addresses) {
    try {
      sockets.push(await openSocket(address, options.port ?? GROUP.port, to.address, answered));
    } catch (thrown) {
      failures.push(thrown);
    }
  }
  if (sockets.length === 0)
    throw operationalError(
      'E_DISCOVERY',
      addresses.length === 0
        ? 'This machine has no network address to look for devices from: connect it to the network'
        : 'No socket for the search could be opened on any network: check the firewall, and that no other search runs',
      { cause: failures[0] },
    );
  try {
    for (const ms of ASK_AT_MS) timers.push(clock.after(ms, ask, { background: true }));
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

function openSocket(
  address: string,
  port: number,
  group: string,
  answered: (bytes: Buffer, from: string) => void,
): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = createSocket({ type: 'udp4', reuseAddr: true });
    socket.once('error', (error) => {
      socket.close();
      reject(error);
    });
    const isMulticast = Number(group.split('.')[0]) >= 224;
    // Answers to the group arrive only at a socket that is bound to no single address.
    socket.bind(port, isMulticast ? undefined : address, () => {
      try {
        if (isMulticast) {
          socket.addMembership(group, address);
          socket.setMulticastInterface(address);
          socket.setMulticastTTL(2);
          socket.setMulticastLoopback(false);
        }
      } catch (error) {
        socket.close();
        reject(error);
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

/** The device in an answer; null for odd bytes, questions and other messages. */
export function readSadpAnswer(bytes: Buffer, from: string): DiscoveredDevice | null {
  if (bytes.length > MAX_BYTES || !looksLikeDocument(bytes)) return null;
  try {
    const [root] = readDocuments(bytes);
    const match = root && findNode(root, 'ProbeMatch');
    if (!match || textOf(match, 'Types')?.toLowerCase() !== 'inquiry') return null;
    const told = textOf(match, 'IPv4Address') ?? '';
    const host = isIPv4(told) && told !== '0.0.0.0' ? told : from;
    const port = numberOf(match, 'HttpPort') ?? 80;
    const serial = textOf(match, 'DeviceSN') ?? textOf(match, 'MAC') ?? host;
    const model = textOf(match, 'DeviceDescription') ?? 'Device';
    const inactive = textOf(match, 'Activated')?.toLowerCase() === 'false' || childOf(match, 'Activated')?.text === '0';
    return {
      driver: 'hikvision',
      host,
      port: Number.isInteger(port) && port > 0 && port <= 65_535 ? port : 80,
      title: `${model.slice(0, 100)}${inactive ? ' (not activated)' : ''}`,
      identity: serial.slice(0, 128),
    };
  } catch {
    // Anybody may send anything to the group.
    return null;
  }
}
