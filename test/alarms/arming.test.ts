import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../engine/clock/virtual-clock';
import type { AreaDefinition, ArmingChange, ArmingOrder, ArmingSubject } from '../../engine/domain/arming';
import type { DeviceEvent } from '../../engine/domain/events';
import { type ArmingSchedule, weekdays } from '../../engine/domain/schedules';
import type { TriggerDefinition } from '../../engine/domain/triggers';
import { alarmEvent } from '../support/alarm-events';
import { type AlarmRun, alarmTrigger, type MemoryRecord, memoryRecord, startAlarms } from '../support/alarm-record';
import { hallArea } from '../support/areas';

/** Monday 2026-06-01 12:00 UTC. */
const noon = 1_780_315_200_000;
const hall: ArmingSubject = { scope: 'area', id: 'hall' };
const site: ArmingSubject = { scope: 'site', id: 'site' };

interface Site {
  areas?: AreaDefinition[];
  triggers?: TriggerDefinition[];
  schedules?: ArmingSchedule[];
}

const inHall = alarmTrigger({ areaId: 'hall' });

async function start(clock: VirtualClock, record: MemoryRecord, setup: Site = {}, armed = true): Promise<AlarmRun> {
  const run = startAlarms(clock, record, armed);
  for (const schedule of setup.schedules ?? []) await run.alarms.defineSchedule(schedule);
  for (const area of setup.areas ?? [hallArea()]) await run.alarms.defineArea(area);
  await run.define(...(setup.triggers ?? [inHall]));
  await run.alarms.flowsStarted();
  return run;
}

const begin = (setup: Site = {}): Promise<AlarmRun> => start(new VirtualClock(noon), memoryRecord(), setup);

/** The process dies and another one takes the record up. */
async function restart(run: AlarmRun, setup: Site = {}): Promise<AlarmRun> {
  run.crash();
  return start(run.clock, run.record, setup);
}

const order = (
  run: AlarmRun,
  subject: ArmingSubject,
  armed: boolean | 'toggle',
  fields: Partial<ArmingOrder> = {},
): Promise<void> =>
  run.alarms.orderArming({ subject, armed, how: 'normal', source: 'user', who: 'anna', forMs: null, ...fields });

const happen = (run: AlarmRun, fields: Partial<DeviceEvent> = {}): Promise<void> =>
  run.alarms.accept(alarmEvent({ receivedAt: run.clock.now(), ...fields }));

const row = (run: AlarmRun, subject: ArmingSubject) =>
  run.alarms.armingRows([]).find((one) => one.subject.scope === subject.scope && one.subject.id === subject.id);
const phase = (run: AlarmRun, subject: ArmingSubject = hall) => row(run, subject)?.phase;
const audits = (run: AlarmRun) =>
  run.record.audit.map(({ who, action, subject, detail }) => `${who} ${action} ${subject}: ${detail}`);

const nights: ArmingSchedule = {
  id: 'nights',
  name: 'Nights',
  timeZone: 'UTC',
  week: Object.fromEntries(weekdays.map((day) => [day, [{ from: 1_080, to: 360 }]])) as ArmingSchedule['week'],
};

