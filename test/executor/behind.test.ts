import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { systemClock } from '../../engine/clock/system-clock';
import { silentLog } from '../../engine/domain/log';
import { createExecutor } from '../../engine/executor';
import { openPglite } from '../../engine/store/pglite-database';
import { createMemoryRecord } from '../contract/memory-record';
import { temporaryFolder } from '../support/temporary-folder';

it.each([
  ['is healthy while the embedded database answers others first', 300, true, /is behind with its work/],
  ['is not healthy when the embedded database answers nobody', 10_000, false, /does not answer \(no answer within/],
])('the queue %s', { timeout: 90_000 }, async (_name, silentMs, healthy, words) => {
  const { db } = await openPglite(join(await temporaryFolder(), 'record'), silentLog);
  const executor = createExecutor({
    backend: { kind: 'pglite', db },
    record: createMemoryRecord(),
    handlers: [],
    reconcile: async () => undefined,
    clock: systemClock,
    log: silentLog,
  });
  await executor.start();
  await vi.waitFor(async () => expect(await executor.health()).toMatchObject({ answers: true, warnings: [] }), {
    timeout: 30_000,
  });
  db.silentMs = () => silentMs;
  // Whoever asks while a transaction is open waits for its end, and so does the health.
  await db.transaction(async () => {
    const health = await executor.health();
    expect(health.answers).toBe(healthy);
    expect(health.warnings[0]).toMatch(words);
  });
  await executor.close(500);
  await db.close();
});
