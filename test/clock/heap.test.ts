import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createHeap } from '../../engine/clock/heap';

interface Item {
  at: number;
}

describe('the heap', () => {
  it('gives items back in order, whatever was pushed and removed before', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ at: fc.integer({ min: 0, max: 50 }), keep: fc.boolean() }), { maxLength: 200 }),
        (input) => {
          const heap = createHeap<Item>((a, b) => a.at < b.at);
          const items = input.map(({ at }) => ({ at }));
          for (const item of items) heap.push(item);
          items.forEach((item, index) => {
            if (!input[index]!.keep) expect(heap.remove(item)).toBe(true);
          });
          const out: number[] = [];
          for (let item = heap.pop(); item; item = heap.pop()) out.push(item.at);
          const expected = input.filter(({ keep }) => keep).map(({ at }) => at);
          expect(out).toEqual(expected.sort((a, b) => a - b));
        },
      ),
    );
  });

  it('says that an item it never had cannot be removed', () => {
    const heap = createHeap<Item>((a, b) => a.at < b.at);
    const item = { at: 1 };
    heap.push(item);
    heap.pop();
    expect(heap.remove(item)).toBe(false);
    expect(heap.peek()).toBeUndefined();
    expect(heap.size()).toBe(0);
  });
});