describe('an order', () => {
  it('reaches the disk in one write with what follows from it', async () => {
    const run = await begin();
    await happen(run);
    const before = run.record.commits;
    await order(run, hall, false);
    expect(run.record.commits).toBe(before + 1);
    expect(run.record.standing.get('arming:area:hall')?.doc).toMatchObject({ phase: 'disarmed' });
    expect([...run.record.alarms.values()]).toMatchObject([{ endReason: 'disarmed' }]);
    expect(audits(run)).toEqual(['anna area.disarm Hall: disarmed']);
    expect(run.phases()).toEqual(['raise', 'end']);
  });

  it('that cannot be written changes nothing, and is told nobody', async () => {
    const run = await begin({ areas: [hallArea({ exitDelayMs: 30_000 })] });
    await happen(run);
    const told: ArmingChange[] = [];
    run.alarms.onArming((change) => told.push(change));
    run.record.failures = 1;
    await expect(order(run, hall, false)).rejects.toMatchObject({ code: 'E_RECORD_WRITE' });
    expect(phase(run)).toBe('armed');
    expect(run.alarms.live()).toHaveLength(1);
    await order(run, hall, false);
    run.record.failures = 1;
    await expect(order(run, hall, true, { how: 'force' })).rejects.toMatchObject({ code: 'E_RECORD_WRITE' });
    expect(phase(run)).toBe('disarmed');
    expect(run.timers.set.size).toBe(0);
    expect(told.map((change) => change.phase)).toEqual(['disarmed']);
  });

  it.each<[string, ArmingSubject, string]>([
    ['site', site, 'site.disarm Home'],
    ['area', hall, 'area.disarm Hall'],
    ['device', { scope: 'device', id: 'cam1' }, 'device.disarm Camera cam1'],
    ['channel', { scope: 'channel', id: 'cam1/1' }, 'channel.disarm Camera cam1 channel 1'],
    ['trigger', { scope: 'trigger', id: 't1' }, 'trigger.disarm Hall motion'],
  ])('to a %s holds back what it covers, ends what runs there, and says why', async (scope, subject, audit) => {
    const run = await begin();
    await happen(run);
    await order(run, subject, false);
    expect(run.alarms.live()).toEqual([]);
    await happen(run, { phase: 'stop' });
    await happen(run);
    expect(run.record.decisions.at(-1)).toMatchObject({ outcome: 'refused', reason: 'disarmed' });
    expect(run.record.decisions.at(-1)?.detail).toContain('is disarmed by anna');
    expect(run.record.decisions.at(-1)?.detail).toContain(scope === 'site' ? 'the site' : `${scope} "`);
    expect(audits(run)[0]).toContain(audit);
    await order(run, subject, true, { how: 'force' });
    expect(run.alarms.live()).toHaveLength(1);
  });

  it.each<[string, ArmingSubject]>([
    ['device', { scope: 'device', id: 'cam2' }],
    ['channel', { scope: 'channel', id: 'cam1/2' }],
    ['trigger', { scope: 'trigger', id: 't2' }],
    ['area', { scope: 'area', id: 'yard' }],
  ])('to another %s leaves it alone', async (_scope, subject) => {
    const yard = hallArea({ id: 'yard', name: 'Yard' });
    const run = await begin({
      areas: [hallArea(), yard],
      triggers: [inHall, alarmTrigger({}, { id: 't2', filter: { types: ['face'] } })],
    });
    await happen(run);
    await order(run, subject, false);
    expect(run.alarms.live()).toHaveLength(1);
  });

  it('to toggle disarms what is armed or about to be, and arms what is not', async () => {
    const run = await begin({ areas: [hallArea({ exitDelayMs: 30_000 })] });
    await order(run, hall, 'toggle');
    expect(phase(run)).toBe('disarmed');
    await order(run, hall, 'toggle');
    expect(phase(run)).toBe('exit-delay');
    await order(run, hall, 'toggle');
    expect(phase(run)).toBe('disarmed');
  });

  it.each<[string, ArmingSubject, Partial<ArmingOrder>, string]>([
    ['an area that is not there', { scope: 'area', id: 'gone' }, {}, 'E_UNKNOWN_SUBJECT'],
    ['a trigger that is not there', { scope: 'trigger', id: 'gone' }, {}, 'E_UNKNOWN_SUBJECT'],
    ['another site', { scope: 'site', id: 'x' }, {}, 'E_BAD_ORDER'],
    ['a channel without a number', { scope: 'channel', id: 'cam1' }, {}, 'E_BAD_ORDER'],
    ['a scope of no kind', { scope: '__proto__' as 'site', id: 'x' }, {}, 'E_BAD_ORDER'],
    ['an unknown way', hall, { how: 'soft' as 'force' }, 'E_BAD_ORDER'],
    ['no time at all', hall, { forMs: 0 }, 'E_BAD_ORDER'],
    ['more than a year', hall, { forMs: 367 * 86_400_000 }, 'E_BAD_ORDER'],
    ['a time that is none', hall, { forMs: Number.NaN }, 'E_BAD_ORDER'],
  ])('to %s is refused', async (_what, subject, fields, code) => {
    const run = await begin();
    await expect(order(run, subject, false, fields)).rejects.toMatchObject({ code, family: 'user' });
    expect(run.record.audit).toEqual([]);
  });

  it('is refused while something is open, with its name and the remedy', async () => {
    const run = await begin();
    await order(run, hall, false);
    await happen(run);
    await expect(order(run, hall, true)).rejects.toThrow(
      'Area "Hall" cannot be armed while something is open: Hall motion (Camera cam1). Close it, or arm with "force"',
    );
    expect(row(run, hall)?.open).toMatchObject([{ triggerId: 't1', triggerName: 'Hall motion', since: noon }]);
  });

  it('names several open conditions of one trigger once, with their number', async () => {
    const run = await begin();
    await order(run, hall, false);
    for (const channel of [1, 2, 3]) await happen(run, { channel });
    await expect(order(run, hall, true)).rejects.toThrow('something is open: Hall motion (Camera cam1) × 3. Close it');
  });

  it('counts as open only what would raise: not what another scope disarms, nor what is quiet, nor 24-hour triggers', async () => {
    const quiet = alarmTrigger({ areaId: 'hall', quietMs: 5_000 }, { id: 'quiet', filter: { types: ['face'] } });
    const fire = alarmTrigger({ areaId: 'hall', arming: 'always' }, { id: 'fire', filter: { types: ['tamper'] } });
    const run = await begin({ triggers: [inHall, quiet, fire] });
    await order(run, hall, false);
    await order(run, { scope: 'trigger', id: 't1' }, false);
    await happen(run);
    await happen(run, { type: 'face' });
    await happen(run, { type: 'tamper' });
    expect(row(run, hall)?.open.map((one) => one.triggerId)).toEqual(['quiet']);
    await run.clock.advance(5_000);
    expect(row(run, hall)?.open).toEqual([]);
    await order(run, hall, true);
    expect(phase(run)).toBe('armed');
  });

  it('names what it bypasses in the audit trail and in the list', async () => {
    const run = await begin();
    await order(run, hall, false);
    await happen(run);
    await order(run, hall, true, { how: 'bypass', source: 'api', who: 'panel' });
    expect(audits(run).at(-1)).toBe('panel area.arm Hall: armed (bypass; open: Hall motion (Camera cam1)), by api');
    expect(row(run, hall)?.bypassed).toMatchObject([{ triggerName: 'Hall motion', deviceName: 'Camera cam1' }]);
    expect(run.alarms.live()).toEqual([]);
  });
});

