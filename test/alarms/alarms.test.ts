import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../engine/clock/virtual-clock';
import type { DeviceEvent } from '../../engine/domain/events';
import type { ArmingSchedule, Weekday } from '../../engine/domain/schedules';
import { weekdays } from '../../engine/domain/schedules';
import { alarmEvent } from '../support/alarm-events';
import { type AlarmRun, alarmTrigger, startAlarms } from '../support/alarm-record';

/** Monday 2026-06-01 12:00 UTC. */
const noon = 1_780_315_200_000;

async function running(...triggers: Parameters<AlarmRun['define']>): Promise<AlarmRun> {
  const run = startAlarms(new VirtualClock(noon));
  await run.define(...triggers);
  await run.alarms.flowsStarted();
  return run;
}

const happen = (run: AlarmRun, fields: Partial<DeviceEvent> = {}): Promise<void> =>
  run.alarms.accept(alarmEvent({ receivedAt: run.clock.now(), ...fields }));

const hours = (from: number, to: number): ArmingSchedule => ({
  id: 'night',
  name: 'Night',
  timeZone: 'UTC',
  week: Object.fromEntries(weekdays.map((day) => [day, [{ from: from * 60, to: to * 60 }]])) as Record<
    Weekday,
    { from: number; to: number }[]
  >,
});

