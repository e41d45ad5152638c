import { beforeEach, describe, expect, it } from 'vitest';
import type { ActionInterval } from '../../engine/domain/actions';
import type { ArmingChange } from '../../engine/domain/arming';
import type { OutputRequest } from '../../engine/index';
import { anAlarm, START } from '../outputs/bench-site';
import { ActionsBench } from '../support/actions-bench';

const next: ActionInterval = { everyMs: 60_000, tell: 'next' };
const digest: ActionInterval = { everyMs: 60_000, tell: 'digest' };
let bench: ActionsBench;
beforeEach(() => {
  bench = new ActionsBench();
});

describe('an action with an interval', () => {
  it('goes out once, and what is held back is on record with its reason and goes to no queue', async () => {
    expect(await bench.flow.requestAction(bench.request('a', 'raise', next))).toEqual({
      key: 'a:mail:raise',
      accepted: true,
    });
    await bench.clock.advance(20_000);
    expect((await bench.flow.requestAction(bench.request('b', 'raise', next))).accepted).toBe(false);
    expect(bench.statuses()).toEqual(['a:mail:raise queued', 'b:mail:raise skipped']);
    expect(bench.actions.get('b:mail:raise')).toMatchObject({
      summary: 'Held back: 40 s of the interval of 60 s are left; 1 so far, to be told in the first message after it',
      finishedAt: START + 20_000,
    });
    expect(bench.submitted.map((row) => row.key)).toEqual(['a:mail:raise']);
  });

  it('tells in the next one what was held back, also after a restart', async () => {
    await bench.flow.requestAction(bench.request('a', 'raise', next));
    await bench.flow.requestAction(bench.request('b', 'raise', next));
    bench.restart();
    await bench.flow.requestAction(bench.request('c', 'raise', next));
    await bench.clock.advance(60_000);
    bench.restart();
    await bench.flow.requestAction(bench.request('d', 'raise', next));
    expect(bench.statuses().slice(1)).toEqual(['b:mail:raise skipped', 'c:mail:raise skipped', 'd:mail:raise queued']);
    expect(bench.actions.get('d:mail:raise')?.params).toMatchObject({
      to: ['guard@example.org'],
      heldBack: { count: 2, groups: [{ deviceName: 'Hall', type: 'motion', phase: 'raise', count: 2 }] },
    });
  });

  it('keeps the intervals of nodes and of types apart', async () => {
    await bench.flow.requestAction(bench.request('a', 'raise', next));
    const other = { ...bench.request('b', 'raise', next), nodeId: 'mail-2' };
    expect((await bench.flow.requestAction(other)).accepted).toBe(true);
    const type = bench.request('c', 'raise', next);
    expect(
      (await bench.flow.requestAction({ ...type, alarm: { ...type.alarm!, type: 'line-crossing' } })).accepted,
    ).toBe(true);
    const message = { ...bench.request('d', 'raise', next), alarm: null };
    expect((await bench.flow.requestAction(message)).accepted).toBe(true);
    expect((await bench.flow.requestAction({ ...message, messageId: 'other' })).accepted).toBe(false);
  });

  it('sends the digest when the time is over, by itself', async () => {
    await bench.flow.requestAction(bench.request('a', 'raise', digest));
    await bench.flow.requestAction(bench.request('b', 'raise', digest));
    await bench.flow.requestAction(bench.request('c', 'raise', digest));
    await bench.clock.advance(59_999);
    expect(bench.submitted).toHaveLength(1);
    await bench.clock.advance(1);
    expect(bench.submitted[1]).toMatchObject({
      key: `digest:mail:motion:${START + 60_000}`,
      kind: 'email',
      alarmId: 'c',
      status: 'queued',
      requestedAt: START + 60_000,
      deadlineAt: START + 60_000 + 3_600_000,
      params: { to: ['guard@example.org'], digest: true, heldBack: { count: 2 } },
    });
    expect([...bench.timerRows.values()].map((row) => row.at)).toEqual([START + 120_000]);
  });

  it('sends one digest, at once, when the process was away at its time', async () => {
    await bench.flow.requestAction(bench.request('a', 'raise', digest));
    await bench.flow.requestAction(bench.request('b', 'raise', digest));
    bench.clock.jump(3_600_000);
    bench.restart();
    await bench.clock.advance(0);
    bench.restart();
    await bench.clock.advance(0);
    expect(bench.submitted.map((row) => row.key)).toEqual(['a:mail:raise', `digest:mail:motion:${START + 60_000}`]);
  });

  it('lasts no longer because the clock was set back while the process was away, also at the start after', async () => {
    await bench.flow.requestAction(bench.request('a', 'raise', digest));
    await bench.flow.requestAction(bench.request('b', 'raise', digest));
    await bench.clock.advance(40_000);
    bench.clock.jump(-18_000_000);
    bench.restart(18_000_000);
    await bench.flow.flowsStarted(() => true);
    await bench.clock.advance(5_000);
    bench.restart();
    await bench.clock.advance(14_999);
    expect(bench.submitted).toHaveLength(1);
    await bench.clock.advance(1);
    expect(bench.submitted.map((row) => row.params.digest)).toEqual([undefined, true]);
  });

  it('lasts a whole interval at most where nothing else on record tells of a clock that was set back', async () => {
    await bench.flow.requestAction(bench.request('a', 'raise', next));
    bench.clock.jump(-18_000_000);
    bench.restart();
    await bench.clock.advance(59_999);
    expect((await bench.flow.requestAction(bench.request('b', 'raise', next))).accepted).toBe(false);
    await bench.clock.advance(1);
    expect((await bench.flow.requestAction(bench.request('c', 'raise', next))).accepted).toBe(true);
  });

  it('leaves nothing behind when its time is over and its alarms are', async () => {
    await bench.flow.requestAction(bench.request('a', 'raise', next));
    bench.live.clear();
    await bench.clock.advance(60_000);
    expect(bench.standing.size).toBe(0);
    expect(bench.timerRows.size).toBe(0);
  });

  it('is forgotten with its node', async () => {
    await bench.flow.requestAction(bench.request('a', 'raise', next));
    await bench.flow.flowsStarted((nodeId) => nodeId !== 'mail');
    expect(bench.standing.size + bench.timerRows.size).toBe(0);
  });

  it('acts again when the record did not take the first', async () => {
    bench.failing = true;
    await expect(bench.flow.requestAction(bench.request('a', 'raise', next))).rejects.toMatchObject({
      code: 'E_RECORD_WRITE',
    });
    bench.failing = false;
    expect((await bench.flow.requestAction(bench.request('b', 'raise', next))).accepted).toBe(true);
  });

  it.each([-3_600_000, 3_600_000])('keeps its time when the wall clock is set by %d ms', async (ms) => {
    await bench.flow.requestAction(bench.request('a', 'raise', digest));
    await bench.clock.advance(10_000);
    bench.clock.jump(ms);
    expect((await bench.flow.requestAction(bench.request('b', 'raise', digest))).accepted).toBe(false);
    await bench.clock.advance(49_999);
    expect(bench.submitted).toHaveLength(1);
    await bench.clock.advance(1);
    expect(bench.submitted).toHaveLength(2);
  });

  it('without one acts every time, and ends what an earlier flow had set', async () => {
    await bench.flow.requestAction(bench.request('a', 'raise', next));
    expect((await bench.flow.requestAction(bench.request('b'))).accepted).toBe(true);
    expect((await bench.flow.requestAction(bench.request('c'))).accepted).toBe(true);
    expect(bench.standing.size).toBe(0);
  });
});

