import { createECDH } from 'node:crypto';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Clock } from '../../engine/clock/clock';
import { systemClock } from '../../engine/clock/system-clock';
import { VirtualClock } from '../../engine/clock/virtual-clock';
import type { Announce, Announcement } from '../../engine/domain/announcements';
import { userError } from '../../engine/domain/errors';
import { silentLog } from '../../engine/domain/log';
import type { EventQuery, ExplainedEvent } from '../../engine/domain/record';
import { type Api, type ConsoleServices, createApi } from '../../engine/host/api';
import type { AuditEntry, Auth } from '../../engine/host/auth';
import type { OutputRow, Session, WhyAnswer } from '../../engine/host/console-api';
import { addEveryRole, CLI_TOKEN, memoryAuth, openDoor, PASSWORD } from '../support/host-door';

let auth: Auth;
let api: Api;
let door: Awaited<ReturnType<typeof openDoor>>;
let events: ExplainedEvent[];
let calls: string[];
let audit: AuditEntry[];
let armed: boolean;
let dry = false;
let trouble: string | null = null;
const listeners = new Set<Announce>();
const announce = (announcement: Announcement): void => {
  for (const listener of listeners) listener(announcement);
};

const eventOf = (id: string, more: Partial<ExplainedEvent['event']> = {}): ExplainedEvent => ({
  event: {
    id,
    deviceId: 'cam',
    type: 'motion',
    vendorType: 'VMD',
    phase: 'start',
    deviceTime: null,
    deviceAt: null,
    receivedAt: 1,
    clockSuspect: false,
    late: false,
    pictures: [],
    raw: '<xml/>',
    ...more,
  },
  decisions: [],
});
const output = {
  id: 'cam/relay/1',
  deviceId: 'cam',
  kind: 'relay',
  output: '1',
  name: 'Siren',
  mode: 'auto',
  generation: 1,
  desired: true,
  confirmed: true,
  confirmedAt: 1,
  lastError: null,
  deviceName: 'Cam',
  words: 'alarm output 1',
  mannerWords: '',
  soundsHere: false,
  soundsSince: null,
  dryRun: false,
  heldBy: [],
} as OutputRow;

const whyAnswer: WhyAnswer = {
  subject: { kind: 'event', id: 'e1', at: 1, title: 'Motion' },
  verdict: 'It raised an alarm.',
  notes: [],
  triggers: [],
  followed: [],
};

