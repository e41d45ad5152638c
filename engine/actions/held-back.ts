/** What an interval has held back, in words for the action that sums it up. */
import type { ActionRow, HeldBack, HeldBackGroup } from '../domain/actions';
import { eventTypeLabel } from '../domain/event-words';
import { localTime } from './local-time';
import { phaseWord } from './phase-words';
import { oneLine } from './template';

/** Lines of a list at most. */
const MOST_LINES = 50;
const LONGEST_NAME = 100;

/** The parameter that an interval adds to an action, or null. It is made by the engine and stored with the row. */
export function heldBackOf(row: Pick<ActionRow, 'params'>): HeldBack | null {
  const heldBack = row.params.heldBack as HeldBack | undefined;
  return heldBack && heldBack.count > 0 ? heldBack : null;
}

/** Whether the row is a digest: it stands for what was held back alone. */
export const isDigest = (row: Pick<ActionRow, 'params'>): boolean => row.params.digest === true;

const times = (count: number): string => (count === 1 ? '' : `${count} × `);

function lineOf({ deviceName, type, phase, count, firstAt, lastAt }: HeldBackGroup): string {
  const what = type === 'message' ? 'message' : `${phaseWord(phase)}: ${eventTypeLabel(type)}`;
  const where = deviceName === '' ? '' : ` on ${oneLine(deviceName).slice(0, LONGEST_NAME)}`;
  const when = count === 1 ? localTime(firstAt) : `${localTime(firstAt)} – ${localTime(lastAt)}`;
  return `${when}  ${times(count)}${what}${where}`;
}

/** One line for each group, and one for what there were too many of. */
export function heldBackLines({ groups, others }: HeldBack): string[] {
  const shown = groups.slice(0, MOST_LINES).map(lineOf);
  const rest = others + groups.slice(MOST_LINES).reduce((sum, group) => sum + group.count, 0);
  return rest > 0 ? [...shown, `and ${rest} more`] : shown;
}

/** The outcome of an action with how many it stands for. */
export function withHeldBack(summary: string, row: Pick<ActionRow, 'params'>): string {
  const heldBack = heldBackOf(row);
  if (!heldBack) return summary;
  return `${summary}; the interval had held back ${heldBack.count} before it`;
}
