import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { armedAlways } from '../../engine/domain/arming';
import type { EventPhase } from '../../engine/domain/events';
import type { AlarmPolicy } from '../../engine/domain/triggers';
import { bare, type Drive, drive, openContext, siteDisarmed } from '../support/alarm-gates';

/** One step of a random life: how long to wait, then what happens. */
interface Move {
  wait: number;
  what: EventPhase | 'disarm' | 'arm' | 'close' | 'open' | 'released' | 'acknowledge' | 'reset' | 'restart';
  level: 'pre-alarm' | 'alarm';
  quietMs: number | null;
}

const policies: fc.Arbitrary<AlarmPolicy> = fc
  .record({
    onDelayMs: fc.constantFrom(0, 0, 3_000),
    repeat: fc.constantFrom(null, null, { count: 2, withinMs: 4_000 }),
    antiDitherMs: fc.constantFrom(0, 5_000, 20_000),
    antiDitherMode: fc.constantFrom('fixed' as const, 'sliding' as const),
    offDelayMs: fc.constantFrom(0, 2_000),
    atWindowOpen: fc.constantFrom('raise' as const, 'ignore' as const),
    atWindowClose: fc.constantFrom('let-run' as const, 'end' as const),
    latched: fc.boolean(),
  })
  .map((fields) => bare(fields));

const phases = ['start', 'start', 'refresh', 'stop', 'stop', 'pulse', 'snapshot'] as const;
const moves: fc.Arbitrary<Move[]> = fc.array(
  fc.record({
    wait: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 1_000 }), fc.integer({ min: 0, max: 9_000 })),
    what: fc.constantFrom(
      ...phases,
      ...phases,
      ...(['disarm', 'arm', 'close', 'open', 'released', 'released', 'acknowledge', 'reset', 'restart'] as const),
    ),
    level: fc.constantFrom('pre-alarm' as const, 'alarm' as const),
    quietMs: fc.constantFrom(null, 2_500),
  }),
  { maxLength: 40 },
);

function live(policy: AlarmPolicy, script: Move[]): Drive {
  const d = drive(policy);
  let at = 0;
  for (const { wait, what, level, quietMs } of script) {
    at += wait;
    switch (what) {
      case 'disarm':
      case 'arm':
      case 'close':
      case 'open':
        d.until(at);
        d.context = {
          ...d.context,
          ...(what === 'disarm' || what === 'arm'
            ? { arming: what === 'arm' ? armedAlways : siteDisarmed }
            : { schedule: { armed: what === 'open', detail: what } }),
        };
        d.input({ kind: 'arming', at, context: d.context });
        break;
      case 'released':
        d.input({ kind: 'released', at });
        break;
      case 'acknowledge':
      case 'reset':
        d.input({ kind: what, at, who: 'anna' });
        break;
      case 'restart':
        d.state = JSON.parse(JSON.stringify(d.state));
        break;
      default:
        d.signal(at, { phase: what, level, stream: level, quietMs: what === 'pulse' ? (quietMs ?? 5_000) : quietMs });
    }
  }
  return d;
}

const check = (property: (d: Drive, policy: AlarmPolicy) => void): void =>
  fc.assert(
    fc.property(policies, moves, (policy, script) => property(live(policy, script), policy)),
    { numRuns: 1_500 },
  );

describe('whatever happens', () => {
  it('one key never has two alarms at once, and each runs raise, clear or resume, end', () => {
    check((d) => {
      let phase = 'none';
      for (const effect of d.effects) {
        if (effect.kind === 'raise') {
          expect(phase).toBe('none');
          phase = 'active';
        } else if (effect.kind === 'clear') {
          expect(phase).toBe('active');
          phase = 'clearing';
        } else if (effect.kind === 'resume') {
          expect(phase).toBe('clearing');
          phase = 'active';
        } else if (effect.kind === 'end') {
          expect(phase).not.toBe('none');
          phase = 'none';
        } else if (effect.kind === 'merge' || effect.kind === 'escalate' || effect.kind === 'de-escalate') {
          expect(phase).toBe('active');
        }
      }
      const expected = d.state.phase === 'active' || d.state.phase === 'clearing' ? d.state.phase : 'none';
      expect(phase).toBe(expected);
      expect(d.state.alarm !== null).toBe(phase !== 'none');
    });
  });

  it('nothing rises inside the anti-dither window of the raise before', () => {
    check((d, policy) => {
      const raises = d.effects.flatMap((effect) => (effect.kind === 'raise' ? [effect.at] : []));
      raises.forEach((at, index) => {
        const before = raises[index - 1];
        if (before !== undefined) expect(at - before).toBeGreaterThanOrEqual(policy.antiDitherMs);
      });
    });
  });

  it('nothing rises outside the window or on a disarmed site', () => {
    fc.assert(
      fc.property(policies, moves, (policy, script) => {
        const shut = script.map((move) =>
          move.what === 'arm' || move.what === 'open' ? { ...move, what: 'close' as const } : move,
        );
        const d = live(policy, [{ wait: 0, what: 'close', level: 'alarm', quietMs: null }, ...shut]);
        expect(d.effects.filter((effect) => effect.kind === 'raise')).toEqual([]);
      }),
    );
  });

  it('what happens is told in the order of time, and no timer is set in the past or fires early', () => {
    check((d) => {
      let last = 0;
      const set = new Map<string, number>();
      for (const effect of d.effects) {
        if (effect.kind === 'start-timer') set.set(effect.name, effect.at);
        else if (effect.kind === 'cancel-timer') set.delete(effect.name);
        else {
          expect(effect.at).toBeGreaterThanOrEqual(last);
          last = effect.at;
          if (effect.kind === 'raise' && effect.by === 'on-delay') {
            expect(effect.at).toBe(set.get('on-delay'));
          }
          if (effect.kind === 'decide' && effect.outcome === 'cleared' && effect.reason === 'off-delay') {
            expect(effect.at).toBe(set.get('off-delay'));
          }
        }
      }
    });
  });

  it('the timers that the effects tell are those that the state knows', () => {
    check((d) => {
      d.until(10_000_000);
      const set = new Map<string, number>();
      for (const effect of d.effects) {
        if (effect.kind === 'start-timer') set.set(effect.name, effect.at);
        else if (effect.kind === 'cancel-timer') set.delete(effect.name);
      }
      for (const [name, due] of Object.entries(d.state.timers)) expect(set.get(name)).toBe(due);
    });
  });

  it('an alarm that stops, is acknowledged and released ends', () => {
    check((d) => {
      const at = 1_000_000;
      d.context = openContext;
      d.signal(at, { phase: 'stop', level: 'alarm', stream: 'alarm' });
      d.signal(at, { phase: 'stop', level: 'pre-alarm', stream: 'pre-alarm' });
      d.until(at + 60_000);
      d.input({ kind: 'acknowledge', at: at + 60_000, who: 'anna' });
      d.input({ kind: 'released', at: at + 60_000 });
      expect(d.state.phase).toBe('normal');
      expect(d.state.timers).toEqual({});
    });
  });

  it('every event gets exactly one decision of its own', () => {
    check((d) => {
      const at = 1_000_000;
      d.until(at);
      for (const phase of ['start', 'refresh', 'pulse', 'snapshot', 'stop'] as const) {
        const decided = d.signal(at, { phase }).filter((effect) => effect.kind === 'decide');
        expect(decided.length).toBe(1);
        expect(decided[0]?.detail).not.toBe('');
      }
    });
  });
});
