import { rm } from 'node:fs/promises';
import type { Clock } from '../clock/clock';
import type { Database, Query } from './database';
import { mediaPath } from './media';
import { clearOrphans } from './media-orphans';

export interface PruneLimits {
  /** Days after which events, decisions, ended alarms, finished actions and mails go. */
  eventDays: number;
  /** Newest events that are kept whatever their age allows. */
  maxEvents: number;
  mediaDays: number;
  mediaBytes: number;
}

const DAY_MS = 86_400_000;
/** Rows per statement: each takes a few milliseconds, and everybody else has their turn in between. */
const STEP = 500;
/** Some look through the whole record; nobody waits for them. */
const STATEMENT_MS = 30 * 60_000;
/** The audit trail answers questions that come up late. */
const AUDIT_DAYS = 400;

const breathe = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** What is still at work and what it stands on. */
const liveAlarms = `SELECT id FROM alarmflow.alarms WHERE ended_at IS NULL
  UNION SELECT alarm_id FROM alarmflow.actions
   WHERE status IN ('queued', 'running', 'retrying') AND alarm_id IS NOT NULL`;
const liveEvents = `SELECT doc#>>'{event,id}' FROM alarmflow.alarms WHERE id IN (${liveAlarms})
  UNION SELECT request#>>'{alarm,event,id}' FROM alarmflow.actions
   WHERE status IN ('queued', 'running', 'retrying') AND request#>>'{alarm,event,id}' IS NOT NULL`;
const liveMedia = `
  SELECT jsonb_path_query(doc, '$.**.mediaId')#>>'{}' AS id FROM alarmflow.alarms WHERE id IN (${liveAlarms})
  UNION SELECT jsonb_path_query(request, '$.**.mediaId')#>>'{}' FROM alarmflow.actions
   WHERE status IN ('queued', 'running', 'retrying')
  UNION SELECT media_id FROM alarmflow.alarm_media WHERE alarm_id IN (${liveAlarms})
  UNION SELECT jsonb_path_query(doc, '$.pictures[*].mediaId')#>>'{}' FROM alarmflow.events WHERE id IN (${liveEvents})`;

/**
 * Walks a table from its oldest row by its sort key, page by page, and deletes what is older than `before`
 * and not kept. Ends at the first page that has nothing old.
 */
async function walk(
  query: Query,
  table: { name: string; key: string; at: string; keep: string },
  before: number,
): Promise<void> {
  let last: string | null = null;
  for (;;) {
    const [page]: { last: string | null; old: number }[] = await query(
      `WITH page AS (SELECT ${table.key} AS key, ${table.at} < $2 AS old FROM alarmflow.${table.name}
         WHERE $1::text IS NULL OR ${table.key} > $1::text ORDER BY ${table.key} LIMIT ${STEP})
       SELECT max(key) AS last, count(*) FILTER (WHERE old) AS old FROM page`,
      [last, before],
    );
    if (!page || page.last === null || page.old === 0) return;
    await query(
      `DELETE FROM alarmflow.${table.name} WHERE ($1::text IS NULL OR ${table.key} > $1::text)
          AND ${table.key} <= $2::text AND ${table.at} < $3 AND NOT (${table.keep})`,
      [last, page.last, before],
    );
    last = page.last;
    await breathe();
  }
}

/** Deletes old rows of a table that has an index on its time. */
async function sweep(
  query: Query,
  table: { name: string; key: string; at: string; only: string },
  before: number,
): Promise<void> {
  for (;;) {
    const gone = await query(
      `DELETE FROM alarmflow.${table.name} WHERE ${table.key} IN (SELECT ${table.key} FROM alarmflow.${table.name}
        WHERE ${table.at} < $1 AND ${table.only} ORDER BY ${table.at} LIMIT ${STEP}) RETURNING 1`,
      [before],
    );
    if (gone.length < STEP) return;
    await breathe();
  }
}

