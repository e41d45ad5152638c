import type { Clock } from './clock';

/** A smaller change between two looks is no jump but a clock being slewed; those who wait follow that. */
export const LEAST_JUMP_MS = 500;

/** Notices that the wall clock was set (by a person, by NTP, at the end of a boot without a clock of its own). */
export interface WallWatch {
  /** Compares wall clock and monotonic clock; when the wall clock was set since the last look, all listeners are told. */
  look(): void;
  /** By how much it was set in all, as of the last look, in whole milliseconds; forward is positive. */
  jumped(): number;
  /** Wall time without the jumps. */
  steady(): number;
  /** @param told called at once when a jump is noticed, before `look` returns */
  onSet(told: (byMs: number) => void): void;
}

export function createWallWatch(clock: Clock): WallWatch {
  const ahead = (): number => clock.now() - clock.monotonic() - (clock.slept?.() ?? 0);
  const listeners: ((byMs: number) => void)[] = [];
  let lastAhead = ahead();
  let jumped = 0;
  return {
    look() {
      const now = ahead();
      const change = Math.round(now - lastAhead);
      lastAhead = now;
      if (Math.abs(change) < LEAST_JUMP_MS) return;
      jumped += change;
      for (const told of listeners) told(change);
    },
    jumped: () => jumped,
    steady: () => clock.now() - jumped,
    onSet: (told) => listeners.push(told),
  };
}
