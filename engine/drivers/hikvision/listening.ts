import { asAlarmflowError, operationalError, userError } from '../../domain/errors';
import type { PushSetUp } from '../driver';
import { toXml, type XmlDraft } from '../wire';
import { type DocumentNode, findNode, numberOf, textOf } from './document';
import type { IsapiCalls } from './isapi-calls';
import { namespaceOf } from './xml-edit';

const HOSTS = '/ISAPI/Event/notification/httpHosts';

interface Target {
  tls: boolean;
  host: string;
  port: number;
  /** Path and query. */
  path: string;
}

/**
 * Has the device push its events to an address (HTTP listening, PROTOCOLS §1.3): writes one slot, reads it back and has
 * the device test it. A slot that already leads to the path is set anew; other slots are kept as they are.
 *
 * Throws `E_BAD_PARAMETER` (user) for an address that a device can't reach, `E_NO_FREE_SLOT` (user) where others hold
 * all slots, `E_NOT_SUPPORTED` (user), `E_DEVICE_ERROR` (operational) where the device took it but did not keep it.
 */
export async function setUpListening(
  calls: IsapiCalls,
  deviceName: string,
  url: string,
  signal: AbortSignal,
): Promise<PushSetUp> {
  const what = `HTTP listening of "${deviceName}"`;
  const target = targetOf(url, deviceName);
  const before = await calls.read(HOSTS, what, signal);
  if (!before)
    throw userError(
      'E_NOT_SUPPORTED',
      `${what}: this model has none; let its events come by its stream, or enter the address under "Alarm Server" on the device`,
    );
  const slots = slotsIn(before.root);
  const slot =
    slots.find((s) => samePath(s, target)) ?? slots.find(isFree) ?? (await newSlot(calls, slots, what, signal));
  if (!slot)
    throw userError(
      'E_NO_FREE_SLOT',
      `${what}: all ${slots.length} alarm servers are in use (${slots.map(placeOf).join(', ')}): delete one on the device`,
    );
  const id = textOf(slot, 'id') ?? '1';
  const draft = slotDraft(slot, id, target);
  const namespace = namespaceOf(before.body);
  const root = (element: XmlDraft): string => toXml({ ...element, attributes: { version: '2.0', xmlns: namespace } });
  try {
    await calls.write({ path: `${HOSTS}/${encodeURIComponent(id)}`, xml: root(draft) }, what, signal);
  } catch (thrown) {
    const { code, facts } = asAlarmflowError(thrown);
    if (code !== 'E_NOT_SUPPORTED' && facts?.http !== 404 && facts?.http !== 405) throw thrown;
    // Other firmware takes the whole list only; what is not ours goes back as it was told.
    const list = slots.includes(slot)
      ? slots.map((s) => (s === slot ? draft : asDraft(s)))
      : [...slots.map(asDraft), draft];
    await calls.write({ path: HOSTS, xml: root({ name: 'HttpHostNotificationList', children: list }) }, what, signal);
  }
  const after = await calls.read(HOSTS, what, signal);
  const kept = after ? slotsIn(after.root) : [];
  const ours = kept.find((s) => (textOf(s, 'id') ?? '1') === id);
  if (!ours || !samePath(ours, target) || hostOf(ours) !== target.host || numberOf(ours, 'portNo') !== target.port)
    throw operationalError(
      'E_DEVICE_ERROR',
      `${what}: the device said yes but did not keep ${target.host}:${target.port}. Enter it under "Alarm Server" on the device`,
    );
  const warnings = lostSlots(slots, kept, slot);
  const tested = await test(calls, `${HOSTS}/${encodeURIComponent(id)}/test`, root(draft), what, signal);
  if (tested === false)
    warnings.push(
      `The device could not reach ${target.host}:${target.port}: check the network between them, and the host in the address`,
    );
  return { slot: id, tested, warnings };
}

/** null: the device has no test. */
async function test(
  calls: IsapiCalls,
  path: string,
  xml: string,
  what: string,
  signal: AbortSignal,
): Promise<boolean | null> {
  try {
    await calls.write({ method: 'POST', path, xml }, what, signal);
    return true;
  } catch (thrown) {
    const error = asAlarmflowError(thrown);
    if (error.code === 'E_NOT_SUPPORTED' || error.code === 'E_BAD_PARAMETER') return null;
    if (error.code === 'E_DEVICE_ERROR' || error.code === 'E_DEVICE_BUSY') return false;
    throw thrown;
  }
}

