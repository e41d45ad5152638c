import { beforeEach, describe, expect, it } from 'vitest';
import { VirtualClock } from '../../engine/clock/virtual-clock';
import type { ActionRow } from '../../engine/domain/actions';
import type { Alarm, MessageAlarm } from '../../engine/domain/alarms';
import { silentLog } from '../../engine/domain/log';
import {
  type Change,
  emptyChange,
  type RecordWrites,
  type StandingRow,
  type TimerRow,
} from '../../engine/domain/record';
import type { DurableTimers } from '../../engine/domain/timers';
import { createTimers } from '../../engine/executor';
import { type AlarmRecordings, createAlarmRecordings } from '../../engine/recording';
import { createSimulatedTimers } from '../../engine/simulation/simulated-timers';
import { alarmRow } from '../contract/record-rows';

const start = 1_795_000_000_000;

/** The parts around it, with a record that is a list of what was written. */
function site(
  clock: VirtualClock,
  left: { standing: StandingRow[]; timers: TimerRow[] } = { standing: [], timers: [] },
  timers: DurableTimers = createSimulatedTimers(clock, (error) => {
    throw error;
  }),
) {
  const alarms = new Map<string, Alarm>();
  const standing = new Map(left.standing.map((row) => [row.id, row]));
  const timerRows = new Map(left.timers.map((row) => [row.id, row]));
  const clips: ActionRow[] = [];
  const ended: string[] = [];
  const held = new Map<string, { from: number; to: number | null }>();
  let failing = false;
  async function commit(writes: RecordWrites): Promise<void> {
    if (failing) throw new Error('no record');
    for (const id of writes.standingDeleted ?? []) standing.delete(id);
    for (const row of writes.standing ?? []) standing.set(row.id, structuredClone(row));
    for (const id of writes.timersDeleted ?? []) timerRows.delete(id);
    for (const row of writes.timers ?? []) timerRows.set(row.id, row);
    clips.push(...(writes.actions ?? []));
  }
  const recordings: AlarmRecordings = createAlarmRecordings({
    writer: { commit },
    timers,
    clock,
    log: silentLog,
    alarm: (id) => alarms.get(id),
    holdEnded: (id) => ended.push(id),
    isSetUp: ({ deviceId }) => deviceId === 'cam',
    hold: (id, span) => held.set(id, { from: span.from, to: span.to }),
    release: (id) => void held.delete(id),
    submit: async () => undefined,
  });
  recordings.resume(left.standing);
  for (const row of left.timers) timers.arm(row);
  const carry = async (work: (change: Change) => unknown): Promise<void> => {
    const change: Change = { ...emptyChange(), undo: [] };
    work(change);
    await commit(change.writes);
    for (const follow of change.afterCommit) follow();
  };
  return {
    recordings,
    clips,
    ended,
    held,
    alarms,
    carry,
    fail: (on: boolean) => {
      failing = on;
    },
    left: () => ({ standing: [...standing.values()], timers: [...timerRows.values()] }),
    async raise(id: string, params: Record<string, unknown> = {}, change: Partial<ActionRow> = {}): Promise<void> {
      const alarm = alarmRow(id, { deviceId: 'cam', channel: 1, raisedAt: clock.now(), state: 'active' });
      alarms.set(id, alarm);
      await carry((c) => recordings.begin(row(id, alarm, clock.now(), params, change), c));
    },
  };
}

const row = (
  id: string,
  alarm: Alarm,
  at: number,
  params: Record<string, unknown>,
  change: Partial<ActionRow>,
): ActionRow => ({
  key: `${id}:node:raise`,
  alarmId: id,
  nodeId: 'node',
  nodeName: 'Record',
  kind: 'record',
  phase: 'raise',
  deviceId: 'cam',
  params: { channels: [], preSeconds: 5, postSeconds: 10, partSeconds: 60, capSeconds: 600, ...params },
  alarm: { ...alarm, phase: 'raise' } as MessageAlarm,
  requestedAt: at,
  deadlineAt: at + 60_000,
  status: 'queued',
  attempts: 0,
  summary: null,
  errorCode: null,
  finishedAt: null,
  durationMs: null,
  ...change,
});

const spans = (rows: ActionRow[]) =>
  rows.map(({ params }) => [Number(params.from) - start, Number(params.to) - start, params.last]);

