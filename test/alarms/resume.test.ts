import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../engine/clock/virtual-clock';
import type { DeviceEvent } from '../../engine/domain/events';
import { type ArmingSchedule, weekdays } from '../../engine/domain/schedules';
import { alarmEvent } from '../support/alarm-events';
import { type AlarmRun, alarmTrigger, startAlarms } from '../support/alarm-record';

const noon = 1_780_315_200_000;

const happen = (run: AlarmRun, fields: Partial<DeviceEvent> = {}): Promise<void> =>
  run.alarms.accept(alarmEvent({ receivedAt: run.clock.now(), ...fields }));

async function running(...triggers: Parameters<AlarmRun['define']>): Promise<AlarmRun> {
  const run = startAlarms(new VirtualClock(noon));
  await run.define(...triggers);
  await run.alarms.flowsStarted();
  return run;
}

/** The process dies, is away for a while, and comes back on what was on disk. */
async function restarted(
  run: AlarmRun,
  awayMs: number,
  triggers: Parameters<AlarmRun['define']>,
  prepare?: (next: AlarmRun) => void,
): Promise<AlarmRun> {
  run.crash();
  await run.clock.advance(awayMs);
  const next = startAlarms(run.clock, run.record);
  prepare?.(next);
  await next.define(...triggers);
  await next.alarms.flowsStarted();
  await next.clock.advance(0);
  return next;
}

