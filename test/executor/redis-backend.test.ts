import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { systemClock } from '../../engine/clock/system-clock';
import type { ActionHandler } from '../../engine/domain/actions';
import { type Log, silentLog } from '../../engine/domain/log';
import { createExecutor, type Executor } from '../../engine/executor';
import { redisWarnings } from '../../engine/executor/redis-backend';
import { createMemoryRecord, type MemoryRecord } from '../contract/memory-record';
import { actionRow } from '../support/action-rows';
import { freePort, type StartedRedis, skipWithoutRedis, startRedis } from '../support/redis';

const write: ActionHandler = {
  kind: 'log',
  heavy: false,
  defaultDeadlineMs: 60_000,
  attempts: 3,
  check() {},
  execute: async () => ({ status: 'done', summary: 'written' }),
};

function executorAt(
  url: string,
  record: MemoryRecord,
  log: Log = silentLog,
  over: { onReconcile?(): void } = {},
): Executor {
  return createExecutor({
    backend: { kind: 'redis', url },
    record,
    handlers: [write],
    reconcile: async () => over.onReconcile?.(),
    clock: systemClock,
    log,
  });
}

describe('what Redis says of itself', () => {
  it('is fine with noeviction, an append-only file and hz 100', () => {
    expect(redisWarnings('hz:100\r\nmaxmemory_policy:noeviction\r\naof_enabled:1\r\n')).toEqual([]);
  });

  it('is a warning each for eviction, memory only, and a slow clock', () => {
    const warnings = redisWarnings('configured_hz:10\r\nhz:100\r\nmaxmemory_policy:allkeys-lru\r\naof_enabled:0\r\n');
    expect(warnings).toHaveLength(3);
    expect(warnings.join()).toMatch(/allkeys-lru.*appendonly yes.*hz 10\b/s);
  });
});

describe('the address of Redis', () => {
  it.each([
    ['no URL at all', 'E_BAD_QUEUE_URL', 'user'],
    ['http://:secret-word@127.0.0.1:6379', 'E_BAD_QUEUE_URL', 'user'],
  ])('%s is refused without showing it', async (url, code, family) => {
    const error = await executorAt(url, createMemoryRecord())
      .start()
      .catch((thrown) => thrown);
    expect(error).toMatchObject({ code, family });
    expect(error.message).not.toContain('secret-word');
  });

  it('where nobody answers is an operational error with host and remedy, without the password', async () => {
    const port = await freePort();
    const executor = executorAt(`redis://user:secret-word@127.0.0.1:${port}`, createMemoryRecord());
    const error = await executor.start().catch((thrown) => thrown);
    expect(error).toMatchObject({ code: 'E_QUEUE_UNREACHABLE', family: 'operational' });
    expect(error.message).toContain(`127.0.0.1:${port}`);
    expect(error.message).toContain('REDIS_URL');
    expect(error.message).not.toContain('secret-word');
    await executor.close();
  });
});

