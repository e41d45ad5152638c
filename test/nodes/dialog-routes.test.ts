import helper from 'node-red-node-test-helper';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { operationalError, userError } from '../../engine/domain/errors';
import device from '../../nodes/config/device/device';
import fileServer from '../../nodes/config/file-server/file-server';
import mailServer from '../../nodes/config/mail-server/mail-server';
import schedule from '../../nodes/config/schedule/schedule';
import snmpReceiver from '../../nodes/config/snmp-receiver/snmp-receiver';
import type { Red } from '../../nodes/shared/runtime-api';
import { FakeFlowEngine } from '../support/fake-flow-engine';
import { archive, archiveLogin, controlRoom, controlRoomLogin, hall, nights, office, run, tab } from './flow-fixture';

let engine: FakeFlowEngine;
beforeEach(async () => {
  engine = new FakeFlowEngine();
  await run([tab, hall, nights, office, archive, controlRoom], engine, {
    archive: archiveLogin,
    noc: controlRoomLogin,
    hall: { user: 'admin', password: 'stored' },
    office: { user: 'alarm', password: 'stored too' },
  });
});
afterEach(async () => {
  await helper.unload();
});

const { version: _version, ...dialog } = hall;
const sent = { ...dialog, user: 'admin', password: '__PWRD__' };
const reason = (body: Record<string, unknown>) => (body.error as { message: string }).message;

