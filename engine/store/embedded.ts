import { existsSync, readFileSync } from 'node:fs';
import { access, constants, mkdir, readdir, rename, rm, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Clock, isoTime } from '../clock/clock';
import { AlarmflowError, operationalError } from '../domain/errors';
import type { Log } from '../domain/log';
import { backupsIn, loadBackup } from './backup';
import { historyTables, stateTables, tableNames } from './backup-tables';
import { bootId } from './boot';
import { keepLogShort } from './checkpoints';
import { codeOf, type Database, messageOf } from './database';
import { migrate } from './migrations';
import { openPglite, type PgliteDatabase } from './pglite-database';

/** A torn database was replaced. */
export interface Restored {
  /** Moment of the backup, or of the start when there was none. */
  at: number;
  /** Path of the backup, or a sentence that there was none. */
  from: string;
  reason: string;
}

export interface Embedded {
  database: Database;
  pglite: PgliteDatabase['db'];
  restored: Restored | null;
  /** Closes it and notes that it was closed well. */
  close(): Promise<void>;
}

/**
 * Space that must be free for a write: PostgreSQL stops for good when its log cannot grow, so we stop before.
 * One segment of the log is 16 MB.
 */
export const RESERVE_BYTES = 48 * 1024 * 1024;
const TORN_KEPT = 2;

interface Marker {
  clean: boolean;
  bootId: string | null;
}

/** Whether the machine went down under the open database: then any of its pages may be torn, not only the newest. */
function wentDownOpen(file: string): boolean {
  try {
    const marker = JSON.parse(readFileSync(file, 'utf8')) as Marker;
    return !marker.clean && marker.bootId !== bootId();
  } catch (thrown) {
    // No marker is a first start; one that cannot be read was torn itself.
    return codeOf(thrown) !== 'ENOENT';
  }
}

/** Free bytes of the disk a folder lies on. */
export async function freeBytes(folder: string): Promise<number> {
  const disk = await statfs(folder);
  return disk.bavail * disk.bsize;
}

/** Problems that are not the database's: moving it aside would help nobody. */
async function checkFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await access(folder, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (thrown) {
    throw operationalError(
      'E_RECORD_OPEN',
      `The record in ${folder} cannot be opened: ${messageOf(thrown)}; give this user the right to write there, or choose another folder with --data`,
      { cause: thrown },
    );
  }
  const free = await freeBytes(folder);
  if (free < RESERVE_BYTES) {
    throw operationalError(
      'E_RECORD_OPEN',
      `The record in ${folder} cannot be opened: its disk has ${Math.floor(free / 1048576)} MB free and ${RESERVE_BYTES / 1048576} are needed; free some space`,
      { facts: { free } },
    );
  }
}

/** Reads whole rows of `x`, what lies outside their pages included, several times as fast as writing them out as text. */
const everyByte = 'count(*), bit_xor(hash_record_extended(x, 0))';

/**
 * Reads what the engine resumes from in full, and the newest history; every page carries a checksum.
 * Tables are also counted through their index, which finds one that lost entries. `whole` reads everything.
 */
export async function checkConsistency(database: Database, whole: boolean): Promise<void> {
  await database.transaction(async (query) => {
    const parts = whole ? tableNames.map((name) => ({ name, only: undefined })) : stateTables;
    for (const { name, only } of parts) {
      await query(`SELECT ${everyByte} FROM alarmflow.${name} x ${only ? `WHERE ${only}` : ''}`);
    }
    for (const table of historyTables) {
      await query(
        `SELECT ${everyByte} FROM
           (SELECT * FROM alarmflow.${table.name} ORDER BY ${table.order} DESC LIMIT 200) x`,
      );
    }
    const keys = { gate_states: 'trigger_id', timers: 'id', leases: 'id', outputs: 'id', flow_messages: 'message_id' };
    for (const [table, key] of Object.entries(keys)) {
      const counts: number[] = [];
      for (const [byTable, byIndex] of [
        ['on', 'off'],
        ['off', 'on'],
      ]) {
        await query(
          `SELECT set_config('enable_seqscan', $1, true), set_config('enable_indexscan', $2, true),
                  set_config('enable_indexonlyscan', $2, true), set_config('enable_bitmapscan', $2, true)`,
          [byTable, byIndex],
        );
        const [row] = await query<{ count: number }>(
          `SELECT count(*) AS count FROM (SELECT ${key} FROM alarmflow.${table} ORDER BY ${key}) x`,
        );
        counts.push(row?.count ?? 0);
      }
      if (counts[0] !== counts[1]) {
        throw new Error(`table ${table} has ${counts[0]} rows, its index ${counts[1]}`);
      }
    }
  });
}

