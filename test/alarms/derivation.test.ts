import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../engine/clock/virtual-clock';
import type { CombinationRule } from '../../engine/domain/combinations';
import type { DeviceEvent } from '../../engine/domain/events';
import type { ThermalRule } from '../../engine/domain/thermal';
import type { AlarmPolicy, TriggerDefinition } from '../../engine/domain/triggers';
import { alarmEvent } from '../support/alarm-events';
import { type AlarmRun, alarmTrigger, startAlarms } from '../support/alarm-record';
import { combination, operandEvent } from '../support/combination-drive';

const noon = 1_780_315_200_000;

const rule: ThermalRule = {
  unit: 'celsius',
  conditions: [
    {
      kind: 'threshold',
      direction: 'above',
      measure: 'maximum',
      place: 'any',
      names: [],
      preAlarm: 50,
      alarm: 55,
      tolerance: 3,
    },
  ],
  sensors: [],
  filteringMs: 0,
  staleMs: 60_000,
};

const hot = (policy: Partial<AlarmPolicy> = {}, made: ThermalRule = rule): TriggerDefinition =>
  alarmTrigger(
    { keyParts: ['device', 'channel', 'type', 'rule'], ...policy },
    { filter: { types: ['temperature-reading'] }, source: { kind: 'thermal', rule: made } },
  );

const combined = (fields: Partial<CombinationRule> = {}, policy: Partial<AlarmPolicy> = {}): TriggerDefinition =>
  alarmTrigger(
    { keyParts: ['device'], ...policy },
    {
      id: 'node',
      filter: { types: ['message'], deviceIds: ['node'] },
      source: { kind: 'combination', rule: combination(fields) },
    },
  );

async function running(...triggers: TriggerDefinition[]): Promise<AlarmRun> {
  const run = startAlarms(new VirtualClock(noon));
  await run.define(...triggers);
  await run.alarms.flowsStarted();
  return run;
}

async function restarted(run: AlarmRun, ...triggers: TriggerDefinition[]): Promise<AlarmRun> {
  run.crash();
  const next = startAlarms(run.clock, run.record);
  await next.define(...triggers);
  await next.alarms.flowsStarted();
  await next.clock.advance(0);
  return next;
}

const read = (run: AlarmRun, celsius: number, fields: Partial<DeviceEvent> = {}): Promise<void> =>
  run.alarms.accept(
    alarmEvent({
      type: 'temperature-reading',
      vendorType: 'temperatureIntervalMeasurement',
      phase: 'pulse',
      rule: 'P1',
      temperature: { unit: 'celsius', value: celsius, calibration: 'point' },
      receivedAt: run.clock.now(),
      deviceTime: '2026-06-01T12:00:00',
      deviceAt: noon,
      ...fields,
    }),
  );

/** Phases of one trigger's messages, each message once. */
const told = (run: AlarmRun, triggerId: string): string[] => [
  ...new Map(
    run.delivered
      .filter(({ alarm }) => alarm.triggerId === triggerId)
      .map(({ messageId, alarm }) => [messageId, alarm.phase]),
  ).values(),
];

const sources = (run: AlarmRun) => [...run.record.standing.values()].filter(({ kind }) => kind === 'source').length;

const operand = (run: AlarmRun, name: string, phase: 'start' | 'stop', fields: object = {}): Promise<void> =>
  run.alarms.accept(operandEvent(name, phase, run.clock.now(), fields));

const live = (run: AlarmRun) => run.alarms.live().map(({ level, count, state }) => `${level} ${count} ${state}`);

