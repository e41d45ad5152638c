import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { generateVAPIDKeys } from 'web-push';
import { endpointFault, isPublicAddress } from '../../engine/actions/public-address';
import { payloadBytes } from '../../engine/actions/push-payload';
import { webPushHandler } from '../../engine/actions/web-push';
import type { Clock } from '../../engine/clock/clock';
import { systemClock } from '../../engine/clock/system-clock';
import { VirtualClock } from '../../engine/clock/virtual-clock';
import type { ActionRow } from '../../engine/domain/actions';
import { silentLog } from '../../engine/domain/log';
import { PUSH_BYTES, type PushPayload, type PushSubscription } from '../../engine/domain/web-push';
import { type PushService, SERVICE_NAME, startPushService } from '../support/push-service';
import { type Authority, anAuthority } from '../support/smtp-certificate';
import { anAlarm, aRow } from './action-bench';

const params = {
  phases: ['raise', 'escalate', 'clear', 'end'],
  to: 'all',
  roles: [],
  users: [],
  title: '',
  text: '',
  picture: true,
  stays: true,
  silent: false,
  ttl: 3_600,
  urgency: 'high',
  links: false,
};
const keys = generateVAPIDKeys();
const authority = anAuthority() as Authority;
const runnable = authority !== null;

let service: PushService;
let subscriptions: PushSubscription[];
let gone: string[];
let clock: Clock;

beforeAll(async () => {
  if (runnable) service = await startPushService(authority);
});
afterAll(async () => {
  if (runnable) await service.close();
});
beforeEach(() => {
  clock = systemClock;
  gone = [];
  if (!runnable) return;
  service.taken.length = 0;
  subscriptions = ['anna', 'otto'].map((user) => ({ id: user, user, browser: 'Firefox', ...service.browser(user) }));
});
afterEach(() => {
  for (const user of ['anna', 'otto']) service?.behave(user, 'take');
});

function handler(more: Partial<Parameters<typeof webPushHandler>[0]> = {}) {
  return webPushHandler({
    push: {
      of: async () => subscriptions.filter(({ id }) => !gone.includes(id)),
      identity: async () => ({ ...keys, contact: 'mailto:alarm@example.org' }),
      gone: async (id) => void gone.push(id),
      reached: () => undefined,
    },
    pushNetwork: service.network,
    siteName: 'Plant',
    clock,
    log: silentLog,
    ...more,
  });
}

const push = (fields: Partial<ActionRow> = {}, change: Record<string, unknown> = {}): ActionRow =>
  aRow('web-push', { ...params, ...change }, fields);
const run = (row: ActionRow, on = handler(), test = false) =>
  on.execute({ row, attempt: 1, signal: new AbortController().signal, ...(test ? { test } : {}) });
const payloads = (): PushPayload[] => service.taken.map(({ payload }) => payload as PushPayload);