describe('an event', () => {
  it('that no trigger listens to is journalled as such', async () => {
    const run = await running(alarmTrigger());
    await happen(run, { type: 'face' });
    expect(run.decided()).toEqual(['no-trigger/no-trigger']);
    expect(run.record.decisions[0]).toMatchObject({
      triggerId: null,
      detail: 'no trigger listens to face of Camera cam1',
    });
    expect(run.record.events.size).toBe(1);
  });

  it('gets one decision of every trigger that listens, and none of those that do not', async () => {
    const run = await running(
      alarmTrigger({}, { id: 'a', filter: { types: ['motion'] } }),
      alarmTrigger({}, { id: 'b', filter: { types: ['motion'], channels: [2] } }),
      alarmTrigger({}, { id: 'c', filter: { types: ['face'] } }),
      alarmTrigger({}, { id: 'd', filter: { types: ['motion'], deviceIds: ['cam2'] } }),
      alarmTrigger({}, { id: 'e', filter: { types: ['motion'], deviceIds: ['cam1'] } }),
    );
    await happen(run);
    expect(run.record.decisions.map(({ triggerId, outcome, reason }) => [triggerId, outcome, reason])).toEqual([
      ['a', 'raised', 'start'],
      ['b', 'refused', 'filter'],
      ['e', 'raised', 'start'],
    ]);
  });

  it('reaches triggers for any type once each, in their order, and a reading only those that name it', async () => {
    const run = await running(
      alarmTrigger({}, { id: 'a', filter: { types: [], anyType: true } }),
      alarmTrigger({}, { id: 'b', filter: { types: ['motion'] } }),
      alarmTrigger({}, { id: 'c', filter: { types: ['motion', 'relay-state'], anyType: true, deviceIds: ['cam1'] } }),
      alarmTrigger({}, { id: 'd', filter: { types: [], anyType: true, deviceIds: ['cam2'] } }),
    );
    const heard = async (type: DeviceEvent['type']) => {
      run.record.decisions.length = 0;
      await happen(run, { type });
      return run.record.decisions.map(({ triggerId }) => triggerId);
    };
    expect(await heard('motion')).toEqual(['a', 'b', 'c']);
    expect(await heard('vendor:odd')).toEqual(['a', 'c']);
    expect(await heard('relay-state')).toEqual(['c']);
    expect(await heard('temperature-reading')).toEqual([]);
  });

  it('raises an alarm that is on disk before the promise resolves and before its message is sent', async () => {
    const run = await running(alarmTrigger());
    let release = (): void => undefined;
    run.record.hold = () => new Promise((resolve) => (release = resolve));
    const accepted = happen(run, { temperature: { unit: 'celsius', value: 61 } });
    await run.clock.advance(0);
    expect(run.delivered).toEqual([]);
    expect(run.record.alarms.size).toBe(0);
    release();
    await accepted;
    const [alarm] = [...run.record.alarms.values()];
    expect(alarm).toMatchObject({
      triggerId: 't1',
      triggerName: 'Hall motion',
      key: 'device=cam1;channel=1;type=motion',
      topic: 'Home/Camera-cam1/1/motion',
      state: 'active',
      count: 1,
      raisedAt: noon,
      level: 'alarm',
      endedAt: null,
    });
    expect(alarm?.event.temperature?.value).toBe(61);
    expect(alarm?.event).not.toHaveProperty('raw');
    expect(run.delivered).toHaveLength(1);
    expect(run.delivered[0]).toMatchObject({
      messageId: `${alarm?.id}:raise`,
      payload: true,
      topic: 'Home/Camera-cam1/1/motion',
      alarm: { id: alarm?.id, phase: 'raise' },
    });
  });

  it.each([
    [{ input: '3', channel: undefined, type: 'digital-input' as const }, 'Home/Camera-cam1/input-3/digital-input'],
    [{ channel: undefined, type: 'storage-full' as const }, 'Home/Camera-cam1/0/storage-full'],
    [{ type: 'vendor:a/b +#' as const }, 'Home/Camera-cam1/1/vendor-a-b'],
    [{ type: 'temperature-prealarm' as const }, 'Home/Camera-cam1/1/temperature-alarm'],
  ])('gives its alarm a topic without signs that mean something: %#', async (fields, topic) => {
    const run = await running(alarmTrigger({}, { filter: { types: [fields.type] } }));
    await happen(run, fields);
    expect(run.delivered[0]?.topic).toBe(topic);
  });

  it('is announced with its decisions, its alarm by itself', async () => {
    const run = await running(alarmTrigger());
    await happen(run);
    expect(run.announced.map((a) => a.kind)).toEqual(['event', 'alarm']);
    expect(run.announced[0]).toMatchObject({ data: { decisions: [{ outcome: 'raised' }] } });
  });

  it('that arrives with others at once sees what they did: one alarm from fifty', async () => {
    const run = await running(alarmTrigger());
    await Promise.all(Array.from({ length: 50 }, () => happen(run)));
    expect(run.record.alarms.size).toBe(1);
    expect([...run.record.alarms.values()][0]?.count).toBe(50);
    expect(run.phases()).toEqual(['raise']);
  });

  it('makes an alarm of each key', async () => {
    const run = await running(alarmTrigger());
    await Promise.all([happen(run, { channel: 1 }), happen(run, { channel: 2 }), happen(run, { deviceId: 'cam2' })]);
    expect(run.alarms.live()).toHaveLength(3);
  });

  it('that ends without a rule number ends the alarms of every rule on its channel', async () => {
    const run = await running(alarmTrigger({ keyParts: ['device', 'channel', 'type', 'rule'] }));
    await happen(run, { rule: '1' });
    await happen(run, { rule: '2' });
    await happen(run, { rule: '1', channel: 2 });
    await happen(run, { phase: 'stop' });
    expect(run.alarms.live().map((alarm) => [alarm.channel, alarm.rule, alarm.state])).toEqual([
      [1, '1', 'clearing'],
      [1, '2', 'clearing'],
      [2, '1', 'active'],
    ]);
  });

  it('keeps its condition when idle ones are forgotten, and their rows go', async () => {
    const run = await running(alarmTrigger({ antiDitherMs: 5_000 }));
    await happen(run);
    await run.clock.advance(1_100);
    await happen(run, { phase: 'stop' });
    await happen(run, { channel: 2, phase: 'pulse', quietMs: 1 });
    await run.clock.advance(2_000);
    expect(run.record.gateStates.size).toBe(2);
    await run.clock.advance(60_000);
    await happen(run);
    expect([...run.record.gateStates.keys()]).toEqual(['t1|device=cam1;channel=1;type=motion']);
    expect(run.alarms.live()).toHaveLength(1);
  });

  it('of a device that makes up rules does not fill the memory', async () => {
    const run = await running(alarmTrigger({ enabled: true, keyParts: ['rule'] }, { filter: { types: ['motion'] } }));
    const before = run.record.alarms.size;
    await Promise.all(Array.from({ length: 10_050 }, (_none, index) => happen(run, { rule: `r${index}` })));
    expect(run.record.alarms.size - before).toBe(10_000);
    expect(run.record.decisions.at(-1)).toMatchObject({ outcome: 'refused', reason: 'flood' });
  });
});

