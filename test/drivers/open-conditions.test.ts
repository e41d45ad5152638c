import { describe, expect, it } from 'vitest';
import type { EventPhase } from '../../engine/domain/events';
import { createOpenConditions } from '../../engine/drivers/open-conditions';

type Step = [rule: string | undefined, phase: EventPhase, at: number, told: EventPhase];

describe('the conditions of a sender', () => {
  it.each<[string, Step[]]>([
    [
      'a repeated start is a refresh until its end',
      [
        ['A', 'start', 0, 'start'],
        ['A', 'start', 1, 'refresh'],
        ['A', 'stop', 2, 'stop'],
        ['A', 'start', 3, 'start'],
      ],
    ],
    [
      'a silence longer than the quiet time is an end',
      [
        ['A', 'start', 0, 'start'],
        ['A', 'start', 1_000, 'refresh'],
        ['A', 'start', 2_001, 'start'],
      ],
    ],
    [
      'an end with a rule ends only that',
      [
        ['A', 'start', 0, 'start'],
        ['B', 'start', 0, 'start'],
        ['B', 'stop', 1, 'stop'],
        ['A', 'start', 2, 'refresh'],
        ['B', 'start', 2, 'start'],
      ],
    ],
    [
      'an end without a rule ends every rule',
      [
        ['A', 'start', 0, 'start'],
        ['B', 'start', 0, 'start'],
        [undefined, 'stop', 1, 'stop'],
        ['A', 'start', 2, 'start'],
        ['B', 'start', 2, 'start'],
      ],
    ],
    [
      'a pulse changes nothing',
      [
        ['A', 'pulse', 0, 'pulse'],
        ['A', 'start', 1, 'start'],
        ['A', 'pulse', 2, 'pulse'],
        ['A', 'start', 3, 'refresh'],
      ],
    ],
  ])('%s', (_name, steps) => {
    const open = createOpenConditions();
    for (const [rule, phase, at, told] of steps)
      expect(open.decide({ type: 'network-fault', rule, quietMs: 1_000 }, phase, at)).toBe(told);
  });

  it('of other places are others', () => {
    const open = createOpenConditions();
    expect(open.decide({ type: 'motion', channel: 1 }, 'start', 0)).toBe('start');
    expect(open.decide({ type: 'motion', channel: 2 }, 'start', 0)).toBe('start');
    expect(open.decide({ type: 'motion', channel: 2 }, 'stop', 0)).toBe('stop');
    expect(open.decide({ type: 'motion', channel: 1 }, 'start', 0)).toBe('refresh');
  });

  it('are forgotten from the oldest on where a sender invents places without end', () => {
    const open = createOpenConditions();
    for (let channel = 1; channel <= 2_001; channel++) open.decide({ type: 'motion', channel }, 'start', 0);
    expect(open.decide({ type: 'motion', channel: 2_001 }, 'start', 0)).toBe('refresh');
    expect(open.decide({ type: 'motion', channel: 1 }, 'start', 0)).toBe('start');
  });
});
