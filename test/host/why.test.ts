/** Every worked example of docs/why.md, and what the answers promise beside their sentences. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { refusalReasons } from '../../engine/domain/alarms';
import type { ArmingSchedule, Weekday } from '../../engine/domain/schedules';
import { weekdays } from '../../engine/domain/schedules';
import type { TriggerCheck, WhyAnswer } from '../../engine/domain/why';
import { alarmTrigger } from '../support/alarm-record';
import { whySite } from '../support/why-site';

const guide = readFileSync(join(__dirname, '..', '..', 'docs', 'why.md'), 'utf8');
const inGuide = (answer: WhyAnswer): void => expect(guide).toContain(`\n> ${answer.verdict}\n`);
const first = (answer: WhyAnswer): TriggerCheck => answer.triggers[0]!;
const gate = (answer: WhyAnswer, name: string) => first(answer).gates.find((one) => one.gate === name);
const START = Date.UTC(2026, 10, 21, 8);

/** Armed from 18:00 to 24:00 of every day, UTC. */
const evenings: ArmingSchedule = {
  id: 'evenings',
  name: 'Evenings',
  timeZone: 'UTC',
  week: Object.fromEntries(weekdays.map((day) => [day, [{ from: 1_080, to: 1_440 }]])) as unknown as Record<
    Weekday,
    ArmingSchedule['week']['monday']
  >,
};

