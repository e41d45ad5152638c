import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../engine/clock/system-clock';
import type { DeviceDefinition } from '../../../engine/domain/devices';
import { silentLog } from '../../../engine/domain/log';
import {
  createHikvisionDriver,
  defaultTiming,
  type HikvisionSimulator,
  type HikvisionSimulatorOptions,
  type StreamTiming,
  startHikvisionSimulator,
} from '../../../engine/drivers/hikvision';
import { deviceAt, type RecordingSink, recordingSink, until } from '../../support/recording-sink';

/** The same limits, 20 times shorter. */
const quick: StreamTiming = {
  headMs: 400,
  settleMs: 60,
  heartbeatMs: 500,
  askAfterMs: { least: 250, most: 550 },
  askMs: 150,
  reopenAfterMs: { least: 600, most: 3_750 },
  goodLifeMs: 1_500,
};

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function setUp(
  options: HikvisionSimulatorOptions = {},
  change: Partial<DeviceDefinition> = {},
  timing: StreamTiming = defaultTiming,
): Promise<{ sim: HikvisionSimulator; sink: RecordingSink; restart: (port: number) => void }> {
  const sim = await startHikvisionSimulator({ heartbeatMs: 200, ...options });
  closers.push(() => sim.close());
  const sink = recordingSink();
  const definition = deviceAt(sim.port, change);
  const connection = createHikvisionDriver(timing).connect({ definition, sink, clock: systemClock, log: silentLog });
  closers.push(() => connection.close());
  connection.start();
  return { sim, sink, restart: () => undefined };
}

const isOnline = (sink: RecordingSink) => (): boolean => sink.links.at(-1)?.link === 'online';

describe('the alert stream', () => {
  it('delivers an alarm at once, without waiting for the next part', async () => {
    const { sim, sink } = await setUp({ heartbeatMs: 30_000 });
    await until('online', isOnline(sink));
    const before = performance.now();
    await sim.fire({ scene: 'thermal-alarm', temperature: 71.5, threshold: 55, rule: 2 });
    await until('the alarm is there', () => sink.events.length === 1);
    expect(performance.now() - before).toBeLessThan(250);
    expect(sink.events[0]?.draft).toMatchObject({
      type: 'temperature-alarm',
      phase: 'start',
      level: 'alarm',
      channel: 2,
      rule: '2',
      temperature: { value: 71.5, threshold: 55, unit: 'celsius', preset: 1 },
    });
    expect(sink.events[0]).toMatchObject({ late: false, clockSuspect: false });
  });

  it('takes heart-beats for signs of life, never for events', async () => {
    const { sink } = await setUp({ heartbeatMs: 20 });
    await until('online', isOnline(sink));
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(sink.events).toEqual([]);
  });

  it('hands pictures to the alert before them', async () => {
    const { sim, sink } = await setUp();
    await until('online', isOnline(sink));
    await sim.fire({ scene: 'motion' });
    await sim.fire({ scene: 'thermal-alarm', pictures: 2 });
    await until('both pictures are there', () => sink.pictureSets.length === 2);
    expect(sink.pictureSets.map((p) => p.eventId)).toEqual(['e2', 'e2']);
    const bytes = sink.pictureSets[1]?.pictures[0]?.bytes;
    expect(bytes?.subarray(0, 2).toString('hex')).toBe('ffd8');
    expect(bytes?.subarray(-2).toString('hex')).toBe('ffd9');
    expect(sink.events[1]?.draft.picturesAnnounced).toBe(2);
  });

  const harmless = [
    'lf-only',
    'no-blank-line',
    'boundary-mismatch',
    'dashed-boundary',
    'double-boundary',
    'wrong-content-length',
    'short-content-length',
    'zero-content-length',
    'no-content-length',
    'leading-blank-line',
    'bare-ampersand',
    'one-byte-chunks',
    'garbage-part',
    'json-alerts',
    'json-array',
    'no-heartbeat',
    'fast-heartbeat',
    'old-path',
    'drop-401-body',
    'stale-nonce',
    'reject-reused-nonce-403',
    'comma-joined-challenges',
    'no-center',
    'triggers-refused',
    'no-zone',
    'lost-plus',
    'no-date-header',
    'wrong-clock',
    'output-status-missing',
  ];
  it.each(harmless)('understands a device with the fault %s', async (fault) => {
    const { sim, sink } = await setUp({ faults: [fault], login: 'md5' });
    await until('online', isOnline(sink));
    await until('the stream is open', () => sim.state().streams === 1);
    await sim.fire({ scene: 'intrusion', rule: 3 });
    await sim.fire({ scene: 'intrusion', rule: 3, state: 'inactive' });
    await until('both alerts are there', () => sink.events.length >= 2);
    expect(sink.told()).toEqual(['intrusion start', 'intrusion stop']);
    expect(sink.events[0]?.draft).toMatchObject({ channel: 1, rule: '3', target: 'human' });
    expect(sink.events.map((e) => e.late)).toEqual([false, false]);
  });

  it.each(['pictures-short-length', 'one-byte-chunks', 'lf-only'])(
    'keeps pictures whole with the fault %s',
    async (fault) => {
      const { sim, sink } = await setUp({ faults: [fault] });
      await until('online', isOnline(sink));
      await until('the stream is open', () => sim.state().streams === 1);
      await sim.fire({ scene: 'line-crossing', pictures: 1 });
      await sim.fire({ scene: 'motion' });
      await until('all is there', () => sink.events.length === 2 && sink.pictureSets.length === 1);
      const bytes = sink.pictureSets[0]?.pictures[0]?.bytes;
      expect(bytes?.subarray(-2).toString('hex')).toBe('ffd9');
      expect(sink.told()).toEqual(['line-crossing pulse', 'motion start']);
    },
  );

  it('drops a part that is too large and goes on', async () => {
    const { sim, sink } = await setUp({ faults: ['oversized-part'], heartbeatMs: 30_000 });
    await until('online', isOnline(sink));
    await sim.fire({ scene: 'disk-error' });
    await until('the alarm is there', () => sink.events.length === 1);
    expect(sink.told()).toEqual(['storage-fault start']);
  });

  it('goes on after a document that is no XML', async () => {
    const { sim, sink } = await setUp({ faults: ['malformed-xml'] });
    await until('online', isOnline(sink));
    await sim.fire({ scene: 'motion' });
    sim.faults.clear();
    await sim.fire({ scene: 'line-crossing' });
    await until('the second is there', () => sink.told().includes('line-crossing pulse'));
  });

  it.each(['md5', 'sha-256', 'both', 'basic'] as const)('logs in with %s', async (login) => {
    const { sim, sink } = await setUp({ login });
    await until('online', isOnline(sink));
    expect(sim.state().logins.refused).toBe(0);
  });

  it('takes a recorder’s channel number above 32 back by 32', async () => {
    const { sim, sink } = await setUp({ model: 'nvr' });
    await until('facts', () => sink.factList.length === 1);
    await sim.fire({ scene: 'intrusion-psia', channel: 2 });
    await until('the alarm is there', () => sink.events.length === 1);
    expect(sink.events[0]?.draft).toMatchObject({ type: 'intrusion', channel: 2 });
  });
});

