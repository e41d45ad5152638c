import type { DecisionOutcome } from '../domain/alarms';
import type { AlarmPolicy } from '../domain/triggers';
import type { GateContext, GateEffect, GateState, HeldBack, RunningAlarm } from './state';
import { duration } from './words';

/** A state being rewritten within one step; its parts are replaced, never changed in place. */
export type Draft = { -readonly [K in keyof GateState]: GateState[K] };

export interface Stepping {
  readonly policy: AlarmPolicy;
  readonly draft: Draft;
  readonly effects: GateEffect[];
}

export const decision = (at: number, outcome: DecisionOutcome, reason: string, detail: string): GateEffect => ({
  kind: 'decide',
  at,
  outcome,
  reason,
  detail,
});

/**
 * Puts a decision on record. Like every part of a step it gives `undefined`, so that `return decide(…)` can say that
 * nothing follows.
 */
export function decide(
  step: Stepping,
  at: number,
  outcome: DecisionOutcome,
  reason: string,
  detail: string,
): undefined {
  step.effects.push(decision(at, outcome, reason, detail));
}

/** Back to normal without an alarm; or, where a cleared alarm has not ended yet, back to waiting for its end. */
export function withdraw(step: Stepping): undefined {
  step.draft.phase = step.draft.alarm === null ? 'normal' : 'clearing';
  step.draft.starts = [];
  step.draft.entry = null;
}

export function startsSoFar(step: Stepping): string {
  const repeat = step.policy.repeat;
  return repeat === null
    ? ''
    : `${step.draft.starts.length} of ${repeat.count} starts within ${duration(repeat.withinMs)}`;
}

/** Shelved, disarmed, not armed: what holds back any raise at that moment. */
export function shutGate(context: GateContext, at: number): { reason: HeldBack; detail: string } | null {
  const { shelf } = context;
  if (shelf !== null && (shelf.until === null || at < shelf.until)) return { reason: 'shelved', detail: shelf.detail };
  if (!context.arming.armed) return { reason: 'disarmed', detail: context.arming.detail };
  if (!context.schedule.armed) return { reason: 'not-armed', detail: context.schedule.detail };
  return null;
}

/** What was held back by arming alone is raised when the arming allows it. */
export const waitsForArming = (heldBack: HeldBack | null): boolean =>
  heldBack === 'not-armed' || heldBack === 'disarmed' || heldBack === 'shelved';

/** A clock that was set back must not stretch the window: before its beginning it does not count. */
export function inWindow(step: Stepping, at: number): boolean {
  const { window } = step.draft;
  return window !== null && at >= window.from && at < window.until;
}

export function slide(step: Stepping, at: number): undefined {
  const { draft, policy } = step;
  if (policy.antiDitherMode !== 'sliding' || !inWindow(step, at) || draft.window === null) return;
  draft.window = { ...draft.window, until: Math.max(draft.window.until, at + policy.antiDitherMs), slidAt: at };
}

/** One more start, or several that were filtered together, fall into the running alarm. */
export function countStart(step: Stepping, at: number, starts = 1): undefined {
  const alarm = step.draft.alarm as RunningAlarm;
  const count = alarm.count + starts;
  step.draft.alarm = { ...alarm, count };
  step.effects.push({ kind: 'merge', at, count });
  slide(step, at);
}

export function windowLeft(step: Stepping, at: number): string {
  const { window } = step.draft;
  return window !== null && at < window.until
    ? `; anti-dither ${duration(step.policy.antiDitherMs)}: ${duration(window.until - at)} left`
    : '';
}
