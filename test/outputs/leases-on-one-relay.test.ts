import { describe, expect, it } from 'vitest';
import { BenchSite } from './bench-site';

type Step = [at: number, what: 'raise' | 'clear' | 'again' | 'reset', alarm: 'a' | 'b'];

/** Seconds; what the relay must be at which second. Alarm a holds 10 s after its clear, alarm b 4 s. */
const table: { name: string; steps: Step[]; on: number[]; off: number[] }[] = [
  {
    name: 'one alarm: on at the raise, off after the hold',
    steps: [
      [0, 'raise', 'a'],
      [5, 'clear', 'a'],
    ],
    on: [0, 5, 14],
    off: [15, 30],
  },
  {
    name: 'an end of the second alarm does not silence the first',
    steps: [
      [0, 'raise', 'a'],
      [1, 'raise', 'b'],
      [2, 'clear', 'b'],
    ],
    on: [0, 2, 6, 7, 60],
    off: [],
  },
  {
    name: 'an end of the first alarm does not silence the second',
    steps: [
      [0, 'raise', 'a'],
      [1, 'raise', 'b'],
      [2, 'clear', 'a'],
    ],
    on: [2, 12, 13, 60],
    off: [],
  },
  {
    name: 'the longer hold decides when both clear together',
    steps: [
      [0, 'raise', 'a'],
      [0, 'raise', 'b'],
      [5, 'clear', 'a'],
      [5, 'clear', 'b'],
    ],
    on: [9, 10, 14],
    off: [15],
  },
  {
    name: 'the second clear may come last and still decide',
    steps: [
      [0, 'raise', 'a'],
      [0, 'raise', 'b'],
      [1, 'clear', 'a'],
      [20, 'clear', 'b'],
    ],
    on: [11, 20, 23],
    off: [24],
  },
  {
    name: 'a re-start during the hold cancels the countdown',
    steps: [
      [0, 'raise', 'a'],
      [5, 'clear', 'a'],
      [14, 'again', 'a'],
    ],
    on: [5, 14, 15, 100],
    off: [],
  },
  {
    name: 'the hold counts anew from the next clear',
    steps: [
      [0, 'raise', 'a'],
      [5, 'clear', 'a'],
      [14, 'again', 'a'],
      [20, 'clear', 'a'],
    ],
    on: [15, 29],
    off: [30],
  },
  {
    name: 'a re-start of one leaves the countdown of the other alone',
    steps: [
      [0, 'raise', 'a'],
      [0, 'raise', 'b'],
      [1, 'clear', 'a'],
      [1, 'clear', 'b'],
      [3, 'again', 'b'],
      [4, 'clear', 'b'],
    ],
    on: [8, 10],
    off: [11],
  },
  {
    name: 'a raise during the other hold keeps it on without a gap',
    steps: [
      [0, 'raise', 'a'],
      [5, 'clear', 'a'],
      [14, 'raise', 'b'],
    ],
    on: [14, 15, 50],
    off: [],
  },
  {
    name: 'a raise after the other hold switches it on again',
    steps: [
      [0, 'raise', 'a'],
      [5, 'clear', 'a'],
      [20, 'raise', 'b'],
    ],
    on: [14, 20, 21],
    off: [15, 19],
  },
  {
    name: 'a reset releases at once',
    steps: [
      [0, 'raise', 'a'],
      [3, 'reset', 'a'],
    ],
    on: [0, 2],
    off: [3, 4],
  },
  {
    name: 'a reset of one leaves the other',
    steps: [
      [0, 'raise', 'a'],
      [0, 'raise', 'b'],
      [3, 'reset', 'a'],
    ],
    on: [3, 30],
    off: [],
  },
  {
    name: 'a reset during the hold releases at once',
    steps: [
      [0, 'raise', 'a'],
      [3, 'clear', 'a'],
      [5, 'reset', 'a'],
    ],
    on: [4],
    off: [5, 6],
  },
  {
    name: 'a reset of both releases at the second',
    steps: [
      [0, 'raise', 'a'],
      [0, 'raise', 'b'],
      [3, 'reset', 'b'],
      [4, 'reset', 'a'],
    ],
    on: [3],
    off: [4],
  },
];

const holds = { a: 10_000, b: 4_000 };

async function perform(site: BenchSite, [, what, alarm]: Step): Promise<void> {
  if (what === 'raise') await site.raise(alarm, { afterClearMs: holds[alarm] });
  if (what === 'clear') await site.clear(alarm);
  if (what === 'again') await site.resume(alarm);
  if (what === 'reset') await site.end(alarm);
}

/** Plays the steps second by second; `between` runs after each step and before each look. */
async function play(row: (typeof table)[number], between: (site: BenchSite) => Promise<void>): Promise<void> {
  const site = new BenchSite();
  await site.start();
  const last = Math.max(...row.on, ...row.off, ...row.steps.map(([at]) => at));
  for (let second = 0; second <= last; second++) {
    for (const step of row.steps.filter(([at]) => at === second)) {
      await perform(site, step);
      await between(site);
    }
    if (row.on.includes(second)) expect(site.on, `second ${second}`).toBe(true);
    if (row.off.includes(second)) expect(site.on, `second ${second}`).toBe(false);
    await site.advance(1_000);
  }
  expect(site.box.mostAtOnce).toBe(1);
}

describe('two alarms on one relay', () => {
  it.each(table)('$name', async (row) => {
    await play(row, async () => undefined);
  });

  it.each(table)('after a restart at every step: $name', async (row) => {
    await play(row, (site) => site.restart());
  });
});
