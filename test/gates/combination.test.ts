import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CombinationRule } from '../../engine/domain/combinations';
import { combinationProblem, runningOperands } from '../../engine/gates';
import { combination, driveCombination, operandEvent, topicEvent } from '../support/combination-drive';

/** `a+` operand a begins, `a-` ends, `a=` goes on; `a+2` its second alarm; times in seconds. */
type Script = [number, string, string][];

function runs(rule: CombinationRule, script: Script): void {
  const d = driveCombination(rule);
  const told = script.map(([at, word]) => {
    const [, operand = '', sign, alarm = '1'] = /^([a-z])([+=-])(\d?)$/.exec(word) ?? [];
    const phase = sign === '+' ? 'start' : sign === '-' ? 'stop' : 'refresh';
    return [at, word, d.put(operandEvent(operand, phase, at * 1_000, { alarm: Number(alarm || 1) }))];
  });
  expect(told).toEqual(script);
}

describe('any', () => {
  it.each<[string, Script]>([
    [
      'begins with the first and ends with the last',
      [
        [0, 'a+', 'start'],
        [1, 'b+', 'start'],
        [2, 'a-', '-'],
        [3, 'b-', 'stop'],
      ],
    ],
    [
      'is told again for each start',
      [
        [0, 'a+', 'start'],
        [1, 'a-', 'stop'],
        [2, 'b+', 'start'],
      ],
    ],
    [
      'lasts while any alarm of an operand does',
      [
        [0, 'a+1', 'start'],
        [1, 'a+2', 'start'],
        [2, 'a-1', '-'],
        [3, 'a-2', 'stop'],
      ],
    ],
    [
      'goes on with a reminder',
      [
        [0, 'a+', 'start'],
        [5, 'a=', 'refresh'],
      ],
    ],
    ['takes a reminder whose raise was missed as a start', [[0, 'a=', 'start']]],
    ['does not take an operand that it does not have', [[0, 'c+', '-']]],
  ])('%s', (_name, script) => runs(combination({ mode: 'any' }), script));
});

describe('all', () => {
  const rule = combination({ mode: 'all', operands: ['a', 'b', 'c'] });
  it.each<[string, Script]>([
    [
      'begins when the last one does and ends with the first',
      [
        [0, 'a+', '-'],
        [1, 'c+', '-'],
        [2, 'b+', 'start'],
        [3, 'c-', 'stop'],
        [4, 'a-', '-'],
      ],
    ],
    [
      'does not care for the order or the time between',
      [
        [0, 'c+', '-'],
        [3_600, 'b+', '-'],
        [86_400, 'a+', 'start'],
      ],
    ],
    [
      'needs them at once',
      [
        [0, 'a+', '-'],
        [1, 'a-', '-'],
        [2, 'b+', '-'],
        [3, 'c+', '-'],
      ],
    ],
    [
      'comes back with the one that is missing',
      [
        [0, 'a+', '-'],
        [0, 'b+', '-'],
        [0, 'c+', 'start'],
        [1, 'b-', 'stop'],
        [2, 'b+2', 'start'],
      ],
    ],
    [
      'stays while an operand has another alarm',
      [
        [0, 'a+', '-'],
        [0, 'b+', '-'],
        [0, 'c+', 'start'],
        [1, 'c+2', 'refresh'],
        [2, 'c-1', '-'],
        [3, 'c-2', 'stop'],
      ],
    ],
  ])('%s', (_name, script) => runs(rule, script));
});

