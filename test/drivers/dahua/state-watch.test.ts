import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../../engine/clock/virtual-clock';
import type { EventDraft } from '../../../engine/domain/events';
import { silentLog } from '../../../engine/domain/log';
import { createReader } from '../../../engine/drivers/dahua/reader';
import { createStateWatch } from '../../../engine/drivers/dahua/state-watch';

/** A device whose active indexes are set by hand; null: it doesn't tell. */
function watched() {
  const clock = new VirtualClock(0);
  const told: string[] = [];
  const device: {
    active: Record<string, number[]> | null;
    inputs: number[] | null;
    openAtRest: number[];
    count: number | null;
    asked: string[];
  } = {
    active: {},
    inputs: null,
    openAtRest: [],
    count: null,
    asked: [],
  };
  let answer: (() => void) | null = null;
  let hang = false;
  const reader = createReader({
    setting: () => ({ timeZone: null, nears: [0], channels: null, inputs: null }),
    judge: () => ({ late: false, clockSuspect: false }),
    at: () => clock.monotonic(),
  });
  const say = (draft: EventDraft): void => {
    told.push([draft.type, draft.phase, draft.channel ?? draft.input].filter((x) => x !== undefined).join(' '));
  };
  const watch = createStateWatch({
    conditions: reader.conditions,
    async indexes(code) {
      device.asked.push(code);
      const found = device.active === null ? null : (device.active[code] ?? []);
      if (hang) await new Promise<void>((resolve) => (answer = resolve));
      return found;
    },
    openAtRest: async () => new Set(device.openAtRest),
    inputs: async () => device.inputs && { active: device.inputs, count: 64 },
    counts: () => ({ channels: null, inputs: device.count }),
    deliver: say,
    clock,
    log: silentLog,
  });
  const event = (text: string): void => {
    const body = Buffer.from(text);
    for (const finding of reader.read({ kind: 'part', headers: {}, contentType: '', form: 'dahua', body }))
      if (finding.kind === 'event') {
        say(finding.draft);
        watch.seen(finding.draft);
      }
  };
  return {
    clock,
    told,
    device,
    watch,
    event,
    conditions: reader.conditions,
    hangs: (on: boolean) => (hang = on),
    answers: () => answer?.(),
  };
}

const broken = 'Code=StorageFailure;action=Start;index=0';

describe('a condition whose end the device may never tell', () => {
  it('is read while it lasts, and ended when it is over', async () => {
    const { clock, told, device, watch, event } = watched();
    watch.connected();
    await clock.advance(0);
    device.active = { StorageFailure: [0] };
    event(broken);
    await clock.advance(20_000);
    expect(told).toEqual(['storage-fault start', 'storage-fault refresh', 'storage-fault refresh']);
    device.active = {};
    await clock.advance(9_000);
    expect(told.at(-1)).toBe('storage-fault stop');
    device.asked = [];
    await clock.advance(120_000);
    expect(device.asked).toEqual([]);
  });

  it('is left to its quiet time by a device that does not tell', async () => {
    const { clock, told, device, watch, event, conditions } = watched();
    device.active = null;
    watch.connected();
    await clock.advance(0);
    event(broken);
    await clock.advance(120_000);
    expect(told).toEqual(['storage-fault start']);
    expect(conditions.open()).toEqual([]);
    event(broken);
    expect(told.at(-1)).toBe('storage-fault start');
  });

  it('is not read while the device is away', async () => {
    const { clock, device, watch, event } = watched();
    watch.connected();
    await clock.advance(0);
    event(broken);
    watch.disconnected();
    device.asked = [];
    await clock.advance(60_000);
    expect(device.asked).toEqual([]);
  });
});

describe('a condition whose Stop is lost', () => {
  it('is ended once the device, that was seen to tell of it, calls it over', async () => {
    const { clock, told, device, watch, event } = watched();
    watch.connected();
    await clock.advance(0);
    device.active = { VideoMotion: [0] };
    event('Code=VideoMotion;action=Start;index=0');
    await clock.advance(200_000);
    device.active = {};
    await clock.advance(130_000);
    expect(told.filter((t) => !t.includes('refresh'))).toEqual(['motion start 1', 'motion stop 1']);
  });

  it('stays where the device has never told of that code', async () => {
    const { clock, told, watch, event } = watched();
    watch.connected();
    await clock.advance(0);
    event('Code=VideoMotion;action=Start;index=0');
    await clock.advance(600_000);
    expect(told).toEqual(['motion start 1']);
  });

  it('that came without an index holds while the device calls any place active', async () => {
    const { clock, told, device, watch, event, conditions } = watched();
    event('Code=VideoLoss;action=Start;index=');
    conditions.connectionLost(0);
    device.active = { VideoLoss: [0] };
    await clock.advance(10);
    watch.connected();
    await clock.advance(10);
    expect(told.slice(0, 2)).toEqual(['video-loss start', 'video-loss refresh']);
    expect(told.join()).not.toContain('stop');
  });
});

describe('an answer that comes late', () => {
  it('does not open again what the stream has ended meanwhile', async () => {
    const { clock, told, device, watch, event, hangs, answers } = watched();
    device.active = { VideoMotion: [1] };
    hangs(true);
    watch.connected();
    await clock.advance(0);
    event('Code=VideoMotion;action=Start;index=1');
    event('Code=VideoMotion;action=Stop;index=1');
    hangs(false);
    answers();
    await clock.advance(0);
    expect(told).toEqual(['motion start 2', 'motion stop 2']);
  });

  it('does not end what the stream has begun meanwhile', async () => {
    const { clock, told, watch, event, hangs, answers } = watched();
    hangs(true);
    watch.connected();
    await clock.advance(10);
    event('Code=VideoMotion;action=Start;index=1');
    hangs(false);
    answers();
    await clock.advance(0);
    expect(told).toEqual(['motion start 2']);
  });
});

