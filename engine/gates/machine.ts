/**
 * The gate machine of one alarm key (DESIGN §1): pure, time comes in as an input.
 *
 * normal ─start▶ pending ─on-delay▶ active ─stop, off-delay▶ clearing ─released▶ normal
 *
 * The gates ask in the order `disabled · filter · late · duplicate · shelved · disarmed · not-armed · on-delay ·
 * anti-dither · flood`; the first that refuses is the reason on record, with the values that decided.
 *
 * How it reads the open points of DESIGN §1:
 * - A running alarm lives on what it sees: starts and refreshes of a condition that has not ended need no arming.
 *   Pulses, and starts of a condition that had ended, do; outside the window they neither raise nor prolong.
 * - A refresh of a condition that is not known to hold is a start that was missed. A snapshot of one raises like a
 *   start if the trigger raises at a window's opening; otherwise the condition is only known to hold from then on.
 * - On-delay counts from the start of the condition, whether armed or not. Anti-dither is judged by the start as well
 *   as by the moment of the raise. A condition whose start anti-dither refused raises nothing for as long as it holds.
 * - A sliding anti-dither window is moved by every start inside it, merged or refused.
 * - An implied stop is a stop at the end of the quiet time; the off-delay counts from there.
 * - A stop of the alarm level leaves a pre-alarm standing only if the device has told it since the escalation;
 *   otherwise the pre-alarm had become the alarm and ends with it. One escalation is told per alarm.
 */
import type { EndReason } from '../domain/alarms';
import type { EventLevel } from '../domain/events';
import type { AlarmPolicy } from '../domain/triggers';
import { dueTimes, setTimers } from './due';
import { changeLevel, dropSilentLevels, endSilentLevels, see } from './levels';
import {
  type GateContext,
  type GateEffect,
  type GateInput,
  type GateSignal,
  type GateState,
  type GateStep,
  type GateTimer,
  type HeldBack,
  highestLevel,
  holds,
  initialState,
  type RaisedBy,
  type RunningAlarm,
} from './state';
import {
  countStart,
  decide,
  decision,
  inWindow,
  type Stepping,
  shutGate,
  slide,
  waitsForArming,
  windowLeft,
  withdraw,
} from './step';
import { duration } from './words';

/** Two deliveries of one device event lie closer together than this: two ways in, or a repeat after a lost answer. */
export const DUPLICATE_WITHIN_MS = 30_000;
const REMEMBERED_EVENTS = 8;

export type GateMachine = (state: GateState) => (input: GateInput) => GateStep;

/** The machine for one policy; the states of any number of keys can be put into it. */
export function gateMachine(policy: AlarmPolicy): GateMachine {
  return (state) => (input) => {
    if (input.kind === 'signal') {
      const refusal = refusedUnseen(policy, state, input);
      if (refusal !== null) return { state, effects: [refusal] };
    }
    const step: Stepping = { policy, draft: { ...state }, effects: [] };
    handle(step, input);
    setTimers(step);
    return { state: step.draft, effects: step.effects };
  };
}

function handle(step: Stepping, input: GateInput): undefined {
  switch (input.kind) {
    case 'signal':
      return onSignal(step, input);
    case 'timer':
      return onTimer(step, input.name, input.at, input.context);
    case 'arming':
      return onArming(step, input.at, input.context);
    case 'released':
      return onReleased(step, input.at);
    case 'acknowledge':
      return onAcknowledge(step, input.at, input.who);
    case 'reset':
      if (step.draft.alarm !== null) end(step, input.at, 'reset', `reset by ${input.who}`);
      return undefined;
    case 'policy':
      return onPolicy(step, input.at);
    case 'removed':
      if (step.draft.alarm !== null) end(step, input.at, 'trigger-removed', input.detail);
      Object.assign(step.draft, initialState, { timers: step.draft.timers });
  }
}

// Gates that look at the event alone: what they refuse leaves no trace in the state.

