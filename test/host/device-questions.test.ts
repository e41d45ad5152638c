import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../engine/clock/system-clock';
import { VirtualClock } from '../../engine/clock/virtual-clock';
import type { DeviceFacts, DeviceOffers, DeviceStatus } from '../../engine/domain/devices';
import { noOffers } from '../../engine/domain/devices';
import { operationalError, userError } from '../../engine/domain/errors';
import { silentLog } from '../../engine/domain/log';
import {
  createDevices,
  type DevicesOptions,
  discoverDevices,
  driverChoices,
  driverKinds,
  driverOf,
  startSimulator,
} from '../../engine/drivers';
import type { DeviceDriver } from '../../engine/drivers/driver';
import { readGuide } from '../../engine/host/device-guide';
import { type AskedDevices, createDeviceQuestions, sentIn } from '../../engine/host/device-questions';
import { deviceAt, recordingSink, until } from '../support/recording-sink';

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

function hub(ingestUrl?: DevicesOptions['ingestUrl']) {
  const devices = createDevices({
    ...(ingestUrl ? { ingestUrl } : {}),
    clock: systemClock,
    log: silentLog,
    onEvent: async () => 'e',
    onPictures: async () => undefined,
    onStatus: () => undefined,
  });
  closers.push(() => devices.close());
  devices.start();
  return devices;
}

const questionsFor = (devices: AskedDevices, clock = new VirtualClock(0)) =>
  createDeviceQuestions({
    devices,
    drivers: driverChoices(),
    discover: async () => ({ devices: [], problems: [] }),
    sentLately: async () => ({ types: ['vendor:Odd', 'motion'], senders: [] }),
    guide: readGuide,
    clock,
  });

const facts: DeviceFacts = {
  model: 'M1',
  serialNumber: '',
  firmware: '5.5',
  deviceType: 'IPC',
  inputs: 1,
  outputs: 2,
  channels: 1,
  hasPtz: true,
  hasThermal: false,
  warnings: ['mend this'],
};
const deafStatus: DeviceStatus = {
  deviceId: 'cam1',
  link: 'online',
  detail: '',
  since: 0,
  lastSeenAt: null,
  clockOffsetMs: null,
  lockedUntil: null,
  facts: null,
};
const answering = (change: Partial<AskedDevices>): AskedDevices => ({
  test: async () => facts,
  offers: async () => noOffers,
  recent: () => [],
  setUpPush: async () => ({ slot: '2', tested: true, warnings: [], url: 'http://192.0.2.1:1880/ingest/secret' }),
  status: () => null,
  ...change,
});

describe('the test of a connection', () => {
  it('says what the device is in one sentence, with its facts beside it', async () => {
    expect(await questionsFor(answering({})).testDevice(deviceAt(1))).toEqual({
      ok: true,
      detail: 'M1 (IPC), firmware 5.5: 1 channel, 1 input, 2 outputs, PTZ',
      facts,
    });
  });

  it('counts nothing of a sender or a broker, which has nothing to count', async () => {
    const nothing = { ...facts, model: 'HTTP push', deviceType: 'sender', firmware: '', channels: 0, inputs: 0 };
    const test = async () => ({ ...nothing, outputs: 0, hasPtz: false });
    expect(await questionsFor(answering({ test })).testDevice(deviceAt(1))).toMatchObject({
      detail: 'HTTP push (sender)',
    });
  });

  it.each([
    ['E_CREDENTIALS_REFUSED', 'Wrong user or password'],
    ['E_ACCOUNT_LOCKED', 'The account is locked'],
    ['E_ONVIF_USER', 'The ONVIF user is missing on the device'],
    ['E_DEVICE_TYPE', 'Another kind of device'],
    ['E_DEVICE_OFFLINE', 'Not reachable'],
    ['E_LOW_PRIVILEGE', 'The user has too few rights'],
    ['E_DEVICE_TLS', 'The encrypted connection failed'],
    ['E_DEVICE_OPTIONS', 'A setting of the driver is wrong'],
    ['E_SOMETHING_ELSE', 'The test failed'],
  ])('tells %s as "%s"', async (code, failure) => {
    const test = async () => Promise.reject(userError(code, 'the reason'));
    expect(await questionsFor(answering({ test })).testDevice(deviceAt(1))).toEqual({
      ok: false,
      detail: 'the reason',
      failure,
    });
  });

  it('says what silence of a device means that only sends, and when it was heard last', async () => {
    const clock = new VirtualClock(3_600_000);
    const words = async (lastSeenAt: number | null, isDefined = true) => {
      const status = isDefined ? () => ({ ...deafStatus, lastSeenAt }) : () => null;
      const definition = deviceAt(1, { receive: 'push', signOfLifeMs: 600_000 });
      return (await questionsFor(answering({ status }), clock).testDevice(definition)).facts?.warnings.at(-1);
    };
    const expected = 'A sign of life of "Yard" is expected at least every 10 minutes';
    expect(await words(3_600_000 - 300_000)).toBe(`${expected}; the last came 5 minutes ago`);
    expect(await words(3_600_000 - 700_000)).toBe(`${expected}; the last came 11.7 minutes ago: it is overdue`);
    expect(await words(null)).toBe(`${expected}; nothing has come yet`);
    expect(await words(null, false)).toBe(`${expected}, from the next deploy on`);
  });

  it('ends after 10 s, also when the driver does not listen to its end', async () => {
    const clock = new VirtualClock(0);
    const asked = questionsFor(answering({ test: () => new Promise(() => undefined) }), clock).testDevice(deviceAt(7));
    await clock.advance(10_000);
    expect(await asked).toEqual({
      ok: false,
      detail: '127.0.0.1:7 did not answer within 10 s: check address, port and network',
      failure: 'No answer',
    });
  });

  it('of a simulated device tells a right from a wrong password', async () => {
    const simulator = await startSimulator('onvif', { user: 'admin', password: 'right' });
    closers.push(() => simulator.close());
    const questions = questionsFor(hub(), systemClock as unknown as VirtualClock);
    const definition = deviceAt(simulator.port, { driver: 'onvif', credentials: { user: 'admin', password: 'right' } });
    expect(await questions.testDevice(definition)).toMatchObject({ ok: true });
    const wrong = { ...definition, credentials: { user: 'admin', password: 'wrong' } };
    expect(await questions.testDevice(wrong)).toMatchObject({ ok: false, failure: 'Wrong user or password' });
    const odd = { ...definition, driver: 'modbus', options: { noSuchSetting: 1 } };
    expect(await questions.testDevice(odd)).toMatchObject({ ok: false, failure: 'A setting of the driver is wrong' });
  });
});

