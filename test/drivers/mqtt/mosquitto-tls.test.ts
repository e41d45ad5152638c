import { execFileSync, spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { connectAsync } from 'mqtt';
import { afterEach, describe, expect, vi } from 'vitest';
import { createMqttDriver } from '../../../engine/drivers/mqtt';
import { closeDrivers, closeLater, connectDriver, linkIs, never } from '../../support/connected-driver';
import { freePort } from '../../support/free-port';
import { mosquittoMissing } from '../../support/mosquitto';
import { until } from '../../support/recording-sink';
import { serverTest } from '../../support/server-test';
import { selfSigned } from '../../support/smtp-certificate';
import { pause } from '../../support/steady-clock';
import { temporaryFolder } from '../../support/temporary-folder';

// Far above what it takes: a machine on which others want to compute is slow, not wrong.
vi.setConfig({ testTimeout: 60_000 });

const certificate = selfSigned();
const missing = (): string | null =>
  mosquittoMissing() ?? (certificate === null ? 'openssl is not installed (Debian package "openssl")' : null);

const driver = createMqttDriver({ keepaliveS: 30, connectMs: 10_000, graceMs: 300, backoff: () => 100 });
const login = { user: 'flow', password: 'right pass:word' };

const speaksTls = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false });
    const end = (spoke: boolean): void => {
      socket.destroy();
      resolve(spoke);
    };
    socket.once('secureConnect', () => end(true));
    socket.once('error', () => end(false));
  });

/** A broker that speaks TLS alone, and asks for a password. */
async function broker(): Promise<number> {
  const folder = await temporaryFolder();
  const at = (name: string): string => join(folder, name);
  writeFileSync(at('key.pem'), certificate?.key ?? '', { mode: 0o600 });
  writeFileSync(at('cert.pem'), certificate?.cert ?? '');
  execFileSync('mosquitto_passwd', ['-b', '-c', at('passwords'), login.user, login.password], { stdio: 'ignore' });
  const port = await freePort();
  const lines = [
    `listener ${port} 127.0.0.1`,
    `certfile ${at('cert.pem')}`,
    `keyfile ${at('key.pem')}`,
    'allow_anonymous false',
    `password_file ${at('passwords')}`,
    'persistence false',
    'log_dest none',
    // Started by root, it would otherwise become a user that may not read its own folder.
    ...(process.getuid?.() === 0 ? ['user root'] : []),
  ];
  writeFileSync(at('mosquitto.conf'), `${lines.join('\n')}\n`);
  const mosquitto = spawn('/usr/sbin/mosquitto', ['-c', at('mosquitto.conf')], { stdio: 'ignore' });
  const ended = new Promise<void>((resolve) => mosquitto.once('exit', () => resolve()));
  closeLater(async () => {
    mosquitto.kill('SIGKILL');
    await ended;
  });
  for (let tries = 0; !(await speaksTls(port)); tries++) {
    if (tries > 200 || mosquitto.exitCode !== null) throw new Error(`mosquitto does not listen on port ${port}`);
    await pause(25);
  }
  return port;
}

describe('with mosquitto over TLS', () => {
  afterEach(closeDrivers);
  const things = 'topic Lamp command=lamp/set state=lamp/state';

  for (const version of ['3.1.1', '5'])
    serverTest(`logs in, reads and switches over MQTT ${version}`, missing, async () => {
      const port = await broker();
      const lamp = await connectAsync(`mqtts://127.0.0.1:${port}`, {
        username: login.user,
        password: login.password,
        rejectUnauthorized: false,
      });
      closeLater(() => lamp.endAsync(true));
      lamp.on('message', (_topic, payload) => void lamp.publish('lamp/state', payload, { qos: 1 }));
      await lamp.subscribeAsync('lamp/set', { qos: 1 });
      const { sink, connection } = connectDriver(driver, port, {
        tls: true,
        credentials: login,
        options: { things, version },
      });
      await until('online', linkIs(sink, 'online'));
      expect(await connection.setOutput('Lamp', true, never)).toBe(true);
      expect((await connection.probe(never)).warnings.join()).not.toContain('TLS');
    });

  serverTest('is refused with a wrong password, and says so', missing, async () => {
    const port = await broker();
    const { sink } = connectDriver(driver, port, { tls: true, credentials: { ...login, password: 'wrong' } });
    await until('refused', linkIs(sink, 'refused'));
  });

  serverTest('does not trust a certificate of nobody, and says so', missing, async () => {
    const port = await broker();
    const { connection } = connectDriver(
      driver,
      port,
      { tls: true, allowSelfSigned: false, credentials: login },
      false,
    );
    await expect(connection.probe(never)).rejects.toMatchObject({ code: 'E_DEVICE_TLS' });
  });

  serverTest('says that TLS may be wanted where it is not spoken', missing, async () => {
    const port = await broker();
    const { connection } = connectDriver(driver, port, { credentials: login }, false);
    await expect(connection.probe(never)).rejects.toThrow(/TLS/);
  });
});
