/** What every backend of the record must do; run by test/store/pglite.test.ts and test/store/postgres.test.ts. */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../engine/clock/system-clock';
import type { Decision } from '../../engine/domain/alarms';
import { silentLog } from '../../engine/domain/log';
import type { AuditRow, RecordWrites } from '../../engine/domain/record';
import { openStore, type Store } from '../../engine/store';
import { temporaryFolder } from '../support/temporary-folder';
import {
  actionRow,
  alarmRow,
  base,
  decisionRow,
  eventRow,
  gateRow,
  leaseRow,
  messageRow,
  outputRow,
  timerRow,
} from './record-rows';

const outcome = (status: 'done' | 'failed' | 'retrying' | 'expired', summary = status as string) => ({
  status,
  summary,
  errorCode: status === 'failed' ? 'E_MAIL' : null,
  finishedAt: status === 'retrying' ? null : base + 5,
  durationMs: 12.5,
});

/**
 * @param databaseUrl of an empty database of its own, or null for the embedded one
 */
export function recordContract(name: string, databaseUrl: () => Promise<string | null>): void {
  describe(`record on ${name}`, () => {
    let store: Store;
    let dataDir: string;
    let url: string | null;
    const reopen = async (): Promise<void> => {
      await store.close();
      store = await openStore({ dataDir, databaseUrl: url, clock: systemClock, log: silentLog });
    };

    beforeAll(async () => {
      url = await databaseUrl();
      dataDir = await temporaryFolder();
      store = await openStore({ dataDir, databaseUrl: url, clock: systemClock, log: silentLog });
    });
    afterAll(async () => {
      await store?.close();
    });
    beforeEach(async () => {
      const before = await store.resume();
      await store.commit({
        gateStatesDeleted: before.gateStates,
        timersDeleted: before.timers.map((row) => row.id),
        leasesDeleted: before.leases.map((row) => row.id),
        outputsDeleted: before.outputs.map((row) => row.id),
        standingDeleted: before.standing.map((row) => row.id),
        flowMessagesSettled: before.flowMessages.map((row) => row.messageId),
        alarms: before.alarms.map((row) => ({ ...row, endedAt: base })),
      });
    });

    it('resumes every kind of row as it was written, after a restart too', async () => {
      const written = {
        gateStates: [gateRow('a', { name: 'active', since: base, nested: [1.5, null, 'ä'] })],
        timers: [timerRow('t1', 2 ** 52 + 1, { alarmId: 'x' })],
        alarms: [alarmRow('resumed')],
        flowMessages: [messageRow('m1')],
        leases: [leaseRow('l1')],
        outputs: [outputRow('cam1/relay/1')],
        standing: [{ id: 'arming:site', kind: 'arming', doc: { armed: false, nested: [1.5, null, 'ä'] } }],
      };
      await store.commit(written);
      expect(await store.resume()).toEqual(written);
      await reopen();
      expect(await store.resume()).toEqual(written);
    });

    it('does not resume an alarm that has ended', async () => {
      await store.commit({ alarms: [alarmRow('e1')] });
      await store.commit({ alarms: [alarmRow('e1', { state: 'normal', endedAt: base + 1, endReason: 'cleared' })] });
      expect((await store.resume()).alarms).toEqual([]);
      expect((await store.alarm('e1'))?.alarm.endReason).toBe('cleared');
    });

    it('lets the later of two commits of one group win', async () => {
      await Promise.all([
        store.commit({ timers: [timerRow('t', 1)], gateStates: [gateRow('k', 1)] }),
        store.commit({ timers: [timerRow('t', 2)], gateStates: [gateRow('k', 2)] }),
        store.commit({ timers: [timerRow('t', 3)], gateStates: [gateRow('k', 3)] }),
      ]);
      const state = await store.resume();
      expect(state.timers.map((row) => row.at)).toEqual([3]);
      expect(state.gateStates.map((row) => row.state)).toEqual([3]);
    });

    it('deletes what an earlier commit of the same group wrote, and writes what one deleted', async () => {
      await store.commit({ timers: [timerRow('back', 1)] });
      await Promise.all([
        store.commit({ timers: [timerRow('gone')], leases: [leaseRow('gone')], timersDeleted: ['back'] }),
        store.commit({ timersDeleted: ['gone'], leasesDeleted: ['gone'], timers: [timerRow('back', 9)] }),
      ]);
      const state = await store.resume();
      expect(state.timers).toEqual([timerRow('back', 9)]);
      expect(state.leases).toEqual([]);
    });

    it('keeps what stands until it is lifted, the later of two commits of one group', async () => {
      const row = (doc: unknown) => ({ id: 'shelf:a', kind: 'shelf', doc });
      await Promise.all([store.commit({ standing: [row(1)] }), store.commit({ standing: [row(2)] })]);
      expect((await store.resume()).standing).toEqual([row(2)]);
      await store.commit({ standingDeleted: ['shelf:a'] });
      expect((await store.resume()).standing).toEqual([]);
    });

    it('replaces a row whose key is deleted and written in one commit', async () => {
      await store.commit({ timers: [timerRow('r', 1)] });
      await store.commit({ timers: [timerRow('r', 2)], timersDeleted: ['r'] });
      expect((await store.resume()).timers).toEqual([timerRow('r', 2)]);
    });

    it('gives any interleaving of commits the same effect as one after another', async () => {
      const step = fc.record({
        key: fc.constantFrom('a', 'b', 'c'),
        deletes: fc.boolean(),
        at: fc.integer({ min: 1, max: 1_000 }),
      });
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
          await store.commit({ timersDeleted: ['a', 'b', 'c'] });
          const model = new Map<string, number>();
          await Promise.all(
            steps.map(({ key, deletes, at }) => {
              if (deletes) model.delete(key);
              else model.set(key, at);
              return store.commit(deletes ? { timersDeleted: [key] } : { timers: [timerRow(key, at)] });
            }),
          );
          const found = (await store.resume()).timers.map((row) => [row.id, row.at]);
          expect(new Map(found as [string, number][])).toEqual(model);
        }),
        { numRuns: 25 },
      );
    });

    it('fails only the guilty commit of a group, and keeps nothing of it', async () => {
      const guilty: RecordWrites = {
        timers: [timerRow('guilty-timer')],
        gateStates: [{ triggerId: null as unknown as string, key: 'k', state: 1 }],
      };
      const results = await Promise.allSettled([
        store.commit({ timers: [timerRow('good1')] }),
        store.commit(guilty),
        store.commit({ timers: [timerRow('good2')] }),
      ]);
      expect(results.map((one) => one.status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
      expect((results[1] as PromiseRejectedResult).reason).toMatchObject({
        code: 'E_RECORD_WRITE',
        family: 'operational',
      });
      expect((await store.resume()).timers.map((row) => row.id)).toEqual(['good1', 'good2']);
    });

    it('keeps text with NUL characters and halves of surrogate pairs', async () => {
      await store.commit({ events: [eventRow('odd1', { raw: 'a\u0000b\ud800c \\u0000 "q"' })] });
      expect((await store.event('odd1'))?.event.raw).toBe('a\ufffdb\ufffdc \\u0000 "q"');
    });

    it('keeps any JSON value of a gate as it was', async () => {
      await fc.assert(
        fc.asyncProperty(fc.jsonValue({ noUnicodeString: false }), async (value) => {
          const expected = JSON.parse(JSON.stringify(value).replaceAll('\\u0000', '\ufffd'));
          await store.commit({ gateStates: [gateRow('any', value)] });
          expect((await store.resume()).gateStates[0]?.state).toEqual(expected);
        }),
        { numRuns: 40, examples: [[{ __proto__: 1, constructor: [1e300, -0.1, 5e-324] }]] },
      );
    });

    it('explains an event by its decisions, newest event first', async () => {
      await store.commit({
        events: [eventRow('x1'), eventRow('x2', { deviceId: 'cam2', type: 'vendor:odd' })],
        decisions: [decisionRow('dx1', { eventId: 'x1' }), decisionRow('dx2', { eventId: 'x1', outcome: 'refused' })],
      });
      const page = await store.events({ limit: 10, after: 'x' });
      expect(page.map((one) => [one.event.id, one.decisions.map((d) => d.id)])).toEqual([
        ['x2', []],
        ['x1', ['dx1', 'dx2']],
      ]);
      expect(page[1]?.event).toEqual(eventRow('x1'));
      expect((await store.events({ limit: 5, type: 'vendor:odd' })).map((one) => one.event.id)).toEqual(['x2']);
      expect((await store.events({ limit: 5, deviceId: 'cam2', before: 'x2' })).length).toBe(0);
    });

    it('tells of every trigger whose filter did not mean the event, also when the event is written again', async () => {
      const event = eventRow('filtered1');
      const decisions = [
        decisionRow('f3', { eventId: event.id, reason: 'filter', outcome: 'refused', detail: 'not channel 3' }),
        decisionRow('f1', { eventId: event.id }),
        decisionRow('f2', { eventId: event.id, reason: 'filter', outcome: 'refused', triggerId: 'trigger2' }),
        // Says more than that, or belongs to an event of another commit: a row of its own.
        decisionRow('f4', { eventId: event.id, reason: 'filter', outcome: 'refused', key: 'k' }),
        decisionRow('f5', { eventId: event.id, reason: 'filter', outcome: 'refused', at: base + 5 }),
      ];
      await store.commit({ events: [event, eventRow('filtered2')], decisions });
      await store.commit({
        decisions: [decisionRow('f6', { eventId: event.id, reason: 'filter', outcome: 'refused' })],
      });
      await store.commit({ events: [{ ...event, channel: 7 }] });
      const found = await store.event(event.id);
      expect(found?.event.channel).toBe(7);
      expect(found?.decisions.map(({ id }) => id)).toEqual(['f1', 'f2', 'f3', 'f4', 'f5', 'f6']);
      expect(found?.decisions.slice(0, 3)).toEqual([decisions[1], decisions[2], decisions[0]]);
      expect((await store.event('filtered2'))?.decisions).toEqual([]);
    });

    it('keeps which condition a decision is about and when its gate was to open, and finds what followed', async () => {
      const began = eventRow('w1');
      const idAt = (ms: number): string => `${(1_795_000_000_000 + ms).toString(36).padStart(9, '0')}a`;
      const pending = decisionRow(idAt(0), {
        eventId: 'w1',
        triggerId: 'why',
        outcome: 'pending',
        reason: 'on-delay',
        key: 'device=cam1;channel=1',
        opensAt: 1_795_000_005_000.25,
      });
      const later = (ms: number, triggerId: string): Decision => decisionRow(idAt(ms), { triggerId, key: 'k' });
      await store.commit({
        events: [began],
        decisions: [pending, later(5_000, 'why'), later(5_000, 'other'), later(9_000, 'why')].map((row, n) => ({
          ...row,
          id: `${row.id}${n}`,
        })),
        alarms: [
          alarmRow('w-alarm', { raisedAt: 1_795_000_005_000, event: began }),
          alarmRow('w-later', { raisedAt: 1_795_000_009_000, event: began }),
        ],
      });
      expect((await store.event('w1'))?.decisions).toEqual([
        { ...pending, id: `${pending.id}0`, opensAt: 1_795_000_005_001 },
      ]);
      const span = { after: `${pending.id}0`, withinMs: 6_000, limit: 10 };
      expect((await store.decisionsOf({ triggerId: 'why', ...span })).map((one) => one.at)).toHaveLength(1);
      const began1 = { eventId: 'w1', from: 1_795_000_000_000, until: 1_795_000_006_000, limit: 10 };
      expect((await store.alarmsOfEvent(began1)).map((one) => one.id)).toEqual(['w-alarm']);
    });

    it('gives a follower every event, however many came since', async () => {
      await store.commit({ events: Array.from({ length: 7 }, (_, i) => eventRow(`y${i}`)) });
      const seen: string[] = [];
      for (let after = 'y'; ; ) {
        const page = await store.events({ limit: 3, after });
        if (page.length === 0) break;
        seen.push(...page.map((one) => one.event.id).reverse());
        after = seen.at(-1)!;
      }
      expect(seen.filter((id) => id.startsWith('y'))).toEqual(['y0', 'y1', 'y2', 'y3', 'y4', 'y5', 'y6']);
    });

    it('adds late pictures to their event once, in the same group or later', async () => {
      const picture = (mediaId: string) => ({ mediaId, contentType: 'image/jpeg', size: 5 });
      await Promise.all([
        store.commit({ events: [eventRow('p1')] }),
        store.commit({ eventPictures: [{ eventId: 'p1', pictures: [picture('m1')] }] }),
      ]);
      await store.commit({ eventPictures: [{ eventId: 'p1', pictures: [picture('m2'), picture('m3')] }] });
      await store.commit({ eventPictures: [{ eventId: 'p1', pictures: [picture('m2')] }] });
      expect((await store.event('p1'))?.event.pictures.map((one) => one.mediaId)).toEqual(['m1', 'm2', 'm3']);
    });

    it('pages through alarms from the newest, live ones alone if asked', async () => {
      await store.commit({
        alarms: ['q1', 'q2', 'q3'].map((id, i) =>
          alarmRow(id, { raisedAt: base * 2 + i, endedAt: i === 1 ? 5 : null }),
        ),
      });
      expect((await store.alarms({ live: false, limit: 2 })).map((one) => one.id)).toEqual(['q3', 'q2']);
      expect((await store.alarms({ live: false, limit: 1, before: 'q2' })).map((one) => one.id)).toEqual(['q1']);
      expect((await store.alarms({ live: true, limit: 5 })).map((one) => one.id)).toEqual(['q3', 'q1']);
      await store.commit({
        alarms: [alarmRow('q2', { raisedAt: base * 2 + 1, endedAt: 5, acknowledgedAs: 'false-alarm' })],
      });
      const falseAlarms = await store.alarms({ live: false, limit: 5, acknowledgedAs: 'false-alarm' });
      expect(falseAlarms.map((one) => one.id)).toEqual(['q2']);
    });

    it('finds an action row by its key, whatever has become of it', async () => {
      await store.commit({ actions: [actionRow('found')] });
      await store.claimAction('found', 1_000);
      expect(await store.action('found')).toEqual(actionRow('found', { status: 'running', attempts: 1 }));
      expect(await store.action('not\u0000there')).toBeNull();
    });

    it('leaves an action row alone that exists already', async () => {
      await store.commit({ actions: [actionRow('once')] });
      await store.claimAction('once', base);
      await store.commit({ actions: [actionRow('once', { nodeName: 'other' })] });
      const row = (await store.actions({ limit: 1_000 })).find((one) => one.key === 'once');
      expect(row).toEqual(actionRow('once', { status: 'running', attempts: 1 }));
    });

    it('claims queued, retrying and running rows, counting attempts, but none with an outcome', async () => {
      await store.commit({ actions: [actionRow('c1')] });
      expect(await store.claimAction('c1', base)).toMatchObject({ status: 'running', attempts: 1 });
      expect(await store.claimAction('c1', base)).toMatchObject({ attempts: 2 });
      await store.settleAction('c1', outcome('retrying'));
      expect(await store.claimAction('c1', base)).toMatchObject({ attempts: 3 });
      await store.settleAction('c1', outcome('done'));
      expect(await store.claimAction('c1', base)).toBeNull();
      expect(await store.claimAction('no such row', base)).toBeNull();
    });

    it('counts the attempts of rows that were run without a claim, and never fewer than it knows of', async () => {
      await store.commit({ actions: [actionRow('u1'), actionRow('u2')] });
      await store.settleAction('u1', { ...outcome('retrying'), attempts: 1 });
      expect(await store.claimAction('u1', base)).toMatchObject({ attempts: 2 });
      await store.settleAction('u1', { ...outcome('done'), attempts: 1 });
      await store.settleAction('u2', { ...outcome('done'), attempts: 1 });
      const rows = await store.actions({ limit: 1_000 });
      expect(rows.find((row) => row.key === 'u1')).toMatchObject({ status: 'done', attempts: 2 });
      expect(rows.find((row) => row.key === 'u2')).toMatchObject({ status: 'done', attempts: 1 });
    });

    it('tells once which action rows are new, also when many are written together', async () => {
      const keys = ['n1', 'n2', 'n3'];
      await Promise.all(keys.map((key) => store.commit({ actions: [actionRow(key)] })));
      expect(keys.map((key) => store.takeNewAction?.(key))).toEqual([true, true, true]);
      expect(keys.map((key) => store.takeNewAction?.(key))).toEqual([false, false, false]);
    });

    it('calls no action row new that was there before, was claimed, or is of a former process', async () => {
      await store.commit({ actions: [actionRow('k1'), actionRow('k2'), actionRow('k3')] });
      expect(store.takeNewAction?.('k1')).toBe(true);
      await store.commit({ actions: [actionRow('k1')] });
      expect(store.takeNewAction?.('k1')).toBe(false);
      await store.claimAction('k2', base);
      expect(store.takeNewAction?.('k2')).toBe(false);
      await reopen();
      expect(store.takeNewAction?.('k3')).toBe(false);
      for (const key of ['k1', 'k2', 'k3']) await store.settleAction(key, outcome('done'));
    });

    it('gives one attempt to one taker when many claim at once', async () => {
      await store.commit({ actions: [actionRow('c2')] });
      const rows = await Promise.all([store.claimAction('c2', base), store.claimAction('c2', base)]);
      expect(rows.filter((row) => row !== null).length).toBe(1);
    });

    it('keeps the first outcome of an action', async () => {
      await store.commit({ actions: [actionRow('s1')] });
      await store.settleAction('s1', outcome('done', 'first'));
      await store.settleAction('s1', outcome('failed', 'second'));
      await Promise.all([
        store.commit({ actions: [actionRow('s2')] }),
        store.settleAction('s2', outcome('failed', 'first')),
        store.settleAction('s2', outcome('done', 'second')),
      ]);
      const rows = await store.actions({ alarmId: 'alarm1', limit: 1_000 });
      expect(rows.find((row) => row.key === 's1')).toMatchObject({
        status: 'done',
        summary: 'first',
        durationMs: 12.5,
      });
      expect(rows.find((row) => row.key === 's2')).toMatchObject({ status: 'failed', summary: 'first' });
    });

    it('reads actions page by page, and those that failed or came too late alone', async () => {
      const alarmId = 'paged';
      // Two of one moment are told apart by their keys.
      const times = [10, 20, 20, 30, 40];
      await store.commit({ actions: times.map((requestedAt, n) => actionRow(`p${n}`, { requestedAt, alarmId })) });
      await store.settleAction('p1', outcome('failed'));
      await store.settleAction('p3', outcome('expired'));
      for (const key of ['p0', 'p2', 'p4']) await store.settleAction(key, outcome('done'));
      const pages: string[][] = [];
      for (let before: string | undefined; pages.length < 4; before = pages.at(-1)?.at(-1)) {
        const page = await store.actions({ alarmId, limit: 2, ...(before === undefined ? {} : { before }) });
        if (page.length === 0) break;
        pages.push(page.map(({ key }) => key));
      }
      expect(pages).toEqual([['p4', 'p3'], ['p2', 'p1'], ['p0']]);
      const keys = async (more: { before?: string }) =>
        (await store.actions({ alarmId, trouble: true, limit: 9, ...more })).map(({ key }) => key);
      expect(await keys({})).toEqual(['p3', 'p1']);
      expect(await keys({ before: 'p3' })).toEqual(['p1']);
      expect(await keys({ before: 'gone' })).toEqual([]);
    });

    it('lists open actions oldest first and queues dead letters again', async () => {
      await store.commit({
        actions: [actionRow('o2', { requestedAt: 20 }), actionRow('o1', { requestedAt: 10 })],
      });
      expect((await store.openActions(2)).map((row) => row.key)).toEqual(['o1', 'o2']);
      expect(await store.requeueAction('o1', base)).toBeNull();
      await store.settleAction('o1', outcome('failed'));
      expect(await store.requeueAction('o1', base + 9)).toMatchObject({
        status: 'queued',
        deadlineAt: base + 9,
        errorCode: null,
        finishedAt: null,
      });
      await store.settleAction('o1', outcome('done'));
      await store.settleAction('o2', outcome('done'));
    });

    it('keeps settings, flow storage, audit, mails and users', async () => {
      await store.writeSetting('armed', { armed: false });
      await store.writeSetting('armed', { armed: true });
      expect(await store.readSetting('armed')).toEqual({ armed: true });
      expect(await store.readSetting('nothing')).toBeNull();
      await store.flowStorage.write('flows', [{ id: 'n1', type: 'tab' }]);
      expect(await store.flowStorage.read('flows')).toEqual([{ id: 'n1', type: 'tab' }]);
      // Node-RED knows a flow by its text: the order of the fields must be what it was.
      const ordered = [{ z: 'tab', id: 'n2', wires: [], name: 'NUL \u0000', a: { y: 1, b: 2 } }];
      await store.flowStorage.write('flows', ordered);
      expect(JSON.stringify(await store.flowStorage.read('flows'))).toBe(JSON.stringify(ordered));
      expect(await store.flowStorage.read('library:flows/a')).toBeNull();
      const audit = { id: 'au1', at: base, who: 'ann', action: 'site.disarm', subject: 'site', detail: '' };
      await store.commit({ audit: [audit] });
      expect(await store.audit({ limit: 5 })).toEqual([audit]);
      const mode: AuditRow = {
        id: 'au2',
        at: base + 5,
        who: 'ann',
        action: 'output.mode',
        subject: 'box/relay/1',
        detail: 'Siren: auto → off',
        facts: { kind: 'output-mode', output: 'box/relay/1', mode: 'off' },
      };
      const login = { id: 'au3', at: base + 9, who: 'ann', action: 'login', subject: 'ann', detail: '' };
      await store.commit({ audit: [mode, login] });
      expect(await store.audit({ limit: 5 })).toEqual([login, mode, audit]);
      expect(await store.audit({ limit: 5, orders: true })).toEqual([mode, audit]);
      expect(await store.audit({ limit: 1, after: 'au1' })).toEqual([mode]);
      expect(await store.audit({ limit: 1, before: 'au3' })).toEqual([mode]);
      expect(await store.audit({ limit: 5, from: base + 1, to: base + 9 })).toEqual([mode]);
      const mail = {
        id: 'mail1',
        receivedAt: base,
        from: 'a@b',
        to: ['c@d'],
        subject: 's',
        text: 't',
        messageId: '<m>',
        attachments: [],
      };
      await store.keepMail(mail);
      expect(await store.mails(5)).toEqual([mail]);
      await store.users.add({ name: 'ann', role: 'viewer', passwordHash: 'h1' });
      await expect(store.users.add({ name: 'ann', role: 'viewer', passwordHash: 'h2' })).rejects.toMatchObject({
        code: 'E_USER_EXISTS',
      });
      await store.users.update('ann', { role: 'operator' });
      await store.users.recordLogin('ann', base);
      expect(await store.users.find('ann')).toMatchObject({ role: 'operator', passwordHash: 'h1', lastLoginAt: base });
      await store.users.remove('ann');
      expect(await store.users.list()).toEqual([]);
      await expect(store.users.remove('ann')).rejects.toMatchObject({ code: 'E_UNKNOWN_USER' });
    });

    it('keeps pictures as files and reads no others', async () => {
      const bytes = Buffer.from([0xff, 0xd8, 0, 1, 2]);
      const id = await store.media.keep({ contentType: 'image/jpeg', bytes, name: 'visible.jpg' });
      expect(await store.media.read(id)).toEqual({ contentType: 'image/jpeg', bytes, name: 'visible.jpg' });
      for (const other of ['../alarmflow.lock', `../${id}`, '', 'x'.repeat(21), '%2e%2e']) {
        expect(await store.media.read(other)).toBeNull();
      }
      await expect(
        store.media.keep({ contentType: 'image/jpeg', bytes: Buffer.alloc(16 * 1024 * 1024 + 1) }),
      ).rejects.toMatchObject({ code: 'E_PICTURE_TOO_LARGE', family: 'user' });
    });

    it('keeps a file once for its origin, reads it in parts and shows it with its alarms', async () => {
      const clip = { contentType: 'video/mp4', name: 'hall.mp4', origin: 'clip:cam/1:1-2' };
      let made = 0;
      const make = async (path: string): Promise<void> => {
        made++;
        writeFileSync(path, 'abcdefghij');
      };
      const [first, second] = await Promise.all([store.media.keepFile(clip, make), store.media.keepFile(clip, make)]);
      expect(second).toEqual(first);
      expect(await store.media.keepFile(clip, make)).toEqual({ mediaId: first.mediaId, size: 10 });
      expect(made).toBe(1);
      const open = await store.media.open(first.mediaId);
      const parts: Buffer[] = [];
      for await (const part of open!.bytes(2, 4)) parts.push(part);
      expect({ ...open, bytes: Buffer.concat(parts).toString() }).toEqual({
        contentType: 'video/mp4',
        name: 'hall.mp4',
        size: 10,
        bytes: 'cde',
      });
      const reference = {
        mediaId: first.mediaId,
        kind: 'clip' as const,
        deviceId: 'cam',
        channel: 1,
        at: base,
        until: base + 9,
      };
      await store.commit({
        alarms: [alarmRow('clip-1'), alarmRow('clip-2')],
        alarmMedia: [
          { ...reference, alarmId: 'clip-1', note: null },
          { ...reference, alarmId: 'clip-2', note: 'with a gap' },
        ],
      });
      expect((await store.alarm('clip-2'))?.media).toEqual([
        { ...reference, alarmId: 'clip-2', note: 'with a gap', contentType: 'video/mp4', size: 10, name: 'hall.mp4' },
      ]);
      expect((await store.alarm('clip-1'))?.media?.length).toBe(1);
      await store.commit({ alarms: [alarmRow('clip-1', { endedAt: base }), alarmRow('clip-2', { endedAt: base })] });
    });

    it('keeps nothing of a file that could not be written', async () => {
      const clip = { contentType: 'video/mp4', name: 'hall.mp4', origin: 'clip:broken' };
      const full = Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
      await expect(
        store.media.keepFile(clip, async (path) => {
          writeFileSync(path, 'half');
          throw full;
        }),
      ).rejects.toMatchObject({ code: 'E_MEDIA_WRITE', family: 'operational' });
      expect(await store.media.ofOrigin(clip.origin)).toBeNull();
      const kept = await store.media.keepFile(clip, async (path) => writeFileSync(path, 'whole'));
      expect(kept.size).toBe(5);
    });

    it('clears files without a row and rows without a file, but not those just being written', async () => {
      const id = (at: number) => `${at.toString(36).padStart(9, '0')}000000000000`;
      const lately = systemClock.now();
      const month = join(dataDir, 'media', new Date(lately).toISOString().slice(0, 7).replace('-', '/'));
      mkdirSync(month, { recursive: true });
      const old = lately - 7 * 3_600_000;
      for (const name of [id(old), `${id(old)}.new`, `${id(lately)}.new`]) writeFileSync(join(month, name), 'x');
      await store.prune({ eventDays: 3_650, maxEvents: 1_000_000, mediaDays: 365, mediaBytes: 1e9 });
      expect([id(old), `${id(old)}.new`, `${id(lately)}.new`].map((name) => existsSync(join(month, name)))).toEqual([
        false,
        false,
        true,
      ]);
    });

    it('prunes by age and by number but nothing that a live alarm or an open action stands on', async () => {
      const old = base - 400 * 86_400_000;
      const now = systemClock.now();
      const picture = async () => ({
        mediaId: await store.media.keep({ contentType: 'image/jpeg', bytes: Buffer.alloc(10) }),
        contentType: 'image/jpeg',
        size: 10,
      });
      const [kept, loose, shown] = [await picture(), await picture(), await picture()];
      const shows = { kind: 'picture' as const, deviceId: 'cam', channel: 1, at: old, until: null, note: null };
      const event = eventRow('0-live', { receivedAt: old, pictures: [kept] });
      const { raw: _raw, ...ofAlarm } = event;
      await store.commit({
        events: [event, eventRow('0-old', { receivedAt: old }), eventRow('zz-new', { receivedAt: now })],
        alarms: [
          alarmRow('prune-live', { raisedAt: old, event: ofAlarm }),
          alarmRow('prune-open', { raisedAt: old, endedAt: old }),
          alarmRow('prune-old', { raisedAt: old, endedAt: old }),
        ],
        decisions: [
          decisionRow('0-live', { at: old, alarmId: 'prune-live' }),
          decisionRow('0-old', { at: old, eventId: '0-old' }),
        ],
        alarmMedia: [
          { ...shows, alarmId: 'prune-live', mediaId: shown.mediaId },
          { ...shows, alarmId: 'prune-old', mediaId: loose.mediaId },
        ],
        actions: [
          actionRow('prune-open', { alarmId: 'prune-open', requestedAt: old }),
          actionRow('prune-old', { alarmId: 'prune-old', requestedAt: old, status: 'done' }),
        ],
      });
      await store.prune({ eventDays: 365, maxEvents: 1_000_000, mediaDays: 365, mediaBytes: 0 });
      expect(await store.event('0-live')).not.toBeNull();
      expect(await store.event('0-old')).toBeNull();
      expect(await store.event('zz-new')).not.toBeNull();
      expect((await store.alarm('prune-live'))?.decisions.length).toBe(1);
      expect((await store.alarm('prune-open'))?.actions.length).toBe(1);
      expect(await store.alarm('prune-old')).toBeNull();
      expect((await store.actions({ alarmId: 'prune-old', limit: 1 })).length).toBe(0);
      expect(await store.media.read(kept.mediaId)).not.toBeNull();
      expect(await store.media.read(loose.mediaId)).toBeNull();
      expect(await store.media.read(shown.mediaId)).not.toBeNull();
      await store.prune({ eventDays: 3_650, maxEvents: 1, mediaDays: 365, mediaBytes: 1e9 });
      expect((await store.events({ limit: 1_000 })).map((one) => one.event.id)).toEqual(['zz-new', '0-live']);
      await store.settleAction('prune-open', outcome('done'));
    });

    it('writes a backup when asked and counts its rows', async () => {
      const path = await store.backup();
      expect(existsSync(path) && path.startsWith(join(dataDir, 'backups'))).toBe(true);
      expect(await store.stats()).toMatchObject({ leases: 0, databaseBytes: expect.any(Number) });
    });

    it('refuses a record that a newer version has written', async () => {
      const second = await temporaryFolder();
      const options = { dataDir: second, databaseUrl: url, clock: systemClock, log: silentLog };
      if (url === null) await (await openStore(options)).close();
      else await store.close();
      await raiseVersion(second, url, 999);
      await expect(openStore(options)).rejects.toMatchObject({ code: 'E_SCHEMA_NEWER', family: 'user' });
      await raiseVersion(second, url, null);
      if (url !== null) {
        store = await openStore({ dataDir, databaseUrl: url, clock: systemClock, log: silentLog });
      }
    });
  });
}

/** Pretends that a newer alarmflow was here; null takes it back. */
async function raiseVersion(dataDir: string, url: string | null, version: number | null): Promise<void> {
  const sql =
    version === null
      ? 'DELETE FROM alarmflow.schema_version WHERE version > 900'
      : `INSERT INTO alarmflow.schema_version VALUES (${version}, 0)`;
  if (url === null) {
    const { PGlite } = await import('@electric-sql/pglite');
    const db = await PGlite.create(join(dataDir, 'record'));
    await db.exec(sql);
    await db.close();
  } else {
    const { Client } = await import('pg');
    const client = new Client(url);
    await client.connect();
    await client.query(sql);
    await client.end();
  }
}
