/** The same life with and without a wall clock that is set: what happens, happens after the same time. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { armedAlways } from '../../engine/domain/arming';
import type { EventPhase } from '../../engine/domain/events';
import type { AlarmPolicy } from '../../engine/domain/triggers';
import { initialState, latestSeen } from '../../engine/gates';
import { bare, drive, openContext, s } from '../support/alarm-gates';

interface Move {
  wait: number;
  what: EventPhase | 'released' | 'acknowledge' | 'jump';
  by: number;
  quietMs: number | null;
}

const policies: fc.Arbitrary<AlarmPolicy> = fc
  .record({
    onDelayMs: fc.constantFrom(0, 3_000),
    repeat: fc.constantFrom(null, null, { count: 2, withinMs: 4_000 }),
    antiDitherMs: fc.constantFrom(0, 5_000, 20_000),
    antiDitherMode: fc.constantFrom('fixed' as const, 'sliding' as const),
    offDelayMs: fc.constantFrom(0, 2_000),
    entry: fc.constantFrom('none' as const, 'starts' as const),
    remind: fc.constantFrom(null, { everyMs: 4_000, until: 'cleared' as const, most: null }),
  })
  .map((fields) => bare(fields));

const moves: fc.Arbitrary<Move[]> = fc.array(
  fc.record({
    wait: fc.integer({ min: 0, max: 6_000 }),
    what: fc.constantFrom<Move['what']>(
      'start',
      'start',
      'refresh',
      'stop',
      'pulse',
      'released',
      'acknowledge',
      'jump',
      'jump',
    ),
    by: fc.oneof(fc.integer({ min: -5_000, max: 5_000 }), fc.constantFrom(-3_600_000, 3_600_000, 86_400_000)),
    quietMs: fc.constantFrom(null, 2_500),
  }),
  { maxLength: 40 },
);

/** What happens, each with its time on a clock that nobody has set. */
function live(policy: AlarmPolicy, script: Move[], jumps: boolean): string[] {
  const d = drive(policy);
  const told: string[] = [];
  let steady = 100_000_000;
  let ahead = 0;
  let seen = 0;
  const take = (): void => {
    for (const effect of d.effects.slice(seen)) {
      if (effect.kind === 'start-timer' || effect.kind === 'cancel-timer') continue;
      const what = effect.kind === 'decide' ? `${effect.outcome}/${effect.reason}` : effect.kind;
      told.push(`${effect.at - ahead} ${what}`);
    }
    seen = d.effects.length;
  };
  for (const { wait, what, by, quietMs } of script) {
    steady += wait;
    const at = steady + ahead;
    d.until(at);
    take();
    d.context = { ...openContext, arming: { ...armedAlways, entryUntil: at + 7_000 } };
    if (what === 'jump') {
      if (!jumps) continue;
      ahead += by;
      d.context = { ...openContext, arming: { ...armedAlways, entryUntil: at + by + 7_000 } };
      // Not through `input`, which would handle what seems due on the clock that was set.
      d.carryOver(at + by, by);
    } else if (what === 'released') d.input({ kind: 'released', at });
    else if (what === 'acknowledge') d.input({ kind: 'acknowledge', at, who: 'anna' });
    else d.signal(at, { phase: what, quietMs: what === 'pulse' ? (quietMs ?? 5_000) : quietMs });
    take();
  }
  d.until(steady + ahead + 60_000);
  take();
  return told;
}

describe('a wall clock that is set', () => {
  it('neither stretches nor skips a delay, a window, a quiet time or a reminder', () => {
    fc.assert(
      fc.property(policies, moves, (policy, script) => {
        expect(live(policy, script, true)).toEqual(live(policy, script, false));
      }),
      { numRuns: 1_500 },
    );
  });

  it('is known by a state that has seen the future', () => {
    const d = drive(bare({ antiDitherMs: s(60) }));
    expect(latestSeen(initialState)).toBe(0);
    d.signal(s(100));
    d.signal(s(130), { phase: 'stop' });
    expect(latestSeen(d.state)).toBe(s(130));
  });
});
