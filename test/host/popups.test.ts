import { beforeEach, describe, expect, it } from 'vitest';
import { showMessageHandler } from '../../engine/actions/show-message';
import { VirtualClock } from '../../engine/clock/virtual-clock';
import type { ActionRow } from '../../engine/domain/actions';
import type { Alarm } from '../../engine/domain/alarms';
import type { Announcement } from '../../engine/domain/announcements';
import { operationalError } from '../../engine/domain/errors';
import { silentLog } from '../../engine/domain/log';
import type { Popup } from '../../engine/domain/popups';
import type { AuditRow, StandingRow } from '../../engine/domain/record';
import { createLivePictures } from '../../engine/host/live-pictures';
import { createPopups, type Popups } from '../../engine/host/popups';
import { anAlarm, aRow, Camera, RAISED } from '../actions/action-bench';

const params = {
  phases: ['raise', 'escalate', 'clear', 'end'],
  level: 'by-alarm',
  title: '',
  text: '',
  picture: true,
  tour: [],
  dwell: 5,
  sound: 'none',
  goesWhen: 'acknowledged',
  seconds: 0,
};

let clock: VirtualClock;
let rows: Map<string, StandingRow>;
let audit: AuditRow[];
let told: Popup[][];
let live: Map<string, Alarm>;
let popups: Popups;
let full: boolean;

/** A process that starts on what is on disk. */
async function start(): Promise<void> {
  popups?.close();
  popups = createPopups({
    writer: {
      async commit(writes) {
        if (full) throw operationalError('E_RECORD_WRITE', 'disk full');
        for (const id of writes.standingDeleted ?? []) rows.delete(id);
        for (const row of writes.standing ?? []) rows.set(row.id, structuredClone(row));
        audit.push(...(writes.audit ?? []));
      },
    },
    clock,
    log: silentLog,
    announce: (announcement: Announcement) => {
      if (announcement.kind === 'popups') told.push(announcement.data.popups);
    },
    alarm: async (id) => live.get(id) ?? null,
  });
  popups.resume([...rows.values()]);
  await popups.start(async (id) => live.get(id) ?? null);
}

beforeEach(async () => {
  clock = new VirtualClock(RAISED);
  rows = new Map();
  audit = [];
  told = [];
  live = new Map();
  full = false;
  await start();
});

const handler = () =>
  showMessageHandler({
    popups,
    alarmNow: async (id) => live.get(id) ?? null,
    deviceName: (id) => `Camera ${id}`,
    siteName: 'Plant',
    clock,
  });
const run = (row: ActionRow, test = false) =>
  handler().execute({ row, attempt: 1, signal: new AbortController().signal, ...(test ? { test } : {}) });

function show(alarmId: string, change: Record<string, unknown> = {}, fields: Partial<ActionRow> = {}) {
  const phase = fields.phase ?? 'raise';
  const alarm = live.get(alarmId) ?? anAlarm({ id: alarmId });
  live.set(alarmId, alarm);
  const key = `${alarmId}:node-1:${phase}`;
  const asked = { ...params, ...change };
  return run(aRow('show-message', asked, { key, alarmId, alarm: { ...alarm, phase: phase as 'raise' }, ...fields }));
}

/** What the engine tells when an alarm has changed, and the time that its consequence takes. */
async function turn(alarmId: string, change: Partial<Alarm>): Promise<void> {
  const alarm = { ...live.get(alarmId)!, ...change };
  live.set(alarmId, alarm);
  popups.alarmChanged(alarm);
  await clock.advance(0);
}
const titles = (): string[] => popups.list().map(({ title, level }) => `${level}: ${title}`);