describe('after a restart', () => {
  const exits = { areas: [hallArea({ exitDelayMs: 30_000, entryDelayMs: 20_000 })] };

  it('a disarmed area is disarmed, with who did it', async () => {
    const run = await begin();
    await order(run, hall, false);
    const next = await restart(run);
    expect(row(next, hall)).toMatchObject({ phase: 'disarmed', order: { who: 'anna', at: noon } });
  });

  it.each([
    ['before its end', 10_000],
    ['after it', 60_000],
  ])('an exit delay ends at its time, restarted %s', async (_when, downMs) => {
    const run = await begin(exits);
    await order(run, hall, false);
    await order(run, hall, true);
    run.crash();
    await run.clock.advance(downMs);
    const next = await start(run.clock, run.record, exits);
    expect(phase(next)).toBe(downMs < 30_000 ? 'exit-delay' : 'armed');
    await next.clock.advance(29_999 - Math.min(downMs, 29_999));
    if (downMs < 30_000) expect(phase(next)).toBe('exit-delay');
    await next.clock.advance(1);
    expect(phase(next)).toBe('armed');
    expect([...next.record.timers.keys()]).toEqual([]);
    expect(audits(next).at(-1)).toBe('alarmflow area.arm Hall: exit delay over: armed');
  });

  it('a running entry delay goes on, and its raise with it', async () => {
    const setup = { ...exits, triggers: [alarmTrigger({ areaId: 'hall', entry: 'starts' })] };
    const run = await begin(setup);
    await happen(run);
    expect(phase(run)).toBe('entry-delay');
    await run.clock.advance(5_000);
    const next = await restart(run, setup);
    expect(row(next, hall)).toMatchObject({ phase: 'entry-delay', delayUntil: noon + 20_000 });
    await next.clock.advance(14_999);
    expect(next.alarms.live()).toEqual([]);
    await next.clock.advance(1);
    expect(next.alarms.live()).toHaveLength(1);
    expect(phase(next)).toBe('armed');
  });

  it('a timed order ends at its time', async () => {
    const run = await begin();
    await order(run, hall, false, { forMs: 7_200_000 });
    const next = await restart(run);
    expect(row(next, hall)).toMatchObject({ back: { at: noon + 7_200_000, armed: true } });
    await next.clock.advance(7_199_999);
    expect(phase(next)).toBe('disarmed');
    await next.clock.advance(1);
    expect(phase(next)).toBe('armed');
  });

  it('what is bypassed stays bypassed', async () => {
    const run = await begin();
    await order(run, hall, false);
    await happen(run);
    await order(run, hall, true, { how: 'bypass' });
    const next = await restart(run);
    await happen(next, { phase: 'stop' });
    await happen(next);
    expect(next.alarms.live()).toEqual([]);
    expect(next.record.decisions.at(-1)?.detail).toBe('bypassed when area "Hall" was armed by anna');
  });

  it("takes the site's arming of an earlier version over, once", async () => {
    const run = await start(new VirtualClock(noon), memoryRecord(), {}, false);
    expect(run.alarms.isArmed()).toBe(false);
    expect(run.record.standing.get('arming:site:site')?.doc).toMatchObject({ phase: 'disarmed' });
    await run.alarms.setArmed(true, 'anna');
    run.crash();
    const next = await start(run.clock, run.record, {}, false);
    expect(next.alarms.isArmed()).toBe(true);
  });

  it('a row of a form that nobody knows is left out and not fatal', async () => {
    const record = memoryRecord();
    for (const [id, doc] of Object.entries({ 'area:hall': { phase: 'open' }, 'site:site': null, 'area:x': [] })) {
      record.standing.set(`arming:${id}`, { id: `arming:${id}`, kind: 'arming', doc });
    }
    const run = await start(new VirtualClock(noon), record);
    expect(phase(run)).toBe('armed');
    expect(phase(run, site)).toBe('armed');
  });
});

