/** Escalation of alarms that nobody acknowledges; `engine/gates/escalation.ts` decides, `engine/alarms` keeps it. */
import type { EventLevel } from './events';

/** One rung of the ladder: who is called is what is wired to its output. */
export interface EscalationStep {
  /** Time after the step before it; of the first, after the alarm's message. Milliseconds, 0: at once. */
  delayMs: number;
}

/** An escalation as the flow defines it. */
export interface EscalationDefinition {
  /** Node id. */
  id: string;
  name: string;
  steps: EscalationStep[];
  /** Rounds after the first; null: again and again until it is stopped. */
  repeats: number | null;
  /** From the last step of a round to the first step of the next, in milliseconds. */
  repeatAfterMs: number;
  /** Lowest level of the alarm that begins it. */
  minimumLevel: EventLevel;
  /** What stops it; the alarm's end always does. */
  stopAtAcknowledge: boolean;
  stopAtClear: boolean;
}

export const MOST_ESCALATION_STEPS = 10;
export const MOST_ESCALATION_REPEATS = 1_000;
/** Longest delay of a step, in milliseconds: one day. */
export const LONGEST_ESCALATION_MS = 86_400_000;
/** Shortest time between two rounds, in milliseconds. */
export const SHORTEST_REPEAT_MS = 1_000;