describe('the life of an alarm', () => {
  it('goes raise, clear, end, and every step is told and on disk', async () => {
    const run = await running(alarmTrigger());
    await happen(run);
    await run.clock.advance(2_000);
    await happen(run, { phase: 'stop' });
    expect(run.phases()).toEqual(['raise', 'clear', 'end']);
    expect(run.delivered.map((message) => message.payload)).toEqual([true, false, false]);
    expect(run.alarms.live()).toEqual([]);
    expect([...run.record.alarms.values()][0]).toMatchObject({
      state: 'normal',
      clearedAt: noon + 2_000,
      endedAt: noon + 2_000,
      endReason: 'cleared',
    });
    expect(run.record.gateStates.size).toBe(0);
    await run.clock.advance(5_000);
    expect(run.record.messages.size).toBe(0);
  });

  it('does not end before its raise message has been settled', async () => {
    const run = await running(alarmTrigger());
    await happen(run);
    await happen(run, { phase: 'stop' });
    expect(run.phases()).toEqual(['raise', 'clear']);
    await run.clock.advance(900);
    expect(run.alarms.live()).toHaveLength(1);
    await run.clock.advance(200);
    expect(run.phases()).toEqual(['raise', 'clear', 'end']);
  });

  it('does not end before its holds are gone', async () => {
    const run = await running(alarmTrigger());
    await happen(run);
    const id = run.alarms.live()[0]?.id as string;
    run.holds.held.add(id);
    await run.clock.advance(5_000);
    await happen(run, { phase: 'stop' });
    await run.clock.advance(60_000);
    expect(run.alarms.alarm(id)?.state).toBe('clearing');
    run.holds.held.delete(id);
    await run.alarms.holdEnded(id);
    expect(run.alarms.alarm(id)).toBeUndefined();
    expect(run.holds.calls).toEqual([`cleared ${id}`, `ended ${id}`]);
  });

  it('tells its holds when it comes back', async () => {
    const run = await running(alarmTrigger());
    await happen(run);
    await happen(run, { phase: 'stop' });
    await happen(run);
    const id = run.alarms.live()[0]?.id as string;
    expect(run.holds.calls).toEqual([`cleared ${id}`, `resumed ${id}`]);
    expect(run.record.alarms.get(id)).toMatchObject({ state: 'active', count: 2, clearedAt: null });
    expect(run.phases()).toEqual(['raise', 'clear']);
    await happen(run, { phase: 'stop' });
    expect(run.delivered.map((message) => message.messageId)).toEqual([`${id}:raise`, `${id}:clear`, `${id}:clear:2`]);
  });

  it('waits for the filtering time on a durable timer, and raises with the event that began it', async () => {
    const run = await running(alarmTrigger({ onDelayMs: 10_000 }));
    await happen(run, { id: 'first' });
    expect([...run.record.timers.keys()]).toEqual(['t1|device=cam1;channel=1;type=motion:on-delay']);
    await run.clock.advance(5_000);
    await happen(run, { phase: 'refresh' });
    await run.clock.advance(5_000);
    expect(run.alarms.live()[0]).toMatchObject({ raisedAt: noon + 10_000, event: { id: 'first' } });
    expect(run.record.timers.size).toBe(0);
    expect(run.announced.filter((a) => a.kind === 'decision')).toMatchObject([{ data: { reason: 'on-delay' } }]);
  });

  it('ends by quiet, however often it was refreshed', async () => {
    const run = await running(alarmTrigger({ quietMs: 5_000 }));
    for (let second = 0; second < 20; second++) {
      await happen(run, { phase: second === 0 ? 'start' : 'refresh' });
      await run.clock.advance(1_000);
    }
    expect(run.phases()).toEqual(['raise']);
    expect(run.alarms.live()[0]?.seenAt).toBe(noon + 19_000);
    await run.clock.advance(4_000);
    expect(run.phases()).toEqual(['raise', 'clear', 'end']);
    expect([...run.record.alarms.values()][0]?.endReason).toBe('implied-stop');
    expect(run.record.timers.size).toBe(0);
  });

  it('escalates from pre-alarm to alarm with one message that shows the event of the escalation', async () => {
    const run = await running(alarmTrigger({}, { filter: { types: ['temperature-prealarm', 'temperature-alarm'] } }));
    await happen(run, { type: 'temperature-prealarm', vendorType: 'TMPA', level: 'pre-alarm', id: 'pre' });
    await happen(run, { type: 'temperature-alarm', vendorType: 'TMA', level: 'alarm', id: 'hot' });
    expect(run.phases()).toEqual(['raise', 'escalate']);
    expect(run.delivered[1]).toMatchObject({
      payload: true,
      alarm: { level: 'alarm', count: 2, event: { id: 'hot' } },
    });
    expect(run.alarms.live()).toMatchObject([{ level: 'alarm', type: 'temperature-alarm', event: { id: 'pre' } }]);
  });

  it('takes pictures that come later into its event', async () => {
    const run = await running(alarmTrigger());
    await happen(run, { id: 'e' });
    const picture = { mediaId: 'm', contentType: 'image/jpeg', size: 3 };
    await run.alarms.picturesArrived('e', [picture]);
    expect(run.alarms.live()[0]?.event.pictures).toEqual([picture]);
    expect([...run.record.alarms.values()][0]?.event.pictures).toEqual([picture]);
    expect(run.record.events.get('e')?.pictures).toEqual([picture]);
  });

  it('gives a pending condition the pictures that come before its raise', async () => {
    const run = await running(alarmTrigger({ onDelayMs: 1_000 }));
    await happen(run, { id: 'e' });
    await run.alarms.picturesArrived('e', [{ mediaId: 'm', contentType: 'image/jpeg', size: 3 }]);
    await run.clock.advance(1_000);
    expect(run.delivered[0]?.alarm.event.pictures).toHaveLength(1);
  });
});

