/**
 * The interval of an action node (REQUIREMENTS M7, M8), pure: after an action went out, further ones for alarms of the
 * same type are held back and summed up. Held back is never:
 * - an alarm of a life-safety type, an escalation of a level, a step of an escalation;
 * - the clear and end of an alarm whose beginning went out: whoever was told of it is told of its end.
 * The clear and end of an alarm whose beginning was held back are held back as well, whenever they come.
 */
import type { ActionInterval, ActionRow, HeldBack, HeldBackGroup } from '../domain/actions';
import type { MessageAlarm } from '../domain/alarms';
import { conditionType, type EventType, lifeSafetyTypes } from '../domain/events';

/** What is kept of one action node and type. Plain data, replaced whole. */
export interface IntervalState {
  /** Until then, in wall milliseconds, further actions are held back. */
  until: number;
  /** Keys that went out lately, newest last: a message that is sent again after a crash is the same action. */
  sent: string[];
  /** Keys that were held back lately, newest last. */
  heldKeys: string[];
  /** Alarms whose beginning went out, and those whose beginning was held back; newest last. */
  told: string[];
  silent: string[];
  held: HeldBack | null;
  /** The last that was held back, for a digest. */
  last: IntervalSubject | null;
}

/** What a digest is made from. */
export type IntervalSubject = Pick<
  ActionRow,
  'nodeId' | 'nodeName' | 'kind' | 'phase' | 'deviceId' | 'params' | 'alarmId' | 'alarm'
>;

export type IntervalVerdict =
  /** `carries`: what it has to sum up. `state` null: the interval does not concern it. */
  | { acts: true; state: IntervalState | null; carries: HeldBack | null }
  | { acts: false; state: IntervalState; reason: string };

const MOST_KEYS = 200;
const MOST_ALARMS = 1_000;
const MOST_GROUPS = 50;

const idle: IntervalState = { until: 0, sent: [], heldKeys: [], told: [], silent: [], held: null, last: null };

/** The type that an action counts for: the condition's, or `message` for a plain message. */
export const intervalType = (alarm: MessageAlarm | null): EventType | 'message' =>
  alarm === null ? 'message' : conditionType(alarm.type);

/** Whether no interval may ever hold an action for this alarm back. */
export const isExempt = (alarm: MessageAlarm | null): boolean =>
  alarm !== null && (alarm.phase === 'escalate' || lifeSafetyTypes.has(alarm.type));

const add = (list: readonly string[], entry: string | null, most: number): string[] =>
  entry === null ? [...list] : [...list.filter((other) => other !== entry), entry].slice(-most);

const without = (list: readonly string[], entry: string | null): string[] => list.filter((other) => other !== entry);

/** Whether the action goes out at `at`, and what is kept then. */
export function judgeInterval(
  before: IntervalState | null,
  interval: ActionInterval,
  subject: IntervalSubject & { key: string },
  at: number,
): IntervalVerdict {
  const state = before ?? idle;
  const { key, alarm, alarmId } = subject;
  if (state.sent.includes(key)) return { acts: true, state: before, carries: null };
  if (state.heldKeys.includes(key)) return { acts: false, state, reason: waiting(state, interval, at) };
  const sums = interval.tell === 'next';
  if (isExempt(alarm)) {
    if (before === null) return { acts: true, state: null, carries: null };
    const told = { told: add(state.told, alarmId, MOST_ALARMS), silent: without(state.silent, alarmId) };
    return {
      acts: true,
      state: { ...state, ...told, sent: add(state.sent, key, MOST_KEYS), ...(sums ? { held: null, last: null } : {}) },
      carries: sums ? state.held : null,
    };
  }
  const isEnd = alarm?.phase === 'clear' || alarm?.phase === 'end';
  if (isEnd && alarmId !== null && state.silent.includes(alarmId))
    return {
      acts: false,
      state: { ...state, heldKeys: add(state.heldKeys, key, MOST_KEYS) },
      reason: 'Held back: the beginning of this alarm was held back by the interval too',
    };
  if (isEnd && alarmId !== null && state.told.includes(alarmId))
    return { acts: true, state: { ...state, sent: add(state.sent, key, MOST_KEYS) }, carries: null };
  if (at < state.until) {
    const held = counted(state.held, subject, at);
    const next = {
      ...state,
      heldKeys: add(state.heldKeys, key, MOST_KEYS),
      // A reminder that is held back leaves its alarm told.
      silent: alarmId === null || state.told.includes(alarmId) ? state.silent : add(state.silent, alarmId, MOST_ALARMS),
      held,
      last: subjectOf(subject),
    };
    return { acts: false, state: next, reason: waiting(next, interval, at) };
  }
  return {
    acts: true,
    state: {
      until: at + interval.everyMs,
      sent: add(state.sent, key, MOST_KEYS),
      heldKeys: state.heldKeys,
      told: add(state.told, alarmId, MOST_ALARMS),
      silent: without(state.silent, alarmId),
      held: null,
      last: null,
    },
    carries: state.held,
  };
}

