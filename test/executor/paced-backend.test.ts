import type { BackendFactory, IQueueBackend } from 'bullmq';
import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../engine/clock/virtual-clock';
import { paced } from '../../engine/executor/paced-backend';

const readOnly = Object.assign(new Error('cannot execute UPDATE in a read-only transaction'), { code: '25006' });

/** A worker that asks for a job again as soon as it has an answer, as BullMQ's does. */
function worker(answer: () => Promise<unknown[]>) {
  const clock = new VirtualClock(1_780_315_200_000);
  const stop = new AbortController();
  let asked = 0;
  const made = paced(
    (() => ({
      moveToActive: () => {
        asked++;
        return answer();
      },
      waitForJob: async () => null,
    })) as unknown as BackendFactory<IQueueBackend, unknown>,
    { clock, stop: stop.signal },
  )('queue', { connection: null });
  let ended = false;
  const loop = (async () => {
    while (!ended)
      await made.moveToActive('token').then(
        () => clock.sleep(1),
        () => undefined,
      );
  })();
  return {
    clock,
    asked: () => asked,
    async stop() {
      ended = true;
      stop.abort();
      await clock.advance(1);
      await loop;
    },
  };
}

describe('a worker whose database answers with errors', () => {
  it('asks for jobs less and less often, at least every two seconds', async () => {
    const run = worker(async () => Promise.reject(readOnly));
    await run.clock.advance(10_000);
    expect(run.asked()).toBeLessThan(15);
    const before = run.asked();
    await run.clock.advance(60_000);
    expect(run.asked() - before).toBeGreaterThanOrEqual(30);
    expect(run.asked() - before).toBeLessThan(50);
    await run.stop();
  });

  it('asks as often as before once it has had an answer', async () => {
    let failing = true;
    const run = worker(async () => (failing ? Promise.reject(readOnly) : []));
    await run.clock.advance(10_000);
    failing = false;
    await run.clock.advance(2_000);
    const before = run.asked();
    await run.clock.advance(100);
    expect(run.asked() - before).toBeGreaterThan(90);
    failing = true;
    await run.clock.advance(100);
    failing = false;
    await run.clock.advance(30);
    const after = run.asked();
    await run.clock.advance(100);
    expect(run.asked() - after).toBeGreaterThan(90);
    await run.stop();
  });

  it('does not make a close wait', async () => {
    const run = worker(async () => Promise.reject(readOnly));
    await run.clock.advance(60_000);
    await run.stop();
  });
});

describe('a lost connection', () => {
  it('is left to BullMQ, which rests after it', async () => {
    const clock = new VirtualClock(1_780_315_200_000);
    const lost = Object.assign(new Error('PostgreSQL is away'), { code: 'ECONNREFUSED' });
    const made = paced((() => ({ moveToActive: () => Promise.reject(lost), waitForJob: async () => null })) as never, {
      clock,
      stop: new AbortController().signal,
    })('queue', { connection: null });
    await expect(made.moveToActive('token')).rejects.toBe(lost);
  });
});
