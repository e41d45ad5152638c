/** Searches alarms and actions by time and type, page by page behind the last one: a long log is never read at one go. */
import type { Alarm } from '../domain/alarms';
import type { LogQuery, LogReader } from '../domain/log-search';
import { actionColumns, actionOf } from './action-record';
import type { Database } from './database';
import { plainText } from './json-text';

const LARGEST_PAGE = 1_000;
const bounded = (limit: number): number => Math.min(LARGEST_PAGE, Math.max(1, Math.floor(limit) || 1));

/** Conditions with their parameters, numbered as they come; the span and the place behind the last one first. */
function conditionsOf(query: LogQuery, at: string, id: string) {
  const params: unknown[] = [Math.ceil(query.from), Math.ceil(query.to)];
  const texts = [`${at} >= $1`, `${at} < $2`];
  const add = (text: string, ...values: (string | number)[]): void => {
    const numbered = values.map((value) => `$${params.push(typeof value === 'string' ? plainText(value) : value)}`);
    texts.push(text.replace(/\?/g, () => numbered.shift()!));
  };
  if (query.after) add(`(${at}, ${id}) > (?::bigint, ?)`, Math.floor(query.after.at), query.after.id);
  return { add, params, where: () => `WHERE ${texts.join(' AND ')}` };
}

export const createLogReader = (database: Database): LogReader => ({
  async loggedAlarms(query) {
    const asked = conditionsOf(query, 'raised_at', 'id');
    if (query.type !== undefined) asked.add(`doc->>'type' = ?`, query.type);
    if (query.deviceId !== undefined) asked.add(`doc->>'deviceId' = ?`, query.deviceId);
    const rows = await database.query<{ doc: Alarm }>(
      `SELECT doc FROM alarmflow.alarms ${asked.where()} ORDER BY raised_at, id LIMIT ${bounded(query.limit)}`,
      asked.params,
    );
    return rows.map(({ doc }) => doc);
  },

  async loggedActions(query) {
    const asked = conditionsOf(query, 'requested_at', 'key');
    if (query.type !== undefined) asked.add(`request->'alarm'->>'type' = ?`, query.type);
    if (query.deviceId !== undefined)
      asked.add(`(request->>'deviceId' = ? OR request->'alarm'->>'deviceId' = ?)`, query.deviceId, query.deviceId);
    if (query.kind !== undefined) asked.add('kind = ?', query.kind);
    if (query.status !== undefined) asked.add('status = ?', query.status);
    const rows = await database.query<Parameters<typeof actionOf>[0]>(
      `SELECT ${actionColumns} FROM alarmflow.actions ${asked.where()}
        ORDER BY requested_at, key LIMIT ${bounded(query.limit)}`,
      asked.params,
    );
    return rows.map(actionOf);
  },
});
