import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { VirtualClock } from '../../engine/clock/virtual-clock';
import { type Log, silentLog } from '../../engine/domain/log';
import { CALLS_AT_REST, checkpointDue, keepLogShort, MOST_BEHIND, WORTH_IT } from '../../engine/store/checkpoints';
import type { Database } from '../../engine/store/database';
import { openPglite, type PgliteDatabase } from '../../engine/store/pglite-database';
import { temporaryFolder } from '../support/temporary-folder';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

describe('a checkpoint', () => {
  it.each([
    ['at rest with hardly anything to replay: not due', WORTH_IT - 1, CALLS_AT_REST, false],
    ['at rest with something to replay: due', WORTH_IT, CALLS_AT_REST, true],
    ['at work with something to replay: not due', WORTH_IT, CALLS_AT_REST + 1, false],
    ['at work just below the bound: not due', MOST_BEHIND - 1, 100_000, false],
    ['at work at the bound: due', MOST_BEHIND, 100_000, true],
  ])('%s', (_what, behind, calls, due) => {
    expect(checkpointDue({ behind, calls })).toBe(due);
  });
});

/** Lets what the tick of the clock began come to its end. */
const settled = async (ask: () => Promise<unknown>): Promise<void> => {
  for (let turn = 0; turn < 5; turn++) await ask();
};

describe('the log of the embedded database', () => {
  let folder: string;
  let db: PgliteDatabase;
  beforeAll(async () => {
    folder = join(await temporaryFolder(), 'record');
    db = await openPglite(folder, silentLog);
    await db.script('CREATE TABLE line (id serial PRIMARY KEY, words text)');
  });
  afterAll(() => db.close());

  it('stays short however much is written, which a kill would have to replay', async () => {
    const clock = new VirtualClock(0);
    const { stop } = keepLogShort(db, () => db.db.calls(), clock, silentLog);
    const segments: number[] = [];
    for (let turn = 0; turn < 8; turn++) {
      await db.query('INSERT INTO line (words) SELECT repeat(md5(random()::text), 60) FROM generate_series(1, 4000)');
      await db.query('DELETE FROM line');
      await clock.advance(1_000);
      await settled(() => db.query('SELECT 1'));
      segments.push(readdirSync(join(folder, 'pg_wal')).filter((name) => /^[0-9A-F]{24}$/.test(name)).length);
    }
    stop();
    const [log] = await db.query<{ written: string; behind: string }>(
      `SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/1000000') AS written,
              pg_wal_lsn_diff(pg_current_wal_insert_lsn(), redo_lsn) AS behind FROM pg_control_checkpoint()`,
    );
    // About 10 MB of log for each turn.
    expect(Number(log?.written)).toBeGreaterThan(4 * MOST_BEHIND);
    expect(Number(log?.behind)).toBeLessThan(MOST_BEHIND);
    expect(Math.max(...segments)).toBeLessThanOrEqual(5);
  });

  it('is not asked for while nobody writes', async () => {
    const clock = new VirtualClock(0);
    const asked: string[] = [];
    const database: Database = {
      ...db,
      query: async (sql) => {
        asked.push(sql);
        return [];
      },
    };
    const { stop } = keepLogShort(database, () => 7, clock, silentLog);
    await clock.advance(10_000);
    stop();
    expect(asked).toEqual([]);
  });

  it('tells on record that a checkpoint failed, and goes on with the next', async () => {
    const clock = new VirtualClock(0);
    const told: unknown[] = [];
    const log: Log = { ...silentLog, error: (what, fields) => told.push([what, fields?.reason]) };
    let calls = 0;
    const database: Database = {
      ...db,
      query: async (sql) => {
        if (sql === 'CHECKPOINT') throw new Error('could not write to file');
        return [{ behind: String(MOST_BEHIND) }] as never;
      },
    };
    const { stop } = keepLogShort(database, () => calls, clock, log);
    for (let turn = 0; turn < 2; turn++) {
      calls += 5;
      await clock.advance(1_000);
      await settled(() => Promise.resolve());
    }
    stop();
    const failed = ['the checkpoint of the record failed', 'could not write to file'];
    expect(told).toEqual([failed, failed]);
  });
});