function refusedUnseen(policy: AlarmPolicy, state: GateState, signal: GateSignal): GateEffect | null {
  if (!policy.enabled && !(signal.phase === 'stop' && state.phase !== 'normal')) {
    return decision(signal.at, 'refused', 'disabled', 'the trigger is switched off');
  }
  if (signal.filter !== null) return decision(signal.at, 'refused', 'filter', signal.filter);
  if (signal.late !== null && policy.late === 'record') {
    return decision(signal.at, 'refused', 'late', signal.late);
  }
  for (const seen of state.recent) {
    if (seen.eventId === signal.eventId) {
      return decision(signal.at, 'refused', 'duplicate', `event ${signal.eventId} was delivered before`);
    }
    const since = signal.at - seen.at;
    if (signal.identity !== null && seen.identity === signal.identity && Math.abs(since) <= DUPLICATE_WITHIN_MS) {
      const text = `the device sent the same event ${duration(since)} before, as ${seen.eventId}`;
      return decision(signal.at, 'refused', 'duplicate', text);
    }
  }
  return null;
}

// Events

function remember(step: Stepping, signal: GateSignal): undefined {
  const { draft } = step;
  const entry = { eventId: signal.eventId, identity: signal.identity, at: signal.at };
  const last = draft.recent.at(-1);
  // What follows an edge the other way is a new happening, even if the device's seconds make it look the same.
  const edge = (signal.phase === 'stop') !== (last?.identity?.startsWith('stop|') ?? false);
  const kept = edge ? draft.recent.map((seen) => ({ ...seen, identity: null })) : draft.recent;
  draft.recent = [...kept.slice(1 - REMEMBERED_EVENTS), entry];
}

function onSignal(step: Stepping, signal: GateSignal): undefined {
  const { draft, policy } = step;
  remember(step, signal);
  dropSilentLevels(step, signal.at);
  if (signal.phase === 'stop') return onStop(step, signal);

  const held = holds(draft);
  const lives = draft.phase === 'active' && signal.phase !== 'pulse';
  const shut = lives ? null : shutGate(signal.context, signal.at);
  if (shut !== null) {
    if (draft.phase !== 'active') {
      if (!held) draft.startedAt = signal.at;
      see(step, signal);
      draft.heldBack = shut.reason;
      if (draft.phase === 'pending') withdraw(step);
    }
    return decide(step, signal.at, 'refused', shut.reason, shut.detail);
  }

  if (draft.phase === 'active') return onSeenWhileActive(step, signal, held);

  const fresh = isEdge(signal) || (!held && signal.phase === 'refresh');
  const opened = held && waitsForArming(draft.heldBack) && policy.atWindowOpen === 'raise';
  const missed = !held && signal.phase === 'snapshot' && policy.atWindowOpen === 'raise';
  see(step, signal);
  if (draft.phase === 'pending') return onSeenWhilePending(step, signal, fresh);
  if (!fresh && !opened && !missed) {
    if (!held) {
      draft.startedAt = signal.at;
      draft.heldBack = 'snapshot';
    }
    return heldBackStill(step, signal.at);
  }
  if (missed || (fresh && !opened)) draft.startedAt = signal.at;
  draft.heldBack = null;
  if (draft.phase === 'clearing') return resume(step, signal.at, signal.phase);
  return begin(step, signal.at, opened && !fresh ? 'window-open' : signal.phase, signal.context);
}

const isEdge = (signal: GateSignal): boolean => signal.phase === 'start' || signal.phase === 'pulse';

/** A condition that holds, was refused, and goes on. */
function heldBackStill(step: Stepping, at: number): undefined {
  const reason = step.draft.heldBack ?? 'anti-dither';
  if (reason === 'snapshot') {
    decide(step, at, 'no-alarm', 'snapshot', 'state told at subscription, no start; the trigger waits for one');
  } else if (reason === 'reset') {
    decide(step, at, 'no-alarm', 'reset', 'the condition goes on since its alarm was reset; a new start is needed');
  } else {
    decide(step, at, 'refused', reason, `the condition goes on; its start was refused by ${reason}`);
  }
}

