/** Milliseconds to wait before try number `attempt` (0 = first again), 1 s → 60 s with jitter (PROTOCOLS §0.6). */
export function backoff(attempt: number, random: () => number = Math.random): number {
  const ceiling = Math.min(60_000, 1_000 * 2 ** Math.min(Math.max(0, attempt), 16));
  return Math.round(ceiling * (0.5 + 0.5 * random()));
}