/** The interval is over at `at`: what is left of it, or null when nothing is; with what a digest has to sum up. */
export function endInterval(
  state: IntervalState,
  interval: ActionInterval,
  at: number,
  isLive: (alarmId: string) => boolean,
): { state: IntervalState | null; digest: { of: IntervalSubject; heldBack: HeldBack } | null } {
  const kept = { ...state, told: state.told.filter(isLive), silent: state.silent.filter(isLive) };
  if (interval.tell === 'digest' && kept.held !== null && kept.last !== null)
    return {
      // A digest is a message too: the next ones keep their distance from it.
      state: { ...kept, until: at + interval.everyMs, held: null, last: null },
      digest: { of: kept.last, heldBack: kept.held },
    };
  const empty = kept.held === null && kept.told.length === 0 && kept.silent.length === 0;
  return { state: empty ? null : kept, digest: null };
}

const subjectOf = ({ nodeId, nodeName, kind, phase, deviceId, params, alarmId, alarm }: IntervalSubject) => ({
  nodeId,
  nodeName,
  kind,
  phase,
  deviceId,
  params,
  alarmId,
  alarm,
});

function counted(held: HeldBack | null, { alarm, phase }: IntervalSubject, at: number): HeldBack {
  const before: HeldBack = held ?? { count: 0, firstAt: at, lastAt: at, groups: [], others: 0 };
  const type = alarm?.type ?? 'message';
  const deviceName = alarm?.deviceName ?? '';
  const isSame = (group: HeldBackGroup): boolean =>
    group.deviceName === deviceName && group.type === type && group.phase === phase;
  const total = { count: before.count + 1, firstAt: before.firstAt, lastAt: at };
  if (before.groups.some(isSame)) {
    const groups = before.groups.map((group) =>
      isSame(group) ? { ...group, count: group.count + 1, lastAt: at } : group,
    );
    return { ...total, groups, others: before.others };
  }
  if (before.groups.length >= MOST_GROUPS) return { ...total, groups: before.groups, others: before.others + 1 };
  const group: HeldBackGroup = { deviceName, type, phase, count: 1, firstAt: at, lastAt: at };
  return { ...total, groups: [...before.groups, group], others: before.others };
}

const seconds = (ms: number): string => `${Math.max(0, Math.ceil(ms / 100) / 10)} s`;

function waiting(state: IntervalState, interval: ActionInterval, at: number): string {
  const count = state.held?.count ?? 0;
  const told = interval.tell === 'digest' ? 'in a digest then' : 'in the first message after it';
  const left = `${seconds(state.until - at)} of the interval of ${seconds(interval.everyMs)} are left`;
  return `Held back: ${left}; ${count} so far, to be told ${told}`;
}
