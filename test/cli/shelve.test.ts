import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ShelveOptions, shelveCommand, unshelveCommand } from '../../engine/cli/shelve';
import type { ShelfPage } from '../../engine/host/console-api';

const shelf: ShelfPage['shelves'][number] = {
  id: 's1',
  scope: 'trigger',
  subject: 't1',
  key: null,
  name: 'Door',
  at: 0,
  until: Date.UTC(2026, 10, 21, 13),
  oneShot: false,
  by: 'anna',
  reason: 'painters',
};

let folder: string;
let server: Server;
let asked: { method: string; url: string; body: unknown; token: string | undefined }[];
let answers: Record<string, { status: number; body: unknown }>;

beforeEach(async () => {
  asked = [];
  answers = {
    'GET /api/v1/alarms/a%2F1': { status: 200, body: { alarm: { id: 'a/1', triggerId: 't1', key: 'cam1|2|motion' } } },
  };
  server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      const text = Buffer.concat(parts).toString();
      const { method = '', url = '', headers } = request;
      asked.push({ method, url, body: text === '' ? null : JSON.parse(text), token: headers.authorization });
      const { status, body } = answers[`${method} ${url}`] ?? { status: 200, body: { shelves: [shelf] } };
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(JSON.stringify(body));
    });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  folder = await mkdtemp(join(tmpdir(), 'alarmflow-shelve-'));
  const { port } = server.address() as AddressInfo;
  await writeFile(join(folder, 'alarmflow.lock'), JSON.stringify({ url: `http://127.0.0.1:${port}` }));
  await writeFile(join(folder, 'cli-token'), 'secret');
});
afterEach(async () => {
  await new Promise((done) => server.close(done));
  await rm(folder, { recursive: true });
});

async function shelve(options: Partial<ShelveOptions>): Promise<string[]> {
  const lines: string[] = [];
  const plain = { scope: undefined, id: undefined, key: undefined, minutes: undefined };
  await shelveCommand({ data: folder, ...plain, oneShot: false, reason: '', json: false, ...options }, (line) =>
    lines.push(line),
  );
  return lines;
}

async function unshelve(id: string): Promise<string[]> {
  const lines: string[] = [];
  await unshelveCommand({ data: folder, id, json: false }, (line) => lines.push(line));
  return lines;
}

describe('alarmflow shelve', () => {
  it.each<[string, Partial<ShelveOptions>, object]>([
    [
      'a trigger for a time',
      { scope: 'trigger', id: 't1', minutes: '90', reason: 'painters' },
      { scope: 'trigger', id: 't1', minutes: 90, reason: 'painters' },
    ],
    ['an area once', { scope: 'area', id: 'Hall', oneShot: true }, { scope: 'area', id: 'Hall', oneShot: true }],
    ['a device for half a minute', { scope: 'device', id: 'cam1', minutes: '0.5' }, { scope: 'device', minutes: 0.5 }],
    [
      'a condition',
      { scope: 'condition', id: 't1', key: 'k', minutes: '5' },
      { scope: 'condition', id: 't1', key: 'k', minutes: 5 },
    ],
  ])('sends %s', async (_what, options, body) => {
    await shelve(options);
    expect(asked).toEqual([
      { method: 'POST', url: '/api/v1/shelves', body: expect.objectContaining(body), token: 'Bearer secret' },
    ]);
  });

  it('takes an alarm for its condition', async () => {
    await shelve({ scope: 'alarm', id: 'a/1', minutes: '60' });
    expect(asked.at(-1)?.body).toEqual({
      scope: 'condition',
      id: 't1',
      key: 'cam1|2|motion',
      minutes: 60,
      reason: '',
    });
  });

  it('prints what is shelved then, how long, by whom and why', async () => {
    expect(await shelve({ scope: 'trigger', id: 't1', minutes: '60' })).toEqual([
      's1  trigger Door, until 2026-11-21T13:00:00.000Z, by anna (painters)',
    ]);
  });

  it('lists what is shelved when nothing is named', async () => {
    answers['GET /api/v1/shelves'] = {
      status: 200,
      body: { shelves: [{ ...shelf, oneShot: true, reason: '' }] },
    };
    expect(await shelve({})).toEqual(['s1  trigger Door, until it has ended once, by anna']);
    answers['GET /api/v1/shelves'] = { status: 200, body: { shelves: [] } };
    expect(await shelve({})).toEqual(['Nothing is shelved.']);
    expect(await shelve({ json: true })).toEqual(['{"shelves":[]}']);
  });

  it.each<[string, Partial<ShelveOptions>]>([
    ['a subject without an id', { scope: 'trigger', minutes: '5' }],
    ['a subject that cannot be shelved', { scope: 'site', id: 'site', minutes: '5' }],
    ['neither a time nor "once"', { scope: 'trigger', id: 't1' }],
    ['both a time and "once"', { scope: 'trigger', id: 't1', minutes: '5', oneShot: true }],
    ['no time at all', { scope: 'trigger', id: 't1', minutes: '0' }],
    ['a time before now', { scope: 'trigger', id: 't1', minutes: '-5' }],
    ['a time that is no number', { scope: 'trigger', id: 't1', minutes: 'soon' }],
    ['a time without end', { scope: 'trigger', id: 't1', minutes: 'Infinity' }],
  ])('refuses %s before anything is sent', async (_what, options) => {
    await expect(shelve(options)).rejects.toMatchObject({ code: 'E_BAD_PARAMETER', family: 'user' });
    expect(asked).toEqual([]);
  });

  it("tells a refusal in the site's words", async () => {
    answers['POST /api/v1/shelves'] = {
      status: 404,
      body: { error: { code: 'E_UNKNOWN_SUBJECT', message: 'There is no trigger "t9"' } },
    };
    await expect(shelve({ scope: 'trigger', id: 't9', minutes: '5' })).rejects.toMatchObject({
      code: 'E_UNKNOWN_SUBJECT',
      message: 'There is no trigger "t9"',
    });
  });

  it('shelves nothing when the alarm that it names is unknown', async () => {
    answers['GET /api/v1/alarms/a9'] = {
      status: 404,
      body: { error: { code: 'E_UNKNOWN_ALARM', message: 'There is no alarm "a9"' } },
    };
    await expect(shelve({ scope: 'alarm', id: 'a9', minutes: '5' })).rejects.toMatchObject({ code: 'E_UNKNOWN_ALARM' });
    expect(asked.map(({ method }) => method)).toEqual(['GET']);
  });

  it('says that nothing runs where nothing does', async () => {
    await rm(join(folder, 'alarmflow.lock'));
    await expect(shelve({})).rejects.toMatchObject({ code: 'E_NOT_RUNNING' });
  });
});

describe('alarmflow unshelve', () => {
  it('takes the shelf away and prints what is left', async () => {
    answers['DELETE /api/v1/shelves/s%2F1'] = { status: 200, body: { shelves: [] } };
    expect(await unshelve('s/1')).toEqual(['Nothing is shelved.']);
    expect(asked).toEqual([{ method: 'DELETE', url: '/api/v1/shelves/s%2F1', body: null, token: 'Bearer secret' }]);
  });

  it("tells a refusal in the site's words", async () => {
    answers['DELETE /api/v1/shelves/s9'] = {
      status: 404,
      body: { error: { code: 'E_UNKNOWN_SHELF', message: 'There is no shelf "s9"' } },
    };
    await expect(unshelve('s9')).rejects.toMatchObject({ code: 'E_UNKNOWN_SHELF' });
  });
});
