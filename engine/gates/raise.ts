/** From a start to the raise: filtering time, N in T, anti-dither, flood, entry delay; and the way back into an alarm. */
import type { EventLevel } from '../domain/events';
import { clear } from './ends';
import { changeLevel } from './levels';
import { type GateContext, highestLevel, holds, type RaisedBy, type RunningAlarm } from './state';
import { countStart, decide, inWindow, type Stepping, slide, startsSoFar, windowLeft, withdraw } from './step';
import { duration } from './words';

/** Starts that one pending condition may count. */
const MOST_STARTS = 1_000;

export function delayLeft(step: Stepping, at: number): string {
  const left = (step.draft.startedAt ?? at) + step.policy.onDelayMs - at;
  return `filtering time ${duration(step.policy.onDelayMs)}: ${duration(left)} left`;
}

/** A start that is filtered already: one more of those that count. */
export function countPending(step: Stepping, at: number): undefined {
  step.draft.starts = [...step.draft.starts, at].slice(-MOST_STARTS);
}

/** Takes the start into N-in-T; true when it is the Nth. */
function reachesRepeat(step: Stepping, at: number): boolean {
  const { draft, policy } = step;
  if (policy.repeat === null) return true;
  const { count, withinMs } = policy.repeat;
  draft.starts = [...draft.starts.filter((start) => at - start <= withinMs && start <= at), at];
  return draft.starts.length >= count;
}

/** A start at the last gates; `at` is the moment of the possible raise. */
export function begin(step: Stepping, at: number, by: RaisedBy, context: GateContext): undefined {
  const { draft, policy } = step;
  if (draft.phase === 'clearing') return beginAgain(step, at, by, context);
  if (policy.repeat !== null) {
    if (!reachesRepeat(step, at)) {
      draft.phase = 'pending';
      return decide(step, at, 'pending', 'on-delay', startsSoFar(step));
    }
    return lastGates(step, at, at, policy.repeat.count > 1 ? 'repeat' : by, context);
  }
  draft.starts = [at];
  if (at < (draft.startedAt ?? at) + policy.onDelayMs) {
    draft.phase = 'pending';
    return decide(step, at, 'pending', 'on-delay', delayLeft(step, at));
  }
  lastGates(step, at, at, by, context);
}

/**
 * A start while the alarm clears. Where a hold lives, it cancels the hold's countdown at once. Where none does, the
 * alarm only waits for its paperwork or for an acknowledgement: nothing would be prolonged but switched on anew, so the
 * start has to pass the filtering time like any other.
 */
function beginAgain(step: Stepping, at: number, by: RaisedBy, context: GateContext): undefined {
  const { draft, policy } = step;
  const beside = 'the alarm has cleared and nothing holds it';
  if (policy.repeat !== null) {
    if (context.held !== false) return resume(step, at, by);
    if (reachesRepeat(step, at)) return resume(step, at, 'repeat');
    return decide(step, at, 'pending', 'on-delay', `${beside}; ${startsSoFar(step)}`);
  }
  countPending(step, at);
  if (context.held !== false || at >= (draft.startedAt ?? at) + policy.onDelayMs) return resume(step, at, by);
  decide(step, at, 'pending', 'on-delay', `${beside}; ${delayLeft(step, at)}`);
}

/** Anti-dither and flood, then the raise. `startAt` is the start, or the window's opening, that led here. */
export function lastGates(step: Stepping, at: number, startAt: number, by: RaisedBy, context: GateContext): undefined {
  const { draft, policy } = step;
  if (draft.window !== null && (inWindow(step, startAt) || inWindow(step, at))) {
    const refused = draft.window.refused + 1;
    const judged = inWindow(step, at) ? at : startAt;
    const left = draft.window.until - judged;
    slide(step, judged);
    draft.window = { ...draft.window, refused };
    draft.heldBack = 'anti-dither';
    withdraw(step);
    const when = judged === at ? 'left' : 'was left at its start';
    const text = `anti-dither ${duration(policy.antiDitherMs)}: ${duration(left)} ${when}; refused start ${refused} since the raise`;
    return decide(step, at, 'refused', 'anti-dither', text);
  }
  if (context.flood !== null) {
    draft.heldBack = 'flood';
    withdraw(step);
    return decide(step, at, 'refused', 'flood', context.flood);
  }
  const level = highestLevel(draft.levels) ?? 'alarm';
  const { entryUntil } = context.arming;
  if (policy.entry !== 'none' && entryUntil !== null && entryUntil > at) return enter(step, at, entryUntil, level);
  raise(step, at, by, level);
}

