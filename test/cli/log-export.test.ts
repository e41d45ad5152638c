import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import express from 'express';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type LogExportOptions, logExportCommand } from '../../engine/cli/log-export';
import { systemClock } from '../../engine/clock/system-clock';
import { asAlarmflowError } from '../../engine/domain/errors';
import { silentLog } from '../../engine/domain/log';
import { addLogRoutes } from '../../engine/host/api/log-routes';
import { openStore, type Store } from '../../engine/store';
import { anAlarm, aRow, RAISED } from '../actions/action-bench';
import { temporaryFolder } from '../support/temporary-folder';

let data: string;
let store: Store;
let server: Server;
let tokens: unknown[];
/** Stands before the route, for sites that do otherwise. */
let before: express.RequestHandler;

beforeAll(async () => {
  data = await temporaryFolder();
  store = await openStore({ dataDir: join(data, 'record'), databaseUrl: null, clock: systemClock, log: silentLog });
  const alarms = Array.from({ length: 3 }, (_, day) =>
    anAlarm({
      id: `alarm-${day}`,
      raisedAt: RAISED + day * 86_400_000,
      type: day === 1 ? 'motion' : 'temperature-alarm',
      deviceName: '=HYPERLINK("x")',
    }),
  );
  const actions = alarms.map((alarm, at) =>
    aRow('email', {}, { key: `${alarm.id}:mail`, alarmId: alarm.id, status: at === 2 ? 'failed' : 'done' }),
  );
  await store.commit({ alarms, actions });
}, 60_000);
afterAll(() => store.close());

beforeEach(async () => {
  tokens = [];
  before = (_request, _response, next) => next();
  const api = express.Router();
  addLogRoutes(api, { reader: store, need: () => (_request, _response, next) => next() });
  const app = express();
  app.use((request, response, next) => {
    tokens.push(request.headers.authorization);
    before(request, response, next);
  });
  app.use('/api/v1', api);
  app.use(((thrown, _request, response, _next) => {
    const { code, message } = asAlarmflowError(thrown);
    response.status(400).json({ error: { code, message } });
  }) as express.ErrorRequestHandler);
  server = createServer(app);
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo;
  await writeFile(join(data, 'alarmflow.lock'), JSON.stringify({ url: `http://127.0.0.1:${port}` }));
  await writeFile(join(data, 'cli-token'), 'secret\n');
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((done) => server.close(done));
});

async function exported(options: Partial<LogExportOptions> = {}, signal = new AbortController().signal) {
  const out = new PassThrough();
  const read = text(out);
  await logExportCommand({ data, what: 'alarms', format: 'jsonl', ...options }, out, signal);
  out.end();
  return read;
}
const ids = (lines: string): string[] => lines.split('\n').flatMap((line) => (line ? [JSON.parse(line).id] : []));

describe('alarmflow log export', () => {
  it('writes the alarms of the running site as JSON lines to standard output, by its own token', async () => {
    expect(ids(await exported())).toEqual(['alarm-0', 'alarm-1', 'alarm-2']);
    expect(tokens).toEqual(['Bearer secret']);
  });

  it('writes CSV of which no cell is a formula, into a file that its owner alone can read', async () => {
    const out = join(data, 'alarms.csv');
    expect(await exported({ format: 'csv', out })).toBe('');
    const lines = (await readFile(out, 'utf8')).split('\r\n');
    expect(lines).toHaveLength(5);
    expect(lines[0]).toMatch(/^\ufeff"alarm","raised"/);
    expect(lines[1]).toContain('"\'=HYPERLINK(""x"")"');
    expect((await stat(out)).mode & 0o777).toBe(0o600);
  });

  it.each([
    [{ from: '2026-11-22T00:00:00Z', to: '2026-11-23T00:00:00Z' }, ['alarm-1']],
    [{ type: 'motion' }, ['alarm-1']],
    [{ device: 'nowhere' }, []],
    [{ from: '2030-01-01' }, []],
  ])('takes only %j', async (options, found) => {
    expect(ids(await exported(options))).toEqual(found);
  });

  it('writes actions by kind and status', async () => {
    const lines = await exported({ what: 'actions', kind: 'email', status: 'failed' });
    expect(lines.trim().split('\n')).toHaveLength(1);
    expect(JSON.parse(lines)).toMatchObject({ key: 'alarm-2:mail', status: 'failed' });
  });

  it('refuses a time that is none, and what the site refuses, with the reason', async () => {
    await expect(exported({ from: 'yesterday' })).rejects.toMatchObject({
      code: 'E_BAD_OPTION',
      family: 'user',
      message: expect.stringContaining('--from "yesterday" is no time'),
    });
    expect(tokens).toEqual([]);
    await expect(exported({ what: 'secrets' })).rejects.toMatchObject({ family: 'user' });
  });

  it('says that no alarmflow runs on a folder without one', async () => {
    const idle = join(data, 'idle');
    await mkdir(idle);
    await expect(exported({ data: idle })).rejects.toMatchObject({ code: 'E_NOT_RUNNING' });
  });

  it('says that an export that broke off is not whole', async () => {
    before = (_request, response) => {
      response.writeHead(200, { 'content-type': 'text/csv' });
      response.write('"alarm"\r\n');
      setImmediate(() => response.destroy());
    };
    await expect(exported({ out: join(data, 'half.csv') })).rejects.toMatchObject({
      code: 'E_EXPORT_BROKEN',
      message: expect.stringContaining('half.csv is not whole'),
    });
  });

  it('ends at once when it is interrupted', async () => {
    const stop = new AbortController();
    before = (_request, response) => {
      response.writeHead(200, { 'content-type': 'text/csv' });
      response.write('"alarm"\r\n');
      setImmediate(() => stop.abort(new Error('interrupted')));
    };
    await expect(exported({}, stop.signal)).rejects.toThrow('interrupted');
  });
});