const services: ConsoleServices = {
  version: '1.2.3',
  async capture(id, limits) {
    calls.push(`capture ${id} ${JSON.stringify(limits)}`);
    return (async function* () {
      yield Buffer.from('first ');
      yield Buffer.from('second');
    })();
  },
  siteName: 'Site',
  demo: false,
  editorPath: '/editor/',
  reader: {
    async events(query: EventQuery) {
      calls.push(`events ${JSON.stringify(query)}`);
      return events
        .filter(({ event }) => (!query.after || event.id > query.after) && (!query.before || event.id < query.before))
        .reverse()
        .slice(0, query.limit);
    },
    event: async (id) => events.find(({ event }) => event.id === id) ?? null,
    alarms: async (query) => {
      calls.push(`alarms ${JSON.stringify(query)}`);
      return [];
    },
    alarm: async () => null,
    actions: async (query) => {
      calls.push(`actions ${JSON.stringify(query)}`);
      return [];
    },
    mails: async () => [],
    keepMail: async () => {},
    audit: async () => [],
  },
  media: {
    async open(id) {
      const all = Buffer.from('<script>');
      const bytes = (first: number, last: number) => Readable.from([all.subarray(first, last + 1)]);
      const of = (contentType: string, name: string | null = null) => ({ contentType, name, size: all.length, bytes });
      if (id === 'picture') return of('image/jpeg', 'a "hall" ä\r\n.jpg');
      if (id === 'clip') return of('video/mp4', 'hall.mp4');
      if (id === 'page') return of('text/html');
      if (id === 'drawing') return of('image/svg+xml');
      return null;
    },
  },
  site: {
    isArmed: () => armed,
    async setArmed(value, who) {
      armed = value;
      calls.push(`armed ${value} ${who}`);
    },
    dryRun: () => ({ on: dry, who: null, since: null, held: false }),
    trouble: () => trouble,
    async setDryRun(on, who) {
      dry = on;
      calls.push(`dry-run ${on} ${who}`);
    },
  },
  arming: {
    rows: () => [],
    async order({ subject, armed: wanted, how, source, who, forMs }) {
      if (subject.id === 'open') throw userError('E_AREA_OPEN', 'area "Hall" cannot be armed: Motion (Hall camera)');
      calls.push(`order ${subject.scope} ${subject.id} ${wanted} ${how} ${source} ${who} ${forMs}`);
    },
  },
  shelves: {
    list: () => [],
    async shelve({ scope, id, key, forMs, reason }, who) {
      calls.push(`shelve ${scope} ${id} ${key} ${forMs} ${reason} ${who}`);
    },
    async unshelve(id, who) {
      if (id === 'gone') throw userError('E_UNKNOWN_SHELF', 'Nothing is shelved under gone');
      calls.push(`unshelve ${id} ${who}`);
    },
  },
  alarms: {
    async acknowledge(id, who, as) {
      if (id === 'gone') throw userError('E_UNKNOWN_ALARM', 'There is no alarm "gone"');
      calls.push(`acknowledge ${id} ${who}${as ? ` as ${as}` : ''}`);
    },
    reset: async (id, who) => void calls.push(`reset ${id} ${who}`),
  },
  outputs: {
    rows: () => [output],
    setMode: async (id, mode, who) => void calls.push(`mode ${id} ${mode} ${who}`),
    resetAll: async (who) => void calls.push(`reset-outputs ${who}`),
    reset: async (id, who) => void calls.push(`reset-output ${id} ${who}`),
  },
  popups: {
    list: () => [],
    acknowledge: async (id, who, as) => void calls.push(`popup ${id} acknowledged by ${who}${as ? ` as ${as}` : ''}`),
    close: async (id, who) => void calls.push(`popup ${id} closed by ${who}`),
    async picture(id, stop) {
      if (stop > 1) throw userError('E_UNKNOWN_POPUP', `The tour of this message has no stop ${stop}`);
      return { contentType: stop === 1 ? 'text/html' : 'image/jpeg', bytes: Buffer.from(`${id}${stop}`) };
    },
  },
  push: {
    publicKey: async () => 'public-key',
    list: () =>
      ['vera', 'otto'].map((user) => ({
        id: `of-${user}`,
        user,
        browser: 'Firefox',
        service: 'push.example.org',
        since: 1,
        reachedAt: null,
      })),
    subscribe: async ({ browser }, user) => void calls.push(`subscribe ${browser} ${user}`),
    unsubscribe: async (id, who) => void calls.push(`unsubscribe ${id} ${who}`),
    async test(id) {
      calls.push(`push-test ${id}`);
      return { ok: true, detail: 'sent' };
    },
  },
  devices: { rows: () => [], ingestPath: async () => '/ingest/x' },
  flows: async () => [{ id: 'tab', type: 'tab' }],
  retryAction: async (key) => {
    calls.push(`retry ${key}`);
    return { key, nodeName: 'Mail' } as never;
  },
  demoScenes: {
    list: () => [{ id: 'fire', title: 'Fire', description: '' }],
    fire: async (scene) => void calls.push(`fire ${scene}`),
  },
  why: {
    async event(id) {
      calls.push(`why event ${id}`);
      if (id === 'gone') throw userError('E_UNKNOWN_EVENT', 'There is no event "gone"');
      return whyAnswer;
    },
    async alarm(id) {
      calls.push(`why alarm ${id}`);
      return whyAnswer;
    },
    async trigger(asked) {
      calls.push(`why trigger ${JSON.stringify(asked)}`);
      return whyAnswer;
    },
  },
  subscribe(listener) {
    listeners.add(listener);
    return () => listeners.delete(listener);
  },
  audit: async (entry) => void audit.push(entry),
};

async function open(options: { users?: boolean; clock?: Clock } = {}): Promise<void> {
  ({ auth } = await memoryAuth());
  if (options.users !== false) await addEveryRole(auth);
  api = createApi({ services, auth, clock: options.clock ?? systemClock, log: silentLog, sessionMs: 3_600_000 });
  door = await openDoor(auth);
  door.server.mount({ api: api.handle });
}

beforeEach(() => {
  events = ['e1', 'e2', 'e3'].map((id) => eventOf(id));
  calls = [];
  audit = [];
  armed = true;
  dry = false;
});
afterEach(async () => {
  api.close();
  await door.server.close();
  expect(listeners.size).toBe(0);
});

interface Caller {
  cookie: string;
  csrf: string;
}

async function call(
  method: string,
  path: string,
  options: { as?: Caller; body?: unknown; headers?: Record<string, string> } = {},
) {
  const response = await fetch(`${door.url}/api/v1${path}`, {
    method,
    headers: {
      ...(options.as ? { cookie: options.as.cookie, 'x-alarmflow-csrf': options.as.csrf } : {}),
      ...(options.body === undefined ? {} : { 'content-type': 'application/json' }),
      ...options.headers,
    },
    ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) }),
  });
  const text = await response.text();
  const isJson = response.headers.get('content-type')?.startsWith('application/json') && text !== '';
  return { status: response.status, headers: response.headers, text, body: isJson ? JSON.parse(text) : null };
}

async function login(name: string, password = PASSWORD): Promise<Caller> {
  const before = (await call('GET', '/session')).body as Session;
  const response = await call('POST', '/login', {
    body: { name, password },
    headers: { 'x-alarmflow-csrf': before.csrf },
  });
  expect(response.status).toBe(200);
  const cookie = response.headers.get('set-cookie')!;
  expect(cookie).toMatch(/^alarmflow_session=[\w-]{43}; Path=\/; Max-Age=3600; HttpOnly; SameSite=Strict$/);
  return { cookie: cookie.split(';')[0]!, csrf: response.body.csrf };
}