/** The raise waits for the end of the entry delay, whatever becomes of the condition. */
function enter(step: Stepping, at: number, until: number, level: EventLevel): undefined {
  const { draft } = step;
  draft.phase = 'pending';
  draft.heldBack = null;
  draft.entry = { since: at, until, level };
  step.effects.push({ kind: 'entry', at, until });
  decide(step, at, 'pending', 'entry-delay', `entry delay: ${duration(until - at)} left to disarm`);
}

/** The entry delay is over and nobody has disarmed. */
export function raiseEntered(step: Stepping, at: number): undefined {
  const { draft } = step;
  const { level } = draft.entry as NonNullable<typeof draft.entry>;
  raise(step, at, 'entry-delay', highestLevel(draft.levels) ?? level);
  if (holds(draft)) return;
  draft.alarm = { ...(draft.alarm as unknown as RunningAlarm), stoppedAt: at };
  if (step.policy.offDelayMs <= 0) clear(step, at, 'stop', 'the condition had ended within the entry delay');
}

function raise(step: Stepping, at: number, by: RaisedBy, level: EventLevel): undefined {
  const { draft, policy } = step;
  const detail = raisedDetail(step, at, by);
  const count = Math.max(1, draft.starts.length);
  draft.phase = 'active';
  draft.heldBack = null;
  draft.starts = [];
  draft.entry = null;
  draft.window = policy.antiDitherMs > 0 ? { from: at, until: at + policy.antiDitherMs, refused: 0 } : null;
  draft.alarm = {
    raisedAt: at,
    level,
    count,
    clears: 0,
    escalated: level === 'alarm',
    acknowledged: false,
    stoppedAt: null,
    implied: false,
    reminders: 0,
    remindFrom: at,
  };
  step.effects.push({ kind: 'raise', at, level, count, by });
  decide(step, at, 'raised', by, detail);
}

function raisedDetail(step: Stepping, at: number, by: RaisedBy): string {
  const { policy, draft } = step;
  switch (by) {
    case 'on-delay':
      return `held for the filtering time of ${duration(policy.onDelayMs)}`;
    case 'repeat':
      return `${policy.repeat?.count ?? 1} starts within ${duration(policy.repeat?.withinMs ?? 0)}`;
    case 'window-open':
      return `armed while the condition has held for ${duration(at - (draft.startedAt ?? at))}`;
    case 'entry-delay':
      return `not disarmed within the entry delay of ${duration(at - (draft.entry?.since ?? at))}`;
    case 'refresh':
      return 'the condition goes on; its start was not seen and counts as now';
    case 'snapshot':
      return 'the condition holds at subscription';
    default:
      return by === 'pulse' ? 'single event' : 'the condition began';
  }
}

export function resume(step: Stepping, at: number, by: RaisedBy): undefined {
  const { draft } = step;
  const starts = Math.max(1, draft.starts.length);
  draft.phase = 'active';
  draft.heldBack = null;
  draft.starts = [];
  draft.alarm = { ...(draft.alarm as RunningAlarm), stoppedAt: null, implied: false, remindFrom: at };
  step.effects.push({ kind: 'resume', at });
  countStart(step, at, starts);
  if (changeLevel(step, at)) return;
  const text = `start ${draft.alarm.count}: the alarm goes on, its countdown is cancelled${windowLeft(step, at)}`;
  decide(step, at, 'merged', by, text);
}
