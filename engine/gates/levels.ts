import { silentAt, watchesQuiet } from './due';
import { type GateSignal, type HeldLevel, highestLevel, holds, type RunningAlarm } from './state';
import { decide, type Stepping } from './step';

/** More rules than a device has; a state must not grow with what somebody sends. */
const MOST_RULES = 64;

/** What other rules than this one still hold of a level; undefined: nothing. */
export function besides(level: HeldLevel | undefined, rule: string | undefined, at: number): HeldLevel | undefined {
  if (level?.rules === undefined || rule === undefined) return undefined;
  const { quietMs } = level;
  const rules = level.rules.filter((held) => held.rule !== rule && (quietMs === null || at < held.seenAt + quietMs));
  const last = rules.at(-1);
  return last && { ...level, seenAt: last.seenAt, rules };
}

/** Whether a level is known to hold by this rule. */
export const holdsBy = (level: HeldLevel | undefined, rule: string | undefined): boolean =>
  level?.rules?.some((held) => held.rule === rule) ?? false;

/** Takes note that the condition holds at the signal's level. */
export function see(step: Stepping, signal: GateSignal): undefined {
  const { draft } = step;
  const { at, rule, stream, quietMs } = signal;
  const { alarm, 'pre-alarm': pre } = draft.levels;
  const before = draft.levels[signal.level];
  const others = before?.rules?.filter((held) => held.rule !== rule) ?? [];
  const rules = rule === undefined ? before?.rules : [...others.slice(1 - MOST_RULES), { rule, seenAt: at }];
  const level: HeldLevel = { since: before?.since ?? at, seenAt: at, stream, quietMs, ...(rules && { rules }) };
  if (signal.level === 'alarm') {
    // A rule that rises leaves the pre-alarm to the others, if there are others.
    const below = besides(pre, rule, at) ?? pre;
    draft.levels = { ...(below && { 'pre-alarm': below }), alarm: level };
    return;
  }
  // One source that names both levels has but one of them at a time, and so has each of its rules.
  const above = alarm?.stream === stream ? besides(alarm, rule, at) : alarm;
  draft.levels = { 'pre-alarm': level, ...(above && { alarm: above }) };
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
