import type { Clock } from '../../clock/clock';
import { operationalError, userError } from '../../domain/errors';
import type { Publication, Thing, ThingOutput } from './thing';

export interface SwitchingOptions {
  /** How people know the broker. */
  name: string;
  confirmMs: number;
  clock: Clock;
  publish(thing: Thing, publication: Publication, signal: AbortSignal): Promise<void>;
  /** Last known state of the thing's output. */
  known(thing: Thing): boolean | null;
  isOffline(thing: Thing): boolean;
}

/** Commands that wait until the thing has said that it followed (PROTOCOLS §0.7). */
export interface Switching {
  set(thing: Thing, on: boolean, forMs: number | null, signal: AbortSignal): Promise<boolean | null>;
  /** The state as the thing tells it now; the last one known where it can't be asked; null where there is none. */
  read(thing: Thing, signal: AbortSignal): Promise<boolean | null>;
  /** A state came, not retained. */
  told(thing: string, on: boolean): void;
  refused(thing: string, error: Error): void;
}

interface Waiter {
  thing: string;
  told(on: boolean): void;
  refused(error: Error): void;
}

export function createSwitching(options: SwitchingOptions): Switching {
  const { clock, confirmMs, name } = options;
  const waiters = new Set<Waiter>();

  function outputOf(thing: Thing): ThingOutput {
    if (thing.output) return thing.output;
    throw userError('E_BAD_PARAMETER', `"${thing.name}" of "${name}" is not switched: choose a thing with an output`);
  }

  /**
   * Waits for a state that `enough` takes; resolves with the last one told, or null when none was. Half-way through the
   * time `nudge` is called.
   */
  async function wait(
    thing: Thing,
    enough: (on: boolean) => boolean,
    send: () => Promise<void>,
    nudge: () => Promise<void>,
    signal: AbortSignal,
  ): Promise<boolean | null> {
    let last: boolean | null = null;
    const done = new AbortController();
    let waiter: Waiter | null = null;
    const answered = new Promise<boolean | null>((resolve, reject) => {
      waiter = {
        thing: thing.name,
        told(on) {
          last = on;
          if (enough(on)) resolve(on);
        },
        refused: reject,
      };
      waiters.add(waiter);
    });
    const stop = AbortSignal.any([signal, done.signal]);
    const limit = (async () => {
      await send();
      await clock.sleep(confirmMs / 2, stop);
      await nudge();
      await clock.sleep(confirmMs / 2, stop);
      return last;
    })();
    // Whichever loses the race ends by being aborted.
    limit.catch(() => undefined);
    answered.catch(() => undefined);
    try {
      return await Promise.race([answered, limit]);
    } finally {
      done.abort();
      if (waiter) waiters.delete(waiter);
    }
  }

  async function sendAll(thing: Thing, publications: Publication[], signal: AbortSignal): Promise<void> {
    for (const publication of publications) await options.publish(thing, publication, signal);
  }

  return {
    async set(thing, on, forMs, signal) {
      const output = outputOf(thing);
      if (options.isOffline(thing))
        throw operationalError(
          'E_DEVICE_OFFLINE',
          `"${thing.name}" of "${name}" is offline: check its power and network`,
          {
            retryAfterMs: 2_000,
          },
        );
      const commands = on ? output.on(forMs) : output.off();
      if (!output.confirms) {
        await sendAll(thing, commands, signal);
        return null;
      }
      const found = await wait(
        thing,
        (told) => told === on,
        () => sendAll(thing, output.asksAtOnce ? [...commands, ...output.query] : commands, signal),
        () => sendAll(thing, output.query, signal),
        signal,
      );
      if (found !== null) return found;
      // Things that tell changes only say nothing about what is so already.
      if (output.query.length === 0 && options.known(thing) === on) return on;
      throw operationalError(
        'E_DEVICE_TIMEOUT',
        `"${thing.name}" of "${name}" has not confirmed the command within ${confirmMs} ms: check its topics, power and network`,
      );
    },

    async read(thing, signal) {
      const output = outputOf(thing);
      if (!output.confirms) return null;
      if (output.query.length === 0 || options.isOffline(thing)) return options.known(thing);
      const ask = (): Promise<void> => sendAll(thing, output.query, signal);
      const found = await wait(
        thing,
        () => true,
        ask,
        async () => undefined,
        signal,
      );
      if (found !== null) return found;
      throw operationalError(
        'E_DEVICE_TIMEOUT',
        `"${thing.name}" of "${name}" does not tell its state when it is asked`,
      );
    },

    told(thing, on) {
      for (const waiter of waiters) if (waiter.thing === thing) waiter.told(on);
    },
    refused(thing, error) {
      for (const waiter of waiters) if (waiter.thing === thing) waiter.refused(error);
    },
  };
}
