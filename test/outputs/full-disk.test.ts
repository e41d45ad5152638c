import { describe, expect, it } from 'vitest';
import { BenchSite } from './bench-site';

const refused = { code: 'E_RECORD_WRITE' };

/** A site whose relay a plain message has switched on, and whose disk is full since. */
async function onAndFull(afterClearMs = 0) {
  const site = new BenchSite();
  await site.start();
  await site.message(true, { afterClearMs });
  expect(site.on).toBe(true);
  site.record.failing = true;
  return site;
}

describe('an output that is let go while the record cannot be written', () => {
  it.each<[string, (site: BenchSite) => Promise<void>]>([
    ['by a message', (site) => site.message(false, { afterClearMs: 0 })],
    ['by a reset', (site) => site.outputs.reset('box/relay/1', 'anna')],
    ['by a reset of all', (site) => site.outputs.resetAll('anna')],
    ['because its node is disarmed', (site) => site.outputs.releaseNode('relay-node')],
  ])('%s is off at once, and stays off after a restart', async (_how, letGo) => {
    const site = await onAndFull();
    await expect(letGo(site)).rejects.toMatchObject(refused);
    await site.settle();
    expect(site.on).toBe(false);
    await site.advance(60_000);
    expect(site.record.leases.size).toBe(1);
    site.record.failing = false;
    await site.advance(10_000);
    expect([site.record.leases.size, site.record.timers.size]).toEqual([0, 0]);
    await site.restart();
    await site.advance(10_000);
    expect(site.on).toBe(false);
  });

  it('by a message is off after its time, and its end is kept when the disk has room before it', async () => {
    const long = await onAndFull(20_000);
    await expect(long.message(false, { afterClearMs: 20_000 })).rejects.toMatchObject(refused);
    await long.advance(19_000);
    expect(long.on).toBe(true);
    await long.advance(2_000);
    expect(long.on).toBe(false);

    const freed = await onAndFull(20_000);
    await expect(freed.message(false, { afterClearMs: 20_000 })).rejects.toMatchObject(refused);
    freed.record.failing = false;
    await freed.advance(6_000);
    await freed.restart();
    expect(freed.on).toBe(true);
    await freed.advance(15_000);
    expect(freed.on).toBe(false);
    expect([freed.record.leases.size, freed.record.timers.size]).toEqual([0, 0]);
  });

  it('and taken again before it could be written is on, also after a restart', async () => {
    const site = await onAndFull();
    await expect(site.message(false, { afterClearMs: 0 })).rejects.toMatchObject(refused);
    site.record.failing = false;
    await site.message(true, { afterClearMs: 0 });
    await site.advance(30_000);
    await site.restart();
    expect(site.on).toBe(true);
    expect(site.record.leases.size).toBe(1);
  });
});

describe('an alarm that has cleared and whose last claim is reset while the record cannot be written', () => {
  it('is told of the end of its claim once that is on record', async () => {
    const site = new BenchSite();
    await site.start();
    await site.raise('a', { afterClearMs: null });
    await site.clear('a');
    site.record.failing = true;
    await expect(site.outputs.resetAll('anna')).rejects.toMatchObject(refused);
    expect(site.alarms.has('a')).toBe(true);
    site.record.failing = false;
    await site.advance(10_000);
    expect(site.alarms.has('a')).toBe(false);
  });
});
