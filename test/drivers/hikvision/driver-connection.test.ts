import { afterEach, describe, expect, it, vi } from 'vitest';
import { defaultTiming } from '../../../engine/drivers/hikvision';
import { closeConnected, closers, connected, isOnline, quick } from '../../support/connected-hikvision';
import { type RecordingSink, until } from '../../support/recording-sink';
import { pause, steadyClock } from '../../support/steady-clock';

// Far above what it takes: a machine on which others want to compute is slow, not wrong.
vi.setConfig({ testTimeout: 60_000 });

afterEach(closeConnected);

describe('the connection', () => {
  it('comes back after the device has cut it, without being offline in between', async () => {
    const { sim, sink } = await connected();
    await until('online', isOnline(sink));
    sim.cutStreams();
    await until('a second stream', () => sim.state().streamsOpened === 2 && sim.state().streams === 1);
    await sim.fire({ scene: 'motion' });
    await until('the alarm is there', () => sink.events.length === 1);
    expect(sink.links.map((l) => l.link)).not.toContain('offline');
  });

  it('takes a condition that was open before the loss for the same one after it', async () => {
    const { sim, sink } = await connected();
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
    const { sim, sink } = await connected({}, {}, quick);
    await until('online', isOnline(sink));
    const before = steadyClock.monotonic();
    sim.faults.set('half-open');
    await until('offline', () => sink.links.at(-1)?.link === 'offline');
    expect(steadyClock.monotonic() - before).toBeLessThan(750);
    sim.faults.set('half-open', false);
    await until('online again', isOnline(sink));
  });

  it('opens a silent stream anew while the device answers, and never calls it offline', async () => {
    const { sim, sink } = await connected({ faults: ['no-heartbeat'] }, {}, quick);
    await until('online', isOnline(sink));
    await until('a second stream', () => sim.state().streamsOpened >= 2);
    expect(sink.links.map((l) => l.link)).not.toContain('offline');
  });

  it('opens a stream anew that answers and then says nothing at all', async () => {
    const { sim, sink } = await connected({ faults: ['silent-stream'] }, {}, quick);
    await until('online', isOnline(sink));
    await until('a second stream', () => sim.state().streamsOpened >= 2);
    expect(sink.links.map((l) => l.link)).not.toContain('offline');
    sim.faults.set('silent-stream', false);
    await until('a stream that speaks', () => sim.state().streams === 1);
    await sim.fire({ scene: 'motion' });
    await until('the alarm', () => sink.told().includes('motion start'));
  });

  it('waits longer and longer for a device that closes at once', async () => {
    const { sim, sink } = await connected({ faults: ['close-at-once'] });
    await until('two tries', () => sim.state().streamsOpened >= 2);
    await pause(1_500);
    expect(sim.state().streamsOpened).toBeLessThanOrEqual(4);
    expect(sink.events).toEqual([]);
  });

  it.each(['503-stream', 'error-in-200-stream'])('says why there is no stream with the fault %s', async (fault) => {
    const { sink } = await connected({ faults: [fault] });
    await until('offline', () => sink.links.at(-1)?.link === 'offline');
    expect(sink.links.at(-1)?.detail).toMatch(/alert stream/);
  });

  it('tries a wrong password no more than twice and says so', async () => {
    const { sim, sink } = await connected({}, { credentials: { user: 'admin', password: 'wrong' } });
    await until('refused', () => sink.links.at(-1)?.link === 'refused');
    await pause(1_500);
    expect(sim.state().logins.refused).toBeLessThanOrEqual(2);
    expect(sink.locks.at(-1)).toBeGreaterThan(Date.now() + 30_000);
    expect(sink.links.at(-1)?.detail).toMatch(/tries before it locks/);
  });

  it('tells a locked account from a wrong password', async () => {
    const { sim, sink } = await connected(
      { lockAfter: 1, lockMs: 900_000 },
      { credentials: { user: 'admin', password: 'wrong' } },
    );
    await until('the lock is told', () => /locked for \d+ s/.test(sink.links.at(-1)?.detail ?? ''));
    expect(sim.state().logins.refused).toBe(1);
    expect(sink.locks.at(-1)).toBeGreaterThan(Date.now() + 600_000);
  });

  it('asks a recorder again who it is that was busy with its start, so that the cameras behind it are watched', async () => {
    const { sim, sink } = await connected(
      { model: 'nvr', channels: 2, faults: ['identity-busy'] },
      { options: { cameraSeconds: 5 } },
      { ...defaultTiming, learnAgainMs: 100 },
    );
    await until('online', isOnline(sink));
    await until('it was asked in vain', () => sim.state().requests > 3);
    expect(sink.factList).toEqual([]);
    sim.faults.clear();
    await until('it is known', () => sink.factList.length === 1);
    await until('its cameras', () => sink.events.filter((e) => e.draft.type === 'source-offline').length === 2);
  });

  it('is offline at once where nothing listens', async () => {
    const { sim, sink } = await connected();
    await until('online', isOnline(sink));
    await sim.close();
    await until('offline', () => sink.links.at(-1)?.link === 'offline');
  });

  it('closes within a second, also while a request hangs', async () => {
    const { sink } = await connected({ faults: ['half-open'] });
    await pause(100);
    const before = steadyClock.monotonic();
    await closers.pop()?.();
    expect(steadyClock.monotonic() - before).toBeLessThan(1_000);
    expect(sink.events).toEqual([]);
  });
});

