import type { ActionRow } from '../domain/actions';
import type { ActionRecord } from '../domain/record';
import type { Database } from './database';
import { createGroups } from './groups';
import { plainText } from './json-text';
import { type Writer, writeError } from './writer';

interface StoredAction {
  key: string;
  alarm_id: string | null;
  node_id: string;
  kind: ActionRow['kind'];
  status: ActionRow['status'];
  attempts: number;
  requested_at: number;
  deadline_at: number;
  finished_at: number | null;
  duration_ms: number | null;
  summary: string | null;
  error_code: string | null;
  request: Pick<ActionRow, 'nodeName' | 'phase' | 'deviceId' | 'params' | 'alarm'>;
}

export const actionColumns = `key, alarm_id, node_id, kind, status, attempts, requested_at, deadline_at, finished_at,
  duration_ms, summary, error_code, request`;

export const actionOf = (row: StoredAction): ActionRow => ({
  key: row.key,
  alarmId: row.alarm_id,
  nodeId: row.node_id,
  nodeName: row.request.nodeName,
  kind: row.kind,
  phase: row.request.phase,
  deviceId: row.request.deviceId,
  params: row.request.params,
  alarm: row.request.alarm,
  requestedAt: row.requested_at,
  deadlineAt: row.deadline_at,
  status: row.status,
  attempts: row.attempts,
  summary: row.summary,
  errorCode: row.error_code,
  finishedAt: row.finished_at,
  durationMs: row.duration_ms,
});

/** Prefixed columns for statements with more than one table. */
const ofTable = (table: string): string => actionColumns.replace(/\w+/g, (column) => `${table}.${column}`);

interface Claim {
  key: string;
  at: number;
}

const LARGEST_GROUP = 64;

export interface ActionLookup {
  /** A row as it is on disk; null: there is none. */
  action(key: string): Promise<ActionRow | null>;
}

export function createActionRecord(database: Database, writer: Writer): ActionRecord & ActionLookup {
  /** One atomic statement for all claims that arrive together. */
  async function claim(claims: Claim[]): Promise<PromiseSettledResult<ActionRow | null>[]> {
    const latest = new Map(claims.map((one) => [one.key, one]));
    const rows = await database
      .query<StoredAction>(
        `UPDATE alarmflow.actions t SET status = 'running', attempts = t.attempts + 1, started_at = ceil(x.at)
           FROM jsonb_to_recordset($1::jsonb) x(key text, at numeric)
          WHERE t.key = x.key AND t.status IN ('queued', 'retrying', 'running')
          RETURNING ${ofTable('t')}`,
        [JSON.stringify([...latest.values()])],
      )
      .catch((thrown: unknown) => {
        throw writeError(thrown);
      });
    const found = new Map(rows.map((row) => [row.key, actionOf(row)]));
    return claims.map((one) => {
      const row = found.get(one.key) ?? null;
      // Whoever claims the same key in the same moment gets nothing: one attempt has one taker.
      found.delete(one.key);
      return { status: 'fulfilled', value: row };
    });
  }
  const claims = createGroups<Claim, ActionRow | null>(claim, LARGEST_GROUP);

  return {
    claimAction(key, at) {
      writer.newActions.take(key);
      return claims.add({ key, at });
    },
    takeNewAction: (key) => writer.newActions.take(key),
    settleAction: (key, outcome) => writer.commit({ settlements: [{ key, ...outcome }] }),
    async action(key) {
      const rows = await database.query<StoredAction>(`SELECT ${actionColumns} FROM alarmflow.actions WHERE key = $1`, [
        plainText(key),
      ]);
      return rows[0] ? actionOf(rows[0]) : null;
    },
    async openActions(limit) {
      const rows = await database.query<StoredAction>(
        `SELECT ${actionColumns} FROM alarmflow.actions WHERE status IN ('queued', 'running', 'retrying')
          ORDER BY requested_at, key LIMIT $1`,
        [limit],
      );
      return rows.map(actionOf);
    },
    async requeueAction(key, deadlineAt) {
      const rows = await database.query<StoredAction>(
        `UPDATE alarmflow.actions SET status = 'queued', attempts = 0, deadline_at = $2, started_at = NULL,
                finished_at = NULL, duration_ms = NULL, summary = NULL, error_code = NULL
          WHERE key = $1 AND status IN ('failed', 'expired') RETURNING ${actionColumns}`,
        [key, Math.ceil(deadlineAt)],
      );
      return rows[0] ? actionOf(rows[0]) : null;
    },
  };
}
