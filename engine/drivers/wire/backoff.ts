const LEAST_MS = 1_000;
const MOST_MS = 60_000;

/**
 * Milliseconds to wait before a reconnection: 1 s, then doubling up to 60 s, each shortened by a random part of up to a
 * half and never below 1 s, so that devices behind one switch do not come back in step (PROTOCOLS §0.6).
 *
 * @param attempt failures in a row before this one, from 0; there is no last one
 * @param random from 0 up to 1
 */
export function backoff(attempt: number, random: () => number = Math.random): number {
  const ceiling = Math.min(MOST_MS, LEAST_MS * 2 ** Math.min(Math.max(0, attempt), 10));
  return Math.max(LEAST_MS, Math.round(ceiling * (0.5 + 0.5 * random())));
}