describe('a message', () => {
  it('is shown with words that fit the phase, the level and the pictures of its alarm', async () => {
    const alarm = anAlarm({ id: 'a', level: 'pre-alarm' });
    alarm.event.pictures = [{ mediaId: 'm1', contentType: 'image/jpeg', size: 1 }];
    live.set('a', alarm);
    expect(await show('a')).toEqual({
      status: 'done',
      summary: 'Shown in the consoles: Alarm: Temperature alarm (warning)',
    });
    expect(popups.list()).toMatchObject([
      { alarmId: 'a', title: 'Alarm: Temperature alarm', level: 'warning', pictures: ['m1'], goesAt: null },
    ]);
    expect(popups.list()[0]!.text).toMatch(/^Hall camera, 20/);
    expect(told.at(-1)).toEqual(popups.list());
  });

  it('that is the most severe comes first, of one level the oldest', async () => {
    for (const [id, level] of Object.entries({ a: 'information', b: 'alarm', c: 'emergency', d: 'alarm' })) {
      await show(id, { level, title: id });
      await clock.advance(1_000);
    }
    expect(titles()).toEqual(['emergency: c', 'alarm: b', 'alarm: d', 'information: a']);
  });

  it('of a later phase takes the place of the first, and says since when it has stood', async () => {
    await show('a');
    await clock.advance(5_000);
    expect(await show('a', {}, { phase: 'escalate' })).toMatchObject({
      summary: expect.stringContaining('Message renewed'),
    });
    expect(popups.list()).toMatchObject([
      { title: 'Escalation: Temperature alarm', shownAt: RAISED, at: RAISED + 5_000 },
    ]);
  });

  it('goes when its alarm is acknowledged, wherever that is done', async () => {
    await show('a');
    await show('b');
    await turn('a', { acknowledgedAt: clock.now(), acknowledgedBy: 'anna' });
    expect(popups.list().map(({ alarmId }) => alarmId)).toEqual(['b']);
  });

  it.each([
    ['acknowledged', { clearedAt: RAISED, endedAt: RAISED }, 1],
    ['cleared', { clearedAt: RAISED }, 0],
    ['ended', { clearedAt: RAISED }, 1],
    ['ended', { clearedAt: RAISED, endedAt: RAISED }, 0],
  ] as const)('that goes when %s: after %j %i are left', async (goesWhen, change, left) => {
    await show('a', { goesWhen });
    await turn('a', change);
    expect(popups.list()).toHaveLength(left);
  });

  it('whose alarm is over says so and stands behind those that live, whatever their level, also after a restart', async () => {
    await show('a', { level: 'emergency', title: 'a' });
    await show('b', { level: 'information', title: 'b' });
    await clock.advance(5_000);
    await turn('a', { clearedAt: clock.now(), endedAt: clock.now() });
    const expected = [
      { alarmId: 'b', level: 'information' },
      { alarmId: 'a', level: 'emergency', endedAt: RAISED + 5_000 },
    ];
    expect(popups.list()).toMatchObject(expected);
    expect(popups.list()[0]!.endedAt).toBeUndefined();
    expect(told.at(-1)).toMatchObject(expected);
    await start();
    expect(popups.list()).toMatchObject(expected);
  });

  it('whose alarm ended while the process was away says so at the start', async () => {
    await show('a');
    live.set('a', { ...anAlarm({ id: 'a' }), endedAt: RAISED + 1_000 });
    await start();
    expect(popups.list()).toMatchObject([{ alarmId: 'a', endedAt: RAISED + 1_000 }]);
  });

  it('of the end of its alarm is shown, as over', async () => {
    live.set('a', { ...anAlarm({ id: 'a' }), clearedAt: RAISED, endedAt: RAISED });
    await show('a', { phases: ['end'] }, { phase: 'end' });
    await clock.advance(0);
    expect(popups.list()).toMatchObject([{ alarmId: 'a', phase: 'end', endedAt: RAISED }]);
  });

  it('goes when its time is over, also after a restart', async () => {
    await show('a', { seconds: 30 });
    await show('b', { seconds: 60 });
    await clock.advance(29_999);
    expect(popups.list()).toHaveLength(2);
    await clock.advance(1);
    expect(popups.list().map(({ alarmId }) => alarmId)).toEqual(['b']);
    await start();
    await clock.advance(30_000);
    expect(popups.list()).toEqual([]);
  });

  it('is closed for everybody by one person, who is on record', async () => {
    await show('a');
    const [{ id }] = popups.list() as [Popup];
    await popups.dismiss(id, 'otto');
    expect(popups.list()).toEqual([]);
    expect(audit).toMatchObject([{ who: 'otto', action: 'popup.close', subject: 'a' }]);
    await expect(popups.dismiss(id, 'anna')).rejects.toMatchObject({ code: 'E_UNKNOWN_POPUP', family: 'user' });
  });

  it('of a test says so on the screen, stands for no alarm, and goes after a minute', async () => {
    await run(aRow('show-message', params, { key: 'test:1' }), true);
    expect(popups.list()).toMatchObject([{ test: true, alarmId: null, goesAt: RAISED + 60_000 }]);
    await clock.advance(60_000);
    expect(popups.list()).toEqual([]);
  });

  it('without an alarm stands until somebody closes it', async () => {
    const row = aRow(
      'show-message',
      { ...params, title: 'Gate {{node}}' },
      {
        phase: 'message',
        key: 'msg:1',
        alarmId: null,
      },
    );
    await run(row);
    expect(titles()).toEqual(['information: Gate Mail to the guard']);
  });

  it('names the cameras of its tour', async () => {
    await show('a', { tour: [{ deviceId: 'cam', channel: 2 }], dwell: 7 });
    expect(popups.list()[0]!.tour).toEqual({
      stops: [{ deviceId: 'cam', channel: 2, deviceName: 'Camera cam' }],
      dwellMs: 7_000,
    });
  });
});

