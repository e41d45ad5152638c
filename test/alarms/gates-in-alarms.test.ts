/** Reminders, shelves, floods, entry delays and late ends as the alarms run them, over restarts too. */
import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../engine/clock/virtual-clock';
import type { AreaDefinition } from '../../engine/domain/arming';
import type { DeviceEvent } from '../../engine/domain/events';
import { LONGEST_SHELF_MS, type ShelfRequest } from '../../engine/domain/shelves';
import { alarmEvent } from '../support/alarm-events';
import { type AlarmRun, alarmTrigger, startAlarms } from '../support/alarm-record';

const noon = 1_780_315_200_000;
const minute = 60_000;

const happen = (run: AlarmRun, fields: Partial<DeviceEvent> = {}): Promise<void> =>
  run.alarms.accept(alarmEvent({ receivedAt: run.clock.now(), ...fields }));

async function running(...triggers: Parameters<AlarmRun['define']>): Promise<AlarmRun> {
  const run = startAlarms(new VirtualClock(noon));
  await run.define(...triggers);
  await run.alarms.flowsStarted();
  return run;
}

async function restarted(
  run: AlarmRun,
  awayMs: number,
  ...triggers: Parameters<AlarmRun['define']>
): Promise<AlarmRun> {
  run.crash();
  await run.clock.advance(awayMs);
  const next = startAlarms(run.clock, run.record);
  await next.define(...triggers);
  await next.alarms.flowsStarted();
  await next.clock.advance(0);
  return next;
}

const last = (run: AlarmRun): string => run.decided().at(-1) ?? '';
const raises = (run: AlarmRun): number => run.phases().filter((phase) => phase === 'raise').length;

/** Shelves on disk. */
const shelved = (run: AlarmRun): number =>
  [...run.record.standing.values()].filter(({ kind }) => kind === 'shelf').length;

describe('reminders', () => {
  const trigger = alarmTrigger({ remind: { everyMs: 10_000, until: 'acknowledged', most: null } });

  it('are messages of their own, numbered, journalled, on disk before they are sent', async () => {
    const run = await running(trigger);
    await happen(run);
    await run.clock.advance(25_000);
    const [raise, first, second] = run.delivered;
    expect(run.phases()).toEqual(['raise', 'remind', 'remind']);
    expect([first?.alarm.reminder, second?.alarm.reminder]).toEqual([1, 2]);
    expect(first).toMatchObject({ payload: true, alarm: { id: raise?.alarm.id, phase: 'remind' } });
    expect(new Set(run.delivered.map(({ messageId }) => messageId)).size).toBe(3);
    expect(run.decided().filter((line) => line === 'reminded/remind')).toHaveLength(2);
    expect(raise?.alarm.reminder).toBeUndefined();
  });

  it('stop at the acknowledgement', async () => {
    const run = await running(trigger);
    await happen(run);
    await run.clock.advance(15_000);
    await run.alarms.acknowledge(run.alarms.live()[0]?.id ?? '', 'anna');
    await run.clock.advance(minute);
    expect(run.phases()).toEqual(['raise', 'remind']);
  });

  it('missed while the process was away are told once, and go on', async () => {
    const run = await running(trigger);
    await happen(run);
    await run.clock.advance(12_000);
    const next = await restarted(run, 10 * minute, trigger);
    expect(next.phases()).toEqual(['remind']);
    expect(next.delivered[0]?.alarm.reminder).toBe(2);
    await next.clock.advance(10_000);
    expect(next.delivered.at(-1)?.alarm.reminder).toBe(3);
  });

  it('missed while the record took nothing are told once', async () => {
    const run = await running(trigger);
    await happen(run);
    await run.clock.advance(9_999);
    run.record.failures = 35;
    await run.clock.advance(36_000);
    expect(run.phases()).toEqual(['raise', 'remind']);
  });

  it('take the interval of a deploy', async () => {
    const run = await running(trigger);
    await happen(run);
    await run.define(alarmTrigger({ remind: { everyMs: 3_000, until: 'acknowledged', most: 2 } }));
    await run.alarms.flowsStarted();
    await run.clock.advance(minute);
    // The deploy sends the raise once more: its nodes were replaced within the second.
    expect(run.delivered.flatMap(({ alarm }) => alarm.reminder ?? [])).toEqual([1, 2]);
  });

  it.each([
    { everyMs: 999, until: 'cleared' as const, most: null },
    { everyMs: 10_000, until: 'cleared' as const, most: 0 },
  ])('of %o are refused', async (remind) => {
    const run = await running();
    await expect(run.define(alarmTrigger({ remind }))).rejects.toMatchObject({ code: 'E_BAD_TRIGGER' });
  });
});

