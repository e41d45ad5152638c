import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../../engine/clock/virtual-clock';
import { createCredentialBreaker, type RefusalMemory } from '../../../engine/drivers/wire/credential-breaker';

const NOW = 1_800_000_000_000;
const MINUTE = 60_000;

/** A breaker of a connection that begins now, with what is known of the login from before. */
function begun(before: { at: number; times: number } | null) {
  const memory: RefusalMemory = { last: () => before, refused: () => undefined, accepted: () => undefined };
  const clock = new VirtualClock(NOW);
  const breaker = createCredentialBreaker('"Hall camera"', clock, () => undefined, memory);
  return { breaker, clock };
}

describe('a login that was refused before the connection began', () => {
  it.each([
    ['once, just now: a minute', 1, 0, MINUTE],
    ['once, 40 s ago: the rest of the minute', 1, 40_000, 20_000],
    ['once, long enough ago: none', 1, MINUTE, null],
    ['twice: five minutes', 2, 0, 5 * MINUTE],
    ['three times: ten', 3, 0, 10 * MINUTE],
    ['four times, 5 minutes ago: the rest of twenty', 4, 5 * MINUTE, 15 * MINUTE],
    ['more often: thirty', 9, 0, 30 * MINUTE],
    ['by a clock that was set back since: no longer than its pause', 1, -3_600_000, MINUTE],
  ])('%s', (_what, times, agoMs, leftMs) => {
    const { breaker } = begun({ at: NOW - agoMs, times });
    expect(breaker.lockedUntil()).toBe(leftMs === null ? null : NOW + leftMs);
    breaker.close();
  });

  it('goes on with the pauses where it was, when it is refused again', async () => {
    const { breaker, clock } = begun({ at: NOW - 30_000, times: 1 });
    await clock.advance(30_000);
    expect(breaker.lockedUntil()).toBeNull();
    expect(breaker.refused().retryAfterMs).toBe(5 * MINUTE);
    breaker.close();
  });

  it('keeps nothing back where nothing is known of it', () => {
    expect(begun(null).breaker.lockedUntil()).toBeNull();
  });
});
