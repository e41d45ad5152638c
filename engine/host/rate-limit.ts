/** A token bucket: holds at most `burst`, gains `perSecond`. Times are milliseconds of a clock that does not jump. */
export interface Bucket {
  tokens: number;
  at: number;
}

export interface RateRules {
  /** 0: no limit. */
  perSecond: number;
  burst: number;
}

export const fullBucket = (now: number, rules: RateRules): Bucket => ({ tokens: rules.burst, at: now });

/** Pure: takes one token, or tells after how many milliseconds there will be one. */
export function takeToken(bucket: Bucket, now: number, rules: RateRules): { bucket: Bucket; waitMs: number } {
  if (rules.perSecond === 0) return { bucket, waitMs: 0 };
  const gained = (Math.max(0, now - bucket.at) * rules.perSecond) / 1000;
  const tokens = Math.min(rules.burst, bucket.tokens + gained);
  if (tokens >= 1) return { bucket: { tokens: tokens - 1, at: now }, waitMs: 0 };
  return { bucket: { tokens, at: now }, waitMs: Math.ceil(((1 - tokens) / rules.perSecond) * 1000) };
}