describe('a shelf', () => {
  const trigger = alarmTrigger({ areaId: 'hall' });
  const ask = (fields: Partial<ShelfRequest> = {}): ShelfRequest => ({
    scope: 'trigger',
    id: 't1',
    forMs: 15 * minute,
    reason: 'painters',
    ...fields,
  });

  it.each([
    ['trigger', ask(), ask({ id: 't2' })],
    [
      'condition',
      ask({ scope: 'condition', key: 'device=cam1;channel=1;type=motion' }),
      ask({ scope: 'condition', key: 'x' }),
    ],
    ['device', ask({ scope: 'device', id: 'cam1' }), ask({ scope: 'device', id: 'cam2' })],
    ['area', ask({ scope: 'area', id: 'hall' }), ask({ scope: 'area', id: 'yard' })],
  ])('of a %s holds it back, and nothing else', async (_scope, own, other) => {
    const run = await running(trigger, alarmTrigger({}, { id: 't2', filter: { types: ['face'] } }));
    await run.alarms.shelving.shelve(other, 'anna');
    await happen(run);
    expect(last(run)).toBe('raised/start');
    await happen(run, { phase: 'stop' });
    await run.clock.advance(2_000);
    await run.alarms.shelving.shelve(own, 'anna');
    await happen(run);
    expect(last(run)).toBe('refused/shelved');
    expect(run.record.decisions.at(-1)?.detail).toContain('is shelved by anna for another 15 min (painters)');
  });

  it('ends by itself; what holds then is raised with the event that began it', async () => {
    const run = await running(trigger);
    await run.alarms.shelving.shelve(ask(), 'anna');
    await happen(run, { id: 'first' });
    await run.clock.advance(15 * minute - 1);
    expect(run.alarms.live()).toEqual([]);
    await run.clock.advance(1);
    expect(run.alarms.live()).toMatchObject([{ raisedAt: noon + 15 * minute, event: { id: 'first' } }]);
    expect(run.alarms.shelving.list()).toEqual([]);
    expect(shelved(run)).toBe(0);
    expect(run.record.timers.size).toBe(0);
    expect(run.record.audit.map(({ who, action }) => `${who} ${action}`)).toEqual([
      'anna alarm.shelve',
      'alarmflow alarm.unshelve',
    ]);
  });

  it('goes on over a restart, and ends while the process is away', async () => {
    const run = await running(trigger);
    await run.alarms.shelving.shelve(ask(), 'anna');
    await happen(run);
    const next = await restarted(run, 5 * minute, trigger);
    expect(next.alarms.shelving.list()).toMatchObject([{ by: 'anna', until: noon + 15 * minute, reason: 'painters' }]);
    await happen(next, { phase: 'refresh' });
    expect(last(next)).toBe('refused/shelved');
    const later = await restarted(next, 20 * minute, trigger);
    expect(later.phases()).toEqual(['raise']);
    expect(later.alarms.shelving.list()).toEqual([]);
    expect(shelved(later)).toBe(0);
  });

  it('is taken off by hand', async () => {
    const run = await running(trigger);
    const shelf = await run.alarms.shelving.shelve(ask(), 'anna');
    await happen(run);
    await run.alarms.shelving.unshelve(shelf.id, 'ben');
    expect(run.phases()).toEqual(['raise']);
    expect(run.record.audit.at(-1)).toMatchObject({ who: 'ben', action: 'alarm.unshelve', detail: 'by hand' });
    await expect(run.alarms.shelving.unshelve(shelf.id, 'ben')).rejects.toMatchObject({ code: 'E_UNKNOWN_SHELF' });
  });

  it('once more takes the new time and stays one', async () => {
    const run = await running(trigger);
    const first = await run.alarms.shelving.shelve(ask(), 'anna');
    const second = await run.alarms.shelving.shelve(ask({ forMs: minute }), 'ben');
    expect(second.id).toBe(first.id);
    await run.clock.advance(minute);
    expect(run.alarms.shelving.list()).toEqual([]);
    await run.clock.advance(20 * minute);
    expect(run.record.timers.size).toBe(0);
  });

  it('lets a running alarm run, and makes its reminders silent', async () => {
    const run = await running(alarmTrigger({ remind: { everyMs: 10_000, until: 'cleared', most: null } }));
    await happen(run);
    await run.alarms.shelving.shelve(ask({ forMs: minute }), 'anna');
    await run.clock.advance(minute - 1);
    expect(run.alarms.live()).toMatchObject([{ state: 'active' }]);
    expect(run.phases()).toEqual(['raise']);
    await run.clock.advance(20_000);
    expect(run.phases().slice(1)).toEqual(['remind', 'remind']);
  });

  it('for one time ends when the running condition has ended', async () => {
    const run = await running(trigger);
    await happen(run);
    await run.alarms.shelving.shelve(ask({ forMs: null }), 'anna');
    expect(run.alarms.shelving.list()).toMatchObject([{ oneShot: true, until: noon + LONGEST_SHELF_MS }]);
    await happen(run, { phase: 'stop' });
    expect(run.alarms.shelving.list()).toEqual([]);
    await run.clock.advance(2_000);
    await happen(run);
    expect(raises(run)).toBe(2);
    expect(run.record.timers.size).toBe(0);
  });

  it('for one time holds the next condition back until it has ended, also over a restart', async () => {
    const run = await running(trigger);
    await run.alarms.shelving.shelve(ask({ forMs: null }), 'anna');
    await happen(run);
    const next = await restarted(run, minute, trigger);
    expect(next.alarms.shelving.list()).toHaveLength(1);
    await happen(next, { phase: 'stop' });
    expect(next.alarms.shelving.list()).toEqual([]);
    await happen(next);
    expect(next.phases()).toEqual(['raise']);
  });

  it('for one time ends with a single event that fell silent', async () => {
    const run = await running(trigger);
    await run.alarms.shelving.shelve(ask({ forMs: null }), 'anna');
    await happen(run, { phase: 'pulse', quietMs: 5_000 });
    await run.clock.advance(4_000);
    await happen(run, { phase: 'pulse', quietMs: 5_000 });
    await run.clock.advance(4_999);
    expect(run.alarms.shelving.list()).toHaveLength(1);
    await run.clock.advance(1);
    expect(run.alarms.shelving.list()).toEqual([]);
    expect(raises(run)).toBe(0);
  });

  it('of a device for one time waits until all of it is quiet', async () => {
    const run = await running(trigger);
    await run.alarms.shelving.shelve(ask({ scope: 'device', id: 'cam1', forMs: null }), 'anna');
    await happen(run, { channel: 1 });
    await happen(run, { channel: 2 });
    await happen(run, { channel: 1, phase: 'stop' });
    expect(run.alarms.shelving.list()).toHaveLength(1);
    await happen(run, { channel: 2, phase: 'stop' });
    expect(run.alarms.shelving.list()).toEqual([]);
  });

  it("of a condition is named by all that tells it from the trigger's others", async () => {
    const run = await running(alarmTrigger({ keyParts: ['device', 'channel', 'type', 'rule'] }));
    await happen(run, { channel: 2, rule: 'a=b' });
    const [condition] = [...run.alarms.live()];
    const { name } = await run.alarms.shelving.shelve(ask({ scope: 'condition', key: condition!.key }), 'anna');
    expect(name).toMatch(/ \(Camera cam1, channel 2, rule a=b\)$/);
  });

  it.each([
    ['no time', ask({ forMs: 0 }), 'E_BAD_SHELF'],
    ['more than 30 days', ask({ forMs: LONGEST_SHELF_MS + 1 }), 'E_BAD_SHELF'],
    ['a condition without its key', ask({ scope: 'condition' }), 'E_BAD_SHELF'],
    ['a trigger that is not there', ask({ id: 'gone' }), 'E_UNKNOWN_TRIGGER'],
  ])('is refused for %s', async (_what, request, code) => {
    const run = await running(trigger);
    await expect(run.alarms.shelving.shelve(request, 'anna')).rejects.toMatchObject({ code });
    expect(shelved(run)).toBe(0);
  });

  it('that does not reach the disk does not stand', async () => {
    const run = await running(trigger);
    run.record.failures = 1;
    await expect(run.alarms.shelving.shelve(ask(), 'anna')).rejects.toMatchObject({ code: 'E_RECORD_WRITE' });
    expect(run.alarms.shelving.list()).toEqual([]);
    await happen(run);
    expect(last(run)).toBe('raised/start');
  });

  it('tells whoever watches what is shelved', async () => {
    const run = await running(trigger);
    await run.alarms.shelving.shelve(ask(), 'anna');
    expect(run.announced.findLast(({ kind }) => kind === 'shelves')).toMatchObject({
      data: { shelves: [{ by: 'anna' }] },
    });
  });
});