describe('the session', () => {
  it('is open without users', async () => {
    await open({ users: false });
    expect((await call('GET', '/session')).body).toMatchObject({ user: null, open: true, version: '1.2.3' });
    expect((await call('GET', '/site')).body).toEqual({
      name: 'Site',
      armed: true,
      dryRun: { on: false, who: null, since: null, held: false },
      trouble: null,
      editorPath: '/editor/',
    });
  });

  it('tells why nothing can be kept', async () => {
    await open({ users: false });
    trouble = 'The record cannot be written: free some space';
    expect((await call('GET', '/site')).body).toMatchObject({ trouble });
    trouble = null;
  });

  it('begins with a login and ends with a logout', async () => {
    await open();
    expect((await call('GET', '/session')).body).toMatchObject({ user: null, open: false });
    expect((await call('GET', '/site')).status).toBe(401);
    const anna = await login('anna');
    expect((await call('GET', '/session', { as: anna })).body.user).toEqual({ name: 'anna', role: 'administrator' });
    const out = await call('POST', '/logout', { as: anna, body: {} });
    expect(out.headers.get('set-cookie')).toContain('Max-Age=0');
    expect((await call('GET', '/site', { as: anna })).status).toBe(401);
  });

  it('refuses wrong passwords, and after five of them tells how long to wait', async () => {
    await open();
    const { csrf } = (await call('GET', '/session')).body;
    const attempt = () =>
      call('POST', '/login', { body: { name: 'anna', password: 'wrong' }, headers: { 'x-alarmflow-csrf': csrf } });
    for (let i = 0; i < 5; i++) expect((await attempt()).body.error.code).toBe('E_LOGIN_REFUSED');
    const locked = await attempt();
    expect(locked.status).toBe(429);
    expect(Number(locked.headers.get('retry-after'))).toBeGreaterThan(890);
  });

  it('of the command line needs no cookie', async () => {
    await open();
    const headers = { authorization: `Bearer ${CLI_TOKEN}` };
    expect((await call('POST', '/site', { headers, body: { armed: false } })).body.armed).toBe(false);
    expect(calls).toEqual(['armed false local']);
  });
});

describe('changes', () => {
  it('need the value against forged requests, also while the site is open', async () => {
    await open({ users: false });
    const refused = await call('POST', '/site', { body: { armed: false } });
    expect([refused.status, refused.body.error.code]).toEqual([403, 'E_CSRF']);
    const { csrf } = (await call('GET', '/session')).body;
    expect(
      (await call('POST', '/site', { body: { armed: false }, headers: { 'x-alarmflow-csrf': csrf } })).status,
    ).toBe(200);
    expect(calls).toEqual(['armed false local']);
  });

  it('need the role', async () => {
    await open();
    const roles = { vera: await login('vera'), otto: await login('otto'), anna: await login('anna') };
    const statuses = async (method: string, path: string, body?: unknown) =>
      Promise.all(Object.values(roles).map(async (as) => (await call(method, path, { as, body })).status));
    expect(await statuses('POST', '/site', { armed: true })).toEqual([403, 200, 200]);
    expect(await statuses('POST', '/outputs/reset', {})).toEqual([403, 200, 200]);
    expect(await statuses('POST', '/outputs/x/reset', {})).toEqual([403, 200, 200]);
    expect(await statuses('POST', '/demo/fire', {})).toEqual([403, 200, 200]);
    expect(await statuses('GET', '/users')).toEqual([403, 403, 200]);
    expect(await statuses('POST', '/dry-run', { on: true })).toEqual([403, 403, 200]);
    expect(await statuses('GET', '/dry-run')).toEqual([200, 200, 200]);
    expect(await statuses('GET', '/audit')).toEqual([403, 403, 200]);
    expect(await statuses('GET', '/events')).toEqual([200, 200, 200]);
  });

  it('of the dry run are told with the site, and by whom', async () => {
    await open();
    const anna = await login('anna');
    const told = await call('POST', '/dry-run', { as: anna, body: { on: true } });
    expect(told.body).toEqual({ on: true, who: null, since: null, held: false });
    expect((await call('GET', '/site', { as: anna })).body.dryRun.on).toBe(true);
    expect(calls).toEqual(['dry-run true anna']);
    expect((await call('POST', '/dry-run', { as: anna, body: { on: 'yes' } })).status).toBe(400);
  });

  it('answer why to a viewer, about an event, an alarm, and an event that has not come', async () => {
    await open();
    const as = await login('vera');
    expect((await call('GET', '/why/event/e1', { as })).body).toEqual(whyAnswer);
    expect((await call('GET', '/why/alarm/a1', { as })).body).toEqual(whyAnswer);
    const at = encodeURIComponent('2026-11-21T20:00:00+01:00');
    expect((await call('GET', `/why?trigger=t1&device=cam&at=${at}`, { as })).status).toBe(200);
    expect((await call('GET', '/why?trigger=t1&at=1795000000000', { as })).status).toBe(200);
    expect(calls).toEqual([
      'why event e1',
      'why alarm a1',
      `why trigger {"trigger":"t1","device":"cam","at":${Date.UTC(2026, 10, 21, 19)}}`,
      'why trigger {"trigger":"t1","at":1795000000000}',
    ]);
    expect((await call('GET', '/why/event/gone', { as })).status).toBe(404);
    for (const bad of ['', '?trigger=t1&at=tomorrow', '?trigger=t1&at=9999999999999999', '?trigger=t1&other=1'])
      expect((await call('GET', `/why${bad}`, { as })).status).toBe(400);
    expect((await call('GET', '/why/event/e1')).status).toBe(401);
  });

  it('capture what a device sends for an administrator only, within bounds, and write who did', async () => {
    await open();
    const [otto, anna] = [await login('otto'), await login('anna')];
    const headers = { cookie: anna.cookie, 'x-alarmflow-csrf': anna.csrf, 'content-type': 'application/json' };
    const url = `${door.url}/api/v1/devices/cam/capture`;
    const response = await fetch(url, { method: 'POST', headers, body: '{"parts":5,"seconds":2}' });
    expect([response.status, await response.text()]).toEqual([200, 'first second']);
    expect(calls).toEqual([`capture cam {"parts":5,"bytes":${16 << 20},"forMs":2000}`]);
    expect(audit.at(-1)).toMatchObject({ who: 'anna', action: 'device.capture', subject: 'cam' });
    expect((await call('POST', '/devices/cam/capture', { as: otto, body: {} })).status).toBe(403);
    for (const body of [{ parts: 0 }, { parts: 10_001 }, { seconds: 3_601 }, { megabytes: 65 }, { more: 1 }])
      expect((await call('POST', '/devices/cam/capture', { as: anna, body })).status).toBe(400);
    expect(calls).toHaveLength(1);
  });

  it('carry who made them', async () => {
    await open();
    const otto = await login('otto');
    await call('POST', '/alarms/a1/acknowledge', { as: otto, body: {} });
    await call('POST', '/alarms/a2/acknowledge', { as: otto, body: { as: 'false-alarm' } });
    await call('POST', '/alarms/a1/reset', { as: otto });
    await call('POST', `/outputs/${encodeURIComponent('cam/relay/1')}/mode`, { as: otto, body: { mode: 'on' } });
    await call('POST', '/outputs/reset', { as: otto, body: {} });
    await call('POST', `/outputs/${encodeURIComponent('local-console/siren/buzzer')}/reset`, { as: otto, body: {} });
    await call('POST', `/actions/${encodeURIComponent('a1:n1:raise')}/retry`, { as: otto, body: {} });
    await call('POST', '/demo/fire', { as: otto, body: {} });
    expect(calls).toEqual([
      'acknowledge a1 otto',
      'acknowledge a2 otto as false-alarm',
      'reset a1 otto',
      'mode cam/relay/1 on otto',
      'reset-outputs otto',
      'reset-output local-console/siren/buzzer otto',
      'retry a1:n1:raise',
      'fire fire',
    ]);
    expect(audit.map(({ who, action, subject }) => `${who} ${action} ${subject}`)).toEqual([
      'otto action.retry a1:n1:raise',
      'otto demo.fire fire',
    ]);
  });
});

