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
