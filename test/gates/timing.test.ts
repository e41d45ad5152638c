import { describe, expect, it } from 'vitest';
import type { AlarmPolicy } from '../../engine/domain/triggers';
import type { GateSignal } from '../../engine/gates';
import { bare, drive, openContext, s, siteDisarmed } from '../support/alarm-gates';

/**
 * A pulse train: `+` start, `-` stop, `~` refresh, `!` single event with the quiet time of the example,
 * `x` released (nothing holds a cleared alarm any more), each with its second.
 */
type Train = [sign: '+' | '-' | '~' | '!' | 'x', second: number][];

function play(policy: Partial<AlarmPolicy>, train: Train, quiet: number | null = null): string[] {
  const d = drive(bare(policy));
  const phases: Record<string, GateSignal['phase']> = { '+': 'start', '-': 'stop', '~': 'refresh', '!': 'pulse' };
  for (const [sign, second] of train) {
    if (sign === 'x') d.input({ kind: 'released', at: s(second) });
    else d.signal(s(second), { phase: phases[sign] as GateSignal['phase'], quietMs: quiet === null ? null : s(quiet) });
  }
  d.until(s(1_000));
  return d.effects.flatMap((effect) => {
    if (effect.kind === 'decide' && effect.outcome === 'refused')
      return [`${effect.at / 1_000} refused ${effect.reason}`];
    if (['raise', 'merge', 'resume', 'clear', 'end'].includes(effect.kind) && 'at' in effect) {
      return [`${effect.at / 1_000} ${effect.kind}`];
    }
    return [];
  });
}

interface Example {
  title: string;
  policy: Partial<AlarmPolicy>;
  quiet?: number;
  train: Train;
  gives: string[];
}

