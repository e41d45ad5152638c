import { describe, expect, it } from 'vitest';
import { createAlarms } from '../../engine/alarms';
import { VirtualClock } from '../../engine/clock/virtual-clock';
import type { AlarmMessage } from '../../engine/domain/alarms';
import type { DeviceEvent, EventPhase } from '../../engine/domain/events';
import { silentLog } from '../../engine/domain/log';
import { defaultPolicy } from '../../engine/domain/triggers';
import { createTimers } from '../../engine/executor/timers';
import { createOutputs } from '../../engine/outputs';
import { MemoryRecord, RelayBox, START } from './bench-site';

/** The engine's own alarms, timers and outputs on a record in memory, with one trigger wired to one relay. */
async function wired(policy: Partial<typeof defaultPolicy>, hold: { afterClearMs: number | null }) {
  const clock = new VirtualClock(START);
  const record = new MemoryRecord();
  const box = new RelayBox('box', clock);
  const timers = createTimers({ clock, log: silentLog });
  const common = { writer: record, clock, log: silentLog, timers, announce: () => undefined };
  const outputs = createOutputs({
    ...common,
    devices: { device: () => box },
    requestReconcile: (id) => void outputs.reconcile(id),
    alarm: (id) => alarms.alarm(id),
    holdEnded: (id) => void alarms.holdEnded(id),
  });
  const alarms = createAlarms({ ...common, holds: outputs, siteName: 'Depot', deviceName: (id) => id });
  const empty = { gateStates: [], alarms: [], timers: [], flowMessages: [], leases: [], outputs: [], standing: [] };
  outputs.resume(empty);
  alarms.resume(empty, true);
  const phases: string[] = [];
  /** How long the flow takes from the trigger to the relay node. */
  const flow = { slowMs: 0 };
  const relay = async (message: AlarmMessage): Promise<void> => {
    if (flow.slowMs > 0) await clock.sleep(flow.slowMs);
    await outputs.request({
      nodeId: 'relay-node',
      nodeName: 'Siren',
      deviceId: 'box',
      output: '1',
      alarm: message.alarm,
      messageId: message.messageId,
      condition: message.payload,
      topic: message.topic,
      hold: { ...hold, capMs: null },
    });
  };
  await alarms.defineTrigger(
    {
      id: 'trigger',
      name: 'Line',
      filter: { types: ['line-crossing'] },
      policy: { ...defaultPolicy, antiDitherMs: 0, ...policy },
    },
    (message) => {
      phases.push(message.alarm.phase);
      void relay(message);
    },
  );
  await outputs.define({ nodeId: 'relay-node', deviceId: 'box', output: '1', name: 'Siren' });
  await alarms.flowsStarted();
  await outputs.flowsStarted();
  let count = 0;
  const event = (phase: EventPhase): Promise<void> =>
    alarms.accept({
      id: `event-${String(++count).padStart(4, '0')}`,
      deviceId: 'cam',
      type: 'line-crossing',
      vendorType: 'linedetection',
      phase,
      channel: 1,
      deviceTime: null,
      deviceAt: null,
      receivedAt: clock.now(),
      clockSuspect: false,
      late: false,
      pictures: [],
      raw: '',
    } satisfies DeviceEvent);
  return { clock, record, alarms, outputs, flow, phases, event, on: () => box.relays.get('1') ?? false };
}

describe('alarms and outputs together', () => {
  it('hold the relay from the raise to the end of the hold, and then the alarm ends', async () => {
    const site = await wired({}, { afterClearMs: 10_000 });
    await site.event('start');
    await site.clock.advance(0);
    expect(site.on()).toBe(true);
    await site.clock.advance(5_000);
    await site.event('stop');
    await site.clock.advance(9_999);
    expect(site.on()).toBe(true);
    await site.clock.advance(1);
    expect(site.on()).toBe(false);
    expect(site.alarms.live()).toEqual([]);
    expect(site.phases).toEqual(['raise', 'clear', 'end']);
    expect(site.record.leases.size).toBe(0);
  });

  it('keep the relay on when the condition begins again during the hold', async () => {
    const site = await wired({}, { afterClearMs: 10_000 });
    await site.event('start');
    await site.event('stop');
    await site.clock.advance(8_000);
    await site.event('start');
    await site.clock.advance(60_000);
    expect(site.on()).toBe(true);
    expect(site.alarms.live()).toHaveLength(1);
    await site.event('stop');
    await site.clock.advance(10_000);
    expect(site.on()).toBe(false);
  });

  it('give the relay its hold, counted from the clear, when the flow is slower than the alarm', async () => {
    const site = await wired({}, { afterClearMs: 10_000 });
    site.flow.slowMs = 1_000;
    await site.event('start');
    await site.event('stop');
    await site.clock.advance(1_000);
    expect(site.on()).toBe(true);
    await site.clock.advance(8_999);
    expect(site.on()).toBe(true);
    await site.clock.advance(1);
    expect(site.on()).toBe(false);
    await site.clock.advance(60_000);
    expect(site.alarms.live()).toEqual([]);
    expect(site.record.leases.size).toBe(0);
  });

  it('release the relay at once when the site is disarmed', async () => {
    const site = await wired({}, { afterClearMs: 600_000 });
    await site.event('start');
    await site.clock.advance(1_000);
    expect(site.on()).toBe(true);
    await site.alarms.setArmed(false, 'anna');
    await site.clock.advance(0);
    expect(site.on()).toBe(false);
  });

  it('end the alarm when the operator resets the outputs during the hold', async () => {
    const site = await wired({}, { afterClearMs: null });
    await site.event('start');
    await site.event('stop');
    await site.clock.advance(3_600_000);
    expect(site.on()).toBe(true);
    await site.outputs.resetAll('anna');
    await site.clock.advance(0);
    expect(site.on()).toBe(false);
    expect(site.alarms.live()).toEqual([]);
  });
});