function onSeenWhileActive(step: Stepping, signal: GateSignal, held: boolean): undefined {
  const { draft } = step;
  const alarm = draft.alarm as RunningAlarm;
  const fresh = isEdge(signal) || !held;
  see(step, signal);
  if (!held) draft.startedAt = signal.at;
  draft.heldBack = null;
  draft.alarm = { ...alarm, stoppedAt: null, implied: false };
  const level = highestLevel(draft.levels) as EventLevel;
  const rises = level === 'alarm' && alarm.level === 'pre-alarm';
  if (fresh || rises) countStart(step, signal.at);
  else step.effects.push({ kind: 'seen', at: signal.at });
  if (changeLevel(step, signal.at)) return;
  const count = draft.alarm.count;
  if (!fresh) return decide(step, signal.at, 'merged', signal.phase, 'the condition of the running alarm goes on');
  decide(step, signal.at, 'merged', signal.phase, `start ${count} of the running alarm${windowLeft(step, signal.at)}`);
}

function onSeenWhilePending(step: Stepping, signal: GateSignal, fresh: boolean): undefined {
  const { draft, policy } = step;
  draft.heldBack = null;
  draft.startedAt ??= signal.at;
  if (policy.repeat !== null) {
    if (fresh) return begin(step, signal.at, signal.phase, signal.context);
    return decide(step, signal.at, 'pending', 'on-delay', `the condition goes on; ${startsSoFar(step)}`);
  }
  if (fresh) draft.starts = [...draft.starts, signal.at].slice(-1_000);
  decide(step, signal.at, 'pending', 'on-delay', delayLeft(step, signal.at));
}

function delayLeft(step: Stepping, at: number): string {
  const left = (step.draft.startedAt ?? at) + step.policy.onDelayMs - at;
  return `filtering time ${duration(step.policy.onDelayMs)}: ${duration(left)} left`;
}

function startsSoFar(step: Stepping): string {
  const repeat = step.policy.repeat;
  return repeat === null
    ? ''
    : `${step.draft.starts.length} of ${repeat.count} starts within ${duration(repeat.withinMs)}`;
}

/** A start at the last gates; `at` is the moment of the possible raise. */
function begin(step: Stepping, at: number, by: RaisedBy, context: GateContext): undefined {
  const { draft, policy } = step;
  if (policy.repeat !== null) {
    const { count, withinMs } = policy.repeat;
    draft.starts = [...draft.starts.filter((start) => at - start <= withinMs && start <= at), at];
    if (draft.starts.length < count) {
      draft.phase = 'pending';
      return decide(step, at, 'pending', 'on-delay', startsSoFar(step));
    }
    return lastGates(step, at, at, count > 1 ? 'repeat' : by, context);
  }
  draft.starts = [at];
  if (at < (draft.startedAt ?? at) + policy.onDelayMs) {
    draft.phase = 'pending';
    return decide(step, at, 'pending', 'on-delay', delayLeft(step, at));
  }
  lastGates(step, at, at, by, context);
}

/** Anti-dither and flood, then the raise. `startAt` is the start, or the window's opening, that led here. */
function lastGates(step: Stepping, at: number, startAt: number, by: RaisedBy, context: GateContext): undefined {
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
  const count = Math.max(1, draft.starts.length);
  draft.phase = 'active';
  draft.heldBack = null;
  draft.starts = [];
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
  };
  step.effects.push({ kind: 'raise', at, level, count, by });
  decide(step, at, 'raised', by, raisedDetail(step, at, by));
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
    case 'refresh':
      return 'the condition goes on; its start was not seen and counts as now';
    case 'snapshot':
      return 'the condition holds at subscription';
    default:
      return by === 'pulse' ? 'single event' : 'the condition began';
  }
}

