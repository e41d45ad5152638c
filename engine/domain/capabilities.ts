/** What a flow asks of a device, held against what is known of it: pure, and silent where nothing is known. */
import type { DeviceFacts, DeviceOffers, PtzMove, SwitchKind } from './devices';
import { type OutputKind, ptzPlace } from './outputs';

/** One thing that a node needs of its device. */
export type DeviceNeed =
  | { need: 'channel'; channel: number }
  | { need: 'output'; kind: OutputKind; output: string; move?: PtzMove; home?: PtzMove };

/** What a device last said of itself; null where it has not. */
export interface KnownDevice {
  name: string;
  facts: DeviceFacts | null;
  offers: DeviceOffers | null;
}

const things: Readonly<Record<SwitchKind, string>> = {
  siren: 'siren',
  light: 'light',
  record: 'recording that can be switched',
  line: 'line',
};

/** As many as a person reads in one line. */
const MOST_NAMED = 8;

/** A device with more channels than a bi-spectrum camera stands for others, whose abilities it does not tell. */
const MOST_OWN_CHANNELS = 2;

function listed(names: readonly (string | number)[]): string {
  const shown = names.slice(0, MOST_NAMED).join(', ');
  return names.length > MOST_NAMED ? `${shown} …` : shown;
}

/**
 * Why the device cannot do what is asked of it, in a sentence for people; null where it can, or where nobody knows.
 * Nothing is refused for it: what a device tells of itself may be old or wrong.
 */
export function capabilityProblem(need: DeviceNeed, device: KnownDevice): string | null {
  if (need.need === 'channel') return channelProblem(need.channel, device);
  switch (need.kind) {
    case 'relay':
      return relayProblem(need.output, device);
    case 'ptz':
      return ptzProblem(need, device);
    default:
      return switchProblem(need.kind, need.output, device);
  }
}

function channelProblem(channel: number, device: KnownDevice): string | null {
  const { facts, offers } = device;
  const known = offers?.channels.map((one) => one.channel) ?? [];
  if (known.length > 0)
    return known.includes(channel)
      ? null
      : `${titleOf(device)} has no channel ${channel}: it has ${listed(known)}. Choose one of these`;
  if (!facts || facts.channels === 0 || channel <= facts.channels) return null;
  return `${titleOf(device)} has no channel ${channel}: it has ${facts.channels}. Choose one of these`;
}

function relayProblem(output: string, device: KnownDevice): string | null {
  const { facts, offers } = device;
  const known = offers?.outputs.map((one) => one.output) ?? [];
  if (known.length > 0)
    return known.includes(output)
      ? null
      : `${titleOf(device)} has no alarm output ${output}: it has ${listed(known)}. Choose one of these`;
  if (!facts) return null;
  if (facts.outputs > 0)
    return /^\d{1,5}$/.test(output) && Number(output) > facts.outputs
      ? `${titleOf(device)} has no alarm output ${output}: it has ${facts.outputs}. Choose one of these`
      : null;
  // Senders and brokers count nothing at all; a camera counts what it has.
  return facts.channels > 0 ? `${titleOf(device)} has no alarm outputs: choose another device` : null;
}

function ptzProblem(
  { output, move, home }: Extract<DeviceNeed, { need: 'output' }>,
  device: KnownDevice,
): string | null {
  const { facts, offers } = device;
  const channel = ptzPlace(output)?.channel ?? null;
  const wrongChannel = channel === null ? null : channelProblem(channel, device);
  if (wrongChannel !== null) return wrongChannel;
  const presets = offers?.presets ?? [];
  if (facts && !facts.hasPtz && presets.length === 0 && facts.channels <= MOST_OWN_CHANNELS)
    return `${titleOf(device)} has no PTZ: choose another device`;
  const own = presets.filter((preset) => preset.channel === channel).map((preset) => preset.preset);
  if (own.length === 0) return null;
  for (const each of [move, home])
    if (each?.move === 'preset' && !own.includes(each.number))
      return `${titleOf(device)} has no preset ${each.number} on channel ${channel}: it has ${listed(own)}. Choose one of these, or store it on the camera`;
  return null;
}

function switchProblem(kind: SwitchKind, output: string, device: KnownDevice): string | null {
  const all = device.offers?.switches ?? [];
  // A device that offers none may be one whose driver cannot list them.
  if (all.length === 0) return null;
  const known = all.filter((one) => one.kind === kind).map((one) => one.name);
  if (known.length === 0) return `${titleOf(device)} has no ${things[kind]}: choose another device`;
  if (known.includes(output)) return null;
  return `${titleOf(device)} has no ${things[kind]} ${output}: it has ${listed(known)}. Choose one of these`;
}

/** As messages name the device. */
const titleOf = ({ name, facts }: KnownDevice): string =>
  facts === null || facts.model === '' ? `"${name}"` : `"${name}" (${facts.model})`;