describe('an event that fired nothing', () => {
  it('tells of the switched-off trigger', async () => {
    const site = await whySite([alarmTrigger({ enabled: false })]);
    const answer = await site.why.event(await site.event());
    inGuide(answer);
    expect(first(answer)).toMatchObject({ outcome: 'refused', decidedBy: 'disabled', opensAt: null });
    expect(
      first(answer)
        .gates.slice(1)
        .every(({ result }) => result === 'not-asked'),
    ).toBe(true);
  });

  it('tells which field of the filter kept it out, and what it would have to be', async () => {
    const site = await whySite([alarmTrigger({}, { filter: { types: ['motion'], channels: [1, 2] } })]);
    const answer = await site.why.event(await site.event({ channel: 4 }));
    inGuide(answer);
    expect(gate(answer, 'disabled')?.result).toBe('passed');
    expect(gate(answer, 'filter')).toMatchObject({ result: 'refused', detail: 'channel 4 is not among 1, 2' });
  });

  it('tells of a late one', async () => {
    const site = await whySite([alarmTrigger()]);
    const deviceAt = site.clock.now() - 3_600_000;
    const answer = await site.why.event(await site.event({ late: true, deviceAt, deviceTime: '2026-11-21T07:00:00Z' }));
    inGuide(answer);
    expect(first(answer).decidedBy).toBe('late');
  });

  it('tells of one that was delivered twice', async () => {
    const site = await whySite([alarmTrigger()]);
    const once = { deviceTime: '2026-11-21T08:00:00Z', deviceAt: START };
    await site.event({ id: 'event-a', ...once });
    await site.clock.advance(2_000);
    const answer = await site.why.event(await site.event(once));
    inGuide(answer);
    expect(first(answer).decidedBy).toBe('duplicate');
  });

  it('tells of a disarmed site', async () => {
    const site = await whySite([alarmTrigger()]);
    await site.run.alarms.setArmed(false, 'otto');
    const answer = await site.why.event(await site.event());
    expect(first(answer)).toMatchObject({ decidedBy: 'disarmed', opensAt: null, opens: 'when somebody arms it' });
    inGuide(answer);
  });

  it('tells of the shelf, by whom and until when', async () => {
    const site = await whySite([alarmTrigger()]);
    const request = { scope: 'trigger' as const, id: 't1', forMs: 1_800_000, reason: 'painters' };
    await site.run.alarms.shelving.shelve(request, 'otto');
    const answer = await site.why.event(await site.event());
    inGuide(answer);
    expect(first(answer)).toMatchObject({ decidedBy: 'shelved', opensAt: START + 1_800_000 });
    const now = await site.why.trigger({ trigger: 't1' });
    expect(first(now)).toMatchObject({ outcome: 'refused', decidedBy: 'shelved', opensAt: START + 1_800_000 });
    expect((await site.why.trigger({ trigger: 't1', at: START + 1_800_000 })).triggers[0]?.outcome).toBe('raised');
  });

  it('tells of a device that is disarmed by itself', async () => {
    const site = await whySite([alarmTrigger()]);
    const subject = { scope: 'device' as const, id: 'cam1' };
    await site.run.alarms.orderArming({
      subject,
      armed: false,
      how: 'force',
      source: 'user',
      who: 'otto',
      forMs: 60_000,
    });
    expect(first(await site.why.trigger({ trigger: 't1', device: 'cam1' }))).toMatchObject({
      decidedBy: 'disarmed',
      opensAt: START + 60_000,
    });
    expect(first(await site.why.trigger({ trigger: 't1', device: 'cam2' })).outcome).toBe('raised');
  });

  it('tells of the closed schedule, when it opens, and of the alarm that its opening raised', async () => {
    const site = await whySite([alarmTrigger({ scheduleId: 'evenings' })], {
      before: (run) => run.alarms.defineSchedule(evenings),
    });
    const id = await site.event();
    const before = await site.why.event(id);
    inGuide(before);
    expect(first(before)).toMatchObject({ decidedBy: 'not-armed', opensAt: Date.UTC(2026, 10, 21, 18) });
    await site.clock.advance(10 * 3_600_000 + 1_000);
    const after = await site.why.event(id);
    inGuide(after);
    expect(first(after).later).toMatchObject([{ outcome: 'raised', reason: 'window-open' }]);
    expect(after.followed.map(({ alarm }) => alarm.raisedAt)).toEqual([Date.UTC(2026, 10, 21, 18)]);
  });

  it('tells of the filtering time: while it runs, when it was too short, and when it was long enough', async () => {
    const site = await whySite([alarmTrigger({ onDelayMs: 3_000 })]);
    const short = await site.event();
    const running = await site.why.event(short);
    inGuide(running);
    expect(first(running)).toMatchObject({ decidedBy: 'on-delay', opensAt: START + 3_000 });
    expect(gate(running, 'on-delay')?.result).toBe('waiting');
    await site.clock.advance(1_200);
    await site.event({ phase: 'stop' });
    inGuide(await site.why.event(short));
    await site.clock.advance(60_000);
    const long = await site.event();
    await site.clock.advance(3_000);
    const raised = await site.why.event(long);
    inGuide(raised);
    expect(raised.followed).toHaveLength(1);
  });

  it('tells of N in T', async () => {
    const site = await whySite([alarmTrigger({ repeat: { count: 3, withinMs: 10_000 } })]);
    const id = await site.event({ phase: 'pulse' });
    inGuide(await site.why.event(id));
    await site.clock.advance(20_000);
    inGuide(await site.why.event(id));
  });

  it('tells of the anti-dither window and of its end', async () => {
    const site = await whySite([alarmTrigger({ antiDitherMs: 10_000 })]);
    await site.event();
    await site.clock.advance(2_000);
    await site.event({ phase: 'stop' });
    await site.clock.advance(3_800);
    const answer = await site.why.event(await site.event());
    inGuide(answer);
    expect(first(answer)).toMatchObject({ decidedBy: 'anti-dither', opensAt: START + 10_000 });
    expect(gate(answer, 'flood')?.result).toBe('not-asked');
    expect(gate(answer, 'on-delay')?.result).toBe('passed');
  });

  it('tells of the triggers that it nearly concerned, the nearest first', async () => {
    const site = await whySite([
      alarmTrigger({}, { id: 'far', name: 'Yard line', filter: { types: ['line-crossing'], deviceIds: ['cam1'] } }),
      alarmTrigger({}, { id: 'near', name: 'Gate motion', filter: { types: ['motion'], deviceIds: ['cam2'] } }),
      alarmTrigger({}, { id: 'other', name: 'Vault', filter: { types: ['tamper'], deviceIds: ['cam2'] } }),
    ]);
    const answer = await site.why.event(await site.event());
    inGuide(answer);
    expect(answer.triggers.map(({ triggerId, relation }) => [triggerId, relation])).toEqual([
      ['near', 'near'],
      ['far', 'near'],
    ]);
  });

  it('is refused with a user error when the record does not have it', async () => {
    const site = await whySite([]);
    await expect(site.why.event('nothing')).rejects.toMatchObject({ code: 'E_UNKNOWN_EVENT', family: 'user' });
    await expect(site.why.alarm('nothing')).rejects.toMatchObject({ code: 'E_UNKNOWN_ALARM', family: 'user' });
  });
});

