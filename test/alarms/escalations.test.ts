import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../engine/clock/virtual-clock';
import type { AlarmMessage } from '../../engine/domain/alarms';
import type { EscalationDefinition } from '../../engine/domain/escalations';
import { alarmEvent } from '../support/alarm-events';
import { type AlarmRun, alarmTrigger, startAlarms } from '../support/alarm-record';

const noon = 1_780_315_200_000;
const trigger = alarmTrigger();

const ladder = (fields: Partial<EscalationDefinition> = {}): EscalationDefinition => ({
  id: 'esc',
  name: 'Night guard',
  steps: [{ delayMs: 0 }, { delayMs: 120_000 }, { delayMs: 120_000 }],
  repeats: 0,
  repeatAfterMs: 0,
  minimumLevel: 'alarm',
  stopAtAcknowledge: true,
  stopAtClear: false,
  ...fields,
});

interface Ladder extends AlarmRun {
  /** `seconds phase output,output` of what the escalation node was given. */
  readonly called: string[];
  readonly messages: AlarmMessage[];
}

/** Flows in which every message of the trigger goes on to the escalation node. */
async function begin(run: AlarmRun, definition: EscalationDefinition | null = ladder()): Promise<Ladder> {
  const called: string[] = [];
  const messages: AlarmMessage[] = [];
  await run.alarms.defineTrigger(trigger, (message) => {
    run.delivered.push(message);
    if (message.payload) void run.alarms.escalate('esc', message.alarm.id).catch(() => undefined);
  });
  if (definition !== null) {
    await run.alarms.defineEscalation(definition, (message) => {
      messages.push(message);
      const at = (run.clock.now() - noon) / 1_000;
      called.push(`${at} ${message.alarm.phase} ${message.alarm.escalation?.outputs.join(',')}`);
    });
  }
  await run.alarms.flowsStarted();
  await run.clock.advance(0);
  return { ...run, called, messages };
}

const running = (definition?: EscalationDefinition): Promise<Ladder> =>
  begin(startAlarms(new VirtualClock(noon)), definition);

async function restarted(
  run: AlarmRun,
  awayMs: number,
  definition: EscalationDefinition | null = ladder(),
): Promise<Ladder> {
  run.crash();
  await run.clock.advance(awayMs);
  return begin(startAlarms(run.clock, run.record), definition);
}

async function raise(run: AlarmRun, level: 'pre-alarm' | 'alarm' = 'alarm'): Promise<string> {
  await run.alarms.accept(alarmEvent({ receivedAt: run.clock.now(), level }));
  await run.clock.advance(0);
  return run.alarms.live()[0]!.id;
}

const clear = async (run: AlarmRun): Promise<void> => {
  await run.alarms.accept(alarmEvent({ receivedAt: run.clock.now(), phase: 'stop' }));
  await run.clock.advance(0);
};

const kept = (run: AlarmRun) => [...run.record.standing.values()].filter(({ kind }) => kind === 'escalation').length;

const decided = (run: AlarmRun) =>
  run.record.decisions
    .filter(({ reason }) => reason.startsWith('escalation-'))
    .map(({ outcome, reason }) => `${outcome}/${reason}`);

describe('an alarm that nobody acknowledges', () => {
  it('calls step after step, each with a message and a line of its own', async () => {
    const run = await running();
    const id = await raise(run);
    await run.clock.advance(600_000);
    expect(run.called).toEqual(['0 escalate 1', '120 escalate 2', '240 escalate 3']);
    expect(run.messages.map((message) => message.messageId)).toEqual([
      `${id}:escalate:esc:1.1`,
      `${id}:escalate:esc:1.2`,
      `${id}:escalate:esc:1.3`,
    ]);
    expect(run.messages[1]).toMatchObject({
      payload: true,
      alarm: { id, phase: 'escalate', escalation: { nodeId: 'esc', step: 2, round: 1, outputs: [2] } },
    });
    expect(decided(run)).toEqual([
      'escalated/escalation-step',
      'escalated/escalation-step',
      'escalated/escalation-step',
    ]);
    expect(run.record.decisions.find(({ reason }) => reason === 'escalation-step')?.detail).toBe(
      'escalation "Night guard": step 1 of 3; the next one follows in 2 min',
    );
    expect(run.record.timers.size).toBe(0);
  });

  it('shows that it calls', async () => {
    const run = await running();
    expect(run.alarms.triggerNotice('esc')).toEqual({ state: 'idle', text: 'ready' });
    await raise(run);
    expect(run.alarms.triggerNotice('esc')).toEqual({ state: 'waiting', text: 'calling' });
  });

  it('is called once, also when its message comes again', async () => {
    const run = await running();
    const id = await raise(run);
    await run.alarms.escalate('esc', id);
    await run.clock.advance(1_000);
    expect(run.called).toEqual(['0 escalate 1']);
  });

  it('is not called for as a pre-alarm, but when it becomes an alarm', async () => {
    const run = await running();
    await raise(run, 'pre-alarm');
    await run.clock.advance(60_000);
    expect(run.called).toEqual([]);
    await raise(run);
    expect(run.called).toEqual(['60 escalate 1']);
  });

  it('is called for as a pre-alarm if that is asked for', async () => {
    const run = await running(ladder({ minimumLevel: 'pre-alarm' }));
    await raise(run, 'pre-alarm');
    expect(run.called).toEqual(['0 escalate 1']);
  });
});

