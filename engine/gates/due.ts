/** Timers are a function of the state; a step only tells the difference. */
import type { AlarmPolicy } from '../domain/triggers';
import type { GateTimer, HeldLevel, RunningAlarm } from './state';
import type { Draft, Stepping } from './step';

export const silentAt = (level: HeldLevel | undefined): number | null =>
  level === undefined || level.quietMs === null ? null : level.seenAt + level.quietMs;

/** A condition waits for its filtering time: before a raise, or beside an alarm that has cleared. */
export const isFiltering = (draft: Draft): boolean =>
  (draft.phase === 'pending' && draft.entry === null) || (draft.phase === 'clearing' && draft.starts.length > 0);

export const watchesQuiet = (policy: AlarmPolicy, draft: Draft): boolean =>
  draft.phase === 'active' ||
  draft.entry !== null ||
  (policy.repeat === null && isFiltering(draft)) ||
  // A shelf for one time ends with its condition, so that end must be noticed.
  (draft.phase === 'normal' && draft.heldBack === 'shelved');

/** When the next reminder of a running alarm is due, or null. */
function remindAt(policy: AlarmPolicy, alarm: RunningAlarm): number | null {
  const { remind } = policy;
  if (remind === null || (remind.most !== null && alarm.reminders >= remind.most)) return null;
  if (remind.until === 'acknowledged' && alarm.acknowledged) return null;
  return alarm.remindFrom + remind.everyMs;
}

export function dueTimes(policy: AlarmPolicy, draft: Draft): { [name in GateTimer]?: number } {
  const due: { [name in GateTimer]?: number } = {};
  if (isFiltering(draft)) {
    if (policy.repeat === null) due['on-delay'] = (draft.startedAt ?? 0) + policy.onDelayMs;
    // A start exactly `withinMs` old still counts.
    else due.repeat = (draft.starts.at(-1) ?? 0) + policy.repeat.withinMs + 1;
  }
  if (draft.entry !== null) due.entry = draft.entry.until;
  if (draft.phase === 'active' && draft.alarm !== null) {
    if (draft.alarm.stoppedAt != null) due['off-delay'] = draft.alarm.stoppedAt + policy.offDelayMs;
    const remind = remindAt(policy, draft.alarm);
    if (remind !== null) due.remind = remind;
  }
  if (watchesQuiet(policy, draft)) {
    const silent = [silentAt(draft.levels['pre-alarm']), silentAt(draft.levels.alarm)].filter((at) => at !== null);
    if (silent.length > 0) due.quiet = Math.min(...silent);
  }
  return due;
}

const timerNames: readonly GateTimer[] = ['on-delay', 'repeat', 'quiet', 'off-delay', 'entry', 'remind'];

const waitsForNothing = (draft: Draft): boolean =>
  (draft.phase === 'normal' && draft.heldBack !== 'shelved') ||
  (draft.phase === 'clearing' && draft.starts.length === 0);

export function setTimers(step: Stepping): undefined {
  const { draft, policy, effects } = step;
  if (waitsForNothing(draft)) {
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