describe('an event that did fire', () => {
  it('tells of the raise, with every gate passed, the alarm, its actions and its outputs', async () => {
    const site = await whySite([alarmTrigger()]);
    const id = await site.event();
    const alarm = site.run.alarms.live()[0]!;
    site.actions.push({
      key: `${alarm.id}:mail:raise`,
      alarmId: alarm.id,
      nodeName: 'Guard',
      kind: 'email',
      phase: 'raise',
      status: 'failed',
      summary: 'mail.example:587 refused the password',
      requestedAt: START,
      finishedAt: START + 40,
    } as never);
    site.outputs.push({
      id: 'box/relay/1',
      name: 'Siren',
      deviceName: 'Box',
      confirmed: true,
      lastError: null,
      heldBy: [{ leaseId: 'l', alarmId: alarm.id, label: '', endsAt: null, countsDown: false }],
    } as never);
    const answer = await site.why.event(id);
    inGuide(answer);
    expect(first(answer).gates.map(({ gate: name, result }) => [name, result])).toEqual(
      refusalReasons.map((name) => [name, 'passed']),
    );
    expect(answer.followed).toMatchObject([
      {
        alarm: { id: alarm.id },
        waitsFor: 'the end of its condition',
        actions: [{ nodeName: 'Guard', status: 'failed', summary: 'mail.example:587 refused the password' }],
        outputs: [{ name: 'Siren (Box)', detail: 'held while the alarm lasts (confirmed on)' }],
      },
    ]);
    await site.clock.advance(12_000);
    const ofAlarm = await site.why.alarm(alarm.id);
    inGuide(ofAlarm);
    await site.event({ phase: 'stop' });
    await site.clock.advance(2_000);
    inGuide(await site.why.alarm(alarm.id));
  });

  it('tells of the running alarm that it fell into', async () => {
    const site = await whySite([alarmTrigger({ antiDitherMs: 5_000 })]);
    await site.event();
    await site.clock.advance(1_000);
    const answer = await site.why.event(await site.event());
    inGuide(answer);
    expect(first(answer).decidedBy).toBeNull();
    expect(gate(answer, 'not-armed')?.result).toBe('not-asked');
  });

  it('says so when its trigger is gone from the flow', async () => {
    const site = await whySite([alarmTrigger()]);
    const id = await site.event();
    site.run.alarms.detach('t1');
    await site.run.alarms.flowsStarted();
    const answer = await site.why.event(id);
    expect(answer.notes).toEqual(['Trigger t1 is no longer in the flow: its settings are not known any more.']);
  });

  it('tells once what a device repeats', async () => {
    const site = await whySite([alarmTrigger()]);
    await site.event();
    for (let n = 0; n < 3; n++) await site.event({ phase: 'refresh' });
    const answer = await site.why.alarm(site.run.alarms.live()[0]!.id);
    expect(answer.followed[0]?.life.map(({ detail }) => detail)).toEqual([
      'the condition began',
      'the condition of the running alarm goes on (3 times)',
    ]);
  });

  it('knows a latched alarm that waits for an acknowledgement', async () => {
    const site = await whySite([alarmTrigger({ latched: true })]);
    await site.event();
    await site.clock.advance(2_000);
    await site.event({ phase: 'stop' });
    const alarm = site.run.alarms.live()[0]!;
    const answer = await site.why.alarm(alarm.id);
    expect(answer.followed[0]?.waitsFor).toBe('somebody to acknowledge it: it is latched');
  });
});