async function pruneMedia(query: Query, folder: string, limits: PruneLimits, now: number): Promise<void> {
  const kept = new Set((await query<{ id: string }>(liveMedia)).map((row) => row.id));
  const [all] = await query<{ bytes: string | number | null }>('SELECT sum(size) AS bytes FROM alarmflow.media');
  let bytes = Number(all?.bytes ?? 0);
  let last = '';
  for (;;) {
    const page = await query<{ id: string; at: number; size: number }>(
      `SELECT id, at, size FROM alarmflow.media WHERE id > $1 ORDER BY id LIMIT ${STEP}`,
      [last],
    );
    const gone: string[] = [];
    let due = false;
    for (const row of page) {
      last = row.id;
      if (row.at >= now - limits.mediaDays * DAY_MS && bytes <= limits.mediaBytes) continue;
      due = true;
      if (kept.has(row.id)) continue;
      bytes -= row.size;
      gone.push(row.id);
    }
    // The row first: a picture without its row is never shown, a row without its picture would be.
    if (gone.length > 0) {
      await query('DELETE FROM alarmflow.alarm_media WHERE media_id = ANY($1::text[])', [gone]);
      await query('DELETE FROM alarmflow.media WHERE id = ANY($1::text[])', [gone]);
    }
    for (const id of gone) await rm(mediaPath(folder, id), { force: true });
    if (page.length < STEP || !due) return;
    await breathe();
  }
}

/**
 * Removes what is older than the limits, in small steps. What belongs to a live alarm or to an action without outcome
 * stays, pictures included.
 */
export async function prune(database: Database, folder: string, clock: Clock, limits: PruneLimits): Promise<void> {
  const now = clock.now();
  const query: Query = (sql, params) => database.query(sql, params, STATEMENT_MS);
  const [surplus] = await query<{ at: number }>(
    `SELECT received_at AS at FROM alarmflow.events ORDER BY id DESC OFFSET ${Math.max(0, Math.floor(limits.maxEvents))} LIMIT 1`,
  );
  const byAge = Math.floor(now - limits.eventDays * DAY_MS);
  const before = surplus ? Math.max(byAge, surplus.at + 1) : byAge;

  await walk(
    query,
    {
      name: 'decisions',
      key: 'id',
      at: 'at',
      keep: `COALESCE(alarm_id IN (${liveAlarms}), false) OR COALESCE(event_id IN (${liveEvents}), false)`,
    },
    before,
  );
  await walk(query, { name: 'events', key: 'id', at: 'received_at', keep: `id IN (${liveEvents})` }, before);
  await sweep(
    query,
    { name: 'actions', key: 'key', at: 'requested_at', only: "status NOT IN ('queued', 'running', 'retrying')" },
    byAge,
  );
  await sweep(
    query,
    { name: 'alarms', key: 'id', at: 'raised_at', only: `ended_at < ${byAge} AND id NOT IN (${liveAlarms})` },
    byAge,
  );
  await sweep(query, { name: 'mails', key: 'id', at: 'received_at', only: 'true' }, byAge);
  await walk(
    query,
    { name: 'audit', key: 'id', at: 'at', keep: 'false' },
    Math.floor(now - Math.max(AUDIT_DAYS, limits.eventDays) * DAY_MS),
  );
  await pruneMedia(query, folder, limits, now);
  await query(
    'DELETE FROM alarmflow.alarm_media m WHERE NOT EXISTS (SELECT 1 FROM alarmflow.alarms a WHERE a.id = m.alarm_id)',
  );
  await clearOrphans(query, folder, now);
}

const busyTables = ['gate_states', 'timers', 'flow_messages', 'leases', 'outputs', 'standing', 'actions', 'alarms'];
const historyOnes = ['events', 'decisions', 'audit', 'media', 'alarm_media', 'mails'];

/**
 * Gives dead rows back. A server does it by itself; the embedded database has no background process, so without this
 * a table of ten timers that change all day would grow without end.
 */
export async function vacuum(database: Database, history: boolean): Promise<void> {
  for (const table of [...busyTables, ...(history ? historyOnes : [])]) {
    await database.query(`VACUUM (ANALYZE) alarmflow.${table}`);
    await breathe();
  }
}
