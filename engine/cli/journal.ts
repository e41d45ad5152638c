/** Recorded events and the deployed flow: from the alarmflow that runs on a data folder, or from the folder itself. */
import { existsSync } from 'node:fs';
import { systemClock } from '../clock/system-clock';
import { AlarmflowError, userError } from '../domain/errors';
import type { DeviceEvent } from '../domain/events';
import type { AuditQuery, AuditRow, ExplainedEvent, RecordReader } from '../domain/record';
import type { LoadedConfig } from '../host/config';
import { createLog } from '../log';
import { lockDatabase, lockDataDir, openStore } from '../store';
import { callSite, findRunningSite, type RunningSite } from './running-site';

export interface Journal {
  /** Events received from `from` to before `to` (wall milliseconds), oldest first. */
  events(from: number, to: number): AsyncIterable<DeviceEvent>;
  /** Orders given from `from` to before `to`, oldest first. */
  orders(from: number, to: number): AsyncIterable<AuditRow>;
  /** Orders given before `at`, newest first. */
  ordersBefore(at: number): AsyncIterable<AuditRow>;
  /** What the editor has deployed. @throws E_NO_FLOW (user) */
  deployedFlow(): Promise<unknown>;
  close(): Promise<void>;
}

const PAGE = 1_000;

/** Ids begin with their time: 9 characters of base 36, see `sortableId`. */
const idBefore = (at: number): string => Math.max(0, Math.floor(at)).toString(36).padStart(9, '0');

type Page = (after: string) => Promise<ExplainedEvent[]>;

/** What was received in order may have been recorded a little out of order: ids are from the recording. */
const DISORDER_MS = 60_000;

async function* eventsOf(page: Page, from: number, to: number): AsyncGenerator<DeviceEvent> {
  const end = idBefore(to + DISORDER_MS);
  let next: Promise<ExplainedEvent[]> | null = page(idBefore(from));
  while (next !== null) {
    const entries: ExplainedEvent[] = await next;
    // Newest first, as the console wants them.
    const last = entries[0]?.event.id;
    // The next page is fetched while this one is worked on: the record has a processor of its own.
    next = last !== undefined && last < end && entries.length === PAGE ? page(last) : null;
    // Should nobody come back for it, its failure is nobody's matter.
    next?.catch(() => undefined);
    for (const { event } of entries.toReversed())
      if (event.id < end && event.receivedAt >= from && event.receivedAt < to) yield event;
  }
}

type AuditPage = (query: AuditQuery) => Promise<AuditRow[]>;

async function* ordersOf(page: AuditPage, from: number, to: number): AsyncGenerator<AuditRow> {
  const end = idBefore(to + DISORDER_MS);
  for (let after = idBefore(from - DISORDER_MS); ; ) {
    const rows = await page({ limit: PAGE, orders: true, after });
    for (const row of rows.toReversed()) if (row.id < end && row.at >= from && row.at < to) yield row;
    const last = rows[0]?.id;
    if (last === undefined || last >= end || rows.length < PAGE) return;
    after = last;
  }
}

async function* ordersBefore(page: AuditPage, at: number): AsyncGenerator<AuditRow> {
  for (let before = idBefore(at + DISORDER_MS); ; ) {
    const rows = await page({ limit: PAGE, orders: true, before });
    for (const row of rows) if (row.at < at) yield row;
    const last = rows.at(-1)?.id;
    if (last === undefined || rows.length < PAGE) return;
    before = last;
  }
}

const noFlow = (): AlarmflowError =>
  userError('E_NO_FLOW', 'Nothing is deployed there yet: name the flow file instead of "deployed"');

function runningJournal(site: RunningSite): Journal {
  const page: AuditPage = async (query) => {
    const words = new URLSearchParams(Object.entries(query).map(([name, value]) => [name, String(value)]));
    const body = await callSite(site, `/api/v1/audit?${words}`);
    return ((await new Response(body).json()) as { audit: AuditRow[] }).audit;
  };
  return {
    orders: (from, to) => ordersOf(page, from, to),
    ordersBefore: (at) => ordersBefore(page, at),
    events: (from, to) =>
      eventsOf(
        async (after) => {
          const body = await callSite(
            site,
            `/api/v1/events?${new URLSearchParams({ after, limit: String(PAGE), decisions: 'false' })}`,
          );
          return ((await new Response(body).json()) as { events: ExplainedEvent[] }).events;
        },
        from,
        to,
      ),
    async deployedFlow() {
      const { flows } = (await new Response(await callSite(site, '/api/v1/flow')).json()) as { flows: unknown[] };
      if (flows.length === 0) throw noFlow();
      return flows;
    },
    close: async () => {},
  };
}

/** @throws E_DATA_LOCKED and others (user) when the folder is held by a process that does not answer */
export async function openJournal({ config }: LoadedConfig): Promise<Journal> {
  try {
    const site = await findRunningSite(config.data);
    await callSite(site, '/api/v1/session');
    return runningJournal(site);
  } catch (error) {
    // Nobody runs, or the lock is what a killed process has left: the record can be opened here.
    if (!(error instanceof AlarmflowError && ['E_NOT_RUNNING', 'E_NOT_REACHED'].includes(error.code))) throw error;
  }
  if (config.databaseUrl === null && !existsSync(config.data))
    throw userError(
      'E_NO_RECORD',
      `There is no data folder ${config.data}, so nothing is recorded: name the one that your alarmflow uses with --data`,
    );
  const log = createLog({ level: 'warn', format: config.logFormat });
  const opened: { release?(): Promise<void>; close?(): Promise<void> }[] = [];
  const close = async (): Promise<void> => {
    for (const part of opened.reverse()) await (part.close ?? part.release)?.();
  };
  try {
    opened.push(await lockDataDir(config.data, {}));
    if (config.databaseUrl !== null) opened.push(await lockDatabase(config.databaseUrl, systemClock, log));
    const store = await openStore({ dataDir: config.data, databaseUrl: config.databaseUrl, clock: systemClock, log });
    opened.push(store);
    const reader: RecordReader = store;
    return {
      orders: (from, to) => ordersOf((query) => reader.audit(query), from, to),
      ordersBefore: (at) => ordersBefore((query) => reader.audit(query), at),
      events: (from, to) => eventsOf((after) => reader.events({ after, limit: PAGE, decisions: false }), from, to),
      async deployedFlow() {
        const flows = await store.flowStorage.read('flows');
        if (!Array.isArray(flows) || flows.length === 0) throw noFlow();
        return flows;
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}