function resume(step: Stepping, at: number, by: RaisedBy): undefined {
  const { draft } = step;
  draft.phase = 'active';
  draft.heldBack = null;
  draft.alarm = { ...(draft.alarm as RunningAlarm), stoppedAt: null, implied: false };
  step.effects.push({ kind: 'resume', at });
  countStart(step, at);
  if (changeLevel(step, at)) return;
  const text = `start ${draft.alarm.count}: the alarm goes on, its countdown is cancelled${windowLeft(step, at)}`;
  decide(step, at, 'merged', by, text);
}

// Ends

function onStop(step: Stepping, signal: GateSignal): undefined {
  const { draft } = step;
  const { alarm, 'pre-alarm': pre } = draft.levels;
  if (alarm === undefined && pre === undefined) return endAlreadyKnown(step, signal.at);
  const endsAlarm = alarm !== undefined && (signal.level === 'alarm' || alarm.stream === signal.stream);
  const preBeside = pre !== undefined && (alarm === undefined || pre.seenAt > alarm.since);
  const endsPre =
    pre !== undefined &&
    (signal.level === 'pre-alarm' || pre.stream === signal.stream || alarm === undefined || (endsAlarm && !preBeside));
  draft.levels = {
    ...(pre !== undefined && !endsPre ? { 'pre-alarm': pre } : {}),
    ...(alarm !== undefined && !endsAlarm ? { alarm } : {}),
  };
  if (!holds(draft)) return conditionOver(step, signal.at, null);
  if (draft.phase === 'active' && changeLevel(step, signal.at)) return;
  const outcome = draft.phase === 'active' ? 'merged' : draft.phase === 'pending' ? 'pending' : 'no-alarm';
  decide(step, signal.at, outcome, 'stop', `one level ended; ${highestLevel(draft.levels)} still holds`);
}

function endAlreadyKnown(step: Stepping, at: number): undefined {
  const { draft } = step;
  const running = draft.alarm;
  if (draft.phase === 'active' && running?.stoppedAt != null) {
    const how = running.implied ? 'implied by the quiet time' : 'told before';
    return decide(step, at, 'clearing', 'stop', `the end was ${how}; the off-delay goes on`);
  }
  if (draft.phase === 'clearing') {
    const how = running?.implied === true ? 'implied by the quiet time' : 'told before';
    return decide(step, at, 'clearing', 'stop', `the end was ${how}; the alarm is clearing already`);
  }
  if (draft.phase === 'pending') return decide(step, at, 'pending', 'stop', startsSoFar(step));
  decide(step, at, 'no-alarm', 'stop', 'no alarm of this condition runs');
}