describe('a single action that is disarmed', () => {
  it('does nothing, and its row says who has disarmed it', async () => {
    bench.disarmed.add('mail');
    expect((await bench.flow.requestAction(bench.request('a', 'raise', next))).accepted).toBe(false);
    expect(bench.actions.get('a:mail:raise')).toMatchObject({
      status: 'skipped',
      summary: 'Not done: action "Mail" was disarmed by anna',
    });
    expect(bench.submitted).toEqual([]);
    expect(bench.standing.size).toBe(0);
  });

  it('sends no digest either', async () => {
    await bench.flow.requestAction(bench.request('a', 'raise', digest));
    await bench.flow.requestAction(bench.request('b', 'raise', digest));
    bench.disarmed.add('mail');
    await bench.clock.advance(60_000);
    expect(bench.submitted).toHaveLength(1);
    expect([...bench.actions.values()].at(-1)).toMatchObject({ status: 'skipped', params: { digest: true } });
  });

  const claim = (fields: Partial<OutputRequest> = {}): OutputRequest => ({
    nodeId: 'siren',
    nodeName: 'Siren',
    deviceId: 'box',
    output: '1',
    alarm: { ...anAlarm('a', START), phase: 'raise' },
    messageId: 'm',
    condition: true,
    topic: '',
    hold: { afterClearMs: 0, capMs: null },
    ...fields,
  });

  it('takes no output, and the journal of the alarm says why', async () => {
    bench.disarmed.add('siren');
    await bench.flow.requestOutput(claim());
    expect(bench.claims).toEqual([]);
    expect(bench.decisions).toMatchObject([
      { alarmId: 'a', triggerId: 'trigger', outcome: 'refused', reason: 'disarmed' },
    ]);
    expect(bench.decisions[0]?.detail).toContain('was disarmed by anna');
  });

  it('still hears of the end of a plain condition', async () => {
    bench.disarmed.add('siren');
    await bench.flow.requestOutput(claim({ alarm: null, condition: false }));
    expect(bench.claims).toHaveLength(1);
    expect(bench.decisions).toEqual([]);
  });

  it('lets go of its output when it is disarmed, and not when another or the site is', async () => {
    const turned = (scope: 'action' | 'device', id: string): void =>
      bench.armingTurned({ subject: { scope, id } } as unknown as ArmingChange);
    bench.disarmed.add('siren');
    turned('device', 'siren');
    turned('action', 'mail');
    expect(bench.released).toEqual([]);
    turned('action', 'siren');
    expect(bench.released).toEqual(['siren']);
  });
});