const examples: Record<string, Example[]> = {
  'filtering time (on-delay)': [
    {
      title: 'raises when the condition has held for all of it',
      policy: { onDelayMs: s(10) },
      train: [['+', 0]],
      gives: ['10 raise'],
    },
    {
      title: 'refuses a condition that ends before it is over',
      policy: { onDelayMs: s(10) },
      train: [
        ['+', 0],
        ['-', 9.9],
      ],
      gives: ['9.9 refused on-delay'],
    },
    {
      title: 'raises a condition that ends at its very end',
      policy: { onDelayMs: s(10) },
      train: [
        ['+', 0],
        ['-', 10],
      ],
      gives: ['10 raise', '10 clear'],
    },
    {
      title: 'begins anew with each start after an end',
      policy: { onDelayMs: s(10) },
      train: [
        ['+', 0],
        ['-', 6],
        ['+', 7],
      ],
      gives: ['6 refused on-delay', '17 raise'],
    },
    {
      title: 'is not prolonged by refreshes',
      policy: { onDelayMs: s(10) },
      train: [
        ['+', 0],
        ['~', 4],
        ['~', 8],
      ],
      gives: ['10 raise'],
    },
    {
      title: 'takes single events as one condition while they come within the quiet time',
      policy: { onDelayMs: s(10) },
      quiet: 5,
      train: [
        ['!', 0],
        ['!', 4],
        ['!', 8],
      ],
      gives: ['10 raise', '13 clear'],
    },
    {
      title: 'refuses one single event that falls silent',
      policy: { onDelayMs: s(10) },
      quiet: 5,
      train: [['!', 0]],
      gives: ['5 refused on-delay'],
    },
  ],
  'N starts within T': [
    {
      title: 'raises at the Nth start',
      policy: { repeat: { count: 3, withinMs: s(10) } },
      train: [
        ['+', 0],
        ['-', 1],
        ['+', 4],
        ['-', 5],
        ['+', 9],
      ],
      gives: ['9 raise'],
    },
    {
      title: 'counts a start that is exactly T old',
      policy: { repeat: { count: 2, withinMs: s(10) } },
      train: [
        ['+', 0],
        ['-', 1],
        ['+', 10],
      ],
      gives: ['10 raise'],
    },
    {
      title: 'drops starts that are older than T',
      policy: { repeat: { count: 3, withinMs: s(10) } },
      train: [
        ['!', 0],
        ['!', 6],
        ['!', 12],
        ['!', 15],
      ],
      quiet: 2,
      gives: ['15 raise', '17 clear'],
    },
    {
      title: 'refuses when too few came',
      policy: { repeat: { count: 3, withinMs: s(10) } },
      train: [
        ['+', 0],
        ['-', 1],
        ['+', 2],
        ['-', 3],
      ],
      gives: ['12.001 refused on-delay'],
    },
    {
      title: 'does not count refreshes',
      policy: { repeat: { count: 2, withinMs: s(10) } },
      train: [
        ['+', 0],
        ['~', 1],
        ['~', 2],
      ],
      gives: ['10.001 refused on-delay'],
    },
  ],
  'anti-dither': [
    {
      title: 'refuses a start inside the window when the alarm is over',
      policy: { antiDitherMs: s(10) },
      train: [
        ['+', 0],
        ['-', 1],
        ['x', 2],
        ['+', 5],
        ['-', 6],
      ],
      gives: ['0 raise', '1 clear', '2 end', '5 refused anti-dither'],
    },
    {
      title: 'merges a start inside the window while the alarm runs',
      policy: { antiDitherMs: s(10) },
      train: [
        ['+', 0],
        ['+', 5],
      ],
      gives: ['0 raise', '5 merge'],
    },
    {
      title: 'merges a start inside the window while the alarm clears, and cancels the countdown',
      policy: { antiDitherMs: s(10) },
      train: [
        ['+', 0],
        ['-', 1],
        ['+', 5],
      ],
      gives: ['0 raise', '1 clear', '5 resume', '5 merge'],
    },
    {
      title: 'takes a start at the end of the window as a new alarm',
      policy: { antiDitherMs: s(10) },
      train: [
        ['+', 0],
        ['-', 1],
        ['x', 1],
        ['+', 10],
      ],
      gives: ['0 raise', '1 clear', '1 end', '10 raise'],
    },
    {
      title: 'is counted from the raise, not from the end',
      policy: { antiDitherMs: s(10) },
      train: [
        ['+', 0],
        ['-', 60],
        ['x', 60],
        ['+', 61],
      ],
      gives: ['0 raise', '60 clear', '60 end', '61 raise'],
    },
    {
      title: 'does not move the fixed window by a refused start',
      policy: { antiDitherMs: s(10) },
      train: [
        ['+', 0],
        ['-', 1],
        ['x', 1],
        ['+', 9],
        ['-', 9.5],
        ['+', 11],
      ],
      gives: ['0 raise', '1 clear', '1 end', '9 refused anti-dither', '11 raise'],
    },
    {
      title: 'moves a sliding window by a refused start',
      policy: { antiDitherMs: s(10), antiDitherMode: 'sliding' },
      train: [
        ['+', 0],
        ['-', 1],
        ['x', 1],
        ['+', 9],
        ['-', 9.5],
        ['+', 18],
        ['-', 18.5],
        ['+', 28],
      ],
      gives: ['0 raise', '1 clear', '1 end', '9 refused anti-dither', '18 refused anti-dither', '28 raise'],
    },
    {
      title: 'raises nothing for as long as a condition holds whose start it refused',
      policy: { antiDitherMs: s(10) },
      train: [
        ['+', 0],
        ['-', 1],
        ['x', 1],
        ['+', 5],
        ['~', 50],
        ['-', 60],
        ['+', 61],
      ],
      gives: ['0 raise', '1 clear', '1 end', '5 refused anti-dither', '50 refused anti-dither', '61 raise'],
    },
    {
      title: 'judges a filtered condition by its start',
      policy: { antiDitherMs: s(10), onDelayMs: s(3) },
      train: [
        ['+', 0],
        ['-', 4],
        ['x', 4],
        ['+', 12],
      ],
      // Raised at 3 s, so the window is 3–13 s; the start at 12 s lies in it, although its filtering time ends behind it.
      gives: ['3 raise', '4 clear', '4 end', '15 refused anti-dither'],
    },
  ],
  'off-delay (tolerance)': [
    {
      title: 'clears when the end has held for all of it',
      policy: { offDelayMs: s(5) },
      train: [
        ['+', 0],
        ['-', 2],
      ],
      gives: ['0 raise', '7 clear'],
    },
    {
      title: 'goes on with a start before it is over',
      policy: { offDelayMs: s(5) },
      train: [
        ['+', 0],
        ['-', 2],
        ['+', 6],
        ['-', 8],
      ],
      gives: ['0 raise', '6 merge', '13 clear'],
    },
    {
      title: 'clears first when the start comes at its very end',
      policy: { offDelayMs: s(5) },
      train: [
        ['+', 0],
        ['-', 2],
        ['+', 7],
      ],
      gives: ['0 raise', '7 clear', '7 resume', '7 merge'],
    },
    {
      title: 'is not prolonged by a second stop',
      policy: { offDelayMs: s(5) },
      train: [
        ['+', 0],
        ['-', 2],
        ['-', 4],
      ],
      gives: ['0 raise', '7 clear'],
    },
  ],
  'implied stop (quiet time)': [
    {
      title: 'ends a single event after the quiet time',
      policy: {},
      quiet: 5,
      train: [['!', 0]],
      gives: ['0 raise', '5 clear'],
    },
    {
      title: 'is prolonged by every event',
      policy: {},
      quiet: 5,
      train: [
        ['!', 0],
        ['!', 4],
        ['!', 8],
      ],
      gives: ['0 raise', '4 merge', '8 merge', '13 clear'],
    },
    {
      title: 'is prolonged by refreshes, which do not count',
      policy: {},
      quiet: 5,
      train: [
        ['+', 0],
        ['~', 4],
        ['~', 8],
      ],
      gives: ['0 raise', '13 clear'],
    },
    {
      title: 'ignores a real stop that comes later',
      policy: {},
      quiet: 5,
      train: [
        ['+', 0],
        ['-', 9],
      ],
      gives: ['0 raise', '5 clear'],
    },
    {
      title: 'takes a real stop that comes earlier',
      policy: {},
      quiet: 5,
      train: [
        ['+', 0],
        ['-', 3],
      ],
      gives: ['0 raise', '3 clear'],
    },
    {
      title: 'counts the off-delay from the implied stop',
      policy: { offDelayMs: s(3) },
      quiet: 5,
      train: [
        ['!', 0],
        ['-', 6],
      ],
      gives: ['0 raise', '8 clear'],
    },
    {
      title: 'waits for the real end of a source that tells it',
      policy: {},
      train: [['+', 0]],
      gives: ['0 raise'],
    },
  ],
};

