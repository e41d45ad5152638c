/** The record fails between a raise and what the flow's nodes make of it. */
import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../engine/clock/virtual-clock';
import type { ActionHandler, ActionRow } from '../../engine/domain/actions';
import { operationalError } from '../../engine/domain/errors';
import { silentLog } from '../../engine/domain/log';
import { createFlowEngine, type FlowEngineParts } from '../../engine/host/flow-engine';
import type { AlarmMessage, EscalationDefinition } from '../../engine/index';
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
const handler = { kind: 'log', defaultDeadlineMs: 60_000, check: () => undefined } as Partial<ActionHandler>;

async function site() {
  const run = startAlarms(new VirtualClock(1_780_315_200_000));
  const submitted: ActionRow[] = [];
  const parts: Partial<FlowEngineParts> = {
    alarms: run.alarms,
    devices: { status: () => null } as never,
    outputs: { flowsStarted: async () => undefined } as never,
    handlers: [handler as ActionHandler],
    writer: run.record,
    submit: async (rows) => void submitted.push(...rows),
    timers: run.timers,
    clock: run.clock,
    log: silentLog,
  };
  const engine = createFlowEngine(parts as FlowEngineParts);
  const delivered: string[] = [];
  const steps: AlarmMessage[] = [];
  await engine.defineTrigger(alarmTrigger(), (message) => {
    delivered.push(message.messageId);
    const { alarm, messageId } = message;
    const works = [
      engine.requestAction({
        nodeId: 'log',
        nodeName: 'Log',
        kind: 'log',
        alarm,
        messageId,
        deviceId: null,
        params: {},
      }),
      ...(message.payload ? [engine.offerEscalation('esc', alarm.id)] : []),
    ];
    // A node shows its error; nobody else hears of it.
    for (const work of works) work.catch(() => undefined);
  });
  await engine.defineEscalation(guards, (message) => steps.push(message));
  await engine.flowsStarted();
  /** Commits that fail, counted from now on. */
  const fail = (which: (commit: number) => boolean): void => {
    let commits = 0;
    run.record.hold = async () => {
      if (which(++commits)) throw operationalError('E_RECORD_WRITE', 'the database is restarted');
    };
  };
  const raise = () => run.alarms.accept(alarmEvent({ receivedAt: run.clock.now() })).then(() => run.clock.advance(0));
  return { run, delivered, steps, submitted, fail, raise };
}

describe('a record that fails just after a raise', () => {
  it('gets what the nodes ask for with another delivery of the same message', async () => {
    const { run, delivered, steps, submitted, fail, raise } = await site();
    fail((commit) => commit === 2 || commit === 3);
    await raise();
    expect([submitted, steps]).toEqual([[], []]);
    await run.clock.advance(1_000);
    expect(delivered).toHaveLength(2);
    expect(new Set(delivered).size).toBe(1);
    expect(submitted.map(({ phase }) => phase)).toEqual(['raise']);
    expect(steps).toHaveLength(1);
    await run.clock.advance(60_000);
    expect(delivered).toHaveLength(2);
  });

  it('does nothing twice where only one of the nodes had failed', async () => {
    const { run, delivered, steps, submitted, fail, raise } = await site();
    fail((commit) => commit === 2);
    await raise();
    await run.clock.advance(60_000);
    expect(delivered).toHaveLength(2);
    expect(new Set(submitted.map(({ key }) => key)).size).toBe(1);
    expect(steps).toHaveLength(1);
  });

  it('may be away for longer: the pauses grow, and the message is kept over a crash', async () => {
    const { run, delivered, submitted, fail, raise } = await site();
    fail((commit) => commit > 1);
    await raise();
    await run.clock.advance(600_000);
    expect(delivered.length).toBeGreaterThan(15);
    expect(delivered.length).toBeLessThan(30);
    expect(run.record.messages.size).toBe(1);
    run.record.hold = null;
    await run.clock.advance(31_000);
    expect(submitted).toHaveLength(1);
    await run.clock.advance(2_000);
    expect(run.record.messages.size).toBe(0);
  });
});
