import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { previewNotify, testAlarmCentre } from '../../engine/actions';
import { formProblem, renderForm, renderPath } from '../../engine/actions/notify/form-template';
import { isapiAlert, isapiName } from '../../engine/actions/notify/isapi-alert';
import { jsonProblem, renderJson } from '../../engine/actions/notify/json-template';
import { targetOf } from '../../engine/actions/notify/send';
import { renderXml, xmlProblem } from '../../engine/actions/notify/xml-template';
import { systemClock } from '../../engine/clock/system-clock';
import { VirtualClock } from '../../engine/clock/virtual-clock';
import type { ActionRow } from '../../engine/domain/actions';
import { type AlarmCentre, usualStatuses } from '../../engine/domain/alarm-centre';
import type { Alarm } from '../../engine/domain/alarms';
import { type KnownEventType, knownEventTypes } from '../../engine/domain/events';
import { answerDigest } from '../../engine/drivers';
import { hikvisionDriver } from '../../engine/drivers/hikvision';
import { parseXml } from '../../engine/drivers/wire';
import { type AlarmCentreServer, startAlarmCentre } from '../support/alarm-centre-server';
import { closeDrivers, connectDriver } from '../support/connected-driver';
import { ActionBench, anAlarm, aRow, RAISED } from './action-bench';

const opened: { close(): unknown }[] = [];
afterEach(async () => {
  for (const one of opened.splice(0)) await one.close();
  await closeDrivers();
});

async function centreServer(): Promise<AlarmCentreServer> {
  const server = await startAlarmCentre();
  opened.push(server);
  return server;
}

const aCentre = (port: number, fields: Partial<AlarmCentre> = {}): AlarmCentre => ({
  id: 'centre',
  name: 'City',
  url: `http://127.0.0.1:${port}/alarms?site=1`,
  method: 'POST',
  login: { kind: 'none' },
  tls: { authority: '', fingerprint: '', certificate: '', key: '', passphrase: '' },
  accepted: usualStatuses,
  mustHold: '',
  mustNotHold: '',
  timeoutMs: 5_000,
  sign: 'json',
  ...fields,
});

const params = (fields: Record<string, unknown> = {}) => ({
  centreId: 'centre',
  phases: ['raise', 'clear', 'end'],
  format: 'json',
  body: '',
  path: '',
  contentType: '',
  scheduleId: null,
  senderAddress: '',
  senderMac: '',
  ...fields,
});

const aNotice = (fields: Record<string, unknown> = {}, alarm: Partial<Alarm> = {}, row: Partial<ActionRow> = {}) =>
  aRow('notify', params(fields), {
    ...row,
    alarm: { ...anAlarm(alarm), phase: (row.phase ?? 'raise') as 'raise' },
  });

/** Sends a notice; resolves to what came. */
async function sent(row: ActionRow, centre: Partial<AlarmCentre> = {}) {
  const server = await centreServer();
  const bench = new ActionBench();
  bench.alarmCentre = aCentre(server.port, centre);
  const result = await bench.run(row);
  return { result, notice: server.asked.at(-1)!, asked: server.asked };
}

const NASTY = '"}],"x":{"y":"</a>&lt;\'\n\r\u0000\u2028%00&b=c🔥\ud800';

describe('a JSON template', () => {
  it('puts values in as texts, numbers and nothing, by where they stand', () => {
    const values = new Map<string, string | number | null>([
      ['a', 'x"y'],
      ['n', 7],
      ['no', null],
    ]);
    const template =
      '{"in": "<{{a}}>", "bare": {{a}}, "number": {{n}}, "text": "{{n}}", "no": {{no}}, "none": "{{no}}"}';
    expect(JSON.parse(renderJson(template, values))).toEqual({
      in: '<x"y>',
      bare: 'x"y',
      number: 7,
      text: '7',
      no: null,
      none: '',
    });
  });

  it('keeps its structure whatever is put in', () => {
    const template = '{"a": "{{a}} and \\"{{a}}\\"", "b": [{{a}}, 1], "c": "\\\\{{a}}"}';
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.constant(NASTY)), (text) => {
        const made = JSON.parse(renderJson(template, new Map([['a', text]])));
        const well = text.toWellFormed();
        expect(made).toEqual({ a: `${well} and "${well}"`, b: [well, 1], c: `\\${well}` });
      }),
    );
  });

  it.each(['{', '{"a": "{{a}}}', '{{{a}}: 1}', '{"a": {{a}} {{a}}}', ''])(
    'that makes no JSON is told: %s',
    (template) => {
      expect(jsonProblem(template)).not.toBeNull();
    },
  );

  it('leaves a name that nobody knows to be seen', () => {
    expect(renderJson('{"a": "{{alarm.tpye}}"}', new Map())).toBe('{"a": "{{alarm.tpye}}"}');
  });
});

