import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { systemClock } from '../../engine/clock/system-clock';
import { silentLog } from '../../engine/domain/log';
import { createExecutor } from '../../engine/executor';
import { openPglite } from '../../engine/store/pglite-database';
import { createMemoryRecord } from '../contract/memory-record';
import { actionRow } from '../support/action-rows';
import { temporaryFolder } from '../support/temporary-folder';

it('what a former run has left, and what comes meanwhile, runs when what it needs is ready', {
  timeout: 90_000,
}, async () => {
  const { db } = await openPglite(join(await temporaryFolder(), 'record'), silentLog);
  const record = createMemoryRecord();
  const happened: string[] = [];
  const executor = createExecutor({
    backend: { kind: 'pglite', db },
    record,
    handlers: [
      {
        kind: 'log',
        heavy: false,
        defaultDeadlineMs: 60_000,
        attempts: 1,
        check: () => undefined,
        execute: async ({ row }) => {
          happened.push(row.key);
          return { status: 'done', summary: 'done' };
        },
      },
    ],
    reconcile: async () => undefined,
    clock: systemClock,
    log: silentLog,
  });
  record.keep(actionRow('left'));
  await executor.start(async () => {
    const fresh = actionRow('fresh');
    record.keep(fresh);
    await executor.submit([fresh]);
    await systemClock.sleep(500);
    happened.push('ready');
  });
  await vi.waitFor(() => expect(happened).toHaveLength(3), { timeout: 30_000 });
  expect(happened[0]).toBe('ready');
  expect(happened.slice(1).sort()).toEqual(['fresh', 'left']);
  await executor.close(500);
  await db.close();
});
