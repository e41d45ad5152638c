import type { Clock } from '../../clock/clock';
import type { DeviceFacts } from '../../domain/devices';
import { operationalError } from '../../domain/errors';
import type { Log } from '../../domain/log';
import { parseDeviceTime } from '../device-time';
import type { DeviceHttp } from '../wire';
import { childOf, childrenOf, type DocumentNode, findNode, numberOf, readDocuments, textOf } from './document';
import { errorIn } from './response-status';

/** What the driver itself wants to know beside the facts. */
export interface Probed {
  facts: DeviceFacts;
  family: 'camera' | 'recorder';
  /** Channel numbers that exist, or null where the device doesn't list them. */
  channels: ReadonlySet<number> | null;
}

export interface ProbeOptions {
  http: DeviceHttp;
  name: string;
  clock: Clock;
  log: Log;
  signal: AbortSignal;
}

/** Asked one by one where a device refuses the whole list (PROTOCOLS §1.1). */
const singleTriggers = ['VMD-1', 'linedetection-1', 'fielddetection-1', 'IO-1', 'thermometry-2', 'fireDetection-2'];

/** Asks a device who it is and what its alarms lack. Throws what the request for its identity throws. */
export async function probeDevice(options: ProbeOptions): Promise<Probed> {
  const info = await ask(options, '/ISAPI/System/deviceInfo', true);
  const optional = (path: string): Promise<DocumentNode | null> => ask(options, path, false);
  const capabilities = await optional('/ISAPI/System/capabilities');
  const deviceType = textOf(info, 'deviceType') ?? '';
  const model = textOf(info, 'model') ?? '';
  const recorder = /NVR|DVR|recorder/i.test(deviceType) || /NVR|DVR/i.test(model) || /^DS-(7|8|9)\d{3}/i.test(model);
  const proxies = recorder ? await optional('/ISAPI/ContentMgmt/InputProxy/channels') : null;
  const streams = await optional('/ISAPI/Streaming/channels');
  const listed = proxies ? childrenOf(proxies, 'InputProxyChannel') : [];
  const numbers = listed.map((c) => numberOf(c, 'id')).filter((n) => n !== undefined);
  const streaming = new Set(
    childrenOf(streams ?? undefined, 'StreamingChannel')
      .map((c) => numberOf(c, 'id') ?? 0)
      .map((id) => Math.floor(id / 100))
      .filter((n) => n > 0),
  );
  const ptz = flag(capabilities, 'isSupportPTZ') || (await optional('/ISAPI/PTZCtrl/channels')) !== null;
  return {
    family: recorder ? 'recorder' : 'camera',
    channels: numbers.length > 0 ? new Set(numbers) : null,
    facts: {
      model,
      serialNumber: textOf(info, 'serialNumber') ?? '',
      firmware: [textOf(info, 'firmwareVersion'), textOf(info, 'firmwareReleasedDate')].filter(Boolean).join(' '),
      deviceType,
      inputs: numberIn(capabilities, 'IOInputPortNums'),
      outputs: numberIn(capabilities, 'IOOutputPortNums'),
      channels: Math.max(numbers.length, streaming.size),
      hasPtz: ptz,
      hasThermal: flag(capabilities, 'isSupportThermometry') || flag(capabilities, 'isSupportRealtimeThermometry'),
      warnings: await linkageWarnings(options),
    },
  };
}

/** The device's own time in milliseconds, or null when it doesn't tell it in a form that can be read. */
export async function readDeviceTime(options: ProbeOptions, timeZone: string | null): Promise<number | null> {
  const time = await ask(options, '/ISAPI/System/time', false);
  const text = time && textOf(time, 'localTime');
  return text ? parseDeviceTime(text, timeZone, options.clock.now()) : null;
}

async function ask(options: ProbeOptions, path: string, required: true): Promise<DocumentNode>;
async function ask(options: ProbeOptions, path: string, required: false): Promise<DocumentNode | null>;
async function ask(options: ProbeOptions, path: string, required: boolean): Promise<DocumentNode | null> {
  const { http, name, signal, log } = options;
  const response = await http.request({ method: 'GET', path, signal, timeoutMs: 8_000 });
  const error = errorIn(response, `${path} of "${name}"`);
  let reason = error;
  if (!error) {
    try {
      const [root] = readDocuments(response.body);
      if (root) return root;
    } catch (cause) {
      reason = operationalError(
        'E_DEVICE_ERROR',
        `"${name}" answered ${path} with something that is no ISAPI document: check that address and port are those of the device`,
        { cause },
      );
    }
  }
  if (required && reason) throw reason;
  // 403 and 404 mostly mean "not on this model" (§1.1).
  log.debug('hikvision.resource-missing', { path, reason: reason?.message });
  return null;
}

const flag = (root: DocumentNode | null, name: string): boolean =>
  root !== null && findNode(root, name)?.text.trim().toLowerCase() === 'true';

function numberIn(root: DocumentNode | null, name: string): number {
  const text = root && findNode(root, name)?.text.trim();
  return text && /^\d{1,4}$/.test(text) ? Number(text) : 0;
}

/** Without "Notify Surveillance Center" in its linkage an event reaches neither stream nor listener (§1.1). */
async function linkageWarnings(options: ProbeOptions): Promise<string[]> {
  const list = await ask(options, '/ISAPI/Event/triggers', false);
  let triggers = list ? childrenOf(findNode(list, 'EventTriggerList') ?? list, 'EventTrigger') : [];
  if (!list) {
    const found = [];
    for (const id of singleTriggers) found.push(await ask(options, `/ISAPI/Event/triggers/${id}`, false));
    triggers = found.filter((t) => t !== null);
  }
  const silent = triggers.filter((t) => !notifiesCenter(t)).map(triggerName);
  if (silent.length === 0) return [];
  const names = [...new Set(silent)];
  const shown = names.length > 8 ? `${names.slice(0, 8).join(', ')} and ${names.length - 8} more` : names.join(', ');
  return [
    `The linkage of ${shown} lacks "Notify Surveillance Center": tick it in the device's event settings, or these events never arrive`,
  ];
}

const triggerName = (trigger: DocumentNode): string =>
  textOf(trigger, 'id') ?? textOf(trigger, 'eventType') ?? 'an event without name';

function notifiesCenter(trigger: DocumentNode): boolean {
  const list = childOf(trigger, 'EventTriggerNotificationList');
  return childrenOf(list, 'EventTriggerNotification').some((n) =>
    /^(center|http)$/i.test(textOf(n, 'notificationMethod', 'id') ?? ''),
  );
}
