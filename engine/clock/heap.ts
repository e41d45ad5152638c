/** A binary heap that can also give up an item from its middle. All changes are O(log n). */
export interface Heap<T> {
  /** The first item, or undefined when the heap is empty. */
  peek(): T | undefined;
  /** Adds an item; the same item must not be added twice. */
  push(item: T): void;
  /** Takes the first item out. */
  pop(): T | undefined;
  /** Takes any item out; false when it is not in the heap. */
  remove(item: T): boolean;
  size(): number;
  clear(): void;
}

/** @param before whether `a` comes strictly before `b`; must be a total order, or equal items come in any order */
export function createHeap<T>(before: (a: T, b: T) => boolean): Heap<T> {
  let items: T[] = [];
  const places = new Map<T, number>();

  function put(item: T, place: number): void {
    items[place] = item;
    places.set(item, place);
  }

  function rise(item: T, from: number): void {
    let place = from;
    while (place > 0) {
      const parentPlace = (place - 1) >> 1;
      const parent = items[parentPlace]!;
      if (!before(item, parent)) break;
      put(parent, place);
      place = parentPlace;
    }
    put(item, place);
  }

  function sink(item: T, from: number): void {
    let place = from;
    for (;;) {
      let childPlace = 2 * place + 1;
      if (childPlace >= items.length) break;
      if (childPlace + 1 < items.length && before(items[childPlace + 1]!, items[childPlace]!)) childPlace++;
      const child = items[childPlace]!;
      if (!before(child, item)) break;
      put(child, place);
      place = childPlace;
    }
    put(item, place);
  }

  function takeAt(place: number): T {
    const taken = items[place]!;
    places.delete(taken);
    const last = items.pop()!;
    if (place < items.length) {
      const parent = items[(place - 1) >> 1];
      if (place > 0 && parent !== undefined && before(last, parent)) rise(last, place);
      else sink(last, place);
    }
    return taken;
  }

  return {
    peek: () => items[0],
    push(item) {
      items.push(item);
      rise(item, items.length - 1);
    },
    pop: () => (items.length === 0 ? undefined : takeAt(0)),
    remove(item) {
      const place = places.get(item);
      if (place === undefined) return false;
      takeAt(place);
      return true;
    },
    size: () => items.length,
    clear() {
      items = [];
      places.clear();
    },
  };
}
