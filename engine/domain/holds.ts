import type { Change } from './record';

/**
 * How the alarms tell the outputs of their life. Each call adds to the caller's change,
 * so that an alarm and its leases move in one transaction.
 */
export interface AlarmHolds {
  /** The alarm cleared at `at`: every countdown of its leases begins. */
  alarmCleared(alarmId: string, at: number, change: Change): void;
  /** It came back before its end: the countdowns are cancelled. */
  alarmResumed(alarmId: string, at: number, change: Change): void;
  /** A further start fell into it: holds that every start begins anew (kind `extended`) count from `at`. */
  alarmMerged?(alarmId: string, at: number, change: Change): void;
  /** It is over, or reset: what it still holds is released at once. */
  alarmEnded(alarmId: string, at: number, change: Change): void;
  /** Whether a lease of this alarm lives. */
  holdsFor(alarmId: string): boolean;
}

/** Several that hold, as alarms know them: what one holds, is held. */
export const joinedHolds = (all: readonly AlarmHolds[]): AlarmHolds => ({
  alarmCleared(alarmId, at, change) {
    for (const holds of all) holds.alarmCleared(alarmId, at, change);
  },
  alarmResumed(alarmId, at, change) {
    for (const holds of all) holds.alarmResumed(alarmId, at, change);
  },
  alarmMerged(alarmId, at, change) {
    for (const holds of all) holds.alarmMerged?.(alarmId, at, change);
  },
  alarmEnded(alarmId, at, change) {
    for (const holds of all) holds.alarmEnded(alarmId, at, change);
  },
  holdsFor: (alarmId) => all.some((holds) => holds.holdsFor(alarmId)),
});
