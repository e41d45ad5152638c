import type { Inventory } from './inventory';

/** Which channels a device has; decides what the numbers in its alerts mean (PROTOCOLS §1.4). Pure. */
export interface ChannelMap {
  /** Numbers of the cameras behind a recorder, rising; null while unknown or where there are none. */
  cameras: readonly number[] | null;
  /** Numbers of its own channels; a recorder's are its analog ones. */
  own: readonly number[];
  names: ReadonlyMap<number, string>;
}

export function channelMapOf(inventory: Pick<Inventory, 'cameras' | 'own'>): ChannelMap {
  const cameras = inventory.cameras?.map((c) => c.channel).sort((a, b) => a - b) ?? null;
  const named = [...inventory.own, ...(inventory.cameras ?? [])].filter((c) => c.name !== '');
  return {
    cameras: cameras && cameras.length > 0 ? cameras : null,
    own: inventory.own.map((c) => c.channel),
    names: new Map(named.map((c) => [c.channel, c.name])),
  };
}

/** Recorders number IP channels from 1, from behind their analog ones, or from 33 on. */
const IP_BASE = 32;

/**
 * The channel that an alert is about, or undefined for the device itself (0, empty, none).
 *
 * @param told channelID and dynChannelID, in this order; either may be missing
 * @param map null while the device has not been asked
 */
export function channelFrom(
  told: readonly (number | undefined)[],
  map: ChannelMap | null,
  family: 'camera' | 'recorder' | null,
): number | undefined {
  const numbers = told.filter((n): n is number => n !== undefined && Number.isInteger(n) && n > 0 && n < 100_000);
  if (family === 'camera') return numbers[0];
  const meant = numbers.map((n) => meaning(n, map));
  // Where the two differ, that which the recorder really has counts.
  return (meant.find((m) => m.known) ?? meant[0])?.channel;
}

function meaning(number: number, map: ChannelMap | null): { channel: number; known: boolean } {
  const cameras = map?.cameras ?? null;
  const has = (channel: number): boolean => cameras?.includes(channel) === true || map?.own.includes(channel) === true;
  if (has(number)) return { channel: number, known: true };
  if (number <= IP_BASE) return { channel: number, known: false };
  const channel = number - IP_BASE;
  if (cameras === null) return { channel, known: false };
  if (cameras.includes(channel)) return { channel, known: true };
  // Behind analog channels 33 is the first camera, whatever its number in the list.
  const nth = map && map.own.length > 0 ? cameras[channel - 1] : undefined;
  return nth === undefined ? { channel, known: false } : { channel: nth, known: true };
}
