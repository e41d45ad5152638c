/** The first linkage from end to end, as a process of its own against a simulated camera and a real SMTP server. */
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { startHikvisionSimulator } from '../../engine/drivers/hikvision/simulator';
import type { ActionRow, Alarm } from '../../engine/host/console-api';
import { type AlarmflowProcess, eventually, startAlarmflow } from '../support/alarmflow-process';
import { freePort } from '../support/free-port';
import { DEVICE_NODE, deviceCredentials, linkageFlow, thermalAlert, writeFlowFiles } from '../support/linkage-flow';
import { postgresMissing, startPostgres } from '../support/postgres';
import { redisMissing, startRedis } from '../support/redis';
import { removeFolder } from '../support/remove-folder';
import { serverTest } from '../support/server-test';
import { openPostOffice, type PostOffice } from '../support/smtp-post-office';

// Every test starts a process with a database of its own.
vi.setConfig({ testTimeout: 400_000 });

type Simulator = Awaited<ReturnType<typeof startHikvisionSimulator>>;

let camera: Simulator;
let mails: PostOffice;
let dataDir: string;
let running: AlarmflowProcess[] = [];

beforeEach(async () => {
  camera = await startHikvisionSimulator({ ...deviceCredentials, model: 'thermal' });
  mails = await openPostOffice();
  dataDir = await mkdtemp(join(tmpdir(), 'alarmflow-e2e-'));
});

afterEach(async () => {
  await Promise.all(running.map((process) => process.kill()));
  running = [];
  await camera.close();
  await mails.close();
  await removeFolder(dataDir);
});

async function run(env: Record<string, string> = {}, options: Partial<Parameters<typeof linkageFlow>[0]> = {}) {
  const files = await writeFlowFiles(
    linkageFlow({ devicePort: camera.port, mailPort: mails.port, picture: 'event-or-snapshot', ...options }),
  );
  const process = await startAlarmflow({
    args: ['run', files.flowFile, '--credentials', files.credentialsFile, '--port', '0'],
    dataDir,
    env,
  });
  running.push(process);
  return process;
}

async function push(
  process: AlarmflowProcess,
  body: string | Uint8Array<ArrayBuffer>,
  contentType?: string,
): Promise<Response> {
  return await fetch(await process.ingestUrl(DEVICE_NODE), {
    method: 'POST',
    body,
    headers: contentType ? { 'content-type': contentType } : {},
  });
}

const relayIsOn = (): boolean => camera.state().outputs[0]!.on;

async function wholeLinkage(process: AlarmflowProcess): Promise<void> {
  expect((await push(process, thermalAlert({ rule: 1 }))).status).toBe(200);
  await eventually('the relay to turn on', relayIsOn);
  // A picture that is not there in time comes in an answer: the text does not wait for it.
  const pictures = () => mails.delivered.flatMap(({ mail }) => mail.attachments.map(({ mimeType }) => mimeType));
  await eventually('the mail with its picture', () => pictures().length > 0);
  const first = mails.delivered[0]!;
  expect(first.to).toEqual(['guard@test.example']);
  expect((await push(process, thermalAlert({ rule: 1, state: 'inactive', count: 2 }))).status).toBe(200);
  await eventually('the relay to turn off after the post-alarm', () => !relayIsOn());
  const { alarms } = await eventually('the alarm to end', async () => {
    const page = await process.api<{ alarms: Alarm[] }>('/api/v1/alarms?live=0');
    return page.alarms[0]?.endedAt ? page : null;
  });
  expect(alarms).toHaveLength(1);
  const actions = await eventually('all outcomes', async () => {
    const { actions } = await process.api<{ actions: ActionRow[] }>('/api/v1/actions');
    return actions.every(({ finishedAt }) => finishedAt !== null) ? actions : null;
  });
  expect(mails.delivered.slice(1).map(({ mail }) => mail.inReplyTo)).toEqual(
    first.mail.attachments.length > 0 ? [] : [first.mail.messageId],
  );
  expect(actions.map(({ kind, status }) => `${kind} ${status}`).sort()).toEqual([
    ...mails.delivered.map(() => 'email done'),
    'log done',
  ]);
  expect(pictures()).toEqual(['image/jpeg']);
}