describe('an XML template', () => {
  it('is well-formed with its text whatever is put in', () => {
    const template = '<?xml version="1.0"?><a b="{{a}}" c=\'{{a}}\'><!-- note --><d>{{a}}</d><e/></a>';
    expect(xmlProblem(template)).toBeNull();
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.constant(NASTY)), (text) => {
        const root = parseXml(renderXml(template, new Map([['a', text]])));
        expect(root.children.map(({ name }) => name)).toEqual(['d', 'e']);
      }),
    );
  });

  it.each([
    ['', 'exactly one outermost element'],
    ['<a>', 'is not closed'],
    ['<a></b>', 'closes <a>'],
    ['<a/><b/>', 'exactly one outermost element'],
    ['<{{n}}/>', 'a placeholder stands in a tag'],
    ['<a {{n}}="1"/>', 'a placeholder stands in a tag'],
    ['<a b={{n}}/>', 'no value in quotation marks'],
    ['<a><!-- {{n}} --></a>', 'a placeholder stands in a comment'],
    ['<a><![CDATA[{{n}}]]></a>', 'a placeholder stands in a CDATA section'],
    ['<!DOCTYPE a><a/>', 'a document type'],
    ['<a>&nbsp;</a>', 'write &amp;'],
    ['<a>1 < 2</a>', 'write &lt;'],
    ['<a b="1" b="2"/>', 'twice'],
    ['<a/> text', 'outside of the outermost element'],
    [`${'<a>'.repeat(101)}${'</a>'.repeat(101)}`, 'elements deep'],
  ])('that makes no document is told: %s', (template, reason) => {
    expect(xmlProblem(template)).toContain(reason);
  });
});

describe('a form and a path', () => {
  it('code what is put in, so that it adds nothing', () => {
    const values = new Map([['a', 'x&y=1 /..#?é']]);
    expect([...new URLSearchParams(renderForm('one={{a}}\ntwo = 2', values))]).toEqual([
      ['one', 'x&y=1 /..#?é'],
      ['two', '2'],
    ]);
    expect(renderPath('/a/{{a}}?b={{a}}', values)).toBe(
      `/a/${encodeURIComponent('x&y=1 /..#?é')}?b=${encodeURIComponent('x&y=1 /..#?é')}`,
    );
    expect(renderPath('/a/{{a}}/b', new Map([['a', '..']]))).toBe('/a/__/b');
  });

  it('are told of what is none', () => {
    expect(formProblem('a')).toContain('name=value');
    expect(formProblem('{{a}}=1')).toContain('only be in the value');
  });

  it('stand behind the address of the centre', () => {
    expect(targetOf({ url: 'http://a/b/?k=1' }, '/c')).toBe('/b/c?k=1');
    expect(targetOf({ url: 'http://a/b?k=1' }, '?c=2')).toBe('/b?k=1&c=2');
    expect(targetOf({ url: 'http://a' }, '')).toBe('/');
  });
});