describe('what waits', () => {
  it('keeps its length when the wall clock is set back', async () => {
    const run = await begin({ areas: [hallArea({ exitDelayMs: 30_000 })] });
    await order(run, hall, false);
    await order(run, hall, true);
    run.clock.jump(-3_600_000);
    await run.clock.advance(30_000);
    expect(phase(run)).toBe('armed');
  });

  it('is tried again when its end could not be written', async () => {
    const run = await begin({ areas: [hallArea({ exitDelayMs: 30_000 })] });
    await order(run, hall, false);
    await order(run, hall, true);
    run.record.failures = 1;
    await run.clock.advance(30_000);
    expect(run.record.standing.get('arming:area:hall')?.doc).toMatchObject({ phase: 'exit-delay' });
    await run.clock.advance(1_000);
    expect(run.record.standing.get('arming:area:hall')?.doc).toMatchObject({ phase: 'armed' });
  });
});

describe('a schedule', () => {
  it('arms and disarms an area, with its name in the audit trail', async () => {
    const setup = { areas: [hallArea({ scheduleId: 'nights', exitDelayMs: 60_000 })], schedules: [nights] };
    const run = await begin(setup);
    expect(phase(run)).toBe('disarmed');
    await run.clock.advance(6 * 3_600_000);
    expect(phase(run)).toBe('exit-delay');
    await run.clock.advance(60_000);
    expect(phase(run)).toBe('armed');
    await run.clock.advance(12 * 3_600_000);
    expect(phase(run)).toBe('disarmed');
    expect(audits(run).map((line) => line.split(':')[0])).toEqual([
      'schedule "Nights" area.disarm Hall',
      'schedule "Nights" area.arm Hall',
      'alarmflow area.arm Hall',
      'schedule "Nights" area.disarm Hall',
    ]);
  });

  it('arms with what is open bypassed, if the area says so', async () => {
    const setup = { areas: [hallArea({ scheduleId: 'nights', unattended: 'bypass' })], schedules: [nights] };
    const run = await begin(setup);
    await happen(run);
    await run.clock.advance(6 * 3_600_000);
    expect(row(run, hall)?.bypassed).toHaveLength(1);
    expect(run.alarms.live()).toEqual([]);
  });

  it('of another subject arms and disarms that, and what it has ordered falls with it', async () => {
    const subject: ArmingSubject = { scope: 'device', id: 'cam1' };
    const run = await begin({ schedules: [nights] });
    await run.alarms.defineArmingProgram({ nodeId: 'arm1', subject, scheduleId: 'nights' });
    await run.alarms.flowsStarted();
    expect(phase(run, subject)).toBe('disarmed');
    await run.clock.advance(6 * 3_600_000);
    expect(phase(run, subject)).toBe('armed');
    await run.clock.advance(12 * 3_600_000);
    expect(phase(run, subject)).toBe('disarmed');
    run.alarms.detach('arm1');
    await run.alarms.flowsStarted();
    expect(phase(run, subject)).toBe('armed');
  });

  it('cannot be given twice to one subject, nor the site to two nodes', async () => {
    const run = await begin({ areas: [hallArea({ scheduleId: 'nights' })], schedules: [nights] });
    await expect(
      run.alarms.defineArmingProgram({ nodeId: 'arm1', subject: hall, scheduleId: 'nights' }),
    ).rejects.toMatchObject({ code: 'E_ARMING_SCHEDULE_TWICE' });
    await run.alarms.defineArea(hallArea({ id: 's1', covers: 'site' }));
    await expect(run.alarms.defineArea(hallArea({ id: 's2', covers: 'site' }))).rejects.toMatchObject({
      code: 'E_SITE_AREA_TWICE',
    });
  });

  it('that is missing arms and disarms nothing', async () => {
    const run = await begin({ areas: [hallArea({ scheduleId: 'gone' })] });
    expect(phase(run)).toBe('armed');
  });
});

