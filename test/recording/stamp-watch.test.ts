import { describe, expect, it } from 'vitest';
import { createStampWatch } from '../../engine/recording/stamp-watch';

const TICKS = 90;
const TURN = 2 ** 33;

/** Looks at a key frame each second; `shown` is the camera's time for a moment of ours, both in seconds. */
function firstWrong(shown: (at: number) => number | null, seconds = 300): number | null {
  const watch = createStampWatch();
  for (let at = 0; at <= seconds; at++) {
    const time = shown(at);
    const pts = time === null ? null : ((Math.round(time * 1_000 * TICKS) % TURN) + TURN) % TURN;
    if (!watch.goesRight(pts, at * 1_000)) return at;
  }
  return null;
}

describe('the watch over the times in a stream', () => {
  it.each<[string, (at: number) => number | null]>([
    ['a clock as ours', (at) => at],
    ['a clock that turns over its 33 bits', (at) => TURN / TICKS / 1_000 - 20 + at],
    ['a clock that drifts by a thousandth for hours', (at) => at * 1.001],
    ['no times at all', () => null],
    ['a network that held up five seconds and caught up', (at) => (at >= 100 && at < 105 ? 100 : at)],
  ])('takes %s for right', (_what, shown) => {
    expect(firstWrong(shown, 3_600)).toBeNull();
  });

  it.each<[string, (at: number) => number]>([
    ['jumps forward', (at) => (at < 100 ? at : at + 600)],
    ['jumps back', (at) => (at < 100 ? at : at - 3_600)],
    ['stands still', (at) => Math.min(at, 100)],
  ])('notices within ten seconds a clock that %s', (_what, shown) => {
    const found = firstWrong(shown)!;
    expect(found).toBeGreaterThan(105);
    expect(found).toBeLessThanOrEqual(110);
  });

  it('notices a camera that counts at twice the pace', () => {
    expect(firstWrong((at) => at * 2)).toBeLessThanOrEqual(10);
  });
});