describe('arming over the API', () => {
  const body = { subject: { scope: 'area', id: 'hall' }, armed: true };

  it('is read by a viewer and ordered by an operator only', async () => {
    await open();
    const vera = await login('vera');
    expect((await call('GET', '/arming', { as: vera })).body).toEqual({ arming: [] });
    expect((await call('POST', '/arming', { as: vera, body })).status).toBe(403);
    expect((await call('GET', '/arming')).status).toBe(401);
    expect(calls).toEqual([]);
  });

  it('says who orders what, how and for how long; normal and without an end unless said', async () => {
    await open();
    const otto = await login('otto');
    expect((await call('POST', '/arming', { as: otto, body })).status).toBe(200);
    await call('POST', '/arming', { as: otto, body: { ...body, how: 'bypass' } });
    await call('POST', '/arming', { as: otto, body: { ...body, armed: false, forMinutes: 0.5 } });
    expect(calls).toEqual([
      'order area hall true normal user otto null',
      'order area hall true bypass user otto null',
      'order area hall false normal user otto 30000',
    ]);
  });

  it('that is refused because of what is open answers 409 and names it', async () => {
    await open();
    const answer = await call('POST', '/arming', {
      as: await login('otto'),
      body: { ...body, subject: { scope: 'area', id: 'open' } },
    });
    expect(answer.status).toBe(409);
    expect(answer.body.error).toMatchObject({ code: 'E_AREA_OPEN' });
    expect(answer.body.error.message).toContain('Motion (Hall camera)');
  });
});

