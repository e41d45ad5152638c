/** Runs the fault table of docs/actions/mqtt-out.md against mosquitto and a broker that is rude on demand. */
import { execFileSync, spawn } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { connectAsync } from 'mqtt';
import { afterEach, describe, expect, it } from 'vitest';
import { mqttLimits } from '../../engine/actions/mqtt/broker';
import type { ConnectedDevice } from '../../engine/domain/devices';
import { asAlarmflowError, operationalError } from '../../engine/domain/errors';
import type { MqttBroker } from '../../engine/domain/mqtt-broker';
import { createMqttDriver } from '../../engine/drivers/mqtt';
import { ActionBench, anAlarm, aRow, Camera } from '../actions/action-bench';
import { closeDrivers, connectDriver, linkIs } from '../support/connected-driver';
import { tablesIn } from '../support/doc-tables';
import { freePort } from '../support/free-port';
import { mosquittoMissing, startMosquitto } from '../support/mosquitto';
import { until } from '../support/recording-sink';
import { serverTest } from '../support/server-test';
import { selfSigned } from '../support/smtp-certificate';
import { temporaryFolder } from '../support/temporary-folder';

const table = tablesIn(readFileSync(join(__dirname, '../../docs/actions/mqtt-out.md'), 'utf8')).find(
  ({ section }) => section === 'Faults',
)!;
const PASSWORD = 'never told';
const certificate = selfSigned();
const usual = { ...mqttLimits };
const closers: (() => unknown)[] = [];
afterEach(async () => {
  Object.assign(mqttLimits, usual);
  for (const close of closers.splice(0).reverse()) await close();
  await closeDrivers();
});

const at = (port: number, fields: Partial<MqttBroker> = {}): MqttBroker => ({
  id: 'broker',
  name: 'Hall',
  host: '127.0.0.1',
  port,
  tls: false,
  authority: '',
  fingerprint: '',
  version: 5,
  clientId: '',
  credentials: null,
  ...fields,
});

/** A broker for one user, who may write below `open/` alone, over TLS if wanted. */
async function guarded(tls: boolean): Promise<number> {
  const folder = await temporaryFolder();
  const file = (name: string): string => join(folder, name);
  execFileSync('mosquitto_passwd', ['-b', '-c', file('passwords'), 'flow', PASSWORD], { stdio: 'ignore' });
  writeFileSync(file('acl'), 'user flow\ntopic readwrite open/#\n');
  writeFileSync(file('key.pem'), certificate?.key ?? '', { mode: 0o600 });
  writeFileSync(file('cert.pem'), certificate?.cert ?? '');
  const port = await freePort();
  const lines = [
    `listener ${port} 127.0.0.1`,
    ...(tls ? [`certfile ${file('cert.pem')}`, `keyfile ${file('key.pem')}`] : []),
    'allow_anonymous false',
    `password_file ${file('passwords')}`,
    `acl_file ${file('acl')}`,
    'persistence false',
    'log_dest none',
    ...(process.getuid?.() === 0 ? ['user root'] : []),
  ];
  writeFileSync(file('mosquitto.conf'), `${lines.join('\n')}\n`);
  const mosquitto = spawn('/usr/sbin/mosquitto', ['-c', file('mosquitto.conf')], { stdio: 'ignore' });
  const ended = new Promise<void>((done) => mosquitto.once('exit', () => done()));
  closers.push(async () => {
    mosquitto.kill('SIGKILL');
    await ended;
  });
  return port;
}

/** Identities of what came, by a reader of the broker; it asks until the broker is there. */
async function reader(broker: MqttBroker): Promise<Set<string>> {
  const ids = new Set<string>();
  const { tls, port, credentials } = broker;
  const login = credentials ? { username: credentials.user, password: credentials.password } : {};
  for (let tries = 0; ; tries++) {
    try {
      const client = await connectAsync(
        `${tls ? 'mqtts' : 'mqtt'}://127.0.0.1:${port}`,
        { ...login, rejectUnauthorized: false, reconnectPeriod: 200 },
        false,
      );
      client.on('error', () => undefined);
      closers.push(() => client.endAsync(true));
      client.on('message', (_topic, payload) => void ids.add(JSON.parse(payload.toString()).id));
      await client.subscribeAsync('open/#', { qos: 2 });
      return ids;
    } catch (thrown) {
      if (tries > 600) throw thrown;
      await new Promise((done) => setTimeout(done, 30));
    }
  }
}

/** What is one packet to it, and what it does with it. */
async function rude(answer: (packet: Buffer, socket: Socket) => void, greeting = ''): Promise<number> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket.on('error', () => undefined));
    if (greeting !== '') socket.write(greeting);
    socket.on('data', (packet) => answer(packet, socket));
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  closers.push(() => {
    for (const socket of sockets) socket.destroy();
    return new Promise((done) => server.close(done));
  });
  return (server.address() as { port: number }).port;
}

interface Scene {
  broken: MqttBroker | undefined;
  mend(): MqttBroker | undefined | Promise<MqttBroker>;
  ids: Set<string>;
  topic?: string;
  /** It never answers: the first try is given up sooner than on a site. */
  mute?: true;
  /** Another message has gone before and met the fault. */
  ahead?: true;
  /** Over the connection of a device: what it is while broken, and then. */
  device?: { broken: ConnectedDevice; mended(): Promise<ConnectedDevice> };
}

