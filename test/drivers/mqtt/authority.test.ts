import { afterEach, describe, expect } from 'vitest';
import { mqttDriver, startMqttSimulator } from '../../../engine/drivers/mqtt';
import { closeDrivers, closeLater, connectDriver, never } from '../../support/connected-driver';
import { serverTest } from '../../support/server-test';
import { anAuthority } from '../../support/smtp-certificate';

const own = anAuthority();
const other = anAuthority();
const missing = (): string | null => (own && other ? null : 'openssl is not installed (Debian package "openssl")');

/** What the test of a device says of a broker whose certificate our authority has signed. */
async function probed(options: Record<string, unknown>, allowSelfSigned = false, host = '127.0.0.1') {
  const certificate = own?.issue(host, 1);
  if (!certificate) throw new Error('no certificate');
  const sim = await startMqttSimulator({ tls: certificate });
  closeLater(() => sim.close());
  const { connection } = connectDriver(mqttDriver, sim.port, { tls: true, allowSelfSigned, options }, false);
  return connection.probe(never);
}

describe('a broker with a certificate of an own authority', () => {
  afterEach(closeDrivers);

  serverTest('is trusted by that authority', missing, async () => {
    expect((await probed({ authority: `our own\n${own?.cert}` })).model).toContain('MQTT');
  });

  serverTest('is not trusted without it', missing, async () => {
    await expect(probed({})).rejects.toMatchObject({ code: 'E_DEVICE_TLS' });
  });

  serverTest('is not trusted by another, though any certificate would be accepted', missing, async () => {
    await expect(probed({ authority: other?.cert ?? '' }, true)).rejects.toMatchObject({ code: 'E_DEVICE_TLS' });
  });

  serverTest('is not trusted under another name', missing, async () => {
    await expect(probed({ authority: own?.cert ?? '' }, true, '192.0.2.1')).rejects.toMatchObject({
      code: 'E_DEVICE_TLS',
    });
  });

  serverTest('needs a whole certificate', missing, async () => {
    for (const authority of ['what is it', own?.cert.replace(/[A-Z]{4}/, 'x') ?? '', own?.cert.slice(0, -40) ?? ''])
      await expect(probed({ authority })).rejects.toMatchObject({ code: 'E_DEVICE_OPTIONS' });
  });
});
