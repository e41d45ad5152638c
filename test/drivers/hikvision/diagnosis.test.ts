import { createServer } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { hikvisionDriver } from '../../../engine/drivers/hikvision';
import { closeDrivers, closeLater, connectDriver, never } from '../../support/connected-driver';
import { hikvisionDevice } from '../../support/hikvision-device';
import { secureFront } from '../../support/secure-front';
import { selfSigned } from '../../support/smtp-certificate';

afterEach(closeDrivers);

/** null: there is no openssl to make one with. */
const certificate = selfSigned();

describe('the test of a device', () => {
  it.each([
    ['a device whose ISAPI is off', ['isapi-off'], 'E_ISAPI_OFF', /Switch ISAPI on/],
    ['something else', ['not-isapi'], 'E_NOT_ISAPI', /kind of device/],
    ['a user without rights', ['no-rights'], 'E_LOW_PRIVILEGE', /Remote: Parameters Settings/],
    ['a device that nobody has activated', ['not-activated'], 'E_NOT_ACTIVATED', /set a password/],
  ])('tells %s', async (_name, faults, code, words) => {
    const { connection } = await hikvisionDevice({ faults }, {}, { start: false });
    const error = await connection.probe(never).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code, message: expect.stringMatching(words) });
  });

  it('tells a wrong password and how many tries are left', async () => {
    const { connection } = await hikvisionDevice({}, {}, { start: false, password: 'wrong' });
    await expect(connection.probe(never)).rejects.toMatchObject({
      code: 'E_CREDENTIALS_REFUSED',
      message: expect.stringMatching(/4 more tries/),
    });
  });

  it('tells a locked account and the minutes that are left', async () => {
    const { connection } = await hikvisionDevice(
      { lockAfter: 1, lockMs: 25 * 60_000 },
      {},
      { start: false, password: 'wrong' },
    );
    await expect(connection.probe(never)).rejects.toMatchObject({
      code: 'E_ACCOUNT_LOCKED',
      family: 'operational',
      message: expect.stringMatching(/25 minutes/),
      facts: { minutes: 25 },
    });
  });

  it('tells a door that nobody opens', async () => {
    const { sim, connection } = await hikvisionDevice({}, {}, { start: false });
    await sim.close();
    await expect(connection.probe(never)).rejects.toMatchObject({ code: 'E_DEVICE_OFFLINE' });
  });

  it('tells HTTPS where there is none', async () => {
    const { sim } = await hikvisionDevice({}, {}, { start: false });
    const { connection } = connectDriver(hikvisionDriver, sim.port, { tls: true }, false);
    await expect(connection.probe(never)).rejects.toMatchObject({ code: 'E_DEVICE_TLS' });
  });

  it.skipIf(certificate === null && process.env.ALARMFLOW_REQUIRE_ALL !== '1').each([
    ['a certificate that is not trusted', true, /not trusted/],
    ['HTTPS where HTTP is set', false, /speaks HTTPS, not HTTP/],
  ])('tells %s (skipped without openssl)', async (_name, tls, words) => {
    expect(certificate).not.toBeNull();
    const { sim } = await hikvisionDevice({}, {}, { start: false });
    const front = await secureFront(certificate, () => sim.port);
    closeLater(front.close);
    const change = { tls, allowSelfSigned: false, credentials: { user: 'admin', password: 'simulated1' } };
    const { connection } = connectDriver(hikvisionDriver, front.port, change, false);
    await expect(connection.probe(never)).rejects.toMatchObject({
      code: 'E_DEVICE_TLS',
      message: expect.stringMatching(words),
    });
  });

  it('tells what does not even speak HTTP', async () => {
    const server = createServer((socket) => {
      socket.on('error', () => socket.destroy());
      socket.end('SSH-2.0-x\r\n', () => socket.destroy());
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    closeLater(() => new Promise((resolve) => server.close(() => resolve())));
    const address = server.address();
    const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
    const { connection } = connectDriver(hikvisionDriver, port, {}, false);
    await expect(connection.probe(never)).rejects.toMatchObject({ code: 'E_NOT_ISAPI' });
  });

  it('warns of rights that are missing and of a wrong clock', async () => {
    const { connection } = await hikvisionDevice({ faults: ['few-rights', 'wrong-clock'] }, {}, { start: false });
    const { warnings } = await connection.probe(never);
    expect(warnings).toEqual([
      expect.stringMatching(/no right to read \/ISAPI\/Event\/triggers/),
      expect.stringMatching(/clock is \d+ s slow/),
    ]);
  });
});

