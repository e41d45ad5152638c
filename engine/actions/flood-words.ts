/** What a notice says of the flood that its alarm fell into. */
import type { ActionRow } from '../domain/actions';
import { oneLine } from './template';

const LONGEST_AREA = 100;

/** Before the subject of a notice that stands for several alarms; '' for any other. */
export function floodSubject({ alarm }: Pick<ActionRow, 'alarm'>): string {
  if (alarm?.flood === undefined || alarm.floodNotice === undefined) return '';
  return `${alarm.flood.raises} alarms in ${oneLine(alarm.flood.area).slice(0, LONGEST_AREA)}, first: `;
}

/** Below the text; '' outside a flood. */
export function floodNote({ alarm, phase }: Pick<ActionRow, 'alarm' | 'phase'>): string {
  if (alarm?.flood === undefined || phase !== 'raise') return '';
  const area = oneLine(alarm.flood.area).slice(0, LONGEST_AREA);
  if (alarm.floodNotice !== undefined) {
    return `\n\nFlood of alarms in ${area}: this notice stands for ${alarm.flood.raises}. All of them are in the console.`;
  }
  return alarm.flood.grouped
    ? ''
    : `\n\nA flood of alarms has begun in ${area}: until it is over, one notice a minute stands for all of them.`;
}
