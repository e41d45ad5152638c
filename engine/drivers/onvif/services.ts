import { child, childText, findAll, type XmlElement } from '../wire';
import { element } from './envelope';
import { ns } from './namespaces';
import { type ServiceAddress, serviceAddress } from './service-address';
import type { SoapClient } from './soap-client';

/** Where the services of a device are; what it doesn't have is absent. */
export interface Services {
  events?: ServiceAddress;
  media?: ServiceAddress;
  media2?: ServiceAddress;
  deviceIo?: ServiceAddress;
  ptz?: ServiceAddress;
  recording?: ServiceAddress;
  analytics?: ServiceAddress;
}

const byNamespace: Readonly<Record<string, keyof Services>> = {
  [ns.events]: 'events',
  [ns.media]: 'media',
  [ns.media2]: 'media2',
  [ns.deviceIo]: 'deviceIo',
  [ns.ptz]: 'ptz',
  [ns.recording]: 'recording',
  [ns.analytics]: 'analytics',
};

const byCapability: readonly [string, keyof Services][] = [
  ['Events', 'events'],
  ['Media', 'media'],
  ['PTZ', 'ptz'],
  ['DeviceIO', 'deviceIo'],
  ['Recording', 'recording'],
  ['Analytics', 'analytics'],
];

/** Asks for the services: GetServices, on older devices GetCapabilities (PROTOCOLS §4.1). */
export async function findServices(client: SoapClient, signal: AbortSignal): Promise<Services> {
  const services = await client.call(
    client.deviceService,
    {
      what: 'Services',
      action: `${ns.device}/GetServices`,
      body: element('GetServices', ns.device, '<IncludeCapability>false</IncludeCapability>'),
    },
    signal,
  );
  const found = services.ok && services.body ? fromServices(services.body) : {};
  if (found.events || found.media || found.media2) return found;
  const capabilities = await client.ask(
    client.deviceService,
    {
      what: 'Capabilities',
      action: `${ns.device}/GetCapabilities`,
      body: element('GetCapabilities', ns.device, '<Category>All</Category>'),
    },
    signal,
  );
  return { ...fromCapabilities(capabilities), ...found };
}

function fromServices(body: XmlElement): Services {
  const found: Services = {};
  for (const service of findAll(body, 'Service')) {
    const namespace = (childText(service, 'Namespace') ?? '').replace(/\/+$/, '');
    const kind = Object.hasOwn(byNamespace, namespace) ? byNamespace[namespace] : undefined;
    const address = serviceAddress(childText(service, 'XAddr'));
    if (kind && address) found[kind] ??= address;
  }
  return found;
}

function fromCapabilities(body: XmlElement): Services {
  const found: Services = {};
  for (const [name, kind] of byCapability) {
    const part = findAll(body, name).find((e) => child(e, 'XAddr') !== undefined);
    const address = serviceAddress(childText(part, 'XAddr'));
    if (address) found[kind] = address;
  }
  return found;
}