describe('what is sent', () => {
  it('is the whole alarm as JSON, under an identity that is the same at every try', async () => {
    const row = aNotice();
    const { notice, result } = await sent(row);
    expect(result).toEqual({
      status: 'done',
      summary: expect.stringMatching(/took it \(200\), \d+ bytes of application\/json/),
    });
    expect(notice).toMatchObject({ method: 'POST', url: '/alarms?site=1' });
    const digits = createHash('sha256').update(`alarmflow:${row.key}`).digest('hex');
    const identity = String(notice.headers['idempotency-key']);
    expect(identity.replaceAll('-', '')).toBe(digits.slice(0, 32));
    expect(JSON.parse(notice.body.toString())).toMatchObject({
      id: identity,
      test: false,
      site: 'Depot',
      phase: 'raise',
      active: true,
      time: '2026-11-21T07:00:00.000Z',
      alarm: { id: 'alarm-1', type: 'temperature-alarm', channel: 2 },
    });
    expect((await sent(row)).notice.headers['idempotency-key']).toBe(identity);
    expect((await sent(aNotice({}, {}, { phase: 'end' }))).notice.headers['idempotency-key']).not.toBe(identity);
  });

  it('holds no raw bytes of the device', async () => {
    const event = { ...anAlarm().event!, raw: 'SECRET RAW' } as Alarm['event'];
    expect((await sent(aNotice({}, { event }))).notice.body.toString()).not.toContain('SECRET RAW');
  });

  it.each([
    ['json', '{"d": "{{alarm.deviceName}}"}', 'application/json', (text: string) => JSON.parse(text).d],
    [
      'xml',
      '<a d="{{alarm.deviceName}}"/>',
      'application/xml; charset=UTF-8',
      (text: string) => parseXml(text).attributes?.d,
    ],
    [
      'form',
      'd={{alarm.deviceName}}',
      'application/x-www-form-urlencoded',
      (text: string) => new URLSearchParams(text).get('d'),
    ],
  ])('as %s is what the template says, also of a hostile name', async (format, body, contentType, read) => {
    const deviceName = `Gate "A" <b> & 'c' {{site}}`;
    const { notice } = await sent(aNotice({ format, body }, { deviceName }));
    expect(notice.headers['content-type']).toBe(contentType);
    if (read(notice.body.toString()) !== undefined) expect(read(notice.body.toString())).toBe(deviceName);
  });

  it.each(['xml', 'form'])('as %s without a template has the usual fields', async (format) => {
    const { notice } = await sent(aNotice({ format }));
    expect(notice.body.toString()).toMatch(/alarmTypeText/);
    if (format === 'xml') expect(parseXml(notice.body.toString()).name).toBe('alarmflow');
  });

  it('by GET has no body, and says it in its path', async () => {
    const { notice } = await sent(aNotice({ format: 'none', path: '/call/{{alarm.type}}' }), { method: 'GET' });
    expect(notice).toMatchObject({ method: 'GET', url: '/alarms/call/temperature-alarm?site=1' });
    expect(notice.body).toHaveLength(0);
    expect(notice.headers['content-length']).toBeUndefined();
  });

  it.each([
    [{ kind: 'bearer', token: 'abc' }, 'authorization', 'Bearer abc'],
    [{ kind: 'header', name: 'X-Key', value: 'abc' }, 'x-key', 'abc'],
    [{ kind: 'basic', user: 'ü', password: ':' }, 'authorization', `Basic ${Buffer.from('ü::').toString('base64')}`],
  ] as const)('carries the login %j', async (login, header, value) => {
    expect((await sent(aNotice(), { login })).notice.headers[header]).toBe(value);
  });

  it('is taken by the statuses that are listed alone', async () => {
    const server = await centreServer();
    server.answer = (_notice, response) => {
      response.writeHead(409).end('known already');
      return true;
    };
    const bench = new ActionBench();
    bench.alarmCentre = aCentre(server.port, { accepted: [{ from: 409, to: 409 }] });
    expect((await bench.run(aNotice())).status).toBe('done');
    bench.alarmCentre = aCentre(server.port);
    await expect(bench.run(aNotice())).rejects.toMatchObject({ code: 'E_CENTRE_REFUSED', family: 'user' });
  });

  it('repeats no secret that the centre repeats', async () => {
    const server = await centreServer();
    server.answer = (notice, response) => {
      response.writeHead(400).end(`bad header: ${notice.headers.authorization}`);
      return false;
    };
    const bench = new ActionBench();
    bench.alarmCentre = aCentre(server.port, { login: { kind: 'bearer', token: 'never-told' } });
    const error = await bench.run(aNotice()).catch((thrown: Error) => thrown);
    expect((error as Error).message).toContain('bad header');
    expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toContain('never-told');
  });

  it('stops when its signal aborts', async () => {
    const server = await centreServer();
    server.answer = () => false;
    const bench = new ActionBench();
    bench.alarmCentre = aCentre(server.port);
    const stop = new AbortController();
    systemClock.after(50, () => stop.abort(new Error('stop now')));
    await expect(bench.run(aNotice(), stop.signal)).rejects.toThrow('stop now');
  });
});