describe('an event supposed now', () => {
  it('would raise where every gate stands open', async () => {
    const site = await whySite([alarmTrigger()]);
    const answer = await site.why.trigger({ trigger: 'hall motion' });
    inGuide(answer);
    expect(first(answer).gates.every(({ result }) => result === 'passed')).toBe(true);
  });

  it('is told of every shut gate at once, the first of them as the one that decides', async () => {
    const site = await whySite([alarmTrigger({ scheduleId: 'evenings', antiDitherMs: 10_000, onDelayMs: 500 })], {
      start: Date.UTC(2026, 10, 21, 23, 59, 56),
      before: (run) => run.alarms.defineSchedule(evenings),
    });
    await site.event();
    await site.clock.advance(1_000);
    await site.event({ phase: 'stop' });
    await site.clock.advance(4_000);
    const answer = await site.why.trigger({ trigger: 't1', device: 'Camera cam1' });
    expect(first(answer)).toMatchObject({
      outcome: 'refused',
      decidedBy: 'not-armed',
      opensAt: Date.UTC(2026, 10, 22, 18),
      key: 'device=cam1;channel=1;type=motion',
    });
    expect(gate(answer, 'on-delay')).toMatchObject({ result: 'waiting', opensAt: site.clock.now() + 500 });
    expect(gate(answer, 'anti-dither')).toMatchObject({
      result: 'refused',
      opensAt: Date.UTC(2026, 10, 21, 23, 59, 56) + 10_500,
    });
    inGuide(answer);
  });

  it('is judged by the schedule of the moment that was asked about', async () => {
    const site = await whySite([alarmTrigger({ scheduleId: 'evenings' })], {
      before: (run) => run.alarms.defineSchedule(evenings),
    });
    expect((await site.why.trigger({ trigger: 't1' })).triggers[0]?.outcome).toBe('refused');
    const evening = await site.why.trigger({ trigger: 't1', at: Date.UTC(2026, 10, 21, 20) });
    expect(evening.triggers[0]?.outcome).toBe('raised');
    expect(evening.notes).toEqual(['Told for that moment, if nothing else happens until then.']);
  });

  it('is told that it would merge, and changes nothing by being asked', async () => {
    const site = await whySite([alarmTrigger()]);
    await site.event();
    const commits = site.run.record.commits;
    const answer = await site.why.trigger({ trigger: 't1' });
    inGuide(answer);
    await site.why.trigger({ trigger: 't1', at: site.clock.now() + 1_000_000 });
    expect(site.run.record.commits).toBe(commits);
    expect(site.run.alarms.live()[0]?.count).toBe(1);
  });

  it('of a device that the trigger does not listen to is refused by the filter', async () => {
    const site = await whySite([alarmTrigger({}, { filter: { types: ['motion'], deviceIds: ['cam1'] } })]);
    const answer = await site.why.trigger({ trigger: 't1', device: 'cam2' });
    expect(first(answer)).toMatchObject({ decidedBy: 'filter', opens: 'with Motion of Camera cam1' });
  });

  it('names the triggers and devices that there are when asked about another', async () => {
    const site = await whySite([
      alarmTrigger(),
      alarmTrigger({}, { id: 't2' }),
      alarmTrigger({}, { id: 't3', name: 'B' }),
    ]);
    await expect(site.why.trigger({ trigger: 'Hall motion' })).rejects.toMatchObject({ code: 'E_AMBIGUOUS_TRIGGER' });
    await expect(site.why.trigger({ trigger: 'x' })).rejects.toMatchObject({
      code: 'E_UNKNOWN_TRIGGER',
      message: expect.stringContaining('"Hall motion" (t1)'),
    });
    await expect(site.why.trigger({ trigger: 'B', device: 'x' })).rejects.toMatchObject({ code: 'E_UNKNOWN_DEVICE' });
  });
});
