/** Keys of action rows that this process put on disk itself and that have not been claimed here. */
export interface NewActions {
  add(keys: string[]): void;
  /** True once for each key that was added. */
  take(key: string): boolean;
}

/** @param most keys kept; the oldest give way, which only costs their actions a claim */
export function createNewActions(most = 20_000): NewActions {
  const kept = new Set<string>();
  return {
    add(keys) {
      for (const key of keys) {
        if (kept.size >= most) {
          const [oldest] = kept;
          kept.delete(oldest!);
        }
        kept.add(key);
      }
    },
    take: (key) => kept.delete(key),
  };
}
