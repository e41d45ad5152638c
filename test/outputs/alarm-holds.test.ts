import { describe, expect, it } from 'vitest';
import type { Alarm } from '../../engine/domain/alarms';
import { BenchSite } from './bench-site';

/** Does something to an alarm while the record fails; the alarm falls back to what it was, as the engine's alarms do. */
async function failing(site: BenchSite, act: () => Promise<void>): Promise<void> {
  const former: Alarm = site.alarms.get('a')!;
  site.record.failing = true;
  await expect(act()).rejects.toMatchObject({ code: 'E_RECORD_WRITE' });
  site.alarms.set('a', former);
}

async function raised(hold = {}): Promise<BenchSite> {
  const site = new BenchSite();
  await site.start();
  await site.raise('a', hold);
  return site;
}

describe("an alarm's change that never reaches the record", () => {
  it('a clear: the output stays on with the alarm, and the next clear counts', async () => {
    const site = await raised();
    await failing(site, () => site.clear('a'));
    site.record.failing = false;
    await site.advance(60_000);
    expect(site.on).toBe(true);
    await site.clear('a');
    await site.advance(10_000);
    expect(site.on).toBe(false);
  });

  it('a clear with hold 0: the output is on again with the alarm', async () => {
    const site = await raised({ afterClearMs: 0 });
    await failing(site, () => site.clear('a'));
    site.record.failing = false;
    await site.advance(10_000);
    expect(site.on).toBe(true);
    expect(site.record.leases.get('a:relay-node')).toMatchObject({ endsAt: null });
  });

  it('a re-start during the hold: the countdown goes on and ends', async () => {
    const site = await raised();
    await site.clear('a');
    await site.advance(2_000);
    await failing(site, () => site.resume('a'));
    await site.advance(1_000);
    site.record.failing = false;
    await site.advance(6_999);
    expect(site.on).toBe(true);
    await site.advance(5_000);
    expect(site.on).toBe(false);
    expect(site.alarms.size).toBe(0);
    expect(site.record.leases.size).toBe(0);
    expect(site.record.timers.size).toBe(0);
  });

  it('however often a device repeats it is told once', async () => {
    const site = await raised();
    for (let i = 0; i < 20; i++) await failing(site, () => site.clear('a'));
    site.record.failing = false;
    await site.advance(10_000);
    expect(site.warnings).toEqual(['output.leases-restored']);
  });

  it('a reset: the output stays on with the alarm, and the next reset releases it on disk too', async () => {
    const site = await raised();
    const former = site.alarms.get('a')!;
    site.record.failing = true;
    await expect(site.end('a')).rejects.toMatchObject({ code: 'E_RECORD_WRITE' });
    site.alarms.set('a', former);
    await site.advance(30_000);
    site.record.failing = false;
    await site.advance(10_000);
    expect(site.on).toBe(true);
    expect(site.outputs.holdsFor('a')).toBe(true);
    await site.end('a');
    expect(site.on).toBe(false);
    expect(site.record.leases.size).toBe(0);
  });

  it('a reset during the hold: the countdown goes on to its own end', async () => {
    const site = await raised({ afterClearMs: 30_000 });
    await site.clear('a');
    await failing(site, () => site.end('a'));
    site.record.failing = false;
    await site.advance(10_000);
    expect(site.on).toBe(true);
    await site.advance(20_000);
    expect(site.on).toBe(false);
    expect(site.record.timers.size).toBe(0);
  });

  it('is not seen where the record is only fast: nothing is written twice', async () => {
    const site = await raised();
    await site.clear('a');
    const commits = site.record.commits;
    await site.advance(9_000);
    expect(site.record.commits).toBe(commits);
  });
});
