/** Outputs in words, for the console, the journal and simulations. */
import type { PtzMove } from './devices';
import { consoleDevice, playerDevice } from './local-devices';
import { type OutputDefinition, type OutputKind, type OutputManner, ptzPlace } from './outputs';

const kindWords: Readonly<Record<OutputKind, string>> = {
  relay: 'alarm output',
  siren: 'siren',
  light: 'light',
  record: 'recording',
  line: 'line',
  ptz: 'camera',
};

const localNames: ReadonlySet<string> = new Set([consoleDevice.output, playerDevice.output]);

/** What an output of a device is, e.g. `siren 1`, `camera, channel 2`. */
export function outputWords({ kind, output }: Pick<OutputDefinition, 'kind' | 'output'>): string {
  const place = kind === 'ptz' ? ptzPlace(output) : null;
  // The one of this machine is no siren with a number: its name says what it is.
  if (kind === 'siren' && localNames.has(output)) return output;
  if (!place) return `${kindWords[kind]} ${output}`;
  return place.aux === null
    ? `camera, channel ${place.channel}`
    : `auxiliary switch ${place.aux}, channel ${place.channel}`;
}

export function moveWords(move: PtzMove): string {
  if (move.move === 'aux') return `auxiliary switch ${move.number}`;
  if ('number' in move) return `${move.move} ${move.number}`;
  return { pan: 'auto-pan', home: 'home position', stop: 'stop' }[move.move];
}

/** How an output is on, e.g. `sound 3, volume 80`; empty: in no special way. */
export function mannerWords(manner: OutputManner | undefined): string {
  if (!manner) return '';
  const { flash, brightness, sound, volume, times, move, home } = manner;
  return [
    ...(flash === undefined ? [] : [flash === 'solid' ? 'solid' : `flashing ${flash}`]),
    ...(brightness === undefined ? [] : [`brightness ${brightness}`]),
    ...(sound === undefined ? [] : [`sound ${sound}`]),
    ...(volume === undefined ? [] : [`volume ${volume}`]),
    ...(times === undefined ? [] : [times === 1 ? 'once' : `${times} times`]),
    ...(move === undefined ? [] : [moveWords(move)]),
    ...(home === undefined ? [] : [`then ${moveWords(home)}`]),
  ].join(', ');
}
