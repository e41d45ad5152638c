import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { silentLog } from '../../../engine/domain/log';
import { dahuaDriver } from '../../../engine/drivers/dahua';
import { closeConnected, closers, prepared } from '../../support/connected-dahua';
import { deviceAt, recordingSink } from '../../support/recording-sink';
import { secureFront } from '../../support/secure-front';
import { selfSigned } from '../../support/smtp-certificate';
import { steadyClock } from '../../support/steady-clock';

afterEach(closeConnected);

/** null: there is no openssl to make one with. */
const certificate = selfSigned();

const signal = (): AbortSignal => AbortSignal.timeout(30_000);

describe('the question who it is', () => {
  it.each([
    ['nvr', { deviceType: 'NVR', model: 'SIM-NVR5216', channels: 4, inputs: 4, outputs: 2, hasThermal: false }],
    ['camera', { deviceType: 'IPC', channels: 1, hasPtz: true, hasThermal: false }],
    ['thermal', { deviceType: 'IPC', channels: 2, hasThermal: true }],
  ])('is answered by a device of the model %s', async (model, facts) => {
    const { connection } = await prepared({ model, inputs: 4 });
    expect(await connection.probe(signal())).toMatchObject({
      ...facts,
      serialNumber: '6F00SIM0PAZ00001',
      firmware: expect.stringContaining('2.840'),
      warnings: [],
    });
  });

  it('is answered by a device without PTZ', async () => {
    const { connection } = await prepared({ presets: 0 });
    expect((await connection.probe(signal())).hasPtz).toBe(false);
  });

  it.each([
    [['wrong-clock'], /clock is \d+ s slow.*NTP/],
    [['fast-clock'], /clock is \d+ s fast/],
    [['no-current-time'], /does not tell its time/],
    [['events-disabled'], /not to report events/],
    [['no-event-rights'], /may not read events/],
    [['motion-off'], /Motion detection is switched off on channel 1/],
  ])('warns of what should be mended: %j', async (faults, warning) => {
    const { connection } = await prepared({ faults });
    expect((await connection.probe(signal())).warnings).toEqual([expect.stringMatching(warning)]);
  });

  it('warns of outputs that stand on Off or Manual', async () => {
    const { sim, connection } = await prepared();
    sim.setConfig('AlarmOut[0].Mode', '2');
    sim.setConfig('AlarmOut[1].Mode', '1');
    expect((await connection.probe(signal())).warnings).toEqual([
      expect.stringMatching(/output 0 is set to Off/),
      expect.stringMatching(/output 1 is set to Manual/),
    ]);
  });
});

describe('the connection test', () => {
  it.each([
    ['a wrong password', {}, { credentials: { user: 'admin', password: 'no' } }, 'E_CREDENTIALS_REFUSED'],
    [
      'a locked account',
      { lockAfter: 1, faults: ['lock-words'] },
      { credentials: { user: 'admin', password: 'no' } },
      'E_ACCOUNT_LOCKED',
    ],
    ['no password', {}, { credentials: null }, 'E_CREDENTIALS_MISSING'],
    ['another maker’s device', { faults: ['other-maker'] }, {}, 'E_DEVICE_TYPE'],
    ['HTTPS asked of HTTP', {}, { tls: true }, 'E_DEVICE_TLS'],
    ['a port where nothing listens', {}, { port: 1 }, 'E_DEVICE_OFFLINE'],
  ])('tells %s', async (_name, options, change, code) => {
    const { connection } = await prepared(options, change);
    await expect(connection.probe(signal())).rejects.toMatchObject({ code });
  });

  it.skipIf(certificate === null && process.env.ALARMFLOW_REQUIRE_ALL !== '1')(
    'tells HTTPS where HTTP is set (skipped without openssl)',
    async () => {
      const { sim } = await prepared();
      const front = await secureFront(certificate, () => sim.port);
      closers.push(front.close);
      const { connection } = await prepared({}, { port: front.port });
      await expect(connection.probe(signal())).rejects.toMatchObject({
        code: 'E_DEVICE_TLS',
        message: expect.stringMatching(/speaks HTTPS, not HTTP/),
      });
    },
  );

  it('tells a user without rights', async () => {
    const answer: RequestListener = (_request, response) => {
      response.writeHead(403, { 'Content-Type': 'text/plain' }).end('Error\r\nNo permission!\r\n');
    };
    await expect(probeOf(answer)).rejects.toMatchObject({ code: 'E_LOW_PRIVILEGE' });
  });

  it.each([
    ['a page', 200, '<html>hello</html>'],
    ['an answer without a type', 200, 'hello=1\r\n'],
    ['404', 404, 'not here'],
  ])('tells a device of another kind that answers %s', async (_name, status, body) => {
    const answer: RequestListener = (_request, response) => void response.writeHead(status).end(body);
    await expect(probeOf(answer)).rejects.toMatchObject({ code: 'E_DEVICE_TYPE', family: 'user' });
  });

  async function probeOf(answer: RequestListener): Promise<unknown> {
    const server = createServer(answer);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    closers.push(() => new Promise((resolve) => void server.close(() => resolve())));
    const definition = deviceAt((server.address() as AddressInfo).port, { driver: 'dahua' });
    const device = dahuaDriver.connect({ definition, sink: recordingSink(), clock: steadyClock, log: silentLog });
    closers.push(() => device.close());
    return device.probe(signal());
  }
});

