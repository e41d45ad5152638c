import { once } from 'node:events';
import { describe, expect, vi } from 'vitest';
import { systemClock } from '../../engine/clock/system-clock';
import { silentLog } from '../../engine/domain/log';
import { createExecutor } from '../../engine/executor';
import { createMemoryRecord } from '../contract/memory-record';
import { actionRow } from '../support/action-rows';
import { forkTypescript } from '../support/fork-typescript';
import { postgresMissing, startPostgres } from '../support/postgres';
import { redisMissing, startRedis } from '../support/redis';
import { serverTest } from '../support/server-test';
import { steadyClock } from '../support/steady-clock';

/** Kills a process in the middle of an action, with another worker standing by. */
async function killInTheMiddle(kind: 'redis' | 'postgres', url: string): Promise<void> {
  const record = createMemoryRecord();
  record.keep(actionRow('orphan'));
  const child = forkTypescript('test/executor/hanging-executor.ts', [kind, url, 'kill', 'orphan']);
  child.stderr?.pipe(process.stderr);
  const [message] = await Promise.race([once(child, 'message'), once(child, 'exit')]);
  expect(message).toBe('working');

  let ranAt = Number.NaN;
  const standby = createExecutor({
    backend: { kind, url },
    prefix: 'kill',
    record,
    handlers: [
      {
        kind: 'log',
        heavy: false,
        defaultDeadlineMs: 60_000,
        attempts: 3,
        check() {},
        async execute() {
          ranAt = steadyClock.monotonic();
          return { status: 'done', summary: 'by the other worker' };
        },
      },
    ],
    reconcile: async () => {},
    clock: systemClock,
    log: silentLog,
  });
  await standby.start();
  // Longer than a lock: the living worker must have kept its job.
  await systemClock.sleep(4_000);
  expect(ranAt).toBeNaN();
  const killedAt = steadyClock.monotonic();
  child.kill('SIGKILL');
  await vi.waitFor(() => expect(record.rows.get('orphan')?.status).toBe('done'), { timeout: 30_000, interval: 10 });
  expect(ranAt - killedAt).toBeLessThan(5_000);
  expect(record.claims).toEqual(['orphan']);
  await standby.close();
}

describe('an action whose process is killed runs again in another within 5 s', () => {
  serverTest(
    'on Redis',
    redisMissing,
    async () => {
      const redis = await startRedis();
      try {
        await killInTheMiddle('redis', redis.url);
      } finally {
        await redis.stop();
      }
    },
    120_000,
  );

  serverTest(
    'on PostgreSQL',
    postgresMissing,
    async () => {
      const postgres = await startPostgres();
      try {
        await killInTheMiddle('postgres', postgres.url);
      } finally {
        await postgres.stop();
      }
    },
    120_000,
  );
});
