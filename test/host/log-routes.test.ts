import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import express from 'express';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../engine/clock/system-clock';
import type { ActionRow } from '../../engine/domain/actions';
import { asAlarmflowError } from '../../engine/domain/errors';
import { silentLog } from '../../engine/domain/log';
import { addLogRoutes } from '../../engine/host/api/log-routes';
import { csvCell } from '../../engine/host/log-export';
import { openStore, type Store } from '../../engine/store';
import { anAlarm, aRow, RAISED } from '../actions/action-bench';
import { temporaryFolder } from '../support/temporary-folder';

let store: Store;
let url: string;
let role: string;
const closers: (() => unknown)[] = [];

const get = async (query: Record<string, string> = {}) => fetch(`${url}?${new URLSearchParams(query)}`);
interface Page {
  alarms: { id: string }[];
  actions: { key: string }[];
  next: string | null;
}
const jsonOf = async (query: Record<string, string> = {}) => (await get(query)).json() as Promise<Page>;

const KEPT = 1_203;
/** The period of the first so many alarms. */
const first = (count: number) => ({ to: String(RAISED + count * 60_000 - 1) });

/** Alarms a minute apart, each with one action. */
async function keep(count: number): Promise<void> {
  const alarms = Array.from({ length: count }, (_, at) =>
    anAlarm({
      id: `alarm-${String(at).padStart(5, '0')}`,
      raisedAt: RAISED + at * 60_000,
      type: at % 2 === 0 ? 'temperature-alarm' : 'motion',
      deviceId: at % 3 === 0 ? 'cam' : 'yard',
    }),
  );
  const actions: ActionRow[] = alarms.map((alarm) =>
    aRow(
      'email',
      {},
      {
        key: `${alarm.id}:mail:raise`,
        alarmId: alarm.id,
        alarm: { ...alarm, phase: 'raise' },
        deviceId: alarm.deviceId,
        requestedAt: alarm.raisedAt,
        status: alarm.type === 'motion' ? 'failed' : 'done',
        summary: 'mail to 2 receivers',
        finishedAt: alarm.raisedAt + 500,
        durationMs: 500.4,
      },
    ),
  );
  await store.commit({ alarms, actions });
}

describe('the log', () => {
  beforeAll(async () => {
    store = await openStore({
      dataDir: await temporaryFolder(),
      databaseUrl: null,
      clock: systemClock,
      log: silentLog,
    });
    closers.push(() => store.close());
    const app = express();
    addLogRoutes(app, {
      reader: store,
      need: (needed) => (_request, _response, next) => {
        role = needed;
        next();
      },
    });
    app.use(((thrown, _request, response, _next) => {
      response.status(400).json({ error: asAlarmflowError(thrown).message });
    }) as express.ErrorRequestHandler);
    const server = createServer(app);
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    closers.push(() => new Promise((done) => server.close(done)));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/log`;
    await keep(KEPT);
  });
  afterAll(async () => {
    for (const close of closers.splice(0).reverse()) await close();
  });

  it('is for everybody who may look at the console', async () => {
    await get();
    expect(role).toBe('viewer');
  });

  it('is searched by time, type, device, kind and outcome', async () => {
    const alarms = await jsonOf({
      type: 'motion',
      deviceId: 'yard',
      from: String(RAISED + 60_000),
      to: String(RAISED + 7 * 60_000),
    });
    expect(alarms.alarms.map(({ id }) => id)).toEqual(['alarm-00001', 'alarm-00005']);
    const actions = await jsonOf({
      ...first(12),
      what: 'actions',
      status: 'failed',
      kind: 'email',
      type: 'motion',
      deviceId: 'cam',
    });
    expect(actions.actions.map(({ key }) => key)).toEqual(['alarm-00003:mail:raise', 'alarm-00009:mail:raise']);
    expect((await jsonOf({ what: 'actions', kind: 'upload' })).actions).toEqual([]);
  });

  it.each(['alarms', 'actions'] as const)('is paged, %s each once', async (what) => {
    const seen: string[] = [];
    for (let after = ''; ; ) {
      const page = await jsonOf({ ...first(7), what, limit: '3', ...(after ? { after } : {}) });
      seen.push(...page[what].map((row) => ('id' in row ? row.id : row.key)));
      if (page.next === null) break;
      after = page.next;
    }
    expect(seen).toHaveLength(7);
    expect(new Set(seen).size).toBe(7);
  });

  it.each(['alarms', 'actions'])('is exported whole as JSON lines: %s', async (what) => {
    const answer = await get({ what, format: 'jsonl' });
    expect(answer.headers.get('content-disposition')).toBe(`attachment; filename="alarmflow-${what}.jsonl"`);
    const rows = (await answer.text())
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(rows).toHaveLength(KEPT);
    expect(new Set(rows.map((row) => row.id ?? row.key)).size).toBe(KEPT);
    expect(JSON.stringify(rows[0])).not.toContain('"raw"');
  });

  it('is exported for spreadsheets, with a head and the times in UTC', async () => {
    const text = await (await get({ ...first(2), what: 'actions', format: 'csv' })).arrayBuffer();
    const lines = Buffer.from(text).toString('utf8').split('\r\n');
    expect(lines[0]).toMatch(/^\ufeff"asked for","finished","action"/);
    expect(lines[1]).toContain('"2026-11-21T07:00:00.000Z"');
    expect(lines[1]).toContain('"mail to 2 receivers","",1,500'.replace('"",', ','));
    expect(lines).toHaveLength(4);
  });

  it.each([
    [{ what: 'secrets' }, 'what'],
    [{ format: 'xls' }, 'format'],
    [{ from: 'yesterday' }, 'from'],
    [{ limit: '1001' }, 'limit'],
    [{ after: 'x' }, 'after'],
    [{ type: "a' OR 1=1" }, 'type'],
    [{ other: '1' }, 'other'],
  ])('refuses %j', async (query, field) => {
    const answer = await get(query as unknown as Record<string, string>);
    expect(answer.status).toBe(400);
    expect(await answer.text()).toContain(field);
  });
});

describe('a cell of a spreadsheet', () => {
  it.each(['=1+1', '+1', '-1', '@SUM(A1)', ' =1', '\t=1', '\r=1', '|cmd', '＝1', '\u0000=1'])(
    'is no formula: %j',
    (text) => {
      expect(csvCell(text)).toMatch(/^"'/);
    },
  );

  it('is one field of one row whatever it holds', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const cell = csvCell(text);
        expect(cell.startsWith('"') && cell.endsWith('"')).toBe(true);
        expect(cell.slice(1, -1).replaceAll('""', '')).not.toContain('"');
        expect(cell).not.toMatch(/^"[=+\-@]/);
      }),
    );
  });

  it('keeps numbers numbers, and nothing nothing', () => {
    expect([csvCell(-3.5), csvCell(null), csvCell(undefined)]).toEqual(['-3.5', '', '']);
  });
});