function targetOf(text: string, deviceName: string): Target {
  const url = URL.canParse(text) ? new URL(text) : null;
  const bad = (reason: string): Error =>
    userError('E_BAD_PARAMETER', `"${deviceName}" can't push to this address: ${reason}`);
  if (!url || (url.protocol !== 'http:' && url.protocol !== 'https:')) throw bad('give one that begins with http://');
  if (url.username !== '' || url.password !== '') throw bad('leave user and password out of it');
  const host = url.hostname.replace(/^\[|\]$/g, '');
  if (/^(localhost|0\.0\.0\.0|::1?)$/i.test(host))
    throw bad(`"${host}" would be the device itself; give the address of this machine in the device's network`);
  const tls = url.protocol === 'https:';
  return { tls, host, port: url.port === '' ? (tls ? 443 : 80) : Number(url.port), path: url.pathname + url.search };
}

/** A slot that the device doesn't show because nothing is in it; undefined where there is no room. */
async function newSlot(
  calls: IsapiCalls,
  slots: DocumentNode[],
  what: string,
  signal: AbortSignal,
): Promise<DocumentNode | undefined> {
  const told = await calls.read(`${HOSTS}/capabilities`, what, signal);
  const node = told ? findNode(told.root, 'hostNumber') : undefined;
  const text = node?.text.trim() || node?.attributes?.max;
  const most = text && /^\d{1,2}$/.test(text) ? Number(text) : 1;
  if (slots.length >= most) return undefined;
  const used = slots.map((slot) => textOf(slot, 'id'));
  const id = Array.from({ length: most }, (_, i) => String(i + 1)).find((n) => !used.includes(n)) ?? '1';
  return { name: 'HttpHostNotification', text: '', children: [{ name: 'id', text: id, children: [] }] };
}

/** A list, or one element alone as recorders send it. */
function slotsIn(root: DocumentNode): DocumentNode[] {
  const list = findNode(root, 'HttpHostNotificationList');
  if (list) return list.children.filter((c) => c.name.toLowerCase() === 'httphostnotification');
  return root.name.toLowerCase() === 'httphostnotification' ? [root] : [];
}

const hostOf = (slot: DocumentNode): string => textOf(slot, 'ipAddress', 'hostName', 'ipv6Address') ?? '';

/** The address as the device keeps it; some write the whole URL into it. */
const pathOf = (slot: DocumentNode): string => (textOf(slot, 'url') ?? '').replace(/^https?:\/\/[^/]+/i, '');

const samePath = (slot: DocumentNode, target: Target): boolean => pathOf(slot) === target.path && target.path !== '/';

function isFree(slot: DocumentNode): boolean {
  const host = hostOf(slot);
  return host === '' || host === '0.0.0.0' || host === '::' || numberOf(slot, 'portNo') === 0;
}

const placeOf = (slot: DocumentNode): string => `${hostOf(slot)}:${textOf(slot, 'portNo') ?? ''}`;

function slotDraft(slot: DocumentNode, id: string, target: Target): XmlDraft {
  const isAddress = /^[\d.]+$/.test(target.host) || target.host.includes(':');
  const place = isAddress ? (target.host.includes(':') ? 'ipv6Address' : 'ipAddress') : 'hostName';
  const fields: Record<string, string> = {
    id,
    url: target.path,
    protocolType: target.tls ? 'HTTPS' : 'HTTP',
    parameterFormatType: 'XML',
    addressingFormatType: isAddress ? 'ipaddress' : 'hostname',
    [place]: target.host,
    portNo: String(target.port),
    httpAuthenticationMethod: 'none',
  };
  const dropped = ['ipaddress', 'hostname', 'ipv6address', 'username', 'password'];
  // What the model has beside these fields (its picture settings, its event list) stays.
  const others = slot.children.filter(
    (c) =>
      !dropped.includes(c.name.toLowerCase()) &&
      !Object.keys(fields).some((f) => f.toLowerCase() === c.name.toLowerCase()),
  );
  return {
    name: 'HttpHostNotification',
    children: [...Object.entries(fields).map(([name, text]) => ({ name, text })), ...others.map(asDraft)],
  };
}

const asDraft = (node: DocumentNode): XmlDraft => ({
  name: node.name,
  ...(node.attributes ? { attributes: { ...node.attributes } } : {}),
  ...(node.children.length > 0 ? { children: node.children.map(asDraft) } : { text: node.text.trim() }),
});

/** A device that forgets what was there must not do so in silence. */
function lostSlots(before: DocumentNode[], after: DocumentNode[], ours: DocumentNode): string[] {
  return before
    .filter((slot) => slot !== ours && !isFree(slot))
    .filter((slot) => !after.some((s) => placeOf(s) === placeOf(slot) && pathOf(s) === pathOf(slot)))
    .map((slot) => `The device has dropped its alarm server ${placeOf(slot)}: enter it there again`);
}
