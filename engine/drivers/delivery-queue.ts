import type { Clock } from '../clock/clock';
import type { ReceivedEvent } from '../domain/devices';
import { asAlarmflowError, isRetryable, operationalError } from '../domain/errors';
import type { Log } from '../domain/log';

/** Events that wait, before refreshes are dropped. */
const MOST_WAITING = 2_000;
/** Events handed on whose outcome is awaited. */
const MOST_UNDER_WAY = 64;
/** Tries of an event that came on a stream: nobody would send it again. 1 + 2 + 4 + 8 + 16 s of pauses. */
const TRIES = 6;

export interface DeliveryOptions {
  deliver(received: ReceivedEvent): Promise<string>;
  clock: Clock;
  log: Log;
  /** Default 2,000. */
  limit?: number;
}

/**
 * Hands the events of one device on in their order. An event with pictures is waited for before the next is handed on,
 * because its pictures are stored first; others are handed on one after another without waiting for the disk.
 */
export interface DeliveryQueue {
  /**
   * Resolves with the event's id when its consequence is on disk. Rejects with `E_EVENT_DROPPED` (operational) when a
   * flood left no room for it: refreshes go first.
   *
   * @param again whether a failed write is tried again; not where the sender repeats by itself
   */
  add(received: ReceivedEvent, again: boolean): Promise<string>;
  dropped(): number;
  waiting(): number;
  /** Gives up what waits; what is under way goes on. */
  close(): void;
}

interface Waiting {
  received: ReceivedEvent;
  again: boolean;
  resolve(id: string): void;
  reject(error: unknown): void;
}

export function createDeliveryQueue(options: DeliveryOptions): DeliveryQueue {
  const { clock, log } = options;
  const limit = options.limit ?? MOST_WAITING;
  const waiting: Waiting[] = [];
  const closing = new AbortController();
  let underWay = 0;
  let barrier = false;
  let dropped = 0;

  function pump(): void {
    while (!barrier && underWay < MOST_UNDER_WAY) {
      const next = waiting.shift();
      if (!next) return;
      underWay++;
      if (next.received.pictures.length > 0) barrier = true;
      handOn(next).finally(() => {
        underWay--;
        if (next.received.pictures.length > 0) barrier = false;
        pump();
      });
    }
  }

  async function handOn(item: Waiting): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        item.resolve(await options.deliver(item.received));
        return;
      } catch (thrown) {
        const error = asAlarmflowError(thrown);
        if (!item.again || attempt >= TRIES || !isRetryable(error) || closing.signal.aborted) return item.reject(error);
        log.warn('device.event-not-kept-yet', { type: item.received.draft.type, attempt, reason: error.message });
        barrier = true;
        try {
          await clock.sleep(1_000 * 2 ** (attempt - 1), closing.signal);
        } catch {
          // Being closed: the event's own error says more than the interrupted wait.
          return item.reject(error);
        } finally {
          barrier = false;
        }
      }
    }
  }

  function drop(item: Waiting): void {
    dropped++;
    if (dropped === 1 || dropped % 1_000 === 0) log.warn('device.flood', { dropped, type: item.received.draft.type });
    const message = `An event of type ${item.received.draft.type} was dropped: the device sends more than can be recorded`;
    item.reject(operationalError('E_EVENT_DROPPED', message, { retryAfterMs: 1_000 }));
  }

  return {
    add: (received, again) =>
      new Promise((resolve, reject) => {
        const item: Waiting = { received, again, resolve, reject };
        if (waiting.length >= limit) {
          const refresh = waiting.findIndex((w) => w.received.draft.phase === 'refresh');
          const victim = refresh < 0 ? item : waiting.splice(refresh, 1)[0];
          if (victim) drop(victim);
          if (victim === item) return;
        }
        waiting.push(item);
        pump();
      }),
    dropped: () => dropped,
    waiting: () => waiting.length,
    close() {
      closing.abort();
      const error = operationalError('E_CLOSED', 'The device is being closed');
      for (const item of waiting.splice(0)) item.reject(error);
    },
  };
}
