/** Devices that push, through the door of the built product: told where to push, answered as they want it. */
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type OnvifSimulator, startOnvifSimulator } from '../../engine/drivers/onvif';
import { type AlarmflowProcess, eventually, startAlarmflow } from '../support/alarmflow-process';
import { removeFolder } from '../support/remove-folder';

vi.setConfig({ testTimeout: 400_000 });

const login = { user: 'admin', password: 'a-password' };
let camera: OnvifSimulator;
let folder: string;
let site: AlarmflowProcess | null = null;

beforeEach(async () => {
  camera = await startOnvifSimulator({ ...login, faults: ['no-pull'] });
  folder = await mkdtemp(join(tmpdir(), 'alarmflow-e2e-'));
});

afterEach(async () => {
  await site?.kill();
  site = null;
  await camera.close();
  await removeFolder(folder);
});

const node = (id: string, change: Record<string, unknown>): Record<string, unknown> => ({
  id,
  type: 'alarmflow-device',
  name: `The ${id}`,
  version: 1,
  host: '',
  port: 80,
  tls: false,
  allowSelfSigned: false,
  receive: 'push',
  timeZone: '',
  pushFrom: '',
  ...change,
});

async function start(env: Record<string, string> = {}): Promise<AlarmflowProcess> {
  const flow = [
    node('gate', {
      driver: 'http-push',
      options: { methods: 'POST, GET', answerStatus: 202, answerType: 'application/json', answerBody: '{"ok":true}' },
    }),
    node('yard', { driver: 'onvif', host: '127.0.0.1', port: camera.port }),
  ];
  await writeFile(join(folder, 'flow.json'), JSON.stringify(flow));
  await writeFile(join(folder, 'credentials.json'), JSON.stringify({ yard: login }));
  site = await startAlarmflow({
    args: ['run', join(folder, 'flow.json'), '--credentials', join(folder, 'credentials.json'), '--port', '0'],
    dataDir: join(folder, 'data'),
    env,
  });
  return site;
}

const types = async (of: AlarmflowProcess): Promise<string[]> =>
  JSON.stringify(await of.api('/api/v1/events')).match(/"type":"[a-z:-]+"/g) ?? [];

describe('a site with devices that push', () => {
  it('answers a sender as it wants it, takes its GET and unpacks what it sends', async () => {
    const running = await start();
    const url = await running.ingestUrl('gate');
    const posted = await fetch(url, {
      method: 'POST',
      headers: { 'content-encoding': 'gzip', 'content-type': 'application/json' },
      body: new Uint8Array(gzipSync('{"type":"motion"}')),
    });
    expect(posted.status).toBe(202);
    expect(await posted.json()).toEqual({ ok: true });
    expect((await fetch(`${url}?type=loitering`)).status).toBe(202);
    await eventually('both events', async () => {
      const seen = await types(running);
      return seen.includes('"type":"motion"') && seen.includes('"type":"loitering"');
    });
    const bomb = new Uint8Array(gzipSync(Buffer.alloc(16 << 20)));
    expect((await fetch(url, { method: 'POST', headers: { 'content-encoding': 'gzip' }, body: bomb })).status).toBe(
      413,
    );
  });

  it('tells an ONVIF device its own ingest path, and gets its notifications there', async () => {
    const running = await start();
    await eventually('a subscription', () => camera.state().consumers.length === 1);
    expect(camera.state().consumers).toEqual([await running.ingestUrl('yard')]);
    camera.setInput('001', true);
    await eventually('the input', async () => (await types(running)).includes('"type":"digital-input"'));
    const secret = new URL(await running.ingestUrl('yard')).pathname;
    await running.kill('SIGTERM');
    expect(running.output()).not.toContain(secret);
  });

  it('tells it the address that the operator has set', async () => {
    const running = await start({ ALARMFLOW_PUBLIC_URL: 'http://127.0.0.1:9/proxy/' });
    await eventually('a subscription', () => camera.state().consumers.length === 1);
    const { pathname } = new URL(await running.ingestUrl('yard'));
    expect(camera.state().consumers).toEqual([`http://127.0.0.1:9/proxy${pathname}`]);
  });
});
