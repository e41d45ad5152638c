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
 * - While an alarm clears, a start falls into it at once where a hold lives (its countdown is cancelled). Where none
 *   does, the alarm only waits for its messages to settle or to be acknowledged: the start is filtered like any other
 *   and falls into the alarm if that still stands by then; if not, it begins another.
 * - A reminder speaks of the present: an overdue one is told once. A shelf makes reminders silent, but lets a running
 *   alarm run: OPC UA Part 9 §5.8.17 and ISA-18.2 shelve the notice, not the state. Its escalation, clear and end are
 *   told, and its outputs stay held: an operator who wants them off resets the alarm.
 * - An entry delay holds back a raise that passed every gate before it. It is raised at the end of the delay even if
 *   the condition has ended; a schedule that closes meanwhile does not matter, disarming and shelving do.
 * - A late stop ends what holds even where late starts are only recorded, unless the device's own clock says that it is
 *   older than the condition.
 * - A changed policy measures a running delay or window anew from where it began; what is over then happens at the
 *   deploy, not before.
 * - A wall clock that is set moves every stamp of the state (`jump.ts`): on-delay, N in T, anti-dither, off-delay,
 *   quiet time, entry delay and reminders go on as if nothing had happened. Times on record stay as they were told.
 * - Rules of a device that share an alarm hold it together, each with its own quiet time: the end of one leaves it to the
 *   others. A stop that names no rule, or one that was not seen to begin, ends them all.
 * - A stop of the alarm level leaves a pre-alarm standing only if the device has told it since the escalation;
 *   otherwise the pre-alarm had become the alarm and ends with it. One escalation is told per alarm.
 */
import type { EventLevel } from '../domain/events';
import type { AlarmPolicy } from '../domain/triggers';
import { isFiltering, setTimers } from './due';
import { end, entryLeft, onAcknowledge, onReleased, onStop } from './ends';
import { carryOver } from './jump';
import { changeLevel, dropSilentLevels, see } from './levels';
import { onArming, onPolicy, onTimer } from './orders';
import { begin, countPending, delayLeft } from './raise';
import {
  type GateEffect,
  type GateInput,
  type GateSignal,
  type GateState,
  type GateStep,
  highestLevel,
  holds,
  initialState,
  type RunningAlarm,
} from './state';
import {
  countStart,
  decide,
  decision,
  type Stepping,
  shutGate,
  startsSoFar,
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
      return onAcknowledge(step, input);
    case 'reset':
      if (step.draft.alarm !== null) end(step, input.at, 'reset', `reset by ${input.who}`);
      return undefined;
    case 'policy':
      return onPolicy(step, input.at, input.context);
    case 'clock':
      return carryOver(step, input.by);
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
  if (signal.late !== null && policy.late === 'record' && !endsWhatHolds(state, signal)) {
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

/** An end is safe at any time: replayed or not, it ends what holds, unless it is the end of something before. */
const endsWhatHolds = (state: GateState, signal: GateSignal): boolean =>
  signal.phase === 'stop' && signal.outdated !== true && (holds(state) || state.phase === 'active');

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
  if (draft.entry !== null) return onSeenWhileEntering(step, signal);

  const held = holds(draft);
  const lives = draft.phase === 'active' && signal.phase !== 'pulse';
  const shut = lives ? null : shutGate(signal.context, signal.at);
  if (shut !== null) {
    if (draft.phase !== 'active') {
      if (!held) draft.startedAt = signal.at;
      see(step, signal);
      draft.heldBack = shut.reason;
      if (isFiltering(draft)) withdraw(step);
    }
    return decide(step, signal.at, 'refused', shut.reason, shut.detail);
  }

  if (draft.phase === 'active') return onSeenWhileActive(step, signal, held);

  const fresh = isEdge(signal) || (!held && signal.phase === 'refresh');
  const opened = held && waitsForArming(draft.heldBack) && policy.atWindowOpen === 'raise';
  const missed = !held && signal.phase === 'snapshot' && policy.atWindowOpen === 'raise';
  see(step, signal);
  if (isFiltering(draft)) return onSeenWhilePending(step, signal, fresh);
  if (!fresh && !opened && !missed) {
    if (!held) {
      draft.startedAt = signal.at;
      draft.heldBack = 'snapshot';
    }
    return heldBackStill(step, signal.at);
  }
  if (missed || (fresh && !opened)) draft.startedAt = signal.at;
  draft.heldBack = null;
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
  if (fresh && (policy.repeat !== null || draft.phase === 'clearing')) {
    return begin(step, signal.at, signal.phase, signal.context);
  }
  if (policy.repeat !== null) {
    return decide(step, signal.at, 'pending', 'on-delay', `the condition goes on; ${startsSoFar(step)}`);
  }
  if (fresh) countPending(step, signal.at);
  decide(step, signal.at, 'pending', 'on-delay', delayLeft(step, signal.at));
}

function onSeenWhileEntering(step: Stepping, signal: GateSignal): undefined {
  const { draft } = step;
  if (isEdge(signal) || !holds(draft)) countPending(step, signal.at);
  draft.startedAt ??= signal.at;
  see(step, signal);
  decide(step, signal.at, 'pending', 'entry-delay', entryLeft(step, signal.at));
}