describe('the first linkage', () => {
  it('turns a pushed thermal alarm into relay, mail with picture and log, and ends it after the post-alarm', async () => {
    await wholeLinkage(await run());
  });

  serverTest('is the same with PostgreSQL', postgresMissing, async () => {
    const server = await startPostgres();
    try {
      await wholeLinkage(await run({ DATABASE_URL: server.url }));
    } finally {
      await Promise.all(running.map((process) => process.kill('SIGTERM')));
      await server.stop();
    }
  });

  serverTest(
    'is the same with PostgreSQL and Redis',
    () => postgresMissing() ?? redisMissing(),
    async () => {
      const [server, redis] = await Promise.all([startPostgres(), startRedis()]);
      try {
        await wholeLinkage(await run({ DATABASE_URL: server.url, REDIS_URL: redis.url }));
      } finally {
        await Promise.all(running.map((process) => process.kill('SIGTERM')));
        await Promise.all([server.stop(), redis.stop()]);
      }
    },
  );

  it('turns the relay off after the post-alarm also when the process was killed in between', async () => {
    const first = await run({}, { postAlarmSeconds: 8 });
    await push(first, thermalAlert({ rule: 1 }));
    await eventually('the relay to turn on', relayIsOn);
    await push(first, thermalAlert({ rule: 1, state: 'inactive', count: 2 }));
    await first.kill('SIGKILL');
    expect(relayIsOn()).toBe(true);
    await run({}, { postAlarmSeconds: 8 });
    await eventually('the relay to turn off', () => !relayIsOn());
  });

  it('hears the alarm on the stream of the device as well', async () => {
    const process = await run({}, { receive: 'stream', picture: 'none' });
    await eventually('the stream to be open', () => camera.state().streams > 0);
    await camera.fire({ scene: 'thermal-alarm', rule: 4 });
    await eventually('the relay to turn on', relayIsOn);
    await camera.fire({ scene: 'thermal-alarm', rule: 4, state: 'inactive' });
    await eventually('the relay to turn off', () => !relayIsOn());
    expect(process.child.exitCode).toBeNull();
  });

  it('stops cleanly within five seconds of SIGTERM', async () => {
    const process = await run();
    const begun = performance.now();
    expect(await process.kill('SIGTERM')).toBe(0);
    expect(performance.now() - begun).toBeLessThan(5_000);
  });

  it('refuses a second start on the same data folder and names the process that holds it', async () => {
    const first = await run();
    await expect(run()).rejects.toThrow(new RegExp(`E_DATA_IN_USE|${first.child.pid}`));
    await expect(run()).rejects.toThrow(String(first.child.pid));
  });
});

describe('bad input', () => {
  it('is refused with a reason at the device door and disturbs nothing', async () => {
    const process = await run();
    const broken = await push(process, '<EventNotificationAlert><eventType>TMA</eventTy');
    expect(broken.status).toBe(400);
    expect(await broken.json()).toMatchObject({
      error: { code: expect.stringMatching(/^E_/), message: expect.any(String) },
    });
    expect(
      (await push(process, new Uint8Array(32 * 1024 * 1024), 'image/jpeg').catch(() => ({ status: 413 }))).status,
    ).toBe(413);
    expect((await fetch(new URL('/ingest/not-a-token', process.url), { method: 'POST', body: 'x' })).status).toBe(404);
    await wholeLinkage(process);
  });

  it('in a flow file keeps the site from starting and says what is wrong', async () => {
    const files = await writeFlowFiles([
      { id: 'a', type: 'tab' },
      { id: 'a', type: 'tab' },
    ]);
    await expect(startAlarmflow({ args: ['run', files.flowFile, '--port', '0'], dataDir })).rejects.toThrow(
      /E_FLOW_FILE/,
    );
  });

  it('an unknown node type is named', async () => {
    const files = await writeFlowFiles([
      { id: 't', type: 'tab' },
      { id: 'n', type: 'no-such-node', z: 't', wires: [] },
    ]);
    await expect(startAlarmflow({ args: ['run', files.flowFile, '--port', '0'], dataDir })).rejects.toThrow(
      /no-such-node/,
    );
  });

  it('an unreachable mail server costs only the mail, which an operator can send again', async () => {
    const port = await freePort();
    const process = await run({}, { mailPort: port, picture: 'none' });
    await push(process, thermalAlert({ rule: 1 }));
    await eventually('the relay to turn on', relayIsOn);
    const row = await eventually('the mail to be retrying', async () => {
      const { actions } = await process.api<{ actions: ActionRow[] }>('/api/v1/actions');
      return actions.find(({ kind, status }) => kind === 'email' && status === 'retrying');
    });
    expect(row.summary).toMatch(/127\.0\.0\.1/);
    await mails.close();
    mails = await openPostOffice({ port });
    // Between two tries is ever more time.
    await eventually('the mail to arrive after all', () => mails.delivered.length === 1, 90_000);
  });

  it('a wrong device password is tried at most twice and told', async () => {
    await camera.close();
    camera = await startHikvisionSimulator({ user: 'admin', password: 'another-password', model: 'thermal' });
    const process = await run({}, { receive: 'both' });
    const device = await eventually('the refusal', async () => {
      const answer = await process.api<{ devices: { status: { link: string; detail: string } }[] }>('/api/v1/devices');
      return answer.devices.find(({ status }) => status.link === 'refused');
    });
    expect(device.status.detail).toMatch(/password/i);
    expect(camera.state().logins.refused).toBeLessThanOrEqual(2);
    // The alarm still gets its mail; only the relay of that device cannot be switched.
    await push(process, thermalAlert({ rule: 1 }));
    await eventually('the mail', () => mails.delivered[0]);
    expect(camera.state().logins.refused).toBeLessThanOrEqual(2);
  });
});