describe('the site', () => {
  it('has delays, schedule and end of alarms from the node that covers it', async () => {
    const run = await begin({
      areas: [hallArea({ id: 'all', covers: 'site', exitDelayMs: 10_000, entryDelayMs: 20_000, atDisarm: 'let-run' })],
      triggers: [alarmTrigger(), alarmTrigger({ entry: 'starts' }, { id: 'door', filter: { types: ['face'] } })],
    });
    await happen(run);
    await order(run, site, false);
    expect(run.alarms.live()).toHaveLength(1);
    await order(run, site, true, { how: 'force' });
    expect(phase(run, site)).toBe('exit-delay');
    expect(run.alarms.isArmed()).toBe(true);
    await run.clock.advance(10_000);
    await happen(run, { type: 'face' });
    expect(phase(run, site)).toBe('entry-delay');
    await run.clock.advance(20_000);
    expect(run.alarms.live()).toHaveLength(2);
  });

  it('that is disarmed by a wider word leaves nothing running that a narrower one would end', async () => {
    const run = await begin({ areas: [hallArea(), hallArea({ id: 'all', covers: 'site', atDisarm: 'let-run' })] });
    await happen(run);
    await order(run, site, false);
    expect(run.alarms.live()).toHaveLength(1);
    await order(run, hall, false);
    expect(run.alarms.live()).toEqual([]);
  });
});

