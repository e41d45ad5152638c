import { silentAt, watchesQuiet } from './due';
import { type GateSignal, type HeldLevel, highestLevel, holds, type RunningAlarm } from './state';
import { decide, type Stepping } from './step';

/** Takes note that the condition holds at the signal's level. */
export function see(step: Stepping, signal: GateSignal): undefined {
  const { draft } = step;
  const since = draft.levels[signal.level]?.since ?? signal.at;
  const level: HeldLevel = { since, seenAt: signal.at, stream: signal.stream, quietMs: signal.quietMs };
  if (signal.level === 'alarm') draft.levels = { ...draft.levels, alarm: level };
  // One source that names both levels has but one of them at a time.
  else if (draft.levels.alarm?.stream === signal.stream) draft.levels = { 'pre-alarm': level };
  else draft.levels = { ...draft.levels, 'pre-alarm': level };
}

/** Brings the alarm's level to the highest that holds; true when that was told as a decision. */
export function changeLevel(step: Stepping, at: number): boolean {
  const { draft } = step;
  const alarm = draft.alarm as RunningAlarm;
  const level = highestLevel(draft.levels);
  if (level === null || level === alarm.level) return false;
  if (level === 'alarm') {
    draft.alarm = { ...alarm, level, escalated: true };
    step.effects.push({ kind: 'escalate', at, level, told: !alarm.escalated });
    decide(step, at, 'escalated', 'escalation', `pre-alarm became alarm; start ${draft.alarm.count} of the alarm`);
  } else {
    draft.alarm = { ...alarm, level };
    step.effects.push({ kind: 'de-escalate', at, level });
    decide(step, at, 'merged', 'de-escalation', 'alarm fell back to pre-alarm; the alarm goes on');
  }
  return true;
}

/** Levels whose quiet time is over at `at` are gone; returns the longest quiet time that ended, or null if none did. */
export function endSilentLevels(step: Stepping, at: number): number | null {
  const { draft } = step;
  let quietMs: number | null = null;
  for (const name of ['pre-alarm', 'alarm'] as const) {
    const level = draft.levels[name];
    const silent = silentAt(level);
    if (level === undefined || silent === null || at < silent) continue;
    quietMs = Math.max(quietMs ?? 0, level.quietMs ?? 0);
    const { [name]: _silent, ...others } = draft.levels;
    draft.levels = others;
  }
  return quietMs;
}

/** Where no alarm depends on it, a condition that fell silent is forgotten when somebody looks, without a timer. */
export function dropSilentLevels(step: Stepping, at: number): undefined {
  const { draft } = step;
  if (watchesQuiet(step.policy, draft) || endSilentLevels(step, at) === null || holds(draft)) return;
  draft.startedAt = null;
  draft.heldBack = null;
}
