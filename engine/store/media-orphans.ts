import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { parseIsoTime } from '../clock/clock';
import { codeOf, type Query } from './database';

/** So long after it was begun a file without its row is left over from a crash: no clip takes that long to be cut. */
const ORPHAN_MS = 6 * 3_600_000;
const STEP = 500;
/** No month is shorter: the last days are looked at with none, which only leaves a row of a lost file longer. */
const MONTH_MS = 28 * 86_400_000;

const namesIn = async (folder: string): Promise<string[]> => {
  try {
    return (await readdir(folder)).sort();
  } catch (thrown) {
    if (codeOf(thrown) === 'ENOENT' || codeOf(thrown) === 'ENOTDIR') return [];
    throw thrown;
  }
};

/** When the file of that name was begun; null for a name that is none of ours. */
function begunAt(name: string): number | null {
  const time = /^([0-9a-z]{9})[0-9a-z]{4,7}[0-9a-f]{8}(?:\.new)?$/.exec(name)?.[1];
  return time === undefined ? null : Number.parseInt(time, 36);
}

/**
 * Removes files that no row knows (a crash between file and row) and rows whose file is gone (a disk that was cleaned
 * by hand), so that neither takes space nor is shown.
 */
export async function clearOrphans(query: Query, folder: string, now: number): Promise<void> {
  for (const year of await namesIn(folder))
    for (const month of await namesIn(join(folder, year))) await clearMonth(query, folder, year, month, now);
}

async function clearMonth(query: Query, folder: string, year: string, month: string, now: number): Promise<void> {
  const place = join(folder, year, month);
  const names = await namesIn(place);
  const old = names.filter((name) => (begunAt(name) ?? now) < now - ORPHAN_MS);
  for (let from = 0; from < old.length; from += STEP) {
    const page = old.slice(from, from + STEP);
    const rows = await query<{ id: string }>('SELECT id FROM alarmflow.media WHERE id = ANY($1::text[])', [page]);
    const known = new Set(rows.map(({ id }) => id));
    for (const name of page) if (!known.has(name)) await rm(join(place, name), { force: true });
  }
  const begin = parseIsoTime(`${year}-${month}-01T00:00:00Z`);
  // An empty folder may be a disk that is not mounted: nothing is concluded from it.
  if (begin === null || names.length === 0) return;
  const there = new Set(names);
  // Ids begin with their time, so that a month's rows lie together.
  const ids = await query<{ id: string }>('SELECT id FROM alarmflow.media WHERE id >= $1 AND id < $2', [
    begin.toString(36).padStart(9, '0'),
    (begin + MONTH_MS).toString(36).padStart(9, '0'),
  ]);
  const lost = ids.map(({ id }) => id).filter((id) => !there.has(id) && (begunAt(id) ?? now) < now - ORPHAN_MS);
  if (lost.length > 0) await forgetLost(query, lost);
}

/** Deletes rows whose file is gone. */
export async function forgetLost(query: Query, mediaIds: readonly string[]): Promise<void> {
  await query('DELETE FROM alarmflow.alarm_media WHERE media_id = ANY($1::text[])', [mediaIds]);
  await query('DELETE FROM alarmflow.media WHERE id = ANY($1::text[])', [mediaIds]);
}
