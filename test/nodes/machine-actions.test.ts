/** The nodes that tell machines: notify, MQTT out, Modbus write, device trigger, and the services that they use. */
import { generateKeyPairSync } from 'node:crypto';
import helper from 'node-red-node-test-helper';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FakeFlowEngine } from '../support/fake-flow-engine';
import { selfSigned } from '../support/smtp-certificate';
import {
  broker,
  centre,
  collect,
  errorsOf,
  type FlowNode,
  flowNode,
  gate,
  hall,
  live,
  nights,
  run,
  sink,
  tab,
  turns,
  wired,
} from './flow-fixture';

let engine: FakeFlowEngine;
beforeEach(() => {
  engine = new FakeFlowEngine();
});
afterEach(async () => {
  await helper.unload();
});

const noTls = { authority: '', fingerprint: '', certificate: '', key: '', passphrase: '' };
const config = [tab, hall, gate, nights, centre, broker];

async function through(node: FlowNode, message = wired('raise')) {
  await run([...config, node, sink], engine);
  const passed = collect('sink');
  live('node').receive(message);
  await turns();
  return passed;
}

describe('an alarm centre', () => {
  it('is defined with the usual statuses and no login', async () => {
    await run([tab, centre], engine);
    expect(engine.alarmCentres.get('centre')).toEqual({
      id: 'centre',
      name: 'City centre',
      url: 'https://centre.example.org/alarms',
      method: 'POST',
      login: { kind: 'none' },
      tls: noTls,
      accepted: [{ from: 200, to: 299 }],
      mustHold: '',
      mustNotHold: '',
      timeoutMs: 15_000,
      sign: 'json',
    });
  });

  it.each([
    [{ login: 'basic' }, { user: 'guard', password: 'p' }, { kind: 'basic', user: 'guard', password: 'p' }],
    [{ login: 'digest' }, { user: 'guard', password: 'p' }, { kind: 'digest', user: 'guard', password: 'p' }],
    [{ login: 'bearer' }, { token: 'abc' }, { kind: 'bearer', token: 'abc' }],
    [{ login: 'header', header: 'X-Key' }, { apiKey: 'abc' }, { kind: 'header', name: 'X-Key', value: 'abc' }],
  ])('knows the login %j', async (fields, credentials, login) => {
    await run([tab, { ...centre, ...fields }], engine, { centre: credentials as Record<string, string> });
    expect(engine.alarmCentres.get('centre')?.login).toEqual(login);
  });

  it('takes our certificate with its key, an authority and its own statuses', async () => {
    const own = selfSigned();
    if (own === null) return;
    const fields = { ...centre, certificate: own.cert, authority: own.cert, accepted: '200, 202-204' };
    await run([tab, fields], engine, { centre: { key: own.key.replaceAll('\n', '\r\n') } });
    expect(engine.alarmCentres.get('centre')).toMatchObject({
      tls: { certificate: own.cert, authority: own.cert, key: own.key },
      accepted: [
        { from: 200, to: 200 },
        { from: 202, to: 204 },
      ],
    });
  });

  it.each([10, 3_600])('is sent signs of life every %i s where that is asked for', async (signEvery) => {
    await run([tab, { ...centre, signEvery }], engine);
    expect(engine.alarmCentres.get('centre')?.signEveryMs).toBe(signEvery * 1_000);
  });

  it.each([
    [null, { at: null, text: '' }],
    [{ last: null }, { at: null, text: 'None since the start' }],
    [{ last: { at: 5, ok: true, detail: 'taken (200)' } }, { at: 5, text: 'taken (200)' }],
    [
      { last: { at: 5, ok: false, detail: 'away' }, failures: 4 },
      { at: 5, text: 'failure 4 in a row: away' },
    ],
    [
      { last: null, dryRun: true },
      { at: null, text: 'The site makes a dry run: none are sent' },
    ],
  ])('shows in its dialog how signs of life fare: %j', async (state, shown) => {
    await run([tab, centre], engine);
    engine.signs = state && { everyMs: 10_000, failures: 0, dryRun: false, ...state };
    const { status, body } = await helper.request().get('/alarmflow/alarm-centres/centre/sign');
    expect([status, body]).toEqual([200, shown]);
    expect(engine.callsOf('signOfLife')).toEqual([['centre']]);
  });

  it('takes a fingerprint in each spelling', async () => {
    const pin = 'ab'.repeat(32);
    await run([tab, { ...centre, fingerprint: `sha256 Fingerprint=${pin}` }], engine);
    expect(engine.alarmCentres.get('centre')?.tls.fingerprint).toBe(Array(32).fill('AB').join(':'));
  });

  const { privateKey } = generateKeyPairSync('ec', {
    namedCurve: 'prime256v1',
    privateKeyEncoding: { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'open' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  });
  it.each([
    [{ url: 'ftp://centre.example.org' }, {}, 'field "Address"'],
    [{ url: 'https://me:secret@centre.example.org' }, {}, 'field "Address"'],
    [{ login: 'basic' }, { user: 'guard' }, 'field "Password" is ""'],
    [{ login: 'bearer' }, { token: 'a\nb' }, 'field "Token" is "•••"'],
    [{ login: 'header', header: 'Content-Length' }, { apiKey: 'x' }, 'field "Header"'],
    [{ accepted: '401' }, {}, 'field "Taken by"'],
    [{ accepted: '200-' }, {}, 'field "Taken by"'],
    [{ authority: 'no certificate' }, {}, 'field "Own authority"'],
    [{ certificate: '' }, { key: privateKey }, 'field "Own certificate"'],
    [{ timeout: 0 }, {}, 'field "Time for an answer"'],
    [{ signEvery: 9 }, {}, 'field "Sent every" is 9, it must be 0 for none, or from 10 to 3600 seconds'],
    [{ signEvery: 3_601 }, {}, 'field "Sent every"'],
    [{ signEvery: 10.5 }, {}, 'field "Sent every"'],
  ])('refuses %j', async (fields, credentials, reason) => {
    await run([tab, { ...centre, ...fields }], engine, { centre: credentials as Record<string, string> });
    expect(errorsOf('centre').join()).toContain(reason);
    expect(errorsOf('centre').join()).not.toContain('secret');
    expect(engine.alarmCentres.size).toBe(0);
  });

  it('refuses a key that its passphrase does not open, without telling of it', async () => {
    const own = selfSigned();
    if (own === null) return;
    const login = { key: privateKey, passphrase: 'wrong' };
    await run([tab, { ...centre, certificate: own.cert }], engine, { centre: login });
    expect(errorsOf('centre').join()).toContain('field "Private key" is "•••"');
  });
});

describe('an MQTT broker', () => {
  it('is defined without TLS and login', async () => {
    await run([tab, broker], engine);
    expect(engine.mqttBrokers.get('broker')).toEqual({
      id: 'broker',
      name: 'Hall broker',
      host: 'mqtt.example.org',
      port: 1883,
      tls: false,
      authority: '',
      fingerprint: '',
      version: 5,
      clientId: '',
      credentials: null,
    });
  });

  it('is defined with TLS, MQTT 3.1.1 and a login', async () => {
    const fields = { tls: true, mqttVersion: '3.1.1', clientId: 'hall' };
    await run([tab, { ...broker, ...fields }], engine, { broker: { user: 'flow', password: 'p' } });
    expect(engine.mqttBrokers.get('broker')).toMatchObject({
      tls: true,
      version: 4,
      clientId: 'hall',
      credentials: { user: 'flow', password: 'p' },
    });
  });
});

describe('what the nodes ask for', () => {
  it('of notify is the alarm told to its centre', async () => {
    const passed = await through(flowNode('notify', { centre: 'centre', reportPlan: 'nights', format: 'xml' }));
    expect(engine.actionRequests).toEqual([
      expect.objectContaining({
        nodeId: 'node',
        nodeName: 'Notify',
        kind: 'notify',
        deviceId: null,
        params: {
          centreId: 'centre',
          phases: ['raise', 'clear', 'end'],
          scheduleId: 'nights',
          format: 'xml',
          body: '',
          path: '',
          contentType: '',
          senderAddress: '',
          senderMac: '',
        },
      }),
    ]);
    expect(passed).toHaveLength(1);
  });

  it('of MQTT out is a message to a broker', async () => {
    await through(flowNode('mqtt-out', { broker: 'broker', topic: 'a/{{alarm.type}}', qos: '2', retain: true }));
    expect(engine.actionRequests[0]).toMatchObject({
      kind: 'mqtt-publish',
      deviceId: null,
      params: { brokerId: 'broker', topic: 'a/{{alarm.type}}', format: 'json', qos: 2, retain: true, discovery: '' },
    });
  });

  it('of MQTT out through a device is a message over its connection', async () => {
    await through(flowNode('mqtt-out', { via: 'device', device: 'hall' }));
    expect(engine.actionRequests[0]).toMatchObject({ deviceId: 'hall', params: { brokerId: null } });
  });

  it('of Modbus write is one write, its address as on the wire', async () => {
    const fields = { device: 'hall', table: 'register', counting: 'one', address: 100, value: 7, pulse: '0.5' };
    await through(flowNode('modbus-write', fields));
    expect(engine.actionRequests[0]).toMatchObject({
      kind: 'modbus-write',
      deviceId: 'hall',
      params: {
        phases: ['raise'],
        table: 'register',
        address: 99,
        value: 7,
        pulseMs: 500,
        restValue: 0,
        unit: null,
        multiple: false,
        readBack: true,
      },
    });
  });

  it('of device trigger is its trigger', async () => {
    await through(flowNode('device-trigger', { device: 'hall', trigger: 'FrameStart' }));
    expect(engine.actionRequests[0]).toMatchObject({
      kind: 'device-trigger',
      deviceId: 'hall',
      params: { phases: ['raise'], trigger: 'FrameStart' },
    });
  });

  it.each([
    ['notify', { centre: 'broker' }, 'must be alarmflow-alarm-centre'],
    ['notify', { centre: 'centre', senderMac: '02-00' }, 'field "Sender MAC" is "02-00"'],
    ['mqtt-out', {}, 'field "Broker" is empty'],
    ['mqtt-out', { via: 'device' }, 'field "Device" is empty'],
    ['mqtt-out', { broker: 'broker', qos: '3' }, 'field "Quality" is "3"'],
    ['modbus-write', { device: 'hall', value: 2 }, 'field "Value" is 2'],
    ['modbus-write', { device: 'hall', counting: 'one', address: 0 }, 'field "Address" is 0'],
    ['modbus-write', { device: 'hall', pulse: 61 }, 'field "Pulse" is 61'],
    ['device-trigger', { device: 'hall', trigger: 'Frame Start' }, 'field "Trigger" is "Frame Start"'],
  ])('of %s is nothing with %j', async (type, fields, reason) => {
    await through(flowNode(type, fields));
    expect(errorsOf('node').join()).toContain(reason);
    expect(engine.actionRequests).toEqual([]);
  });
});

describe('a preview', () => {
  it('is made of what the dialog holds, deployed or not', async () => {
    await run([...config, sink], engine);
    const sent = { id: 'new', version: 1, name: '', centre: '', format: 'form', body: 'a={{alarm.type}}' };
    const { body, status } = await helper
      .request()
      .post('/alarmflow/notices/preview')
      .set('content-type', 'application/json')
      .send(sent);
    expect(status).toBe(200);
    expect(body).toMatchObject({ contentType: 'application/json' });
    expect(engine.callsOf('previewNotify')[0]?.[0]).toMatchObject({
      params: { centreId: 'none', format: 'form', body: 'a={{alarm.type}}' },
    });
  });
});