describe('pop-ups over the API', () => {
  beforeEach(() => open());

  it('are seen by viewers, acknowledged and closed by operators', async () => {
    const vera = await login('vera');
    expect((await call('GET', '/popups', { as: vera })).body).toEqual({ popups: [] });
    expect((await call('GET', '/popups')).status).toBe(401);
    for (const what of ['acknowledge', 'close'])
      expect((await call('POST', `/popups/p1/${what}`, { as: vera, body: {} })).status).toBe(403);
    expect(calls).toEqual([]);
    const otto = await login('otto');
    await call('POST', '/popups/p1/acknowledge', { as: otto, body: { as: 'false-alarm' } });
    await call('POST', '/popups/p1/acknowledge', { as: otto, body: {} });
    await call('POST', '/popups/p1/close', { as: otto, body: {} });
    expect(calls).toEqual([
      'popup p1 acknowledged by otto as false-alarm',
      'popup p1 acknowledged by otto',
      'popup p1 closed by otto',
    ]);
  });

  it('show the cameras of their tour as pictures alone, and no others', async () => {
    const vera = await login('vera');
    const picture = await call('GET', '/popups/p1/tour/0', { as: vera });
    expect(picture.headers.get('content-type')).toBe('image/jpeg');
    expect(picture.headers.get('cache-control')).toBe('no-store');
    const page = await call('GET', '/popups/p1/tour/1', { as: vera });
    expect(page.headers.get('content-type')).toBe('application/octet-stream');
    expect((await call('GET', '/popups/p1/tour/2', { as: vera })).status).toBe(404);
    expect((await call('GET', '/popups/p1/tour/-1', { as: vera })).status).toBe(400);
  });
});

describe('notifications over the API', () => {
  beforeEach(() => open());
  const p256dh = () => {
    const browser = createECDH('prime256v1');
    browser.generateKeys();
    return browser.getPublicKey().toString('base64url');
  };
  const given = () => ({
    endpoint: 'https://push.example.org/abc',
    p256dh: p256dh(),
    auth: Buffer.alloc(16, 7).toString('base64url'),
    browser: 'Firefox on Linux',
  });

  it("are switched on in one's own name, and only one's own are seen, unless one is administrator", async () => {
    const vera = await login('vera');
    const page = await call('POST', '/push/subscriptions', { as: vera, body: given() });
    expect(page.status).toBe(201);
    expect(calls).toEqual(['subscribe Firefox on Linux vera']);
    expect(page.body).toMatchObject({ publicKey: 'public-key', user: 'vera', subscriptions: [{ id: 'of-vera' }] });
    expect(page.text).not.toContain('endpoint');
    const anna = await call('GET', '/push', { as: await login('anna') });
    expect(anna.body.subscriptions.map(({ id }: { id: string }) => id)).toEqual(['of-vera', 'of-otto']);
  });

  it('are switched off by their user and by administrators, tested by their user; others hear of no such browser', async () => {
    const vera = await login('vera');
    expect((await call('DELETE', '/push/subscriptions/of-otto', { as: vera })).status).toBe(404);
    expect((await call('POST', '/push/subscriptions/of-otto/test', { as: vera, body: {} })).status).toBe(404);
    await call('POST', '/push/subscriptions/of-vera/test', { as: vera, body: {} });
    await call('DELETE', '/push/subscriptions/of-vera', { as: vera });
    await call('DELETE', '/push/subscriptions/of-otto', { as: await login('anna') });
    expect(calls).toEqual(['push-test of-vera', 'unsubscribe of-vera vera', 'unsubscribe of-otto anna']);
  });

  it.each([
    [
      'a key that is no point',
      { p256dh: Buffer.concat([Buffer.from([4]), Buffer.alloc(64, 1)]).toString('base64url') },
    ],
    ['a short key', { p256dh: 'BAAA' }],
    ['a short secret', { auth: 'AAAA' }],
    ['an endpoint beyond all bounds', { endpoint: `https://push.example.org/${'a'.repeat(3_000)}` }],
    ['a browser without a name', { browser: '' }],
  ])('refuse %s', async (_name, wrong) => {
    const answer = await call('POST', '/push/subscriptions', {
      as: await login('vera'),
      body: { ...given(), ...wrong },
    });
    expect(answer.status).toBe(400);
    expect(calls).toEqual([]);
  });
});

describe('shelves over the API', () => {
  it('are read by a viewer and filled and emptied by an operator only', async () => {
    await open();
    const vera = await login('vera');
    expect((await call('GET', '/shelves', { as: vera })).body).toEqual({ shelves: [] });
    const body = { scope: 'trigger', id: 't1', minutes: 15 };
    expect((await call('POST', '/shelves', { as: vera, body })).status).toBe(403);
    expect((await call('DELETE', '/shelves/s1', { as: vera })).status).toBe(403);
    expect((await call('GET', '/shelves')).status).toBe(401);
    expect(calls).toEqual([]);
  });

  it('say who shelves what, for how long and why', async () => {
    await open();
    const otto = await login('otto');
    const post = (body: unknown) => call('POST', '/shelves', { as: otto, body });
    expect((await post({ scope: 'trigger', id: 't1', minutes: 15, reason: ' painters ' })).status).toBe(201);
    await post({ scope: 'condition', id: 't1', key: 'device=cam1', oneShot: true });
    expect((await call('DELETE', '/shelves/s1', { as: otto })).body).toEqual({ shelves: [] });
    expect(calls).toEqual([
      'shelve trigger t1 undefined 900000 painters otto',
      'shelve condition t1 device=cam1 null  otto',
      'unshelve s1 otto',
    ]);
    expect((await call('DELETE', '/shelves/gone', { as: otto })).body.error.code).toBe('E_UNKNOWN_SHELF');
  });

  it.each([
    [{ scope: 'trigger', id: 't1' }],
    [{ scope: 'trigger', id: 't1', minutes: 15, oneShot: true }],
    [{ scope: 'trigger', id: 't1', minutes: 0 }],
    [{ scope: 'trigger', id: 't1', minutes: 43_201 }],
    [{ scope: 'site', id: 't1', minutes: 15 }],
    [{ scope: 'trigger', id: 't1', key: 'x', minutes: 15 }],
    [{ scope: 'condition', id: 't1', minutes: 15 }],
    [{ scope: 'trigger', id: 't1', minutes: 15, reason: 'a\nb' }],
    [{ scope: 'trigger', id: 't1', minutes: 15, who: 'root' }],
  ])('refuse %o', async (body) => {
    await open();
    const answer = await call('POST', '/shelves', { as: await login('otto'), body });
    expect(answer.status).toBe(400);
    expect(answer.body.error.code).toBe('E_BAD_REQUEST');
    expect(calls).toEqual([]);
  });
});

