import { afterEach, describe, expect, it, vi } from 'vitest';
import { closeOnvif, connectedOnvif, onvifOnline } from '../../support/connected-onvif';
import { until } from '../../support/recording-sink';
import { steadyClock } from '../../support/steady-clock';

// Far above what it takes: a machine on which others want to compute is slow, not wrong.
vi.setConfig({ testTimeout: 60_000 });

afterEach(closeOnvif);

describe('a device that goes away', () => {
  it('is noticed while it is half-open, and comes back by itself', async () => {
    const { sim, sink } = await connectedOnvif();
    await until('online', onvifOnline(sink));
    const before = steadyClock.monotonic();
    sim.faults.set('half-open');
    await until('offline', () => sink.links.at(-1)?.link === 'offline');
    // The times of the test are 20 times shorter than those of the driver: 13.5 s there.
    expect(steadyClock.monotonic() - before).toBeLessThan(1_200);
    sim.faults.set('half-open', false);
    await until('online', onvifOnline(sink));
  });

  it('comes back after a restart with its alarms, its clock and its pictures', async () => {
    const { sim, sink, connection } = await connectedOnvif();
    await until('online', onvifOnline(sink));
    await connection.snapshot(1, AbortSignal.timeout(30_000));
    const restart = sim.reboot(100);
    sim.setClockOffset(-1_000_000_000);
    await restart;
    await until('a new subscription', () => sim.state().events.created >= 2);
    await until('the new time', () => (sink.offsets.at(-1) ?? 0) < -900_000_000);
    sim.setInput('000', true);
    await until('the alarm', () => sink.told().includes('digital-input start'));
    expect(sink.events.at(-1)?.late).toBe(false);
    const picture = await connection.snapshot(1, AbortSignal.timeout(30_000));
    expect(picture.bytes.subarray(0, 2).toString('hex')).toBe('ffd8');
  });

  it('is offline where nothing listens', async () => {
    const { sim, sink } = await connectedOnvif();
    await until('online', onvifOnline(sink));
    await sim.close();
    await until('offline', () => sink.links.at(-1)?.link === 'offline');
  });

  it('is not called dead for answering slowly', async () => {
    const { sink, sim } = await connectedOnvif({ faults: ['slow'], slowMs: 60 });
    await until('online', onvifOnline(sink));
    sim.setInput('000', true);
    await until('the alarm', () => sink.told().includes('digital-input start'));
    expect(sink.links.map((l) => l.link)).not.toContain('offline');
  });
});

describe('a flood', () => {
  it('of thousands of messages comes through whole and in order', async () => {
    const { sim, sink } = await connectedOnvif();
    await until('online', onvifOnline(sink));
    await until('states', () => sink.events.length >= 4);
    for (let i = 0; i < 4_000; i++)
      sim.fire({
        topic: 'RuleEngine/LineDetector/Crossed',
        source: { VideoSource: '000', Rule: 'gate' },
        data: { ObjectId: String(i) },
        operation: null,
      });
    const crossed = () => sink.events.filter((e) => e.draft.type === 'line-crossing');
    await until('all', () => crossed().length === 4_000, 40_000);
    expect(crossed().map((e) => Number(e.draft.objectId))).toEqual(Array.from({ length: 4_000 }, (_, i) => i));
  });
});

describe('addresses of the device', () => {
  it('are used for their ports alone where the operator wants that, never for their host', async () => {
    const { sink } = await connectedOnvif({ faults: ['internal-addresses'] }, { options: { ports: 'told' } });
    await until('offline', () => sink.links.at(-1)?.link === 'offline');
    expect(sink.links.at(-1)?.detail).toMatch(/127\.0\.0\.1:8999/);
  });
});
