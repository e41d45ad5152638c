import type { EventPhase } from '../../domain/events';
import type { PortStates } from './ports';

/** What is known of a camera's inputs or outputs. Pure. */
export interface PortChanges {
  /** Numbers whose reading differs from what is known; also those read for the first time. */
  differing(states: PortStates): string[];
  /**
   * Takes a reading that counts. The first active one is a state told at subscription, the first inactive one the end
   * of what an earlier run may have left open; null: nothing to tell.
   */
  take(number: string, active: boolean): EventPhase | null;
  /** After a reconnection what was active is told once more, so that it is known to hold. */
  reconnected(): void;
}

export function createPortChanges(): PortChanges {
  const known = new Map<string, boolean>();
  const unsure = new Set<string>();
  return {
    differing: (states) =>
      [...states]
        .filter(([number, active]) => known.get(number) !== active || unsure.has(number))
        .map(([number]) => number),
    take(number, active) {
      const before = known.get(number);
      const again = unsure.delete(number);
      known.set(number, active);
      if (before === undefined) return active ? 'snapshot' : 'stop';
      if (before !== active) return active ? 'start' : 'stop';
      return again && active ? 'refresh' : null;
    },
    reconnected() {
      for (const number of known.keys()) unsure.add(number);
    },
  };
}