describe('sequence', () => {
  it.each<[string, Script]>([
    [
      'is A, then B, and ends with B',
      [
        [0, 'a+', '-'],
        [5, 'b+', 'start'],
        [6, 'a-', '-'],
        [9, 'b-', 'stop'],
      ],
    ],
    [
      'counts a difference of exactly the time',
      [
        [0, 'a+', '-'],
        [10, 'b+', 'start'],
      ],
    ],
    [
      'does not count a millisecond more',
      [
        [0, 'a+', '-'],
        [10.001, 'b+', '-'],
      ],
    ],
    [
      'counts equal times in their order of arrival',
      [
        [3, 'a+', '-'],
        [3, 'b+', 'start'],
      ],
    ],
    [
      'does not turn equal times round',
      [
        [3, 'b+', '-'],
        [3, 'a+', '-'],
      ],
    ],
    [
      'does not take B before A',
      [
        [0, 'b+', '-'],
        [1, 'a+', '-'],
      ],
    ],
    [
      'waits for another B after an early one',
      [
        [0, 'b+', '-'],
        [1, 'a+', '-'],
        [2, 'b+2', 'start'],
      ],
    ],
    [
      'lets a repeated A move the start',
      [
        [0, 'a+', '-'],
        [8, 'a+2', '-'],
        [15, 'b+', 'start'],
      ],
    ],
    [
      'does not need A to last',
      [
        [0, 'a+', '-'],
        [1, 'a-', '-'],
        [5, 'b+', 'start'],
      ],
    ],
    [
      'uses each A once',
      [
        [0, 'a+', '-'],
        [2, 'b+', 'start'],
        [4, 'b+2', '-'],
        [5, 'b-1', 'stop'],
        [6, 'b-2', '-'],
      ],
    ],
    [
      'does not take a B that came before, by its own time',
      [
        [5, 'a+', '-'],
        [4, 'b+', '-'],
      ],
    ],
    [
      'forgets an A that a clock set back left in the future',
      [
        [3_600, 'a+', '-'],
        [5, 'b+', '-'],
        [3_601, 'b+2', '-'],
      ],
    ],
    [
      'keeps A while a late message of before comes',
      [
        [5, 'a+', '-'],
        [4, 'b+', '-'],
        [6, 'b+2', 'start'],
      ],
    ],
    [
      'takes an escalation of the same alarm for no second start',
      [
        [0, 'a+', '-'],
        [1, 'b+', 'start'],
        [2, 'a+', 'refresh'],
        [3, 'b-', 'stop'],
        [4, 'b+2', '-'],
      ],
    ],
  ])('%s', (_name, script) => runs(combination({ mode: 'sequence' }), script));

  const three = combination({ mode: 'sequence', operands: ['a', 'b', 'c'] });
  it.each<[string, Script]>([
    [
      'goes through three from the first to the last within the time',
      [
        [0, 'a+', '-'],
        [5, 'b+', '-'],
        [10, 'c+', 'start'],
      ],
    ],
    [
      'measures from the first, not from the one before',
      [
        [0, 'a+', '-'],
        [9, 'b+', '-'],
        [11, 'c+', '-'],
      ],
    ],
    [
      'does not leave one out',
      [
        [0, 'a+', '-'],
        [1, 'c+', '-'],
      ],
    ],
    [
      'keeps a second one under way',
      [
        [0, 'a+', '-'],
        [1, 'b+', '-'],
        [2, 'a+2', '-'],
        [3, 'c+', 'start'],
        [4, 'b+2', '-'],
        [5, 'c+2', 'start'],
      ],
    ],
  ])('%s', (_name, script) => runs(three, script));
});

describe('count', () => {
  it.each<[string, Script]>([
    [
      'is so many starts of any',
      [
        [0, 'a+', '-'],
        [4, 'b+', '-'],
        [8, 'a+2', 'start'],
      ],
    ],
    [
      'slides: what is older does not count',
      [
        [0, 'a+1', '-'],
        [6, 'a+2', '-'],
        [11, 'a+3', '-'],
        [15, 'a+4', 'start'],
      ],
    ],
    [
      'counts a start that is exactly as old as the time',
      [
        [0, 'a+1', '-'],
        [5, 'a+2', '-'],
        [10, 'a+3', 'start'],
      ],
    ],
    [
      'does not count one that is a millisecond older',
      [
        [0, 'a+1', '-'],
        [5, 'a+2', '-'],
        [10.001, 'a+3', '-'],
      ],
    ],
    [
      'uses its starts up',
      [
        [0, 'a+1', '-'],
        [1, 'a+2', '-'],
        [2, 'a+3', 'start'],
        [3, 'a+4', 'refresh'],
        [4, 'a+5', 'refresh'],
        [5, 'a+6', 'start'],
      ],
    ],
    [
      'ends when none lasts',
      [
        [0, 'a+1', '-'],
        [0, 'a+2', '-'],
        [0, 'b+', 'start'],
        [1, 'a-1', '-'],
        [2, 'a-2', '-'],
        [3, 'b-', 'stop'],
      ],
    ],
    [
      'takes a start that comes late at its own time',
      [
        [0, 'a+1', '-'],
        [9, 'a+2', '-'],
        [5, 'a+3', 'start'],
      ],
    ],
    [
      'does not count what a clock set back left in the future',
      [
        [3_600, 'a+1', '-'],
        [3_601, 'a+2', '-'],
        [0, 'a+3', '-'],
      ],
    ],
  ])('%s', (_name, script) => runs(combination({ mode: 'count' }), script));

  it('counts each "true" of a topic that never says "false"', () => {
    const d = driveCombination(combination({ mode: 'count', operands: ['door/bell'] }));
    const told = [0, 1, 2, 3].map((at) => d.put(topicEvent('door/bell', true, at * 1_000)));
    expect(told).toEqual(['-', '-', 'start', 'refresh']);
  });
});