describe('people', () => {
  it('acknowledge a latched alarm, which then ends', async () => {
    const run = await running(alarmTrigger({ latched: true }));
    await happen(run);
    const id = run.alarms.live()[0]?.id as string;
    await run.clock.advance(2_000);
    await happen(run, { phase: 'stop' });
    await run.clock.advance(60_000);
    expect(run.alarms.alarm(id)?.state).toBe('clearing');
    await run.alarms.acknowledge(id, 'anna');
    expect(run.record.alarms.get(id)).toMatchObject({ acknowledgedBy: 'anna', endReason: 'cleared' });
    expect(run.record.audit).toMatchObject([{ who: 'anna', action: 'alarm.acknowledge', subject: id }]);
  });

  it('acknowledge an alarm as a false alarm, with a row beside it', async () => {
    const run = await running(alarmTrigger());
    await happen(run);
    const id = run.alarms.live()[0]?.id as string;
    await run.alarms.acknowledge(id, 'anna', 'false-alarm', { standing: [{ id: 'answer', kind: 'test', doc: {} }] });
    expect(run.record.alarms.get(id)).toMatchObject({ acknowledgedBy: 'anna', acknowledgedAs: 'false-alarm' });
    expect(run.record.audit).toMatchObject([
      { who: 'anna', detail: expect.stringContaining('as a false alarm'), facts: { as: 'false-alarm' } },
    ]);
    expect(run.record.standing.get('answer')).toMatchObject({ kind: 'test' });
  });

  it('reset an alarm, which ends at once and releases its outputs', async () => {
    const run = await running(alarmTrigger());
    await happen(run);
    const id = run.alarms.live()[0]?.id as string;
    run.holds.held.add(id);
    await run.alarms.reset(id, 'anna');
    expect(run.phases()).toEqual(['raise', 'end']);
    expect(run.holds.calls).toEqual([`ended ${id}`]);
    expect(run.record.alarms.get(id)?.endReason).toBe('reset');
  });

  it('are told when there is no such alarm', async () => {
    const run = await running(alarmTrigger());
    await expect(run.alarms.acknowledge('nope', 'anna')).rejects.toMatchObject({
      code: 'E_UNKNOWN_ALARM',
      family: 'user',
    });
    await expect(run.alarms.reset('nope', 'anna')).rejects.toMatchObject({ code: 'E_UNKNOWN_ALARM' });
  });

  it('disarm the site: alarms end, events are refused, and arming raises what still holds', async () => {
    const run = await running(alarmTrigger());
    await happen(run);
    await run.alarms.setArmed(false, 'anna');
    expect(run.alarms.isArmed()).toBe(false);
    expect(run.phases()).toEqual(['raise', 'end']);
    await happen(run, { phase: 'refresh' });
    expect(run.decided().at(-1)).toBe('refused/disarmed');
    await run.clock.advance(1_000);
    await run.alarms.setArmed(true, 'anna');
    expect(run.phases()).toEqual(['raise', 'end', 'raise']);
    expect(new Set(run.delivered.map((message) => message.alarm.id)).size).toBe(2);
    expect(run.record.audit.map((row) => row.action)).toEqual(['site.disarm', 'site.arm']);
    expect(run.announced.filter((a) => a.kind === 'site')).toHaveLength(2);
  });
});

