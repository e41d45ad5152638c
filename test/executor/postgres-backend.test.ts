import pg from 'pg';
import { describe, expect, it, vi } from 'vitest';
import { systemClock } from '../../engine/clock/system-clock';
import { type Log, silentLog } from '../../engine/domain/log';
import { createExecutor, type Executor } from '../../engine/executor';
import { createMemoryRecord, type MemoryRecord } from '../contract/memory-record';
import { actionRow } from '../support/action-rows';
import { postgresMissing, startPostgres } from '../support/postgres';
import { freePort } from '../support/redis';
import { serverTest } from '../support/server-test';

const executorAt = (url: string, record: MemoryRecord, log: Log = silentLog): Executor =>
  createExecutor({
    backend: { kind: 'postgres', url },
    record,
    handlers: [
      {
        kind: 'log',
        heavy: false,
        defaultDeadlineMs: 60_000,
        attempts: 3,
        check() {},
        execute: async () => ({ status: 'done', summary: 'written' }),
      },
    ],
    reconcile: async () => {},
    clock: systemClock,
    log,
  });

describe('the address of PostgreSQL', () => {
  it('where nobody answers is an operational error with host and remedy, without the password', async () => {
    const port = await freePort();
    const executor = executorAt(`postgres://user:secret-word@127.0.0.1:${port}/site`, createMemoryRecord());
    const error = await executor.start().catch((thrown) => thrown);
    expect(error).toMatchObject({ code: 'E_QUEUE_UNREACHABLE', family: 'operational' });
    expect(error.message).toContain(`127.0.0.1:${port}/site`);
    expect(error.message).toContain('DATABASE_URL');
    expect(error.message).not.toContain('secret-word');
    await executor.close();
  });
});

describe('PostgreSQL', () => {
  serverTest(
    'that ends all connections loses nothing, and the log stays short',
    postgresMissing,
    async () => {
      const postgres = await startPostgres();
      const lines: string[] = [];
      const note = (event: string): void => {
        lines.push(event);
      };
      const log: Log = { ...silentLog, warn: note, error: note, with: () => log };
      const record = createMemoryRecord();
      const executor = executorAt(postgres.url, record, log);
      const admin = new pg.Client({ connectionString: postgres.url });
      await admin.connect();
      try {
        await executor.start();
        await admin.query(
          "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name <> '' AND pid <> pg_backend_pid()",
        );
        for (let i = 0; i < 20; i++) {
          const row = actionRow(`cut${i}`);
          record.keep(row);
          await executor.submit([row]);
        }
        await vi.waitFor(() => expect(record.outcomes.size).toBe(20), { timeout: 30_000, interval: 20 });
        // Listening works again too, as soon as its connection is back: the next one does not wait for a poll.
        let fastestMs = Number.POSITIVE_INFINITY;
        for (let i = 0; i < 12 && fastestMs >= 1_000; i++) {
          await systemClock.sleep(500);
          const row = actionRow(`afterwards${i}`);
          record.keep(row);
          const from = systemClock.monotonic();
          await executor.submit([row]);
          await vi.waitFor(() => expect(record.rows.get(row.key)?.status).toBe('done'), {
            timeout: 15_000,
            interval: 5,
          });
          fastestMs = Math.min(fastestMs, systemClock.monotonic() - from);
        }
        expect(fastestMs).toBeLessThan(1_000);
        expect(lines.length).toBeLessThanOrEqual(5);
      } finally {
        await admin.end();
        await executor.close();
        await postgres.stop();
      }
    },
    300_000,
  );
});