describe('the state after a connection', () => {
  it('of inputs is a snapshot, under the type that the device gave them before', async () => {
    const { clock, told, device, watch, event, conditions } = watched();
    event('Code=AlarmLocal;action=Start;index=3;data={"SenseMethod":"PassiveInfrared"}');
    conditions.connectionLost(0);
    device.inputs = [3, 5];
    device.openAtRest = [5];
    await clock.advance(10);
    watch.connected();
    await clock.advance(10);
    expect(told).toEqual(['pir start 3', 'pir refresh 3', 'digital-input snapshot 5']);
  });

  it('keeps every rule of a channel that is active, because the answer names none', async () => {
    const { clock, told, device, watch, event, conditions } = watched();
    event('Code=CrossLineDetection;action=Start;index=0;data={"RuleId":1}');
    event('Code=CrossLineDetection;action=Start;index=0;data={"RuleId":2}');
    event('Code=CrossLineDetection;action=Start;index=1;data={"RuleId":1}');
    conditions.connectionLost(0);
    device.active = { CrossLineDetection: [0] };
    await clock.advance(10);
    watch.connected();
    await clock.advance(10);
    expect(told.slice(3)).toEqual(['line-crossing refresh 1', 'line-crossing refresh 1', 'line-crossing stop 2']);
  });
});

describe('an alarm input', () => {
  const start = 'Code=AlarmLocal;action=Start;index=3';
  const stop = 'Code=AlarmLocal;action=Stop;index=3';

  it('whose Stop is lost is ended once it was seen to read as active', async () => {
    const { clock, told, device, watch, event } = watched();
    device.inputs = [];
    watch.connected();
    await clock.advance(0);
    event(start);
    device.inputs = [3];
    await clock.advance(10_000);
    device.inputs = [];
    await clock.advance(125_000);
    expect(told.filter((t) => !t.includes('refresh'))).toEqual(['digital-input start 3', 'digital-input stop 3']);
  });

  it('that is still active is not ended by a reading of which nothing is known', async () => {
    const { clock, told, device, watch, event } = watched();
    device.inputs = [];
    watch.connected();
    await clock.advance(0);
    event(start);
    await clock.advance(3_600_000);
    expect(told).toEqual(['digital-input start 3']);
  });

  it('that is closed at rest is known by its own events, also after a reconnection', async () => {
    const { clock, told, device, watch, event, conditions } = watched();
    watch.connected();
    await clock.advance(0);
    event(start);
    event(stop);
    device.inputs = [3];
    await clock.advance(10_000);
    event(start);
    device.inputs = [];
    await clock.advance(120_000);
    conditions.connectionLost(clock.monotonic());
    watch.disconnected();
    watch.connected();
    await clock.advance(10);
    expect(told.slice(2).filter((t) => !t.includes('refresh'))).toEqual(['digital-input start 3']);
    device.inputs = [3];
    await clock.advance(120_000);
    expect(told.at(-1)).toBe('digital-input stop 3');
  });

  it('is not read on and on where the device tells no states', async () => {
    const { clock, device, watch, event } = watched();
    watch.connected();
    await clock.advance(0);
    event(start);
    event(stop);
    await clock.advance(10_000);
    device.asked = [];
    await clock.advance(600_000);
    expect(device.asked).toEqual([]);
  });

  it('that an earlier run of ours left open is ended once, when it is known how many there are', async () => {
    const { clock, told, device, watch } = watched();
    device.inputs = [1];
    device.openAtRest = [0, 1, 2];
    watch.connected();
    await clock.advance(0);
    device.count = 3;
    watch.learnt();
    await clock.advance(0);
    watch.learnt();
    await clock.advance(0);
    expect(told).toEqual(['digital-input snapshot 1', 'digital-input stop 0', 'digital-input stop 2']);
  });

  it('is not forgotten when that becomes known in the middle of a reading', async () => {
    const { clock, told, device, watch, hangs, answers } = watched();
    device.inputs = [];
    hangs(true);
    watch.connected();
    await clock.advance(0);
    device.count = 1;
    watch.learnt();
    hangs(false);
    answers();
    await clock.advance(0);
    expect(told).toEqual(['digital-input stop 0']);
  });

  it('whose polarity nobody knows is not taken for active at a connection, so that its first start is one', async () => {
    const { clock, told, device, watch, event } = watched();
    device.inputs = [3];
    device.count = 4;
    watch.connected();
    await clock.advance(0);
    expect(told.filter((t) => t.endsWith(' 3'))).toEqual([]);
    event(start);
    event(stop);
    expect(told.filter((t) => t.endsWith(' 3'))).toEqual(['digital-input start 3', 'digital-input stop 3']);
  });

  it('of unknown polarity is a snapshot where the device names it as active', async () => {
    const { clock, told, device, watch } = watched();
    device.inputs = [1];
    device.active = { AlarmLocal: [3] };
    watch.connected();
    await clock.advance(0);
    expect(told).toEqual(['digital-input snapshot 3']);
  });

  it('of unknown polarity that was open before a reconnection is left to its quiet time, not ended at once', async () => {
    const { clock, told, device, watch, event, conditions } = watched();
    device.inputs = [];
    watch.connected();
    await clock.advance(0);
    event(start);
    conditions.connectionLost(clock.monotonic());
    watch.disconnected();
    await clock.advance(10);
    watch.connected();
    await clock.advance(0);
    expect(told).toEqual(['digital-input start 3', 'digital-input refresh 3']);
    expect(conditions.open()[0]).toMatchObject({ quietMs: 30_000 });
  });
});
