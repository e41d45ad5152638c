import { holdKind, type Lease } from '../domain/outputs';
import type { ResumeState } from '../domain/record';
import { latestSeen } from './jump';
import { completeState, type GateState } from './state';

/**
 * How far the wall clock lies behind what the record has seen, in milliseconds: it was set back while the process was
 * away. 0 where the record knows of nothing later than `now`. By so much the ends of what is measured in durations
 * (holds, shelves, timed orders, delays, intervals) lie too late; nothing on record tells how long the process was away
 * besides.
 *
 * Only times that move when a running process notices a jump are asked: what was told of the past stays as it was told,
 * and would be taken for a second jump.
 */
export function setBackBy({ gateStates, leases, standing }: ResumeState, now: number): number {
  let latest = now;
  const seen = (at: unknown): void => {
    if (typeof at === 'number' && at > latest) latest = at;
  };
  for (const { state } of gateStates) seen(seenBy(state));
  for (const lease of leases) {
    seen(lease.acquiredAt);
    seen(countsSince(lease));
  }
  // Shelves and orders say when they were made.
  for (const { doc } of standing) {
    const { at, order } = (doc ?? {}) as { at?: unknown; order?: { at?: unknown } | null };
    seen(at);
    seen(order?.at);
  }
  return latest - now;
}

/** A stored state of another version may be anything. */
function seenBy(stored: unknown): number | null {
  const state = (stored as { state?: unknown } | null)?.state;
  if (typeof state !== 'object' || state === null) return null;
  const { levels, starts } = state as Partial<GateState>;
  if (typeof levels !== 'object' || levels === null || !Array.isArray(starts)) return null;
  return latestSeen(completeState(state as Partial<GateState>));
}

/** When the countdown of a lease began; null where none runs, or where its cap is all that ends it. */
function countsSince({ hold, acquiredAt, endsAt }: Lease): number | null {
  if (endsAt === null || (hold.capMs !== null && endsAt === acquiredAt + hold.capMs)) return null;
  switch (holdKind(hold)) {
    case 'fixed':
    case 'extended':
      return endsAt - (hold.onMs ?? 0);
    case 'after-clear':
      return endsAt - (hold.kind === undefined ? (hold.afterClearMs ?? 0) : 0);
    case 'until-cleared':
      return null;
  }
}