describe('readings', () => {
  it('become a pre-alarm, an alarm and their end, each told apart though the device clock stands still', async () => {
    const run = await running(hot());
    for (const celsius of [40, 51, 56, 53, 40]) await read(run, celsius);
    expect(run.phases()).toEqual(['raise', 'escalate', 'clear']);
    expect(run.delivered[0]?.alarm).toMatchObject({
      level: 'pre-alarm',
      rule: 'P1',
      event: { vendorType: 'thermal:P1', temperature: { value: 51, threshold: 50 } },
    });
    expect(run.delivered[1]?.alarm).toMatchObject({ level: 'alarm', event: { temperature: { value: 56 } } });
  });

  it('that change nothing leave no line and no row, however many there are', async () => {
    const run = await running(hot());
    await read(run, 20);
    const before = { commits: run.record.commits, rows: sources(run) };
    for (let i = 0; i < 100; i++) await read(run, 20 + (i % 5));
    expect({ commits: run.record.commits, rows: sources(run) }).toEqual(before);
    expect([run.record.events.size, run.record.decisions.length]).toEqual([0, 0]);
  });

  it('that only go on are no lines either, and reach the disk now and then', async () => {
    const run = await running(hot());
    await read(run, 60);
    const commits = run.record.commits;
    for (let i = 0; i < 60; i++) {
      await run.clock.advance(1_000);
      await read(run, 60);
    }
    expect(run.record.events.size).toBe(1);
    expect(run.decided()).toEqual(['raised/start']);
    expect(run.record.commits - commits).toBeLessThan(10);
    expect(live(run)).toEqual(['alarm 1 active']);
  });

  it('keep an alarm alive whose trigger has a quiet time', async () => {
    const run = await running(hot({ quietMs: 5_000 }));
    await read(run, 60);
    for (let i = 0; i < 10; i++) {
      await run.clock.advance(1_000);
      await read(run, 60);
    }
    expect(run.phases()).toEqual(['raise']);
    await run.clock.advance(5_000);
    expect(run.phases().slice(0, 2)).toEqual(['raise', 'clear']);
  });

  it('of one point have their own condition', async () => {
    const run = await running(hot());
    await read(run, 60);
    await read(run, 60, { rule: 'P2' });
    await read(run, 20);
    expect(run.delivered.map(({ alarm }) => `${alarm.phase} ${alarm.rule}`)).toEqual([
      'raise P1',
      'raise P2',
      'clear P1',
    ]);
  });

  it('that nobody listens to are not journalled, other events are', async () => {
    const run = await running(alarmTrigger());
    await read(run, 60);
    await run.alarms.accept(alarmEvent({ type: 'pir', receivedAt: noon }));
    expect([...run.record.events.values()].map((event) => event.type)).toEqual(['pir']);
  });

  it('of a wrong channel and replayed ones move nothing', async () => {
    const run = await running({ ...hot(), filter: { types: ['temperature-reading'], channels: [2] } });
    await read(run, 60);
    await read(run, 60, { channel: 2, late: true });
    expect([run.record.events.size, sources(run), run.delivered.length]).toEqual([0, 0, 0]);
  });

  it('go on after a restart where they were', async () => {
    const run = await running(hot());
    await read(run, 53);
    const next = await restarted(run, hot());
    await read(next, 48);
    expect(live(next)).toEqual(['pre-alarm 1 active']);
    await read(next, 46.9);
    expect(next.phases()).toContain('clear');
  });

  it('of a changed rule are judged by it, and what it still finds hot goes on', async () => {
    const run = await running(hot());
    await read(run, 60);
    await run.clock.advance(2_000);
    const milder: ThermalRule = {
      ...rule,
      conditions: rule.conditions.map((condition) => ({ ...condition, preAlarm: null, alarm: 58 })),
    };
    await run.define(hot({}, milder));
    await run.alarms.flowsStarted();
    await read(run, 60);
    expect(run.phases().filter((phase) => phase === 'raise' || phase === 'clear')).toEqual(['raise']);
    await read(run, 40);
    expect(run.phases()).toContain('clear');
  });

  it('are as before when the record does not take the change', async () => {
    const run = await running(hot());
    await read(run, 20);
    run.record.failures = 1;
    await expect(read(run, 60)).rejects.toThrow('disk full');
    expect(run.alarms.live()).toEqual([]);
    await read(run, 60);
    expect(run.phases()).toEqual(['raise']);
  });

  it('raise though the first of several changes under way failed', async () => {
    const run = await running(hot());
    await read(run, 20);
    run.record.failures = 2;
    const all = await Promise.allSettled([read(run, 60), read(run, 40)]);
    expect(all.map((result) => result.status)).toEqual(['rejected', 'rejected']);
    await read(run, 60);
    expect(live(run)).toEqual(['alarm 1 active']);
  });

  it('keep nothing of a trigger that is gone', async () => {
    const run = await running(hot());
    await read(run, 60);
    expect(sources(run)).toBe(1);
    run.alarms.detach('t1');
    await run.alarms.flowsStarted();
    expect(sources(run)).toBe(0);
  });
});