describe('the connection', () => {
  it('comes back after the device has cut it, without being offline in between', async () => {
    const { sim, sink } = await setUp();
    await until('online', isOnline(sink));
    sim.cutStreams();
    await until('a second stream', () => sim.state().streamsOpened === 2 && sim.state().streams === 1);
    await sim.fire({ scene: 'motion' });
    await until('the alarm is there', () => sink.events.length === 1);
    expect(sink.links.map((l) => l.link)).not.toContain('offline');
  });

  it('takes a condition that was open before the loss for the same one after it', async () => {
    const { sim, sink } = await setUp();
    await until('online', isOnline(sink));
    await sim.fire({ scene: 'thermal-alarm' });
    await until('the alarm is there', () => sink.events.length === 1);
    sim.cutStreams(true);
    await until('a second stream', () => sim.state().streamsOpened === 2 && sim.state().streams === 1);
    await sim.fire({ scene: 'thermal-alarm' });
    await until('the repeat is there', () => sink.events.length === 2);
    expect(sink.told()).toEqual(['temperature-alarm start', 'temperature-alarm refresh']);
  });

  it('notices a half-open connection by silence and an unanswered question', async () => {
    const { sim, sink } = await setUp({}, {}, quick);
    await until('online', isOnline(sink));
    const before = performance.now();
    sim.faults.set('half-open');
    await until('offline', () => sink.links.at(-1)?.link === 'offline');
    expect(performance.now() - before).toBeLessThan(750);
    sim.faults.set('half-open', false);
    await until('online again', isOnline(sink));
  });

  it('opens a silent stream anew while the device answers, and never calls it offline', async () => {
    const { sim, sink } = await setUp({ faults: ['no-heartbeat'] }, {}, quick);
    await until('online', isOnline(sink));
    await until('a second stream', () => sim.state().streamsOpened >= 2, 6_000);
    expect(sink.links.map((l) => l.link)).not.toContain('offline');
  });

  it('waits longer and longer for a device that closes at once', async () => {
    const { sim, sink } = await setUp({ faults: ['close-at-once'] });
    await until('two tries', () => sim.state().streamsOpened >= 2);
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    expect(sim.state().streamsOpened).toBeLessThanOrEqual(4);
    expect(sink.events).toEqual([]);
  });

  it.each(['503-stream', 'error-in-200-stream'])('says why there is no stream with the fault %s', async (fault) => {
    const { sink } = await setUp({ faults: [fault] });
    await until('offline', () => sink.links.at(-1)?.link === 'offline', 8_000);
    expect(sink.links.at(-1)?.detail).toMatch(/alert stream/);
  });

  it('tries a wrong password no more than twice and says so', async () => {
    const { sim, sink } = await setUp({}, { credentials: { user: 'admin', password: 'wrong' } });
    await until('refused', () => sink.links.at(-1)?.link === 'refused');
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    expect(sim.state().logins.refused).toBeLessThanOrEqual(2);
    expect(sink.locks.at(-1)).toBeGreaterThan(Date.now() + 30_000);
    expect(sink.links.at(-1)?.detail).toMatch(/tries before it locks/);
  });

  it('tells a locked account from a wrong password', async () => {
    const { sim, sink } = await setUp(
      { lockAfter: 1, lockMs: 900_000 },
      { credentials: { user: 'admin', password: 'wrong' } },
    );
    await until('the lock is told', () => /locked for \d+ s/.test(sink.links.at(-1)?.detail ?? ''));
    expect(sim.state().logins.refused).toBe(1);
    expect(sink.locks.at(-1)).toBeGreaterThan(Date.now() + 600_000);
  });

  it('is offline at once where nothing listens', async () => {
    const { sim, sink } = await setUp();
    await until('online', isOnline(sink));
    await sim.close();
    await until('offline', () => sink.links.at(-1)?.link === 'offline', 8_000);
  });

  it('closes within a second, also while a request hangs', async () => {
    const { sink } = await setUp({ faults: ['half-open'] });
    await new Promise((resolve) => setTimeout(resolve, 100));
    const before = performance.now();
    await closers.pop()?.();
    expect(performance.now() - before).toBeLessThan(1_000);
    expect(sink.events).toEqual([]);
  });
});

