/** The log as CSV for spreadsheets or as JSON lines for machines, in parts as they are read from the record. */
import { isoTime } from '../clock/clock';
import type { ActionRow } from '../domain/actions';
import type { Alarm } from '../domain/alarms';
import type { LogQuery, LogReader, LogSubject } from '../domain/log-search';

export const logFormats = ['csv', 'jsonl'] as const;
export type LogFormat = (typeof logFormats)[number];

export const logContentTypes: Readonly<Record<LogFormat, string>> = {
  csv: 'text/csv; charset=utf-8',
  jsonl: 'application/x-ndjson; charset=utf-8',
};

type Cell = string | number | null | undefined;
type Columns<T> = readonly (readonly [name: string, cell: (row: T) => Cell])[];

const time = (at: number | null | undefined): string | null => (at === null || at === undefined ? null : isoTime(at));

const alarmColumns: Columns<Alarm> = [
  ['alarm', ({ id }) => id],
  ['raised', ({ raisedAt }) => time(raisedAt)],
  ['cleared', ({ clearedAt }) => time(clearedAt)],
  ['ended', ({ endedAt }) => time(endedAt)],
  ['end reason', ({ endReason }) => endReason],
  ['type', ({ type }) => type],
  ['level', ({ level }) => level],
  ['device', ({ deviceName }) => deviceName],
  ['device id', ({ deviceId }) => deviceId],
  ['channel', ({ channel }) => channel],
  ['input', ({ input }) => input],
  ['rule', ({ rule }) => rule],
  ['target', ({ target }) => target],
  ['trigger', ({ triggerName }) => triggerName],
  ['count', ({ count }) => count],
  ['temperature', ({ event }) => event?.temperature?.value],
  ['threshold', ({ event }) => event?.temperature?.threshold],
  ['unit', ({ event }) => event?.temperature?.unit],
  ['description', ({ event }) => event?.description],
  ['acknowledged', ({ acknowledgedAt }) => time(acknowledgedAt)],
  ['acknowledged by', ({ acknowledgedBy }) => acknowledgedBy],
  ['acknowledged as', ({ acknowledgedAs }) => acknowledgedAs],
];

const actionColumns: Columns<ActionRow> = [
  ['asked for', ({ requestedAt }) => time(requestedAt)],
  ['finished', ({ finishedAt }) => time(finishedAt)],
  ['action', ({ kind }) => kind],
  ['node', ({ nodeName, nodeId }) => nodeName || nodeId],
  ['phase', ({ phase }) => phase],
  ['status', ({ status }) => status],
  ['outcome', ({ summary }) => summary],
  ['error', ({ errorCode }) => errorCode],
  ['tries', ({ attempts }) => attempts],
  ['took ms', ({ durationMs }) => (durationMs === null ? null : Math.round(durationMs))],
  ['alarm', ({ alarmId }) => alarmId],
  ['alarm type', ({ alarm }) => alarm?.type],
  ['alarm device', ({ alarm }) => alarm?.deviceName],
  ['device id', ({ deviceId }) => deviceId],
  ['key', ({ key }) => key],
];

/**
 * One cell (RFC 4180). A text that a spreadsheet would take for a formula gets an apostrophe before it: names and
 * descriptions come from devices, and a formula can send what is beside it elsewhere.
 */
export function csvCell(cell: Cell): string {
  if (cell === null || cell === undefined) return '';
  if (typeof cell === 'number') return String(cell);
  // Blanks before it do not keep every spreadsheet from it.
  // biome-ignore lint/suspicious/noControlCharactersInRegex: some programs skip them
  const text = /^[\s\u0000-\u001f]*[=+\-@＝＋－＠|]|^[\t\r\n]/u.test(cell) ? `'${cell}` : cell;
  return `"${text.toWellFormed().replaceAll('\u0000', '').replaceAll('"', '""')}"`;
}

const csvLine = (cells: readonly Cell[]): string => `${cells.map(csvCell).join(',')}\r\n`;

/** Spreadsheets take a file without it for one of the old code pages. */
const BYTE_ORDER_MARK = '\ufeff';

const PAGE = 500;

/** The rows of the log, oldest first. */
async function* rowsOf<T>(
  page: (query: LogQuery) => Promise<T[]>,
  query: Omit<LogQuery, 'limit' | 'after'>,
  placeOf: (row: T) => NonNullable<LogQuery['after']>,
): AsyncGenerator<T[]> {
  let after: LogQuery['after'];
  for (;;) {
    const rows = await page({ ...query, limit: PAGE, ...(after ? { after } : {}) });
    if (rows.length > 0) yield rows;
    const last = rows.at(-1);
    if (last === undefined || rows.length < PAGE) return;
    after = placeOf(last);
  }
}

export const placeOfAlarm = ({ raisedAt, id }: Alarm) => ({ at: raisedAt, id });
export const placeOfAction = ({ requestedAt, key }: ActionRow) => ({ at: requestedAt, id: key });

/** The log in parts of some hundred lines. */
export async function* exportLog(
  reader: LogReader,
  subject: LogSubject,
  format: LogFormat,
  query: Omit<LogQuery, 'limit' | 'after'>,
): AsyncGenerator<string> {
  if (subject === 'alarms')
    yield* written(
      rowsOf((page) => reader.loggedAlarms(page), query, placeOfAlarm),
      format,
      alarmColumns,
    );
  else
    yield* written(
      rowsOf((page) => reader.loggedActions(page), query, placeOfAction),
      format,
      actionColumns,
    );
}

async function* written<T>(pages: AsyncIterable<T[]>, format: LogFormat, columns: Columns<T>): AsyncGenerator<string> {
  if (format === 'csv') yield `${BYTE_ORDER_MARK}${csvLine(columns.map(([name]) => name))}`;
  for await (const rows of pages)
    yield rows
      .map((row) => (format === 'csv' ? csvLine(columns.map(([, cell]) => cell(row))) : `${JSON.stringify(row)}\n`))
      .join('');
}
