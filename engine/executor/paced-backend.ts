import type { BackendFactory, IQueueBackend } from 'bullmq';
import { type Clock, sleepOrStop } from '../clock/clock';
import { type BackOff, backOffMs } from './back-off';

/** The longest wait is what an outage that is over may cost an action that has been waiting for it. */
export const fetchBackOff: BackOff = { firstMs: 100, mostMs: 2_000 };

/** BullMQ rests by itself after what it takes for a lost connection. */
const restsAnyway = (thrown: unknown): boolean =>
  thrown instanceof Error &&
  (('code' in thrown && thrown.code === 'ECONNREFUSED') || /ECONNREFUSED|^Connection is closed/.test(thrown.message));

/**
 * Makes backends whose workers rest before they ask again for a job where asking has failed. BullMQ's worker asks again
 * at once, for as long as its database answers with errors (a full disk, a standby that only reads, Redis without
 * memory): hundreds of times a second and queue, on the very server that is in trouble.
 * @param stop ends all rests: everything closes
 */
export function paced(
  factory: BackendFactory<IQueueBackend, unknown>,
  { clock, stop }: { clock: Clock; stop: AbortSignal },
): BackendFactory<IQueueBackend, unknown> {
  function resting<Asked extends unknown[], Answer>(
    ask: (...asked: Asked) => Promise<Answer>,
  ): (...asked: Asked) => Promise<Answer> {
    let failures = 0;
    return async (...asked) => {
      try {
        const answer = await ask(...asked);
        failures = 0;
        return answer;
      } catch (thrown) {
        if (!restsAnyway(thrown)) await sleepOrStop(clock, backOffMs(fetchBackOff, ++failures), stop);
        throw thrown;
      }
    };
  }

  return (...made) => {
    const backend = factory(...made);
    backend.moveToActive = resting(backend.moveToActive.bind(backend));
    backend.waitForJob = resting(backend.waitForJob.bind(backend));
    return backend;
  };
}
