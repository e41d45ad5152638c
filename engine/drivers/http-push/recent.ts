import type { CapturedPart } from '../driver';

/** The bodies that came last, oldest first; only in memory. */
export interface RecentBodies {
  keep(part: CapturedPart): void;
  list(): CapturedPart[];
}

/** @param most how many are kept; 0: none */
export function createRecentBodies(most: number): RecentBodies {
  const parts: CapturedPart[] = [];
  return {
    keep(part) {
      if (most === 0) return;
      parts.push(part);
      if (parts.length > most) parts.shift();
    },
    list: () => [...parts],
  };
}
