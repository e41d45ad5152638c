/** `alarmflow log export`: alarms or actions on record as CSV or JSON lines, of the alarmflow that runs on a data folder. */
import { createWriteStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ReadableStream as NodeReadableStream } from 'node:stream/web';
import { parseIsoTime } from '../clock/clock';
import { operationalError, userError } from '../domain/errors';
import { callSite, findRunningSite } from './running-site';

export interface LogExportOptions {
  data: string;
  what: string;
  format: string;
  from?: string;
  to?: string;
  type?: string;
  device?: string;
  kind?: string;
  status?: string;
  /** Absent: standard output. */
  out?: string;
}

function moment(text: string, option: string): string {
  const at = parseIsoTime(/^\d{4}-\d{2}-\d{2}$/.test(text) ? `${text}T00:00:00` : text);
  if (at !== null) return String(at);
  throw userError('E_BAD_OPTION', `--${option} "${text}" is no time: write it as 2026-11-21 or 2026-11-21T08:00:00Z`);
}

export async function logExportCommand(
  options: LogExportOptions,
  write: NodeJS.WritableStream,
  signal: AbortSignal,
): Promise<void> {
  const site = await findRunningSite(options.data);
  const query = new URLSearchParams({ what: options.what, format: options.format });
  if (options.from) query.set('from', moment(options.from, 'from'));
  if (options.to) query.set('to', moment(options.to, 'to'));
  for (const [name, value] of [
    ['type', options.type],
    ['deviceId', options.device],
    ['kind', options.kind],
    ['status', options.status],
  ] as const)
    if (value) query.set(name, value);
  const body = Readable.fromWeb((await callSite(site, `/api/v1/log?${query}`, { signal })) as NodeReadableStream);
  try {
    if (options.out === undefined) await pipeline(body, write, { end: false });
    // Readable by its owner alone: a log says who was where.
    else await pipeline(body, createWriteStream(options.out, { mode: 0o600 }));
  } catch (cause) {
    if (signal.aborted) throw signal.reason;
    const where = options.out ?? 'standard output';
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw operationalError('E_EXPORT_BROKEN', `The export to ${where} is not whole: ${reason}`, { cause });
  }
}
