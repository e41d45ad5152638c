import type { EventPhase, EventType } from '../../domain/events';

/** Which conditions of one sender are open, so that a repeat is told as one. */
export interface TrapConditions {
  /** @param at milliseconds on a clock that never goes back */
  decide(
    report: { type: EventType; rule: string | undefined; phase: 'start' | 'stop' | 'pulse'; quietMs: number | null },
    at: number,
  ): EventPhase;
}

const MOST = 2_000;

export function createTrapConditions(): TrapConditions {
  const open = new Map<string, { seenAt: number; quietMs: number | null }>();
  return {
    decide({ type, rule, phase, quietMs }, at) {
      if (phase === 'pulse') return 'pulse';
      const key = `${type}\n${rule ?? ''}`;
      const before = open.get(key);
      open.delete(key);
      if (phase === 'stop') return 'stop';
      open.set(key, { seenAt: at, quietMs });
      const oldest = open.size > MOST ? open.keys().next().value : undefined;
      if (oldest !== undefined) open.delete(oldest);
      const goesOn = before !== undefined && (before.quietMs === null || at - before.seenAt <= before.quietMs);
      return goesOn ? 'refresh' : 'start';
    },
  };
}