describe('the routes of the dialogs', () => {
  it('list the drivers of the engine', async () => {
    const { status, body } = await helper.request().get('/alarmflow/devices/drivers');
    expect([status, body]).toEqual([200, { drivers: engine.drivers }]);
  });

  it('look for devices with all drivers, or with one', async () => {
    engine.discovery = { devices: [], problems: ['one could not look'] };
    const { body } = await helper.request().post('/alarmflow/devices/discover').send({});
    await helper.request().post('/alarmflow/devices/discover').send({ driver: 'onvif' });
    expect(body).toEqual(engine.discovery);
    expect(engine.callsOf('discoverDevices')).toEqual([[null], ['onvif']]);
  });

  it('tell what a deployed device offers and what it has pushed', async () => {
    engine.offersAnswer.sent.push('motion');
    engine.recent = [{ at: 1, contentType: null, text: 'body' }];
    const offers = await helper.request().get('/alarmflow/devices/hall/offers');
    const recent = await helper.request().get('/alarmflow/devices/hall/recent');
    expect([offers.body, recent.body]).toEqual([engine.offersAnswer, { pushes: engine.recent }]);
  });

  it.each(['offers', 'recent'])('tell no %s of a device that is not deployed', async (what) => {
    const { status } = await helper.request().get(`/alarmflow/devices/elsewhere/${what}`);
    expect(status).toBe(400);
    expect(engine.callsOf('deviceOffers').length + engine.callsOf('recentPushes').length).toBe(0);
  });

  it.each(['offers', 'recent'])('say of a device that did not start why there are no %s', async (what) => {
    await helper.unload();
    engine = new FakeFlowEngine();
    engine.failures.set('defineDevice', userError('E_DEVICE_OPTIONS', 'SNMP traps, "port": there is no such setting'));
    await run([tab, hall], engine, {});
    const { status, body } = await helper.request().get(`/alarmflow/devices/hall/${what}`);
    expect(status).toBe(400);
    expect(reason(body)).toContain(
      'mend that first. Device "Hall camera": SNMP traps, "port": there is no such setting',
    );
  });

  it('show how a driver is set up', async () => {
    const { body } = await helper.request().get('/alarmflow/devices/drivers/onvif/guide');
    expect(body).toEqual({ guide: '# How to set up onvif' });
  });

  it('refuse the test of a device without the host that its driver needs', async () => {
    const { status, body } = await helper
      .request()
      .post('/alarmflow/devices/test')
      .send({ ...sent, host: '' });
    expect(status).toBe(400);
    expect(reason(body)).toContain('field "Host" is ""');
  });

  it('show the push path of a deployed device', async () => {
    const { body } = await helper.request().get('/alarmflow/devices/hall/ingest');
    expect(body).toEqual({ path: '/ingest/token-of-hall' });
  });

  it('make no push path for a device that is not deployed', async () => {
    const { status, body } = await helper.request().get('/alarmflow/devices/elsewhere/ingest');
    expect(status).toBe(400);
    expect(reason(body)).toContain('deploy it first');
    expect(engine.callsOf('ingestPath')).toEqual([]);
  });

  it('test what the dialog holds, with the stored password where it was not touched', async () => {
    const { body } = await helper
      .request()
      .post('/alarmflow/devices/test')
      .send({ ...sent, host: '192.0.2.77' });
    expect(body).toEqual({ ok: true, detail: 'as expected' });
    expect(engine.callsOf('testDevice')).toEqual([
      [expect.objectContaining({ id: 'hall', host: '192.0.2.77', credentials: { user: 'admin', password: 'stored' } })],
    ]);
  });

  it('have a device told where to push with what the dialog holds, be it new', async () => {
    const told = (change: object) =>
      helper
        .request()
        .post('/alarmflow/devices/push-set-up')
        .send({ ...sent, ...change });
    const { body } = await told({ host: '192.0.2.77' });
    expect(body).toEqual(engine.pushSetUpAnswer);
    expect((await told({ id: 'a1b2c3' })).status).toBe(200);
    expect(engine.callsOf('setUpDevicePush')).toEqual([
      [expect.objectContaining({ id: 'hall', host: '192.0.2.77', credentials: { user: 'admin', password: 'stored' } })],
      [expect.objectContaining({ id: 'a1b2c3' })],
    ]);
  });

  it.each([
    ['of no usable id', { id: '../hall' }, 'reload the editor'],
    ['of another node', { id: 'nights' }, 'reload the editor'],
    ['without a host', { host: '' }, 'field "Host" is ""'],
  ])('tell no device %s where to push', async (_name, change, why) => {
    const { status, body } = await helper
      .request()
      .post('/alarmflow/devices/push-set-up')
      .send({ ...sent, ...change });
    expect(status).toBe(400);
    expect(reason(body)).toContain(why);
    expect(engine.callsOf('setUpDevicePush')).toEqual([]);
  });

  it('test a new password', async () => {
    await helper
      .request()
      .post('/alarmflow/devices/test')
      .send({ ...sent, password: 'new' });
    expect(engine.callsOf('testDevice')[0]![0]).toMatchObject({ credentials: { user: 'admin', password: 'new' } });
  });

  it('refuse a dialog with a wrong value by its field', async () => {
    const { status, body } = await helper
      .request()
      .post('/alarmflow/devices/test')
      .send({ ...sent, port: 0 });
    expect(status).toBe(400);
    expect(reason(body)).toContain('field "Port" is 0');
    expect(reason(body)).not.toContain('stored');
  });

  it('name what has no name yet by its kind, not by an id that nobody knows', async () => {
    const unnamed = { ...sent, name: '', id: '971cfe149ff15893', host: 'http://192.0.2.10/' };
    const { body } = await helper.request().post('/alarmflow/devices/test').send(unnamed);
    expect(reason(body)).toMatch(/^Device: field "Host" is "http:/);
  });

  it.each([['[1]'], ['"text"'], ['']])('refuse the body %j', async (text) => {
    const { status } = await helper
      .request()
      .post('/alarmflow/devices/test')
      .set('content-type', 'application/json')
      .send(text);
    expect(status).toBe(400);
  });

  it('refuse a form of a foreign page', async () => {
    const { status } = await helper
      .request()
      .post('/alarmflow/devices/test')
      .set('content-type', 'application/x-www-form-urlencoded')
      .send('id=hall&host=192.0.2.1');
    expect(status).toBe(400);
    expect(engine.callsOf('testDevice')).toEqual([]);
  });

  it('answer with the reason when the engine fails', async () => {
    engine.failures.set('testDevice', operationalError('E_BUSY', 'too many tests: wait a minute'));
    const { status, body } = await helper.request().post('/alarmflow/devices/test').send(sent);
    expect([status, body]).toEqual([500, { error: { code: 'E_BUSY', message: 'too many tests: wait a minute' } }]);
  });

  it('test a mail server with a receiver', async () => {
    const { body } = await helper
      .request()
      .post('/alarmflow/mail-servers/test')
      .send({ ...office, user: 'alarm', password: '__PWRD__', to: 'me@example.org' });
    expect(body).toEqual({ ok: true, detail: 'as expected' });
    expect(engine.callsOf('testMailServer')).toEqual([
      [
        expect.objectContaining({ id: 'office', credentials: { user: 'alarm', password: 'stored too' } }),
        'me@example.org',
      ],
    ]);
  });

  it.each([['nobody'], [''], ['a@b.example, c@d.example'], [undefined]])('refuse the test receiver %j', async (to) => {
    const { status } = await helper
      .request()
      .post('/alarmflow/mail-servers/test')
      .send({ ...office, to });
    expect(status).toBe(400);
    expect(engine.callsOf('testMailServer')).toEqual([]);
  });

  it('test a file server, each secret the stored one where it was not touched', async () => {
    const { body } = await helper
      .request()
      .post('/alarmflow/file-servers/test')
      .send({ ...archive, hostKey: '', user: 'alarm', password: '__PWRD__', privateKey: 'new key', passphrase: '' });
    expect(body).toEqual({ ok: true, detail: 'as expected' });
    expect(engine.callsOf('testFileServer')[0]![0]).toMatchObject({
      id: 'archive',
      hostKey: '',
      credentials: { user: 'alarm', password: 'stored', privateKey: 'new key\n', passphrase: null },
    });
  });

  it('test an SNMP receiver, each secret the stored one where it was not touched', async () => {
    const { body } = await helper
      .request()
      .post('/alarmflow/snmp-receivers/test')
      .send({ ...controlRoom, user: 'guard', community: '', authKey: '__PWRD__', privacyKey: 'another key' });
    expect(body).toEqual({ ok: true, detail: 'as expected' });
    expect(engine.callsOf('testSnmpReceiver')[0]![0]).toMatchObject({
      access: { security: { authKey: 'stored auth', privacyKey: 'another key' } },
    });
  });

  it('preview a schedule that is not deployed, holidays, exceptions and place included', async () => {
    const { status, body } = await helper
      .request()
      .post('/alarmflow/schedules/preview')
      .send({
        ...nights,
        id: 'new',
        latitude: '52.52',
        longitude: '13.405',
        week: { monday: [{ from: { sun: 'sunset', offsetMinutes: -15 }, to: { sun: 'sunrise' }, nextDay: true }] },
        holidays: [{ name: 'Xmas', enabled: false, from: '12-24', to: '', periods: [{ from: 0, to: 1440 }] }],
        exceptions: [{ name: 'Fair', from: '2026-12-01', to: '2026-12-02', periods: [] }],
      });
    expect([status, body]).toEqual([200, engine.schedulePreview]);
    expect(engine.callsOf('previewSchedule')[0]![0]).toMatchObject({
      id: 'new',
      timeZone: 'Europe/Berlin',
      place: { latitude: 52.52, longitude: 13.405 },
      week: {
        monday: [
          { from: { sun: 'sunset', offsetMinutes: -15 }, to: { sun: 'sunrise', offsetMinutes: 0 }, nextDay: true },
        ],
        tuesday: [],
      },
      holidays: [{ name: 'Xmas', enabled: false, from: '12-24', periods: [{ from: 0, to: 1440 }] }],
      exceptions: [{ name: 'Fair', from: '2026-12-01', to: '2026-12-02', periods: [] }],
    });
    expect(engine.callsOf('previewSchedule')[0]![0]).not.toHaveProperty('holidays.0.to');
  });

  it.each<[object, string]>([
    [{ latitude: '91', longitude: '0' }, 'field "Latitude" is "91"'],
    [{ latitude: '52' }, 'field "Longitude" is "", it must be filled in, as the latitude is'],
    [{ holidays: 'Xmas' }, 'field "Holidays" is "Xmas", it must be a list'],
    [{ holidays: [{ name: 'Xmas', from: 1224, periods: [] }] }, 'whose first day is a text'],
    [{ exceptions: [{ name: 'Fair', from: '2026-12-01', periods: [{ from: 1, to: 9999 }] }] }, 'field "Exceptions"'],
    [{ week: { monday: [{ from: { sun: 'moon' }, to: 0 }] } }, 'field "Monday"'],
    [{ week: { monday: [{ from: { sun: 'dusk' }, to: 0, nextDay: 1 }] } }, '"nextDay" is true or false'],
  ])('refuse the preview of %j by its field', async (change, message) => {
    const { status, body } = await helper
      .request()
      .post('/alarmflow/schedules/preview')
      .send({ ...nights, ...change });
    expect(status).toBe(400);
    expect(reason(body)).toContain(message);
    expect(reason(body)).toContain('correct it and try again');
    expect(engine.callsOf('previewSchedule')).toEqual([]);
  });

  it('ask for a permission each', () => {
    const guarded: string[] = [];
    const guard = (permission: string) => ({ permission });
    const route = (method: string) => (path: string, asked: unknown) => {
      guarded.push(`${method} ${path} ${(asked as { permission: string }).permission}`);
    };
    const red = {
      nodes: { registerType: () => undefined },
      auth: { needsPermission: guard },
      httpAdmin: { get: route('GET'), post: route('POST') },
    } as unknown as Red;
    device(red);
    mailServer(red);
    fileServer(red);
    snmpReceiver(red);
    schedule(red);
    expect(guarded).toEqual([
      'GET /alarmflow/devices/drivers devices.read',
      'GET /alarmflow/devices/drivers/:kind/guide devices.read',
      'GET /alarmflow/devices/recorder devices.read',
      'POST /alarmflow/devices/discover devices.write',
      'GET /alarmflow/devices/:id/offers devices.read',
      'GET /alarmflow/devices/:id/recent devices.write',
      'GET /alarmflow/devices/:id/ingest devices.write',
      'GET /alarmflow/devices/:id/status devices.read',
      'POST /alarmflow/devices/test devices.write',
      'POST /alarmflow/devices/push-set-up devices.write',
      'POST /alarmflow/mail-servers/test devices.write',
      'POST /alarmflow/file-servers/test devices.write',
      'POST /alarmflow/snmp-receivers/test devices.write',
      'POST /alarmflow/schedules/preview devices.write',
    ]);
  });
});
