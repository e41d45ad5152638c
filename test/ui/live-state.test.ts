import { describe, expect, it } from 'vitest';
import type { Alarm, DeviceRow } from '../../engine/host/console-api';
import { emptyState, type LiveState, reduce } from '../../ui/src/live-state';

const alarm = (id: string, raisedAt: number, more: Partial<Alarm> = {}): Alarm =>
  ({ id, raisedAt, endedAt: null, acknowledgedAt: null, ...more }) as Alarm;

const told = (changes: Parameters<typeof reduce>[1][], from: LiveState = emptyState): LiveState =>
  changes.reduce(reduce, from);

describe('what the console knows', () => {
  it('keeps an alarm that was raised while everything was being read', () => {
    const state = told([
      { kind: 'loading' },
      { kind: 'alarm', data: alarm('late', 2) },
      { kind: 'loaded', data: { alarms: [alarm('early', 1)] } },
    ]);
    expect(state.alarms.map(({ id }) => id)).toEqual(['late', 'early']);
  });

  it('keeps what became of an alarm while everything was being read', () => {
    const state = told([
      { kind: 'loading' },
      { kind: 'alarm', data: alarm('one', 1, { acknowledgedAt: 5 }) },
      { kind: 'loaded', data: { alarms: [alarm('one', 1)] } },
    ]);
    expect(state.alarms[0]?.acknowledgedAt).toBe(5);
  });

  it('forgets what came meanwhile once it is read, or could not be', () => {
    for (const end of [{ kind: 'loaded', data: {} }, { kind: 'not-loaded' }] as const)
      expect(told([{ kind: 'loading' }, { kind: 'alarm', data: alarm('one', 1) }, end]).meanwhile).toBeNull();
  });

  it('follows when a device was heard last, and takes nothing else from what was read earlier than told', () => {
    const row = (lastSeenAt: number | null, link: string): DeviceRow =>
      ({ id: 'hall', status: { lastSeenAt, link } }) as DeviceRow;
    const afterRead = (shown: DeviceRow, read: DeviceRow[]): DeviceRow | undefined =>
      reduce({ ...emptyState, devices: [shown] }, { kind: 'heard', devices: read }).devices[0];
    expect(afterRead(row(1_000, 'offline'), [row(5_000, 'online')])?.status).toEqual({
      lastSeenAt: 5_000,
      link: 'offline',
    });
    expect(afterRead(row(5_000, 'online'), [row(1_000, 'online')])?.status.lastSeenAt).toBe(5_000);
    expect(afterRead(row(5_000, 'online'), [row(null, 'online')])?.status.lastSeenAt).toBe(5_000);
    expect(afterRead(row(null, 'online'), [row(7_000, 'online')])?.status.lastSeenAt).toBe(7_000);
    expect(afterRead(row(5_000, 'online'), [])?.status.lastSeenAt).toBe(5_000);
  });

  it('knows nothing before it was read once: that is not the same as no alarm', () => {
    expect(told([{ kind: 'loading' }, { kind: 'not-loaded' }]).known).toBe(false);
    expect(told([{ kind: 'loading' }, { kind: 'loaded', data: {} }]).known).toBe(true);
  });

  it('drops no live alarm in a flood, and of the ended ones keeps the newest six', () => {
    const live = Array.from({ length: 600 }, (_, n) => alarm(`live-${n}`, n));
    const ended = Array.from({ length: 9 }, (_, n) => alarm(`ended-${n}`, 10_000 + n, { endedAt: 20_000 }));
    const state = told([...live, ...ended].map((data) => ({ kind: 'alarm', data }) as const));
    expect(state.alarms.filter(({ endedAt }) => endedAt === null)).toHaveLength(600);
    expect(state.alarms.filter(({ endedAt }) => endedAt !== null).map(({ id }) => id)).toEqual([
      'ended-8',
      'ended-7',
      'ended-6',
      'ended-5',
      'ended-4',
      'ended-3',
    ]);
  });
});
