/** Which notices a flood holds back. */
import type { ActionKind } from './actions';
import type { AlarmPhase } from './alarms';
import type { AlarmFlood } from './flood';

/** Actions that tell people. All others (outputs, PTZ, pictures, logs) act for every alarm, flood or not. */
const notices: ReadonlySet<ActionKind> = new Set<ActionKind>(['email', 'snmp-trap']);

/** A higher level of a grouped alarm is news of its own; a reminder carries whether the flood still lasts. */
const grouped: ReadonlySet<AlarmPhase> = new Set<AlarmPhase>(['raise', 'remind', 'clear', 'end']);

/** Whether flood control holds this action back because another notice stands for its alarm. */
export const heldBackByFlood = (
  kind: ActionKind,
  alarm: { phase: AlarmPhase; flood?: Pick<AlarmFlood, 'grouped'> } | null,
): boolean => alarm?.flood?.grouped === true && notices.has(kind) && grouped.has(alarm.phase);