const hall: AreaDefinition = {
  id: 'hall',
  name: 'Hall',
  covers: 'area',
  scheduleId: null,
  exitDelayMs: 0,
  entryDelayMs: 30_000,
  atDisarm: 'end',
  unattended: 'force',
  inputs: [],
  flood: { raises: 3, withinMs: 10 * minute },
};

describe('a flood', () => {
  const trigger = alarmTrigger({ areaId: 'hall' });
  const flooding = async (...triggers: Parameters<AlarmRun['define']>): Promise<AlarmRun> => {
    const run = startAlarms(new VirtualClock(noon));
    await run.alarms.defineArea(hall);
    await run.define(...triggers);
    await run.alarms.flowsStarted();
    return run;
  };
  const channels = async (
    run: AlarmRun,
    from: number,
    to: number,
    fields: Partial<DeviceEvent> = {},
  ): Promise<void> => {
    for (let channel = from; channel <= to; channel++) {
      await happen(run, { channel, ...fields });
      await run.clock.advance(1_000);
    }
  };
  const marks = (run: AlarmRun): (boolean | null)[] =>
    run.delivered.filter(({ alarm }) => alarm.phase === 'raise').map(({ alarm }) => alarm.flood?.grouped ?? null);

  it('raises, keeps and tells every alarm, and marks those whose notices are grouped', async () => {
    const run = await flooding(trigger);
    await channels(run, 1, 6);
    expect(run.alarms.live()).toHaveLength(6);
    expect(run.record.alarms.size).toBe(6);
    expect(marks(run)).toEqual([null, null, null, false, true, true]);
    expect(run.delivered[3]?.alarm.flood).toEqual({ area: 'Hall', raises: 4, firstOut: false, grouped: false });
    const details = run.record.decisions.filter(({ outcome }) => outcome === 'raised').map(({ detail }) => detail);
    expect(details[3]).toBe(
      'the condition began; a flood begins in Hall (more than 3 raises within 10 min): notices are grouped from now on',
    );
    expect(details[5]).toBe(
      'the condition began; flood in Hall, raise 6 of it: shown and kept, its notices are grouped',
    );
  });

  it('marks the earliest alarm that still runs as first-out, on its record', async () => {
    const run = await flooding(trigger);
    await channels(run, 1, 1);
    await happen(run, { channel: 1, phase: 'stop' });
    await run.clock.advance(2_000);
    await channels(run, 2, 5);
    const firstOut = [...run.record.alarms.values()].filter((alarm) => alarm.flood?.firstOut);
    expect(firstOut.map(({ channel }) => channel)).toEqual([2]);
  });

  it('tells one notice a minute for the grouped ones, about the first of them', async () => {
    const run = await flooding(trigger);
    await channels(run, 1, 6);
    await run.clock.advance(minute);
    const notice = run.delivered.find(({ alarm }) => alarm.floodNotice !== undefined);
    expect(notice).toMatchObject({
      payload: true,
      alarm: { channel: 5, phase: 'raise', flood: { area: 'Hall', raises: 2, firstOut: false, grouped: false } },
    });
    expect(new Set(run.delivered.map(({ messageId }) => messageId)).size).toBe(run.delivered.length);
    expect(last(run)).toBe('reminded/flood');
    await run.clock.advance(5 * minute);
    expect(run.delivered.filter(({ alarm }) => alarm.floodNotice !== undefined)).toHaveLength(1);
  });

  it('sums up at its end, with a message that switches nothing on', async () => {
    const run = await flooding(trigger);
    await channels(run, 1, 6);
    await channels(run, 1, 6, { phase: 'stop' });
    await run.clock.advance(20 * minute);
    const notices = run.delivered.filter(({ alarm }) => alarm.floodNotice !== undefined);
    expect(notices.map(({ payload, alarm }) => [payload, alarm.flood?.raises])).toEqual([
      [false, 2],
      [false, 6],
    ]);
    expect(run.record.timers.size).toBe(0);
    await channels(run, 7, 7);
    expect(run.delivered.at(-1)?.alarm.flood).toBeUndefined();
  });

  it('never groups life-safety types and exempt triggers, nor counts them', async () => {
    const fire = alarmTrigger({ areaId: 'hall' }, { id: 'fire', filter: { types: ['fire'] } });
    const exempt = alarmTrigger({ areaId: 'hall', flood: 'exempt' }, { id: 'face', filter: { types: ['face'] } });
    const run = await flooding(trigger, fire, exempt);
    await channels(run, 1, 4, { type: 'fire' });
    await channels(run, 1, 4, { type: 'face' });
    expect(marks(run)).toEqual(Array.from({ length: 8 }, () => null));
    await channels(run, 1, 5);
    await channels(run, 5, 5, { type: 'fire' });
    await channels(run, 5, 5, { type: 'face' });
    expect(marks(run).slice(8)).toEqual([null, null, null, false, true, null, null]);
  });

  it('never groups a pre-alarm of a life-safety type', async () => {
    const hot = alarmTrigger({ areaId: 'hall' }, { id: 'hot', filter: { types: ['temperature-prealarm'] } });
    const run = await flooding(hot);
    await channels(run, 1, 6, { type: 'temperature-prealarm', level: 'pre-alarm' });
    expect(marks(run).every((mark) => mark === null)).toBe(true);
  });

  it('is counted by area, and by the site for triggers without one', async () => {
    const elsewhere = alarmTrigger({}, { id: 'yard', filter: { types: ['face'] } });
    const run = await flooding(trigger, elsewhere);
    await channels(run, 1, 3);
    await channels(run, 1, 10, { type: 'face' });
    expect(marks(run).every((mark) => mark === null)).toBe(true);
    await channels(run, 11, 12, { type: 'face' });
    expect(run.delivered.at(-1)?.alarm.flood).toEqual({ area: 'Home', raises: 12, firstOut: false, grouped: true });
  });

  it('never begins where the area says never', async () => {
    const run = await flooding(trigger);
    await run.alarms.defineArea({ ...hall, flood: null });
    await channels(run, 1, 20);
    expect(marks(run).every((mark) => mark === null)).toBe(true);
  });

  it('goes on over a restart, with its notice', async () => {
    const run = await flooding(trigger);
    await channels(run, 1, 5);
    run.crash();
    await run.clock.advance(10_000);
    const next = startAlarms(run.clock, run.record);
    await next.alarms.defineArea(hall);
    await next.define(trigger);
    await next.alarms.flowsStarted();
    await channels(next, 6, 6);
    expect(next.delivered.at(-1)?.alarm.flood).toMatchObject({ raises: 6, grouped: true });
    await next.clock.advance(minute);
    const notice = next.delivered.find(({ alarm }) => alarm.floodNotice !== undefined);
    expect(notice).toMatchObject({ alarm: { channel: 5, flood: { raises: 2 } } });
  });

  it('counts raises before a restart', async () => {
    const run = await flooding(trigger);
    await channels(run, 1, 3);
    // Long enough for every message to be settled: none is sent again.
    await run.clock.advance(2_000);
    run.crash();
    const next = startAlarms(run.clock, run.record);
    await next.alarms.defineArea(hall);
    await next.define(trigger);
    await next.alarms.flowsStarted();
    await channels(next, 4, 5);
    expect(marks(next)).toEqual([false, true]);
  });

  it('does not count a raise that never reached the disk', async () => {
    const run = await flooding(trigger);
    run.record.failures = 1;
    await expect(happen(run)).rejects.toMatchObject({ code: 'E_RECORD_WRITE' });
    await channels(run, 1, 3);
    expect(marks(run)).toEqual([null, null, null]);
  });

  it('lets reminders of grouped alarms speak when it is over', async () => {
    const remind = { everyMs: 7 * minute, until: 'cleared' as const, most: null };
    const run = await flooding(alarmTrigger({ areaId: 'hall', remind }));
    await channels(run, 1, 6);
    await run.clock.advance(20 * minute);
    const sixth = run.delivered.filter(({ alarm }) => alarm.channel === 6 && alarm.phase === 'remind');
    expect(sixth.map(({ alarm }) => alarm.flood?.grouped)).toEqual([true, false]);
  });
});

