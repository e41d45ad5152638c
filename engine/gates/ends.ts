/** Stops, the end of a condition, and the clear and the end of an alarm. */
import type { AcknowledgedAs, EndReason } from '../domain/alarms';
import { isFiltering } from './due';
import { besides, changeLevel, holdsBy } from './levels';
import { type GateSignal, type HeldBack, type HeldLevel, highestLevel, holds, type RunningAlarm } from './state';
import { decide, type Stepping, startsSoFar, withdraw } from './step';
import { duration } from './words';

export function onStop(step: Stepping, signal: GateSignal): undefined {
  const { draft } = step;
  const { alarm, 'pre-alarm': pre } = draft.levels;
  if (alarm === undefined && pre === undefined) return endAlreadyKnown(step, signal.at);
  const endsAlarm = alarm !== undefined && (signal.level === 'alarm' || alarm.stream === signal.stream);
  // What a stop that names no rule, or one that was not seen to begin, ends, it ends whole: an alarm must not stay for
  // want of an end that fits.
  const known = holdsBy(alarm, signal.rule) || holdsBy(pre, signal.rule);
  const left = (level: HeldLevel | undefined) => (known ? besides(level, signal.rule, signal.at) : undefined);
  const high = endsAlarm ? left(alarm) : alarm;
  const preBeside = pre !== undefined && (alarm === undefined || pre.seenAt > alarm.since);
  const endsPre =
    pre !== undefined &&
    (signal.level === 'pre-alarm' ||
      pre.stream === signal.stream ||
      alarm === undefined ||
      (endsAlarm && high === undefined && !preBeside));
  const low = endsPre ? left(pre) : pre;
  draft.levels = { ...(low && { 'pre-alarm': low }), ...(high && { alarm: high }) };
  if (!holds(draft)) return conditionOver(step, signal.at, null);
  if (draft.phase === 'active' && changeLevel(step, signal.at)) return;
  const outcome = draft.phase === 'active' ? 'merged' : draft.phase === 'pending' ? 'pending' : 'no-alarm';
  const ended = (endsAlarm && high) || (endsPre && low) ? `rule ${signal.rule} ended` : 'one level ended';
  const still = rulesOf(high ?? low) || highestLevel(draft.levels);
  decide(step, signal.at, outcome, 'stop', `${ended}; ${still} still holds`);
}

const rulesOf = (level: HeldLevel | undefined): string | null =>
  level?.rules === undefined || level.rules.length === 0
    ? null
    : `rule ${level.rules.map(({ rule }) => rule).join(', ')}`;

function endAlreadyKnown(step: Stepping, at: number): undefined {
  const { draft } = step;
  const running = draft.alarm;
  if (draft.phase === 'active' && running?.stoppedAt != null) {
    const how = running.implied ? 'implied by the quiet time' : 'told before';
    return decide(step, at, 'clearing', 'stop', `the end was ${how}; the off-delay goes on`);
  }
  if (draft.phase === 'clearing' && isFiltering(draft)) {
    return decide(step, at, 'clearing', 'stop', `the end was told before; ${startsSoFar(step)}`);
  }
  if (draft.phase === 'clearing') {
    const how = running?.implied === true ? 'implied by the quiet time' : 'told before';
    return decide(step, at, 'clearing', 'stop', `the end was ${how}; the alarm is clearing already`);
  }
  if (draft.entry !== null) return decide(step, at, 'pending', 'entry-delay', `had ended; ${entryLeft(step, at)}`);
  if (draft.phase === 'pending') return decide(step, at, 'pending', 'stop', startsSoFar(step));
  decide(step, at, 'no-alarm', 'stop', 'no alarm of this condition runs');
}