describe('where a device is told to push', () => {
  it('is said without the secret of its URL, with what is left to do', async () => {
    expect(await questionsFor(answering({})).setUpDevicePush(deviceAt(1, { name: 'Yard' }))).toEqual({
      ok: true,
      detail: '"Yard" now pushes to http://192.0.2.1:1880 (server 2 in its list); it has reached this site',
      warnings: ['Deploy the flow: until then this site refuses what the device pushes'],
    });
  });

  it('is said with the kind of failure and the remedy', async () => {
    const setUpPush = async () => Promise.reject(userError('E_NO_PUSH_ADDRESS', 'set publicUrl'));
    expect(await questionsFor(answering({ setUpPush })).setUpDevicePush(deviceAt(1))).toEqual({
      ok: false,
      failure: 'The address of this site is not known',
      detail: 'set publicUrl',
      warnings: [],
    });
  });

  it('is written to a simulated device that is not deployed, with what its dialog holds', async () => {
    const simulator = await startSimulator('hikvision', { user: 'admin', password: 'right' });
    closers.push(() => simulator.close());
    const base = `http://127.0.0.1:${simulator.port}/sim`;
    const devices = hub(async ({ id }) => `${base}/${id}`);
    const questions = questionsFor(devices, systemClock as unknown as VirtualClock);
    const definition = deviceAt(simulator.port, {
      driver: 'hikvision',
      credentials: { user: 'admin', password: 'right' },
    });
    expect(await questions.setUpDevicePush(definition)).toMatchObject({ ok: true, warnings: [expect.any(String)] });
    const wrong = { ...definition, credentials: { user: 'admin', password: 'wrong' } };
    expect(await questions.setUpDevicePush(wrong)).toMatchObject({ ok: false, failure: 'Wrong user or password' });
  });

  it.each(driverKinds())('is offered by the driver %s where its connections can do it', (kind) => {
    const driver = driverOf(kind);
    const connection = driver.connect({
      definition: deviceAt(1, { driver: kind, options: driver.readOptions?.({}) ?? {} }),
      sink: recordingSink(),
      clock: systemClock,
      log: silentLog,
    });
    closers.push(() => connection.close());
    const choice = driverChoices().find((one) => one.kind === kind);
    expect(choice?.setsUpPush).toBe(connection.setUpPush !== undefined);
  });
});

describe('what a device offers', () => {
  it('comes from the device and from what it has sent', async () => {
    const offers: DeviceOffers = { ...noOffers, channels: [{ channel: 1, name: 'A' }] };
    const answer = await questionsFor(answering({ offers: async () => offers })).deviceOffers('cam1');
    expect(answer).toEqual({ offers, sent: ['vendor:Odd', 'motion'], problem: null });
  });

  it('is what it has sent while it is away', async () => {
    const away = async () => Promise.reject(operationalError('E_DEVICE_OFFLINE', '"Yard" is not connected'));
    const answer = await questionsFor(answering({ offers: away })).deviceOffers('cam1');
    expect(answer).toEqual({ offers: noOffers, sent: ['vendor:Odd', 'motion'], problem: '"Yard" is not connected' });
  });

  it('of a simulated device is there as soon as it is online', async () => {
    const simulator = await startSimulator('onvif', { user: 'admin', password: 'right' });
    closers.push(() => simulator.close());
    const devices = hub();
    const credentials = { user: 'admin', password: 'right' };
    devices.define(deviceAt(simulator.port, { driver: 'onvif', credentials }));
    await until('it is online', () => devices.status('cam1')?.link === 'online');
    const offers = await devices.offers('cam1', new AbortController().signal);
    expect(offers.channels.length).toBeGreaterThan(0);
    expect(offers.outputs.length).toBeGreaterThan(0);
  });
});

