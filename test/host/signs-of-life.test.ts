import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { sendSignOfLife } from '../../engine/actions';
import { VirtualClock } from '../../engine/clock/virtual-clock';
import { type AlarmCentre, usualStatuses } from '../../engine/domain/alarm-centre';
import { operationalError, userError } from '../../engine/domain/errors';
import { silentLog } from '../../engine/domain/log';
import { createSignsOfLife, type SignsOfLife } from '../../engine/host/signs-of-life';
import { type AlarmCentreServer, startAlarmCentre } from '../support/alarm-centre-server';

const centre = (fields: Partial<AlarmCentre> = {}): AlarmCentre => ({
  id: 'centre',
  name: 'City',
  url: 'http://127.0.0.1:9/',
  method: 'POST',
  login: { kind: 'none' },
  tls: { authority: '', fingerprint: '', certificate: '', key: '', passphrase: '' },
  accepted: usualStatuses,
  mustHold: '',
  mustNotHold: '',
  timeoutMs: 5_000,
  sign: 'json',
  signEveryMs: 30_000,
  ...fields,
});

let clock: VirtualClock;
let centres: AlarmCentre[];
let sentAt: number[];
let events: string[];
let changed: string[];
let dry: boolean;
let failure: Error | null;
let signs: SignsOfLife;

beforeEach(() => {
  clock = new VirtualClock(0);
  centres = [centre()];
  sentAt = [];
  events = [];
  changed = [];
  dry = false;
  failure = null;
  signs = createSignsOfLife({
    centres: () => centres,
    async send() {
      sentAt.push(clock.now() / 1_000);
      if (failure) throw failure;
      return 200;
    },
    siteIsDry: () => dry,
    receive: async (id, { draft }) => void events.push(`${id} ${draft.type} ${draft.phase}: ${draft.description}`),
    changed: (id) => void changed.push(id),
    clock,
    log: silentLog,
  });
});
afterEach(() => signs.close());

const away = operationalError('E_CENTRE_UNREACHABLE', 'City cannot be reached');

describe('signs of life', () => {
  it('are sent at once and then in their rhythm, and show how the last one fared', async () => {
    signs.flowsStarted();
    expect(signs.notice('centre')).toEqual({ state: 'waiting', text: 'no sign yet' });
    await clock.advance(90_000);
    expect(sentAt).toEqual([0, 30, 60, 90]);
    expect(signs.state('centre')).toEqual({
      everyMs: 30_000,
      last: { at: 90_000, ok: true, detail: 'taken (200)' },
      failures: 0,
      dryRun: false,
    });
    expect(signs.notice('centre')).toEqual({ state: 'idle', text: 'takes signs of life' });
    expect(changed).toHaveLength(4);
  });

  it('that fail three times in a row are one exception, which ends with the first that is taken', async () => {
    signs.flowsStarted();
    await clock.advance(0);
    events = [];
    failure = away;
    await clock.advance(60_000);
    expect(events).toEqual([]);
    expect(signs.notice('centre')).toEqual({ state: 'trouble', text: 'sign not taken (2)' });
    await clock.advance(120_000);
    expect(events).toEqual([
      'centre centre-unreachable start: 3 signs of life in a row were not taken. The last: City cannot be reached',
    ]);
    failure = null;
    await clock.advance(60_000);
    expect(events.slice(1)).toEqual(['centre centre-unreachable stop: The alarm centre takes signs of life']);
  });

  it('that fail now and then are none', async () => {
    signs.flowsStarted();
    await clock.advance(0);
    events = [];
    for (let round = 0; round < 4; round++) {
      failure = away;
      await clock.advance(60_000);
      failure = null;
      await clock.advance(30_000);
    }
    expect(events).toEqual([]);
  });

  it('end at the first success what a life before has left open', async () => {
    signs.flowsStarted();
    await clock.advance(30_000);
    expect(events).toEqual(['centre centre-unreachable stop: The alarm centre takes signs of life']);
  });

  it('are not sent in a dry run of the site, and go on after it', async () => {
    dry = true;
    signs.flowsStarted();
    await clock.advance(60_000);
    expect(sentAt).toEqual([]);
    expect(signs.notice('centre')).toEqual({ state: 'off', text: 'dry run: no sign' });
    dry = false;
    await clock.advance(30_000);
    expect(sentAt).toEqual([90]);
  });

  it('go on through a deploy that changes nothing, follow one that does, and end with their centre', async () => {
    signs.flowsStarted();
    await clock.advance(40_000);
    signs.flowsStarted();
    await clock.advance(10_000);
    expect(sentAt).toEqual([0, 30]);
    centres = [centre({ signEveryMs: 10_000 })];
    signs.flowsStarted();
    await clock.advance(10_000);
    expect(sentAt).toEqual([0, 30, 50, 60]);
    failure = away;
    await clock.advance(30_000);
    centres = [];
    signs.flowsStarted();
    await clock.advance(60_000);
    expect(events.at(-1)).toContain('stop: Signs of life are not asked for any more');
    expect([sentAt.length, signs.state('centre'), signs.notice('centre')]).toEqual([7, null, null]);
  });

  it('are not asked for by a centre without them', async () => {
    const { signEveryMs: _none, ...without } = centre();
    centres = [without];
    signs.flowsStarted();
    await clock.advance(60_000);
    expect(sentAt).toEqual([]);
  });

  it.each([
    ['a refused login, which may lock it', userError('E_CENTRE_LOGIN', 'refused'), [0, 60, 120]],
    ['being asked to', operationalError('E_CENTRE_BUSY', 'busy', { retryAfterMs: 100_000 }), [0, 100]],
  ])('leave a centre alone for longer after %s', async (_why, thrown, at) => {
    failure = thrown;
    signs.flowsStarted();
    await clock.advance(120_000);
    expect(sentAt).toEqual(at);
  });
});

describe('a sign of life', () => {
  let server: AlarmCentreServer;
  beforeEach(async () => {
    server = await startAlarmCentre();
  });
  afterEach(() => server.close());

  it.each([
    ['json', 'application/json', '"kind":"heartbeat"'],
    ['isapi', 'application/xml; charset="UTF-8"', '<eventType>'],
  ] as const)('goes out as %s, each with an identity of its own', async (sign, type, body) => {
    const to = centre({ sign, url: `http://127.0.0.1:${server.port}/` });
    const about = { clock, siteName: 'Plant', signal: new AbortController().signal };
    expect(await sendSignOfLife(to, about)).toBe(200);
    await sendSignOfLife(to, about);
    const [first, second] = server.asked;
    expect(first!.headers['content-type']).toBe(type);
    expect(String(first!.body)).toContain(body);
    expect(first!.headers['idempotency-key']).not.toBe(second!.headers['idempotency-key']);
  });
});
