import { describe, expect, it } from 'vitest';
import { createAlarms } from '../../engine/alarms';
import { VirtualClock } from '../../engine/clock/virtual-clock';
import type { AlarmMessage } from '../../engine/domain/alarms';
import type { DeviceEvent, EventPhase } from '../../engine/domain/events';
import { silentLog } from '../../engine/domain/log';
import type { HoldPolicy } from '../../engine/domain/outputs';
import { defaultPolicy } from '../../engine/domain/triggers';
import { createTimers } from '../../engine/executor/timers';
import { createOutputs } from '../../engine/outputs';
import { MemoryRecord, RelayBox, START } from './bench-site';

/** The engine's own alarms, timers and outputs on a record in memory, with one trigger wired to one relay. */
async function wired(policy: Partial<typeof defaultPolicy>, hold: Partial<HoldPolicy>) {
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
      hold: { afterClearMs: 0, capMs: null, ...hold },
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

describe('a fixed hold', () => {
  it('lasts its time from the switching, whatever the alarm does', async () => {
    const site = await wired({}, { kind: 'fixed', onMs: 10_000 });
    await site.event('start');
    await site.clock.advance(1_000);
    await site.event('stop');
    await site.clock.advance(2_000);
    await site.event('start');
    await site.clock.advance(6_999);
    expect(site.on()).toBe(true);
    await site.clock.advance(1);
    expect(site.on()).toBe(false);
    await site.event('start');
    await site.clock.advance(60_000);
    expect(site.on()).toBe(false);
    expect(site.alarms.live()).toHaveLength(1);
  });

  it('pulses also when the alarm is over before its message has come through the flow', async () => {
    const site = await wired({}, { kind: 'fixed', onMs: 2_000 });
    site.flow.slowMs = 500;
    await site.event('start');
    await site.event('stop');
    await site.clock.advance(500);
    expect(site.on()).toBe(true);
    await site.clock.advance(1_999);
    expect(site.on()).toBe(true);
    await site.clock.advance(1);
    expect(site.on()).toBe(false);
  });
});

describe('an extended hold', () => {
  it('begins anew with every start of the alarm, and switches on again when it is over', async () => {
    const site = await wired({}, { kind: 'extended', onMs: 10_000 });
    await site.event('start');
    await site.clock.advance(6_000);
    await site.event('start');
    await site.clock.advance(9_999);
    expect(site.on()).toBe(true);
    await site.clock.advance(1);
    expect(site.on()).toBe(false);
    await site.clock.advance(5_000);
    await site.event('start');
    await site.clock.advance(0);
    expect(site.on()).toBe(true);
    await site.clock.advance(10_000);
    expect(site.on()).toBe(false);
  });

  it('is not begun anew by a condition that merely goes on, nor ended by the clear', async () => {
    const site = await wired({}, { kind: 'extended', onMs: 10_000 });
    await site.event('start');
    await site.clock.advance(3_000);
    await site.event('refresh');
    await site.clock.advance(3_000);
    await site.event('stop');
    await site.clock.advance(3_999);
    expect(site.on()).toBe(true);
    await site.clock.advance(1);
    expect(site.on()).toBe(false);
    expect(site.alarms.live()).toEqual([]);
  });
});

describe.each([
  ['back', -3_600_000],
  ['forward', 3_600_000],
])('when the wall clock is set %s by an hour', (_name, ms) => {
  it('a post-alarm lasts as long as without', async () => {
    const site = await wired({}, { afterClearMs: 30_000 });
    await site.event('start');
    await site.event('stop');
    await site.clock.advance(10_000);
    site.clock.jump(ms);
    await site.clock.advance(19_999);
    expect(site.on()).toBe(true);
    await site.clock.advance(1);
    expect(site.on()).toBe(false);
    expect(site.alarms.live()).toEqual([]);
    expect(site.record.timers.size).toBe(0);
  });

  it('a filtering time raises when it has passed, neither earlier nor later, events in between or not', async () => {
    for (const refresh of [false, true]) {
      const site = await wired({ onDelayMs: 30_000 }, { afterClearMs: 0 });
      await site.event('start');
      await site.clock.advance(10_000);
      site.clock.jump(ms);
      if (refresh) await site.event('refresh');
      await site.clock.advance(19_999);
      expect(site.on()).toBe(false);
      await site.clock.advance(1);
      expect(site.on()).toBe(true);
    }
  });

  it('an off-delay and the post-alarm after it keep their times', async () => {
    const site = await wired({ offDelayMs: 20_000 }, { afterClearMs: 30_000 });
    await site.event('start');
    await site.event('stop');
    await site.clock.advance(10_000);
    site.clock.jump(ms);
    await site.clock.advance(10_000);
    expect(site.phases).toEqual(['raise', 'clear']);
    await site.clock.advance(29_999);
    expect(site.on()).toBe(true);
    await site.clock.advance(1);
    expect(site.on()).toBe(false);
  });

  it('a quiet time ends its condition when it has passed', async () => {
    const site = await wired({ quietMs: 30_000 }, { afterClearMs: 0 });
    await site.event('start');
    await site.clock.advance(10_000);
    site.clock.jump(ms);
    await site.clock.advance(19_999);
    expect(site.on()).toBe(true);
    await site.clock.advance(1);
    expect(site.on()).toBe(false);
  });

  it('messages into the flow are settled as soon as without', async () => {
    const site = await wired({}, { afterClearMs: 0 });
    await site.event('start');
    site.clock.jump(ms);
    await site.event('stop');
    await site.clock.advance(2_000);
    // An alarm waits for its messages; this one had them.
    expect(site.alarms.live()).toEqual([]);
    expect(site.phases).toEqual(['raise', 'clear', 'end']);
  });

  it('a restart afterwards finds what is left of a hold', async () => {
    const site = await wired({}, { afterClearMs: 60_000 });
    await site.event('start');
    await site.event('stop');
    await site.clock.advance(10_000);
    site.clock.jump(ms);
    // Noticed within ten seconds while timers are set.
    await site.clock.advance(10_000);
    const [lease] = [...site.record.leases.values()];
    expect(lease?.endsAt).toBe(site.clock.now() + 40_000);
    expect(site.record.timers.get(`lease:${lease?.id}`)?.at).toBe(lease?.endsAt);
  });
});