describe('messages', () => {
  it('that come twice count once', () => {
    const d = driveCombination(combination({ mode: 'count', operands: ['a'] }));
    const bell = topicEvent('a', true, 0);
    expect([bell, bell, bell].map(d.put)).toEqual(['-', '-', '-']);
    expect(d.said).toContain('was taken before');
    expect(d.durable).toBe(false);
  });

  it('of an alarm that has ended do not begin it again', () => {
    const d = driveCombination(combination());
    expect(d.put(operandEvent('a', 'stop', 0))).toBe('-');
    expect(d.put(operandEvent('a', 'start', 1))).toBe('-');
    expect(d.said).toContain('came before its start');
  });

  it('of the end that follows the clear say that it was told', () => {
    const d = driveCombination(combination());
    d.put(operandEvent('a', 'start', 0));
    expect(d.put(operandEvent('a', 'stop', 1))).toBe('stop');
    expect(d.put(operandEvent('a', 'stop', 2))).toBe('-');
    expect(d.said).toContain('told before');
  });

  it('name what made the condition, where it was and how far apart', () => {
    const d = driveCombination(combination({ mode: 'sequence' }));
    d.put(operandEvent('a', 'start', 0, { place: 'Gate' }));
    d.put(operandEvent('b', 'start', 4_200, { place: 'Yard' }));
    expect(d.said).toBe('A (Gate), then B (Yard) 4.2 s later (within 10 s)');
  });

  it('carry the pictures of all operands along', () => {
    const picture = (mediaId: string) => ({ mediaId, contentType: 'image/jpeg', size: 1 });
    const d = driveCombination(combination({ mode: 'all' }));
    d.put(operandEvent('a', 'start', 0, { pictures: [picture('p1')] }));
    d.put(operandEvent('b', 'start', 1, { pictures: [picture('p2')] }));
    expect(d.state.held.flatMap((part) => part.pictures.map((p) => p.mediaId))).toEqual(['p1', 'p2']);
  });

  it('of made up alarms do not fill the memory', () => {
    const d = driveCombination(combination());
    for (let i = 0; i < 700; i++) d.put(operandEvent('a', 'start', i, { alarm: i }));
    expect(d.state.held).toHaveLength(500);
    expect(d.state.recent.length).toBeLessThanOrEqual(64);
  });
});

describe('a changed rule', () => {
  it('goes on with what still holds', () => {
    const d = driveCombination(combination());
    d.put(operandEvent('a', 'start', 0));
    expect(d.change(combination({ operands: ['a', 'c'] }))).toBe('-');
    expect(d.put(operandEvent('a', 'stop', 1))).toBe('stop');
  });

  it('stops what it no longer has', () => {
    const d = driveCombination(combination());
    d.put(operandEvent('a', 'start', 0));
    expect(d.change(combination({ operands: ['b', 'c'] }))).toBe('stop');
    expect(runningOperands(d.state)).toEqual([]);
  });

  it('begins what holds by now', () => {
    const d = driveCombination(combination({ mode: 'all' }));
    d.put(operandEvent('a', 'start', 0));
    expect(d.change(combination({ mode: 'any' }))).toBe('start');
  });
});