describe('the recording of an alarm', () => {
  let clock: VirtualClock;
  beforeEach(() => {
    clock = new VirtualClock(start);
  });

  it('goes from before the raise until the post-record time after the clear, and holds the alarm so long', async () => {
    const { recordings, clips, ended, raise, carry, held } = site(clock);
    await raise('a');
    expect(recordings.holdsFor('a')).toBe(true);
    await clock.advanceTo(start + 20_000);
    await carry((change) => recordings.alarmCleared('a', clock.now(), change));
    await clock.advanceTo(start + 29_999);
    expect(clips).toEqual([]);
    expect([...held.values()]).toEqual([{ from: start - 5_000, to: null }]);
    await clock.advanceTo(start + 30_000);
    expect(spans(clips)).toEqual([[-5_000, 30_000, true]]);
    expect(ended).toEqual(['a']);
    expect(recordings.holdsFor('a')).toBe(false);
    expect([...held.values()]).toEqual([{ from: start - 5_000, to: start + 30_000 }]);
    recordings.settled({ key: clips[0]!.key, kind: 'record-clip', status: 'done' });
    expect(held.size).toBe(0);
  });

  it('goes on where the alarm comes back before its end', async () => {
    const { recordings, clips, raise, carry } = site(clock);
    await raise('a');
    await clock.advanceTo(start + 10_000);
    await carry((change) => recordings.alarmCleared('a', clock.now(), change));
    await clock.advanceTo(start + 15_000);
    await carry((change) => recordings.alarmResumed('a', clock.now(), change));
    await clock.advanceTo(start + 30_000);
    expect(clips).toEqual([]);
    await carry((change) => recordings.alarmCleared('a', clock.now(), change));
    await clock.advanceTo(start + 60_000);
    expect(spans(clips)).toEqual([[-5_000, 40_000, true]]);
  });

  it('ends at once when the alarm is reset', async () => {
    const { recordings, clips, raise, carry } = site(clock);
    await raise('a');
    await clock.advanceTo(start + 7_000);
    await carry((change) => recordings.alarmEnded('a', clock.now(), change));
    await clock.advanceTo(start + 8_000);
    expect(spans(clips)).toEqual([[-5_000, 7_000, true]]);
  });

  it('becomes several files where it is longer than one may be, without a gap between them', async () => {
    const { recordings, clips, raise, carry } = site(clock);
    await raise('a', { partSeconds: 30 });
    await clock.advanceTo(start + 60_000);
    await carry((change) => recordings.alarmCleared('a', clock.now(), change));
    await clock.advanceTo(start + 90_000);
    expect(spans(clips)).toEqual([
      [-5_000, 25_000, false],
      [25_000, 55_000, false],
      [55_000, 70_000, true],
    ]);
    expect(new Set(clips.map(({ key }) => key)).size).toBe(3);
  });

  it.each([
    ['forward by an hour', 3_600_000],
    ['back by an hour', -3_600_000],
  ])('is one file of the same length when the wall clock is set %s meanwhile', async (_way, byMs) => {
    const timers = createTimers({ clock, log: silentLog });
    timers.resume([]);
    const { clips, held, raise, carry, recordings, left } = site(clock, undefined, timers);
    await raise('a');
    await clock.advance(8_000);
    clock.jump(byMs);
    await clock.advance(2_000);
    expect([...held.values()]).toEqual([{ from: start - 5_000 + byMs, to: null }]);
    expect(left().standing).toMatchObject([{ doc: { partFrom: start - 5_000 + byMs, capAt: start + 595_000 + byMs } }]);
    await carry((change) => recordings.alarmCleared('a', clock.now(), change));
    await clock.advance(9_999);
    expect(clips).toEqual([]);
    await clock.advance(2_000);
    expect(spans(clips)).toEqual([[-5_000 + byMs, 20_000 + byMs, true]]);
    timers.close();
  });

  it('ends at its longest time, whatever the alarm does', async () => {
    const { clips, raise, recordings, ended } = site(clock);
    await raise('a', { capSeconds: 50 });
    await clock.advanceTo(start + 120_000);
    expect(spans(clips)).toEqual([[-5_000, 45_000, true]]);
    expect(recordings.live()).toBe(0);
    expect(ended).toEqual(['a']);
  });

  it('gives each of two alarms on one camera its own clip', async () => {
    const { recordings, clips, raise, carry } = site(clock);
    await raise('a');
    await clock.advanceTo(start + 5_000);
    await raise('b');
    await carry((change) => recordings.alarmCleared('a', clock.now(), change));
    await clock.advanceTo(start + 12_000);
    await carry((change) => recordings.alarmCleared('b', clock.now(), change));
    await clock.advanceTo(start + 60_000);
    expect(clips.map(({ alarmId }) => alarmId)).toEqual(['a', 'b']);
    expect(spans(clips)).toEqual([
      [-5_000, 15_000, true],
      [0, 22_000, true],
    ]);
  });

  it('records every channel that the node names', async () => {
    const { clips, raise, recordings, carry } = site(clock);
    await raise('a', { channels: [1, 4] });
    await carry((change) => recordings.alarmCleared('a', clock.now(), change));
    await clock.advanceTo(start + 20_000);
    expect(clips.map(({ params }) => params.channel)).toEqual([1, 4]);
  });

  it('goes on after a crash: nothing is lost of what was asked for, and nothing comes twice', async () => {
    const first = site(clock);
    await first.raise('a', { partSeconds: 30 });
    await clock.advanceTo(start + 40_000);
    expect(spans(first.clips)).toEqual([[-5_000, 25_000, false]]);
    const later = new VirtualClock(start + 47_000);
    const second = site(later, first.left());
    second.alarms.set('a', alarmRow('a', { deviceId: 'cam', state: 'active' }));
    await second.recordings.flowsStarted();
    // The clip of before the crash is not cut yet: its pictures are still held.
    expect([...second.held.values()]).toContainEqual({ from: start - 5_000, to: start + 25_000 });
    expect(second.recordings.holdsFor('a')).toBe(true);
    // Its message comes again.
    await second.carry((change) =>
      second.recordings.begin(row('a', second.alarms.get('a')!, later.now(), { partSeconds: 30 }, {}), change),
    );
    await second.carry((change) => second.recordings.alarmCleared('a', later.now(), change));
    await later.advanceTo(start + 100_000);
    expect(spans(second.clips)).toEqual([
      [25_000, 55_000, false],
      [55_000, 57_000, true],
    ]);
  });

  it('ends at once after a crash where its time was over meanwhile', async () => {
    const first = site(clock);
    await first.raise('a');
    await first.carry((change) => first.recordings.alarmCleared('a', clock.now(), change));
    const later = new VirtualClock(start + 3_600_000);
    const second = site(later, first.left());
    await later.advanceTo(start + 3_600_001);
    expect(spans(second.clips)).toEqual([[-5_000, 10_000, true]]);
  });

  it('ends where its alarm was lost meanwhile', async () => {
    const first = site(clock);
    await first.raise('a');
    const later = new VirtualClock(start + 20_000);
    const second = site(later, first.left());
    await second.recordings.flowsStarted();
    await later.advanceTo(start + 20_001);
    expect(spans(second.clips)).toEqual([[-5_000, 20_000, true]]);
  });

  it('ends when its node is disarmed', async () => {
    const { recordings, clips, raise, ended } = site(clock);
    await raise('a');
    await clock.advanceTo(start + 8_000);
    await recordings.releaseNode('node');
    expect(spans(clips)).toEqual([[-5_000, 8_000, true]]);
    expect(ended).toEqual(['a']);
  });

  it('of a plain message has its own time', async () => {
    const { recordings, clips, carry } = site(clock);
    const plain = row(
      'm',
      alarmRow('m'),
      clock.now(),
      {},
      { alarmId: null, alarm: null, phase: 'message', key: 'msg:node:1' },
    );
    await carry((change) => recordings.begin(plain, change));
    await clock.advanceTo(start + 10_000);
    expect(spans(clips)).toEqual([[-5_000, 10_000, true]]);
  });

  it('is taken back where the record does not take it, and cut later where only its end was not taken', async () => {
    const { recordings, raise, fail, clips, carry, held } = site(clock);
    fail(true);
    const alarm = alarmRow('a', { deviceId: 'cam', channel: 1, raisedAt: clock.now(), state: 'active' });
    const change = emptyChange();
    const undo = recordings.begin(row('a', alarm, clock.now(), {}, {}), change);
    undo();
    expect(recordings.live()).toBe(0);
    expect(held.size).toBe(0);
    fail(false);
    await raise('b');
    await carry((c) => recordings.alarmCleared('b', clock.now(), c));
    fail(true);
    await expect(recordings.releaseNode('node')).rejects.toThrow('no record');
    expect(recordings.holdsFor('b')).toBe(true);
    fail(false);
    await clock.advanceTo(start + 10_000);
    expect(spans(clips)).toEqual([[-5_000, 10_000, true]]);
  });

  it('does not begin where nothing is recorded', async () => {
    const { recordings, raise } = site(clock);
    await raise('a', {}, { deviceId: 'other' });
    expect(recordings.live()).toBe(0);
  });
});
