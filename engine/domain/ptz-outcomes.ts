/** What became of a camera's move, as far as the camera tells where it looks. */
import { type AlarmflowError, operationalError } from './errors';

/**
 * - `reached`: it rests at the preset's known place
 * - `moved`: it turned and rests; where it was to go is not known
 * - `already-there`: it rests where it was, which is the preset's place
 * - `elsewhere`: it rests at another place than the preset's
 * - `not-moved`: it rests where it was, and the preset is known to be elsewhere
 * - `unmoved`: it rests where it was; whether it was to go elsewhere is not known
 * - `still-turning`: it did not come to rest in the time for looking
 * - `overtaken`: another move began before it was at rest
 * - `unconfirmed`: the camera does not tell where it looks
 */
export const ptzOutcomes = [
  'reached',
  'moved',
  'already-there',
  'elsewhere',
  'not-moved',
  'unmoved',
  'still-turning',
  'overtaken',
  'unconfirmed',
] as const;

export type PtzOutcome = (typeof ptzOutcomes)[number];

/** A move that a camera has taken. */
export interface PtzTurn {
  /**
   * Looks until the camera rests, for some 8 s at most, and says what became of the move. Never rejects: what cannot be
   * read is `unconfirmed`, an abort ends it as `overtaken`. null: nothing can be read back of this camera or move.
   */
  arrival: ((signal: AbortSignal) => Promise<PtzOutcome>) | null;
}

/** What became of a move, behind the camera's name. `target` is the move in words, e.g. `preset 7`. */
export function arrivalWords(outcome: PtzOutcome, target: string): string {
  switch (outcome) {
    case 'reached':
      return `reached ${target}`;
    case 'moved':
      return `turned for ${target} and rests; whether it is the right place the camera does not tell`;
    case 'already-there':
      return `was at ${target} already`;
    case 'elsewhere':
      return `took ${target} and rests elsewhere than the camera says that this is`;
    case 'not-moved':
      return `took ${target} and did not move`;
    case 'unmoved':
      return `accepted ${target} and did not turn; whether it was there already the camera does not tell`;
    case 'still-turning':
      return `accepted ${target} and was still turning when it was last looked at`;
    case 'overtaken':
      return `accepted ${target}; another move came before it was at rest`;
    case 'unconfirmed':
      return `accepted ${target}; that it has turned is not confirmed`;
  }
}

/**
 * `E_PTZ_NOT_MOVED` (operational): the camera has taken a move and not moved.
 *
 * @param camera with its article, e.g. `"Yard" channel 1`
 */
export const notMoved = (camera: string, target: string): AlarmflowError =>
  operationalError(
    'E_PTZ_NOT_MOVED',
    `${camera} ${arrivalWords('not-moved', target)}: it rests where it was, and the camera says that ${target} is elsewhere. ` +
      'Check its motor, its PTZ lock and park action, and whether a person or its own tour holds it',
  );