describe('an acknowledgement', () => {
  it('stops it in the same change', async () => {
    const run = await running();
    const id = await raise(run);
    await run.clock.advance(119_999);
    await run.alarms.acknowledge(id, 'guard');
    await run.clock.advance(600_000);
    expect(run.called).toEqual(['0 escalate 1']);
    expect(decided(run).at(-1)).toBe('acknowledged/escalation-stopped');
    expect(run.record.decisions.at(-1)?.detail).toBe(
      'escalation "Night guard": acknowledged by guard; stopped after step 1',
    );
    expect(run.record.timers.size).toBe(0);
  });

  it('does not stop one that goes on until the end', async () => {
    const run = await running(ladder({ stopAtAcknowledge: false }));
    const id = await raise(run);
    await run.alarms.acknowledge(id, 'guard');
    await run.clock.advance(120_000);
    expect(run.called).toEqual(['0 escalate 1', '120 escalate 2']);
  });

  it('that the record did not take stops nothing', async () => {
    const run = await running();
    const id = await raise(run);
    await run.clock.advance(100_000);
    run.record.failures = 1;
    await expect(run.alarms.acknowledge(id, 'guard')).rejects.toThrow('disk full');
    await run.clock.advance(20_000);
    expect(run.called).toEqual(['0 escalate 1', '120 escalate 2']);
  });

  it('on its way to the disk holds back the step that falls due, and lets it go when it fails', async () => {
    const run = await running();
    const id = await raise(run);
    await run.clock.advance(119_000);
    let fail: () => void = () => undefined;
    run.record.hold = () => {
      run.record.hold = null;
      return new Promise<void>((_resolve, reject) => {
        fail = () => reject(new Error('cable cut'));
      });
    };
    const acknowledged = run.alarms.acknowledge(id, 'guard').catch((error: Error) => error.message);
    await run.clock.advance(5_000);
    expect(run.called).toEqual(['0 escalate 1']);
    fail();
    expect(await acknowledged).toContain('cable cut');
    await run.clock.advance(10);
    expect(run.called).toEqual(['0 escalate 1', '124 escalate 2']);
  });

  it('of before its message came does not begin it', async () => {
    const run = await running();
    const id = await raise(run);
    await run.alarms.acknowledge(id, 'guard');
    await run.clock.advance(0);
    const late = await begin(run, ladder({ id: 'other' }));
    await late.alarms.escalate('other', id);
    expect(late.called).toEqual([]);
  });
});

describe('the end of an alarm', () => {
  it('stops it, and tells those who were called, once each', async () => {
    const run = await running();
    await raise(run);
    await run.clock.advance(130_000);
    await clear(run);
    await run.clock.advance(600_000);
    expect(run.called).toEqual(['0 escalate 1', '120 escalate 2', '130 clear 1,2', '130 end 1,2']);
    expect(run.messages.at(-1)?.payload).toBe(false);
    expect([run.record.timers.size, kept(run)]).toEqual([0, 0]);
  });

  it('goes on calling while a latched alarm waits for somebody', async () => {
    const run = startAlarms(new VirtualClock(noon));
    const latched = await begin(run);
    await latched.alarms.defineTrigger(alarmTrigger({ latched: true }), (message) => {
      if (message.payload) void run.alarms.escalate('esc', message.alarm.id);
    });
    await latched.alarms.flowsStarted();
    const id = await raise(latched);
    await clear(latched);
    await latched.clock.advance(120_000);
    expect(latched.called).toEqual(['0 escalate 1', '0 clear 1', '120 escalate 2']);
    await latched.alarms.acknowledge(id, 'guard');
    await latched.clock.advance(10_000);
    expect(latched.called.at(-1)).toBe('120 end 1,2');
  });

  it('stops at the clear where that is asked for, and goes on when the alarm comes back', async () => {
    const run = await running(ladder({ stopAtClear: true }));
    const id = await raise(run);
    run.holds.held.add(id);
    await run.clock.advance(100_000);
    await clear(run);
    await run.clock.advance(50_000);
    expect(run.called).toEqual(['0 escalate 1', '100 clear 1']);
    await raise(run);
    await run.clock.advance(120_000);
    expect(run.called.slice(2)).toEqual(['270 escalate 2']);
    expect(decided(run)).toEqual([
      'escalated/escalation-step',
      'cleared/escalation-stopped',
      'pending/escalation-resumed',
      'escalated/escalation-step',
    ]);
  });

  it('by reset stops it too', async () => {
    const run = await running();
    const id = await raise(run);
    await run.alarms.reset(id, 'guard');
    await run.clock.advance(600_000);
    expect(run.called).toEqual(['0 escalate 1', '0 end 1']);
  });
});