describe('an entry delay', () => {
  const door = alarmTrigger({ areaId: 'hall', entry: 'starts' });
  const inside = alarmTrigger({ areaId: 'hall', entry: 'follows' }, { id: 'inside', filter: { types: ['pir'] } });
  const home = async (): Promise<AlarmRun> => {
    const run = startAlarms(new VirtualClock(noon));
    await run.alarms.defineArea(hall);
    await run.define(door, inside);
    await run.alarms.flowsStarted();
    await run.alarms.orderArming({
      subject: { scope: 'area', id: 'hall' },
      armed: true,
      how: 'force',
      source: 'user',
      who: 'anna',
      forMs: null,
    });
    return run;
  };

  it('holds the door back, and what follows it, to one end', async () => {
    const run = await home();
    await happen(run, { id: 'opens' });
    await run.clock.advance(5_000);
    await happen(run, { phase: 'stop' });
    await happen(run, { type: 'pir' });
    await run.clock.advance(24_999);
    expect(run.alarms.live()).toEqual([]);
    await run.clock.advance(1);
    expect(run.delivered.filter(({ alarm }) => alarm.phase === 'raise').map(({ alarm }) => alarm.triggerId)).toEqual([
      't1',
      'inside',
    ]);
    expect(run.delivered[0]?.alarm).toMatchObject({ raisedAt: noon + 30_000, event: { id: 'opens' } });
  });

  it('ends without an alarm when the area is disarmed within it', async () => {
    const run = await home();
    await happen(run);
    await run.clock.advance(20_000);
    await run.alarms.orderArming({
      subject: { scope: 'area', id: 'hall' },
      armed: false,
      how: 'force',
      source: 'user',
      who: 'anna',
      forMs: null,
    });
    await run.clock.advance(minute);
    expect(run.delivered).toEqual([]);
    expect(run.record.decisions.at(-1)).toMatchObject({ outcome: 'refused', reason: 'disarmed' });
    expect(run.record.decisions.at(-1)?.detail).toContain('disarmed within the entry delay');
  });

  it('goes on over a restart', async () => {
    const run = await home();
    await happen(run, { id: 'opens' });
    await happen(run, { phase: 'stop' });
    run.crash();
    await run.clock.advance(minute);
    const next = startAlarms(run.clock, run.record);
    await next.alarms.defineArea(hall);
    await next.define(door, inside);
    await next.alarms.flowsStarted();
    await next.clock.advance(2_000);
    expect(next.phases()).toEqual(['raise', 'clear', 'end']);
    expect(next.delivered[0]?.alarm).toMatchObject({ raisedAt: noon + 30_000, event: { id: 'opens' } });
  });
});

