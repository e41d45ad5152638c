/** Timers are a function of the state; a step only tells the difference. */
import type { AlarmPolicy } from '../domain/triggers';
import type { GateTimer, HeldLevel } from './state';
import type { Draft, Stepping } from './step';

export const silentAt = (level: HeldLevel | undefined): number | null =>
  level === undefined || level.quietMs === null ? null : level.seenAt + level.quietMs;

export const watchesQuiet = (policy: AlarmPolicy, draft: Draft): boolean =>
  draft.phase === 'active' || (draft.phase === 'pending' && policy.repeat === null);

export function dueTimes(policy: AlarmPolicy, draft: Draft): { [name in GateTimer]?: number } {
  const due: { [name in GateTimer]?: number } = {};
  if (draft.phase === 'pending') {
    if (policy.repeat === null) due['on-delay'] = (draft.startedAt ?? 0) + policy.onDelayMs;
    // A start exactly `withinMs` old still counts.
    else due.repeat = (draft.starts.at(-1) ?? 0) + policy.repeat.withinMs + 1;
  }
  if (draft.phase === 'active' && draft.alarm?.stoppedAt != null) {
    due['off-delay'] = draft.alarm.stoppedAt + policy.offDelayMs;
  }
  if (watchesQuiet(policy, draft)) {
    const silent = [silentAt(draft.levels['pre-alarm']), silentAt(draft.levels.alarm)].filter((at) => at !== null);
    if (silent.length > 0) due.quiet = Math.min(...silent);
  }
  return due;
}

const timerNames: readonly GateTimer[] = ['on-delay', 'repeat', 'quiet', 'off-delay'];

export function setTimers(step: Stepping): undefined {
  const { draft, policy, effects } = step;
  if (draft.phase !== 'pending' && draft.phase !== 'active') {
    for (const name of timerNames) if (draft.timers[name] !== undefined) effects.push({ kind: 'cancel-timer', name });
    if (Object.keys(draft.timers).length > 0) draft.timers = {};
    return;
  }
  const due = dueTimes(policy, draft);
  for (const name of timerNames) {
    const set = draft.timers[name];
    const at = due[name];
    if (at === undefined) {
      if (set === undefined) continue;
      const { [name]: _cancelled, ...others } = draft.timers;
      draft.timers = others;
      effects.push({ kind: 'cancel-timer', name });
    } else if (set !== at && !(name === 'quiet' && set !== undefined && set < at)) {
      // A quiet time that moved on is left to fire and set itself anew: no write for every refresh.
      draft.timers = { ...draft.timers, [name]: at };
      effects.push({ kind: 'start-timer', name, at });
    }
  }
}
