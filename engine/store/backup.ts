import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createGzip } from 'node:zlib';
import { isoTime } from '../clock/clock';
import { operationalError } from '../domain/errors';
import { historyTables, stateTables, tableNames } from './backup-tables';
import { type Database, messageOf } from './database';
import { migrate, schemaVersion } from './migrations';

const FORMAT = 1;
const KEPT = 3;
const PAGE = 500;
const name = /^record-[0-9TZ-]+\.jsonl\.gz$/;

interface Head {
  format: number;
  schema: number;
  at: number;
}

/** The backups of a folder, newest first. */
export async function backupsIn(folder: string): Promise<string[]> {
  const files = await readdir(folder).catch(() => [] as string[]);
  return files
    .filter((file) => name.test(file))
    .sort()
    .reverse();
}

async function* lines(database: Database, at: number): AsyncGenerator<string> {
  let count = 0;
  const line = (table: string, row: string): string => {
    count++;
    return `{"t":"${table}","r":${row}}\n`;
  };
  yield `${JSON.stringify({ format: FORMAT, schema: schemaVersion, at } satisfies Head)}\n`;
  const state = await database.transaction(async (query) => {
    const texts: string[] = [];
    for (const table of stateTables) {
      const rows = await query<{ row: string }>(
        `SELECT to_jsonb(x)::text AS row FROM alarmflow.${table.name} x ${table.only ? `WHERE ${table.only}` : ''}`,
      );
      for (const { row } of rows) texts.push(line(table.name, row));
    }
    return texts;
  }, 'snapshot');
  yield state.join('');
  for (const table of historyTables) {
    let last: string | null = null;
    for (let taken = 0; taken < table.rows; taken += PAGE) {
      // Page by page, each a statement of its own: the engine works on in between.
      const rows: { key: string; row: string }[] = await database.query(
        `SELECT ${table.order} AS key, to_jsonb(x)::text AS row FROM alarmflow.${table.name} x
          WHERE ($1::text IS NULL OR ${table.order} < $1::text) ${table.only ? `AND ${table.only}` : ''}
          ORDER BY ${table.order} DESC LIMIT ${PAGE}`,
        [last],
      );
      if (rows.length > 0) yield rows.map(({ row }) => line(table.name, row)).join('');
      last = rows.at(-1)?.key ?? null;
      if (rows.length < PAGE) break;
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
  }
  yield `${JSON.stringify({ end: true, rows: count })}\n`;
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/**
 * Writes one backup, whole and on the platter (fsync) before it gets its name, and removes all but the newest three.
 * It is an export of rows, not a copy of the database's files: a copy would block the engine for its whole time
 * and carry a torn page along. Resolves to its path; throws `E_BACKUP` (operational).
 */
export async function writeBackup(database: Database, folder: string, at: number): Promise<string> {
  const path = join(folder, `record-${isoTime(at).replace(/[:.]/g, '-')}.jsonl.gz`);
  const draft = `${path}.new`;
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await pipeline(
      Readable.from(lines(database, at), { objectMode: true, highWaterMark: 1 }),
      createGzip({ level: 1 }),
      createWriteStream(draft, { mode: 0o600, flush: true }),
    );
    await rename(draft, path);
    await syncFolder(folder);
  } catch (thrown) {
    await rm(draft, { force: true });
    throw operationalError(
      'E_BACKUP',
      `No backup could be written to ${folder}: ${messageOf(thrown)}; check space and rights of the data folder`,
      { cause: thrown },
    );
  }
  for (const old of (await backupsIn(folder)).slice(KEPT)) await rm(join(folder, old), { force: true });
  return path;
}

/** Reads a backup twice: first to its end, to know that it is whole, then into the empty database. */
async function* rowsOf(path: string): AsyncGenerator<{ head: Head } | { t: string; r: unknown }> {
  const source = createReadStream(path);
  const unpacked = createGunzip();
  // `pipe` does not pass errors on; without this a torn file would leave the reader waiting.
  source.on('error', (error) => unpacked.destroy(error));
  const reader = createInterface({ input: source.pipe(unpacked), crlfDelay: Number.POSITIVE_INFINITY });
  const failed = new Promise<never>((_resolve, reject) => unpacked.once('error', reject));
  failed.catch(() => undefined);
  const iterator = reader[Symbol.asyncIterator]();
  let count = -1;
  let ended = false;
  try {
    for (;;) {
      const next = await Promise.race([iterator.next(), failed]);
      if (next.done) break;
      const value = JSON.parse(next.value) as Partial<Head> & { t?: string; r?: unknown; end?: boolean; rows?: number };
      if (count < 0) {
        if (value.format !== FORMAT || !value.schema || value.schema > schemaVersion) {
          throw new Error('it was written by another version of alarmflow');
        }
        yield { head: value as Head };
      } else if (value.end) {
        if (value.rows !== count) throw new Error(`it has ${count} rows instead of ${value.rows}`);
        ended = true;
      } else if (value.t !== undefined && tableNames.includes(value.t)) {
        yield { t: value.t, r: value.r };
      }
      count++;
    }
  } finally {
    reader.close();
    source.destroy();
  }
  if (!ended) throw new Error('its end is missing');
}

/** Fills an empty database from a backup and resolves to the moment of the backup. Throws when it is not whole. */
export async function loadBackup(database: Database, path: string, now: number): Promise<number> {
  for await (const _row of rowsOf(path)) {
    // Only its being whole matters here.
  }
  let at = 0;
  const pending = new Map<string, unknown[]>();
  const flush = async (table: string): Promise<void> => {
    const rows = pending.get(table) ?? [];
    pending.delete(table);
    await database.query(
      `INSERT INTO alarmflow.${table} SELECT * FROM jsonb_populate_recordset(NULL::alarmflow.${table}, $1::jsonb)
       ON CONFLICT DO NOTHING`,
      [JSON.stringify(rows)],
    );
  };
  for await (const row of rowsOf(path)) {
    if ('head' in row) {
      at = row.head.at;
      await migrate(database, now, row.head.schema);
      continue;
    }
    const rows = pending.get(row.t) ?? [];
    rows.push(row.r);
    pending.set(row.t, rows);
    if (rows.length >= PAGE) await flush(row.t);
  }
  for (const table of [...pending.keys()]) await flush(table);
  await migrate(database, now);
  return at;
}
