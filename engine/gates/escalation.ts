/**
 * The machine of one escalation of one alarm: pure, time comes in as an input.
 *
 * running ─step due▶ running … ─last step of the last round▶ done
 *    └─acknowledged · cleared · ended▶ stopped ─came back▶ running (only what stopped at the clear)
 *
 * A step counts from the moment at which the former one was really called: whoever was called late, because the
 * process was down, has the same time to answer. Nothing is called early, and nothing twice.
 */
import {
  type EscalationDefinition,
  LONGEST_ESCALATION_MS,
  MOST_ESCALATION_REPEATS,
  MOST_ESCALATION_STEPS,
  SHORTEST_REPEAT_MS,
} from '../domain/escalations';
import { duration } from './words';

/** Plain data that can be stored as JSON; never changed in place. */
export interface EscalationState {
  readonly phase: 'running' | 'stopped' | 'done';
  /** Round that the next step belongs to, from 1. */
  readonly round: number;
  /** Index of the next step, from 0. */
  readonly next: number;
  /** When the next step is due; null unless it runs. */
  readonly dueAt: number | null;
  /** Numbers of the steps that were called, from 1, each once. */
  readonly called: readonly number[];
  readonly lastCalledAt: number | null;
  /** What stopped it. */
  readonly stoppedBy: EscalationStop | null;
}

export type EscalationStop = 'acknowledged' | 'cleared' | 'ended';

export type EscalationInput =
  /** The alarm's message has come. */
  | { kind: 'begin'; at: number }
  /** The timer of the next step has run out, whatever the wall clock says by now. */
  | { kind: 'due'; at: number }
  | { kind: 'stop'; at: number; by: EscalationStop; detail: string }
  /** The alarm has come back after its clear. */
  | { kind: 'resume'; at: number };

export type EscalationEffect =
  | { kind: 'call'; at: number; step: number; round: number; detail: string }
  | { kind: 'stopped'; at: number; by: EscalationStop; detail: string }
  | { kind: 'resumed'; at: number; detail: string };

/** Why a definition that came from a flow cannot work, or null. */
export function escalationProblem(definition: EscalationDefinition): string | null {
  const { steps, repeats, repeatAfterMs } = definition;
  const time = (ms: number, least: number): boolean =>
    Number.isFinite(ms) && ms >= least && ms <= LONGEST_ESCALATION_MS;
  if (!Array.isArray(steps) || steps.length < 1 || steps.length > MOST_ESCALATION_STEPS)
    return `give 1 to ${MOST_ESCALATION_STEPS} steps`;
  const wrong = steps.findIndex((step) => !time(step.delayMs, 0));
  if (wrong >= 0) return `step ${wrong + 1}: give a delay from 0 to ${LONGEST_ESCALATION_MS} milliseconds`;
  if (repeats !== null && !(Number.isInteger(repeats) && repeats >= 0 && repeats <= MOST_ESCALATION_REPEATS))
    return `repeats is ${repeats}; give a whole number from 0 to ${MOST_ESCALATION_REPEATS}, or null for no end`;
  if (repeats !== 0 && !time(repeatAfterMs, SHORTEST_REPEAT_MS))
    return `repeatAfterMs is ${repeatAfterMs}; give milliseconds from ${SHORTEST_REPEAT_MS} to ${LONGEST_ESCALATION_MS}`;
  return null;
}

/** Before the alarm's message has come. */
export const newEscalation: EscalationState = {
  phase: 'done',
  round: 1,
  next: 0,
  dueAt: null,
  called: [],
  lastCalledAt: null,
  stoppedBy: null,
};

export type EscalationMachine = (
  state: EscalationState,
  input: EscalationInput,
) => { state: EscalationState; effects: EscalationEffect[] };

/** @param definition a checked one (`escalationProblem`) */
export function escalationMachine(definition: EscalationDefinition): EscalationMachine {
  const { steps, repeats, repeatAfterMs } = definition;
  const rounds = repeats === null ? null : repeats + 1;

  /** The state whose next step follows one that was called at `at`, or none where the ladder ends. */
  const after = (state: EscalationState, at: number): EscalationState => {
    const following = steps[state.next];
    if (following !== undefined) return { ...state, dueAt: at + following.delayMs };
    if (rounds !== null && state.round >= rounds) return { ...state, phase: 'done', dueAt: null };
    return { ...state, round: state.round + 1, next: 0, dueAt: at + repeatAfterMs };
  };

  const callDetail = (state: EscalationState, next: EscalationState, at: number): string => {
    const turn = rounds === 1 ? '' : `, round ${state.round}${rounds === null ? '' : ` of ${rounds}`}`;
    const follows =
      next.dueAt === null ? 'it was the last one' : `the next one follows in ${duration(next.dueAt - at)}`;
    return `step ${state.next + 1} of ${steps.length}${turn}; ${follows}`;
  };

  const advance = (given: EscalationState, at: number): { state: EscalationState; effects: EscalationEffect[] } => {
    const effects: EscalationEffect[] = [];
    let state = given;
    while (state.phase === 'running' && state.dueAt !== null && state.dueAt <= at) {
      // The node may have fewer steps than when it began.
      if (state.next >= steps.length) {
        state = after(state, at);
        continue;
      }
      const step = state.next + 1;
      const called = state.called.includes(step) ? state.called : [...state.called, step];
      const next = after({ ...state, next: step, called, lastCalledAt: at }, at);
      effects.push({ kind: 'call', at, step, round: state.round, detail: callDetail(state, next, at) });
      state = next;
    }
    return { state, effects };
  };

  return (state, input) => {
    const { at } = input;
    switch (input.kind) {
      case 'begin':
        if (state !== newEscalation) return { state, effects: [] };
        return advance({ ...state, phase: 'running', dueAt: at + (steps[0]?.delayMs ?? 0) }, at);
      case 'due':
        return advance(state.dueAt === null ? state : { ...state, dueAt: Math.min(state.dueAt, at) }, at);
      case 'stop': {
        // An end that follows the clear leaves nothing to come back.
        if (state.phase === 'stopped' && state.stoppedBy === 'cleared' && input.by !== 'cleared')
          return { state: { ...state, stoppedBy: input.by }, effects: [] };
        if (state.phase !== 'running') return { state, effects: [] };
        const left = state.called.length === 0 ? 'before its first step' : `after step ${state.called.at(-1)}`;
        const detail = `${input.detail}; stopped ${left}`;
        return {
          state: { ...state, phase: 'stopped', dueAt: null, stoppedBy: input.by },
          effects: [{ kind: 'stopped', at, by: input.by, detail }],
        };
      }
      case 'resume': {
        if (state.phase !== 'stopped' || state.stoppedBy !== 'cleared') return { state, effects: [] };
        const delayMs = state.next === 0 && state.round > 1 ? repeatAfterMs : (steps[state.next]?.delayMs ?? 0);
        const running: EscalationState = { ...state, phase: 'running', stoppedBy: null, dueAt: at + delayMs };
        const detail = `the alarm came back; step ${state.next + 1} follows in ${duration(delayMs)}`;
        return { state: running, effects: [{ kind: 'resumed', at, detail }] };
      }
    }
  };
}
