import type { PtzMove } from '../domain/devices';
import { type AlarmflowError, userError } from '../domain/errors';

/** A move in words, e.g. `tour 3`. */
export const moveWords = (move: PtzMove): string =>
  move.move === 'aux'
    ? `aux ${move.number} ${move.on ? 'on' : 'off'}`
    : 'number' in move
      ? `${move.move} ${move.number}`
      : move.move;

/** `E_NOT_SUPPORTED` (user): a camera does not know the move. `has` says what it can do instead. */
export const noSuchMove = (device: string, move: PtzMove, has: string): AlarmflowError =>
  userError(
    'E_NOT_SUPPORTED',
    `"${device}" does not know the PTZ move "${moveWords(move)}": it has ${has}. Choose one of these or another camera`,
  );

/** Checks a channel and the number of a move; throws `E_BAD_PARAMETER` (user). */
export function checkMove(channel: number, move: PtzMove, most = 65_535): void {
  const wrong = (what: string, value: number): void => {
    if (!Number.isInteger(value) || value < 1 || value > most)
      throw userError('E_BAD_PARAMETER', `${what} ${value} is none: give a whole number from 1`);
  };
  wrong('Channel', channel);
  if ('number' in move) wrong(`The number of a ${move.move},`, move.number);
}