describe.skipIf(!runnable)('a push', () => {
  it('reaches each browser encrypted for it, signed by the site, with what the push service is to do', async () => {
    const outcome = await run(push());
    expect(outcome).toEqual({ status: 'done', summary: 'Push taken for 2 of 2 browsers' });
    expect(service.taken.map(({ browser }) => browser).sort()).toEqual(['anna', 'otto']);
    const [first] = service.taken;
    expect(first).toMatchObject({
      ttl: '3600',
      urgency: 'high',
      key: keys.publicKey,
      claims: { aud: new URL(subscriptions[0]!.endpoint).origin, sub: 'mailto:alarm@example.org' },
    });
    expect(first!.topic).toMatch(/^[\w-]{32}$/);
    // RFC 8292 §2: no more than a day.
    expect(first!.claims.exp * 1000 - Date.now()).toBeLessThanOrEqual(86_400_000);
    expect(first!.payload).toMatchObject({
      kind: 'show',
      title: 'Alarm: Temperature alarm',
      body: expect.stringContaining('Hall camera · Plant · '),
      stays: true,
      tag: first!.topic,
    });
  });

  it('of a later phase takes the place of the first; the clear closes it without a sound', async () => {
    await run(push());
    await run(push({ phase: 'escalate', key: 'alarm-1:node-1:escalate:2' }));
    await run(push({ phase: 'clear' }));
    expect(new Set(service.taken.map(({ topic }) => topic)).size).toBe(1);
    const [raise, , escalate, , clear] = payloads();
    expect([raise!.tag, escalate!.tag]).toEqual([clear!.tag, clear!.tag]);
    expect(raise!.id).not.toBe(escalate!.id);
    expect(clear).toMatchObject({ kind: 'close', silent: true });
    expect(clear).not.toHaveProperty('stays');
    await run(push({ alarmId: 'alarm-2', alarm: { ...anAlarm({ id: 'alarm-2' }), phase: 'raise' }, key: 'x' }));
    expect(payloads().at(-1)!.tag).not.toBe(raise!.tag);
  });

  it('that closes an acknowledged alarm is quiet, carries no links, and needs no browser', async () => {
    const row = push(
      { key: 'ack', phase: 'message', alarm: { ...anAlarm(), phase: 'raise' } },
      { phases: ['raise'], answered: 'acknowledged by anna', links: true },
    );
    const on = handler({
      links: () => ({ acknowledge: 'https://x/a', snooze: 'https://x/s', falseAlarm: 'https://x/f' }),
    });
    await run(push());
    expect((await run(row, on)).status).toBe('done');
    const [shown, , closed] = payloads();
    expect(closed).toMatchObject({ kind: 'close', tag: shown!.tag, title: 'Acknowledged by anna: Temperature alarm' });
    expect(closed).toMatchObject({ silent: true });
    expect(closed).not.toHaveProperty('links');
    subscriptions = [];
    expect(await run(row, on)).toEqual({ status: 'skipped', summary: 'No browser is left that shows it' });
  });

  it('that comes after somebody has acknowledged the alarm is not sent', async () => {
    const alarmNow = async () => anAlarm({ acknowledgedAt: 1, acknowledgedBy: 'anna' });
    const skipped = { status: 'skipped', summary: 'Not sent: acknowledged by anna before it was sent' };
    expect(await run(push(), handler({ alarmNow }))).toEqual(skipped);
    expect((await run(push({ phase: 'clear' }), handler({ alarmNow }))).status).toBe('done');
    expect(service.taken).toHaveLength(2);
  });

  it('names the picture of the alarm by its path in the console, and no bytes of it', async () => {
    const alarm = anAlarm();
    const pictures = [{ mediaId: 'm 1', contentType: 'image/jpeg', size: 9 }];
    await run(push({ alarm: { ...alarm, event: { ...alarm.event, pictures }, phase: 'raise' } }));
    expect(payloads()[0]!.picture).toBe('/api/v1/media/m%201');
  });

  it('carries links of its own for each user where they are asked for, and none in a test or with a clear', async () => {
    const asked: string[] = [];
    const links = ({ alarmId }: { alarmId: string | null }, receiver: string, by = '') => {
      asked.push(`${alarmId} ${receiver} ${by}`);
      return { acknowledge: `https://x/${receiver}`, snooze: 'https://x/s', falseAlarm: 'https://x/f' };
    };
    const on = handler({ links });
    await run(push(), on);
    await run(push({ key: 'test' }, { links: true }), on, true);
    await run(push({ phase: 'clear' }, { links: true }), on);
    expect(asked).toEqual([]);
    await run(push({ key: 'again' }, { links: true }), on);
    expect(asked.sort()).toEqual(['alarm-1 anna push', 'alarm-1 otto push']);
    const own = service.taken.slice(-2).map(({ browser, payload }) => [browser, (payload as PushPayload).links]);
    expect(own).toContainEqual(['anna', expect.objectContaining({ acknowledge: 'https://x/anna' })]);
    expect(own).toContainEqual(['otto', expect.objectContaining({ acknowledge: 'https://x/otto' })]);
  });

  it('gives a user who may only look no link to answer with', async () => {
    subscriptions = subscriptions.map((one) => ({ ...one, role: one.user === 'otto' ? 'viewer' : 'operator' }));
    const links = () => ({ acknowledge: 'https://x/a', snooze: 'https://x/s', falseAlarm: 'https://x/f' });
    await run(push({}, { links: true }), handler({ links }));
    const own = service.taken.map(({ browser, payload }) => [browser, 'links' in (payload as PushPayload)]);
    expect(own.sort()).toEqual([
      ['anna', true],
      ['otto', false],
    ]);
  });

  it('says that it is a test where it is one', async () => {
    await run(push(), handler(), true);
    expect(payloads()[0]!.title).toBe('Test: Alarm: Temperature alarm');
  });

  it('of any length fits the 4096 bytes that push services take, links whole', async () => {
    const long = 'Ⅷ"\n'.repeat(1_300);
    const link = `https://plant.example.org/answer/${'x'.repeat(500)}`;
    const links = () => ({ acknowledge: link, snooze: link, falseAlarm: link });
    await run(push({}, { text: long, title: long.slice(0, 500), links: true }), handler({ links }));
    expect(service.taken[0]!.size).toBeLessThanOrEqual(4_096);
    expect(payloads()[0]!.links?.falseAlarm).toBe(link);
    const payload: PushPayload = { kind: 'show', tag: 't', id: 'i', title: '', body: '', at: 1 };
    const body = 'a'.repeat(PUSH_BYTES - payloadBytes(payload, null).length);
    expect(payloadBytes({ ...payload, body }, null).length).toBe(PUSH_BYTES);
  });
});

