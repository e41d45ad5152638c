import { createHmac } from 'node:crypto';
import { request as httpRequest } from 'node:http';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { VirtualClock } from '../../engine/clock/virtual-clock';
import type { Alarm } from '../../engine/domain/alarms';
import { operationalError, userError } from '../../engine/domain/errors';
import { silentLog } from '../../engine/domain/log';
import type { AuditRow, RowsBeside, StandingRow } from '../../engine/domain/record';
import type { Shelf } from '../../engine/domain/shelves';
import { type AnswerLinks, createAnswerLinks } from '../../engine/host/answer-links';
import { createAnswerPages } from '../../engine/host/answer-pages';
import { readToken, writeToken } from '../../engine/host/answer-tokens';
import { createSeals } from '../../engine/host/sealed-settings';
import { anAlarm, RAISED } from '../actions/action-bench';
import { memoryAuth, openDoor } from '../support/host-door';
import { memorySettings } from '../support/memory-settings';

const HOUR = 3_600_000;
let clock: VirtualClock;
let rows: Map<string, StandingRow>;
let trail: AuditRow[];
let shelves: Shelf[];
let accounts: Set<string>;
let failures: string[];
const log = { ...silentLog, error: (event: string) => void failures.push(event) };
let settings: ReturnType<typeof memorySettings>;
let alarms: Map<string, Alarm>;
let ended: Map<string, Alarm>;
let calls: string[];
let full: boolean;
let answers: AnswerLinks;
let secret: string;
let door: Awaited<ReturnType<typeof openDoor>>;

/** A process that starts on what is on disk. */
async function start(on = true): Promise<void> {
  answers?.close();
  const keep = ({ standing = [], audit = [] }: RowsBeside = {}): void => {
    if (full) throw operationalError('E_RECORD_WRITE', 'disk full');
    for (const row of standing) rows.set(row.id, structuredClone(row));
    trail.push(...audit);
  };
  const live = (id: string): Alarm => {
    const alarm = alarms.get(id);
    if (!alarm) throw userError('E_UNKNOWN_ALARM', 'gone');
    return alarm;
  };
  answers = createAnswerLinks({
    settings: on ? { publicUrl: 'https://plant.example.org', validMs: 24 * HOUR, snoozeMinutes: 30 } : null,
    record: settings,
    writer: {
      async commit({ standingDeleted = [], ...beside }) {
        keep(beside);
        for (const id of standingDeleted) rows.delete(id);
      },
    },
    seals: createSeals(async () => secret),
    alarms: {
      alarm: (id) => alarms.get(id),
      async acknowledge(id, who, as, beside) {
        keep(beside);
        // In memory at once, on disk later, as the engine does it.
        alarms.set(id, {
          ...live(id),
          acknowledgedAt: clock.now(),
          acknowledgedBy: who,
          ...(as ? { acknowledgedAs: as } : {}),
        });
        calls.push(`acknowledge ${id} ${who} ${as ?? ''}`.trim());
        await Promise.resolve();
      },
      shelving: {
        list: () => shelves,
        unshelve: async () => undefined,
        async shelve(request, who, row) {
          await Promise.resolve();
          keep(row);
          calls.push(`shelve ${request.id} ${request.key} ${request.forMs} ${who}`);
          return {} as never;
        },
      },
    },
    mayAnswer: async (user) => accounts.has(user),
    recorded: async (id) => alarms.get(id) ?? ended.get(id) ?? null,
    clock,
    log: silentLog,
  });
  answers.resume([...rows.values()]);
  await answers.start();
  door?.server.mount({ answer: createAnswerPages({ links: answers, siteName: 'Plant <1>', clock, log }) });
}

beforeEach(async () => {
  clock = new VirtualClock(RAISED);
  rows = new Map();
  settings = memorySettings();
  alarms = new Map([['a', anAlarm({ id: 'a', deviceName: 'Hall <b>camera</b>' })]]);
  ended = new Map();
  calls = [];
  trail = [];
  failures = [];
  shelves = [];
  accounts = new Set(['anna']);
  full = false;
  secret = 'the key of the data folder 0123456789';
  door = await openDoor((await memoryAuth()).auth);
  await start();
});
afterEach(async () => {
  answers.close();
  await door.server.close();
});