describe('time', () => {
  it('measures how wrong the device’s clock is and does not call its events late', async () => {
    const { sim, sink } = await setUp({ faults: ['wrong-clock'] });
    await until('online', isOnline(sink));
    expect(sink.offsets.at(-1)).toBeLessThan(-100_000_000_000);
    await sim.fire({ scene: 'motion' });
    await until('the alarm is there', () => sink.events.length === 1);
    expect(sink.events[0]).toMatchObject({ late: false, clockSuspect: false });
  });

  it('marks a stored event by its flag', async () => {
    const { sim, sink } = await setUp();
    await until('online', isOnline(sink));
    await sim.fire({ scene: 'intrusion', retransmission: true });
    await until('the alarm is there', () => sink.events.length === 1);
    expect(sink.events[0]).toMatchObject({ late: true, draft: { retransmitted: true } });
  });

  it('marks what a device replays after a reconnection, and takes the live event behind it as a start', async () => {
    const { sim, sink } = await setUp({ faults: ['replay-backlog'] });
    await until('online', isOnline(sink));
    await until('facts', () => sink.factList.length === 1);
    await sim.fire({ scene: 'thermal-alarm', at: Date.now() - 120_000 });
    await sim.fire({ scene: 'line-crossing' });
    await until('both', () => sink.events.length === 2);
    expect(sink.events.map((e) => e.late)).toEqual([true, false]);
    sim.cutStreams();
    await until('the replay', () => sink.events.length >= 4);
    expect(sink.events[2]).toMatchObject({ late: true });
    await sim.fire({ scene: 'thermal-alarm' });
    await until('the live one', () => sink.told().at(-1) === 'temperature-alarm start' && sink.events.length >= 5);
    expect(sink.events.at(-1)).toMatchObject({ late: false });
  });
});

describe('alarm inputs', () => {
  it('ends an input whose end the device never tells by reading it', async () => {
    const { sim, sink } = await setUp();
    await until('online', isOnline(sink));
    await sim.fire({ scene: 'alarm-input', input: 2 });
    await until('the start', () => sink.events.length === 1);
    expect(sink.events[0]?.draft).toMatchObject({ type: 'digital-input', input: '2', phase: 'start' });
    expect(sink.events[0]?.draft.channel).toBeUndefined();
    sim.faults.set('no-heartbeat');
    // The contact opens, but the device says nothing; the reconnection makes the driver ask at once.
    sim.state();
    sim.setInput(2, false);
    sim.cutStreams();
    await until('the stop', () => sink.told().at(-1) === 'digital-input stop');
  });
});
