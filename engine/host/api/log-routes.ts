/** GET /api/v1/log: alarms and actions by time and type, as a page to look at or whole as a file (L12). */
import type { RequestHandler, Response, Router } from 'express';
import { z } from 'zod';
import type { ActionKind, ActionStatus } from '../../domain/actions';
import { userError } from '../../domain/errors';
import { type LogReader, logSubjects } from '../../domain/log-search';
import { exportLog, logContentTypes, logFormats, placeOfAction, placeOfAlarm } from '../log-export';
import { plainSecurityHeaders } from '../replies';
import { countType, idType, parse } from './validation';

const momentType = z
  .string()
  .regex(/^\d{1,15}$/, 'milliseconds since 1970')
  .transform(Number);
const wordType = z
  .string()
  .max(200)
  .regex(/^[\w:. -]+$/, 'a plain word is needed');

const logQuery = z.strictObject({
  what: z.enum(logSubjects).default('alarms'),
  /** Absent: a page. */
  format: z.enum(logFormats).optional(),
  from: momentType.default(0),
  to: momentType.default(Number.MAX_SAFE_INTEGER),
  type: wordType.optional(),
  deviceId: idType.optional(),
  kind: wordType.optional(),
  status: wordType.optional(),
  /** `at,id` as the page before has told. */
  after: z
    .string()
    .max(400)
    .regex(/^\d{1,15},\P{Cc}+$/u, 'the "next" of the page before is needed')
    .transform((text) => ({ at: Number(text.slice(0, text.indexOf(','))), id: text.slice(text.indexOf(',') + 1) }))
    .optional(),
  limit: countType(1, 1_000, 100),
});

/** Exports at once; each reads the whole log. */
const MOST_EXPORTS = 4;

export function addLogRoutes(
  router: Router,
  { reader, need }: { reader: LogReader; need(role: 'viewer'): RequestHandler },
): void {
  let running = 0;

  async function sendFile(response: Response, name: string, contentType: string, parts: AsyncIterable<string>) {
    if (running >= MOST_EXPORTS)
      throw userError('E_TOO_MANY', `${MOST_EXPORTS} exports of the log are running already: wait until one is done`);
    running++;
    try {
      response.writeHead(200, {
        ...plainSecurityHeaders,
        'content-type': contentType,
        'content-disposition': `attachment; filename="${name}"`,
        'cache-control': 'no-store',
      });
      for await (const part of parts) {
        if (response.destroyed) return;
        if (!response.write(part))
          await new Promise<void>((resolve) => {
            response.once('drain', resolve);
            response.once('close', resolve);
          });
      }
      response.end();
    } catch (thrown) {
      // The head is out: only a broken transfer tells that the file is not whole.
      if (!response.headersSent) throw thrown;
      response.destroy();
    } finally {
      running--;
    }
  }

  router.get('/log', need('viewer'), async (request, response) => {
    const { what, format, limit, after, kind, status, ...span } = parse(logQuery, request.query, 'query');
    const query = {
      ...span,
      // What is no kind or status of ours finds nothing.
      ...(kind === undefined ? {} : { kind: kind as ActionKind }),
      ...(status === undefined ? {} : { status: status as ActionStatus }),
    };
    if (format !== undefined) {
      await sendFile(
        response,
        `alarmflow-${what}.${format}`,
        logContentTypes[format],
        exportLog(reader, what, format, query),
      );
      return;
    }
    const page = { ...query, limit, ...(after ? { after } : {}) };
    if (what === 'alarms') {
      const alarms = await reader.loggedAlarms(page);
      response.json({ alarms, next: nextOf(alarms.length === limit ? alarms.at(-1) : undefined, placeOfAlarm) });
    } else {
      const actions = await reader.loggedActions(page);
      response.json({ actions, next: nextOf(actions.length === limit ? actions.at(-1) : undefined, placeOfAction) });
    }
  });
}

/** What asks for the page behind this one; null: there is none. */
function nextOf<T>(last: T | undefined, placeOf: (row: T) => { at: number; id: string }): string | null {
  if (last === undefined) return null;
  const { at, id } = placeOf(last);
  return `${at},${id}`;
}
