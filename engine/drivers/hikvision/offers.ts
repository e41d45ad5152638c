import type { DeviceOffers } from '../../domain/devices';
import type { EventType } from '../../domain/events';
import { type AskOptions, askIf } from './ask';
import { childrenOf, type DocumentNode, findNode, numberOf, textOf } from './document';
import { streamedChannels } from './inventory';
import { knownNames, natureOf } from './names';
import type { Probed } from './probe';
import { SUBSCRIBE_CAPABILITY, typesIn } from './subscription';
import type { Switches } from './switches';

export interface OffersOptions extends AskOptions {
  probed: Probed;
  switches: Switches;
}

/** Channels whose presets, rules and lights are asked for; a recorder may have hundreds. */
const MOST_ASKED = 16;
const MOST_LISTED = 512;
const NAME_LIMIT = 128;

/** Analyses with rules of their own, by the part of the address below `/ISAPI/Smart`. */
const analyses = [
  ['FieldDetection', 'fielddetection'],
  ['LineDetection', 'linedetection'],
  ['regionEntrance', 'regionEntrance'],
  ['regionExiting', 'regionExiting'],
  ['loitering', 'loitering'],
  ['unattendedBaggage', 'unattendedBaggage'],
  ['attendedBaggage', 'attendedBaggage'],
] as const;

/** What the device has to choose from. Lists are empty where it doesn't tell. */
export async function readOffers(options: OffersOptions): Promise<DeviceOffers> {
  const { inventory } = options.probed;
  const channels = await channelsOf(options);
  const asked = channels.slice(0, MOST_ASKED);
  const port = (id: string, name: string, word: string): string => name || `${word} ${id}`;
  return {
    channels,
    inputs: [...inventory.inputs, ...inventory.cameraInputs]
      .filter(({ id }, at, all) => all.findIndex((p) => p.id === id) === at)
      .map(({ id, name }) => ({ input: id, name: port(id, name, 'Alarm input') })),
    outputs: [
      ...inventory.outputs.map(({ id, name }) => ({ output: id, name: port(id, name, 'Alarm output') })),
      ...inventory.cameraOutputs.map(({ id, name }) => ({
        output: `proxy:${id}`,
        name: port(id, name, 'Alarm output of a camera,'),
      })),
    ],
    presets: await presetsOf(options, asked),
    rules: await rulesOf(options, asked),
    eventTypes: await eventTypesOf(options),
    switches: await switchesOf(options, channels),
  };
}

async function channelsOf(options: OffersOptions): Promise<DeviceOffers['channels']> {
  const { inventory } = options.probed;
  const listed = [...inventory.own, ...(inventory.cameras ?? [])];
  const numbers =
    listed.length > 0
      ? listed
      : streamedChannels(await askIf(options, '/ISAPI/Streaming/channels')).map((channel) => ({ channel, name: '' }));
  return numbers
    .slice(0, MOST_LISTED)
    .map(({ channel, name }) => ({ channel, name: name || `Channel ${channel}` }))
    .sort((a, b) => a.channel - b.channel);
}

async function presetsOf(options: OffersOptions, asked: DeviceOffers['channels']): Promise<DeviceOffers['presets']> {
  const presets: DeviceOffers['presets'] = [];
  if (!options.probed.facts.hasPtz) return presets;
  for (const { channel } of asked) {
    const root = await askIf(options, `/ISAPI/PTZCtrl/channels/${channel}/presets`);
    for (const node of childrenOf(root ?? undefined, 'PTZPreset').slice(0, MOST_LISTED)) {
      const preset = numberOf(node, 'id');
      if (preset === undefined || !Number.isInteger(preset) || textOf(node, 'enabled') === 'false') continue;
      presets.push({ channel, preset, name: nameOf(node, 'presetName', 'name') || `Preset ${preset}` });
    }
  }
  return presets;
}

const nameOf = (node: DocumentNode, ...fields: string[]): string =>
  (textOf(node, ...fields) ?? '').slice(0, NAME_LIMIT);

