import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { EscalationDefinition } from '../../engine/domain/escalations';
import {
  type EscalationInput,
  type EscalationState,
  escalationMachine,
  escalationProblem,
  newEscalation,
} from '../../engine/gates';

const ladder = (fields: Partial<EscalationDefinition> = {}): EscalationDefinition => ({
  id: 'esc',
  name: 'Night guard',
  steps: [{ delayMs: 0 }, { delayMs: 120_000 }, { delayMs: 60_000 }],
  repeats: 0,
  repeatAfterMs: 300_000,
  minimumLevel: 'alarm',
  stopAtAcknowledge: true,
  stopAtClear: false,
  ...fields,
});

/** Lets time pass as a timer would; `late` is how much later than due each call is. */
function driveLadder(definition: EscalationDefinition, late = 0) {
  const machine = escalationMachine(definition);
  const self = {
    state: newEscalation as EscalationState,
    story: [] as string[],
    put(input: EscalationInput): void {
      const { state, effects } = machine(self.state, input);
      self.state = JSON.parse(JSON.stringify(state));
      for (const effect of effects) {
        const what = effect.kind === 'call' ? `step ${effect.step} round ${effect.round}` : effect.kind;
        self.story.push(`${effect.at / 1_000} ${what}`);
      }
    },
    until(at: number): void {
      while (self.state.dueAt !== null && self.state.dueAt + late <= at) {
        self.put({ kind: 'due', at: self.state.dueAt + late });
      }
    },
  };
  return self;
}

const stop = (at: number, by: 'acknowledged' | 'cleared' | 'ended'): EscalationInput => ({
  kind: 'stop',
  at,
  by,
  detail: by,
});

describe('an escalation', () => {
  it('calls one step after the other, each its delay after the one before', () => {
    const d = driveLadder(ladder());
    d.put({ kind: 'begin', at: 0 });
    d.until(3_600_000);
    expect(d.story).toEqual(['0 step 1 round 1', '120 step 2 round 1', '180 step 3 round 1']);
    expect(d.state.phase).toBe('done');
  });

  it('waits before its first step where that has a delay', () => {
    const d = driveLadder(ladder({ steps: [{ delayMs: 120_000 }] }));
    d.put({ kind: 'begin', at: 0 });
    expect(d.story).toEqual([]);
    d.until(120_000);
    expect(d.story).toEqual(['120 step 1 round 1']);
  });

  it('calls steps without a delay together', () => {
    const d = driveLadder(ladder({ steps: [{ delayMs: 0 }, { delayMs: 0 }, { delayMs: 1_000 }] }));
    d.put({ kind: 'begin', at: 0 });
    expect(d.story).toEqual(['0 step 1 round 1', '0 step 2 round 1']);
  });

  it('repeats as often as it is told', () => {
    const d = driveLadder(ladder({ steps: [{ delayMs: 0 }, { delayMs: 60_000 }], repeats: 2, repeatAfterMs: 300_000 }));
    d.put({ kind: 'begin', at: 0 });
    d.until(10_000_000);
    expect(d.story).toEqual([
      '0 step 1 round 1',
      '60 step 2 round 1',
      '360 step 1 round 2',
      '420 step 2 round 2',
      '720 step 1 round 3',
      '780 step 2 round 3',
    ]);
  });

  it('repeats until it is stopped where no number is given', () => {
    const d = driveLadder(ladder({ steps: [{ delayMs: 0 }], repeats: null, repeatAfterMs: 10_000 }));
    d.put({ kind: 'begin', at: 0 });
    d.until(995_000);
    expect(d.story).toHaveLength(100);
    d.put(stop(995_000, 'acknowledged'));
    d.until(2_000_000);
    expect(d.story).toHaveLength(101);
  });

  it('counts from the moment of the call, so that a late one takes no time from the next', () => {
    const d = driveLadder(ladder(), 600_000);
    d.put({ kind: 'begin', at: 0 });
    d.until(3_600_000);
    expect(d.story).toEqual(['0 step 1 round 1', '720 step 2 round 1', '1380 step 3 round 1']);
  });

  it.each(['acknowledged', 'cleared', 'ended'] as const)('calls nobody after it was stopped: %s', (by) => {
    const d = driveLadder(ladder());
    d.put({ kind: 'begin', at: 0 });
    d.put(stop(60_000, by));
    d.until(3_600_000);
    expect(d.story).toEqual(['0 step 1 round 1', '60 stopped']);
    expect(d.state).toMatchObject({ phase: 'stopped', dueAt: null, stoppedBy: by });
  });

  it('goes on where it was when the alarm comes back after its clear', () => {
    const d = driveLadder(ladder());
    d.put({ kind: 'begin', at: 0 });
    d.put(stop(60_000, 'cleared'));
    d.put({ kind: 'resume', at: 70_000 });
    d.until(3_600_000);
    expect(d.story.slice(1)).toEqual(['60 stopped', '70 resumed', '190 step 2 round 1', '250 step 3 round 1']);
  });

  it('does not come back once it was acknowledged after the clear', () => {
    const d = driveLadder(ladder());
    d.put({ kind: 'begin', at: 0 });
    d.put(stop(60_000, 'cleared'));
    d.put(stop(65_000, 'acknowledged'));
    d.put({ kind: 'resume', at: 70_000 });
    d.until(3_600_000);
    expect(d.story).toEqual(['0 step 1 round 1', '60 stopped']);
  });

  it('begins once', () => {
    const d = driveLadder(ladder());
    d.put({ kind: 'begin', at: 0 });
    d.put({ kind: 'begin', at: 1_000 });
    expect(d.story).toEqual(['0 step 1 round 1']);
  });

  it('comes to its end when the node has fewer steps by now', () => {
    const d = driveLadder(ladder());
    d.put({ kind: 'begin', at: 0 });
    const { state, effects } = escalationMachine(ladder({ steps: [{ delayMs: 0 }] }))(d.state, {
      kind: 'due',
      at: 120_000,
    });
    expect([state.phase, effects]).toEqual(['done', []]);
  });

  it('is due when its timer says so, whatever the wall clock reads', () => {
    const d = driveLadder(ladder());
    d.put({ kind: 'begin', at: 3_600_000 });
    d.put({ kind: 'due', at: 0 });
    expect(d.story).toEqual(['3600 step 1 round 1', '0 step 2 round 1']);
  });
});

