import type { DeviceFacts } from '../../domain/devices';
import { parseDeviceTime } from '../device-time';
import { type AskOptions, ask, askIf, countIn, flagIn } from './ask';
import { type ChannelMap, channelMapOf } from './channel-map';
import { childOf, childrenOf, type DocumentNode, findNode, textOf } from './document';
import { type Inventory, readInventory, streamedChannels } from './inventory';

/** What the driver itself wants to know beside the facts. */
export interface Probed {
  facts: DeviceFacts;
  family: 'camera' | 'recorder';
  inventory: Inventory;
  channels: ChannelMap;
}

/** Asked one by one where a device refuses the whole list (PROTOCOLS §1.1). */
const singleTriggers = ['VMD-1', 'linedetection-1', 'fielddetection-1', 'IO-1', 'thermometry-2', 'fireDetection-2'];

/** A clock further off than this is told as a thing to mend. */
const CLOCK_OFF_MS = 60_000;

/**
 * Asks a device who it is and what its alarms lack. Throws what the request for its identity throws.
 *
 * @param pushes its events come by push alone
 */
export async function probeDevice(asked: AskOptions, timeZone: string | null, pushes: boolean): Promise<Probed> {
  const options = { ...asked, forbidden: new Set<string>() };
  const info = await ask(options, '/ISAPI/System/deviceInfo');
  const optional = (path: string): Promise<DocumentNode | null> => askIf(options, path);
  const capabilities = await optional('/ISAPI/System/capabilities');
  const deviceType = textOf(info, 'deviceType') ?? '';
  const model = textOf(info, 'model') ?? '';
  const recorder = /NVR|DVR|recorder/i.test(deviceType) || /NVR|DVR/i.test(model) || /^DS-(7|8|9)\d{3}/i.test(model);
  const inventory = await readInventory(options, recorder);
  const streaming = streamedChannels(await optional('/ISAPI/Streaming/channels'));
  const listed = new Set([...inventory.own, ...(inventory.cameras ?? [])].map((c) => c.channel));
  const ptz = flagIn(capabilities, 'isSupportPTZ') || (await optional('/ISAPI/PTZCtrl/channels')) !== null;
  const time = await readDeviceTime(options, timeZone);
  return {
    family: recorder ? 'recorder' : 'camera',
    inventory,
    channels: channelMapOf(inventory),
    facts: {
      model,
      serialNumber: textOf(info, 'serialNumber') ?? '',
      firmware: [textOf(info, 'firmwareVersion'), textOf(info, 'firmwareReleasedDate')].filter(Boolean).join(' '),
      deviceType,
      inputs: countIn(capabilities, 'IOInputPortNums') || inventory.inputs.length,
      outputs: countIn(capabilities, 'IOOutputPortNums') || inventory.outputs.length,
      channels: Math.max(listed.size, streaming.length),
      hasPtz: ptz,
      hasThermal: flagIn(capabilities, 'isSupportThermometry') || flagIn(capabilities, 'isSupportRealtimeThermometry'),
      warnings: [
        ...(await linkageWarnings(options, pushes)),
        ...rightsWarnings(options.forbidden),
        ...clockWarnings(time, options),
      ],
    },
  };
}

/** The device's own time in milliseconds, or null when it doesn't tell it in a form that can be read. */
export async function readDeviceTime(options: AskOptions, timeZone: string | null): Promise<number | null> {
  const time = await askIf(options, '/ISAPI/System/time');
  const text = time && textOf(time, 'localTime');
  return text ? parseDeviceTime(text, timeZone, options.clock.now()) : null;
}

function rightsWarnings(forbidden: ReadonlySet<string>): string[] {
  if (forbidden.size === 0) return [];
  return [
    `The device's user has no right to read ${[...forbidden].slice(0, 4).join(', ')}: give it the rights "Remote: Parameters Settings" and "Remote: Notify Surveillance Center / Trigger Alarm Output" on the device`,
  ];
}

function clockWarnings(time: number | null, { clock }: AskOptions): string[] {
  if (time === null || Math.abs(time - clock.now()) < CLOCK_OFF_MS) return [];
  const off = time - clock.now();
  return [
    `The device's clock is ${Math.round(Math.abs(off) / 1000)} s ${off > 0 ? 'fast' : 'slow'}: switch on NTP on the device, or set the device's time zone here`,
  ];
}

/** Without "Notify Surveillance Center" in its linkage an event reaches neither stream nor listener (§1.1). */
async function linkageWarnings(options: AskOptions, pushes: boolean): Promise<string[]> {
  const list = await askIf(options, '/ISAPI/Event/triggers');
  let triggers = list ? childrenOf(findNode(list, 'EventTriggerList') ?? list, 'EventTrigger') : [];
  if (!list) {
    const found = [];
    for (const id of singleTriggers) found.push(await askIf(options, `/ISAPI/Event/triggers/${id}`));
    triggers = found.filter((t) => t !== null);
  }
  const silent = triggers.filter((t) => !notifiesCenter(t, pushes)).map(triggerName);
  if (silent.length === 0) return [];
  const names = [...new Set(silent)];
  const shown = names.length > 8 ? `${names.slice(0, 8).join(', ')} and ${names.length - 8} more` : names.join(', ');
  return [
    `The linkage of ${shown} lacks "Notify Surveillance Center": tick it in the device's event settings, or these events never arrive`,
  ];
}

const triggerName = (trigger: DocumentNode): string =>
  textOf(trigger, 'id') ?? textOf(trigger, 'eventType') ?? 'an event without name';

/** HTTP alone is enough for listening only: the stream asks for the centre (§1.1). */
function notifiesCenter(trigger: DocumentNode, pushes: boolean): boolean {
  const list = childOf(trigger, 'EventTriggerNotificationList');
  return childrenOf(list, 'EventTriggerNotification').some((n) =>
    (pushes ? /^(center|http)$/i : /^center$/i).test(textOf(n, 'notificationMethod', 'id') ?? ''),
  );
}
