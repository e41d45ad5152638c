interface Waiting<Item, Result> {
  item: Item;
  resolve(result: Result): void;
  reject(reason: unknown): void;
}

/**
 * Puts calls that arrive together into one run, and those that arrive while it runs into the next.
 * Runs follow one another, calls keep their order.
 */
export interface Groups<Item, Result> {
  add(item: Item): Promise<Result>;
  /** Resolves when everything added so far has run. */
  settled(): Promise<void>;
}

/**
 * @param run resolves to one outcome per item, in their order; when it rejects, all items of the run do
 * @param largest items of one run: the embedded database works on the engine's own thread, and a run blocks it
 */
export function createGroups<Item, Result>(
  run: (items: Item[]) => Promise<PromiseSettledResult<Result>[]>,
  largest: number,
): Groups<Item, Result> {
  const waiting: Waiting<Item, Result>[] = [];
  let running: Promise<void> | null = null;

  async function work(): Promise<void> {
    while (waiting.length > 0) {
      // One turn of the event loop lets everybody in who is about to call, and keeps sockets served between runs.
      await new Promise<void>((resolve) => setImmediate(resolve));
      const group = waiting.splice(0, largest);
      try {
        const outcomes = await run(group.map((one) => one.item));
        group.forEach((one, index) => {
          const outcome = outcomes[index]!;
          if (outcome.status === 'fulfilled') one.resolve(outcome.value);
          else one.reject(outcome.reason);
        });
      } catch (thrown) {
        for (const one of group) one.reject(thrown);
      }
    }
    running = null;
  }

  return {
    add: (item) =>
      new Promise<Result>((resolve, reject) => {
        waiting.push({ item, resolve, reject });
        running ??= work();
      }),
    async settled() {
      while (running) await running;
    },
  };
}