describe('a definition that cannot work', () => {
  it.each<[Partial<EscalationDefinition>, string]>([
    [{ steps: [] }, 'steps'],
    [{ steps: Array.from({ length: 11 }, () => ({ delayMs: 0 })) }, 'steps'],
    [{ steps: [{ delayMs: 0 }, { delayMs: -1 }] }, 'step 2'],
    [{ steps: [{ delayMs: Number.NaN }] }, 'step 1'],
    [{ repeats: 1.5 }, 'repeats'],
    [{ repeats: 1_001 }, 'repeats'],
    [{ repeats: null, repeatAfterMs: 0 }, 'repeatAfterMs'],
    [{ repeats: 1, repeatAfterMs: 500 }, 'repeatAfterMs'],
  ])('%j is refused with its field', (fields, word) => {
    expect(escalationProblem(ladder(fields))).toContain(word);
  });

  it('is none where nothing is repeated and no pause is given', () => {
    expect(escalationProblem(ladder({ repeatAfterMs: 0 }))).toBeNull();
  });
});

describe('against the simplest model', () => {
  it('calls each step of each round once, never early, in order, and none after the stop', () => {
    const definitions = fc.record({
      delays: fc.array(fc.constantFrom(0, 1_000, 5_000), { minLength: 1, maxLength: 4 }),
      repeats: fc.constantFrom(0, 1, 3),
      late: fc.constantFrom(0, 0, 700),
      stopAt: fc.integer({ min: 0, max: 60_000 }),
    });
    fc.assert(
      fc.property(definitions, ({ delays, repeats, late, stopAt }) => {
        const expected: string[] = [];
        let at = 0;
        for (let round = 1; round <= repeats + 1; round++) {
          delays.forEach((delay, index) => {
            const wait = round > 1 && index === 0 ? 10_000 : delay;
            // A call that follows at once needs no timer and so is not late.
            at += wait === 0 ? 0 : wait + late;
            if (at <= stopAt) expected.push(`${at / 1_000} step ${index + 1} round ${round}`);
          });
        }
        const d = driveLadder(
          ladder({ steps: delays.map((delayMs) => ({ delayMs })), repeats, repeatAfterMs: 10_000 }),
          late,
        );
        d.put({ kind: 'begin', at: 0 });
        d.until(stopAt);
        d.put(stop(stopAt, 'acknowledged'));
        d.until(1_000_000);
        expect(d.story.filter((line) => line.includes('step'))).toEqual(expected);
      }),
      { numRuns: 2_000 },
    );
  });
});
