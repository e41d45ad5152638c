import type { Clock } from '../clock/clock';
import type { ReceivedEvent } from '../domain/devices';
import { asAlarmflowError, isRetryable, operationalError } from '../domain/errors';
import type { Log } from '../domain/log';
import type { DeliveryShare } from './delivery-shares';

/** Events that wait, before refreshes are dropped. */
const MOST_WAITING = 2_000;
/** Events handed on whose outcome is awaited, where nobody shares the record with the device. */
const MOST_UNDER_WAY = 64;
/** After a write that failed and was tried again, its time says nothing. */
const LONGEST_REST_MS = 250;
/** Refreshes that are told as one, between two lines in the log. */
const MERGED_LOG = 10_000;
/** Tries of an event that came on a stream: nobody would send it again. 1 + 2 + 4 + 8 + 16 s of pauses. */
const TRIES = 6;

export interface DeliveryOptions {
  deliver(received: ReceivedEvent): Promise<string>;
  clock: Clock;
  log: Log;
  /** What the device may take of the record's time. Absent: all of it. */
  share?: DeliveryShare;
  /** Default 2,000. */
  limit?: number;
}

/**
 * Hands the events of one device on in their order. An event with pictures is waited for before the next is handed on,
 * because its pictures are stored first; others are handed on one after another without waiting for the disk.
 *
 * A refresh that has to wait is told together with the next one of the same condition, by the later one's words: a
 * device that repeats itself faster than it can be recorded must not hold up what else it has to say.
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
  /** Refreshes that were told by a later one. */
  merged(): number;
  waiting(): number;
  /** Gives up what waits; what is under way goes on. */
  close(): void;
}

interface Waiting {
  received: ReceivedEvent;
  again: boolean;
  /** Who waits for its outcome: more than one where refreshes were merged. */
  askers: { resolve(id: string): void; reject(error: unknown): void }[];
}

/** Refreshes with the same name tell the same of the same condition; null: it is none, or has more to tell. */
function refreshName({ draft, pictures, late, clockSuspect }: ReceivedEvent): string | null {
  if (draft.phase !== 'refresh' || pictures.length > 0 || draft.picturesAnnounced) return null;
  // Values stay in, filters judge by them. What moves in the picture, and when, does not.
  const { raw: _raw, deviceTime: _time, deviceAt: _at, repeat: _repeat, regions = [], ...rest } = draft;
  const named = regions.map(({ points: _points, box: _box, ...region }) => region);
  return JSON.stringify([rest, named, late, clockSuspect]);
}

function refuse(item: Waiting, error: unknown): void {
  for (const asker of item.askers) asker.reject(error);
}

export function createDeliveryQueue(options: DeliveryOptions): DeliveryQueue {
  const { clock, log, share } = options;
  const limit = options.limit ?? MOST_WAITING;
  const waiting: Waiting[] = [];
  /** Waiting refreshes behind which nothing but refreshes waits, by their names. */
  const mergeable = new Map<string, Waiting>();
  const closing = new AbortController();
  let underWay = 0;
  let barrier = false;
  let dropped = 0;
  let merged = 0;
  /** Since when the events of a flood that are under way are; null: it does not flood. */
  let floodSince: number | null = null;
  let resting = false;

  function pump(): void {
    while (!barrier && !resting && underWay < (share?.underWay() ?? MOST_UNDER_WAY)) {
      const next = waiting.shift();
      if (!next) return;
      forget(next);
      underWay++;
      if (next.received.pictures.length > 0) barrier = true;
      if (share?.taken()) floodSince ??= clock.monotonic();
      handOn(next).finally(() => {
        underWay--;
        if (next.received.pictures.length > 0) barrier = false;
        if (floodSince !== null) rest(floodSince);
        pump();
      });
    }
  }

  /** Of a flood a few are handed on together, then there is a rest for the others. */
  function rest(since: number): void {
    resting = true;
    if (underWay > 0) return;
    const pause = Math.min(LONGEST_REST_MS, share?.waitMs(clock.monotonic() - since) ?? 0);
    clock
      .sleep(pause, closing.signal)
      // Being closed: what waits has been given up.
      .catch(() => undefined)
      .then(() => {
        resting = false;
        floodSince = null;
        pump();
      });
  }

  function forget(item: Waiting): void {
    const name = refreshName(item.received);
    if (name !== null && mergeable.get(name) === item) mergeable.delete(name);
  }

  /** Lets a refresh of the same condition that still waits tell this one too. */
  function merge(item: Waiting): boolean {
    const name = refreshName(item.received);
    if (name === null) {
      // What begins or ends must stay between the refreshes before it and those behind it.
      if (item.received.draft.phase !== 'refresh') mergeable.clear();
      return false;
    }
    const earlier = mergeable.get(name);
    if (!earlier || earlier.again !== item.again) {
      mergeable.set(name, item);
      return false;
    }
    earlier.received = item.received;
    earlier.askers.push(...item.askers);
    merged++;
    if (merged === 1 || merged % MERGED_LOG === 0)
      log.info('device.repeats-merged', { merged, type: item.received.draft.type });
    return true;
  }

  async function handOn(item: Waiting): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        const id = await options.deliver(item.received);
        for (const asker of item.askers) asker.resolve(id);
        return;
      } catch (thrown) {
        const error = asAlarmflowError(thrown);
        if (!item.again || attempt >= TRIES || !isRetryable(error) || closing.signal.aborted)
          return refuse(item, error);
        log.warn('device.event-not-kept-yet', { type: item.received.draft.type, attempt, reason: error.message });
        barrier = true;
        try {
          await clock.sleep(1_000 * 2 ** (attempt - 1), closing.signal);
        } catch {
          // Being closed: the event's own error says more than the interrupted wait.
          return refuse(item, error);
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
    refuse(item, operationalError('E_EVENT_DROPPED', message, { retryAfterMs: 1_000 }));
  }

  return {
    add: (received, again) =>
      new Promise((resolve, reject) => {
        const item: Waiting = { received, again, askers: [{ resolve, reject }] };
        if (merge(item)) return;
        if (waiting.length >= limit) {
          const refresh = waiting.findIndex((w) => w.received.draft.phase === 'refresh');
          const victim = refresh < 0 ? item : waiting.splice(refresh, 1)[0];
          if (victim) {
            forget(victim);
            drop(victim);
          }
          if (victim === item) return;
        }
        waiting.push(item);
        pump();
      }),
    dropped: () => dropped,
    merged: () => merged,
    waiting: () => waiting.length,
    close() {
      closing.abort();
      share?.close();
      mergeable.clear();
      const error = operationalError('E_CLOSED', 'The device is being closed');
      for (const item of waiting.splice(0)) refuse(item, error);
    },
  };
}
