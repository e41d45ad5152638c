import { describe, expect, it } from 'vitest';
import { actionFigures, holdersInShort } from '../../ui/src/words';

describe('the holders of a buzzer', () => {
  it.each([
    ['nobody', [], ''],
    ['one alarm', ['Fence (Yard)'], 'Fence (Yard)'],
    ['alarms of one name, once with their number', ['Fence (Yard)', 'Fence (Yard)'], 'Fence (Yard) × 2'],
    ['three names', ['A', 'B', 'C'], 'A, B, C'],
    ['a flood, the rest as a number', ['A', 'B', 'C', 'D', 'D', 'E', 'A'], 'A × 2, B, C and 3 more'],
  ])('are named in a line: %s', (_case, labels, words) => {
    expect(holdersInShort(labels)).toBe(words);
  });
});

describe('the figures of an action', () => {
  it.each([
    ['not tried yet', { errorCode: null, attempts: 0, durationMs: null }, ''],
    ['a short one, in milliseconds', { errorCode: null, attempts: 1, durationMs: 3 }, '3 ms'],
    ['less than a millisecond', { errorCode: null, attempts: 1, durationMs: 0.2 }, '1 ms'],
    ['a long one', { errorCode: null, attempts: 1, durationMs: 8_040 }, '8.0 s'],
    ['failed', { errorCode: 'E_BUSY', attempts: 3, durationMs: 120 }, 'E_BUSY · 3 tries · 0.1 s'],
  ])('tell error, tries and time: %s', (_case, action, words) => {
    expect(actionFigures(action)).toBe(words);
  });
});
