import type { DeviceOffers } from '../../domain/devices';
import type { EventType } from '../../domain/events';
import { listIn } from './answer';
import { knownCodes, natureOf, typesOf } from './codes';
import { askIf, configOf, type QuestionOptions } from './identity';

/** Channels whose presets and switches are asked for; a recorder may have hundreds. */
const MOST_ASKED = 16;
const MOST_LISTED = 512;

/** What the device has to choose from (PROTOCOLS §2.1, §2.6). Lists are empty where it doesn't tell. */
export async function readOffers(options: QuestionOptions): Promise<DeviceOffers> {
  const titles = await configOf(options, 'ChannelTitle');
  const names = titles ? listIn(titles, 'ChannelTitle', '.Name') : new Map([[0, '']]);
  const channels = [...names]
    .slice(0, MOST_LISTED)
    .map(([index, name]) => ({ channel: index + 1, name: name || `Channel ${index + 1}` }));
  const asked = channels.slice(0, MOST_ASKED).map(({ channel }) => channel);
  return {
    channels,
    inputs: await ports(options, 'Alarm', 'getInSlots', 'Alarm input', (input, name) => ({ input, name })),
    outputs: await ports(options, 'AlarmOut', 'getOutSlots', 'Alarm output', (output, name) => ({ output, name })),
    presets: await presetsOf(options, asked),
    rules: await rulesOf(options),
    eventTypes: await eventTypesOf(options),
    switches: await switchesOf(options, asked, channels),
  };
}

/** Names of the alarm inputs or outputs; where it has no names, as many as it has slots. */
async function ports<T>(
  options: QuestionOptions,
  section: string,
  slots: string,
  word: string,
  entry: (port: string, name: string) => T,
): Promise<T[]> {
  const table = await configOf(options, section);
  const names = table ? listIn(table, section, '.Name') : new Map<number, string>();
  const told = (await askIf(options, 'alarm', [['action', slots]]))?.get('result') ?? '';
  const count = /^\d{1,3}$/.test(told) ? Number(told) : names.size;
  return Array.from({ length: count }, (_, i) => entry(String(i), names.get(i) || `${word} ${i}`));
}

async function presetsOf(options: QuestionOptions, channels: number[]): Promise<DeviceOffers['presets']> {
  const presets: DeviceOffers['presets'] = [];
  for (const channel of channels) {
    const table = await askIf(options, 'ptz', [
      ['action', 'getPresets'],
      ['channel', String(channel)],
    ]);
    // A device without PTZ says so for its first channel; a recorder's other channels may well have one.
    if (!table) continue;
    const names = listIn(table, 'presets', '.Name');
    for (const [i, number] of [...listIn(table, 'presets', '.Index')].slice(0, MOST_LISTED))
      if (/^\d{1,5}$/.test(number))
        presets.push({ channel, preset: Number(number), name: names.get(i) || `Preset ${number}` });
  }
  return presets;
}

/** Rules of the device's analysis: `VideoAnalyseRule[channel][n].Name|Type|Id|Enable`. */
async function rulesOf(options: QuestionOptions): Promise<DeviceOffers['rules']> {
  const table = await configOf(options, 'VideoAnalyseRule');
  const rules = await thermalRulesOf(options);
  for (const [key, type] of table ?? []) {
    const place = /^VideoAnalyseRule\[(\d{1,5})\]\[(\d{1,3})\]\.Type$/.exec(key);
    if (!place || type === '' || rules.length >= MOST_LISTED) continue;
    const field = (name: string): string => table?.get(key.replace(/\.Type$/, `.${name}`)) ?? '';
    if (field('Enable').toLowerCase() === 'false') continue;
    const name = field('Name');
    const id = field('Id');
    const rule = name || id;
    if (rule === '') continue;
    // Events name the rule, and number its region (RuleId).
    const region = id !== '' && id !== rule ? { region: id } : {};
    rules.push({
      channel: Number(place[1]) + 1,
      rule,
      name: name || `Rule ${rule}`,
      type: natureOf(type).type,
      ...region,
    });
  }
  return rules;
}

/** Rules of a thermal channel: `ThermometryRule[channel][preset][n].Name`, with one index less on fixed cameras. */
async function thermalRulesOf(options: QuestionOptions): Promise<DeviceOffers['rules']> {
  const table = await configOf(options, 'ThermometryRule');
  const rules: DeviceOffers['rules'] = [];
  for (const [key, name] of table ?? []) {
    const channel = /^ThermometryRule\[(\d{1,5})\](?:\[\d{1,5}\]){1,2}\.Name$/.exec(key)?.[1];
    const enabled = table?.get(key.replace(/\.Name$/, '.Enable'))?.toLowerCase() !== 'false';
    if (channel === undefined || name === '' || !enabled || rules.length >= MOST_LISTED) continue;
    rules.push({ channel: Number(channel) + 1, rule: name, name, type: 'temperature-alarm' });
  }
  return rules;
}

/** What the device says that it can report; all that the driver knows where it doesn't say. */
async function eventTypesOf(options: QuestionOptions): Promise<EventType[]> {
  const table = await askIf(options, 'eventManager', [['action', 'getExposureEvents']]);
  const codes = table ? [...listIn(table, 'events', '').values()] : [];
  const told = codes.length > 0 ? [...codes, 'AlarmLocal', 'VideoMotion', 'VideoLoss', 'VideoBlind'] : knownCodes;
  return [...new Set(told.filter((code) => /^\w{1,100}$/.test(code)).flatMap(typesOf))];
}

async function switchesOf(
  options: QuestionOptions,
  asked: number[],
  channels: DeviceOffers['channels'],
): Promise<DeviceOffers['switches']> {
  const switches: DeviceOffers['switches'] = [];
  const titleOf = (channel: number): string =>
    channels.find((c) => c.channel === channel)?.name ?? `Channel ${channel}`;
  for (const channel of asked) {
    const table = await askIf(options, 'coaxialControlIO', [
      ['action', 'getStatus'],
      ['channel', String(channel)],
    ]);
    // Recorders and cameras without deterrence refuse it for every channel.
    if (!table) break;
    const has = (word: string): boolean => [...table.keys()].some((key) => key.endsWith(word));
    if (has('WhiteLight'))
      switches.push({ kind: 'light', name: String(channel), title: `White light of ${titleOf(channel)}` });
    if (has('Speaker')) switches.push({ kind: 'siren', name: String(channel), title: `Siren of ${titleOf(channel)}` });
  }
  const modes = await configOf(options, 'RecordMode');
  for (const index of modes ? [...listIn(modes, 'RecordMode', '.Mode').keys()].slice(0, MOST_LISTED) : [])
    switches.push({ kind: 'record', name: String(index + 1), title: `Recording of ${titleOf(index + 1)}` });
  return switches;
}
