import type { Clock, Timer } from '../../../clock/clock';

/** One subscription of a simulated device. */
export interface SimulatedSubscription {
  id: number;
  /** Where it notifies to; null: it is pulled. */
  consumer: string | null;
  endsAt: number;
  queue: string[];
  /** Told when something is put into the queue, or the subscription ends. */
  wake(): void;
  onWake(listener: () => void): void;
}

/** The slots of a simulated device. */
export interface SimulatedSubscriptions {
  /** null: no slot is free. */
  create(consumer: string | null, lifeMs: number): SimulatedSubscription | null;
  find(id: number): SimulatedSubscription | undefined;
  renew(subscription: SimulatedSubscription, lifeMs: number): void;
  remove(id: number): boolean;
  all(): SimulatedSubscription[];
  clear(): void;
}

const MAX_QUEUE = 5_000;

export function createSimulatedSubscriptions(slots: number, clock: Clock): SimulatedSubscriptions {
  const held = new Map<number, { subscription: SimulatedSubscription; timer: Timer }>();
  let next = 1;

  const remove = (id: number): boolean => {
    const found = held.get(id);
    held.delete(id);
    found?.timer.cancel();
    found?.subscription.wake();
    return found !== undefined;
  };
  const expire = (id: number, lifeMs: number): Timer => clock.after(lifeMs, () => remove(id), { background: true });

  return {
    create(consumer, lifeMs) {
      if (held.size >= slots) return null;
      const id = next++;
      let listener = (): void => undefined;
      const subscription: SimulatedSubscription = {
        id,
        consumer,
        endsAt: clock.now() + lifeMs,
        queue: [],
        wake: () => listener(),
        onWake(heard) {
          listener = heard;
        },
      };
      held.set(id, { subscription, timer: expire(id, lifeMs) });
      return subscription;
    },
    find: (id) => held.get(id)?.subscription,
    renew(subscription, lifeMs) {
      const found = held.get(subscription.id);
      if (!found) return;
      found.timer.cancel();
      subscription.endsAt = clock.now() + lifeMs;
      found.timer = expire(subscription.id, lifeMs);
    },
    remove,
    all: () => [...held.values()].map(({ subscription }) => subscription),
    clear() {
      for (const id of [...held.keys()]) remove(id);
    },
  };
}

/** Puts a message where it will be pulled from; the oldest goes when the queue is full. */
export function enqueue(subscription: SimulatedSubscription, message: string): void {
  subscription.queue.push(message);
  if (subscription.queue.length > MAX_QUEUE) subscription.queue.shift();
  subscription.wake();
}
