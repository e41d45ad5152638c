import { describe, expect, it } from 'vitest';
import { planClip } from '../../engine/recording/cutting';
import type { Segment } from '../../engine/recording/ring';

/** Files of a ring, from and to in seconds. */
const files = (...spans: [from: number, to: number, run?: string][]): Segment[] =>
  spans.map(([from, to, run = 'a']) => ({
    path: `${from}.ts`,
    from: from * 1_000,
    to: to * 1_000,
    bytes: 1,
    run,
  }));

describe('the plan of a clip', () => {
  it.each<[string, Segment[], { from: number; to: number; playsMs: number; missingMs: number }]>([
    [
      'begins with the key frame before its span, and ends with it',
      files([9.2, 11], [11, 13], [13, 16]),
      { from: 9_200, to: 15_000, playsMs: 5_800, missingMs: 0 },
    ],
    [
      'takes small seams between files for pictures',
      files([10, 11.8], [12.2, 14.7]),
      { from: 10_000, to: 14_700, playsMs: 4_700, missingMs: 0 },
    ],
    [
      'lacks what was not recorded in between',
      files([10, 11], [13, 15, 'b']),
      { from: 10_000, to: 15_000, playsMs: 3_000, missingMs: 2_000 },
    ],
    [
      'lacks its beginning where the stream came later',
      files([12, 15]),
      { from: 12_000, to: 15_000, playsMs: 3_000, missingMs: 2_000 },
    ],
    [
      'lacks its end where the stream has broken off',
      files([10, 13]),
      { from: 10_000, to: 13_000, playsMs: 3_000, missingMs: 2_000 },
    ],
    [
      'counts no moment twice where files overlap',
      files([10, 13], [12, 15, 'b']),
      { from: 10_000, to: 15_000, playsMs: 5_000, missingMs: 0 },
    ],
  ])('%s', (_what, segments, plan) => {
    expect(planClip(segments, 10_000, 15_000)).toMatchObject(plan);
  });

  it('is none where nothing was recorded', () => {
    expect(planClip([], 10_000, 15_000)).toBeNull();
  });
});