async function rulesOf(options: OffersOptions, asked: DeviceOffers['channels']): Promise<DeviceOffers['rules']> {
  const rules: DeviceOffers['rules'] = [];
  const add = (channel: number, type: EventType, nodes: DocumentNode[], word: string): void => {
    for (const node of nodes) {
      const rule = textOf(node, 'id');
      if (rule === undefined || rules.length >= MOST_LISTED || textOf(node, 'enabled') === 'false') continue;
      rules.push({
        channel,
        rule: rule.slice(0, 64),
        name: nameOf(node, 'name', 'ruleName') || `${word} ${rule}`,
        type,
      });
    }
  };
  for (const [path, event] of analyses) {
    for (const { channel } of asked) {
      const root = await askIf(options, `/ISAPI/Smart/${path}/${channel}`);
      // Where the first channel refuses it, the model has not got it.
      if (!root) break;
      add(channel, natureOf(event).type, entriesIn(root), event === 'linedetection' ? 'Line' : 'Region');
    }
  }
  if (options.probed.facts.hasThermal) {
    for (const channel of [2, 1]) {
      const root = await askIf(options, `/ISAPI/Thermal/channels/${channel}/thermometry/1/regions`);
      if (!root) continue;
      // The rules may be configured on channel 1; their alarms come from the thermal one (§1.6).
      add(asked.length > 1 ? 2 : channel, 'temperature-alarm', entriesIn(root), 'Temperature rule');
      break;
    }
  }
  return rules;
}

/** Lines and regions in a list, whatever they are called: `LineItem`, `FieldDetectionRegion`, `ThermometryRegion` … */
function entriesIn(root: DocumentNode): DocumentNode[] {
  const found: DocumentNode[] = [];
  const visit = (node: DocumentNode): void => {
    for (const c of node.children) {
      if (/(?:Item|Region)$/i.test(c.name) && textOf(c, 'id') !== undefined) found.push(c);
      else visit(c);
    }
  };
  visit(root);
  return found.slice(0, MOST_LISTED);
}

/** What it can report by its triggers and its subscriptions; all that the driver knows where it says nothing. */
async function eventTypesOf(options: OffersOptions): Promise<EventType[]> {
  const triggers = await askIf(options, '/ISAPI/Event/triggers');
  const capability = await askIf(options, SUBSCRIBE_CAPABILITY);
  const list = triggers && (findNode(triggers, 'EventTriggerList') ?? triggers);
  const named = childrenOf(list ?? undefined, 'EventTrigger').flatMap((t) => {
    const name = textOf(t, 'eventType');
    // One trigger stands for both levels and for the difference.
    return name?.toLowerCase() === 'thermometry' ? ['TMA', 'TMPA', 'TDA', 'TDPA'] : name === undefined ? [] : [name];
  });
  const told = [...named, ...(capability ? typesIn(capability) : [])].filter((name) => /^[\w-]{1,100}$/.test(name));
  const types = (told.length > 0 ? told : knownNames).map((name) => natureOf(name)).filter((n) => n.life !== 'beat');
  const recorder = options.probed.family === 'recorder' ? (['source-offline'] as const) : [];
  return [...new Set<EventType>([...types.map((n) => n.type), ...recorder])];
}

async function switchesOf(
  options: OffersOptions,
  channels: DeviceOffers['channels'],
): Promise<DeviceOffers['switches']> {
  const { signal, switches: parts } = options;
  const switches: DeviceOffers['switches'] = [];
  if (await parts.siren.sounds(signal)) switches.push({ kind: 'siren', name: '1', title: 'Audible alarm' });
  for (const { channel, name } of channels.slice(0, MOST_ASKED)) {
    if (await parts.light.has(String(channel), signal))
      switches.push({ kind: 'light', name: String(channel), title: `White light of ${name}` });
    // A recorder refuses it for every channel.
    else if (options.probed.family === 'recorder') break;
  }
  if (await parts.light.has('external', signal))
    switches.push({ kind: 'light', name: 'external', title: 'External light' });
  if ((await parts.recording.hasStorage(signal)) === true) {
    for (const { channel, name } of channels)
      switches.push({ kind: 'record', name: String(channel), title: `Recording of ${name}` });
  }
  return switches;
}