describe('after a crash', () => {
  it('the step that is not due yet comes on time', async () => {
    const run = await running();
    await raise(run);
    await run.clock.advance(2_000);
    const next = await restarted(run, 100_000);
    await next.clock.advance(17_999);
    expect(next.called).toEqual([]);
    await next.clock.advance(1);
    expect(next.called).toEqual(['120 escalate 2']);
  });

  it('an overdue step comes at once, and the next one has its whole delay', async () => {
    const run = await running();
    await raise(run);
    await run.clock.advance(2_000);
    const next = await restarted(run, 600_000);
    await next.clock.advance(600_000);
    expect(next.called).toEqual(['602 escalate 2', '722 escalate 3']);
  });

  it('a step that fell due before the flows ran is called when they do', async () => {
    const run = await running();
    await raise(run);
    await run.clock.advance(2_000);
    run.crash();
    await run.clock.advance(600_000);
    const next = startAlarms(run.clock, run.record);
    await next.clock.advance(5_000);
    const { called } = await begin(next);
    expect(called).toEqual(['607 escalate 2']);
  });

  it('a step whose message was not surely had is sent again under the same id', async () => {
    const run = await running();
    const id = await raise(run);
    const next = await restarted(run, 500);
    expect(next.called).toEqual(['0.5 escalate 1']);
    expect(next.messages[0]?.messageId).toBe(`${id}:escalate:esc:1.1`);
  });

  it('a raise that had not reached the escalation begins it', async () => {
    const run = startAlarms(new VirtualClock(noon));
    await run.alarms.defineTrigger(trigger, () => undefined);
    await run.alarms.flowsStarted();
    await raise(run);
    const next = await restarted(run, 500);
    expect(next.called).toEqual(['0.5 escalate 1']);
  });

  it('what was acknowledged and not told is not called', async () => {
    const run = await running();
    const id = await raise(run);
    await run.clock.advance(2_000);
    // As a record would be that an older version has left: the alarm acknowledged, the escalation running.
    const alarm = run.record.alarms.get(id)!;
    run.record.alarms.set(id, { ...alarm, acknowledgedAt: noon, acknowledgedBy: 'guard' });
    const next = await restarted(run, 600_000);
    await next.clock.advance(600_000);
    expect(next.called).toEqual([]);
    expect(decided(next).at(-1)).toBe('acknowledged/escalation-stopped');
  });

  it('killed at any instant, each step is had once by its id, and none early', async () => {
    for (let ms = 0; ms <= 260_000; ms += 13_331) {
      const run = await running();
      const id = await raise(run);
      await run.clock.advance(ms);
      const next = await restarted(run, 7_000);
      await next.clock.advance(900_000);
      const had = new Set([...run.messages, ...next.messages].map((message) => message.messageId));
      expect([...had].sort(), `killed after ${ms} ms`).toEqual([1, 2, 3].map((step) => `${id}:escalate:esc:1.${step}`));
      const times = [...run.called, ...next.called].map((line) => [Number(line.split(' ')[0]), line.split(' ')[2]]);
      const at = (step: string) =>
        Math.min(...times.filter(([, output]) => output === step).map(([time]) => Number(time)));
      expect(at('2') - at('1')).toBeGreaterThanOrEqual(120);
      expect(at('3') - at('2')).toBeGreaterThanOrEqual(120);
      next.crash();
    }
  });
});

describe('a deploy', () => {
  it('keeps what runs', async () => {
    const run = await running();
    await raise(run);
    await run.clock.advance(60_000);
    run.alarms.detach('esc');
    run.alarms.detach('t1');
    const next = await begin(run);
    await next.clock.advance(60_000);
    expect(next.called).toEqual(['120 escalate 2']);
  });

  it('without the node stops it and says so', async () => {
    const run = await running();
    await raise(run);
    run.alarms.detach('esc');
    await run.alarms.flowsStarted();
    await run.clock.advance(600_000);
    expect(run.called).toEqual(['0 escalate 1']);
    expect(decided(run).at(-1)).toBe('ended/escalation-stopped');
    expect([run.record.timers.size, kept(run)]).toEqual([0, 0]);
    await expect(run.alarms.escalate('esc', 'any')).rejects.toMatchObject({ code: 'E_UNKNOWN_ESCALATION' });
  });

  it('that was made while the process was down is followed at the start', async () => {
    const run = await running();
    await raise(run);
    const next = await restarted(run, 600_000, null);
    await next.clock.advance(600_000);
    expect([next.record.timers.size, kept(next), next.record.messages.size]).toEqual([0, 0, 0]);
  });
});

it('a definition that cannot work is refused by its name', async () => {
  const run = startAlarms(new VirtualClock(noon));
  await expect(run.alarms.defineEscalation(ladder({ steps: [] }), () => undefined)).rejects.toMatchObject({
    code: 'E_BAD_ESCALATION',
    message: 'Escalation "Night guard": give 1 to 10 steps',
  });
});
