import type { EventPhase } from '../domain/events';

/** A device that invents names without end must not fill the memory. */
const MOST = 4_000;

/** Last known state of each of a device's two-state conditions, and what a new look at one means (PROTOCOLS §0.5). */
export interface SwitchStates {
  /**
   * Takes a state; the phase to tell, or null where nothing is new. The first state of a condition is no edge: active
   * is a snapshot, and inactive is told once as a stop, because nobody knows what the last run had left open.
   *
   * @param repeat whether an active state that goes on is told as a refresh
   */
  observe(key: string, active: boolean, repeat: boolean): EventPhase | null;
  /** The state as last seen, or null while unknown. */
  state(key: string): boolean | null;
  /** The connection is lost: what is known becomes doubtful; the next look at an active one is told as a refresh. */
  connectionLost(): void;
  forget(key: string): void;
}

export function createSwitchStates(): SwitchStates {
  const known = new Map<string, boolean>();
  const doubtful = new Set<string>();
  return {
    observe(key, active, repeat) {
      const before = known.get(key);
      const again = doubtful.delete(key) || repeat;
      if (before === undefined && known.size >= MOST) {
        const oldest = known.keys().next().value;
        if (oldest !== undefined) known.delete(oldest);
      }
      known.set(key, active);
      if (before === undefined) return active ? 'snapshot' : 'stop';
      if (before !== active) return active ? 'start' : 'stop';
      return active && again ? 'refresh' : null;
    },
    state: (key) => known.get(key) ?? null,
    connectionLost() {
      for (const key of known.keys()) doubtful.add(key);
    },
    forget(key) {
      known.delete(key);
      doubtful.delete(key);
    },
  };
}