const refusalOf = async (work: Promise<unknown>) =>
  work.then(
    () => null,
    (error: unknown) => error as { code: string; family: string; message: string; retryAfterMs?: number },
  );

describe.skipIf(!runnable)('what can go wrong with a push', () => {
  it.each([404, 410])(
    'a push service that answers %i: the browser is forgotten, the others are told',
    async (status) => {
      service.behave('anna', { status });
      expect(await run(push())).toEqual({
        status: 'done',
        summary: 'Push taken for 1 of 2 browsers; 1 browser gone and forgotten',
      });
      expect(gone).toEqual(['anna']);
    },
  );

  it('nobody has notifications switched on: says who should, and is not tried again', async () => {
    subscriptions = [];
    expect(await refusalOf(run(push({}, { to: 'roles', roles: ['operator'] })))).toMatchObject({
      code: 'E_PUSH_NOBODY',
      family: 'user',
      message: expect.stringContaining('no browser of operators'),
    });
  });

  it('all browsers are gone: says so, and is not tried again', async () => {
    for (const user of ['anna', 'otto']) service.behave(user, { status: 410 });
    expect(await refusalOf(run(push()))).toMatchObject({ code: 'E_PUSH_NOBODY', family: 'user' });
  });

  it('too many messages: is tried again when the push service says, asks nobody before, and tells each browser once', async () => {
    const virtual = new VirtualClock(Date.UTC(2026, 10, 21));
    clock = virtual;
    const on = handler();
    service.behave('anna', { status: 429, headers: { 'retry-after': '120' } });
    service.behave('otto', { status: 429, headers: { 'retry-after': '120' } });
    expect(await refusalOf(run(push(), on))).toMatchObject({
      code: 'E_PUSH_BUSY',
      family: 'operational',
      retryAfterMs: 120_000,
    });
    for (const user of ['anna', 'otto']) service.behave(user, 'take');
    const before = service.requests;
    expect(await refusalOf(run(push(), on))).toMatchObject({ code: 'E_PUSH_BUSY' });
    expect(service.requests).toBe(before);
    await virtual.advance(120_000);
    expect(await run(push(), on)).toMatchObject({ status: 'done' });
    expect(service.taken).toHaveLength(2);
  });

  it('a Retry-After that is a date counts from the clock of this machine', async () => {
    const at = Date.UTC(2026, 10, 21, 12);
    clock = new VirtualClock(at);
    service.behave('anna', { status: 429, headers: { 'retry-after': new Date(at + 90_000).toUTCString() } });
    expect(await refusalOf(run(push()))).toMatchObject({ code: 'E_PUSH_BUSY', retryAfterMs: 90_000 });
  });

  it('a push service that fails for one browser: the next try leaves out who has it', async () => {
    service.behave('anna', { status: 503 });
    const on = handler();
    expect(await refusalOf(run(push(), on))).toMatchObject({
      code: 'E_PUSH_SERVICE',
      family: 'operational',
      message: expect.stringContaining('Push taken for 1 of 2 browsers'),
    });
    service.behave('anna', 'take');
    expect(await run(push(), on)).toMatchObject({ summary: 'Push taken for 2 of 2 browsers' });
    expect(service.taken.map(({ browser }) => browser)).toEqual(['otto', 'anna']);
  });

  it('a connection that breaks: is tried again', async () => {
    for (const user of ['anna', 'otto']) service.behave(user, 'reset');
    expect(await refusalOf(run(push()))).toMatchObject({ code: 'E_PUSH_SERVICE', family: 'operational' });
  });

  it('a push service that does not answer: is given up after 15 s and tried again', async () => {
    const virtual = new VirtualClock(Date.UTC(2026, 10, 21));
    clock = virtual;
    subscriptions = subscriptions.slice(0, 1);
    service.behave('anna', 'hang');
    const before = service.requests;
    const work = refusalOf(run(push()));
    await expect.poll(() => service.requests, { timeout: 15_000 }).toBe(before + 1);
    await virtual.advance(15_000);
    expect(await work).toMatchObject({ code: 'E_TOO_SLOW', family: 'operational' });
  });

  it('a push service that does not take the signature: says what to do, and is not tried again', async () => {
    for (const user of ['anna', 'otto']) service.behave(user, { status: 403 });
    expect(await refusalOf(run(push()))).toMatchObject({
      code: 'E_PUSH_REFUSED',
      family: 'user',
      message: expect.stringContaining('pushContact'),
    });
  });

  it('an answer without end: is read no further than it matters', async () => {
    for (const user of ['anna', 'otto']) service.behave(user, { status: 201, body: 'x'.repeat(5_000_000) });
    expect(await run(push())).toMatchObject({ status: 'done' });
  });

  it('a certificate that is not trusted: nothing is sent', async () => {
    const { ca: _ca, ...network } = service.network;
    const before = service.requests;
    expect(await refusalOf(run(push(), handler({ pushNetwork: network })))).toMatchObject({
      code: 'E_PUSH_SERVICE',
      message: expect.stringMatching(/CERT|ISSUER|SIGN/),
    });
    expect(service.requests).toBe(before);
  });

  it('a name that leads into this network: nothing is asked of it, and nothing of the endpoint is told', async () => {
    const before = service.requests;
    const network = { ...service.network, allows: isPublicAddress };
    const refusal = await refusalOf(run(push(), handler({ pushNetwork: network })));
    expect(refusal).toMatchObject({ code: 'E_PUSH_ENDPOINT', family: 'user' });
    expect(refusal!.message).toContain(SERVICE_NAME);
    expect(refusal!.message).not.toContain('/send/');
    expect(service.requests).toBe(before);
  });
});

