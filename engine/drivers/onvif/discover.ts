import { randomUUID } from 'node:crypto';
import type { Clock } from '../../clock/clock';
import { systemClock } from '../../clock/system-clock';
import type { DiscoveredDevice } from '../../domain/devices';
import { AlarmflowError } from '../../domain/errors';
import { child, childText, findAll, searchGroup, type XmlElement } from '../wire';
import { parseSoap } from './answer';

export interface DiscoveryOptions {
  /** Where probes go; default the multicast groups of WS-Discovery, 239.255.255.250 and ff02::c, port 3702. */
  to?: { address: string; port: number };
  /** Own addresses to ask from; default those of every network of this machine. */
  from?: readonly string[];
  clock?: Clock;
}

/**
 * Over IPv6 it is asked later: a device that answers both is told by its IPv4 address, which people know; one that has
 * an address of another network, as new ones do, is found by IPv6 alone.
 */
const GROUPS = [
  { address: '239.255.255.250', port: 3702, probeAtMs: [0, 500, 3_000] },
  { address: 'ff02::c', port: 3702, probeAtMs: [1_500, 2_000, 3_500] },
];
const MAX_DEVICES = 1_000;
const TYPES = [
  ['dn:NetworkVideoTransmitter', 'http://www.onvif.org/ver10/network/wsdl'],
  ['dn:Device', 'http://www.onvif.org/ver10/device/wsdl'],
] as const;

const probeText = (id: string, [type, namespace]: readonly [string, string]): string =>
  '<?xml version="1.0" encoding="UTF-8"?>' +
  '<e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope" xmlns:w="http://schemas.xmlsoap.org/ws/2004/08/addressing"' +
  ` xmlns:d="http://schemas.xmlsoap.org/ws/2005/04/discovery" xmlns:dn="${namespace}"><e:Header>` +
  `<w:MessageID>uuid:${id}</w:MessageID><w:To e:mustUnderstand="true">urn:schemas-xmlsoap-org:ws:2005:04:discovery</w:To>` +
  '<w:Action e:mustUnderstand="true">http://schemas.xmlsoap.org/ws/2005/04/discovery/Probe</w:Action></e:Header>' +
  `<e:Body><d:Probe><d:Types>${type}</d:Types></d:Probe></e:Body></e:Envelope>`;

/**
 * Looks for ONVIF devices on the local network by WS-Discovery until the signal aborts (PROTOCOLS §4.1). Each device is
 * told once, whatever it repeats; what is no answer to our question is left out. Throws `E_DISCOVERY` (operational)
 * when no socket can be opened, neither for IPv4 nor for IPv6.
 */
export async function discoverOnvif(
  found: (device: DiscoveredDevice) => void,
  signal: AbortSignal,
  options: DiscoveryOptions = {},
): Promise<void> {
  const asked = new Set<string>();
  const told = new Set<string>();
  const groups = options.to ? [{ ...options.to, probeAtMs: [0, 500, 3_000] }] : GROUPS;
  const searches = groups.map(({ address, port, probeAtMs }) =>
    searchGroup(
      {
        to: { address, port },
        from: options.from,
        port: 0,
        answersToGroup: false,
        askAtMs: probeAtMs,
        clock: options.clock ?? systemClock,
        questions: () =>
          TYPES.map((type) => {
            const id = randomUUID();
            asked.add(id);
            if (asked.size > 2_000) asked.delete(asked.values().next().value ?? id);
            return probeText(id, type);
          }),
        answered(bytes, from) {
          for (const device of readProbeMatches(bytes, from, asked)) {
            const keys = [device.identity, `${device.host}:${device.port}`].filter((key) => key !== '');
            if (keys.some((key) => told.has(key)) || told.size > 2 * MAX_DEVICES) continue;
            for (const key of keys) told.add(key);
            found(device);
          }
        },
      },
      signal,
    ),
  );
  const ended = await Promise.allSettled(searches);
  const [first] = ended;
  if (first?.status === 'rejected' && ended.every(({ status }) => status === 'rejected')) throw first.reason;
}

/** Devices in an answer, if it is one to a question of ours; odd bytes give none. */
export function readProbeMatches(bytes: Buffer, from: string, asked: ReadonlySet<string>): DiscoveredDevice[] {
  let root: XmlElement;
  try {
    root = parseSoap(bytes);
  } catch (thrown) {
    if (thrown instanceof AlarmflowError) return [];
    throw thrown;
  }
  const relates = findAll(root, 'RelatesTo')[0]?.text.trim().toLowerCase() ?? '';
  if (!asked.has(relates.replace(/^urn:/, '').replace(/^uuid:/, ''))) return [];
  return findAll(root, 'ProbeMatch')
    .slice(0, 64)
    .flatMap((match) => {
      const address = bestAddress(childText(match, 'XAddrs') ?? '', from);
      if (!address) return [];
      const scopes = (childText(match, 'Scopes') ?? '').split(/\s+/);
      const identity = childText(child(match, 'EndpointReference'), 'Address') ?? '';
      return [{ driver: 'onvif', ...address, title: titleOf(scopes) || address.host, identity }];
    });
}

/** One of several XAddrs: that which the answer came from, else the first that is not link-local. */
function bestAddress(text: string, from: string): { host: string; port: number } | null {
  const all = text
    .split(/\s+/)
    .slice(0, 32)
    .map((part) =>
      /^(https?):\/\/(?:[^/?#]*@)?([\w.-]{1,255}|\[[\da-f:.]{2,45}(?:%25[\w.-]{1,30})?\])(?::(\d{1,5}))?(?:[/?#]|$)/i.exec(
        part,
      ),
    )
    .filter((match) => match !== null)
    .map((match) => ({
      host: plainHost(match[2]!),
      port: match[3] === undefined ? (/^https$/i.test(match[1]!) ? 443 : 80) : Number(match[3]),
      tls: /^https$/i.test(match[1]!),
    }))
    .filter(({ port }) => port > 0 && port <= 65_535)
    .sort((a, b) => Number(a.tls) - Number(b.tls));
  const [source = ''] = from.split('%');
  const asked = all.find(({ host }) => host === source);
  // A link-local address is of use only with the network that it is on, which the answer came by.
  if (asked) return { host: from, port: asked.port };
  const best = all.find(({ host }) => !/^(?:169\.254\.|fe[89ab][\da-f]:)/.test(host)) ?? all[0];
  return best ? { host: best.host, port: best.port } : null;
}

/** Without brackets, and without a zone, which would be one of the device's own. */
const plainHost = (host: string): string => host.replace(/^\[|\]$|%25.*/g, '').toLowerCase();

function titleOf(scopes: readonly string[]): string {
  const value = (kind: string): string => {
    const scope = scopes.find((s) => s.toLowerCase().startsWith(`onvif://www.onvif.org/${kind}/`)) ?? '';
    const text = scope.split('/').slice(4).join('/').slice(0, 100);
    try {
      return decodeURIComponent(text).trim();
    } catch {
      // No percent-encoding after all: it is shown as it came.
      return text.trim();
    }
  };
  const name = value('name');
  const hardware = value('hardware');
  return name !== '' && hardware !== '' && !name.includes(hardware) ? `${name} (${hardware})` : name || hardware;
}