describe('odd requests', () => {
  it.each([
    ['GET', '/events?limit=1001', undefined, 400, 'limit'],
    ['GET', '/events?limit=-1', undefined, 400, 'limit'],
    ['GET', '/events?limit=1&limit=2', undefined, 400, 'limit'],
    ['GET', '/events?color=red', undefined, 400, 'color'],
    ['GET', '/events?follow=1&before=x', undefined, 400, 'follow'],
    ['GET', '/alarms?live=maybe', undefined, 400, 'live'],
    ['GET', '/actions?status=lost', undefined, 400, 'status'],
    ['GET', '/stream?kinds=event,gossip', undefined, 400, 'kinds'],
    ['GET', '/events/%00', undefined, 400, 'control characters'],
    ['GET', '/events/%ff', undefined, 400, ''],
    ['POST', '/site', { armed: 'yes' }, 400, 'armed'],
    ['POST', '/site', undefined, 400, ''],
    ['POST', '/site', [1], 400, ''],
    ['POST', '/arming', { armed: true }, 400, 'subject'],
    ['POST', '/arming', { subject: { scope: 'planet', id: 'x' }, armed: true }, 400, 'scope'],
    ['POST', '/arming', { subject: { scope: 'site', id: 'site' }, armed: 'toggle' }, 400, 'armed'],
    ['POST', '/arming', { subject: { scope: 'site', id: 'site' }, armed: false, how: 'force' }, 400, 'how'],
    ['POST', '/arming', { subject: { scope: 'site', id: 'site' }, armed: true, forMinutes: 0 }, 400, 'forMinutes'],
    ['POST', '/arming', { subject: { scope: 'site', id: 'site' }, armed: true, forMinutes: 1e9 }, 400, 'forMinutes'],
    ['POST', '/outputs/x/mode', { mode: 'blink' }, 400, 'mode'],
    ['POST', '/outputs/reset', { all: true }, 400, 'all'],
    ['GET', '/nothing', undefined, 404, 'GET /api/v1/nothing'],
    ['PUT', '/site', { armed: true }, 404, 'PUT'],
    ['GET', '/events/e9', undefined, 404, 'e9'],
    ['GET', '/alarms/a9', undefined, 404, 'a9'],
    ['POST', '/alarms/gone/acknowledge', {}, 404, 'gone'],
  ])('%s %s with %j gets %i', async (method, path, body, status, text) => {
    await open();
    const response = await call(method, path, { as: await login('anna'), body });
    expect(response.status).toBe(status);
    expect(response.body.error.message).toContain(text);
  });

  it.each([
    ['{"armed":', 'application/json', 400, 'E_BAD_JSON'],
    ['armed=true', 'application/x-www-form-urlencoded', 415, 'E_CONTENT_TYPE'],
    ['{"armed":true}', 'text/plain', 415, 'E_CONTENT_TYPE'],
    [`{"armed":"${'x'.repeat(70_000)}"}`, 'application/json', 413, 'E_BODY_TOO_LARGE'],
    ['{"__proto__":{"armed":true}}', 'application/json', 400, 'E_BAD_REQUEST'],
  ])('the body %.20s as %s gets %i', async (body, type, status, code) => {
    await open();
    const as = await login('anna');
    const response = await fetch(`${door.url}/api/v1/site`, {
      method: 'POST',
      body,
      headers: { 'content-type': type, cookie: as.cookie, 'x-alarmflow-csrf': as.csrf },
    });
    expect(response.status).toBe(status);
    expect(await response.json()).toMatchObject({ error: { code } });
  });

  it('a failing record is told as a mistake of ours, without its insides', async () => {
    await open();
    const { alarms } = services.reader;
    services.reader.alarms = () => Promise.reject(new Error('secret insides'));
    const response = await call('GET', '/alarms', { as: await login('anna') });
    services.reader.alarms = alarms;
    expect([response.status, response.body.error.code]).toEqual([500, 'E_UNEXPECTED']);
    expect(JSON.stringify(response.body)).not.toContain('insides');
  });
});