describe('an endpoint', () => {
  it.each([
    ['http://push.example.org/x', 'not https'],
    ['https://127.0.0.1/x', 'an address'],
    ['https://2130706433/x', 'an address'],
    ['https://0x7f.1/x', 'an address'],
    ['https://[::1]/x', 'an address'],
    ['https://[::ffff:10.0.0.1]/x', 'an address'],
    ['https://localhost/x', 'none of the Internet'],
    ['https://camera/x', 'none of the Internet'],
    ['https://nas.local/x', 'none of the Internet'],
    ['https://db.internal./x', 'none of the Internet'],
    ['https://user:pass@push.example.org/x', 'a login'],
    ['https://push.example.org/x#y', 'a fragment'],
    ['file:///etc/passwd', 'not https'],
    ['javascript:alert(1)', 'not https'],
    ['push.example.org', 'no URL'],
    [`https://push.example.org/${'x'.repeat(2_048)}`, 'longer than'],
  ])('like %s is refused', (endpoint, why) => {
    expect(endpointFault(endpoint)).toContain(why);
  });

  it.each([
    'https://fcm.googleapis.com/fcm/send/abc',
    'https://updates.push.services.mozilla.com/wpush/v2/abc',
    'https://web.push.apple.com/abc',
    'https://wns2-par02p.notify.windows.com/w/?token=abc%2b',
  ])('like %s is taken', (endpoint) => {
    expect(endpointFault(endpoint)).toBeNull();
  });

  it.each([
    '0.0.0.0',
    '10.1.2.3',
    '100.64.0.1',
    '127.0.0.1',
    '169.254.169.254',
    '172.31.0.1',
    '192.168.1.1',
    '198.19.0.1',
    '224.0.0.1',
    '255.255.255.255',
    '::',
    '::1',
    '::ffff:8.8.8.8',
    '64:ff9b::a00:1',
    'fc00::1',
    'fe80::1',
    'ff02::1',
    '2001:db8::1',
    '2002:7f00:1::',
    'no address',
  ])('at %s is no push service', (address) => {
    expect(isPublicAddress(address)).toBe(false);
  });

  it.each(['8.8.8.8', '142.250.74.10', '2a00:1450:4001:82b::200a', '2606:4700::1111'])(
    'at %s may be one',
    (address) => {
      expect(isPublicAddress(address)).toBe(true);
    },
  );
});

describe('the parameters of a push', () => {
  const check = (change: Record<string, unknown>) => () =>
    webPushHandler({ siteName: '', clock: systemClock, log: silentLog }).check({ ...params, ...change });

  it.each([
    [{ to: 'nobody' }, 'to'],
    [{ to: 'roles', roles: [] }, 'roles'],
    [{ to: 'roles', roles: ['guest'] }, 'roles'],
    [{ to: 'users', users: [''] }, 'users'],
    [{ ttl: -1 }, 'ttl'],
    [{ ttl: 28 * 86_400 + 1 }, 'ttl'],
    [{ urgency: 'urgent' }, 'urgency'],
    [{ links: 'yes' }, 'links'],
    [{ phases: ['never'] }, 'phases'],
  ])('with %j are refused by the name of the field', (change, field) => {
    expect(check(change)).toThrow(`field "${field}"`);
  });

  it('say in a dry run what would be sent, and to whom', () => {
    const row = push({}, { to: 'roles', roles: ['operator', 'administrator'] });
    const said = webPushHandler({ siteName: 'Plant', clock: systemClock, log: silentLog }).rehearse?.(row);
    expect(said).toBe('would send "Alarm: Temperature alarm" to the browsers of operators and administrators');
  });
});
