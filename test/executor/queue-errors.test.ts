import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { systemClock } from '../../engine/clock/system-clock';
import { type Log, silentLog } from '../../engine/domain/log';
import { createExecutor } from '../../engine/executor';
import { openPglite } from '../../engine/store/pglite-database';
import { createMemoryRecord } from '../contract/memory-record';
import { temporaryFolder } from '../support/temporary-folder';

it('a queue that fails without end, as on a full disk, is told once per kind of trouble and asked seldom', {
  timeout: 90_000,
}, async () => {
  const { db } = await openPglite(join(await temporaryFolder(), 'record'), silentLog);
  const told: string[] = [];
  const log: Log = {
    ...silentLog,
    warn: (event, fields) => void told.push(`${event} ${String(fields?.queue)} ${String(fields?.reason)}`),
    with: () => log,
  };
  const executor = createExecutor({
    backend: { kind: 'pglite', db },
    record: createMemoryRecord(),
    handlers: [],
    reconcile: async () => undefined,
    clock: systemClock,
    log,
  });
  await executor.start();
  let asked = 0;
  const { query } = db;
  db.query = (sql, params) => {
    asked++;
    return query(sql, params);
  };
  await db.exec('DROP SCHEMA bullmq CASCADE');
  await vi.waitFor(() => expect(told).not.toEqual([]), { timeout: 30_000 });
  await systemClock.sleep(8_000);
  // Five queues that ask in vain, each statement with up to three tries of its own, and their checks for stalled jobs.
  expect(asked).toBeGreaterThan(5);
  expect(asked).toBeLessThan(600);
  const errors = told.filter((line) => line.startsWith('queue error'));
  expect(errors.length).toBeGreaterThan(0);
  expect(errors.length).toBe(new Set(errors).size);
  await executor.close(500);
  await db.close();
});
