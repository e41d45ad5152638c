import { type DocumentNode, numberOf, textOf } from '../document';
import {
  badContent,
  documentOf,
  notSupported,
  ok,
  type ResourceAnswer,
  type ResourceRequest,
  type RouteOf,
  status,
  xml,
} from './answers';
import type { Resources } from './device-state';
import type { Draft } from './documents';
import type { ListenerSlot } from './listeners';

const mostSlots = (at: Resources): number => (at.model === 'nvr' ? 1 : 3);

const slotDraft = (slot: ListenerSlot): Draft => ({
  id: slot.id,
  url: slot.path,
  protocolType: 'HTTP',
  parameterFormatType: slot.format,
  addressingFormatType: 'ipaddress',
  ipAddress: slot.host,
  portNo: slot.port,
  httpAuthenticationMethod: 'none',
  uploadImagesDataType: 'binary',
});

function slotOf(node: DocumentNode): ListenerSlot | null {
  const host = textOf(node, 'ipAddress', 'hostName');
  const port = numberOf(node, 'portNo');
  const path = textOf(node, 'url');
  if (host === undefined || port === undefined || path === undefined || !path.startsWith('/')) return null;
  const format = textOf(node, 'parameterFormatType') === 'JSON' ? 'JSON' : 'XML';
  return { id: numberOf(node, 'id') ?? 1, host, port, path, format };
}

function list(at: Resources): ResourceAnswer {
  const shown = at.listeners.slots();
  if (at.faults.has('hosts-free-slots'))
    for (let id = 1; id <= mostSlots(at); id++)
      if (!shown.some((s) => s.id === id)) shown.push({ id, host: '0.0.0.0', port: 80, path: '/', format: 'XML' });
  const [only] = shown;
  // Recorders have one and send it alone.
  if (at.model === 'nvr' && only) return xml('HttpHostNotification', slotDraft(only));
  return xml('HttpHostNotificationList', { HttpHostNotification: shown.map(slotDraft) });
}

function set(r: ResourceRequest, id: string | undefined, at: Resources): ResourceAnswer {
  const root = documentOf(r.body);
  if (!root) return status(r.url, 400, 5, 'Invalid XML Format', 'badXmlFormat');
  if (id !== undefined && at.faults.has('hosts-whole-list-only'))
    return status(r.url, 405, 4, 'Invalid Operation', 'methodNotAllowed');
  const nodes =
    root.name === 'HttpHostNotification' ? [root] : root.children.filter((c) => c.name === 'HttpHostNotification');
  const slots = nodes.map(slotOf);
  const good = slots.filter((slot) => slot !== null);
  if (good.length !== slots.length || nodes.some((n) => textOf(n, 'password') !== undefined)) return badContent(r.url);
  if (at.faults.has('hosts-ignored')) return ok(r.url);
  const kept = id === undefined || at.faults.has('hosts-dropped') ? [] : at.listeners.slots();
  const used = [...kept.filter((s) => s.id !== Number(id)), ...good].filter((s) => s.host !== '0.0.0.0');
  if (used.length > mostSlots(at)) return badContent(r.url);
  at.listeners.set(used.sort((a, b) => a.id - b.id));
  return ok(r.url);
}

function test(r: ResourceRequest, id: string | undefined, at: Resources): ResourceAnswer {
  const slot = at.listeners.slots().find((s) => s.id === Number(id));
  if (at.faults.has('hosts-no-test')) return notSupported(r.url);
  if (!slot) return badContent(r.url);
  if (at.faults.has('hosts-test-fails')) return status(r.url, 200, 3, 'Device Error', 'deviceError');
  at.test(slot);
  return ok(r.url);
}

/** HTTP listening (PROTOCOLS §1.3). */
export const listenerRoutes: RouteOf<Resources>[] = [
  [
    /^GET \/ISAPI\/Event\/notification\/httpHosts$/,
    (r, _p, at) => (at.faults.has('no-http-hosts') ? notSupported(r.url) : list(at)),
  ],
  [
    /^GET \/ISAPI\/Event\/notification\/httpHosts\/capabilities$/,
    (_r, _p, at) => xml('HttpHostNotificationCap', { hostNumber: mostSlots(at) }),
  ],
  [/^PUT \/ISAPI\/Event\/notification\/httpHosts(?:\/(\d+))?$/, (r, [id], at) => set(r, id, at)],
  [/^POST \/ISAPI\/Event\/notification\/httpHosts\/(\d+)\/test$/, (r, [id], at) => test(r, id, at)],
];