async function openSound(folder: string, marker: string, now: number, log: Log): Promise<PgliteDatabase> {
  const whole = wentDownOpen(marker);
  const database = await openPglite(folder, log);
  try {
    await migrate(database, now);
    await checkConsistency(database, whole);
    return database;
  } catch (thrown) {
    await database.close().catch((error: unknown) => {
      log.warn('the database that could not be used did not close well', { reason: messageOf(error) });
    });
    throw thrown;
  }
}

async function dropOldTorn(dataDir: string): Promise<void> {
  const torn = (await readdir(dataDir)).filter((name) => name.startsWith('record.torn-')).sort();
  for (const old of torn.slice(0, Math.max(0, torn.length - TORN_KEPT))) {
    await rm(join(dataDir, old), { recursive: true, force: true });
  }
}

/** A new database from the newest backup that is whole, or an empty one. */
async function restore(folder: string, backups: string, clock: Clock, log: Log, reason: string) {
  for (const name of await backupsIn(backups)) {
    const from = join(backups, name);
    let database: PgliteDatabase | null = null;
    try {
      database = await openPglite(folder, log);
      const at = await loadBackup(database, from, clock.now());
      return { database, restored: { at, from, reason } };
    } catch (thrown) {
      log.error('a backup of the record cannot be used; the next older one is tried', {
        backup: from,
        reason: messageOf(thrown),
      });
      await database?.close();
      await rm(folder, { recursive: true, force: true });
    }
  }
  const database = await openPglite(folder, log);
  await migrate(database, clock.now());
  return {
    database,
    restored: { at: clock.now(), from: 'no backup: the record starts empty', reason },
  };
}

/**
 * Opens the embedded database of a data folder. One that is torn (a power cut: PGlite never syncs its files) is moved
 * aside to `record.torn-<time>` and replaced by the last backup, which `restored` then tells.
 * Throws `E_RECORD_OPEN` (operational) for a disk that is full or not writable, `E_SCHEMA_NEWER` (user).
 */
export async function openEmbedded(dataDir: string, clock: Clock, log: Log): Promise<Embedded> {
  const folder = join(dataDir, 'record');
  const backups = join(dataDir, 'backups');
  const markerFile = join(dataDir, 'record.state');
  const mark = (clean: boolean): Promise<void> =>
    writeFile(markerFile, JSON.stringify({ clean, bootId: bootId() } satisfies Marker), { mode: 0o600 });
  await checkFolder(dataDir);
  const fresh = !existsSync(folder);
  const backed = (await backupsIn(backups)).length > 0;

  let opened: { database: PgliteDatabase; restored: Restored | null };
  try {
    if (fresh && backed) throw new Error('the folder of the record is gone');
    opened = { database: await openSound(folder, markerFile, clock.now(), log), restored: null };
  } catch (thrown) {
    if (thrown instanceof AlarmflowError) throw thrown;
    const reason = messageOf(thrown);
    let aside: string | null = null;
    if (existsSync(folder)) {
      aside = `${folder}.torn-${isoTime(clock.now()).replace(/[:.]/g, '-')}`;
      await rename(folder, aside);
    }
    log.error('the record is torn and is restored from the last backup', { reason, aside });
    opened = await restore(folder, backups, clock, log, reason);
    log.warn('the record was restored', { from: opened.restored!.from, at: isoTime(opened.restored!.at) });
    await dropOldTorn(dataDir);
  }
  await mark(false);
  const { database } = opened;
  const checkpoints = keepLogShort(database, () => database.db.calls(), clock, log);
  return {
    database,
    pglite: database.db,
    restored: opened.restored,
    async close() {
      checkpoints.stop();
      const sound = database.broken() === null;
      await database.close();
      if (sound) await mark(true);
    },
  };
}
