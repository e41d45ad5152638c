/** Steps of escalations that wait in the queue or for their next try, while somebody sees to the alarm. */
import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../engine/clock/virtual-clock';
import type { ActionHandler, ActionRow } from '../../engine/domain/actions';
import type { AlarmMessage, MessageAlarm } from '../../engine/domain/alarms';
import { operationalError } from '../../engine/domain/errors';
import type { EscalationDefinition } from '../../engine/domain/escalations';
import { silentLog } from '../../engine/domain/log';
import { createActionRuns } from '../../engine/executor/action-runs';
import { withoutStoppedSteps } from '../../engine/host/escalation-steps';
import { createMemoryRecord } from '../contract/memory-record';
import { alarmEvent } from '../support/alarm-events';
import { alarmTrigger, startAlarms } from '../support/alarm-record';

const guards: EscalationDefinition = {
  id: 'esc',
  name: 'Guards',
  steps: [{ delayMs: 0 }],
  repeats: 0,
  repeatAfterMs: 0,
  minimumLevel: 'alarm',
  stopAtAcknowledge: true,
  stopAtClear: false,
};

/** An alarm whose first step has become a mail that the server does not take yet. */
async function called(definition: Partial<EscalationDefinition> = {}) {
  const { alarms, clock, define, delivered, record } = startAlarms(new VirtualClock(1_780_315_200_000));
  await define(alarmTrigger());
  const steps: AlarmMessage[] = [];
  await alarms.defineEscalation({ ...guards, ...definition }, (message) => steps.push(message));
  await alarms.flowsStarted();
  await alarms.accept(alarmEvent({ receivedAt: clock.now() }));
  const alarmId = delivered[0]!.alarm.id;
  await alarms.escalate('esc', alarmId);
  const sent: string[] = [];
  let serverTakes = false;
  const mail = {
    kind: 'email',
    heavy: false,
    defaultDeadlineMs: 3_600_000,
    attempts: 5,
    check: () => undefined,
    async execute({ row }) {
      if (!serverTakes) throw operationalError('E_MAIL_SERVER', 'The mail server is away');
      sent.push(row.key);
      return { status: 'done', summary: 'mail accepted' };
    },
  } satisfies ActionHandler;
  const rows = createMemoryRecord();
  const runs = createActionRuns({
    record: rows,
    handlers: withoutStoppedSteps([mail], {
      alarms,
      recorded: async (id) => record.alarms.get(id) ?? null,
    }),
    clock,
    log: silentLog,
  });
  const keep = (key: string, alarm: MessageAlarm): void =>
    rows.keep({
      key,
      alarmId,
      nodeId: 'mail',
      nodeName: 'Mail',
      kind: 'email',
      phase: alarm.phase,
      deviceId: null,
      params: {},
      alarm,
      requestedAt: clock.now(),
      deadlineAt: clock.now() + 3_600_000,
      status: 'queued',
      attempts: 0,
      summary: null,
      errorCode: null,
      finishedAt: null,
      durationMs: null,
    } satisfies ActionRow);
  keep('step', steps[0]!.alarm);
  keep('raise', delivered[0]!.alarm);
  await runs.run({ key: 'step' });
  await runs.run({ key: 'raise' });
  expect(rows.rows.get('step')).toMatchObject({ status: 'retrying' });
  serverTakes = true;
  return {
    alarms,
    alarmId,
    clock,
    sent,
    async stop() {
      await alarms.accept(alarmEvent({ phase: 'stop', receivedAt: clock.now() }));
      await clock.advance(120_000);
    },
    /** Both rows have their next turn. */
    async next() {
      for (const key of ['step', 'raise']) await runs.run({ key });
      return rows.rows.get('step');
    },
  };
}

describe('a step of an escalation that is still to be sent', () => {
  it('is skipped with the reason when somebody has acknowledged; the alarm’s own mail is sent', async () => {
    const { alarms, alarmId, next, sent } = await called();
    await alarms.acknowledge(alarmId, 'anna');
    expect(await next()).toMatchObject({
      status: 'skipped',
      summary: 'Not done: acknowledged by anna before it was sent',
      attempts: 2,
    });
    expect(sent).toEqual(['raise']);
  });

  it('is skipped when the alarm was reset', async () => {
    const { alarms, alarmId, next } = await called();
    await alarms.reset(alarmId, 'anna');
    expect(await next()).toMatchObject({
      status: 'skipped',
      summary: 'Not done: the alarm had ended (reset) before it was sent',
    });
  });

  it('is sent although its alarm has come to its end by itself: nobody has seen to it', async () => {
    const { next, sent, stop } = await called();
    await stop();
    expect(await next()).toMatchObject({ status: 'done' });
    expect(sent).toEqual(['step', 'raise']);
  });

  it('is skipped when its alarm has cleared and the clear stops the escalation', async () => {
    const { next, stop } = await called({ stopAtClear: true });
    await stop();
    expect(await next()).toMatchObject({
      status: 'skipped',
      summary: 'Not done: the alarm had cleared before it was sent',
    });
  });

  it('is sent where an acknowledgement does not stop the escalation', async () => {
    const { alarms, alarmId, next } = await called({ stopAtAcknowledge: false, stopAtClear: true });
    await alarms.acknowledge(alarmId, 'anna');
    expect(await next()).toMatchObject({ status: 'done' });
  });
});
