import { rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../engine/clock/system-clock';
import { silentLog } from '../../engine/domain/log';
import { openPglite } from '../../engine/store/pglite-database';
import { type PgliteThread, startPgliteThread } from '../../engine/store/pglite-thread';
import { forkTypescript } from '../support/fork-typescript';
import { temporaryFolder } from '../support/temporary-folder';

const open = async (): Promise<PgliteThread> =>
  (await openPglite(join(await temporaryFolder(), 'record'), silentLog)).db;

const tick = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('the thread of the embedded database', () => {
  let db: PgliteThread;
  beforeAll(async () => {
    db = await open();
    await db.exec('CREATE TABLE thing (name text PRIMARY KEY, size int CHECK (size > 0))');
  });
  afterAll(() => db.close());

  const names = async (): Promise<string[]> =>
    (await db.query<{ name: string }>('SELECT name FROM thing ORDER BY name')).rows.map(({ name }) => name);

  it.each([
    ['text', 'a "quoted" ü\n'],
    ['int', 7],
    ['float8', 0.25],
    ['int8', 9_007_199_254_740_993n],
    ['boolean', true],
    ['jsonb', { deep: [1, null, 'x'] }],
    ['timestamptz', new Date(1_700_000_000_123)],
    ['bytea', new Uint8Array([0, 255, 10])],
    ['text[]', ['a', 'b']],
    ['text', null],
  ])('carries a %s there and back', async (type, value) => {
    const { rows } = await db.query<{ value: unknown }>(`SELECT $1::${type} AS value`, [value]);
    expect(rows).toEqual([{ value }]);
  });

  it('tells how many rows a statement has changed', async () => {
    expect(await db.query("INSERT INTO thing VALUES ('a', 1), ('b', 1)")).toEqual({ rows: [], affectedRows: 2 });
    const results = await db.exec("DELETE FROM thing WHERE name = 'a'; DELETE FROM thing; SELECT 1 AS one");
    expect(results.map((one) => one.rows)).toEqual([[], [], [{ one: 1 }]]);
  });

  it.each([
    [
      'a value that is refused',
      "INSERT INTO thing VALUES ('x', $1)",
      [0],
      { code: '23514', constraint: 'thing_size_check' },
    ],
    ['a table that is not there', 'SELECT $1::int FROM nowhere', [1], { code: '42P01' }],
    ['a parameter of the wrong kind', 'SELECT $1::int', ['many'], { code: '22P02' }],
  ])('passes on what PostgreSQL says of %s', async (_name, sql, params, fields) => {
    await expect(db.query(sql, params)).rejects.toMatchObject({
      ...fields,
      name: 'error',
      message: expect.any(String),
    });
    await expect(db.query(sql, params)).rejects.toBeInstanceOf(Error);
  });

  it('passes on details, and leaves the parameters out of the error', async () => {
    await db.query("INSERT INTO thing VALUES ('twice', 1)");
    const failed = db.query('INSERT INTO thing VALUES ($1, $2)', ['twice', 1]);
    await expect(failed).rejects.toMatchObject({ code: '23505', detail: 'Key (name)=(twice) already exists.' });
    await expect(failed).rejects.not.toHaveProperty('params');
    await db.exec('DELETE FROM thing');
  });

  it('refuses a parameter that cannot be carried, and works on', async () => {
    await expect(db.query('SELECT $1::text', [() => 1])).rejects.toThrow(/could not be cloned/);
    expect((await db.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
  });

  it('answers statements in the order they were given in, many under way at once', async () => {
    const order: number[] = [];
    await Promise.all(
      Array.from({ length: 200 }, async (_, i) => {
        await db.query('SELECT $1::int', [i]);
        order.push(i);
      }),
    );
    expect(order).toEqual(Array.from({ length: 200 }, (_, i) => i));
  });

  it('leaves our own thread free while a statement runs', async () => {
    let isRunning = true;
    const statement = db.query('SELECT count(*) FROM generate_series(1, 2000000)').then(() => {
      isRunning = false;
    });
    let turns = 0;
    for (; isRunning; turns++) await tick();
    await statement;
    expect(turns).toBeGreaterThan(100);
  });

  it('lets transactions and statements wait for the open transaction, in their order', async () => {
    const seen: string[] = [];
    let finish = (): void => {};
    const hold = new Promise<void>((resolve) => {
      finish = resolve;
    });
    const first = db.transaction(async (tx) => {
      await tx.query("INSERT INTO thing VALUES ('first', 1)");
      await hold;
      await tx.query("INSERT INTO thing VALUES ('first again', 1)");
      seen.push('first');
    });
    await systemClock.sleep(20);
    const others = [
      db.transaction(async (tx) => {
        await tx.query("INSERT INTO thing VALUES ('second', 1)");
        seen.push('second');
      }),
      db.query("INSERT INTO thing VALUES ('third', 1)").then(() => seen.push('third')),
    ];
    await systemClock.sleep(50);
    expect(seen).toEqual([]);
    finish();
    await Promise.all([first, ...others]);
    expect(seen).toEqual(['first', 'second', 'third']);
    expect(await names()).toEqual(['first', 'first again', 'second', 'third']);
    await db.exec('DELETE FROM thing');
  });

  it('undoes a transaction whose work fails, with that failure', async () => {
    const failed = db.transaction(async (tx) => {
      await tx.query("INSERT INTO thing VALUES ('never', 1)");
      throw new Error('changed my mind');
    });
    await expect(failed).rejects.toThrow('changed my mind');
    expect(await names()).toEqual([]);
  });

  it('undoes a transaction by hand, and takes nothing into it afterwards', async () => {
    await db.transaction(async (tx) => {
      await tx.query("INSERT INTO thing VALUES ('never', 1)");
      await tx.rollback();
      await expect(tx.query('SELECT 1')).rejects.toThrow('transaction is over');
    });
    expect(await names()).toEqual([]);
  });

  it('reports a transaction that could not be kept because a statement in it had failed', async () => {
    const failed = db.transaction(async (tx) => {
      await tx.query("INSERT INTO thing VALUES ('never', 1)");
      await tx.query('SELECT nonsense').catch(() => undefined);
    });
    await expect(failed).rejects.toThrow();
    expect(await names()).toEqual([]);
  });

  it('carries notifications until the listening ends', async () => {
    const heard: string[] = [];
    const stop = await db.listen('bells', (payload) => heard.push(payload));
    await db.query("SELECT pg_notify('bells', 'one')");
    await db.query('SELECT 1');
    expect(heard).toEqual(['one']);
    await stop();
    await db.query("SELECT pg_notify('bells', 'two')");
    await db.query('SELECT 1');
    expect(heard).toEqual(['one']);
    await expect(db.listen('no such; name', () => {})).rejects.toMatchObject({ code: '42601' });
  });
});

describe('the end of the thread', () => {
  it('finishes what was asked before a close and refuses what comes after it', async () => {
    const db = await open();
    const before = db.query('SELECT 1 AS one');
    const closed = db.close();
    expect(db.closed).toBe(true);
    await expect(db.query('SELECT 1')).rejects.toThrow('closed');
    expect((await before).rows).toEqual([{ one: 1 }]);
    await closed;
    expect(db.dead()).toBeNull();
  });

  it('does not wait at a close for a transaction that nobody ends', async () => {
    const tookMs: number[] = [];
    // One that waits takes a second each time; one that does not takes as long only while others have the machine.
    while (tookMs.length < 4 && !tookMs.some((ms) => ms < 900)) {
      const db = await open();
      let begun = (): void => {};
      const underWay = new Promise<void>((resolve) => {
        begun = resolve;
      });
      const abandoned = db.transaction(() => {
        begun();
        return new Promise<never>(() => {});
      });
      abandoned.catch(() => undefined);
      await underWay;
      const from = systemClock.monotonic();
      await db.close();
      tookMs.push(systemClock.monotonic() - from);
    }
    expect(Math.min(...tookMs)).toBeLessThan(900);
  });

  it('ends a statement that would take minutes, and its caller is told', async () => {
    const db = await open();
    const endless = expect(db.query('SELECT count(*) FROM generate_series(1, 2000000000)')).rejects.toThrow();
    const from = systemClock.monotonic();
    await db.close();
    expect(systemClock.monotonic() - from).toBeLessThan(10_000);
    await endless;
  });

  it('is told to everybody who waits when it dies', async () => {
    const folder = join(await temporaryFolder(), 'record');
    const database = await openPglite(folder, silentLog);
    // A log that has gone from under the engine: it panics when it needs the next part of it.
    rmSync(join(folder, 'pg_wal'), { recursive: true });
    const calls = Array.from({ length: 40 }, () =>
      database.query("SELECT pg_logical_emit_message(false, 'test', repeat('x', 1000000))"),
    );
    const outcomes = await Promise.allSettled(calls);
    expect(outcomes.at(-1)!.status).toBe('rejected');
    expect(database.broken()).toMatchObject({ code: 'E_RECORD_BROKEN', message: expect.stringContaining('PANIC') });
    await expect(database.query('SELECT 1')).rejects.toThrow();
    await expect(database.transaction(async () => 1)).rejects.toThrow();
    await database.close();
  });

  it('is told when it cannot start', async () => {
    const folder = join(await temporaryFolder(), 'record');
    await (await openPglite(folder, silentLog)).close();
    truncateSync(join(folder, 'global/pg_control'), 0);
    await expect(startPgliteThread(folder, silentLog)).rejects.toThrow(/control|initialize/i);
    writeFileSync(join(folder, 'PG_VERSION'), 'none');
    await expect(startPgliteThread(folder, silentLog)).rejects.toThrow();
  });

  it('neither keeps a process alive nor sets its exit code', async () => {
    const child = forkTypescript('test/store/children/ask-once.ts', [await temporaryFolder()]);
    let said = '';
    child.stdout!.on('data', (chunk: Buffer) => {
      said += chunk.toString();
    });
    const status = await new Promise((resolve) => child.once('exit', resolve));
    expect([status, said]).toEqual([0, 'two\n']);
  });
});
