import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectAsync } from 'mqtt';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { createMqttDriver } from '../../../engine/drivers/mqtt';
import { closeDrivers, closeLater, connectDriver, linkIs, never } from '../../support/connected-driver';
import { type Mosquitto, mosquittoMissing, startMosquitto } from '../../support/mosquitto';
import { until } from '../../support/recording-sink';

// Far above what it takes: a machine on which others want to compute is slow, not wrong.
vi.setConfig({ testTimeout: 60_000 });

const missing = mosquittoMissing();
if (missing && process.env.ALARMFLOW_REQUIRE_ALL === '1') throw new Error(missing);

/** Notices soon that a broker hangs. */
const driver = createMqttDriver({ keepaliveS: 1, connectMs: 5_000, graceMs: 300, backoff: () => 100 });
/** Has patience with a broker that waits for its turn on a busy machine. */
const patient = createMqttDriver({ keepaliveS: 30, connectMs: 10_000, graceMs: 300, backoff: () => 100 });

async function broker(login?: string): Promise<Mosquitto> {
  const started = await startMosquitto(login);
  closeLater(() => started.stop());
  return started;
}

/** A thing that follows its command and keeps its state on the broker. */
async function lamp(port: number) {
  const client = await connectAsync(`mqtt://127.0.0.1:${port}`, {
    will: { topic: 'lamp/up', payload: Buffer.from('offline'), retain: true, qos: 1 },
  });
  closeLater(() => client.endAsync(true));
  client.on('message', (topic, payload) => {
    if (topic === 'lamp/set') client.publish('lamp/state', payload.toString(), { retain: true, qos: 1 });
  });
  await client.subscribeAsync('lamp/set', { qos: 1 });
  await client.publishAsync('lamp/up', 'online', { retain: true, qos: 1 });
  return client;
}

const things = 'topic Lamp command=lamp/set state=lamp/state available=lamp/up\ntopic "Back door" state=doors/back';

describe.skipIf(missing)(`with mosquitto${missing ? ` (skipped: ${missing})` : ''}`, () => {
  afterEach(closeDrivers);

  it.each(['3.1.1', '5'])('reads and switches over MQTT %s', async (version) => {
    const { port } = await broker();
    const thing = await lamp(port);
    const { sink, connection } = connectDriver(patient, port, { options: { things, version, confirm: 10_000 } });
    await until('online', linkIs(sink, 'online'));
    expect(await connection.setOutput('Lamp', true, never)).toBe(true);
    await thing.publishAsync('doors/back', '1', { qos: 1 });
    await until('the door', () => sink.told().includes('digital-input start'));
  });

  it.each(['3.1.1', '5'])('takes retained messages for states over MQTT %s', async (version) => {
    const { port } = await broker();
    const thing = await lamp(port);
    await thing.publishAsync('doors/back', '1', { qos: 1, retain: true });
    const { sink } = connectDriver(patient, port, { options: { things, version } });
    await until('the door', () => sink.events.some((e) => e.draft.input === 'Back door'));
    expect(sink.events.find((e) => e.draft.input === 'Back door')?.draft.phase).toBe('snapshot');
  });

  it('hears the will of a thing that dies', async () => {
    const { port } = await broker();
    const thing = await lamp(port);
    const { sink } = connectDriver(patient, port, { options: { things } });
    await until('online', linkIs(sink, 'online'));
    await until('it is there', () => sink.told().includes('source-offline stop'));
    thing.stream.destroy();
    await until('it is gone', () => sink.told().includes('source-offline start'));
    expect(sink.links.at(-1)?.link).toBe('online');
  });

  it('leaves a will of its own', async () => {
    const { port } = await broker();
    const watcher = await lamp(port);
    const heard: string[] = [];
    watcher.on('message', (topic, payload) => void (topic === 'flow/state' && heard.push(payload.toString())));
    await watcher.subscribeAsync('flow/state');
    const { connection } = connectDriver(patient, port, { options: { things, statusTopic: 'flow/state' } });
    await until('online', () => heard.at(-1) === 'online');
    await connection.close();
    await until('offline', () => heard.at(-1) === 'offline');
  });

  it('notices a broker that is killed, and recovers when it is started again', async () => {
    const started = await broker();
    const { sink } = connectDriver(patient, started.port, { options: { things } });
    await until('online', linkIs(sink, 'online'));
    await started.stop('SIGKILL');
    await until('offline', linkIs(sink, 'offline'));
    await started.start();
    await until('online again', linkIs(sink, 'online'));
    const thing = await lamp(started.port);
    await thing.publishAsync('doors/back', 'ON', { qos: 1 });
    await until('the door', () => sink.told().includes('digital-input start'));
  });

  it('notices a broker that hangs with its connections open', async () => {
    const started = await broker();
    const { sink } = connectDriver(driver, started.port, { options: { things } });
    await until('online', linkIs(sink, 'online'));
    started.freeze(true);
    await until('offline', linkIs(sink, 'offline'));
    started.freeze(false);
    await until('online again', linkIs(sink, 'online'));
  });

  describe('and a login', () => {
    let login = '';
    beforeAll(() => {
      const folder = mkdtempSync(join(tmpdir(), 'alarmflow-mosquitto-'));
      const file = join(folder, 'passwords');
      execFileSync('mosquitto_passwd', ['-b', '-c', file, 'flow', 'right pass:word']);
      login = readFileSync(file, 'utf8').trim();
      rmSync(folder, { recursive: true });
    });

    it.each(['3.1.1', '5'])(
      'is refused with a wrong password and let in with the right one, MQTT %s',
      async (version) => {
        const { port } = await broker(login);
        const wrong = connectDriver(patient, port, {
          options: { version },
          credentials: { user: 'flow', password: 'x' },
        });
        await until('refused', linkIs(wrong.sink, 'refused'));
        const right = connectDriver(patient, port, {
          options: { version },
          credentials: { user: 'flow', password: 'right pass:word' },
        });
        await until('online', linkIs(right.sink, 'online'));
      },
    );
  });
});