describe('a start just after the clear', () => {
  it('is filtered where nothing is held, and makes an alarm with its own event', async () => {
    const run = await running(alarmTrigger({ onDelayMs: 5_000 }));
    await happen(run);
    await run.clock.advance(5_000);
    await happen(run, { phase: 'stop' });
    await run.clock.advance(500);
    await happen(run, { id: 'second' });
    expect(last(run)).toBe('pending/on-delay');
    await run.clock.advance(4_999);
    expect(run.phases()).toEqual(['raise', 'clear', 'end']);
    await run.clock.advance(1);
    expect(run.alarms.live()).toMatchObject([{ raisedAt: noon + 10_500, event: { id: 'second' } }]);
  });

  it('falls into the alarm at once where its output is held', async () => {
    const run = await running(alarmTrigger({ onDelayMs: 5_000 }));
    await happen(run);
    await run.clock.advance(5_000);
    run.holds.held.add(run.alarms.live()[0]?.id ?? '');
    await happen(run, { phase: 'stop' });
    await happen(run);
    expect(last(run)).toBe('merged/start');
  });

  it('goes on being filtered over a restart', async () => {
    const trigger = alarmTrigger({ onDelayMs: 5_000 });
    const run = await running(trigger);
    await happen(run);
    await run.clock.advance(5_000);
    await happen(run, { phase: 'stop' });
    await happen(run, { id: 'second' });
    const next = await restarted(run, 2_000, trigger);
    await next.clock.advance(10_000);
    expect(next.alarms.live()).toMatchObject([{ state: 'active', raisedAt: noon + 10_000, event: { id: 'second' } }]);
  });
});

