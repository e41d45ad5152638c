/** What time, arming, people and a deploy make of a condition. */
import { dueTimes, isFiltering } from './due';
import { clear, conditionOver, end } from './ends';
import { changeLevel, dropSilentLevels, endSilentLevels } from './levels';
import { begin, lastGates, raiseEntered, resume } from './raise';
import { type GateContext, type GateTimer, holds, type RunningAlarm } from './state';
import { decide, type Stepping, shutGate, startsSoFar, waitsForArming, withdraw } from './step';
import { duration } from './words';

/** A timer is due; does nothing when the state has moved on since it was set. */
export function onTimer(step: Stepping, name: GateTimer, at: number, context: GateContext): undefined {
  const { draft } = step;
  if (draft.timers[name] !== undefined && at >= (draft.timers[name] ?? 0)) {
    const { [name]: _fired, ...others } = draft.timers;
    draft.timers = others;
  }
  elapse(step, name, at, context);
}

function elapse(step: Stepping, name: GateTimer, at: number, context: GateContext): undefined {
  const { draft, policy } = step;
  const due = dueTimes(policy, draft)[name];
  if (due === undefined || at < due) return;
  switch (name) {
    case 'quiet':
      return onQuiet(step, at);
    case 'off-delay':
      return clear(step, at, 'off-delay', `ended for the off-delay of ${duration(policy.offDelayMs)}`);
    case 'on-delay':
      return onFiltered(step, at, context);
    case 'repeat': {
      const text = startsSoFar(step);
      withdraw(step);
      if (holds(draft)) draft.heldBack = 'on-delay';
      return decide(step, at, 'refused', 'on-delay', `only ${text}`);
    }
    case 'entry':
      return onEntryOver(step, at, context);
    case 'remind':
      return remind(step, at, due, context);
  }
}

function onFiltered(step: Stepping, at: number, context: GateContext): undefined {
  const { draft, policy } = step;
  if (!policy.enabled) {
    withdraw(step);
    return decide(step, at, 'refused', 'disabled', 'the trigger was switched off during the filtering time');
  }
  const shut = shutGate(context, at);
  if (shut === null && draft.phase === 'clearing') return resume(step, at, 'on-delay');
  if (shut === null) return lastGates(step, at, draft.starts[0] ?? at, 'on-delay', context);
  withdraw(step);
  draft.heldBack = shut.reason;
  return decide(step, at, 'refused', shut.reason, shut.detail);
}

/** A schedule that has turned since does not undo an intrusion; disarming, shelving and switching off do. */
function onEntryOver(step: Stepping, at: number, context: GateContext): undefined {
  const { draft, policy } = step;
  const shut = shutGate(context, at);
  if (policy.enabled && (shut === null || shut.reason === 'not-armed')) return raiseEntered(step, at);
  withdraw(step);
  if (shut === null) return decide(step, at, 'refused', 'disabled', 'the trigger was switched off in the entry delay');
  draft.heldBack = holds(draft) ? shut.reason : null;
  decide(step, at, 'refused', shut.reason, shut.detail);
}

function remind(step: Stepping, at: number, due: number, context: GateContext): undefined {
  const { draft, policy } = step;
  const alarm = draft.alarm as RunningAlarm;
  const { everyMs, until, most } = policy.remind as NonNullable<typeof policy.remind>;
  // Told late, the rhythm goes on; missed by whole intervals, it begins anew: one reminder for all that were missed.
  const remindFrom = at - due < everyMs ? due : at;
  const { shelf } = context;
  const silent = shelf !== null && (shelf.until === null || at < shelf.until);
  const n = alarm.reminders + (silent ? 0 : 1);
  draft.alarm = { ...alarm, reminders: n, remindFrom };
  if (silent) return;
  step.effects.push({ kind: 'remind', at, n });
  const of = most === null ? '' : ` of at most ${most}`;
  const text = `reminder ${n}${of}; every ${duration(everyMs)} until ${until}, the alarm has lasted ${duration(at - alarm.raisedAt)}`;
  decide(step, at, 'reminded', 'remind', text);
}

function onQuiet(step: Stepping, at: number): undefined {
  const quietMs = endSilentLevels(step, at);
  if (quietMs === null) return;
  if (!holds(step.draft)) return conditionOver(step, at, quietMs);
  if (step.draft.phase === 'active') changeLevel(step, at);
}

export function onArming(step: Stepping, at: number, context: GateContext): undefined {
  const { draft, policy } = step;
  dropSilentLevels(step, at);
  const shut = shutGate(context, at);
  if (shut === null) {
    if (!policy.enabled || !holds(draft) || !waitsForArming(draft.heldBack) || policy.atWindowOpen !== 'raise') return;
    if (draft.phase !== 'normal' && draft.phase !== 'clearing') return;
    draft.heldBack = null;
    return begin(step, at, 'window-open', context);
  }
  if (draft.entry !== null) {
    if (shut.reason !== 'disarmed') return;
    withdraw(step);
    draft.heldBack = holds(draft) ? 'disarmed' : null;
    return decide(step, at, 'refused', 'disarmed', `disarmed within the entry delay: ${shut.detail}`);
  }
  if (isFiltering(draft) && shut.reason !== 'shelved') {
    withdraw(step);
    draft.heldBack = holds(draft) ? shut.reason : null;
    decide(step, at, 'refused', shut.reason, shut.detail);
  }
  if (draft.alarm === null) return;
  if (shut.reason === 'disarmed') {
    return context.arming.atDisarm === 'end' ? end(step, at, 'disarmed', shut.detail) : undefined;
  }
  if (shut.reason === 'not-armed' && policy.atWindowClose === 'end') end(step, at, 'window-closed', shut.detail);
}

/** In the order of one moment: see `nextDue`. */
const catchUpOrder: readonly GateTimer[] = ['quiet', 'off-delay', 'on-delay', 'repeat', 'entry', 'remind'];

/**
 * Another policy than the one that made the state: a delay or a window that runs is measured anew from where it began,
 * and what is over by the new measure happens now, not in the past.
 */
export function onPolicy(step: Stepping, at: number, context: GateContext): undefined {
  const { draft, policy } = step;
  const { window } = draft;
  if (window !== null && at >= window.from && at < window.until) {
    const begun = policy.antiDitherMode === 'sliding' ? (window.slidAt ?? window.from) : window.from;
    const until = begun + policy.antiDitherMs;
    if (until !== window.until) draft.window = policy.antiDitherMs > 0 ? { ...window, until } : null;
  }
  if (isFiltering(draft)) {
    const idle = policy.repeat === null ? !holds(draft) : draft.starts.length === 0;
    if (idle) {
      withdraw(step);
      return decide(step, at, 'refused', 'on-delay', 'the trigger was changed while it waited');
    }
  }
  for (const name of catchUpOrder) elapse(step, name, at, context);
}