/** A message of the alarm as it is now, asked for now. */
let messages = 0;
const message = (id = 'a') => ({
  key: `${id}:node:${messages++}`,
  alarmId: id,
  alarm: { ...(alarms.get(id) ?? ended.get(id) ?? anAlarm({ id })), phase: 'raise' as const },
  requestedAt: clock.now(),
});
const links = (receiver = 'guard@example.org') => answers.links(message(), receiver, 'mail')!;
const tokenOf = (link: string): string => new URL(link).pathname.slice('/answer/'.length);
const pathOf = (link: string): string => `${door.url}${new URL(link).pathname}`;
const get = async (link: string, init: RequestInit = {}) => {
  const response = await fetch(pathOf(link), init);
  return { status: response.status, headers: response.headers, text: await response.text() };
};
const form = { 'content-type': 'application/x-www-form-urlencoded' };
const stampIn = ({ text }: { text: string }): string => /name="asked" value="([^"]*)"/.exec(text)?.[1] ?? '';
/** Sends the form of a page that was looked at before. */
const send = (link: string, stamp: string, headers: Record<string, string> = {}) =>
  get(link, { method: 'POST', headers: { ...form, ...headers }, body: `asked=${stamp}&confirm=yes` });
/** As a person does: looks, reads, presses. */
async function press(link: string, headers?: Record<string, string>) {
  const stamp = stampIn(await get(link));
  await clock.advance(2_000);
  return await send(link, stamp, headers);
}
const titleOf = ({ text }: { text: string }): string => /<h1>(.*?)<\/h1>/.exec(text)?.[1] ?? '';

