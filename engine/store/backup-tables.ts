/** What a backup holds: the state the engine resumes from whole, of the history the newest part. */

export interface StateTable {
  name: string;
  /** Which of its rows belong to the state; all when absent. */
  only?: string;
}

/** Read in one transaction, so that it is one moment: alarms and their timers, leases and actions fit together. */
export const stateTables: readonly StateTable[] = [
  { name: 'gate_states' },
  { name: 'alarms', only: 'ended_at IS NULL' },
  { name: 'timers' },
  { name: 'flow_messages' },
  { name: 'actions', only: "status IN ('queued', 'running', 'retrying')" },
  { name: 'leases' },
  { name: 'outputs' },
  { name: 'standing' },
  { name: 'settings' },
  { name: 'users' },
  { name: 'flow_storage' },
];

export interface HistoryTable {
  name: string;
  only?: string;
  /** Sort key, newest last; the pages follow it downwards. */
  order: string;
  /** Newest rows that are taken. */
  rows: number;
}

export const historyTables: readonly HistoryTable[] = [
  { name: 'events', order: 'id', rows: 20_000 },
  { name: 'decisions', order: 'id', rows: 40_000 },
  { name: 'alarms', only: 'ended_at IS NOT NULL', order: 'id', rows: 5_000 },
  { name: 'actions', only: "status NOT IN ('queued', 'running', 'retrying')", order: 'key', rows: 5_000 },
  { name: 'audit', order: 'id', rows: 20_000 },
  { name: 'media', order: 'id', rows: 50_000 },
  { name: 'alarm_media', order: 'media_id', rows: 50_000 },
  { name: 'mails', order: 'id', rows: 500 },
];

/** Every table of the record, for checks and restores. */
export const tableNames: readonly string[] = [
  ...new Set([...stateTables, ...historyTables].map((table) => table.name)),
];
