import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../engine/clock/virtual-clock';
import { operationalError } from '../../engine/domain/errors';
import { type Log, silentLog } from '../../engine/domain/log';
import { createReconciles } from '../../engine/executor/reconciles';

function bench(reconcile: (outputId: string) => Promise<void> = async () => {}) {
  const clock = new VirtualClock(Date.UTC(2026, 10, 21));
  const state = { isDown: false };
  const added: { outputId: string; generation: number }[] = [];
  const jobs = new Set<string>();
  const warnings: string[] = [];
  const log: Log = { ...silentLog, warn: (event) => warnings.push(event) };
  const reconciles = createReconciles({
    reconcile,
    async add(batch) {
      if (state.isDown) throw new Error('connection refused');
      added.push(...batch);
      for (const job of batch) jobs.add(job.outputId);
    },
    hasJob: async (outputId) => jobs.has(outputId),
    clock,
    log,
  });
  return { clock, state, added, jobs, warnings, reconciles };
}

/** A device that is away until it is told otherwise. */
function awayDevice() {
  const device = { away: true, asked: 0 };
  const reconcile = async (): Promise<void> => {
    device.asked++;
    if (device.away) throw operationalError('E_DEVICE_OFFLINE', 'Away');
  };
  return { device, reconcile };
}

describe('reconcile requests', () => {
  it('made together are one try per output, at once and without a job', async () => {
    const tried: string[] = [];
    const { clock, added, reconciles } = bench(async (outputId) => {
      tried.push(outputId);
    });
    for (const generation of [1, 3, 2]) reconciles.request('a', generation);
    reconciles.request('b', 7);
    await clock.advance(1);
    expect(tried).toEqual(['a', 'b']);
    expect(added).toEqual([]);
  });

  it.each([
    ['still connecting is no warning', 'connecting', []],
    ['away is one', 'offline', ['output not reconciled']],
  ])('whose device is %s', async (_what, link, expected) => {
    const { clock, warnings, reconciles } = bench(async () => {
      throw operationalError('E_DEVICE_OFFLINE', 'Away', { facts: { link } });
    });
    reconciles.request('a', 1);
    await clock.advance(100);
    expect(warnings).toEqual(expected);
  });

  it('that fail become one job per output after the first back-off', async () => {
    const { reconcile } = awayDevice();
    const { clock, added, reconciles } = bench(reconcile);
    for (const generation of [1, 3, 2]) reconciles.request('a', generation);
    await clock.advance(900);
    expect(added).toEqual([]);
    await clock.advance(600);
    expect(added).toEqual([{ outputId: 'a', generation: 3 }]);
  });

  it('that fail and succeed when asked anew leave no job behind', async () => {
    const { device, reconcile } = awayDevice();
    const { clock, added, reconciles } = bench(reconcile);
    reconciles.request('a', 1);
    await clock.advance(100);
    device.away = false;
    reconciles.request('a', 1);
    await clock.advance(5_000);
    expect(device.asked).toBe(2);
    expect(added).toEqual([]);
  });

  it('that could not be queued are queued when the server is back', async () => {
    const { reconcile } = awayDevice();
    const { clock, state, added, reconciles } = bench(reconcile);
    state.isDown = true;
    reconciles.request('a', 1);
    await clock.advance(5_000);
    expect(added).toEqual([]);
    state.isDown = false;
    await clock.advance(1_000);
    expect(added).toEqual([{ outputId: 'a', generation: 1 }]);
  });

  it('get a new job when the queue has forgotten theirs, and only then', async () => {
    const { reconcile } = awayDevice();
    const { clock, added, jobs, reconciles } = bench(reconcile);
    reconciles.request('a', 1);
    await clock.advance(31_000);
    await reconciles.sweep();
    expect(added).toHaveLength(1);
    jobs.clear();
    await reconciles.sweep();
    expect(added).toHaveLength(2);
    await reconciles.sweep();
    expect(added).toHaveLength(2);
  });

  it('that are done are not looked for any more', async () => {
    const { clock, added, reconciles } = bench();
    reconciles.request('a', 1);
    await clock.advance(60_000);
    await reconciles.sweep();
    expect(added).toEqual([]);
  });

  it('wait longer after each failure, at most 30 s or what the device asks for, and warn once', async () => {
    let retryAfterMs: number | undefined;
    const { warnings, reconciles } = bench(async () => {
      throw operationalError('E_DEVICE_OFFLINE', 'Away', { retryAfterMs });
    });
    const delays: number[] = [];
    const run = async (): Promise<number> => {
      const verdict = await reconciles.run({ outputId: 'a', generation: 1 });
      return verdict.kind === 'again' ? verdict.delayMs : 0;
    };
    for (let i = 0; i < 10; i++) delays.push(await run());
    expect(delays[0]).toBeLessThanOrEqual(1_250);
    expect(delays[9]).toBeGreaterThanOrEqual(22_500);
    expect(Math.max(...delays)).toBeLessThanOrEqual(30_000);
    retryAfterMs = 300_000;
    expect(await run()).toBe(300_000);
    expect(warnings).toHaveLength(1);
  });

  it('join a run of the same output, which then runs once more for a newer generation', async () => {
    const { clock, reconciles } = bench(() => {
      runs++;
      return clock.sleep(100);
    });
    let runs = 0;
    const both = Promise.all([
      reconciles.run({ outputId: 'a', generation: 1 }),
      reconciles.run({ outputId: 'a', generation: 2 }),
    ]);
    await clock.advance(300);
    expect(await both).toEqual([{ kind: 'over' }, { kind: 'over' }]);
    expect(runs).toBe(2);
  });
});
