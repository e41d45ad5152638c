import { userError } from '../domain/errors';
import type { Database } from './database';
import { schema1 } from './schema-1';
import { schema2 } from './schema-2';
import { schema3 } from './schema-3';
import { schema4 } from './schema-4';
import { schema5 } from './schema-5';
import { schema6 } from './schema-6';

/** One step from a layout to the next; steps are never changed once shipped, only added. */
export interface Migration {
  version: number;
  sql: string;
}

export const migrations: readonly Migration[] = [
  { version: 1, sql: schema1 },
  { version: 2, sql: schema2 },
  { version: 3, sql: schema3 },
  { version: 4, sql: schema4 },
  { version: 5, sql: schema5 },
  { version: 6, sql: schema6 },
];

/** Layout that this version of alarmflow works with. */
export const schemaVersion = migrations.at(-1)!.version;

/** Any number that no other program takes for its own lock. */
const LOCK = 7_261_903_318;

/**
 * Brings the record to a layout, the newest unless said otherwise. Several processes may do it at once.
 * Throws `E_SCHEMA_NEWER` (user) when a newer alarmflow has been here: going back is refused, it could lose data.
 */
export async function migrate(
  database: Database,
  now: number,
  upTo = schemaVersion,
  steps: readonly Migration[] = migrations,
): Promise<void> {
  const current = await versionOf(database);
  if (current === upTo) return;
  await database.transaction(async (query) => {
    await query('SELECT pg_advisory_xact_lock($1)', [LOCK]);
    await query('CREATE SCHEMA IF NOT EXISTS alarmflow');
    await query(
      'CREATE TABLE IF NOT EXISTS alarmflow.schema_version (version integer PRIMARY KEY, applied_at bigint NOT NULL)',
    );
    const [row] = await query<{ version: number | null }>(
      'SELECT max(version) AS version FROM alarmflow.schema_version',
    );
    const found = row?.version ?? 0;
    if (found > upTo) {
      throw userError(
        'E_SCHEMA_NEWER',
        `The record has layout ${found}, this alarmflow knows layouts up to ${upTo}: a newer version has written it; install that version again, or choose another data folder or database`,
        { facts: { found, known: upTo } },
      );
    }
    for (const step of steps) {
      if (step.version <= found || step.version > upTo) continue;
      // One statement at a time: inside a transaction both backends take only single statements.
      for (const statement of splitStatements(step.sql)) await query(statement);
      await query('INSERT INTO alarmflow.schema_version VALUES ($1, $2)', [step.version, now]);
    }
  });
}

async function versionOf(database: Database): Promise<number> {
  const [present] = await database.query<{ found: string | null }>(
    "SELECT to_regclass('alarmflow.schema_version')::text AS found",
  );
  if (!present?.found) return 0;
  const [row] = await database.query<{ version: number | null }>(
    'SELECT max(version) AS version FROM alarmflow.schema_version',
  );
  return row?.version ?? 0;
}

/** Statements of a migration: they end with a semicolon at the end of a line, bodies between $body$ marks are whole. */
function splitStatements(sql: string): string[] {
  const statements: string[] = [];
  let open = false;
  let text = '';
  for (const line of sql.split('\n')) {
    text += `${line}\n`;
    if (line.split('$body$').length % 2 === 0) open = !open;
    if (!open && line.trimEnd().endsWith(';')) {
      statements.push(text.trim());
      text = '';
    }
  }
  if (text.trim() !== '') statements.push(text.trim());
  return statements;
}