describe('links that answer an alarm', () => {
  it('lead to the public address, three different ones, and none for an alarm that needs no answer', () => {
    const made = links();
    for (const link of Object.values(made))
      expect(link).toMatch(/^https:\/\/plant\.example\.org\/answer\/a1\.[\w.-]+$/);
    expect(new Set(Object.values(made)).size).toBe(3);
    expect(answers.links({ ...message(), alarmId: null, alarm: null }, 'x')).toBeNull();
    alarms.set('a', anAlarm({ id: 'a', acknowledgedAt: 1, acknowledgedBy: 'anna' }));
    expect(answers.links(message(), 'x')).toBeNull();
  });

  it('are the same whenever their message is sent again: later, after a restart, when somebody was quicker', async () => {
    const asked = message();
    const first = answers.links(asked, 'guard@example.org', 'mail');
    await clock.advance(HOUR);
    alarms.set('a', anAlarm({ id: 'a', acknowledgedAt: 1, acknowledgedBy: 'anna' }));
    await start();
    expect(answers.links(asked, 'guard@example.org', 'mail')).toEqual(first);
    expect(titleOf(await get(first!.acknowledge))).toContain('acknowledged');
    for (const other of [
      answers.links(asked, 'boss@example.org', 'mail'),
      answers.links(asked, 'guard@example.org', 'push'),
      answers.links({ ...asked, key: 'another' }, 'guard@example.org', 'mail'),
    ])
      for (const link of Object.values(other!)) expect(Object.values(first!)).not.toContain(link);
    const nonces = Object.values(first!).map(
      (link) => JSON.parse(String(Buffer.from(tokenOf(link).split('.')[1]!, 'base64url')))[3],
    );
    expect(new Set(nonces).size).toBe(3);
  });

  it('are not made where they are switched off, and those of before do nothing', async () => {
    const { acknowledge } = links();
    await start(false);
    expect(answers.links(message(), 'x')).toBeNull();
    expect((await press(acknowledge)).status).toBe(404);
    expect(calls).toEqual([]);
  });

  it.each([
    [
      'acknowledge',
      'Acknowledge this alarm?',
      'The alarm is acknowledged.',
      'acknowledge a guard@example.org by mail link',
    ],
    [
      'falseAlarm',
      'Acknowledge this alarm as a false alarm?',
      'The alarm is acknowledged as a false alarm.',
      'acknowledge a guard@example.org by mail link false-alarm',
    ],
    [
      'snooze',
      'Snooze this alarm for 30 minutes?',
      'The alarm is snoozed for 30 minutes.',
      'shelve trigger cam/2 1800000 guard@example.org by mail link',
    ],
  ] as const)('%s: asks first, then does it once and says so', async (which, question, done, call) => {
    const link = links()[which];
    expect(titleOf(await get(link))).toBe(question);
    expect(calls).toEqual([]);
    const answer = await press(link);
    expect([answer.status, titleOf(answer)]).toEqual([200, done]);
    expect(calls).toEqual([call]);
    const again = await press(link);
    expect([again.status, titleOf(again)]).toEqual([410, 'This link was used']);
    expect(again.text).toContain(done.toLowerCase().replace(/\.$/, ''));
    expect(calls).toEqual([call]);
  });

  it('leave in the audit trail from where they were used, and nothing that a browser writes into it', async () => {
    await press(links().falseAlarm, { 'user-agent': `Fire\u00adfox ${'x'.repeat(500)}` });
    expect(trail).toMatchObject([{ who: 'guard@example.org by mail link', action: 'answer.use', subject: 'a' }]);
    expect(trail[0]!.detail).toMatch(/^false-alarm, from 127\.0\.0\.1, Fire fox x{100,160}$/);
  });

  it('say on the page which alarm it is, without letting a device write into it', async () => {
    const { text } = await get(links().acknowledge);
    expect(text).toContain('Temperature alarm');
    expect(text).toContain('Hall &lt;b&gt;camera&lt;/b&gt;');
    expect(text).toContain('Plant &lt;1&gt;');
  });

  it('leave no trace and load nothing: no script, no cache, no referrer, no frame, no index', async () => {
    const { headers, text } = await get(links().acknowledge);
    expect(headers.get('cache-control')).toBe('no-store');
    expect(headers.get('referrer-policy')).toBe('no-referrer');
    expect(headers.get('x-frame-options')).toBe('DENY');
    expect(headers.get('x-robots-tag')).toContain('noindex');
    const policy = headers.get('content-security-policy')!;
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toContain('unsafe');
    expect(text).not.toMatch(/<script|<img|<link|https?:\/\//i);
    expect(text).not.toContain('guard@example.org');
  });
});

describe('what can go wrong with a link', () => {
  it('mail filters and previews that follow it: change nothing, however often and by whatever method', async () => {
    const made = links();
    for (const link of Object.values(made))
      for (const method of ['GET', 'HEAD', 'GET', 'OPTIONS', 'PUT', 'DELETE']) await get(link, { method });
    expect(calls).toEqual([]);
    expect(rows.size).toBe(0);
    expect(titleOf(await press(made.acknowledge))).toBe('The alarm is acknowledged.');
  });

  it.each([
    ['without the form', { method: 'POST' }],
    ['as JSON', { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"confirm":"yes"}' }],
    [
      'of another form',
      { method: 'POST', headers: { 'content-type': 'application/x-www-form-urlencoded' }, body: 'a=b' },
    ],
    [
      'far too large',
      {
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body: `confirm=yes&x=${'x'.repeat(100_000)}`,
      },
    ],
  ])('a POST %s: changes nothing', async (_name, init) => {
    expect((await get(links().acknowledge, init)).status).toBe(400);
    expect(calls).toEqual([]);
  });

  it('used twice at once: is done once', async () => {
    const { snooze } = links();
    const stamp = stampIn(await get(snooze));
    await clock.advance(2_000);
    const titles = (await Promise.all([send(snooze, stamp), send(snooze, stamp), send(snooze, stamp)]))
      .map(titleOf)
      .sort();
    expect(titles).toEqual(['The alarm is snoozed for 30 minutes.', 'This link was used', 'This link was used']);
    expect(calls).toHaveLength(1);
  });

  it('used, and then the site is started again: is still used', async () => {
    const { snooze } = links();
    await press(snooze);
    await start();
    expect(titleOf(await press(snooze))).toBe('This link was used');
    expect(calls).toHaveLength(1);
  });

  it('an alarm that somebody has acknowledged meanwhile: says by whom, and changes nothing', async () => {
    const { snooze } = links();
    alarms.set('a', {
      ...alarms.get('a')!,
      acknowledgedAt: RAISED,
      acknowledgedBy: 'anna',
      acknowledgedAs: 'false-alarm',
    });
    const answer = await press(snooze);
    expect([answer.status, titleOf(answer)]).toEqual([410, 'This alarm was acknowledged before']);
    expect(answer.text).toContain('By anna');
    expect(answer.text).toContain('as a false alarm');
    expect(calls).toEqual([]);
  });

  it('an alarm that is over, and one that is off the record: says so', async () => {
    const { acknowledge } = links();
    ended.set('a', { ...alarms.get('a')!, endedAt: RAISED });
    alarms.delete('a');
    expect(titleOf(await press(acknowledge))).toBe('This alarm is over');
    ended.clear();
    expect(titleOf(await get(acknowledge))).toBe('This alarm is over');
  });

  it('too late: is expired, and what was used is forgotten then', async () => {
    const made = links();
    await press(made.snooze);
    await clock.advance(24 * HOUR - 2_001);
    expect(titleOf(await get(made.acknowledge))).toBe('Acknowledge this alarm?');
    await clock.advance(1);
    expect(titleOf(await press(made.acknowledge))).toBe('This link has expired');
    await clock.advance(HOUR);
    expect(rows.size).toBe(0);
    expect(titleOf(await press(made.snooze))).toBe('This link has expired');
  });

  it('a full disk: nothing is done, the page says so, and the link works afterwards', async () => {
    const { acknowledge } = links();
    const stamp = stampIn(await get(acknowledge));
    await clock.advance(2_000);
    full = true;
    const answer = await send(acknowledge, stamp);
    expect([answer.status, titleOf(answer)]).toEqual([503, 'That did not work just now']);
    full = false;
    expect(titleOf(await press(acknowledge))).toBe('The alarm is acknowledged.');
  });

  it('another key of the data folder: links of before are not valid, new ones are', async () => {
    const { acknowledge } = links();
    secret = 'another key of the data folder 98765';
    await start();
    expect((await press(acknowledge)).status).toBe(404);
    expect(titleOf(await press(links().acknowledge))).toBe('The alarm is acknowledged.');
  });

  it('somebody who tries many: is told to wait, and keeps nobody of the same address from answering', async () => {
    const { acknowledge } = links();
    const tried: number[] = [];
    for (let i = 0; i < 30; i++) tried.push((await get(`https://x/answer/a1.${i}.x`)).status);
    expect(new Set(tried.slice(0, 20))).toEqual(new Set([404]));
    expect(tried.at(-1)).toBe(429);
    expect((await press(acknowledge)).status).toBe(200);
  });

  it('a storm of alarms whose links a filter follows: the people behind the same address still answer', async () => {
    const made = Array.from({ length: 40 }, () => Object.values(links()) as string[]).flat();
    for (const link of made) expect((await get(link)).status).toBe(200);
    expect((await press(links().acknowledge)).status).toBe(200);
  });

  it('one link that is asked for without end: is told to wait', async () => {
    const { acknowledge } = links();
    const statuses: number[] = [];
    for (let i = 0; i < 25; i++) statuses.push((await get(acknowledge)).status);
    expect(statuses.filter((status) => status === 200)).toHaveLength(20);
    expect(statuses.at(-1)).toBe(429);
  });

  it('a mail filter that sends the form at once: is asked again, and a person is heard afterwards', async () => {
    const { acknowledge } = links();
    const stamp = stampIn(await get(acknowledge));
    const filter = await send(acknowledge, stamp);
    expect([filter.status, titleOf(filter)]).toEqual([200, 'Acknowledge this alarm?']);
    expect(filter.text).toContain('Press the button again');
    expect(calls).toEqual([]);
    await clock.advance(2_000);
    expect(titleOf(await send(acknowledge, stampIn(filter)))).toBe('The alarm is acknowledged.');
  });

  it('a mail filter that presses the first button: changes nothing', async () => {
    const { acknowledge } = links();
    const page = await get(acknowledge);
    const first = /<button[^>]*value="(\w+)"/.exec(page.text)?.[1];
    await clock.advance(2_000);
    const body = `asked=${stampIn(page)}&confirm=${first}`;
    const answer = await get(acknowledge, { method: 'POST', headers: form, body });
    expect([answer.status, titleOf(answer)]).toEqual([200, 'Nothing was changed']);
    expect(calls).toEqual([]);
  });

  it.each([
    ['without a stamp', async () => ''],
    ['with the stamp of another link', async () => stampIn(await get(links().acknowledge))],
    ['with a made-up stamp', async () => `${clock.now().toString(36)}.AAAAAAAAAAAAAAAA`],
  ])('a form %s: is asked again', async (_name, stampOf) => {
    const { acknowledge } = links();
    const stamp = await stampOf();
    await clock.advance(2_000);
    expect(titleOf(await send(acknowledge, stamp))).toBe('Acknowledge this alarm?');
    expect(calls).toEqual([]);
  });

  it('a page that lay open for more than an hour: is asked again', async () => {
    const { acknowledge } = links();
    const stamp = stampIn(await get(acknowledge));
    await clock.advance(HOUR + 1);
    expect(titleOf(await send(acknowledge, stamp))).toBe('Acknowledge this alarm?');
    expect(calls).toEqual([]);
  });

  it('a user who may not answer any more: is refused', async () => {
    const made = [answers.links(message(), 'anna', 'push')!, answers.links(message(), 'anna', 'push')!];
    expect(titleOf(await get(made[0]!.snooze))).toContain('Snooze');
    accounts.clear();
    const answer = await press(made[0]!.snooze);
    expect([answer.status, titleOf(answer)]).toEqual([403, 'This link is no longer yours to use']);
    expect(calls).toEqual([]);
    accounts.add('anna');
    expect((await press(made[1]!.snooze)).status).toBe(200);
  });

  it('two links of one alarm used at once: one is done, the other hears of it, and one line is on record', async () => {
    const { acknowledge, falseAlarm } = links();
    const stamps = [stampIn(await get(acknowledge)), stampIn(await get(falseAlarm))] as const;
    await clock.advance(2_000);
    await Promise.all([send(acknowledge, stamps[0]), send(falseAlarm, stamps[1])]);
    expect(calls).toHaveLength(1);
    expect(trail).toHaveLength(1);
    expect(alarms.get('a')?.acknowledgedBy).toBe('guard@example.org by mail link');
  });

  it('a snooze of what somebody has shelved for longer: makes it no shorter, and is used', async () => {
    const until = clock.now() + 8 * HOUR;
    shelves = [{ scope: 'condition', subject: 'trigger', key: 'cam/2', oneShot: false, until } as Shelf];
    const { snooze } = links();
    expect((await press(snooze)).status).toBe(200);
    expect(calls).toEqual([]);
    expect(titleOf(await press(snooze))).toBe('This link was used');
  });

  it('a client that goes away in the middle of its form: is no fault of the site', async () => {
    const { acknowledge } = links();
    await new Promise<void>((resolve) => {
      const asked = httpRequest(pathOf(acknowledge), {
        method: 'POST',
        headers: { ...form, 'content-length': '40' },
      });
      asked.on('error', () => resolve());
      asked.on('close', () => resolve());
      asked.write('asked=', () => asked.destroy());
    });
    expect((await press(acknowledge)).status).toBe(200);
    expect(failures).toEqual([]);
  });

  it('a console that is open to this machine alone: links are answered by any name', async () => {
    const status = await new Promise<number | undefined>((resolve, reject) => {
      const asked = httpRequest(
        pathOf(links().acknowledge),
        { headers: { host: 'plant.example.org', 'x-forwarded-for': '198.51.100.7' } },
        (response) => {
          response.resume();
          resolve(response.statusCode);
        },
      );
      asked.on('error', reject);
      asked.end();
    });
    expect(status).toBe(200);
  });
});

describe('a token', () => {
  const key = Buffer.alloc(32, 7);
  const claim = {
    alarmId: 'a',
    answer: { kind: 'snooze', minutes: 30 },
    expiresAt: RAISED,
    nonce: 'n',
    receiver: 'gärd@example.org',
    by: 'push',
  } as const;

  it('says what was written into it', () => {
    expect(readToken(writeToken(claim, key), key)).toEqual(claim);
    expect(readToken(writeToken(claim, key), Buffer.alloc(32, 8))).toBeNull();
  });

  it('with any sign changed, left out or added is none', () => {
    const token = writeToken(claim, key);
    fc.assert(
      fc.property(fc.nat(token.length), fc.constantFrom(...'aZ09-_.='), fc.constantFrom(0, 1), (at, sign, taken) => {
        const other = `${token.slice(0, at)}${sign}${token.slice(at + taken)}`;
        expect(readToken(other, key)).toEqual(other === token ? claim : null);
      }),
      { numRuns: 2_000 },
    );
  });

  it('is no text at all that somebody makes up', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 3_000 }), (text) => {
        expect(readToken(text, key)).toBeNull();
        expect(readToken(`a1.${text}.${createHmac('sha256', 'x').update(text).digest('base64url')}`, key)).toBeNull();
      }),
    );
  });

  it('names nothing of the key on disk', () => {
    const kept = [...settings.written.values()].join();
    expect(kept.length).toBeGreaterThan(40);
    expect(tokenOf(links().acknowledge)).not.toContain(JSON.parse(kept));
  });
});

describe('what is sealed', () => {
  it('opens under its key and for its purpose alone', async () => {
    const seals = createSeals(async () => 'one key');
    const sealed = await seals.seal('purpose', { secret: 'value' });
    expect(sealed).not.toContain(Buffer.from('value').toString('base64url'));
    expect(await seals.open('purpose', sealed)).toEqual({ secret: 'value' });
    expect(await seals.open('other', sealed)).toBeNull();
    expect(await createSeals(async () => 'another').open('purpose', sealed)).toBeNull();
    // What was sealed may end in either by chance.
    const end = sealed.endsWith('AA') ? 'QQ' : 'AA';
    expect(await seals.open('purpose', `${sealed.slice(0, -2)}${end}`)).toBeNull();
    expect(await seals.open('purpose', 'AAAA')).toBeNull();
  });
});