describe('an alarm input', () => {
  const input = (meaning: AreaDefinition['inputs'][number]['meaning'], contact: 'open' | 'closed' = 'open'): Site => ({
    areas: [hallArea({ inputs: [{ deviceId: 'gate', input: '3', contact, meaning }] })],
  });
  const turn = (run: AlarmRun, phase: DeviceEvent['phase'], fields: Partial<DeviceEvent> = {}): Promise<void> =>
    happen(run, { deviceId: 'gate', type: 'digital-input', channel: undefined, input: '3', phase, ...fields });

  it('disarms before the gates judge the same event', async () => {
    const own = alarmTrigger({ areaId: 'hall' }, { id: 'own', filter: { types: ['digital-input'] } });
    const run = await begin({ ...input('active-disarms'), triggers: [own] });
    await turn(run, 'start');
    expect(run.decided()).toEqual(['no-alarm/arming', 'refused/disarmed']);
    expect(run.record.decisions[0]?.detail).toBe('input 3 of Camera gate disarms area "Hall"');
    expect(run.record.commits).toBeLessThanOrEqual(2);
  });

  it.each<[AreaDefinition['inputs'][number]['meaning'], 'open' | 'closed', DeviceEvent['phase'], string]>([
    ['active-disarms', 'open', 'start', 'disarmed'],
    ['active-disarms', 'open', 'snapshot', 'disarmed'],
    ['active-disarms', 'open', 'stop', 'armed'],
    ['active-disarms', 'closed', 'start', 'armed'],
    ['active-disarms', 'closed', 'stop', 'disarmed'],
    ['active-arms', 'open', 'start', 'armed'],
    ['active-arms', 'open', 'stop', 'disarmed'],
    ['active-arms', 'closed', 'start', 'disarmed'],
    ['active-arms', 'closed', 'stop', 'armed'],
    ['pulse-toggles', 'open', 'start', 'disarmed'],
    ['pulse-toggles', 'open', 'pulse', 'disarmed'],
    ['pulse-toggles', 'open', 'snapshot', 'armed'],
    ['pulse-toggles', 'open', 'stop', 'armed'],
    ['pulse-toggles', 'closed', 'stop', 'disarmed'],
    ['pulse-toggles', 'closed', 'start', 'armed'],
  ])('%s, normally %s: %s leaves the area %s', async (meaning, contact, eventPhase, then) => {
    const run = await begin(input(meaning, contact));
    await turn(run, eventPhase);
    expect(phase(run)).toBe(then);
  });

  it('orders nothing by a late event, another input or another device', async () => {
    const run = await begin(input('active-disarms'));
    await turn(run, 'start', { late: true });
    await turn(run, 'start', { input: '4' });
    await turn(run, 'start', { deviceId: 'hall' });
    expect(phase(run)).toBe('armed');
  });

  it('takes presses within a second as one', async () => {
    const run = await begin(input('pulse-toggles'));
    await turn(run, 'pulse');
    await turn(run, 'pulse');
    expect(phase(run)).toBe('disarmed');
    await run.clock.advance(1_000);
    await turn(run, 'pulse');
    expect(phase(run)).toBe('armed');
  });

  it('forgets nothing when its event cannot be written: the next one orders', async () => {
    const run = await begin(input('active-disarms'));
    run.record.failures = 1;
    await expect(turn(run, 'start')).rejects.toMatchObject({ code: 'E_RECORD_WRITE' });
    expect(phase(run)).toBe('armed');
    await turn(run, 'refresh');
    expect(phase(run)).toBe('disarmed');
  });
});

describe('an action', () => {
  it('is told by itself whether it may act, whatever stands above it', async () => {
    const run = await begin();
    await order(run, site, false);
    expect(run.alarms.actionArming('siren', noon)).toEqual({ armed: true, detail: 'armed' });
    await order(run, { scope: 'action', id: 'siren' }, false, { forMs: 60_000 });
    expect(run.alarms.actionArming('siren', noon)).toEqual({
      armed: false,
      detail: 'action "siren" is disarmed by anna, for another 1 min',
    });
    expect(run.alarms.actionArming('mail', noon).armed).toBe(true);
    expect(run.alarms.actionArming('siren', noon + 60_000).armed).toBe(true);
  });
});

describe('areas of the flows', () => {
  it('that are gone take their order with them', async () => {
    const run = await begin();
    await order(run, hall, false, { forMs: 60_000 });
    run.alarms.detach('hall');
    await run.alarms.flowsStarted();
    expect([...run.record.standing.keys()]).toEqual([]);
    expect([...run.record.timers.keys()]).toEqual([]);
    await happen(run);
    expect(run.alarms.live()).toHaveLength(1);
  });

  it('keep their state over a deploy that defines them again', async () => {
    const run = await begin();
    await order(run, hall, false);
    run.alarms.detach('hall');
    await run.alarms.defineArea(hallArea({ name: 'Big hall' }));
    await run.alarms.flowsStarted();
    expect(row(run, hall)).toMatchObject({ name: 'Big hall', phase: 'disarmed' });
  });

  it('tell of every change, with what it was and who did it', async () => {
    const run = await begin();
    const told: ArmingChange[] = [];
    run.alarms.onArming((change) => told.push(change));
    await order(run, hall, false);
    expect(told).toMatchObject([{ subject: hall, name: 'Hall', from: 'armed', phase: 'disarmed', who: 'anna' }]);
    expect(run.announced.filter(({ kind }) => kind === 'arming')).toHaveLength(1);
  });
});