describe.skipIf(skipWithoutRedis())('Redis', () => {
  let redis: StartedRedis;
  beforeAll(async () => {
    redis = await startRedis({ hz: 10, password: 'right-word' });
  });
  afterAll(() => redis?.stop());

  it('with a wrong password is a user error', async () => {
    const executor = executorAt(`redis://:wrong-word@127.0.0.1:${redis.port}`, createMemoryRecord());
    const error = await executor.start().catch((thrown) => thrown);
    expect(error).toMatchObject({ code: 'E_QUEUE_REFUSED', family: 'user' });
    expect(error.message).not.toContain('wrong-word');
  });

  it('without memory is told in the health, keeps the log short, and loses nothing', { timeout: 90_000 }, async () => {
    const record = createMemoryRecord();
    const lines: string[] = [];
    const note = (event: string, fields?: object): void => void lines.push(`${event} ${JSON.stringify(fields)}`);
    const log: Log = { ...silentLog, warn: note, error: note, with: () => log };
    const executor = executorAt(redis.url, record, log);
    const admin = new Redis(redis.url);
    try {
      await executor.start();
      expect((await executor.health()).answers).toBe(true);
      lines.length = 0;
      await admin.config('SET', 'maxmemory', '1');
      for (let i = 0; i < 20; i++) {
        const row = actionRow(`unremembered${i}`);
        record.keep(row);
        await executor.submit([row]);
      }
      await vi.waitFor(
        async () => {
          const health = await executor.health();
          expect(health.answers).toBe(false);
          expect(health.warnings[0]).toMatch(/takes no jobs \(.*OOM/);
        },
        { timeout: 15_000, interval: 50 },
      );
      // Time in which all that fails again and again could fill the log.
      await systemClock.sleep(3_000);
      // One for each queue and statement of BullMQ that failed, however often it did.
      expect(lines.length).toBeLessThan(25);
      await admin.config('SET', 'maxmemory', '0');
      await vi.waitFor(() => expect(record.outcomes.size).toBe(20), { timeout: 30_000, interval: 50 });
      await vi.waitFor(async () => expect((await executor.health()).answers).toBe(true), { timeout: 15_000 });
    } finally {
      await admin.config('SET', 'maxmemory', '0');
      admin.disconnect();
      await executor.close(500);
    }
  });

  it('that forgets all jobs while they run says so once per queue', { timeout: 90_000 }, async () => {
    const record = createMemoryRecord();
    const lines: string[] = [];
    const log: Log = {
      ...silentLog,
      warn: (event, fields) => void lines.push(`${event} ${String(fields?.queue)} ${String(fields?.reason)}`),
      with: () => log,
    };
    const release = new AbortController();
    const executor = createExecutor({
      backend: { kind: 'redis', url: redis.url },
      record,
      handlers: [
        {
          ...write,
          execute: async () => {
            await systemClock.sleep(60_000, release.signal).catch(() => undefined);
            return { status: 'done', summary: 'written' };
          },
        },
      ],
      reconcile: async () => undefined,
      clock: systemClock,
      log,
    });
    const admin = new Redis(redis.url);
    try {
      await executor.start();
      const rows = Array.from({ length: 30 }, (_, i) => actionRow(`forgotten${i}`));
      record.keep(...rows);
      await executor.submit(rows);
      await vi.waitFor(async () => expect((await executor.health()).active).toBe(30), { timeout: 15_000 });
      lines.length = 0;
      await admin.flushall();
      await vi.waitFor(() => expect(lines).not.toEqual([]), { timeout: 15_000 });
      // Longer than a lock: every queue has noticed.
      await systemClock.sleep(4_000);
      release.abort();
      await vi.waitFor(() => expect(record.outcomes.size).toBe(30), { timeout: 30_000, interval: 50 });
      await systemClock.sleep(500);
      expect(lines.length).toBeLessThan(15);
    } finally {
      admin.disconnect();
      await executor.close(500);
    }
  });

  it('with poor settings is reported in the health', async () => {
    const executor = executorAt(redis.url, createMemoryRecord());
    await executor.start();
    const { backend, warnings } = await executor.health();
    expect(backend).toBe(`Redis at 127.0.0.1:${redis.port}`);
    expect(warnings.join()).toMatch(/appendonly no.*hz 10\b/s);
    await executor.close();
  });

  it('may go and come back empty: nothing is lost, and the log stays short', async () => {
    const port = await freePort();
    let server = await startRedis({ port });
    const lines: string[] = [];
    const note = (event: string): void => {
      lines.push(event);
    };
    const log: Log = { ...silentLog, warn: note, error: note, with: () => log };
    const record = createMemoryRecord();
    let reconciles = 0;
    const executor = executorAt(server.url, record, log, { onReconcile: () => reconciles++ });
    await executor.start();
    lines.length = 0;

    await server.stop();
    for (let i = 0; i < 20; i++) {
      const row = actionRow(`away${i}`);
      record.keep(row);
      await executor.submit([row]);
    }
    executor.requestReconcile('cam/relay/1', 1);
    await vi.waitFor(async () => expect((await executor.health()).warnings[0]).toMatch(/does not answer/), {
      timeout: 15_000,
    });
    await systemClock.sleep(1_500);
    expect(lines.length).toBeLessThanOrEqual(3);

    server = await startRedis({ port });
    await vi.waitFor(() => expect(record.outcomes.size).toBe(20), { timeout: 30_000, interval: 20 });
    await vi.waitFor(() => expect(reconciles).toBe(1), { timeout: 30_000, interval: 20 });
    expect(lines.length).toBeLessThanOrEqual(4);
    await executor.close();
    await server.stop();
  }, 90_000);

  it('gone for good does not keep the executor from closing', async () => {
    const server = await startRedis();
    const executor = executorAt(server.url, createMemoryRecord());
    await executor.start();
    await server.stop();
    await systemClock.sleep(100);
    const from = systemClock.monotonic();
    await executor.close(500);
    expect(systemClock.monotonic() - from).toBeLessThan(3_000);
  });
});
