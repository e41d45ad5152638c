import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { systemClock } from '../../engine/clock/system-clock';
import { silentLog } from '../../engine/domain/log';
import { openPgliteBackend } from '../../engine/executor/pglite-backend';
import { createPglitePool, statementOf } from '../../engine/executor/pglite-pool';
import { openPglite } from '../../engine/store/pglite-database';
import type { PgliteThread } from '../../engine/store/pglite-thread';
import { cpuTime } from '../support/cpu-time';
import { temporaryFolder } from '../support/temporary-folder';

const openEmpty = async (): Promise<PgliteThread> =>
  (await openPglite(join(await temporaryFolder(), 'record'), silentLog)).db;

describe('statementOf', () => {
  it.each([
    ['-- a comment\n--\n  LISTEN x;', 'LISTEN x;'],
    ['\n\n SELECT 1 -- why', 'SELECT 1 -- why'],
    ['-- nothing else', ''],
    ['', ''],
  ])('of %j is %j', (sql, expected) => {
    expect(statementOf(sql)).toBe(expected);
  });

  it('takes a long run of comments in linear time', () => {
    const from = cpuTime();
    statementOf(`${'-- \n \n'.repeat(100_000)}SELECT 1`);
    expect(cpuTime() - from).toBeLessThan(500);
  });
});

describe('the embedded database as a pool', () => {
  let db: PgliteThread;
  beforeAll(async () => {
    db = await openEmpty();
    await db.exec('CREATE SCHEMA alarmflow; CREATE TABLE alarmflow.thing (name text)');
  });
  afterAll(() => db.close());

  const names = async (): Promise<string[]> =>
    (await db.query<{ name: string }>('SELECT name FROM alarmflow.thing ORDER BY name')).rows.map(({ name }) => name);

  it('keeps a client’s transaction to itself until it commits', async () => {
    const client = await createPglitePool(db, silentLog).connect();
    await client.query('BEGIN');
    await client.query('INSERT INTO alarmflow.thing VALUES ($1)', ['in the transaction']);
    const others = Promise.all([
      db.transaction((tx) => tx.query("INSERT INTO alarmflow.thing VALUES ('other transaction')")),
      db.query("INSERT INTO alarmflow.thing VALUES ('other statement')"),
    ]);
    let othersDone = false;
    others.then(() => {
      othersDone = true;
    });
    // The database answers in the order in which it is asked: who did not have to wait would be done by now.
    for (let i = 0; i < 5; i++) await client.query('SELECT 1');
    expect(othersDone).toBe(false);
    await client.query('COMMIT');
    await others;
    client.release();
    expect(await names()).toEqual(['in the transaction', 'other statement', 'other transaction']);
    await db.exec('DELETE FROM alarmflow.thing');
  });

  it.each([
    [
      'ROLLBACK',
      async (client: Awaited<ReturnType<ReturnType<typeof createPglitePool>['connect']>>) => {
        await client.query('-- why\nROLLBACK');
        client.release();
      },
    ],
    [
      'its release',
      async (client: Awaited<ReturnType<ReturnType<typeof createPglitePool>['connect']>>) => client.release(),
    ],
  ])('undoes a transaction at %s, also one that failed', async (_name, end) => {
    const client = await createPglitePool(db, silentLog).connect();
    await client.query('BEGIN');
    await client.query("INSERT INTO alarmflow.thing VALUES ('never')");
    await expect(client.query('SELECT nonsense')).rejects.toThrow();
    await end(client);
    expect(await names()).toEqual([]);
  });

  it('runs several statements in one text', async () => {
    const pool = createPglitePool(db, silentLog);
    const result = await pool.query<{ two: number }>('-- first\nSELECT 1 AS one; SELECT 2 AS two;');
    expect(result.rows).toEqual([{ two: 2 }]);
  });

  it('hears notifications, once however often it listens, and none after its release', async () => {
    const client = await createPglitePool(db, silentLog).connect();
    const heard: unknown[] = [];
    client.on('notification', (message: unknown) => heard.push(message));
    await Promise.all([client.query('-- c\nLISTEN bullmq_jobs;\n'), client.query('LISTEN bullmq_jobs')]);
    const witnessed: string[] = [];
    const stop = await db.listen('bullmq_jobs', (payload) => witnessed.push(payload));
    const notify = async (payload: string): Promise<void> => {
      await db.exec(`NOTIFY bullmq_jobs, '${payload}'`);
      await vi.waitFor(() => expect(witnessed.at(-1)).toBe(payload), { timeout: 15_000 });
    };
    await notify('q1');
    await vi.waitFor(() => expect(heard).toEqual([{ channel: 'bullmq_jobs', payload: 'q1' }]), { timeout: 15_000 });
    client.release();
    await notify('q2');
    await notify('q3');
    expect(heard).toHaveLength(1);
    await stop();
  });

  it('finds the queues’ tables again after somebody changed the search path', async () => {
    const backend = await openPgliteBackend(db, { clock: systemClock, log: silentLog });
    const pool = backend.queueConnection as ReturnType<typeof createPglitePool>;
    await db.exec('SET search_path TO alarmflow');
    expect(
      (await pool.query<{ count: number }>('SELECT count(*)::int AS count FROM job WHERE queue = $1', ['x'])).rows,
    ).toEqual([{ count: 0 }]);
    await backend.close();
  });

  it('migrates twice without harm', async () => {
    const context = { clock: systemClock, log: silentLog };
    await (await openPgliteBackend(db, context)).close();
    await (await openPgliteBackend(db, context)).close();
  });

  it('reports a lost connection, not a bug, once the database is closed', async () => {
    const other = await openEmpty();
    const pool = createPglitePool(other, silentLog);
    await other.close();
    await expect(pool.query('SELECT 1')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });
});
