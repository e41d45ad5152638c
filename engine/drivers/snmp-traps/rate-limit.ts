/** Lets so many datagrams of a sender through in a second; a burst of five seconds' worth at once. */
export interface RateLimit {
  /** @param at milliseconds on a clock that never goes back */
  allows(source: string, at: number): boolean;
  dropped(): number;
}

/** Senders told apart; with more (forged addresses) all others share one limit. */
const MOST = 1_000;

export function createRateLimit(perSecond: number): RateLimit {
  const buckets = new Map<string, { tokens: number; at: number }>();
  const burst = perSecond * 5;
  let dropped = 0;
  return {
    allows(source, at) {
      const key = buckets.has(source) || buckets.size < MOST ? source : '';
      const bucket = buckets.get(key) ?? { tokens: burst, at };
      bucket.tokens = Math.min(burst, bucket.tokens + ((at - bucket.at) / 1_000) * perSecond);
      bucket.at = at;
      buckets.set(key, bucket);
      if (bucket.tokens < 1) {
        dropped++;
        return false;
      }
      bucket.tokens--;
      return true;
    },
    dropped: () => dropped,
  };
}