describe('reading', () => {
  it('hands queries on as they are meant', async () => {
    await open();
    const as = await login('vera');
    expect((await call('GET', '/events?limit=2&deviceId=cam&type=motion', { as })).body.events).toHaveLength(2);
    await call('GET', '/alarms?live=0&limit=7', { as });
    await call('GET', '/alarms', { as });
    await call('GET', '/actions?status=failed', { as });
    await call('GET', '/actions?trouble=1&before=a1%3An1%3Araise&limit=40', { as });
    expect(calls).toEqual([
      'events {"limit":2,"deviceId":"cam","type":"motion"}',
      'alarms {"live":false,"limit":7}',
      'alarms {"live":true,"limit":100}',
      'actions {"status":"failed","limit":100}',
      'actions {"trouble":true,"before":"a1:n1:raise","limit":40}',
    ]);
    expect((await call('GET', '/events/e1', { as })).body.event.id).toBe('e1');
    expect((await call('GET', '/outputs', { as })).body.outputs).toHaveLength(1);
    expect((await call('GET', '/demo', { as })).body.scenes).toHaveLength(1);
  });

  it.each([
    [
      'picture',
      'image/jpeg',
      /^inline; filename="a _hall_ ___\.jpg"; filename\*=UTF-8''a%20%22hall%22%20%C3%A4%0D%0A\.jpg$/,
    ],
    ['page', 'application/octet-stream', /^attachment/],
    ['drawing', 'application/octet-stream', /^attachment/],
  ])('serves the medium %s as %s', async (id, type, disposition) => {
    await open();
    const { cookie } = await login('vera');
    const response = await fetch(`${door.url}/api/v1/media/${id}`, { headers: { cookie } });
    expect(response.headers.get('content-type')).toBe(type);
    expect(response.headers.get('content-disposition')).toMatch(disposition);
    expect(response.headers.get('x-content-type-options')).toBe('nosniff');
    expect(response.headers.get('content-security-policy')).toContain('sandbox');
    expect(await response.text()).toBe('<script>');
  });

  it.each([
    ['bytes=0-3', 206, '<scr', 'bytes 0-3/8'],
    ['bytes=4-', 206, 'ipt>', 'bytes 4-7/8'],
    ['bytes=-3', 206, 'pt>', 'bytes 5-7/8'],
    ['bytes=2-999', 206, 'cript>', 'bytes 2-7/8'],
    ['bytes=8-', 416, '', 'bytes */8'],
    ['bytes=-0', 416, '', 'bytes */8'],
    ['bytes=5-2', 200, '<script>', null],
    ['bytes=0-1,4-5', 200, '<script>', null],
    ['lines=1-2', 200, '<script>', null],
  ])('serves the part %s of a clip', async (range, status, text, contentRange) => {
    await open();
    const { cookie } = await login('vera');
    const response = await fetch(`${door.url}/api/v1/media/clip`, { headers: { cookie, range } });
    expect([response.status, await response.text(), response.headers.get('content-range')]).toEqual([
      status,
      text,
      contentRange,
    ]);
    if (status !== 416) {
      expect(response.headers.get('accept-ranges')).toBe('bytes');
      expect(response.headers.get('content-type')).toBe('video/mp4');
      expect(response.headers.get('content-length')).toBe(String(text.length));
    }
  });

  it('serves no clip to those who are not logged in', async () => {
    await open();
    const response = await fetch(`${door.url}/api/v1/media/clip`, { headers: { range: 'bytes=0-3' } });
    expect(response.status).toBe(401);
  });
});

describe('users', () => {
  it('are added, changed and removed by administrators', async () => {
    await open();
    const as = await login('anna');
    const added = await call('POST', '/users', { as, body: { name: 'Neu', role: 'viewer', password: PASSWORD } });
    expect(added.status).toBe(201);
    expect(added.body.users).toContainEqual({ name: 'neu', role: 'viewer' });
    expect(JSON.stringify(added.body)).not.toContain('scrypt');
    expect((await call('PATCH', '/users/neu', { as, body: { role: 'operator' } })).body.users).toContainEqual({
      name: 'neu',
      role: 'operator',
    });
    expect((await call('DELETE', '/users/neu', { as })).body.users).toHaveLength(3);
    expect((await call('DELETE', '/users/neu', { as })).status).toBe(404);
    expect((await call('DELETE', '/users/anna', { as })).status).toBe(409);
    const weak = await call('POST', '/users', { as, body: { name: 'x', role: 'viewer', password: 'short' } });
    expect([weak.status, weak.body.error.code]).toEqual([400, 'E_WEAK_PASSWORD']);
  });

  it('close an open site with the first of them', async () => {
    await open({ users: false });
    const { csrf } = (await call('GET', '/session')).body;
    const body = { name: 'anna', role: 'administrator', password: PASSWORD };
    expect((await call('POST', '/users', { body, headers: { 'x-alarmflow-csrf': csrf } })).status).toBe(201);
    expect((await call('GET', '/site')).status).toBe(401);
    expect((await call('GET', '/site', { as: await login('anna') })).status).toBe(200);
  });
});

