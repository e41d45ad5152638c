import { afterEach, describe, expect, it, vi } from 'vitest';
import type { DeviceDefinition } from '../../../engine/domain/devices';
import {
  closeOnvif,
  connectedOnvif,
  onvifAt,
  onvifConnection,
  onvifDevice,
  onvifOnline,
} from '../../support/connected-onvif';
import { until } from '../../support/recording-sink';
import { secureFront } from '../../support/secure-front';
import { selfSigned } from '../../support/smtp-certificate';
import { pause } from '../../support/steady-clock';

// Far above what it takes: a machine on which others want to compute is slow, not wrong.
vi.setConfig({ testTimeout: 60_000 });

afterEach(closeOnvif);

/** null: there is no openssl to make one with. */
const certificate = selfSigned();

const limit = (): AbortSignal => AbortSignal.timeout(30_000);
const wrong: Partial<DeviceDefinition> = { credentials: { user: 'admin', password: 'wrong' } };

describe('the login', () => {
  it.each(['digest', 'token', 'both', 'none'] as const)('gets in where the device takes %s', async (login) => {
    const { sim, sink } = await connectedOnvif({ login });
    await until('online', onvifOnline(sink));
    expect(sim.state().logins.refused).toBe(0);
  });

  it.each(['digest', 'token'] as const)('gets in with the setting %s', async (login) => {
    const { sim, sink } = await connectedOnvif({ login: 'both' }, { options: { login } });
    await until('online', onvifOnline(sink));
    expect(sim.state().logins.refused).toBe(0);
  });

  it('writes the token in the time of a device whose clock is years off', async () => {
    const { sim, sink } = await connectedOnvif({ login: 'token', clockOffsetMs: -300_000_000_000 });
    await until('online', onvifOnline(sink));
    expect(sim.state().logins.refused).toBe(0);
  });

  it('reads the time once more when the device’s clock was set, before it calls the password wrong', async () => {
    const { sim, sink, connection } = await connectedOnvif({ login: 'token' });
    await until('online', onvifOnline(sink));
    sim.setClockOffset(3_600_000);
    expect(await connection.setOutput('000', true, limit())).toBe(true);
    expect(sink.links.map((l) => l.link)).not.toContain('refused');
    expect(sink.offsets.at(-1)).toBeGreaterThan(3_500_000);
  });

  it('understands a refusal without a challenge', async () => {
    const { sink } = await connectedOnvif({ login: 'token', faults: ['401-without-challenge'] });
    await until('online', onvifOnline(sink));
  });

  it.each(['digest', 'token', 'both'] as const)('tries a wrong password no more than twice over %s', async (login) => {
    const { sim, sink } = await connectedOnvif({ login }, wrong);
    await until('refused', () => sink.links.at(-1)?.link === 'refused');
    await pause(700);
    const { logins, webLogins } = sim.state();
    expect(logins.refused + webLogins.refused).toBeGreaterThanOrEqual(1);
    expect(logins.refused + webLogins.refused).toBeLessThanOrEqual(2);
    expect(Math.max(...sink.locks.map((l) => l ?? 0))).toBeGreaterThan(Date.now() + 30_000);
  });

  it.each(['digest', 'token'] as const)('notices a password that was changed on the device over %s', async (login) => {
    const { sim, sink } = await connectedOnvif({ login });
    await until('it knows the device', () => sink.factList.length === 1);
    sim.setPassword('another');
    await until('refused', () => sink.links.at(-1)?.link === 'refused');
    await pause(500);
    expect(sim.state().logins.refused).toBeLessThanOrEqual(2);
  });

  it('does not knock at an account that the device has locked', async () => {
    const { sim, sink, connection } = await connectedOnvif({ login: 'token', faults: ['account-locked'] });
    await until('refused', () => sink.links.at(-1)?.link === 'refused');
    expect(sink.links.at(-1)?.detail).toMatch(/locked the account/);
    expect(sink.locks.at(-1)).toBeGreaterThan(Date.now() + 25 * 60_000);
    await expect(connection.setOutput('000', true, limit())).rejects.toMatchObject({ code: 'E_ACCOUNT_LOCKED' });
    expect(sim.state().requests.GetServices).toBeGreaterThan(0);
    expect(sim.state().requests.SetRelayOutputState).toBeUndefined();
  });

  it('asks for a login where none was entered', async () => {
    const { sink } = await connectedOnvif({ login: 'token' }, { credentials: null });
    await until('refused', () => sink.links.at(-1)?.link === 'refused');
    expect(sink.links.at(-1)?.detail).toMatch(/asks for a user and a password/);
  });
});

