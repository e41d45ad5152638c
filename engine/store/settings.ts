import type { SettingsRecord } from '../domain/record';
import type { Database } from './database';
import { jsonText, plainText } from './json-text';

/** What Node-RED's storage keeps: one JSON value under each name. */
export interface FlowStorage {
  read(what: FlowStorageName): Promise<unknown | null>;
  write(what: FlowStorageName, value: unknown): Promise<void>;
}

export type FlowStorageName = 'flows' | 'credentials' | 'settings' | 'sessions' | `library:${string}`;

async function read<T>(database: Database, table: 'settings' | 'flow_storage', name: string): Promise<T | null> {
  const column = table === 'settings' ? 'name' : 'what';
  const rows = await database.query<{ value: T }>(`SELECT value FROM alarmflow.${table} WHERE ${column} = $1`, [
    plainText(name),
  ]);
  return rows[0]?.value ?? null;
}

async function write(
  database: Database,
  table: 'settings' | 'flow_storage',
  name: string,
  value: unknown,
): Promise<void> {
  const column = table === 'settings' ? 'name' : 'what';
  await database.query(
    `INSERT INTO alarmflow.${table} (${column}, value) VALUES ($1, $2::jsonb)
     ON CONFLICT (${column}) DO UPDATE SET value = excluded.value`,
    [plainText(name), jsonText(value)],
  );
}

export const createSettingsRecord = (database: Database): SettingsRecord => ({
  readSetting: <T>(name: string) => read<T>(database, 'settings', name),
  writeSetting: (name, value) => write(database, 'settings', name, value),
});

/**
 * Kept as text: jsonb sorts the fields of an object, and Node-RED takes a flow with its fields in another order for
 * another flow. After each restart every open editor met "a more recent set of flows", with conflicts that were none.
 */
export const createFlowStorage = (database: Database): FlowStorage => ({
  async read(what) {
    const value = await read<unknown>(database, 'flow_storage', what);
    return typeof value === 'string' ? JSON.parse(value) : value;
  },
  write: (what, value) => write(database, 'flow_storage', what, JSON.stringify(value)),
});
