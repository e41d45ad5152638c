import type { ActionRow } from '../domain/actions';

const phaseWords = {
  raise: 'Alarm',
  escalate: 'Escalation',
  remind: 'Reminder',
  clear: 'Cleared',
  end: 'Over',
  message: 'Message',
} as const;

/** What a phase is called at the beginning of a line. */
export const phaseWord = (phase: ActionRow['phase']): string => phaseWords[phase];

/** What a step of an escalation says: nothing has become worse, nobody has answered. Null for any other message. */
export function stepWord({ phase, alarm }: Pick<ActionRow, 'phase' | 'alarm'>): string | null {
  if (phase !== 'escalate' || !alarm?.escalation) return null;
  const { step, round } = alarm.escalation;
  if (step === 1 && round === 1) return 'To acknowledge';
  return `Not acknowledged, step ${step}${round > 1 ? `, round ${round}` : ''}`;
}