describe('settings of a driver', () => {
  it('are checked when a device is defined', () => {
    const devices = hub();
    expect(() => devices.define(deviceAt(1, { driver: 'modbus', options: { nonsense: 1 } }))).toThrow(
      expect.objectContaining({ code: 'E_DEVICE_OPTIONS' }),
    );
    expect(devices.status('cam1')).toBeNull();
    devices.define(deviceAt(1, { driver: 'http-push' }));
    expect(devices.status('cam1')).not.toBeNull();
  });
});

describe('recent pushes', () => {
  it('are told the newest first, without secrets', async () => {
    const devices = hub();
    devices.define(deviceAt(80, { driver: 'http-push', credentials: null }));
    const push = (body: string) =>
      devices.push('cam1', {
        method: 'POST',
        path: '/',
        headers: { 'content-type': 'application/json' },
        body: Buffer.from(body),
        remoteAddress: '127.0.0.1',
      });
    await push('{"type":"motion","password":"abc123"}');
    await push('{"type":"pir"}');
    const [newest, older, ...rest] = await questionsFor(devices).recentPushes('cam1');
    expect(newest?.text).toContain('"pir"');
    expect(older?.text).toContain('"motion"');
    expect(older?.text).not.toContain('abc123');
    expect(rest).toEqual([]);
  });
});

describe('how to set up a device', () => {
  it('is there for the drivers that are written about, and for no other file', async () => {
    const questions = questionsFor(answering({}));
    expect(await questions.deviceGuide('onvif')).toMatch(/^# /);
    await expect(questions.deviceGuide('../../package')).rejects.toThrow('no driver');
  });
});

describe('the search for devices', () => {
  const driver = (kind: string, discover?: DeviceDriver['discover']): DeviceDriver =>
    ({ kind, title: kind.toUpperCase(), defaultPort: 1, discover }) as DeviceDriver;
  const found = (driver: string, host: string, identity: string) => ({ driver, host, port: 80, title: host, identity });

  it('tells each device once, in order, and why a driver could not look', async () => {
    const clock = new VirtualClock(0);
    const drivers = [
      driver('a', async (tell) => {
        tell(found('a', '192.0.2.10', 'x'));
        tell(found('a', '192.0.2.9', 'y'));
        tell(found('a', '10.0.0.10', 'x'));
        tell(found('a', '192.0.2.8', ''));
        tell(found('a', '192.0.2.8', ''));
      }),
      driver('b', async () => Promise.reject(operationalError('E_DEVICE_ERROR', 'no tool'))),
      driver('c'),
    ];
    const answer = await discoverDevices(null, { clock, log: silentLog, drivers });
    expect(answer.devices.map(({ host }) => host)).toEqual(['192.0.2.8', '192.0.2.9', '192.0.2.10']);
    expect(answer.problems).toEqual(['B: no tool']);
  });

  it('ends after 5 s, also when a driver does not', async () => {
    const clock = new VirtualClock(0);
    const drivers = [
      driver('a', (tell) => {
        tell(found('a', '192.0.2.1', 'x'));
        return new Promise(() => undefined);
      }),
    ];
    const asked = discoverDevices('a', { clock, log: silentLog, drivers });
    await clock.advance(5_500);
    expect((await asked).devices).toHaveLength(1);
  });

  it('is refused for a driver that cannot look', async () => {
    const options = { clock: new VirtualClock(0), log: silentLog, drivers: [driver('c')] };
    await expect(discoverDevices('c', options)).rejects.toThrow('cannot be looked for');
  });
});

describe('who has sent lately', () => {
  it('is told once, by its name where it has one, and only of a device that receives of many', () => {
    expect(
      sentIn([
        { type: 'vendor:1.2', sender: '192.0.2.1', input: 'ups-1' },
        { type: 'vendor:1.3', sender: '192.0.2.2' },
        { type: 'vendor:1.2', sender: '192.0.2.1', input: 'ups-1' },
      ]),
    ).toEqual({ types: ['vendor:1.2', 'vendor:1.3'], senders: ['ups-1', '192.0.2.2'] });
    expect(sentIn([{ type: 'motion' }])).toEqual({ types: ['motion'], senders: [] });
  });
});