for (const [rule, cases] of Object.entries(examples)) {
  describe(rule, () => {
    it.each(cases.map((example) => [example.title, example] as const))('%s', (_title, example) => {
      expect(play(example.policy, example.train, example.quiet)).toEqual(example.gives);
    });
  });
}

describe('reasons', () => {
  it('tells how much of the anti-dither window is left', () => {
    const d = drive(bare({ antiDitherMs: s(10) }));
    d.signal(0);
    d.signal(s(1), { phase: 'stop' });
    d.input({ kind: 'released', at: s(1) });
    d.signal(s(5.8));
    expect(d.detail()).toBe('anti-dither 10 s: 4.2 s left; refused start 1 since the raise');
  });

  it('tells how long a filtered condition held', () => {
    const d = drive(bare({ onDelayMs: s(10) }));
    d.signal(0);
    d.signal(s(4.2), { phase: 'stop' });
    expect(d.detail()).toBe('filtering time 10 s: ended after 4.2 s');
  });

  it('tells how many starts have come', () => {
    const d = drive(bare({ repeat: { count: 3, withinMs: s(10) } }));
    d.signal(0);
    expect(d.last()).toBe('pending/on-delay');
    expect(d.detail()).toBe('1 of 3 starts within 10 s');
  });

  it('gives implied-stop as the reason of the end', () => {
    const d = drive(bare());
    d.signal(0, { phase: 'pulse', quietMs: s(5) });
    d.until(s(5));
    expect(d.last()).toBe('cleared/implied-stop');
    d.input({ kind: 'released', at: s(6) });
    expect(d.last()).toBe('ended/implied-stop');
  });
});

describe('timers', () => {
  it('are not set anew by every refresh; the one that fires moves on', () => {
    const d = drive(bare());
    const quiet = { quietMs: s(5) };
    expect(d.signal(0, quiet)).toContainEqual({ kind: 'start-timer', name: 'quiet', at: s(5) });
    expect(d.signal(s(4), { ...quiet, phase: 'refresh' }).some((e) => e.kind === 'start-timer')).toBe(false);
    expect(d.until(s(5))).toEqual([{ kind: 'start-timer', name: 'quiet', at: s(9) }]);
  });

  it('are cancelled when what they waited for has come', () => {
    const d = drive(bare({ onDelayMs: s(10) }));
    d.signal(0);
    expect(d.signal(s(1), { phase: 'stop' })).toContainEqual({ kind: 'cancel-timer', name: 'on-delay' });
  });

  it('do nothing when they fire before their time', () => {
    const d = drive(bare({ onDelayMs: s(10) }));
    d.signal(0);
    expect(d.input({ kind: 'timer', name: 'on-delay', at: s(9), context: d.context })).toEqual([]);
    expect(d.state.phase).toBe('pending');
  });

  it('do nothing when they fire after they were cancelled', () => {
    const d = drive(bare({ onDelayMs: s(10) }));
    d.signal(0);
    d.signal(s(1), { phase: 'stop' });
    expect(d.input({ kind: 'timer', name: 'on-delay', at: s(10), context: d.context })).toEqual([]);
  });

  it('follow a policy that was changed meanwhile', () => {
    const d = drive(bare({ onDelayMs: s(10) }));
    d.signal(0);
    d.policy = bare({ onDelayMs: s(3) });
    expect(d.input({ kind: 'policy', at: s(1), context: openContext })).toEqual([
      { kind: 'start-timer', name: 'on-delay', at: s(3) },
    ]);
    d.until(s(20));
    expect(d.story()).toEqual(['3 raise']);
  });

  it('are judged anew when they fire: a site disarmed meanwhile raises nothing', () => {
    const d = drive(bare({ onDelayMs: s(10) }));
    d.signal(0);
    d.context = { ...d.context, arming: siteDisarmed };
    d.until(s(10));
    expect(d.last()).toBe('refused/disarmed');
  });

  it('do not suffer from a clock that is set back: the old window is over', () => {
    const d = drive(bare({ antiDitherMs: s(10) }));
    d.signal(s(3_600));
    d.signal(s(3_601), { phase: 'stop' });
    d.input({ kind: 'released', at: s(3_601) });
    d.signal(s(100));
    expect(d.last()).toBe('raised/start');
  });
});