describe('what there is to choose from', () => {
  it('of a thermal camera', async () => {
    const { connection } = await hikvisionDevice(
      { faults: ['external-light'], subscribeEvent: true },
      {},
      { start: false },
    );
    const offers = await connection.offers?.(never);
    expect(offers).toMatchObject({
      channels: [
        { channel: 1, name: 'Camera 1' },
        { channel: 2, name: 'Thermal' },
      ],
      inputs: [{ input: '1' }, { input: '2' }],
      outputs: [{ output: '1' }, { output: '2' }],
      presets: [
        { channel: 1, preset: 1, name: 'Gate & yard' },
        { channel: 1, preset: 2, name: 'Preset 2' },
        { channel: 1, preset: 3, name: 'Preset 3' },
      ],
      rules: [
        { channel: 1, rule: '1', name: 'Fence', type: 'intrusion' },
        { channel: 1, rule: '4', name: 'Line 4', type: 'line-crossing' },
        { channel: 2, rule: '1', name: 'Press', type: 'temperature-alarm' },
        { channel: 2, rule: '2', name: 'Bearing', type: 'temperature-alarm' },
      ],
    });
    expect(offers?.eventTypes).toEqual(
      expect.arrayContaining(['motion', 'temperature-alarm', 'temperature-prealarm', 'fire', 'vendor:sparkDetection']),
    );
    expect(offers?.switches.map((s) => `${s.kind} ${s.name}`)).toEqual([
      'siren 1',
      'light 1',
      'light 2',
      'light external',
      'record 1',
      'record 2',
    ]);
  });

  it('of a recorder', async () => {
    const { connection } = await hikvisionDevice(
      { model: 'nvr', channels: 2, faults: ['triggers-refused'] },
      {},
      { start: false },
    );
    const offers = await connection.offers?.(never);
    expect(offers).toMatchObject({
      channels: [
        { channel: 1, name: 'IPCamera 1' },
        { channel: 2, name: 'IPCamera 2' },
      ],
      inputs: [{ input: '1' }, { input: '2' }, { input: '101' }, { input: '102' }],
      outputs: [{ output: '1' }, { output: '2' }, { output: 'proxy:101' }, { output: 'proxy:102' }],
      rules: [],
      presets: [],
    });
    expect(offers?.eventTypes).toEqual(expect.arrayContaining(['source-offline', 'motion', 'storage-fault']));
    expect(offers?.switches.map((s) => `${s.kind} ${s.name}`)).toEqual(['record 1', 'record 2']);
  });

  it('leaves out what a device has not got', async () => {
    const faults = ['no-siren', 'no-white-light', 'no-storage', 'thermal-rules-on-channel-1'];
    const { connection } = await hikvisionDevice({ faults, presets: 0 }, {}, { start: false });
    const offers = await connection.offers?.(never);
    expect(offers?.switches).toEqual([]);
    expect(offers?.presets).toEqual([]);
    expect(offers?.rules.filter((r) => r.type === 'temperature-alarm')).toMatchObject([{ channel: 2 }, { channel: 2 }]);
  });
});

describe('the driver’s settings', () => {
  it('are completed, and reading them twice changes nothing', () => {
    const once = hikvisionDriver.readOptions?.({ temperatures: true }) ?? {};
    expect(once).toMatchObject({ eventSource: 'auto', temperatureSeconds: 1, cameraSeconds: 20, temperatures: true });
    expect(hikvisionDriver.readOptions?.(once)).toEqual(once);
  });

  it.each([
    [{ nonsense: 1 }],
    [{ eventSource: 'carrier-pigeon' }],
    [{ heartbeatSeconds: 2.5 }],
    [{ heartbeatSeconds: 600 }],
    [{ temperatureSeconds: 0 }],
    [{ thermalChannel: 1.5 }],
    [{ eventTypes: 'motion, <x>' }],
    [{ normalLight: 'disco' }],
  ])('%o are refused', (options) => {
    expect(() => hikvisionDriver.readOptions?.(options)).toThrowError(
      expect.objectContaining({ code: 'E_DEVICE_OPTIONS' }),
    );
  });
});