describe('the report plan', () => {
  const planned = async (phase: 'raise' | 'end', armed: (at: number) => boolean) => {
    const server = await centreServer();
    const bench = new ActionBench();
    bench.alarmCentre = aCentre(server.port);
    bench.schedule = (_id, at) => ({ armed: armed(at), detail: 'schedule "Day" is not armed' });
    const row = aNotice({ scheduleId: 'day' }, {}, { phase, requestedAt: RAISED + 3_600_000 });
    return { result: await bench.run(row), told: server.asked.length, bench, row };
  };

  it('is asked at the time of the notice', async () => {
    const { result, told } = await planned('raise', (at) => at === RAISED);
    expect(result).toEqual({ status: 'skipped', summary: expect.stringContaining('outside of its report plan') });
    expect(told).toBe(0);
  });

  it('lets the end of an alarm through whose beginning was told', async () => {
    expect((await planned('end', (at) => at === RAISED)).told).toBe(1);
  });

  it('keeps the end of an alarm back whose beginning was not told', async () => {
    expect((await planned('end', (at) => at !== RAISED)).told).toBe(0);
  });

  it('does not stand in the way of the test button, which says so', async () => {
    const { bench, row } = await planned('raise', () => false);
    const { summary } = await bench
      .handler('notify')
      .execute({ row, attempt: 1, signal: new AbortController().signal, test: true });
    expect(summary).toContain('For alarms it would be outside of its report plan');
  });
});

describe('the ISAPI form', () => {
  const heard = async (row: ActionRow, bench = new ActionBench()) => {
    const server = await centreServer();
    bench.alarmCentre = aCentre(server.port);
    await bench.run(row);
    const { body, headers, url, method } = server.asked[0]!;
    const { connection } = connectDriver(hikvisionDriver, 9, { receive: 'push', timeZone: 'Europe/Berlin' }, false);
    return connection.push({ method, path: url, headers, body, remoteAddress: '127.0.0.1' });
  };
  const isapi = (alarm: Partial<Alarm> = {}, row: Partial<ActionRow> = {}, format = 'isapi') =>
    aNotice({ format }, alarm, row);

  it('is understood by our own driver: type, channel, level, temperatures, time', async () => {
    const [received] = await heard(isapi({ rule: '3', target: 'human', deviceName: 'Hall & <yard>' }));
    expect(received?.draft).toMatchObject({
      type: 'temperature-alarm',
      phase: 'start',
      level: 'alarm',
      channel: 2,
      rule: '3',
      target: 'human',
      temperature: { unit: 'celsius', value: 81.26, threshold: 60 },
      deviceAt: RAISED,
      channelName: 'Depot / Hall & <yard>',
    });
  });

  it('brings the pictures of the event with it', async () => {
    const bench = new ActionBench();
    const bytes = Buffer.from([0xff, 0xd8, 0xff, 0xe0, 13, 10, 45, 45, 0]);
    const mediaId = `media-${bench.kept.push({ contentType: 'image/jpeg', bytes })}`;
    bench.eventPictures = async () => [{ mediaId, contentType: 'image/jpeg', size: bytes.length }];
    const [received] = await heard(isapi({}, {}, 'isapi-pictures'), bench);
    expect(received?.pictures.map((picture) => [picture.contentType, picture.bytes])).toEqual([['image/jpeg', bytes]]);
  });

  it('says the whole alarm where no picture is there', async () => {
    const bench = new ActionBench();
    bench.eventPictures = () => Promise.reject(new Error('disk gone'));
    const [received] = await heard(isapi({}, {}, 'isapi-pictures'), bench);
    expect(received).toMatchObject({ draft: { type: 'temperature-alarm' }, pictures: [] });
  });

  /** What these devices have no name of their own for. */
  const nearest: Partial<Record<KnownEventType, string>> = {
    'relay-state': 'digital-input',
    message: 'digital-input',
    'temperature-reading': 'temperature-alarm',
    'storage-missing': 'storage-fault',
    'source-online': 'device-fault',
    'source-offline': 'device-fault',
    'credentials-refused': 'device-fault',
    'upload-queue-full': 'storage-full',
    'centre-unreachable': 'network-fault',
    'output-left-on': 'device-fault',
  };
  it.each([...knownEventTypes])('tells %s as what it is, or as the nearest', async (type) => {
    const [received] = await heard(isapi({ type, input: '4', event: { ...anAlarm().event!, type } }));
    expect(received?.draft.type).toBe(nearest[type] ?? type);
    if (type === 'digital-input') expect(received?.draft.input).toBe('4');
  });

  it('ends what it began', async () => {
    expect(isapiAlert(isapi({}, { phase: 'end' }), 'Depot', { ipAddress: '0.0.0.0', macAddress: '' }, 0)).toContain(
      '<eventState>inactive</eventState>',
    );
  });

  it('passes the own word of a device, and none that would break it', () => {
    expect(isapiName('vendor:ManualAlarm')).toBe('ManualAlarm');
    expect(isapiName('vendor:a</eventType>')).toBe('spareException');
  });

  it('is well-formed whatever a device has said', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 700 }), (text) => {
        const event = { ...anAlarm().event!, description: text, channelName: text };
        const row = isapi({ deviceName: text, triggerName: text, rule: text, input: text, event });
        expect(parseXml(isapiAlert(row, text, { ipAddress: text, macAddress: text }, 0)).name).toBe(
          'EventNotificationAlert',
        );
      }),
    );
  });
});

