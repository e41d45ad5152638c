import { randomUUID } from 'node:crypto';
import { isIPv4 } from 'node:net';
import type { Clock } from '../../clock/clock';
import { systemClock } from '../../clock/system-clock';
import type { DiscoveredDevice } from '../../domain/devices';
import { searchGroup } from '../wire';
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
const ASK_AT_MS = [0, 700, 2_500];
const MAX_DEVICES = 1_000;
const MAX_BYTES = 16 * 1024;

/**
 * Looks for devices on the local network by SADP, reading only, until the signal aborts (PROTOCOLS §1.7). Each device is
 * told once. Throws `E_DISCOVERY` (operational) when no socket can be opened.
 */
export function discoverHikvision(
  found: (device: DiscoveredDevice) => void,
  signal: AbortSignal,
  options: SadpOptions = {},
): Promise<void> {
  const told = new Set<string>();
  return searchGroup(
    {
      to: options.to ?? GROUP,
      from: options.from,
      port: options.port ?? GROUP.port,
      answersToGroup: true,
      askAtMs: ASK_AT_MS,
      clock: options.clock ?? systemClock,
      questions: () => [
        `<?xml version="1.0" encoding="utf-8"?><Probe><Uuid>${randomUUID().toUpperCase()}</Uuid><Types>inquiry</Types></Probe>`,
      ],
      answered(bytes, from) {
        const device = readSadpAnswer(bytes, from);
        if (!device || told.has(device.identity) || told.size >= MAX_DEVICES) return;
        told.add(device.identity);
        found(device);
      },
    },
    signal,
  );
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