describe('the test connection', () => {
  const probe = async (options: Parameters<typeof onvifDevice>[0], change: Partial<DeviceDefinition> = {}) => {
    const sim = await onvifDevice(options);
    const { connection } = onvifConnection(onvifAt(sim.port, change));
    return { sim, told: connection.probe(limit()) };
  };

  it('tells what the device is and what to mend', async () => {
    const { told } = await probe({ faults: ['monostable'], clockOffsetMs: -7_200_000, channels: 2, model: 'X1' });
    expect(await told).toMatchObject({
      model: 'alarmflow X1',
      serialNumber: 'SIM0007',
      inputs: 2,
      outputs: 2,
      channels: 2,
      hasPtz: true,
      hasThermal: true,
      warnings: [
        expect.stringMatching(/clock is 7(199|200|201) s behind/),
        expect.stringMatching(/000 falls back by itself after 0.2 s/),
        expect.stringMatching(/001/),
      ],
    });
  });

  it.each(['fault-in-200', 'fault-in-500', 'soap-1.1-faults', 'one-byte-chunks'])(
    'works with the fault %s',
    async (fault) => {
      const { told } = await probe({ faults: [fault], login: 'token' });
      expect(await told).toMatchObject({ outputs: 2 });
    },
  );

  const refusals: [string, Parameters<typeof onvifDevice>[0], Partial<DeviceDefinition>, RegExp, string][] = [
    [
      'a wrong password over Digest',
      { login: 'digest' },
      wrong,
      /refused the user or password/,
      'E_CREDENTIALS_REFUSED',
    ],
    [
      'a wrong password over a token',
      { login: 'token' },
      wrong,
      /refused the user or password/,
      'E_CREDENTIALS_REFUSED',
    ],
    ['a missing ONVIF user', { faults: ['separate-users'] }, {}, /add an ONVIF user/, 'E_ONVIF_USER'],
    [
      'a wrong password where ONVIF users are separate',
      { faults: ['separate-users'] },
      wrong,
      /refused the user or password/,
      'E_CREDENTIALS_REFUSED',
    ],
    [
      'a locked account',
      { faults: ['account-locked'], login: 'token' },
      {},
      /has locked the account/,
      'E_ACCOUNT_LOCKED',
    ],
    ['no login entered', { login: 'digest' }, { credentials: null }, /user and a password/, 'E_CREDENTIALS_MISSING'],
    ['a device without ONVIF', { faults: ['html-404'] }, {}, /speaks no ONVIF.*web page/, 'E_NOT_ONVIF'],
    ['HTTPS asked of HTTP', {}, { tls: true }, /speaks HTTP, not HTTPS/, 'E_DEVICE_TLS'],
    ['nothing that listens', {}, { port: 1 }, /can't be reached/, 'E_DEVICE_OFFLINE'],
  ];
  it.each(refusals)('tells %s', async (_name, options, change, message, code) => {
    const { sim, told } = await probe(options, change);
    await expect(told).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
    expect(sim.state().logins.refused + sim.state().webLogins.refused).toBeLessThanOrEqual(2);
  });

  it.skipIf(certificate === null && process.env.ALARMFLOW_REQUIRE_ALL !== '1').each([
    ['HTTPS where HTTP is set', false, /speaks HTTPS, not HTTP/],
    ['a certificate that is not trusted', true, /not trusted/],
  ])('tells %s (skipped without openssl)', async (_name, tls, message) => {
    const sim = await onvifDevice();
    const front = await secureFront(certificate, () => sim.port);
    try {
      const { connection } = onvifConnection(onvifAt(front.port, { tls, allowSelfSigned: false }));
      const told = connection.probe(limit());
      await expect(told).rejects.toMatchObject({ code: 'E_DEVICE_TLS', message: expect.stringMatching(message) });
    } finally {
      await front.close();
    }
  });

  it.each(['digest', 'token'] as const)('tells a user without rights from a wrong password over %s', async (login) => {
    const { connection, sink } = await connectedOnvif({ login, faults: ['low-privilege'] });
    await until('online', onvifOnline(sink));
    await expect(connection.setOutput('000', true, limit())).rejects.toMatchObject({ code: 'E_LOW_PRIVILEGE' });
    expect(sink.links.map((l) => l.link)).not.toContain('refused');
    expect(sink.locks).toEqual([]);
  });

  it('says on the running connection as well that only the ONVIF user is missing', async () => {
    const { sink } = await connectedOnvif({ faults: ['separate-users'] });
    await until('it is told', () => /add an ONVIF user/.test(sink.links.at(-1)?.detail ?? ''));
    expect(sink.links.at(-1)?.link).toBe('refused');
  });
});
