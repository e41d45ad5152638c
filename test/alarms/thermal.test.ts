/** Temperature rules through alarms and gates: what an integrator sees of A3.3.4 and its neighbours. */
import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../engine/clock/virtual-clock';
import type { ThermalRule } from '../../engine/domain/thermal';
import type { AlarmPolicy, TriggerDefinition } from '../../engine/domain/triggers';
import { type AlarmRun, alarmTrigger, startAlarms } from '../support/alarm-record';
import { areas, group, manual, reading, ruleOf } from '../thermal/readings-of';

const noon = 1_780_315_200_000;

const trigger = (rule: ThermalRule = ruleOf([manual]), policy: Partial<AlarmPolicy> = {}): TriggerDefinition =>
  alarmTrigger(
    { quietMs: 0, keyParts: ['device', 'channel', 'type', 'rule'], ...policy },
    { filter: { types: ['temperature-reading'] }, source: { kind: 'thermal', rule } },
  );

async function running(definition: TriggerDefinition): Promise<AlarmRun> {
  const run = startAlarms(new VirtualClock(noon));
  await run.define(definition);
  await run.alarms.flowsStarted();
  return run;
}

/** A reading after so many seconds; what became of the alarm. */
async function read(run: AlarmRun, afterSeconds: number, celsius: number, rule = '1'): Promise<string> {
  await run.clock.advance(afterSeconds * 1_000);
  await run.alarms.accept(reading(run.clock.now() / 1_000, celsius, { rule }));
  await run.clock.advance(0);
  return standing(run);
}

const standing = (run: AlarmRun): string =>
  run.alarms
    .live()
    .map(({ state, level }) => `${state} ${level}`)
    .join(', ') || 'none';

async function restarted(run: AlarmRun, definition: TriggerDefinition): Promise<AlarmRun> {
  run.crash();
  const next = startAlarms(run.clock, run.record);
  await next.define(definition);
  await next.alarms.flowsStarted();
  await next.clock.advance(0);
  return next;
}

describe('a temperature that rises and falls (A3.3.4)', () => {
  it('is one alarm: raised as pre-alarm, escalated, back to pre-alarm, cleared', async () => {
    const definition = trigger();
    const run = await running(definition);
    expect(await read(run, 1, 40)).toBe('none');
    expect(await read(run, 1, 50)).toBe('active pre-alarm');
    expect(await read(run, 1, 55)).toBe('active alarm');
    expect(await read(run, 1, 52)).toBe('active alarm');
    expect(await read(run, 1, 51.9)).toBe('active pre-alarm');
    expect(await read(run, 1, 47)).toBe('active pre-alarm');
    expect(await read(run, 1, 46.9)).toBe('none');
    expect(run.phases()).toEqual(['raise', 'escalate', 'clear', 'end']);
    expect(new Set(run.delivered.map(({ alarm }) => alarm.id)).size).toBe(1);
    expect(run.delivered[0]?.alarm).toMatchObject({
      type: 'temperature-prealarm',
      rule: '1',
      event: { temperature: { value: 50, threshold: 50, ruleType: 'average above' } },
    });
  });

  it('keeps the alarm over a restart in the band, and the pre-alarm in its own', async () => {
    const definition = trigger();
    let run = await running(definition);
    await read(run, 1, 56);
    await read(run, 1, 53);
    run = await restarted(run, definition);
    expect(await read(run, 1, 52)).toBe('active alarm');
    expect(await read(run, 1, 51)).toBe('active pre-alarm');
    run = await restarted(run, definition);
    expect(await read(run, 1, 47.5)).toBe('active pre-alarm');
    expect(await read(run, 1, 46)).toBe('none');
    expect(run.phases()).toEqual(['clear', 'end']);
  });

  it('raises nothing in the band after a restart without an alarm', async () => {
    const definition = trigger();
    let run = await running(definition);
    await read(run, 1, 49);
    run = await restarted(run, definition);
    expect(await read(run, 1, 48)).toBe('none');
    expect(run.record.alarms.size).toBe(0);
  });
});

describe('filtering time (T2) through the gates', () => {
  const filtered = trigger(ruleOf([manual], { filteringMs: 10_000 }), { onDelayMs: 10_000 });

  it('lets the level hold before it is told, the alarm level as well', async () => {
    const run = await running(filtered);
    expect(await read(run, 0, 51)).toBe('none');
    expect(await read(run, 9, 56)).toBe('none');
    await run.clock.advance(1_000);
    expect(standing(run)).toBe('active pre-alarm');
    expect(await read(run, 8.9, 57)).toBe('active pre-alarm');
    expect(await read(run, 0.1, 57)).toBe('active alarm');
    expect(run.phases()).toEqual(['raise', 'escalate']);
  });

  it('raises the alarm level at once where it held all the time', async () => {
    const run = await running(filtered);
    await read(run, 0, 60);
    await run.clock.advance(10_000);
    expect(standing(run)).toBe('active alarm');
    expect(run.phases()).toEqual(['raise']);
  });

  it('raises nothing for a peak that is shorter', async () => {
    const run = await running(filtered);
    await read(run, 0, 60);
    await read(run, 9.9, 40);
    await run.clock.advance(60_000);
    expect(run.record.alarms.size).toBe(0);
  });
});

describe('silence', () => {
  it('leaves an alarm on where no quiet time is set', async () => {
    const run = await running(trigger());
    await read(run, 0, 60);
    await run.clock.advance(86_400_000);
    expect(standing(run)).toBe('active alarm');
  });

  it('clears it after the quiet time, and what comes back inside the band is an alarm still', async () => {
    const run = await running(trigger(undefined, { quietMs: 30_000 }));
    await read(run, 0, 60);
    expect(await read(run, 29, 60)).toBe('active alarm');
    await run.clock.advance(30_000);
    expect(run.phases()).toEqual(['raise', 'clear', 'end']);
    expect(await read(run, 1, 53)).toBe('active alarm');
  });
});

describe('several places', () => {
  it('have an alarm each', async () => {
    const run = await running(trigger());
    await read(run, 0, 60, '1');
    expect(await read(run, 1, 51, '2')).toBe('active alarm, active pre-alarm');
    expect(await read(run, 1, 40, '1')).toBe('active pre-alarm');
    expect(run.alarms.live()).toMatchObject([{ rule: '2' }]);
  });

  it('of a group name the hottest in the alarm', async () => {
    const run = await running(trigger(ruleOf([group()])));
    await run.alarms.accept(areas(noon / 1_000, { 1: 30, 2: 72, 3: 40, 4: 38 }));
    expect(run.alarms.live()).toMatchObject([
      {
        type: 'temperature-difference',
        rule: 'group 1',
        event: { description: expect.stringContaining('hottest of group 1 is 2 with 72 °C') },
      },
    ]);
  });
});
