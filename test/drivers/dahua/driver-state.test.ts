import { afterEach, describe, expect, it } from 'vitest';
import { closeConnected, connected, isOnline, settled } from '../../support/connected-dahua';
import { until } from '../../support/recording-sink';

afterEach(closeConnected);

describe('what holds on the device', () => {
  it('is told as snapshots after the connection: no start that nobody saw', async () => {
    const { sim, sink } = await connected({ inputs: 4, faults: ['half-open'] });
    sim.setActive('VideoLoss', [2]);
    sim.setActive('StorageFailure', [0]);
    sim.setInput(1, true, false);
    sim.faults.clear();
    await until('the snapshots are there', () => sink.events.length >= 3);
    expect(sink.events.slice(0, 3).map(({ draft }) => [draft.type, draft.phase, draft.channel, draft.input])).toEqual([
      ['digital-input', 'snapshot', undefined, '1'],
      ['video-loss', 'snapshot', 3, undefined],
      ['storage-fault', 'snapshot', undefined, undefined],
    ]);
  });

  it('is compared after a reconnection: what ended meanwhile is ended, what goes on is no new start', async () => {
    const { sim, sink } = await settled({ inputs: 4 });
    await until('its inputs are known to be at rest', () => sink.events.length === 4);
    expect(sink.told()).toEqual(Array(4).fill('digital-input stop'));
    sink.events.length = 0;
    sim.fire({ code: 'VideoLoss', index: 0 });
    sim.fire({ code: 'VideoLoss', index: 1 });
    sim.setInput(2, true);
    sim.setInput(3, true);
    await until('four starts', () => sink.events.length === 4);
    sim.setActive('VideoLoss', [1]);
    sim.setInput(3, false, false);
    sim.cutStreams(true);
    await until('all is told', () => sink.events.length >= 8);
    const told = sink.events
      .slice(4)
      .map(({ draft }) => `${draft.type} ${draft.phase} ${draft.channel ?? draft.input}`);
    expect(told.sort()).toEqual([
      'digital-input refresh 2',
      'digital-input stop 3',
      'video-loss refresh 2',
      'video-loss stop 1',
    ]);
    sim.fire({ code: 'VideoLoss', index: 1 });
    await until('the repeat', () => sink.events.length === 9);
    expect(sink.told().at(-1)).toBe('video-loss refresh');
  });

  it('is left to a quiet time where the device does not tell it', async () => {
    const { sim, sink } = await connected({ faults: ['no-event-indexes', 'no-in-state'] });
    await until('online', isOnline(sink));
    sim.fire({ code: 'VideoLoss' });
    await until('the start', () => sink.events.length === 1);
    sim.cutStreams();
    await until('the refresh', () => sink.events.length === 2);
    expect(sink.events[1]?.draft).toMatchObject({ type: 'video-loss', phase: 'refresh', quietMs: 30_000 });
  });
});

describe('inputs that are closed at rest', () => {
  it('raise nothing at the connection, and their first start is one', async () => {
    for (const faults of [['inverted-inputs'], ['inverted-inputs', 'sensor-type-missing', 'no-input-indexes']]) {
      const { sim, sink } = await settled({ inputs: 2, faults });
      await until('its inputs are read', () => sim.state().targets.some((t) => t.includes('getInState')));
      sim.setInput(1, true);
      await until('the start', () => sink.events.length > 0);
      expect(sink.events.map(({ draft }) => `${draft.type} ${draft.phase} ${draft.input}`)).toEqual([
        'digital-input start 1',
      ]);
    }
  });

  it('are known by their own events, and not ended by a reconnection', async () => {
    const { sim, sink } = await settled({ inputs: 2, faults: ['inverted-inputs', 'no-input-indexes'] });
    const phases = (): string[] => sink.events.filter((e) => e.draft.input === '1').map((e) => e.draft.phase);
    sim.setInput(1, true);
    sim.setInput(1, false);
    await until('start and stop', () => phases().length === 2);
    const asked = (): number => sim.state().targets.filter((t) => t.includes('getInState')).length;
    const reconnects = async (): Promise<void> => {
      const { streamsOpened } = sim.state();
      sim.cutStreams(true);
      await until('a new stream', () => sim.state().streamsOpened > streamsOpened && sim.state().streams === 1);
      const before = asked();
      await until('its inputs are read', () => asked() > before);
    };
    await reconnects();
    sim.setInput(1, true);
    await until('the next start', () => phases().length === 3);
    await reconnects();
    await until('it is read as active', () => phases().length === 4);
    expect(phases()).toEqual(['start', 'stop', 'start', 'refresh']);
  });
});

describe('time', () => {
  it('measures how wrong the device’s clock is and does not call its events late', async () => {
    const { sim, sink } = await settled({ faults: ['wrong-clock'] });
    expect(sink.offsets.at(-1)).toBeLessThan(-100_000_000_000);
    sim.fire({ code: 'VideoMotion', data: {} });
    await until('the event is there', () => sink.events.length === 1);
    expect(sink.events[0]).toMatchObject({ late: false, clockSuspect: false });
  });

  it('calls an event late that is old by the device’s own clock, be that fast', async () => {
    const { sim, sink } = await settled({ faults: ['fast-clock'] });
    expect(sink.offsets.at(-1)).toBeGreaterThan(7_000_000);
    sim.fire({ code: 'VideoMotion', at: Date.now() - 600_000, data: {} });
    sim.fire({ code: 'VideoMotion', data: {} });
    await until('both are there', () => sink.events.length === 2);
    expect(sink.events.map((e) => e.late)).toEqual([true, false]);
    expect(sink.told()).toEqual(['motion start', 'motion start']);
  });

  it('marks what a device replays after a reconnection', async () => {
    const { sim, sink } = await settled({ faults: ['replay-backlog'] });
    sim.fire({ code: 'CrossLineDetection', action: 'Pulse', at: Date.now() - 300_000, data: {} });
    sim.fire({ code: 'CrossLineDetection', action: 'Pulse', data: {} });
    await until('both', () => sink.events.length === 2);
    expect(sink.events.map((e) => e.late)).toEqual([true, false]);
    sim.cutStreams();
    await until('the replay', () => sink.events.length >= 4);
    expect(sink.events[2]).toMatchObject({ late: true });
  });

  it('reads the clock again when the device tells that it was set', async () => {
    const { sim, sink } = await settled();
    sim.faults.set('fast-clock');
    sim.fire({ code: 'NTPAdjustTime', action: 'Pulse' });
    await until('the new offset', () => (sink.offsets.at(-1) ?? 0) > 7_000_000);
    expect(sink.events).toEqual([]);
  });
});
