/**
 * Joins what callers hand in while a batch is under way into the next batch (group commit): the first caller is
 * served at once, and under load the number of round trips falls with the number of callers.
 * @param send takes one batch; its rejection is the rejection of all callers in it
 */
export function createBatches<T>(
  send: (items: T[]) => Promise<void>,
  mostItems: number,
): (items: T[]) => Promise<void> {
  const waiting: { items: T[]; resolve: () => void; reject: (reason: unknown) => void }[] = [];
  let sending = false;

  async function work(): Promise<void> {
    sending = true;
    while (waiting.length > 0) {
      const taken: typeof waiting = [];
      let count = 0;
      while (waiting.length > 0 && (count === 0 || count + waiting[0]!.items.length <= mostItems)) {
        const caller = waiting.shift()!;
        count += caller.items.length;
        taken.push(caller);
      }
      try {
        const items = taken.flatMap((caller) => caller.items);
        for (let from = 0; from < items.length; from += mostItems) await send(items.slice(from, from + mostItems));
        for (const caller of taken) caller.resolve();
      } catch (thrown) {
        for (const caller of taken) caller.reject(thrown);
      }
    }
    sending = false;
  }

  return (items) =>
    new Promise((resolve, reject) => {
      waiting.push({ items, resolve, reject });
      // A turn later, so that callers of one turn are one batch.
      if (!sending) {
        sending = true;
        setImmediate(() => void work());
      }
    });
}
