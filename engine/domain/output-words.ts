/** Outputs in words, for the console, the journal and simulations. */
import type { PtzMove } from './devices';
import type { OutputKind, OutputManner } from './outputs';

const kindWords: Readonly<Record<OutputKind, string>> = {
  relay: 'alarm output',
  siren: 'siren',
  light: 'light',
  record: 'recording',
  line: 'line',
  ptz: 'camera',
};

export const outputKindWords = (kind: OutputKind): string => kindWords[kind];

export function moveWords(move: PtzMove): string {
  if (move.move === 'aux') return `auxiliary switch ${move.number}`;
  if ('number' in move) return `${move.move} ${move.number}`;
  return { pan: 'auto-pan', home: 'home position', stop: 'stop' }[move.move];
}

/** How an output is on, e.g. `sound 3, volume 80`; empty: in no special way. */
export function mannerWords(manner: OutputManner | undefined): string {
  if (!manner) return '';
  const { flash, brightness, sound, volume, move, home } = manner;
  return [
    ...(flash === undefined ? [] : [flash === 'solid' ? 'solid' : `flashing ${flash}`]),
    ...(brightness === undefined ? [] : [`brightness ${brightness}`]),
    ...(sound === undefined ? [] : [`sound ${sound}`]),
    ...(volume === undefined ? [] : [`volume ${volume}`]),
    ...(move === undefined ? [] : [moveWords(move)]),
    ...(home === undefined ? [] : [`then ${moveWords(home)}`]),
  ].join(', ');
}