describe('a late stop', () => {
  it('ends the alarm, unless the device dates it before the start', async () => {
    const run = await running(alarmTrigger());
    await happen(run, { deviceAt: noon - 3_600_000 });
    await happen(run, { phase: 'stop', late: true, deviceAt: noon - 3_700_000 });
    expect(last(run)).toBe('refused/late');
    await happen(run, { phase: 'stop', late: true, deviceAt: noon - 3_500_000 });
    expect(last(run)).toBe('cleared/stop');
  });
});

describe('one alarm per object', () => {
  it('is raised once per object until it disappears', async () => {
    const run = await running(alarmTrigger({ keyParts: ['device', 'channel', 'input', 'type', 'object'] }));
    await happen(run, { objectId: '7' });
    await happen(run, { objectId: '7' });
    await happen(run, { objectId: '8' });
    expect(raises(run)).toBe(2);
    await happen(run, { objectId: '7', phase: 'stop' });
    expect(
      run.alarms
        .live()
        .map(({ state }) => state)
        .sort(),
    ).toEqual(['active', 'clearing']);
    await happen(run, { phase: 'stop' });
    await run.clock.advance(2_000);
    expect(run.alarms.live()).toEqual([]);
  });
});

it('a wall clock that was set back while the process was away stretches no delay', async () => {
  const trigger = alarmTrigger({ onDelayMs: 10_000 });
  const run = await running(trigger);
  await happen(run);
  run.crash();
  const earlier = new VirtualClock(noon - 3_600_000);
  const next = startAlarms(earlier, run.record);
  await next.define(trigger);
  await next.alarms.flowsStarted();
  await earlier.advance(10_000);
  expect(next.alarms.live()).toMatchObject([{ raisedAt: noon - 3_600_000 + 10_000 }]);
});