describe('after a crash', () => {
  it('a pending filtering time goes on and raises on time', async () => {
    const trigger = alarmTrigger({ onDelayMs: 10_000 });
    const run = await running(trigger);
    await happen(run, { id: 'first' });
    await run.clock.advance(4_000);
    const next = await restarted(run, 3_000, [trigger]);
    await next.clock.advance(2_999);
    expect(next.delivered).toEqual([]);
    await next.clock.advance(1);
    expect(next.alarms.live()).toMatchObject([{ raisedAt: noon + 10_000, event: { id: 'first' } }]);
    expect(next.record.timers.size).toBe(0);
  });

  it('a filtering time that ended meanwhile raises at once, with its own time', async () => {
    const trigger = alarmTrigger({ onDelayMs: 10_000 });
    const run = await running(trigger);
    await happen(run);
    const next = await restarted(run, 60_000, [trigger]);
    expect(next.alarms.live()).toMatchObject([{ raisedAt: noon + 10_000 }]);
    expect(next.phases()).toEqual(['raise']);
    expect(next.record.timers.size).toBe(0);
  });

  it('an off-delay that ended meanwhile clears at its own time', async () => {
    const trigger = alarmTrigger({ offDelayMs: 5_000 });
    const run = await running(trigger);
    await happen(run);
    await run.clock.advance(2_000);
    await happen(run, { phase: 'stop' });
    const next = await restarted(run, 60_000, [trigger]);
    expect(next.phases()).toEqual(['clear', 'end']);
    expect([...next.record.alarms.values()][0]?.clearedAt).toBe(noon + 7_000);
  });

  it('an off-delay goes on and is cancelled by a start', async () => {
    const trigger = alarmTrigger({ offDelayMs: 5_000 });
    const run = await running(trigger);
    await happen(run);
    await happen(run, { phase: 'stop' });
    const next = await restarted(run, 2_000, [trigger]);
    await happen(next);
    await next.clock.advance(60_000);
    expect(next.alarms.live()).toMatchObject([{ state: 'active', count: 2 }]);
  });

  it('an alarm that nothing has changed costs no write, however many there are', async () => {
    const trigger = alarmTrigger({ quietMs: 3_600_000, antiDitherMs: 60_000 });
    const run = await running(trigger);
    for (const channel of [1, 2, 3]) await happen(run, { channel });
    const rows = new Map(run.record.gateStates);
    const next = await restarted(run, 3_000, [trigger]);
    expect(rows.size).toBeGreaterThan(0);
    // Rows of the record are replaced when they are written.
    for (const [key, row] of next.record.gateStates) expect(row).toBe(rows.get(key));
    expect(next.alarms.live().length).toBe(run.alarms.live().length);
  });

  it('overdue timers are handled in the order of their own times', async () => {
    const trigger = alarmTrigger({ onDelayMs: 10_000, quietMs: 20_000, offDelayMs: 5_000 });
    const run = await running(trigger);
    await happen(run);
    const next = await restarted(run, 3_600_000, [trigger]);
    await next.clock.advance(2_000);
    expect(next.record.decisions.map(({ at, outcome }) => [(at - noon) / 1_000, outcome])).toEqual([
      [0, 'pending'],
      [10, 'raised'],
      [20, 'clearing'],
      [25, 'cleared'],
      [3_601.05, 'ended'],
    ]);
  });

  it('timers wait until the flows have started, because schedules may be missing before', async () => {
    const schedule = {
      id: 'day',
      name: 'Day',
      timeZone: 'UTC',
      week: Object.fromEntries(weekdays.map((day) => [day, [{ from: 0, to: 1_380 }]])) as ArmingSchedule['week'],
    };
    const trigger = alarmTrigger({ onDelayMs: 1_000, scheduleId: 'day' });
    const run = startAlarms(new VirtualClock(noon));
    await run.alarms.defineSchedule(schedule);
    await run.define(trigger);
    await run.alarms.flowsStarted();
    await happen(run);
    run.crash();
    await run.clock.advance(5_000);
    const next = startAlarms(run.clock, run.record);
    await next.define(trigger);
    await next.clock.advance(5_000);
    await next.alarms.defineSchedule(schedule);
    await next.alarms.flowsStarted();
    expect(next.alarms.live()).toMatchObject([{ raisedAt: noon + 1_000 }]);
  });

  it('a timer of a trigger that is gone raises nothing any more', async () => {
    const run = await running(alarmTrigger({ onDelayMs: 1_000 }));
    await happen(run);
    const next = await restarted(run, 5_000, []);
    expect(next.record.alarms.size).toBe(0);
    expect([next.record.gateStates.size, next.record.timers.size]).toEqual([0, 0]);
  });

  it('an alarm whose flow does not start can be reset by hand', async () => {
    const run = await running(alarmTrigger());
    await happen(run);
    run.crash();
    const next = startAlarms(run.clock, run.record);
    const id = next.alarms.live()[0]?.id as string;
    await next.alarms.reset(id, 'anna');
    expect(next.record.alarms.get(id)?.endReason).toBe('reset');
  });

  it('a message that was not settled is sent again with the same ids, and the alarm goes on', async () => {
    const trigger = alarmTrigger();
    const run = await running(trigger);
    await happen(run);
    await run.clock.advance(500);
    const next = await restarted(run, 5_000, [trigger]);
    expect(next.delivered).toEqual(run.delivered);
    await next.clock.advance(2_000);
    expect(next.record.messages.size).toBe(0);
    await happen(next, { phase: 'stop' });
    expect(next.phases()).toEqual(['raise', 'clear', 'end']);
    expect(next.record.alarms.size).toBe(1);
  });

  it('a message that was settled is not sent again', async () => {
    const trigger = alarmTrigger();
    const run = await running(trigger);
    await happen(run);
    await run.clock.advance(1_100);
    const next = await restarted(run, 5_000, [trigger]);
    expect(next.delivered).toEqual([]);
    expect(next.alarms.live()).toHaveLength(1);
  });

  it('a raise that was on disk but not yet delivered is delivered', async () => {
    const trigger = alarmTrigger();
    const run = startAlarms(new VirtualClock(noon));
    await run.define(trigger);
    await happen(run);
    expect(run.delivered).toEqual([]);
    const next = await restarted(run, 1_000, [trigger]);
    expect(next.phases()).toEqual(['raise']);
  });

  it('a cleared alarm ends when its holds are gone, and not before', async () => {
    const trigger = alarmTrigger();
    const run = await running(trigger);
    await happen(run);
    const id = run.alarms.live()[0]?.id as string;
    run.holds.held.add(id);
    await run.clock.advance(2_000);
    await happen(run, { phase: 'stop' });
    await run.clock.advance(2_000);
    const next = await restarted(run, 1_000, [trigger], (fresh) => fresh.holds.held.add(id));
    expect(next.alarms.alarm(id)?.state).toBe('clearing');
    next.holds.held.clear();
    await next.alarms.holdEnded(id);
    expect(next.alarms.live()).toEqual([]);
    expect(next.phases()).toEqual(['end']);
  });

  it('a cleared alarm that nothing holds ends', async () => {
    const trigger = alarmTrigger();
    const run = await running(trigger);
    await happen(run);
    await happen(run, { phase: 'stop' });
    const next = await restarted(run, 1_000, [trigger]);
    await next.clock.advance(2_000);
    expect(next.phases()).toEqual(['raise', 'clear', 'end']);
  });

  it('the anti-dither window still refuses', async () => {
    const trigger = alarmTrigger({ antiDitherMs: 60_000 });
    const run = await running(trigger);
    await happen(run);
    await run.clock.advance(2_000);
    await happen(run, { phase: 'stop' });
    expect(run.alarms.live()).toEqual([]);
    const next = await restarted(run, 10_000, [trigger]);
    await happen(next);
    expect(next.record.decisions.at(-1)).toMatchObject({ reason: 'anti-dither' });
    expect(next.record.decisions.at(-1)?.detail).toContain('48 s left');
  });

  it('the same device event is known as a duplicate', async () => {
    const trigger = alarmTrigger();
    const run = await running(trigger);
    const told = { deviceTime: '12:00:00', deviceAt: noon, repeat: 1 };
    await happen(run, told);
    const next = await restarted(run, 3_000, [trigger]);
    await happen(next, told);
    expect(next.decided().at(-1)).toBe('refused/duplicate');
  });

  it('a disarmed site stays disarmed, and arming raises what was known to hold', async () => {
    const trigger = alarmTrigger();
    const run = await running(trigger);
    await run.alarms.setArmed(false, 'anna');
    await happen(run);
    run.crash();
    const next = startAlarms(run.clock, run.record, false);
    await next.define(trigger);
    await next.alarms.flowsStarted();
    expect(next.delivered).toEqual([]);
    await next.alarms.setArmed(true, 'anna');
    expect(next.phases()).toEqual(['raise']);
  });

  it('an alarm whose gate state is lost is cleared and ends', async () => {
    const trigger = alarmTrigger();
    const run = await running(trigger);
    await happen(run);
    await run.clock.advance(2_000);
    run.record.gateStates.clear();
    const next = await restarted(run, 1_000, [trigger]);
    expect(next.alarms.live()).toEqual([]);
    expect([...next.record.alarms.values()][0]?.endReason).toBe('cleared');
  });

  it('at any moment, nothing is lost or doubled: each alarm raises once and ends', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.record({
            wait: fc.integer({ min: 0, max: 4_000 }),
            what: fc.constantFrom('start' as const, 'stop' as const, 'crash' as const, 'refresh' as const),
            channel: fc.constantFrom(1, 2),
          }),
          { maxLength: 15 },
        ),
        async (script) => {
          const trigger = alarmTrigger({ onDelayMs: 1_000, offDelayMs: 500, antiDitherMs: 3_000 });
          let run = await running(trigger);
          const messages: string[] = [];
          for (const { wait, what, channel } of script) {
            await run.clock.advance(wait);
            if (what === 'crash') {
              messages.push(...run.delivered.map((message) => message.messageId));
              run = await restarted(run, 700, [trigger]);
            } else await happen(run, { phase: what, channel });
          }
          await run.clock.advance(5_000);
          await happen(run, { phase: 'stop', channel: 1 });
          await happen(run, { phase: 'stop', channel: 2 });
          await run.clock.advance(10_000);
          messages.push(...run.delivered.map((message) => message.messageId));
          const alarms = [...run.record.alarms.values()];
          expect(alarms.filter((alarm) => alarm.endedAt === null)).toEqual([]);
          for (const alarm of alarms) {
            expect(messages).toContain(`${alarm.id}:raise`);
            expect(messages).toContain(`${alarm.id}:end`);
          }
          const raised = run.record.decisions.filter((decision) => decision.outcome === 'raised');
          expect(raised.map((decision) => decision.alarmId).sort()).toEqual(alarms.map((alarm) => alarm.id).sort());
          expect(run.record.timers.size).toBe(0);
          expect(run.record.messages.size).toBe(0);
          run.crash();
        },
      ),
      { numRuns: 60 },
    );
  });
});

