import { afterEach, describe, expect, it } from 'vitest';
import { faultNames } from '../../../engine/drivers/dahua';
import { closeConnected, connected, isOnline, settled } from '../../support/connected-dahua';
import { until } from '../../support/recording-sink';
import { pause, steadyClock } from '../../support/steady-clock';

afterEach(closeConnected);

const fence = { Name: 'Fence', RuleId: 1, Direction: 'LeftToRight', Object: { ObjectType: 'Human', ObjectID: 5 } };

describe('the event stream', () => {
  it('delivers an event at once, without waiting for the next part', async () => {
    const { sim, sink } = await settled({ faults: ['no-heartbeat'] });
    const before = steadyClock.monotonic();
    sim.fire({ code: 'CrossLineDetection', index: 2, data: fence });
    await until('the event is there', () => sink.events.length === 1);
    expect(steadyClock.monotonic() - before).toBeLessThan(250);
    expect(sink.events[0]).toMatchObject({
      late: false,
      clockSuspect: false,
      draft: {
        type: 'line-crossing',
        vendorType: 'CrossLineDetection',
        phase: 'start',
        channel: 3,
        rule: 'Fence',
        direction: 'a-to-b',
        target: 'human',
        objectId: '5',
      },
    });
  });

  it('takes heart-beats for signs of life, never for events', async () => {
    const { sink } = await connected({ secondMs: 10 });
    await until('online', isOnline(sink));
    await pause(200);
    expect(sink.events).toEqual([]);
  });

  it('opens one stream for all channels of a recorder', async () => {
    const { sim, sink } = await settled({ model: 'nvr' });
    for (const index of [0, 1, 2, 3]) sim.fire({ code: 'VideoLoss', index });
    await until('all are there', () => sink.events.length === 4);
    expect(sink.events.map((e) => e.draft.channel)).toEqual([1, 2, 3, 4]);
    expect(sim.state().streams).toBe(1);
  });

  const harmless = [
    'lf-only',
    'no-blank-line',
    'blank-after-colon',
    'more-head-lines',
    'boundary-mismatch',
    'dashed-boundary',
    'double-boundary',
    'wrong-content-length',
    'short-content-length',
    'zero-content-length',
    'no-content-length',
    'constant-length-37',
    'one-byte-chunks',
    'garbage-part',
    'nan-in-json',
    'trailing-nul',
    'odd-values',
    'no-heartbeat',
    'keepalive-only',
    'refuse-heartbeat-parameter',
    'connection-close',
    'raw-brackets-only',
    'encoded-brackets-only',
    'drop-401-body',
    'stale-nonce',
    'reject-reused-nonce-403',
    'comma-joined-challenges',
    'no-event-indexes',
    'no-in-state',
    'no-coaxial',
    'names-missing',
    'events-disabled',
    'motion-off',
    'wrong-clock',
    'fast-clock',
    'utc-is-local',
    'wrong-device-zone',
    'no-locale-time',
    'real-utc',
    'no-time',
    'no-current-time',
  ];
  it.each(harmless)('understands a device with the fault %s', async (fault) => {
    const { sim, sink } = await connected(
      { faults: [fault], timeZone: 'Asia/Shanghai' },
      { timeZone: 'Asia/Shanghai' },
    );
    await until('online', isOnline(sink));
    await until('the stream is open', () => sim.state().streams === 1);
    // Its clock is known by then; before, a time that is far off is merely suspect.
    if (/clock|utc|zone|time/.test(fault)) await until('its clock is known', () => sink.factList.length > 0);
    sim.fire({ code: 'CrossLineDetection', index: 0, data: fence });
    sim.fire({ code: 'CrossLineDetection', action: 'Stop', index: 0, data: { Name: 'Fence', RuleId: 1 } });
    await until('both are there', () => sink.events.length >= 2);
    expect(sink.told()).toEqual(['line-crossing start', 'line-crossing stop']);
    expect(sink.events[0]?.draft).toMatchObject({ channel: 1, rule: 'Fence', target: 'human' });
    expect(sink.events.map((e) => e.late)).toEqual([false, false]);
    expect(sim.state().logins.refused).toBe(0);
  });

  it.each(['missing-index', 'empty-index'])(
    'tells an event whose index is missing (%s) without a place',
    async (fault) => {
      const { sim, sink } = await settled({ faults: [fault], model: 'nvr' });
      sim.fire({ code: 'VideoMotion', index: 1 });
      await until('it is there', () => sink.events.length === 1);
      expect(sink.events[0]?.draft).toMatchObject({ type: 'motion', phase: 'start' });
      expect(sink.events[0]?.draft.channel).toBeUndefined();
    },
  );

  it('takes a missing index for the one channel that a camera has', async () => {
    const { sim, sink } = await settled({ faults: ['missing-index'], model: 'camera' });
    sim.fire({ code: 'VideoMotion' });
    await until('it is there', () => sink.events.length === 1);
    expect(sink.events[0]?.draft.channel).toBe(1);
  });

  it.each(['no-data', 'null-data', 'truncated-json'])('tells an event whose data is lost (%s)', async (fault) => {
    const { sim, sink } = await settled({ faults: [fault] });
    sim.fire({ code: 'CrossLineDetection', index: 3, data: fence });
    await until('it is there', () => sink.events.length === 1);
    expect(sink.events[0]?.draft).toMatchObject({ type: 'line-crossing', phase: 'start', channel: 4 });
    expect(sink.events[0]?.draft.rule).toBeUndefined();
  });

  it('drops a part that is too large and goes on', async () => {
    const { sim, sink } = await settled({ faults: ['oversized-part', 'no-heartbeat'] });
    sim.fire({ code: 'StorageFailure' });
    await until('the alarm is there', () => sink.events.length === 1);
    expect(sink.told()).toEqual(['storage-fault start']);
  });

  it('drops an event whose action is none and goes on', async () => {
    const { sim, sink } = await settled({ faults: ['unknown-action'] });
    sim.fire({ code: 'VideoLoss' });
    sim.faults.clear();
    sim.fire({ code: 'VideoBlind' });
    await until('the second is there', () => sink.events.length > 0);
    expect(sink.told()).toEqual(['tamper start']);
  });

  it.each(['md5', 'sha-256', 'both', 'basic', 'none'] as const)('logs in with %s', async (login) => {
    const { sim, sink } = await connected({ login });
    await until('online', isOnline(sink));
    expect(sim.state().logins.refused).toBe(0);
  });

  it('writes few login records: one challenge for a socket, whatever is asked on it', async () => {
    const { sim } = await settled({ faults: ['connection-close'] });
    expect(sim.state().requests).toBeGreaterThan(15);
    expect(sim.state().logins.challenges).toBeLessThanOrEqual(3);
  });

  it('hands every part to the capture as it came', async () => {
    const { sim, captured } = await settled();
    sim.fireRaw('Code=DoorBell;action=Pulse;index=0;data={"a":"b;c"}');
    await until('it is there', () => captured.some((p) => p.bytes.toString().includes('DoorBell')));
    const part = captured.find((p) => p.bytes.toString().includes('DoorBell'));
    expect(part?.contentType).toBe('text/plain');
    expect(part?.bytes.toString().trim()).toBe('Code=DoorBell;action=Pulse;index=0;data={"a":"b;c"}');
  });

  it('has a test for every fault of the simulated device', async () => {
    const elsewhere = [
      ...['missing-index', 'empty-index', 'no-data', 'null-data', 'truncated-json', 'oversized-part', 'unknown-action'],
      ...['half-open', 'silent-stream', 'close-at-once', '503-stream', 'error-in-200-stream', 'replay-backlog', 'slow'],
      ...[
        'lock-words',
        'authority-in-200',
        'no-rights',
        'no-event-rights',
        'error-in-200',
        'busy-once',
        'identity-busy',
        'output-ignored',
        'output-held-by-linkage',
      ],
      ...[
        'output-status-missing',
        'snapshot-without-channel',
        'snapshot-error-once',
        'truncated-jpeg',
        'slow-snapshot',
      ],
      ...['record-ignored', 'other-maker', 'inverted-inputs', 'no-input-indexes', 'sensor-type-missing'],
      // What is read of where a camera looks: test/drivers/ptz-read-back.test.ts.
      ...['ptz-stuck', 'ptz-slow', 'no-ptz-status', 'no-preset-places'],
      ...['no-radiometry', 'rules-not-measured', 'fahrenheit-called-centigrade'],
    ];
    expect([...new Set([...harmless, ...elsewhere])].sort()).toEqual([...faultNames].sort());
  });
});
