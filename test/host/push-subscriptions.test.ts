import { beforeEach, describe, expect, it } from 'vitest';
import { endpointFault } from '../../engine/actions';
import { VirtualClock } from '../../engine/clock/virtual-clock';
import { silentLog } from '../../engine/domain/log';
import type { AuditRow, StandingRow } from '../../engine/domain/record';
import type { PushRole } from '../../engine/domain/web-push';
import { createPushes, type Pushes } from '../../engine/host/push-subscriptions';
import { createSeals } from '../../engine/host/sealed-settings';
import { memorySettings } from '../support/memory-settings';

let rows: Map<string, StandingRow>;
let audit: AuditRow[];
let users: { name: string; role: PushRole }[];
let settings: ReturnType<typeof memorySettings>;
let pushes: Pushes;

function start(secret = 'the key of the data folder'): void {
  pushes = createPushes({
    writer: {
      async commit(writes) {
        for (const id of writes.standingDeleted ?? []) rows.delete(id);
        for (const row of writes.standing ?? []) rows.set(row.id, structuredClone(row));
        audit.push(...(writes.audit ?? []));
      },
    },
    settings,
    seals: createSeals(async () => secret),
    users: async () => users,
    endpointFault,
    contact: null,
    clock: new VirtualClock(1_000),
    log: silentLog,
  });
  pushes.resume([...rows.values()]);
}

beforeEach(() => {
  rows = new Map();
  audit = [];
  users = [
    { name: 'anna', role: 'administrator' },
    { name: 'otto', role: 'operator' },
    { name: 'vera', role: 'viewer' },
  ];
  settings = memorySettings();
  start();
});

const given = (name: string) => ({
  endpoint: `https://push.example.org/send/${name}`,
  p256dh: 'public',
  auth: 'the-secret-of-the-browser',
  browser: 'Firefox on Linux',
});
const usersOf = async (receivers: Parameters<Pushes['of']>[0]) =>
  (await pushes.of(receivers)).map(({ user }) => user).sort();

describe('browsers that have notifications switched on', () => {
  it('are kept over a restart, with nothing readable of what reaches them', async () => {
    await pushes.subscribe(given('a'), 'anna');
    const kept = JSON.stringify([...rows.values()]);
    expect(kept).not.toContain('/send/a');
    expect(kept).not.toContain('the-secret-of-the-browser');
    start();
    expect(await pushes.of({ to: 'all' })).toMatchObject([{ user: 'anna', ...given('a') }]);
    expect(pushes.list()).toMatchObject([{ user: 'anna', browser: 'Firefox on Linux', service: 'push.example.org' }]);
    expect(JSON.stringify(pushes.list())).not.toContain('/send/');
  });

  it('say what their user may do, and whether a user may answer alarms is what the account says now', async () => {
    for (const name of ['otto', 'vera']) await pushes.subscribe(given(name), name);
    expect((await pushes.of({ to: 'all' })).map(({ user, role }) => [user, role])).toEqual([
      ['otto', 'operator'],
      ['vera', 'viewer'],
    ]);
    const may = () => Promise.all(['anna', 'otto', 'vera', 'nobody', 'local'].map((name) => pushes.mayAnswer(name)));
    expect(await may()).toEqual([true, true, false, false, false]);
    users = users.filter(({ name }) => name !== 'otto');
    expect(await may()).toEqual([true, false, false, false, false]);
    users = [];
    expect(await pushes.mayAnswer('local')).toBe(true);
  });

  it('are chosen by role and by user', async () => {
    for (const name of ['anna', 'otto', 'vera']) await pushes.subscribe(given(name), name);
    expect(await usersOf({ to: 'all' })).toEqual(['anna', 'otto', 'vera']);
    expect(await usersOf({ to: 'roles', roles: ['operator', 'viewer'] })).toEqual(['otto', 'vera']);
    expect(await usersOf({ to: 'users', users: ['anna', 'nobody'] })).toEqual(['anna']);
    users = users.map((user) => ({ ...user, role: 'viewer' }));
    expect(await usersOf({ to: 'roles', roles: ['operator'] })).toEqual([]);
  });

  it('of users that are gone are told nothing more, and forgotten', async () => {
    await pushes.subscribe(given('a'), 'anna');
    await pushes.subscribe(given('o'), 'otto');
    users = users.filter(({ name }) => name !== 'otto');
    expect(await usersOf({ to: 'all' })).toEqual(['anna']);
    expect(rows.size).toBe(1);
    expect(audit.at(-1)).toMatchObject({ who: 'alarmflow', action: 'push.unsubscribe', subject: 'otto' });
  });

  it('that were switched on before there were users are told nothing once there are', async () => {
    users = [];
    await pushes.subscribe(given('a'), 'local');
    expect(await usersOf({ to: 'all' })).toEqual(['local']);
    users = [{ name: 'anna', role: 'administrator' }];
    expect(await usersOf({ to: 'all' })).toEqual([]);
  });

  it('belong to who switched them on last', async () => {
    await pushes.subscribe(given('shared'), 'anna');
    await pushes.subscribe(given('shared'), 'otto');
    expect(pushes.list().map(({ user }) => user)).toEqual(['otto']);
  });

  it('are on record when they come and go', async () => {
    const { id } = await pushes.subscribe(given('a'), 'anna');
    await pushes.unsubscribe(id, 'otto');
    expect(audit).toMatchObject([
      { who: 'anna', action: 'push.subscribe', subject: 'anna', detail: 'Firefox on Linux by push.example.org' },
      { who: 'otto', action: 'push.unsubscribe', subject: 'anna' },
    ]);
    await expect(pushes.unsubscribe(id, 'otto')).rejects.toMatchObject({ code: 'E_UNKNOWN_SUBSCRIPTION' });
  });

  it('are no more than anybody has use for', async () => {
    for (let i = 0; i < 20; i++) await pushes.subscribe(given(`a${i}`), 'anna');
    await expect(pushes.subscribe(given('more'), 'anna')).rejects.toMatchObject({
      code: 'E_PUSH_LIMIT',
      family: 'user',
    });
    await pushes.subscribe(given('a3'), 'anna');
    await pushes.subscribe(given('more'), 'otto');
  });

  it('whose push service stands in this network are refused', async () => {
    const inside = { ...given('a'), endpoint: 'https://192.168.1.1/admin' };
    await expect(pushes.subscribe(inside, 'anna')).rejects.toMatchObject({ code: 'E_PUSH_ENDPOINT', family: 'user' });
  });
});

describe("the site's keys for push services", () => {
  it('are made once, and kept where nobody can read the private one', async () => {
    const { publicKey, privateKey } = await pushes.identity();
    start();
    expect(await pushes.identity()).toMatchObject({ publicKey, privateKey });
    expect(await pushes.publicKey()).toBe(publicKey);
    expect([...settings.written.values()].join()).not.toContain(privateKey);
  });

  it('lost with the key of the data folder: new ones are made, and browsers of the old ones are left out', async () => {
    await pushes.subscribe(given('a'), 'anna');
    const before = await pushes.publicKey();
    start('another key');
    expect(await pushes.publicKey()).not.toBe(before);
    expect(await pushes.of({ to: 'all' })).toEqual([]);
    await pushes.subscribe(given('a'), 'anna');
    expect(await usersOf({ to: 'all' })).toEqual(['anna']);
  });
});