describe('what can go wrong with a message', () => {
  it('a restart: what is not over stands again', async () => {
    await show('a');
    await start();
    expect(popups.list()).toHaveLength(1);
  });

  it('a restart between the acknowledgement and what follows from it: the message is gone', async () => {
    await show('a');
    live.set('a', { ...live.get('a')!, acknowledgedAt: clock.now(), acknowledgedBy: 'anna' });
    await start();
    expect(popups.list()).toEqual([]);
  });

  it('the same action twice: one message, and none where somebody has closed it meanwhile', async () => {
    await show('a');
    await show('a');
    expect(popups.list()).toHaveLength(1);
    await popups.dismiss(popups.list()[0]!.id, 'otto');
    await start();
    expect(await show('a')).toMatchObject({ status: 'skipped' });
    expect(popups.list()).toEqual([]);
  });

  it('the clear of what somebody has closed: is no news; a step of an escalation is', async () => {
    await show('a');
    await popups.dismiss(popups.list()[0]!.id, 'otto');
    expect(await show('a', {}, { phase: 'clear' })).toMatchObject({
      status: 'skipped',
      summary: 'Not shown: its message was closed before',
    });
    await show('a', {}, { phase: 'escalate' });
    expect(popups.list()).toHaveLength(1);
  });

  it('the clear alone is asked for: it is shown', async () => {
    await show('a', { phases: ['clear'] }, { phase: 'clear' });
    expect(titles()).toEqual(['alarm: Cleared: Temperature alarm']);
  });

  it('acknowledged before it was shown: is skipped, and says by whom', async () => {
    live.set('a', anAlarm({ id: 'a', acknowledgedAt: RAISED, acknowledgedBy: 'anna' }));
    expect(await show('a')).toEqual({
      status: 'skipped',
      summary: 'Not shown: acknowledged by anna before it was shown',
    });
  });

  it('a full disk: nothing is shown, and it is tried again', async () => {
    full = true;
    await expect(show('a')).rejects.toMatchObject({ code: 'E_RECORD_WRITE', family: 'operational' });
    expect(popups.list()).toEqual([]);
    full = false;
    await show('a');
    expect(popups.list()).toHaveLength(1);
  });

  it('a full disk when its time is over: goes as soon as that can be written', async () => {
    await show('a', { seconds: 30 });
    full = true;
    await clock.advance(30_000);
    expect(popups.list()).toHaveLength(1);
    full = false;
    await clock.advance(5_000);
    expect(popups.list()).toEqual([]);
  });

  it('more than a hundred: the least severe go, the oldest last, and the record does not grow', async () => {
    for (let i = 0; i < 100; i++) await show(`w${i}`, { level: 'warning' });
    await show('e', { level: 'emergency' });
    expect(popups.list()).toHaveLength(100);
    expect(popups.list()[0]).toMatchObject({ alarmId: 'e' });
    expect(await show('i', { level: 'information' })).toMatchObject({ status: 'skipped' });
    await clock.advance(3 * 3_600_000);
    await show('late');
    expect(rows.size).toBe(101);
  });
});

describe('the parameters of a message', () => {
  it.each([
    [{ level: 'red' }, 'level'],
    [{ sound: 'loud' }, 'sound'],
    [{ seconds: 3 }, 'seconds'],
    [{ dwell: 1 }, 'dwell'],
    [{ goesWhen: 'never' }, 'goesWhen'],
    [{ tour: [{ deviceId: '', channel: 1 }] }, 'tour'],
    [{ tour: [{ deviceId: 'cam', channel: 0 }] }, 'tour'],
    [{ tour: new Array(33).fill({ deviceId: 'cam', channel: 1 }) }, 'tour'],
    [{ tour: [null] }, 'tour'],
    [{ picture: 1 }, 'picture'],
  ])('like %j are refused by the name of the field', (change, field) => {
    expect(() => handler().check({ ...params, ...change })).toThrow(`field "${field}"`);
  });

  it('say in a dry run what would be shown', () => {
    const row = aRow('show-message', { ...params, tour: [{ deviceId: 'cam', channel: 1 }] });
    expect(handler().rehearse?.(row)).toBe(
      'would show "Alarm: Temperature alarm" (alarm) and a linked channel in every open console',
    );
  });
});

describe('live pictures', () => {
  it('are asked for once a second at most, however many consoles look', async () => {
    const camera = new Camera('cam', 'Hall camera');
    const pictures = createLivePictures({ device: () => camera }, clock);
    const place = { deviceId: 'cam', channel: 2 };
    await Promise.all([pictures.picture(place), pictures.picture(place)]);
    await pictures.picture(place);
    expect(camera.asked).toEqual(['snapshot 2']);
    await clock.advance(1_000);
    await pictures.picture(place);
    expect(camera.asked).toHaveLength(2);
  });

  it('that do not come are given up, and the camera is asked again', async () => {
    const camera = new Camera('cam', 'Hall camera');
    const usual = camera.picture;
    camera.picture = () => new Promise(() => undefined);
    const pictures = createLivePictures({ device: () => camera }, clock);
    const work = pictures.picture({ deviceId: 'cam', channel: 1 }).catch((error: { code: string }) => error.code);
    await clock.advance(6_000);
    expect(await work).toBe('E_TOO_SLOW');
    camera.picture = usual;
    expect((await pictures.picture({ deviceId: 'cam', channel: 1 })).contentType).toBe('image/jpeg');
  });
});