describe('a deploy', () => {
  const trigger = alarmTrigger({ onDelayMs: 10_000 });

  it('keeps running alarms and timers', async () => {
    const run = await running(trigger);
    await happen(run);
    await run.clock.advance(5_000);
    run.alarms.detach('t1');
    await run.define(trigger);
    await run.alarms.flowsStarted();
    await run.clock.advance(5_000);
    expect(run.phases()).toEqual(['raise']);
  });

  it('holds messages back while the nodes are away', async () => {
    const run = await running(alarmTrigger());
    run.alarms.detach('t1');
    await happen(run);
    await run.define(alarmTrigger());
    expect(run.delivered).toEqual([]);
    await run.alarms.flowsStarted();
    expect(run.phases()).toEqual(['raise']);
  });

  it('repeats a message whose nodes were closed before they surely had it', async () => {
    const run = await running(alarmTrigger());
    await happen(run);
    await run.clock.advance(500);
    run.alarms.detach('t1');
    await run.define(alarmTrigger());
    await run.clock.advance(2_000);
    expect(run.record.messages.size).toBe(1);
    await run.alarms.flowsStarted();
    expect(run.phases()).toEqual(['raise', 'raise']);
    await run.clock.advance(2_000);
    expect(run.record.messages.size).toBe(0);
  });

  it('takes up a changed filtering time', async () => {
    const run = await running(trigger);
    await happen(run);
    run.alarms.detach('t1');
    await run.define(alarmTrigger({ onDelayMs: 3_000 }));
    await run.alarms.flowsStarted();
    await run.clock.advance(3_000);
    expect(run.alarms.live()).toMatchObject([{ raisedAt: noon + 3_000 }]);
  });

  it('ends the alarms of a removed trigger and releases what they hold, on record', async () => {
    const run = await running(alarmTrigger({ latched: true, quietMs: 60_000 }));
    await happen(run);
    const id = run.alarms.live()[0]?.id as string;
    run.alarms.detach('t1');
    await run.alarms.flowsStarted();
    expect(run.holds.calls).toEqual([`ended ${id}`]);
    expect(run.record.alarms.get(id)).toMatchObject({ endReason: 'trigger-removed', endedAt: noon });
    expect(run.decided().at(-1)).toBe('ended/trigger-removed');
    expect([run.record.gateStates.size, run.record.timers.size, run.record.messages.size]).toEqual([0, 0, 0]);
    expect(run.alarms.live()).toEqual([]);
    await happen(run);
    expect(run.decided().at(-1)).toBe('no-trigger/no-trigger');
  });

  it('ends the alarms of a trigger that is gone since the last run', async () => {
    const run = await running(alarmTrigger({ quietMs: 60_000 }));
    await happen(run);
    const next = await restarted(run, 1_000, []);
    expect([...next.record.alarms.values()][0]?.endReason).toBe('trigger-removed');
    expect([next.record.gateStates.size, next.record.timers.size, next.record.messages.size]).toEqual([0, 0, 0]);
  });

  it('ends alarms of conditions that the trigger no longer listens to', async () => {
    const run = await running(alarmTrigger());
    await happen(run);
    run.alarms.detach('t1');
    await run.define(alarmTrigger({}, { filter: { types: ['motion'], deviceIds: ['cam2'] } }));
    await run.alarms.flowsStarted();
    expect([...run.record.alarms.values()][0]?.endReason).toBe('trigger-removed');
  });
});

