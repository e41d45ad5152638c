/** Triggers, a combination and an escalation behind the face that the nodes see, wired as a flow wires them. */
import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../engine/clock/virtual-clock';
import { silentLog } from '../../engine/domain/log';
import { createFlowEngine, type FlowEngineParts } from '../../engine/host/flow-engine';
import type { AlarmMessage, EscalationDefinition, NodeNotice } from '../../engine/index';
import { alarmEvent } from '../support/alarm-events';
import { type AlarmRun, alarmTrigger, startAlarms } from '../support/alarm-record';

const noon = 1_780_315_200_000;
const jpeg = (mediaId: string) => ({ mediaId, contentType: 'image/jpeg', size: 3 });

const both = alarmTrigger(
  // What the node's device is made of is for the engine to say.
  { keyParts: ['device', 'channel'] },
  {
    id: 'both',
    name: 'Hall and gate',
    filter: { types: ['message'] },
    source: { kind: 'combination', rule: { mode: 'all', operands: ['hall', 'gate'], withinMs: 0, count: 2 } },
  },
);

const ladder: EscalationDefinition = {
  id: 'esc',
  name: 'Guards',
  steps: [{ delayMs: 0 }, { delayMs: 120_000 }],
  repeats: 0,
  repeatAfterMs: 0,
  minimumLevel: 'alarm',
  stopAtAcknowledge: true,
  stopAtClear: false,
};

async function site(run: AlarmRun = startAlarms(new VirtualClock(noon))) {
  const parts: Partial<FlowEngineParts> = {
    alarms: run.alarms,
    devices: { define: () => undefined, remove: async () => undefined, status: () => null } as never,
    outputs: { list: () => [], of: () => [], flowsStarted: async () => undefined } as never,
    handlers: [],
    timers: run.timers,
    clock: run.clock,
    log: silentLog,
  };
  const engine = createFlowEngine(parts as FlowEngineParts);
  const steps: AlarmMessage[] = [];
  const combined: AlarmMessage[] = [];
  const notices: NodeNotice[] = [];
  const toCombination = ({ messageId, topic, alarm }: AlarmMessage): void => {
    const { triggerId, triggerName, id, phase } = alarm;
    const operand = { id: triggerId, name: triggerName, alarmId: id };
    const condition = phase !== 'clear' && phase !== 'end';
    void engine.offerMessage('both', { messageId, topic, condition, goesOn: phase === 'remind', operand });
  };
  for (const id of ['hall', 'gate'])
    await engine.defineTrigger(
      alarmTrigger({}, { id, name: `${id} motion`, filter: { types: ['motion'], deviceIds: [id] } }),
      toCombination,
    );
  await engine.defineTrigger(both, (message) => {
    combined.push(message);
    if (message.payload) void engine.offerEscalation('esc', message.alarm.id);
  });
  await engine.defineEscalation(ladder, (message) => steps.push(message));
  await engine.watchNode('esc', (notice) => notices.push(notice));
  await engine.flowsStarted();
  await run.clock.advance(0);
  return { run, engine, steps, combined, notices };
}

const motion = (run: AlarmRun, deviceId: string, fields: object = {}) =>
  run.alarms
    .accept(alarmEvent({ deviceId, channel: 2, receivedAt: run.clock.now(), ...fields }))
    .then(() => run.clock.advance(0));

describe('a combination behind two cameras', () => {
  it('makes one alarm of both that names them and carries their pictures', async () => {
    const { run, combined } = await site();
    await motion(run, 'hall', { pictures: [jpeg('p1')] });
    expect(combined).toEqual([]);
    await motion(run, 'gate', { pictures: [jpeg('p2')] });
    expect(combined[0]?.alarm).toMatchObject({
      triggerName: 'Hall and gate',
      deviceName: 'Camera both',
      key: 'device=both',
      event: {
        description: 'hall motion (Camera hall, channel 2) and gate motion (Camera gate, channel 2) hold at once',
        pictures: [jpeg('p2'), jpeg('p1')],
      },
    });
    await motion(run, 'hall', { phase: 'stop' });
    expect(combined[1]?.alarm.phase).toBe('clear');
  });

  it('knows after a restart which of them hold', async () => {
    const first = await site();
    await motion(first.run, 'hall');
    await first.run.clock.advance(2_000);
    first.run.crash();
    const { run, combined } = await site(startAlarms(first.run.clock, first.run.record));
    await motion(run, 'gate');
    expect(combined.map(({ alarm }) => alarm.phase)).toEqual(['raise']);
  });

  it('refuses messages for a node that the engine does not know', async () => {
    const { engine } = await site();
    const message = { messageId: 'm', condition: true, topic: '' };
    await expect(engine.offerMessage('nobody', message)).rejects.toMatchObject({ code: 'E_UNKNOWN_TRIGGER' });
    await expect(engine.offerEscalation('nobody', 'a')).rejects.toMatchObject({ code: 'E_UNKNOWN_ESCALATION' });
  });
});

describe('an escalation behind it', () => {
  it('calls until it is acknowledged, shows it, and keeps a deploy', async () => {
    const { run, engine, steps, notices } = await site();
    await motion(run, 'hall');
    await motion(run, 'gate');
    await run.clock.advance(200);
    expect(steps.map(({ alarm }) => alarm.escalation?.step)).toEqual([1]);
    expect(notices.at(-1)).toEqual({ state: 'waiting', text: 'calling' });
    await engine.detach('esc');
    await engine.defineEscalation(ladder, (message) => steps.push(message));
    await engine.flowsStarted();
    await run.clock.advance(120_000);
    expect(new Set(steps.map(({ messageId }) => messageId)).size).toBe(2);
    await run.alarms.acknowledge(steps[0]!.alarm.id, 'guard');
    expect(run.alarms.triggerNotice('esc')).toEqual({ state: 'idle', text: 'ready' });
  });

  it('stops when its node is not deployed again', async () => {
    const { run, engine, steps } = await site();
    await motion(run, 'hall');
    await motion(run, 'gate');
    await run.clock.advance(2_000);
    await engine.detach('esc');
    await engine.flowsStarted();
    await run.clock.advance(600_000);
    expect(steps).toHaveLength(1);
    const stopped = run.record.decisions.find(({ reason }) => reason === 'escalation-stopped');
    expect(stopped?.detail).toBe('escalation "Guards": its node was removed from the flows');
  });
});