describe('operands', () => {
  it('raise one alarm that names them, and end it', async () => {
    const run = await running(combined({ mode: 'all' }));
    await operand(run, 'a', 'start', { place: 'Hall' });
    await operand(run, 'b', 'start', { place: 'Gate' });
    await operand(run, 'a', 'stop');
    expect(run.phases()).toEqual(['raise', 'clear']);
    expect(run.delivered[0]?.alarm.event.description).toBe('A (Hall) and B (Gate) hold at once');
    expect(run.decided()).toEqual(['no-alarm/combination', 'raised/start', 'cleared/stop']);
    expect(run.record.decisions[0]?.detail).toBe('A (Hall) began; 1 of 2 are missing');
  });

  it('are journalled one by one, each with what became of it', async () => {
    const run = await running(combined({ mode: 'sequence' }));
    await operand(run, 'b', 'start');
    await operand(run, 'a', 'start');
    expect(run.record.events.size).toBe(2);
    expect(run.decided()).toEqual(['no-alarm/combination', 'no-alarm/combination']);
  });

  it('give the alarm their pictures', async () => {
    const run = await running(combined({ mode: 'all' }));
    const picture = (mediaId: string) => ({ mediaId, contentType: 'image/jpeg', size: 3 });
    await operand(run, 'a', 'start', { pictures: [picture('p1')] });
    await operand(run, 'b', 'start', { pictures: [picture('p2')] });
    expect(run.delivered[0]?.alarm.event.pictures.map((p) => p.mediaId)).toEqual(['p2', 'p1']);
  });

  it('are remembered over a restart: A, then the process dies, then B in time', async () => {
    const definition = combined({ mode: 'sequence', operands: ['x', 'y'] });
    const run = await running(definition);
    await run.alarms.accept(operandEvent('x', 'start', noon));
    const next = await restarted(run, definition);
    await next.clock.advance(5_000);
    await operand(next, 'y', 'start');
    expect(next.phases()).toEqual(['raise']);
  });

  it('go through the gates: a filtering time holds the raise back', async () => {
    const run = await running(combined({}, { onDelayMs: 3_000 }));
    await operand(run, 'a', 'start');
    await run.clock.advance(2_999);
    expect(run.phases()).toEqual([]);
    await run.clock.advance(1);
    expect(run.phases()).toEqual(['raise']);
  });

  it('whose alarm is over without a message end when the flows start', async () => {
    const lost = alarmTrigger({}, { id: 'a', name: 'Hall motion' });
    const run = await running(lost, combined());
    await run.alarms.accept(alarmEvent({ receivedAt: noon }));
    const [source] = run.alarms.live();
    const event = operandEvent('a', 'start', noon);
    await run.alarms.accept({ ...event, operand: { ...event.operand!, condition: source!.id } });
    expect(run.alarms.live()).toHaveLength(2);
    await run.clock.advance(2_000);
    run.alarms.detach('a');
    await run.alarms.flowsStarted();
    expect(told(run, 'node')).toEqual(['raise', 'clear', 'end']);
    expect([...run.record.events.values()].at(-1)?.description).toBe('A: its alarm is over');
  });

  it('that a changed rule no longer has end with the deploy', async () => {
    const run = await running(combined());
    await run.alarms.accept({
      ...operandEvent('a', 'start', noon),
      operand: { operand: 'a', name: 'A', condition: 'a', messageId: 'm' },
    });
    await run.clock.advance(2_000);
    await run.define(combined({ operands: ['b', 'c'] }));
    await run.alarms.flowsStarted();
    expect(told(run, 'node')).toEqual(['raise', 'clear', 'end']);
  });

  it('count again when the record did not take them', async () => {
    const run = await running(combined({ mode: 'count', operands: ['a'], count: 2 }));
    await operand(run, 'a', 'start', { alarm: 1 });
    run.record.failures = 1;
    const second = operandEvent('a', 'start', run.clock.now(), { alarm: 2 });
    await expect(run.alarms.accept(second)).rejects.toThrow('disk full');
    await run.alarms.accept(second);
    expect(run.phases()).toEqual(['raise']);
  });

  it('forget two changes that failed together, and know the messages when they come again', async () => {
    const run = await running(combined({ mode: 'count', operands: ['a'], count: 3 }));
    const [first, second, third] = [1, 2, 3].map((alarm) => operandEvent('a', 'start', noon, { alarm }));
    run.record.failures = 2;
    const both = await Promise.allSettled([run.alarms.accept(first!), run.alarms.accept(second!)]);
    expect(both.map((result) => result.status)).toEqual(['rejected', 'rejected']);
    await run.alarms.accept(second!);
    await run.alarms.accept(third!);
    expect(run.phases()).toEqual([]);
    await run.alarms.accept(first!);
    expect(run.phases()).toEqual(['raise']);
  });
});
