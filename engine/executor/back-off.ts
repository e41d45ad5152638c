/** How long to wait before the next try. */
export interface BackOff {
  /** Wait after the first failure, in milliseconds. */
  firstMs: number;
  /** Longest wait, in milliseconds. */
  mostMs: number;
}

export const actionBackOff: BackOff = { firstMs: 1_000, mostMs: 60_000 };
export const reconcileBackOff: BackOff = { firstMs: 1_000, mostMs: 30_000 };
export const timerBackOff: BackOff = { firstMs: 1_000, mostMs: 60_000 };

/**
 * Wait before the next try: doubled with every failure, with up to a quarter of it added or taken by chance,
 * so that what failed together does not come back together. Always within `firstMs` … `mostMs`.
 * @param failures how many tries in a row have failed, 1 or more
 * @param chance a number in 0 … 1
 */
export function backOffMs(policy: BackOff, failures: number, chance: number = Math.random()): number {
  // 2^30 is far above every cap; a larger exponent would only leave the integers.
  const plain = policy.firstMs * 2 ** Math.min(30, Math.max(0, failures - 1));
  const scattered = Math.min(plain, policy.mostMs) * (0.75 + 0.5 * chance);
  return Math.round(Math.min(policy.mostMs, Math.max(policy.firstMs, scattered)));
}
