/**
 * A wall clock that was set. Durations are differences of wall times, so after a jump what the state has measured is
 * carried over: every stamp moves with the clock, and each delay, window, quiet time and reminder has as long to go as
 * before. What the record has told of the past stays as it was told.
 */
import type { GateState, HeldLevel } from './state';
import type { Stepping } from './step';

const moved = (level: HeldLevel, by: number): HeldLevel => ({
  ...level,
  since: level.since + by,
  seenAt: level.seenAt + by,
  ...(level.rules && { rules: level.rules.map((held) => ({ ...held, seenAt: held.seenAt + by })) }),
});

/** Moves everything that the state has measured by `by` milliseconds. */
export function carryOver({ draft }: Stepping, by: number): undefined {
  const { alarm: high, 'pre-alarm': low } = draft.levels;
  draft.levels = {
    ...(low === undefined ? {} : { 'pre-alarm': moved(low, by) }),
    ...(high === undefined ? {} : { alarm: moved(high, by) }),
  };
  const { startedAt, alarm, window, entry } = draft;
  if (startedAt !== null) draft.startedAt = startedAt + by;
  draft.starts = draft.starts.map((at) => at + by);
  draft.recent = draft.recent.map((seen) => ({ ...seen, at: seen.at + by }));
  if (alarm !== null) {
    draft.alarm = {
      ...alarm,
      raisedAt: alarm.raisedAt + by,
      stoppedAt: alarm.stoppedAt === null ? null : alarm.stoppedAt + by,
      remindFrom: alarm.remindFrom + by,
    };
  }
  if (window !== null) {
    draft.window = {
      ...window,
      from: window.from + by,
      until: window.until + by,
      ...(window.slidAt === undefined ? {} : { slidAt: window.slidAt + by }),
    };
  }
  if (entry !== null) draft.entry = { ...entry, since: entry.since + by, until: entry.until + by };
}

/**
 * The latest moment that the state has seen. One that lies in the future was seen on a clock that has been set back
 * while nobody watched.
 */
export function latestSeen(state: GateState): number {
  const { levels, startedAt, starts, alarm, window, entry } = state;
  return Math.max(
    levels.alarm?.seenAt ?? 0,
    levels['pre-alarm']?.seenAt ?? 0,
    startedAt ?? 0,
    starts.at(-1) ?? 0,
    alarm?.raisedAt ?? 0,
    alarm?.stoppedAt ?? 0,
    alarm?.remindFrom ?? 0,
    window?.from ?? 0,
    window?.slidAt ?? 0,
    entry?.since ?? 0,
  );
}