describe('a rule that cannot work', () => {
  it.each<[Partial<CombinationRule>, string]>([
    [{ mode: 'xor' as never }, 'mode'],
    [{ operands: [] }, 'operands'],
    [{ mode: 'all', operands: ['a'] }, 'operands'],
    [{ mode: 'sequence', operands: ['a'] }, 'operands'],
    [{ operands: ['a', 'a'] }, 'once'],
    [{ operands: Array.from({ length: 21 }, (_none, at) => `o${at}`) }, 'operands'],
    [{ mode: 'sequence', withinMs: -1 }, 'withinMs'],
    [{ mode: 'count', withinMs: Number.NaN }, 'withinMs'],
    [{ mode: 'count', count: 1 }, 'count'],
  ])('%j is refused with its field', (fields, word) => {
    expect(combinationProblem(combination(fields))).toContain(word);
  });

  it('is none when it is right', () => {
    expect(combinationProblem(combination({ mode: 'sequence' }))).toBeNull();
  });
});

/** The simplest model: every start and stop is kept, and each answer is worked out from all of them. */
function modelled(
  rule: CombinationRule,
  events: { operand: string; on: boolean; alarm: number; at: number }[],
): string[] {
  const held = new Set<string>();
  const of = (operand: string) => [...held].some((id) => id.startsWith(`${operand}-`));
  let starts: number[] = [];
  let chain: number | null = null;
  const completedBy = new Set<string>();
  let holds = false;
  const lines: string[] = [];
  for (const { operand, on, alarm, at } of events) {
    const id = `${operand}-${alarm}`;
    if (on === held.has(id)) continue;
    if (on) held.add(id);
    else {
      held.delete(id);
      completedBy.delete(id);
    }
    let fulfilled = false;
    if (on) {
      if (rule.mode === 'any') fulfilled = true;
      if (rule.mode === 'all') fulfilled = !holds && rule.operands.every(of);
      if (rule.mode === 'sequence' && operand === 'a') chain = at;
      else if (rule.mode === 'sequence' && chain !== null) {
        fulfilled = at - chain <= rule.withinMs;
        chain = null;
        if (fulfilled) completedBy.add(id);
      }
      if (rule.mode === 'count') {
        starts = [...starts.filter((start) => at - start <= rule.withinMs), at];
        fulfilled = starts.length >= rule.count;
        if (fulfilled) starts = [];
      }
    }
    if (fulfilled) {
      holds = true;
      lines.push(`${at / 1_000} start`);
    }
    const stays = {
      any: held.size > 0,
      all: rule.operands.every(of),
      sequence: completedBy.size > 0,
      count: held.size > 0,
    }[rule.mode];
    if (!on && holds && !stays) {
      holds = false;
      lines.push(`${at / 1_000} stop`);
    }
  }
  return lines;
}

describe('against the simplest model', () => {
  it('signals the same starts and stops, whatever comes, over restarts', () => {
    const rules = fc.record({
      mode: fc.constantFrom('any' as const, 'all' as const, 'sequence' as const, 'count' as const),
      withinMs: fc.constantFrom(0, 2_000, 5_000),
      count: fc.integer({ min: 2, max: 4 }),
      operands: fc.constant(['a', 'b'] as string[]),
    });
    const moves = fc.array(
      fc.record({
        operand: fc.constantFrom('a', 'b'),
        on: fc.boolean(),
        alarm: fc.integer({ min: 1, max: 3 }),
        wait: fc.constantFrom(0, 500, 1_000, 2_000, 6_000),
      }),
      { maxLength: 40 },
    );
    fc.assert(
      fc.property(rules, moves, (rule, script) => {
        let at = 0;
        const life = new Map<string, number>();
        // An alarm begins once and ends once; its number is its own.
        const events = script.map(({ wait, operand, on, alarm }) => {
          at += wait;
          const key = `${operand}${alarm}`;
          const generation = life.get(key) ?? 0;
          if (!on) life.set(key, generation + 1);
          return { operand, on, alarm: alarm * 1_000 + generation, at };
        });
        const d = driveCombination(rule);
        for (const event of events) {
          d.put(operandEvent(event.operand, event.on ? 'start' : 'stop', event.at, { alarm: event.alarm }));
        }
        const edges = d.story.filter((line) => !line.endsWith('refresh'));
        expect(edges).toEqual(modelled(rule, events));
      }),
      { numRuns: 2_000 },
    );
  });
});