describe('the parameters', () => {
  it.each([
    [{ centreId: '' }, 'centreId'],
    [{ format: 'yaml' }, 'format'],
    [{ body: '{' }, 'body'],
    [{ format: 'xml', body: '<a>' }, 'body'],
    [{ format: 'form', body: 'a' }, 'body'],
    [{ path: 'a' }, 'path'],
    [{ path: '/a/../b' }, 'path'],
    [{ path: '/a b' }, 'path'],
    [{ contentType: 'text/plain\r\nx: y' }, 'contentType'],
    [{ senderMac: 'x' }, 'senderMac'],
    [{ scheduleId: 7 }, 'scheduleId'],
    [{ phases: 'raise' }, 'phases'],
  ])('%j are refused', (fields, field) => {
    expect(() => new ActionBench().handler('notify').check(params(fields))).toThrow(`"${field}"`);
  });

  it('are rehearsed without a request', async () => {
    const server = await centreServer();
    const bench = new ActionBench();
    bench.alarmCentre = aCentre(server.port);
    expect(bench.handler('notify').rehearse?.(aNotice())).toMatch(/^would send POST to Alarm centre "City"/);
    expect(server.asked).toEqual([]);
  });

  it('are shown as they would be sent, without what is secret', () => {
    const centre = aCentre(80, { login: { kind: 'bearer', token: 'never told' } });
    const shown = previewNotify(aNotice({ format: 'form', body: 'a={{alarm.type}}' }), centre, 'Depot');
    expect(shown).toEqual({
      request: 'POST http://127.0.0.1/alarms?site=1',
      contentType: 'application/x-www-form-urlencoded',
      body: 'a=temperature-alarm',
    });
  });
});

describe('the test of a centre', () => {
  it.each([
    ['json', 'application/json', /"kind":"heartbeat"/],
    ['isapi', 'application/xml; charset="UTF-8"', /videoloss/],
  ] as const)('sends a sign of life as %s', async (sign, contentType, body) => {
    const server = await centreServer();
    const told = await testAlarmCentre(aCentre(server.port, { sign }), {
      clock: systemClock,
      digest: answerDigest,
      siteName: 'Depot',
    });
    expect(told).toEqual({ ok: true, detail: expect.stringContaining('took a sign of life (200)') });
    expect(server.asked[0]?.headers['content-type']).toBe(contentType);
    expect(server.asked[0]?.body.toString()).toMatch(body);
  });

  it('says what is wrong', async () => {
    const told = await testAlarmCentre(aCentre(9), { clock: new VirtualClock(RAISED), siteName: 'Depot' });
    expect(told).toEqual({ ok: false, detail: expect.stringContaining("can't be reached") });
  });
});