/** No level holds any more. `quietMs` is the quiet time that implied it, or null for a stop that was told. */
function conditionOver(step: Stepping, at: number, quietMs: number | null): undefined {
  const { draft, policy } = step;
  const startedAt = draft.startedAt ?? at;
  const { heldBack } = draft;
  draft.startedAt = null;
  draft.heldBack = null;
  const how = quietMs === null ? 'ended' : `ended by ${duration(quietMs)} of quiet`;
  const reason = quietMs === null ? 'stop' : 'implied-stop';
  switch (draft.phase) {
    case 'pending':
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

function clear(step: Stepping, at: number, reason: string, detail: string): undefined {
  const { draft } = step;
  const alarm = draft.alarm as RunningAlarm;
  const clears = alarm.clears + 1;
  draft.phase = 'clearing';
  draft.alarm = { ...alarm, clears };
  step.effects.push({ kind: 'clear', at, clears });
  decide(step, at, 'cleared', reason, detail);
}

/** Why the end leaves a condition that still holds without an alarm. */
const heldBackBy: Partial<Record<EndReason, HeldBack>> = {
  disarmed: 'disarmed',
  'window-closed': 'not-armed',
  reset: 'reset',
};

function end(step: Stepping, at: number, reason: EndReason, detail: string): undefined {
  const { draft } = step;
  draft.phase = 'normal';
  draft.alarm = null;
  draft.starts = [];
  if (holds(draft)) draft.heldBack = heldBackBy[reason] ?? draft.heldBack;
  step.effects.push({ kind: 'end', at, reason });
  decide(step, at, 'ended', reason, detail);
}

function onReleased(step: Stepping, at: number): undefined {
  const { alarm, phase } = step.draft;
  if (phase !== 'clearing' || alarm === null) return;
  if (step.policy.latched && !alarm.acknowledged) return;
  end(step, at, alarm.implied ? 'implied-stop' : 'cleared', 'cleared, and nothing holds it any more');
}

function onAcknowledge(step: Stepping, at: number, who: string): undefined {
  const { alarm } = step.draft;
  if (alarm === null || alarm.acknowledged) return;
  step.draft.alarm = { ...alarm, acknowledged: true };
  step.effects.push({ kind: 'acknowledge', at, who });
  decide(step, at, 'acknowledged', 'acknowledge', `acknowledged by ${who}`);
}

// Time and arming

function onTimer(step: Stepping, name: GateTimer, at: number, context: GateContext): undefined {
  const { draft, policy } = step;
  if (draft.timers[name] !== undefined && at >= (draft.timers[name] ?? 0)) {
    const { [name]: _fired, ...others } = draft.timers;
    draft.timers = others;
  }
  const due = dueTimes(policy, draft)[name];
  if (due === undefined || at < due) return;
  switch (name) {
    case 'quiet':
      return onQuiet(step, at);
    case 'off-delay':
      return clear(step, at, 'off-delay', `ended for the off-delay of ${duration(policy.offDelayMs)}`);
    case 'on-delay': {
      if (!policy.enabled) {
        withdraw(step);
        return decide(step, at, 'refused', 'disabled', 'the trigger was switched off during the filtering time');
      }
      const shut = shutGate(context, at);
      if (shut === null) return lastGates(step, at, draft.starts[0] ?? at, 'on-delay', context);
      withdraw(step);
      draft.heldBack = shut.reason;
      return decide(step, at, 'refused', shut.reason, shut.detail);
    }
    case 'repeat': {
      const text = startsSoFar(step);
      withdraw(step);
      if (holds(draft)) draft.heldBack = 'on-delay';
      return decide(step, at, 'refused', 'on-delay', `only ${text}`);
    }
  }
}

function onQuiet(step: Stepping, at: number): undefined {
  const quietMs = endSilentLevels(step, at);
  if (quietMs === null) return;
  if (!holds(step.draft)) return conditionOver(step, at, quietMs);
  if (step.draft.phase === 'active') changeLevel(step, at);
}

function onArming(step: Stepping, at: number, context: GateContext): undefined {
  const { draft, policy } = step;
  dropSilentLevels(step, at);
  const shut = shutGate(context, at);
  if (shut === null) {
    if (!policy.enabled || !holds(draft) || !waitsForArming(draft.heldBack) || policy.atWindowOpen !== 'raise') return;
    if (draft.phase === 'clearing') return resume(step, at, 'window-open');
    if (draft.phase !== 'normal') return;
    draft.heldBack = null;
    return begin(step, at, 'window-open', context);
  }
  if (draft.phase === 'pending' && shut.reason !== 'shelved') {
    withdraw(step);
    draft.heldBack = holds(draft) ? shut.reason : null;
    return decide(step, at, 'refused', shut.reason, shut.detail);
  }
  if (draft.alarm === null) return;
  if (shut.reason === 'disarmed') {
    return context.arming.atDisarm === 'end' ? end(step, at, 'disarmed', shut.detail) : undefined;
  }
  if (shut.reason === 'not-armed' && policy.atWindowClose === 'end') end(step, at, 'window-closed', shut.detail);
}

function onPolicy(step: Stepping, at: number): undefined {
  const { draft, policy } = step;
  if (draft.phase !== 'pending') return;
  const idle = policy.repeat === null ? !holds(draft) : draft.starts.length === 0;
  if (!idle) return;
  withdraw(step);
  decide(step, at, 'refused', 'on-delay', 'the trigger was changed while it waited');
}
