import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../engine/clock/virtual-clock';
import { silentLog } from '../../engine/domain/log';
import { createFlowEngine, type FlowEngineParts } from '../../engine/host/flow-engine';
import type { OfferedReading, TriggerDefinition } from '../../engine/index';
import { type AlarmRun, alarmTrigger, startAlarms } from '../support/alarm-record';
import { manual, ruleOf } from '../thermal/readings-of';

const triggerOf = (id: string): TriggerDefinition =>
  alarmTrigger(
    { quietMs: 0, keyParts: ['device', 'channel', 'type', 'rule'] },
    {
      id,
      name: `Rule ${id}`,
      filter: { types: ['temperature-reading'] },
      source: { kind: 'thermal', rule: ruleOf([manual], { triggerId: id }) },
    },
  );

/** The flow's side of the engine over real alarms, with two temperature rule nodes that listen to any device. */
async function site() {
  const run: AlarmRun = startAlarms(new VirtualClock(1_780_315_200_000));
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
  for (const id of ['one', 'two']) await engine.defineTrigger(triggerOf(id), () => undefined);
  await run.alarms.flowsStarted();
  return { run, engine };
}

const told = (name: string, value: number): OfferedReading => ({
  messageId: 'm1',
  places: [{ name, temperature: { unit: 'celsius', value } }],
});

describe('temperatures that a node offers', () => {
  it('raise the alarm of that node alone, on disk when the call resolves', async () => {
    const { run, engine } = await site();
    await engine.offerReading('one', told('Rack', 60));
    expect([...run.record.alarms.values()]).toMatchObject([
      { triggerId: 'one', deviceId: 'one', rule: 'Rack', level: 'alarm' },
    ]);
    await engine.offerReading('one', told('Rack', 46.9));
    await run.clock.advance(2_000);
    expect(run.alarms.live()).toEqual([]);
  });

  it('may be several places at once', async () => {
    const { run, engine } = await site();
    const places = ['a', 'b', ''].map((name) => ({ name, temperature: { unit: 'kelvin' as const, value: 330 } }));
    await engine.offerReading('two', { messageId: 'm1', places });
    expect(run.alarms.live().map(({ rule }) => rule)).toEqual(['a', 'b', 'scene']);
  });

  it('are the whole scene without a name', async () => {
    const { run, engine } = await site();
    await engine.offerReading('one', told('', 60));
    expect(run.alarms.live()).toMatchObject([{ rule: 'scene' }]);
  });

  it('are refused for a node that is not deployed, and in no or too great a number', async () => {
    const { engine } = await site();
    await expect(engine.offerReading('three', told('a', 1))).rejects.toMatchObject({ code: 'E_UNKNOWN_TRIGGER' });
    await expect(engine.offerReading('one', { messageId: 'm', places: [] })).rejects.toMatchObject({
      code: 'E_BAD_READING',
    });
    const places = Array.from({ length: 257 }, (_v, at) => ({
      name: `${at}`,
      temperature: { unit: 'celsius' as const, value: 1 },
    }));
    await expect(engine.offerReading('one', { messageId: 'm', places })).rejects.toMatchObject({
      code: 'E_BAD_READING',
      family: 'user',
    });
  });
});