/** Reads a stream until the text holds what is waited for. */
async function readUntil(response: Response, wanted: string, took?: (size: number) => void): Promise<string> {
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  const chunks: string[] = [];
  // Only the end is searched: a stream of many megabytes would take for ever else.
  while (!chunks.slice(-4).join('').includes(wanted)) {
    const { value, done } = await reader.read();
    if (done) throw new Error(`the stream ended before ${wanted}`);
    chunks.push(value);
    took?.(value.length);
  }
  await reader.cancel();
  return chunks.join('');
}

const untilWatched = async (): Promise<void> => {
  while (listeners.size === 0) await new Promise((resolve) => setImmediate(resolve));
};

describe('the stream', () => {
  const stream = async (query = '', headers: Record<string, string> = {}) => {
    const { cookie } = await login('vera');
    return fetch(`${door.url}/api/v1/stream${query}`, { headers: { cookie, ...headers } });
  };

  it('tells what is announced, rows for outputs', async () => {
    const clock = new VirtualClock(1_790_000_000_000);
    await open({ clock });
    const response = await stream();
    expect(response.headers.get('content-type')).toContain('text/event-stream');
    await untilWatched();
    announce({ kind: 'event', data: eventOf('e4') });
    announce({ kind: 'site', data: { armed: false } });
    announce({ kind: 'output', data: { id: 'cam/relay/1' } });
    announce({ kind: 'output', data: { id: 'cam/relay/1' } });
    await clock.advance(1_000);
    announce({ kind: 'site', data: { armed: true } });
    const text = await readUntil(response, '"armed":true');
    expect(text).toContain('id: e4\nevent: event\ndata: {"event":{"id":"e4"');
    expect(text).toContain(
      'event: site\ndata: {"name":"Site","armed":false,"dryRun":{"on":false,"who":null,"since":null,"held":false},"trouble":null,"editorPath":"/editor/"}',
    );
    expect(text.match(/event: output/g)).toHaveLength(1);
  });

  it('tells only the kinds that are asked for', async () => {
    await open();
    const response = await stream('?kinds=site,mail');
    await untilWatched();
    announce({ kind: 'event', data: eventOf('e4') });
    announce({ kind: 'site', data: { armed: true } });
    expect(await readUntil(response, 'event: site')).not.toContain('event: event');
  });

  it('resumes after the last event that was seen, without gap or repeat', async () => {
    await open();
    const events0 = services.reader.events;
    services.reader.events = async (query) => {
      // It arrives while the record is being read, and is in the record too.
      events.push(eventOf('e4'));
      announce({ kind: 'event', data: eventOf('e4') });
      announce({ kind: 'event', data: eventOf('e5') });
      return events0(query);
    };
    const text = await readUntil(await stream('', { 'last-event-id': 'e1' }), 'id: e5');
    services.reader.events = events0;
    expect([...text.matchAll(/^id: (\w+)$/gm)].map((match) => match[1])).toEqual(['e2', 'e3', 'e4', 'e5']);
  });

  it('beats every 15 s, and ends when the login has ended', async () => {
    const clock = new VirtualClock(1_790_000_000_000);
    await open({ clock });
    const as = await login('vera');
    const response = await fetch(`${door.url}/api/v1/stream`, { headers: { cookie: as.cookie } });
    await untilWatched();
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
    await reader.read();
    await clock.advance(15_000);
    expect((await reader.read()).value).toBe('event: beat\ndata: {}\n\n');
    await call('POST', '/logout', { as, body: {} });
    await clock.advance(15_000);
    let end = await reader.read();
    while (!end.done) end = await reader.read();
    expect(end.done).toBe(true);
  });

  it('drops a watcher that does not keep up, and no other', async () => {
    await open();
    const slow = await stream();
    const quick = await stream();
    await untilWatched();
    let taken = 0;
    const read = readUntil(quick, 'id: last', (size) => {
      taken += size;
    });
    const big = eventOf('big', { raw: 'x'.repeat(60_000) });
    for (let i = 0; i < 400; i++) {
      announce({ kind: 'event', data: big });
      // However slow this machine is, the quick one keeps up.
      while (taken < i * 60_000) await new Promise((resolve) => setImmediate(resolve));
    }
    announce({ kind: 'event', data: eventOf('last') });
    expect((await read).length).toBeGreaterThan(20_000_000);
    await expect(readUntil(slow, 'id: last')).rejects.toThrow();
  });

  it('is refused without a login', async () => {
    await open();
    expect((await fetch(`${door.url}/api/v1/stream`)).status).toBe(401);
  });
});

describe('following events', () => {
  it('gives the last ones, oldest first, then each as it comes, one a line', async () => {
    await open();
    const response = await fetch(`${door.url}/api/v1/events?follow=1&limit=2&type=motion`, {
      headers: { authorization: `Bearer ${CLI_TOKEN}` },
    });
    expect(response.headers.get('content-type')).toContain('application/x-ndjson');
    await untilWatched();
    announce({ kind: 'event', data: eventOf('e4', { type: 'fire' }) });
    announce({ kind: 'event', data: eventOf('e5') });
    const lines = (await readUntil(response, '"e5"')).trim().split('\n');
    expect(lines.map((line) => (JSON.parse(line) as ExplainedEvent).event.id)).toEqual(['e2', 'e3', 'e5']);
  });
});