describe('schedules', () => {
  it('refuse outside the window with the time at which it opens', async () => {
    const run = startAlarms(new VirtualClock(noon));
    await run.alarms.defineSchedule(hours(18, 6));
    await run.define(alarmTrigger({ scheduleId: 'night' }));
    await run.alarms.flowsStarted();
    await happen(run);
    expect(run.record.decisions[0]).toMatchObject({
      outcome: 'refused',
      reason: 'not-armed',
      detail: 'schedule "Night" is not armed until Mon 18:00 (UTC)',
    });
  });

  it('raise at the opening what holds, at the very moment', async () => {
    const run = startAlarms(new VirtualClock(noon));
    await run.alarms.defineSchedule(hours(18, 6));
    await run.define(alarmTrigger({ scheduleId: 'night' }));
    await run.alarms.flowsStarted();
    await happen(run);
    await run.clock.advance(6 * 3_600_000 - 1);
    expect(run.alarms.live()).toEqual([]);
    await run.clock.advance(1);
    expect(run.alarms.live()[0]?.raisedAt).toBe(noon + 6 * 3_600_000);
  });

  it('end what runs at the close if the policy says so', async () => {
    const run = startAlarms(new VirtualClock(noon));
    await run.alarms.defineSchedule(hours(10, 13));
    await run.define(alarmTrigger({ scheduleId: 'night', atWindowClose: 'end' }));
    await run.alarms.flowsStarted();
    await happen(run);
    await run.clock.advance(3_600_000);
    expect([...run.record.alarms.values()][0]).toMatchObject({ endReason: 'window-closed', endedAt: noon + 3_600_000 });
  });

  it('are evaluated anew when they are deployed with other hours', async () => {
    const run = startAlarms(new VirtualClock(noon));
    await run.alarms.defineSchedule(hours(18, 6));
    await run.define(alarmTrigger({ scheduleId: 'night' }));
    await run.alarms.flowsStarted();
    await happen(run);
    run.alarms.detach('night');
    await run.alarms.defineSchedule(hours(8, 20));
    await run.alarms.flowsStarted();
    expect(run.alarms.live()).toHaveLength(1);
  });

  it('that do not exist arm nothing and are shown as trouble', async () => {
    const run = await running(alarmTrigger({ scheduleId: 'gone' }));
    await happen(run);
    expect(run.decided()).toEqual(['refused/not-armed']);
    expect(run.alarms.triggerNotice('t1')).toEqual({ state: 'trouble', text: 'schedule is missing' });
  });
});

describe('notices', () => {
  it('follow the trigger and are told when they change', async () => {
    const run = startAlarms(new VirtualClock(noon));
    const told: string[] = [];
    run.alarms.onNotice((id) => told.push(run.alarms.triggerNotice(id).text));
    await run.define(alarmTrigger({ onDelayMs: 1_000 }));
    await run.alarms.flowsStarted();
    await run.clock.advance(0);
    await happen(run);
    await run.clock.advance(3_000);
    await happen(run, { phase: 'refresh' });
    await happen(run, { phase: 'stop' });
    await run.clock.advance(3_000);
    await run.alarms.setArmed(false, 'anna');
    await run.clock.advance(0);
    expect(told).toEqual(['armed', 'filtering', 'alarm', 'armed', 'disarmed']);
  });
});

describe('notices of an alarm storm', () => {
  it('are looked for ten times a second, and the last one is right', async () => {
    const run = startAlarms(new VirtualClock(noon));
    const told: string[] = [];
    run.alarms.onNotice((id) => told.push(run.alarms.triggerNotice(id).text));
    await run.define(alarmTrigger({ keyParts: ['device', 'rule'] }));
    await run.alarms.flowsStarted();
    await run.clock.advance(1_000);
    for (let rule = 1; rule <= 100; rule++) {
      await happen(run, { rule: String(rule) });
      await run.clock.advance(2);
    }
    await run.clock.advance(100);
    expect(told.length).toBeLessThanOrEqual(5);
    expect(told.at(-1)).toBe('alarm (100)');
  });
});

describe('definitions', () => {
  it.each([
    [{ onDelayMs: -1 }, 'onDelayMs is -1'],
    [{ antiDitherMs: Number.NaN }, 'antiDitherMs is NaN'],
    [{ repeat: { count: 0, withinMs: 1 } }, 'repeat.count is 0'],
    [{ keyParts: ['colour' as never] }, 'keyParts must be some of'],
  ])('with a wrong field are refused: %#', async (policy, message) => {
    const run = startAlarms(new VirtualClock(noon));
    await expect(run.define(alarmTrigger(policy))).rejects.toThrow(message);
  });

  it('with an unknown time zone are refused', async () => {
    const run = startAlarms(new VirtualClock(noon));
    await expect(run.alarms.defineSchedule({ ...hours(1, 2), timeZone: 'Nowhere' })).rejects.toMatchObject({
      code: 'E_TIME_ZONE',
      family: 'user',
    });
  });
});
