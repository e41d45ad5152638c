import { describe, expect, it } from 'vitest';
import { createInputWatch } from '../../../engine/drivers/genicam/input-watch';
import type { InputLine } from '../../../engine/drivers/genicam/options';

const line = (change: Partial<InputLine> = {}): InputLine => ({
  line: 'Line1',
  edge: 'rising',
  pulse: false,
  inverted: false,
  ...change,
});

/** Phases of a row of levels (`_` low, `^` high, `x` connection lost), one look every 100 ms. */
function phases(input: InputLine, levels: string, debounceMs = 0): string {
  const watch = createInputWatch([input], debounceMs);
  return [...levels]
    .map((level, at) => {
      if (level === 'x') watch.connectionLost();
      if (level === 'x') return 'x';
      const drafts = watch.seen({ levels: new Map([['Line1', level === '^']]), raw: 'LineStatusAll = 2' }, at * 100);
      expect(drafts.length).toBeLessThan(2);
      const phase = drafts[0]?.phase;
      return phase ? { start: '+', stop: '-', pulse: 'p', refresh: 'r', snapshot: 's' }[phase] : '.';
    })
    .join('');
}

describe('a watched line', () => {
  it.each([
    ['rising: active while high', line(), '__^^__^', '-.+.-.+'],
    ['falling: active while low', line({ edge: 'falling' }), '^^__^^_', '-.+.-.+'],
    ['inverted: low counts as high', line({ inverted: true }), '^^__^', '-.+.-'],
    ['falling and inverted: active while high', line({ edge: 'falling', inverted: true }), '__^^_', '-.+.-'],
    ['any: each edge by itself', line({ edge: 'any', pulse: true }), '__^^_^', '..p.pp'],
    ['rising pulse: only up', line({ pulse: true }), '_^_^', '.p.p'],
    ['falling pulse: only down', line({ edge: 'falling', pulse: true }), '_^_^_', '..p.p'],
    ['high from the start is state, no edge', line(), '^^_^', 's.-+'],
    ['high from the start is no pulse', line({ pulse: true }), '^^_^', '...p'],
  ])('%s', (_name, input, levels, expected) => {
    expect(phases(input, levels)).toBe(expected);
  });

  it.each([
    ['a short bounce is nothing', '__^_____', '-.......'],
    ['a level counts when it was read unchanged for the time', '__^^^^__^^____', '-...+.......-.'],
    ['what bounces at its end', '_^^^^_^_^_____', '-..+.......-..'],
  ])('with a debounce of 200 ms: %s', (_name, levels, expected) => {
    expect(phases(line(), levels, 200)).toBe(expected);
  });

  it.each([
    ['still high: it goes on', '_^x^^', '-+xr.'],
    ['fell meanwhile: it ended', '_^x__', '-+x-.'],
    ['rose meanwhile: it begins', '__x^', '-.x+'],
    ['still low: nothing', '__x_', '-.x.'],
  ])('after a lost connection, %s', (_name, levels, expected) => {
    expect(phases(line(), levels)).toBe(expected);
  });

  it('makes no pulse of what changed while nobody looked', () => {
    expect(phases(line({ edge: 'any', pulse: true }), '__x^^_')).toBe('..x..p');
  });

  it('is told with its name, its level and what was read', () => {
    const watch = createInputWatch([line(), line({ line: 'Line2' })], 0);
    watch.seen({ levels: new Map([['Line1', false]]), raw: '' }, 0);
    const [draft, ...more] = watch.seen({ levels: new Map([['Line1', true]]), raw: 'LineStatusAll = 2' }, 1);
    expect(more).toEqual([]);
    expect(draft).toEqual({
      type: 'digital-input',
      vendorType: 'LineStatus',
      phase: 'start',
      input: 'Line1',
      description: 'Line1 is high',
      deviceTime: null,
      deviceAt: null,
      raw: 'LineStatusAll = 2',
    });
  });
});