describe('time', () => {
  it('measures how wrong the device’s clock is and does not call its events late', async () => {
    const { sim, sink } = await connected({ faults: ['wrong-clock'] });
    await until('online', isOnline(sink));
    expect(sink.offsets.at(-1)).toBeLessThan(-100_000_000_000);
    await sim.fire({ scene: 'motion' });
    await until('the alarm is there', () => sink.events.length === 1);
    expect(sink.events[0]).toMatchObject({ late: false, clockSuspect: false });
  });

  it.each([
    ['this event', [], true],
    ['every event', ['retransmission-flag'], false],
  ])('marks a stored event by the flag of %s', async (_name, faults, retransmission) => {
    const { sim, sink } = await connected({ faults });
    await until('online', isOnline(sink));
    await sim.fire({ scene: 'intrusion', retransmission });
    await until('the alarm is there', () => sink.events.length === 1);
    expect(sink.events[0]).toMatchObject({ late: true, draft: { retransmitted: true } });
  });

  it('marks what a device replays after a reconnection, and takes the live event behind it as a start', async () => {
    const { sim, sink } = await connected({ faults: ['replay-backlog'] });
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
  const of2 = (sink: RecordingSink): string[] =>
    sink.events.filter((e) => e.draft.input === '2').map(({ draft }) => `${draft.phase} ${draft.quietMs ?? '-'}`);

  it('ends an input whose end the device never tells by reading it', async () => {
    const { sim, sink } = await connected({ inputs: 2 });
    await until('their states', () => sink.events.length === 2);
    await sim.fire({ scene: 'alarm-input', input: 2 });
    await until('the start', () => of2(sink).length === 2);
    expect(sink.events.at(-1)?.draft).toMatchObject({ type: 'digital-input', input: '2', phase: 'start' });
    expect(sink.events.at(-1)?.draft.channel).toBeUndefined();
    sim.faults.set('no-heartbeat');
    // The contact opens, but the device says nothing; the reconnection makes the driver ask at once.
    sim.setInput(2, false);
    sim.cutStreams();
    await until('the stop', () => sink.told().at(-1) === 'digital-input stop');
  });

  it('that are active when the driver comes are states, and have no quiet time', async () => {
    const { sim, sink } = await connected({ inputs: 2, faults: ['close-at-once'] });
    sim.setInput(2, true);
    sim.faults.set('close-at-once', false);
    await until('its state', () => of2(sink).length === 1);
    expect(of2(sink)).toEqual(['snapshot -']);
    await sim.fire({ scene: 'alarm-input', input: 2 });
    await until('a repeat', () => of2(sink).length >= 2);
    expect(of2(sink)[1]).toBe('refresh -');
  });

  it('keep their quiet time where the device tells no states', async () => {
    const { sim, sink } = await connected({ inputs: 2, faults: ['input-status-missing'] });
    await until('facts', () => sink.factList.length === 1);
    await sim.fire({ scene: 'alarm-input', input: 2 });
    await until('the start', () => of2(sink).length === 1);
    expect(of2(sink)).toEqual(['start 10000']);
  });
});

describe('a thermal alarm whose end fell into the time away', () => {
  it('is left to a quiet time, which the device’s next word takes away', async () => {
    const { sim, sink } = await connected({ model: 'thermal', inputs: 0 }, {}, quick);
    const thermal = (): string[] =>
      sink.events
        .filter((e) => e.draft.type === 'temperature-alarm')
        .map(
          ({ draft }) => `${draft.phase} ${draft.vendorType} ${draft.channel} ${draft.rule} ${draft.quietMs ?? '-'}`,
        );
    await until('online', isOnline(sink));
    await sim.fire({ scene: 'thermal-alarm' });
    await until('the start', () => thermal().length === 1);
    sim.faults.set('half-open');
    sim.cutStreams();
    await until('offline', () => sink.links.at(-1)?.link === 'offline');
    sim.faults.set('half-open', false);
    await until('its refresh', () => thermal().length === 2);
    await sim.fire({ scene: 'thermal-alarm' });
    await until('its next word', () => thermal().length === 3);
    const [first, left, again] = thermal();
    expect(first).toMatch(/^start TMA .* -$/);
    expect(left).toBe(first?.replace('start', 'refresh').replace(/-$/, '60000'));
    expect(again).toBe(first?.replace('start', 'refresh'));
  });
});
