/** Looks after a camera that has taken a move, until it rests, and judges what became of it. */
import type { Clock } from '../clock/clock';
import { sortableId } from '../domain/ids';
import { moveWords } from '../domain/output-words';
import type { OutputState } from '../domain/outputs';
import { arrivalWords, notMoved, type PtzTurn } from '../domain/ptz-outcomes';
import { addWrites, emptyChange } from '../domain/record';
import { type KeepParts, keep, keepFailure } from './keep';
import type { ManagedOutput } from './managed';
import { writeOutput } from './writes';

/** A camera that does not come back is sent there this often; then it is whoever's moves it: it may be directed by hand. */
const RETURN_TRIES = 3;

export interface ArrivalParts extends KeepParts {
  clock: Clock;
  /** Tells people that a camera did not come back. */
  notReturned?(output: OutputState, words: string): void;
}

/**
 * Resolves when what became of the move is on disk. `overtaken`: it is to go elsewhere meanwhile.
 * Throws `E_PTZ_NOT_MOVED` (operational).
 *
 * @param held false: it was sent where it goes when nothing holds it
 */
export async function lookAfter(
  parts: ArrivalParts,
  output: ManagedOutput,
  arrival: NonNullable<PtzTurn['arrival']>,
  held: boolean,
  isOvertaken: () => boolean,
): Promise<'over' | 'overtaken'> {
  const overtaken = (): boolean => isOvertaken() || output.retiring;
  const stop = new AbortController();
  output.looking = { stop, overtaken };
  const { manner, generation, name } = output.state;
  if (overtaken()) stop.abort();
  const turned = await arrival(stop.signal).finally(() => {
    output.looking = undefined;
  });
  if (isOvertaken()) return 'overtaken';
  const move = held ? manner?.move : manner?.home;
  const target = move ? moveWords(move) : 'its place';
  const camera = `Camera "${name}"`;
  if (turned !== 'not-moved') {
    output.misses = undefined;
    await keep(parts, output, { turned: turned === 'overtaken' ? undefined : turned, lastError: null });
    if (turned === 'elsewhere' && !held) await tell(parts, output, `${camera} ${arrivalWords(turned, target)}`);
    return 'over';
  }
  const error = notMoved(camera, target);
  const count = output.misses?.generation === generation ? output.misses.count + 1 : 1;
  output.misses = { generation, count };
  await keepFailure(parts, output, error);
  if (held || count < RETURN_TRIES) {
    await keep(parts, output, { confirmed: null, confirmedAt: null, turned });
    throw error;
  }
  await keep(parts, output, { turned });
  await tell(parts, output, error.message);
  return 'over';
}

async function tell(parts: ArrivalParts, output: ManagedOutput, words: string): Promise<void> {
  const at = parts.clock.now();
  const change = emptyChange();
  writeOutput(change, output.state);
  addWrites(change, 'audit', {
    id: sortableId(at),
    at,
    who: 'alarmflow',
    action: 'output.not-returned',
    subject: output.state.id,
    detail: words,
  });
  parts.log.warn('output.not-returned', { output: output.state.id, reason: words });
  await parts.writer.commit(change.writes);
  parts.notReturned?.(output.state, words);
}
