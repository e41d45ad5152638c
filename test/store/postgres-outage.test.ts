/** A server that is there and does not do its work: it only reads, its disk is full, it hangs. */
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, vi } from 'vitest';
import { systemClock } from '../../engine/clock/system-clock';
import { silentLog } from '../../engine/domain/log';
import { lockDatabase, openStore, type Store } from '../../engine/store';
import { lostConnection } from '../../engine/store/database';
import { openPostgres } from '../../engine/store/postgres-database';
import { timerRow } from '../contract/record-rows';
import { type PostgresServer, postgresMissing, startPostgres } from '../support/postgres';
import { serverTest } from '../support/server-test';
import { temporaryFolder } from '../support/temporary-folder';

let server: PostgresServer | null = null;
let store: Store;
beforeAll(async () => {
  if (postgresMissing() !== null) return;
  server = await startPostgres();
  store = await openStore({
    dataDir: await temporaryFolder(),
    databaseUrl: server.url,
    clock: systemClock,
    log: silentLog,
  });
});
afterAll(async () => {
  await store?.close();
  await server?.stop();
});

async function asAdmin(...statements: string[]): Promise<void> {
  const admin = new pg.Client({ connectionString: server!.url });
  await admin.connect();
  for (const statement of statements) await admin.query(statement);
  await admin.end();
}

const readOnly = (on: boolean): Promise<void> =>
  asAdmin(
    'SET default_transaction_read_only = off',
    `ALTER SYSTEM SET default_transaction_read_only = ${on ? 'on' : 'off'}`,
    'SELECT pg_reload_conf()',
  );

describe('a server that has become read-only', () => {
  serverTest('is trouble although it answers, and none any more when it can be written', postgresMissing, async () => {
    let changes = 0;
    store.onTrouble(() => changes++);
    await store.commit({ timers: [timerRow('before')] });
    expect(store.trouble()).toBeNull();
    await readOnly(true);
    // The server tells its processes of the change when it comes to it: what is committed until then is kept.
    const kept = ['before'];
    await vi.waitFor(
      () => {
        const id = `try ${kept.length}`;
        const committed = store.commit({ timers: [timerRow(id)] }).then(() => void kept.push(id));
        return expect(committed).rejects.toMatchObject({
          code: 'E_RECORD_WRITE',
          message: expect.stringContaining('make it writable'),
        });
      },
      { timeout: 15_000, interval: 50 },
    );
    await store.answers();
    expect(store.trouble()?.message).toContain('read-only');
    await readOnly(false);
    // Nobody writes meanwhile.
    await vi.waitFor(() => expect(store.trouble()).toBeNull(), { timeout: 30_000, interval: 50 });
    expect(changes).toBe(2);
    expect((await store.resume()).timers.map(({ id }) => id).sort()).toEqual(kept.sort());
    expect(await store.readSetting('write-probe')).toBeNull();
  });
});

describe('a server that hangs', () => {
  serverTest('counts as lost after the limit, and its connection is not used again', postgresMissing, async () => {
    const database = await openPostgres(server!.url, silentLog);
    const backend = async (): Promise<number> =>
      (await database.query<{ pid: number }>('SELECT pg_backend_pid() AS pid'))[0]!.pid;
    const before = await backend();
    const lost = await database.query('SELECT pg_sleep(30)', undefined, 200).catch((thrown: unknown) => thrown);
    expect(lostConnection(lost)).toBe(true);
    const between = await backend();
    expect(between).not.toBe(before);
    const alsoLost = await database
      .transaction((query) => query('SELECT pg_sleep(30)', undefined, 200))
      .catch((thrown: unknown) => thrown);
    expect(lostConnection(alsoLost)).toBe(true);
    expect(await backend()).not.toBe(between);
    await asAdmin(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(30)%' AND pid <> pg_backend_pid()",
    );
    await database.close();
  });
});

describe('the lock of a database whose connection has died unnoticed by the server', () => {
  serverTest('is waited for and taken back, not taken for another engine', postgresMissing, async () => {
    const lock = await lockDatabase(server!.url, systemClock, silentLog);
    const admin = new pg.Client({ connectionString: server!.url, application_name: '' });
    await admin.connect();
    const { rows } = await admin.query<{ pid: number; name: string }>(
      `SELECT l.pid, a.application_name AS name FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
        WHERE l.locktype = 'advisory'`,
    );
    expect(rows).toHaveLength(1);
    // The stand-in of our dead connection: the same name, and still holding the lock.
    const ghost = new pg.Client({ connectionString: server!.url, application_name: rows[0]!.name });
    await ghost.connect();
    const ghostPid = (await ghost.query('SELECT pg_backend_pid() AS pid')).rows[0].pid;
    const waiting = ghost.query("SELECT pg_advisory_lock('7020093063253355631'::bigint)");
    await admin.query('SELECT pg_terminate_backend($1)', [rows[0]!.pid]);
    await waiting;
    await systemClock.sleep(3_000);
    expect(lock.lost()).toBeNull();
    await ghost.end();
    await vi.waitFor(
      async () => {
        const held = await admin.query("SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted");
        expect(held.rows).toHaveLength(1);
        expect(held.rows[0].pid).not.toBe(ghostPid);
      },
      { timeout: 30_000, interval: 50 },
    );
    expect(lock.lost()).toBeNull();
    await admin.end();
    await lock.release();
  });
});
