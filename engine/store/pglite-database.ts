import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { EmbeddedSession } from '../domain/embedded-database';
import { operationalError } from '../domain/errors';
import type { Log } from '../domain/log';
import { type Database, messageOf, type Query } from './database';
import { forgetEmptyDatabase, makeEmptyDatabase } from './empty-database';
import { type PgliteThread, startPgliteThread } from './pglite-thread';

/** The embedded database as the record sees it, and as the executor does. */
export type PgliteDatabase = Database & { db: PgliteThread };

/** Opens or makes the embedded database. What PGlite throws for a folder it cannot read is passed on as it is. */
export async function openPglite(folder: string, log: Log): Promise<PgliteDatabase> {
  if (existsSync(join(folder, 'PG_VERSION'))) return open(folder, log);
  const copied = await makeEmptyDatabase(folder, log);
  try {
    return await open(folder, log);
  } catch (thrown) {
    if (!copied) throw thrown;
    log.warn('the kept copy of an empty database is of no use and is made anew', { reason: messageOf(thrown) });
    await forgetEmptyDatabase();
    await makeEmptyDatabase(folder, log);
    return open(folder, log);
  }
}

async function open(folder: string, log: Log): Promise<PgliteDatabase> {
  const db = await startPgliteThread(folder, log);
  const queryOn =
    (on: EmbeddedSession): Query =>
    async <R>(sql: string, params?: readonly unknown[]): Promise<R[]> =>
      (await on.query<R>(sql, params === undefined ? undefined : [...params])).rows;

  return {
    kind: 'pglite',
    db,
    query: queryOn(db),
    async script(sql) {
      await db.exec(sql);
    },
    // PGlite has one session and runs one transaction at a time, so each sees one moment.
    transaction: (work) => db.transaction((tx) => work(queryOn(tx))),
    broken() {
      const dead = db.dead();
      return dead
        ? operationalError(
            'E_RECORD_BROKEN',
            `The embedded database stopped (${messageOf(dead)}): free the disk if it is full, then start alarmflow again`,
            { cause: dead },
          )
        : null;
    },
    close: () => db.close(),
  };
}
