import { afterEach, describe, expect, it } from 'vitest';
import { closeConnected, connected, isOnline } from '../../support/connected-hikvision';
import { until } from '../../support/recording-sink';
import { pause, steadyClock } from '../../support/steady-clock';

afterEach(closeConnected);

describe('the alert stream', () => {
  it('delivers an alarm at once, without waiting for the next part', async () => {
    const { sim, sink } = await connected({ heartbeatMs: 30_000 });
    await until('online', isOnline(sink));
    const before = steadyClock.monotonic();
    await sim.fire({ scene: 'thermal-alarm', temperature: 71.5, threshold: 55, rule: 2 });
    await until('the alarm is there', () => sink.events.length === 1);
    expect(steadyClock.monotonic() - before).toBeLessThan(250);
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
    const { sink } = await connected({ heartbeatMs: 20 });
    await until('online', isOnline(sink));
    await pause(200);
    expect(sink.events).toEqual([]);
  });

  it('hands pictures to the alert before them', async () => {
    const { sim, sink } = await connected();
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
    'other-namespaces',
    'prefixed-names',
    'byte-order-mark',
    'trailing-nul',
    'gbk-names',
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
    const { sim, sink } = await connected({ faults: [fault], login: 'md5' });
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
      const { sim, sink } = await connected({ faults: [fault] });
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
    const { sim, sink } = await connected({ faults: ['oversized-part'], heartbeatMs: 30_000 });
    await until('online', isOnline(sink));
    await sim.fire({ scene: 'disk-error' });
    await until('the alarm is there', () => sink.events.length === 1);
    expect(sink.told()).toEqual(['storage-fault start']);
  });

  it('goes on after a document that is no XML', async () => {
    const { sim, sink } = await connected({ faults: ['malformed-xml'] });
    await until('online', isOnline(sink));
    await sim.fire({ scene: 'motion' });
    sim.faults.clear();
    await sim.fire({ scene: 'line-crossing' });
    await until('the second is there', () => sink.told().includes('line-crossing pulse'));
  });

  it.each(['md5', 'sha-256', 'both', 'basic'] as const)('logs in with %s', async (login) => {
    const { sim, sink } = await connected({ login });
    await until('online', isOnline(sink));
    expect(sim.state().logins.refused).toBe(0);
  });

  it('takes a recorder’s channel number above 32 back by 32', async () => {
    const { sim, sink } = await connected({ model: 'nvr' }, { options: { cameraSeconds: 0 } });
    await until('facts', () => sink.factList.length === 1);
    await sim.fire({ scene: 'intrusion-psia', channel: 2 });
    await until('the alarm is there', () => sink.told().includes('intrusion start'));
    expect(sink.events.find((e) => e.draft.type === 'intrusion')?.draft.channel).toBe(2);
  });
});
