/** Shelves, floods and reminders on real timers, while the wall clock is set. */
import { describe, expect, it } from 'vitest';
import { type Alarms, createAlarms } from '../../engine/alarms';
import { VirtualClock } from '../../engine/clock/virtual-clock';
import type { AlarmMessage } from '../../engine/domain/alarms';
import { silentLog } from '../../engine/domain/log';
import type { AlarmPolicy } from '../../engine/domain/triggers';
import { createTimers } from '../../engine/executor';
import { alarmEvent } from '../support/alarm-events';
import { alarmTrigger, handHolds, memoryRecord, startAlarms } from '../support/alarm-record';

const noon = 1_780_315_200_000;
const hour = 3_600_000;

async function running(policy: Partial<AlarmPolicy>) {
  const clock = new VirtualClock(noon);
  const timers = createTimers({ clock, log: silentLog });
  const delivered: { after: number; message: AlarmMessage }[] = [];
  const alarms: Alarms = createAlarms({
    writer: memoryRecord(),
    clock,
    log: silentLog,
    timers,
    holds: handHolds(),
    siteName: 'Home',
    announce() {},
    deviceName: (id) => id,
  });
  await alarms.defineTrigger(alarmTrigger(policy), (message) => {
    delivered.push({ after: clock.monotonic() / 1_000, message });
  });
  await alarms.flowsStarted();
  const start = (channel = 1): Promise<void> => alarms.accept(alarmEvent({ channel, receivedAt: clock.now() }));
  return { alarms, clock, timers, delivered, start };
}

/** Nothing here is to come at another time than without a jump. */
describe.each([
  ['back by an hour', -hour],
  ['forward by an hour', hour],
])('a wall clock set %s', (_how, by) => {
  it('leaves a shelf its time', async () => {
    const { alarms, clock, delivered, start, timers } = await running({});
    await alarms.shelving.shelve({ scope: 'trigger', id: 't1', forMs: 60_000, reason: '' }, 'anna');
    await start();
    await clock.advance(20_000);
    clock.jump(by);
    await clock.advance(39_000);
    expect(delivered).toEqual([]);
    expect(alarms.shelving.list()).toHaveLength(1);
    await clock.advance(2_000);
    expect(delivered.map(({ after, message }) => `${after} ${message.alarm.phase}`)).toEqual(['60 raise']);
    expect(alarms.shelving.list()).toEqual([]);
    timers.close();
  });

  it('leaves reminders their rhythm', async () => {
    const { clock, delivered, start, timers } = await running({
      remind: { everyMs: 10_000, until: 'cleared', most: null },
    });
    await start();
    await clock.advance(15_000);
    clock.jump(by);
    await clock.advance(20_000);
    expect(delivered.map(({ after, message }) => `${after} ${message.alarm.phase}`)).toEqual([
      '0 raise',
      '10 remind',
      '20 remind',
      '30 remind',
    ]);
    timers.close();
  });

  it('leaves a flood its notices and its end', async () => {
    const { clock, delivered, start, timers } = await running({});
    for (let channel = 1; channel <= 13; channel++) await start(channel);
    await clock.advance(30_000);
    clock.jump(by);
    await clock.advance(900_000);
    const notices = delivered.filter(({ message }) => message.alarm.floodNotice !== undefined);
    expect(notices.map(({ after, message }) => `${after} ${message.alarm.flood?.raises}`)).toEqual(['60 2', '600 13']);
    timers.close();
  });
});

it('tells two alarms apart that one event raises in the same millisecond of a clock that was set back', async () => {
  const { alarms, clock, delivered, start, timers } = await running({});
  await start();
  await clock.advance(1_000);
  await alarms.setArmed(false, 'anna');
  clock.jump(-1_000);
  await alarms.setArmed(true, 'anna');
  const raises = delivered.filter(({ message }) => message.alarm.phase === 'raise').map(({ message }) => message.alarm);
  expect(raises.map(({ raisedAt, event }) => [raisedAt, event.id])).toEqual([
    [noon, raises[0]?.event.id],
    [noon, raises[0]?.event.id],
  ]);
  expect(raises[1]?.id).not.toBe(raises[0]?.id);
  timers.close();
});

it('lets a shelf and a timed order last no longer because the clock was set back while the process was away', async () => {
  const first = startAlarms(new VirtualClock(noon));
  await first.define(alarmTrigger());
  await first.alarms.flowsStarted();
  await first.alarms.shelving.shelve({ scope: 'trigger', id: 't1', forMs: hour, reason: '' }, 'anna');
  const site = { scope: 'site', id: 'site' } as const;
  const order = { subject: site, armed: false, how: 'normal', source: 'user', who: 'anna', forMs: hour } as const;
  await first.alarms.orderArming(order);
  await first.clock.advance(hour / 2);
  await first.alarms.accept(alarmEvent({ receivedAt: first.clock.now() }));
  await first.alarms.shelving.shelve({ scope: 'device', id: 'elsewhere', forMs: hour, reason: '' }, 'anna');
  first.crash();
  first.clock.jump(-8 * hour);
  const next = startAlarms(first.clock, first.record);
  await next.define(alarmTrigger());
  await next.alarms.flowsStarted();
  const left = next.alarms.shelving.list().map(({ scope, until }) => [scope, until - next.clock.now()]);
  expect(Object.fromEntries(left)).toEqual({ trigger: hour / 2, device: hour });
  await next.clock.advance(hour / 2 - 1);
  expect(next.alarms.isArmed()).toBe(false);
  await next.clock.advance(2);
  expect(next.alarms.isArmed()).toBe(true);
  expect(next.alarms.shelving.list()).toHaveLength(1);
});