async function plain(broken: Partial<MqttBroker> & { port?: number }): Promise<Scene> {
  const mosquitto = await startMosquitto();
  closers.push(() => mosquitto.stop());
  const right = at(mosquitto.port);
  return { broken: { ...right, ...broken }, mend: () => right, ids: await reader(right) };
}

async function locked(broken: Partial<MqttBroker>, tls = false): Promise<Scene> {
  const fingerprint = tls ? new X509Certificate(certificate!.cert).fingerprint256 : '';
  const right = at(await guarded(tls), { tls, fingerprint, credentials: { user: 'flow', password: PASSWORD } });
  return { broken: { ...right, ...broken }, mend: () => right, ids: await reader(right) };
}

async function throughDevice(broken: ConnectedDevice): Promise<Scene> {
  const scene = await plain({});
  const port = scene.broken!.port;
  const driver = createMqttDriver({ keepaliveS: 5, connectMs: 2_000, graceMs: 300, backoff: () => 100 });
  return {
    ...scene,
    device: {
      broken,
      async mended() {
        const { connection, sink } = connectDriver(driver, port, {
          options: { things: 'topic Lamp command=l/set state=l' },
        });
        await until('online', linkIs(sink, 'online'));
        return connection;
      },
    },
  };
}

const away = (): ConnectedDevice =>
  Object.assign(new Camera('cam', 'Hall'), {
    publish: () => Promise.reject(operationalError('E_DEVICE_OFFLINE', '"Hall" is not connected: connecting')),
  });

const scenes: Record<string, () => Promise<Scene>> = {
  'broker away': async () => plain({ port: await freePort() }),
  'name unknown': () => plain({ host: 'nowhere..invalid' }),
  async 'broker frozen'() {
    const mosquitto = await startMosquitto();
    closers.push(() => mosquitto.stop());
    const right = at(mosquitto.port);
    const ids = await reader(right);
    mosquitto.freeze(true);
    return {
      broken: right,
      mend() {
        mosquitto.freeze(false);
        return right;
      },
      ids,
      mute: true,
    };
  },
  'closes at once': async () => plain({ port: await rude((_packet, socket) => void socket.destroy()) }),
  'takes it, closes before it confirms': async () =>
    plain({
      version: 4,
      // CONNECT is answered by CONNACK, PUBLISH by nothing.
      port: await rude((packet, socket) => {
        if (packet[0]! >> 4 === 1) socket.write(Buffer.from([0x20, 2, 0, 0]));
        else socket.destroy();
      }),
    }),
  'no MQTT at that port': async () => plain({ port: await rude(() => undefined, '220 mail.example.org ESMTP\r\n') }),
  'no login given': () => locked({ credentials: null }),
  'login refused': () => locked({ credentials: { user: 'flow', password: 'wrong' } }),
  async 'login refused, second message'() {
    return { ...(await locked({ credentials: { user: 'flow', password: 'wrong' } })), ahead: true };
  },
  'may not publish there (MQTT 5)': async () => ({ ...(await locked({})), topic: 'shut/alarms' }),
  'certificate of nobody': () => locked({ fingerprint: '' }, true),
  'another certificate than the pinned one': () => locked({ fingerprint: Array(32).fill('AB').join(':') }, true),
  'TLS wanted, none chosen': () => locked({ tls: false }, true),
  'device away': () => throughDevice(away()),
  'device that is no broker': () => throughDevice(new Camera('cam', 'Hall')),
  async 'broker deleted from the flow'() {
    const scene = await plain({});
    return { ...scene, broken: undefined };
  },
};

const aMessage = (brokerId: string | null, topic: string) =>
  aRow(
    'mqtt-publish',
    { brokerId, phases: ['raise'], topic, payload: '', format: 'json', qos: 1, retain: false, discovery: '' },
    { alarm: { ...anAlarm(), phase: 'raise' } },
  );

describe('docs/actions/mqtt-out.md', () => {
  it('has a scene for each fault, and no other', () => {
    expect(table.rows.map(([fault]) => fault)).toEqual(Object.keys(scenes));
  });

  for (const [fault, code, again, journal, then, messages] of table.rows)
    serverTest(`${fault}: ${code}`, mosquittoMissing, async () => {
      const scene = await scenes[fault!]!();
      const bench = new ActionBench();
      bench.mqttBroker = scene.broken;
      if (scene.device) bench.cameras.set('cam', scene.device.broken as Camera);
      const brokerId = scene.device ? null : 'broker';
      if (scene.mute) Object.assign(mqttLimits, { wholeMs: 2_000, connectMs: 1_500 });
      if (scene.ahead) await bench.run(aMessage(brokerId, 'open/alarms')).catch(() => undefined);
      const error = await bench.run(aMessage(brokerId, scene.topic ?? 'open/alarms')).then(
        () => null,
        (thrown: unknown) => asAlarmflowError(thrown),
      );
      Object.assign(mqttLimits, usual);
      expect(error?.code).toBe(code);
      expect(error?.family === 'operational' ? 'yes' : 'no').toBe(again);
      expect(error?.message).toContain(journal);
      expect(error?.message).not.toContain(PASSWORD);

      bench.mqttBroker = await scene.mend();
      if (scene.device) bench.cameras.set('cam', (await scene.device.mended()) as Camera);
      // A repetition of what the broker had taken already is the same message to its readers.
      const { status } = await bench.run(aMessage(brokerId, 'open/alarms'));
      expect(status).toBe(then);
      await until('the message', () => scene.ids.size >= Number(messages));
      expect(scene.ids.size).toBe(Number(messages));
    });
});