describe('a commit that fails', () => {
  it('rejects, and leaves memory and disk as they were', async () => {
    const run = await running(alarmTrigger());
    run.record.failures = 1;
    await expect(happen(run)).rejects.toMatchObject({ code: 'E_RECORD_WRITE', family: 'operational' });
    expect(run.alarms.live()).toEqual([]);
    expect(run.delivered).toEqual([]);
    expect(run.announced).toEqual([]);
    await happen(run);
    expect(run.decided()).toEqual(['raised/start']);
    expect(run.phases()).toEqual(['raise']);
  });

  it('puts a running alarm back to what the disk has', async () => {
    const run = await running(alarmTrigger());
    await happen(run);
    await run.clock.advance(2_000);
    run.record.failures = 1;
    await expect(happen(run, { phase: 'stop' })).rejects.toMatchObject({ code: 'E_RECORD_WRITE' });
    expect(run.alarms.live()).toMatchObject([{ state: 'active' }]);
    await happen(run, { phase: 'stop' });
    expect(run.phases()).toEqual(['raise', 'clear', 'end']);
  });

  it('takes back all that arrived together when all of it fails', async () => {
    const run = await running(alarmTrigger());
    run.record.failures = 3;
    const results = await Promise.allSettled([happen(run), happen(run), happen(run)]);
    expect(results.map((result) => result.status)).toEqual(['rejected', 'rejected', 'rejected']);
    expect(run.alarms.live()).toEqual([]);
    await happen(run);
    expect([...run.record.alarms.values()]).toMatchObject([{ count: 1 }]);
  });

  it('writes what was lost when a later commit that builds on it got through', async () => {
    const run = await running(alarmTrigger({ quietMs: 30_000 }));
    run.record.failures = 1;
    const results = await Promise.allSettled([happen(run), happen(run)]);
    expect(results.map((result) => result.status)).toEqual(['rejected', 'fulfilled']);
    await run.clock.advance(0);
    expect([...run.record.alarms.values()]).toMatchObject([{ state: 'active', count: 2 }]);
    expect(run.phases()).toEqual(['raise']);
    expect(run.record.timers.size).toBe(1);
    const next = await restarted(run, 60_000, [alarmTrigger({ quietMs: 30_000 })]);
    await next.clock.advance(2_000);
    expect([...next.record.alarms.values()]).toMatchObject([{ endReason: 'implied-stop', clearedAt: noon + 30_000 }]);
  });

  it('does not lose a timer: it is handled again', async () => {
    const run = await running(alarmTrigger({ onDelayMs: 5_000 }));
    await happen(run);
    run.record.failures = 1;
    await run.clock.advance(5_000);
    expect(run.alarms.live()).toEqual([]);
    await run.clock.advance(1_000);
    expect(run.alarms.live()).toMatchObject([{ raisedAt: noon + 5_000 }]);
  });

  it('of a cancelled timer lets the timer go on, also if it fired meanwhile', async () => {
    const run = await running(alarmTrigger({ onDelayMs: 5_000 }));
    await happen(run);
    await run.clock.advance(4_900);
    let fail = (): void => undefined;
    run.record.hold = () => new Promise((_resolve, reject) => (fail = () => reject(new Error('disk full'))));
    const stopped = happen(run, { phase: 'stop' });
    await run.clock.advance(100);
    run.record.hold = null;
    fail();
    await expect(stopped).rejects.toMatchObject({ code: 'E_RECORD_WRITE' });
    await run.clock.advance(0);
    expect(run.alarms.live()).toMatchObject([{ raisedAt: noon + 5_000 }]);
  });

  it('of disarming leaves the site armed', async () => {
    const run = await running(alarmTrigger());
    await happen(run);
    run.record.failures = 1;
    await expect(run.alarms.setArmed(false, 'anna')).rejects.toMatchObject({ code: 'E_RECORD_WRITE' });
    expect(run.alarms.isArmed()).toBe(true);
    expect(run.alarms.live()).toMatchObject([{ state: 'active' }]);
  });

  it('of a settlement is tried again', async () => {
    const run = await running(alarmTrigger());
    await happen(run);
    run.record.failures = 1;
    await run.clock.advance(1_100);
    expect(run.record.messages.size).toBe(1);
    await run.clock.advance(1_100);
    expect(run.record.messages.size).toBe(0);
  });
});

describe('a node that changes its message', () => {
  it('does not change what is sent again', async () => {
    const run = startAlarms(new VirtualClock(noon));
    const seen: string[] = [];
    await run.alarms.defineTrigger(alarmTrigger(), (message) => {
      seen.push(message.topic);
      message.topic = 'changed';
    });
    await run.alarms.flowsStarted();
    await happen(run);
    await run.alarms.flowsStarted();
    expect(seen).toEqual(['Home/Camera-cam1/1/motion', 'Home/Camera-cam1/1/motion']);
  });
});

describe('a node that throws at its message', () => {
  it('stops neither its alarm nor the others', async () => {
    const run = startAlarms(new VirtualClock(noon));
    await run.alarms.defineTrigger(alarmTrigger({}, { id: 'bad' }), () => {
      throw new Error('broken node');
    });
    await run.define(alarmTrigger());
    await run.alarms.flowsStarted();
    await happen(run);
    expect(run.phases()).toEqual(['raise']);
    await run.clock.advance(2_000);
    await happen(run, { phase: 'stop' });
    expect(run.alarms.live()).toEqual([]);
  });
});
