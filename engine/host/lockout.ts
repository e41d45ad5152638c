import type { Clock } from '../clock/clock';

/** Failed logins of one user or one address. Times are milliseconds of any clock that does not jump. */
export interface LockoutState {
  failures: number;
  /** Start of the first failure that counts. */
  since: number;
  lockedUntil: number | null;
}

export interface LockoutRules {
  /** Failures that lock. */
  limit: number;
  /** Failures older than this are forgotten. */
  windowMs: number;
  lockMs: number;
}

/** O4: 5 failed logins lock for 15 minutes. */
export const standardLockout: LockoutRules = { limit: 5, windowMs: 15 * 60_000, lockMs: 15 * 60_000 };

export const noFailures: LockoutState = { failures: 0, since: 0, lockedUntil: null };

/** Milliseconds for which logins are refused, 0 when they are not. */
export const lockedFor = (state: LockoutState, now: number): number =>
  state.lockedUntil === null ? 0 : Math.max(0, state.lockedUntil - now);

/** Pure: one more failed login. While locked nothing changes: guesses do not lengthen the lock of the real user. */
export function afterFailure(state: LockoutState, now: number, rules: LockoutRules): LockoutState {
  if (lockedFor(state, now) > 0) return state;
  const stale = state.lockedUntil !== null || now - state.since >= rules.windowMs;
  const failures = stale ? 1 : state.failures + 1;
  return {
    failures,
    since: stale ? now : state.since,
    lockedUntil: failures >= rules.limit ? now + rules.lockMs : null,
  };
}

/** Whether nothing is left to remember. */
export const isForgotten = (state: LockoutState, now: number, rules: LockoutRules): boolean =>
  lockedFor(state, now) === 0 && (state.lockedUntil !== null || now - state.since >= rules.windowMs);

/** Keeps the states of many names and addresses, known ones and unknown ones alike. */
export interface Lockout {
  /**
   * Takes one try against every key. It counts as failed until `succeeded` is called, so that a thousand guesses
   * at once are still only a few. Returns 0, or the milliseconds for which the keys are locked.
   */
  attempt(keys: string[]): number;
  /** Milliseconds for which any of the keys is locked, 0 when none is. */
  locked(keys: string[]): number;
  /** The try was right: forgets the failures of these keys. */
  succeeded(keys: string[]): void;
}

/** More would be somebody who fills our memory with names; the oldest go first. */
const MOST_KEYS = 10_000;

export function createLockout(clock: Clock, rules: LockoutRules = standardLockout): Lockout {
  const states = new Map<string, LockoutState>();

  function makeRoom(now: number): void {
    if (states.size < MOST_KEYS) return;
    for (const [key, state] of states) if (isForgotten(state, now, rules)) states.delete(key);
    for (const [key, state] of states) {
      if (states.size < MOST_KEYS) return;
      if (lockedFor(state, now) === 0) states.delete(key);
    }
    for (const key of states.keys()) {
      if (states.size < MOST_KEYS) return;
      states.delete(key);
    }
  }

  const locked = (keys: string[]): number => {
    const now = clock.monotonic();
    return Math.max(0, ...keys.map((key) => lockedFor(states.get(key) ?? noFailures, now)));
  };

  return {
    locked,
    attempt(keys) {
      const now = clock.monotonic();
      const lockedMs = locked(keys);
      if (lockedMs > 0) return lockedMs;
      for (const key of keys) {
        const next = afterFailure(states.get(key) ?? { ...noFailures, since: now }, now, rules);
        if (!states.has(key)) makeRoom(now);
        states.set(key, next);
      }
      return 0;
    },
    succeeded(keys) {
      for (const key of keys) states.delete(key);
    },
  };
}