/** No level holds any more. `quietMs` is the quiet time that implied it, or null for a stop that was told. */
export function conditionOver(step: Stepping, at: number, quietMs: number | null): undefined {
  const { draft, policy } = step;
  const startedAt = draft.startedAt ?? at;
  const { heldBack } = draft;
  draft.startedAt = null;
  draft.heldBack = null;
  const how = quietMs === null ? 'ended' : `ended by ${duration(quietMs)} of quiet`;
  const reason = quietMs === null ? 'stop' : 'implied-stop';
  const phase = isFiltering(draft) ? 'pending' : draft.phase;
  switch (phase) {
    case 'pending':
      if (draft.entry !== null) return decide(step, at, 'pending', 'entry-delay', `${how}; ${entryLeft(step, at)}`);
      if (policy.repeat !== null) return decide(step, at, 'pending', reason, `${how}; ${startsSoFar(step)}`);
      withdraw(step);
      return decide(
        step,
        at,
        'refused',
        'on-delay',
        `filtering time ${duration(policy.onDelayMs)}: ${how} after ${duration(at - startedAt)}`,
      );
    case 'active': {
      draft.alarm = { ...(draft.alarm as RunningAlarm), stoppedAt: at, implied: quietMs !== null };
      if (policy.offDelayMs <= 0) return clear(step, at, reason, how);
      const left = `off-delay ${duration(policy.offDelayMs)}: clears unless it begins again`;
      return decide(step, at, 'clearing', 'off-delay', `${how}; ${left}`);
    }
    default: {
      const why = heldBack === null ? '' : `; its start was held back by ${heldBack}`;
      return decide(step, at, 'no-alarm', reason, `${how}${why}`);
    }
  }
}

export function clear(step: Stepping, at: number, reason: string, detail: string): undefined {
  const { draft } = step;
  const alarm = draft.alarm as RunningAlarm;
  const clears = alarm.clears + 1;
  draft.phase = 'clearing';
  draft.alarm = { ...alarm, clears };
  step.effects.push({ kind: 'clear', at, clears });
  decide(step, at, 'cleared', reason, detail);
}

export const entryLeft = (step: Stepping, at: number): string =>
  `the alarm is raised all the same at the end of the entry delay, in ${duration((step.draft.entry?.until ?? at) - at)}`;

/** Why the end leaves a condition that still holds without an alarm. */
const heldBackBy: Partial<Record<EndReason, HeldBack>> = {
  disarmed: 'disarmed',
  'window-closed': 'not-armed',
  reset: 'reset',
};

export function end(step: Stepping, at: number, reason: EndReason, detail: string): undefined {
  const { draft } = step;
  draft.phase = 'normal';
  draft.alarm = null;
  draft.starts = [];
  if (holds(draft)) draft.heldBack = heldBackBy[reason] ?? draft.heldBack;
  step.effects.push({ kind: 'end', at, reason });
  decide(step, at, 'ended', reason, detail);
}

export function onReleased(step: Stepping, at: number): undefined {
  const { alarm, phase } = step.draft;
  if (phase !== 'clearing' || alarm === null) return;
  if (step.policy.latched && !alarm.acknowledged) return;
  const { starts } = step.draft;
  end(step, at, alarm.implied ? 'implied-stop' : 'cleared', 'cleared, and nothing holds it any more');
  if (starts.length === 0) return;
  // What was being filtered beside the alarm that has now ended goes on as the beginning of another one.
  step.draft.phase = 'pending';
  step.draft.starts = starts;
}

export function onAcknowledge(
  step: Stepping,
  { at, who, as }: { at: number; who: string; as?: AcknowledgedAs },
): undefined {
  const { alarm } = step.draft;
  if (alarm === null || alarm.acknowledged) return;
  step.draft.alarm = { ...alarm, acknowledged: true };
  step.effects.push({ kind: 'acknowledge', at, who, ...(as === undefined ? {} : { as }) });
  const taken = as === 'false-alarm' ? ' as a false alarm' : '';
  decide(step, at, 'acknowledged', 'acknowledge', `acknowledged by ${who}${taken}`);
}