describe('the offers', () => {
  it('of a recorder name channels, ports, presets, rules, types and recordings', async () => {
    const { connection } = await prepared({ channels: 2, inputs: 2, outputs: 1 });
    const offers = await connection.offers?.(signal());
    expect(offers).toMatchObject({
      channels: [
        { channel: 1, name: 'Gate 1' },
        { channel: 2, name: 'Gate 2' },
      ],
      inputs: [
        { input: '0', name: 'Door 1' },
        { input: '1', name: 'Door 2' },
      ],
      outputs: [{ output: '0', name: 'Horn 1' }],
      presets: [1, 2, 3].map((preset) => ({ channel: 1, preset, name: `Place ${preset}` })),
      rules: [1, 2].flatMap((channel) => [
        { channel, rule: 'Fence', name: 'Fence', type: 'line-crossing', region: '1' },
        { channel, rule: 'Yard', name: 'Yard', type: 'intrusion', region: '2' },
      ]),
      switches: [
        { kind: 'record', name: '1', title: 'Recording of Gate 1' },
        { kind: 'record', name: '2', title: 'Recording of Gate 2' },
      ],
    });
    expect(offers?.eventTypes).toEqual(
      expect.arrayContaining(['line-crossing', 'intrusion', 'region-enter', 'audio', 'motion', 'digital-input', 'pir']),
    );
  });

  it('of a camera with deterrence name its light and its siren', async () => {
    const { connection } = await prepared({ model: 'camera' });
    const offers = await connection.offers?.(signal());
    expect(offers?.switches.map((s) => s.kind)).toEqual(['light', 'siren', 'record']);
  });

  it('of a thermal camera name the rules of its temperatures', async () => {
    const { connection } = await prepared({ model: 'thermal' });
    expect((await connection.offers?.(signal()))?.rules).toContainEqual({
      channel: 2,
      rule: 'Boiler',
      name: 'Boiler',
      type: 'temperature-alarm',
    });
  });

  it('invent names where the device has none', async () => {
    const { connection } = await prepared({ faults: ['names-missing'], model: 'camera', inputs: 1, outputs: 1 });
    expect(await connection.offers?.(signal())).toMatchObject({
      channels: [{ channel: 1, name: 'Channel 1' }],
      inputs: [{ input: '0', name: 'Alarm input 0' }],
      outputs: [{ output: '0', name: 'Alarm output 0' }],
    });
  });
});

describe('the settings', () => {
  it('are completed', () => {
    expect(dahuaDriver.readOptions?.({})).toMatchObject({ normalRecordMode: 'auto', heartbeatSeconds: 5 });
  });

  it.each([
    { normalRecordMode: 'sometimes' },
    { heartbeatSeconds: 0 },
    { heartbeatSeconds: 11 },
    { heartbeatSeconds: 'x' },
  ])('are refused as %o', (options) => {
    expect(() => dahuaDriver.readOptions?.(options)).toThrow(
      expect.objectContaining({ code: 'E_DEVICE_OPTIONS', family: 'user' }),
    );
  });
});
