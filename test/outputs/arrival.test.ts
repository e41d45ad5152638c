/** Cameras that tell whether they have turned: what is said of them, tried again, and given up. */
import { describe, expect, it } from 'vitest';
import type { PtzMove } from '../../engine/domain/devices';
import { BenchSite, TURN_MS } from './bench-site';

const ID = 'box/ptz/1';
const preset = (number: number): PtzMove => ({ move: 'preset', number });
const off = { afterClearMs: 0, capMs: null };
const camera = (number: number) => ({
  nodeId: 'camera',
  kind: 'ptz' as const,
  output: '1',
  manner: { move: preset(number), home: preset(9) },
});

async function started(): Promise<BenchSite> {
  const site = new BenchSite([{ nodeId: 'camera', output: '1', kind: 'ptz' }]);
  await site.start();
  return site;
}
const row = (site: BenchSite) => site.outputs.list()[0]!;
const notReturned = (site: BenchSite) => site.record.audit.filter(({ action }) => action === 'output.not-returned');

describe('a camera that tells where it looks', () => {
  it('is held as soon as it has taken the move, and in place when it rests there', async () => {
    const site = await started();
    site.box.turned = 'reached';
    await site.raise('a', off, camera(1));
    expect(row(site)).toMatchObject({ desired: true, confirmed: true, lastError: null });
    expect(row(site).turned).toBeUndefined();
    await site.advance(TURN_MS);
    expect(site.record.outputs.get(ID)).toMatchObject({ confirmed: true, turned: 'reached', lastError: null });
  });

  it('is sent on at once when another claim wants it elsewhere while it turns', async () => {
    const site = await started();
    site.box.turned = 'reached';
    await site.raise('a', off, camera(1));
    await site.raise('b', off, camera(2));
    expect(site.box.looks.get(1)).toEqual(preset(2));
    expect(site.clock.monotonic()).toBeLessThan(TURN_MS);
    await site.advance(TURN_MS);
    expect(row(site).turned).toBe('reached');
  });

  it('that does not move is sent again until it does, and says why', async () => {
    const site = await started();
    site.box.stuck = true;
    await site.raise('a', off, camera(1));
    await site.advance(TURN_MS);
    expect(row(site)).toMatchObject({ confirmed: null, turned: 'not-moved' });
    expect(row(site).lastError).toContain('preset 1 and did not move');
    await site.advance(20_000);
    expect(site.box.orders.filter((order) => order === '1: preset 1').length).toBeGreaterThan(3);
    site.box.stuck = false;
    site.box.turned = 'reached';
    await site.advance(20_000);
    expect(row(site)).toMatchObject({ confirmed: true, turned: 'reached', lastError: null });
    expect(notReturned(site)).toEqual([]);
  });

  it('that does not return is sent back three times, and people are told once', async () => {
    const site = await started();
    site.box.turned = 'reached';
    await site.raise('a', off, camera(1));
    await site.advance(TURN_MS);
    site.box.stuck = true;
    await site.end('a');
    await site.advance(60_000);
    expect(site.box.orders.filter((order) => order === '1: preset 9')).toHaveLength(3);
    expect(row(site)).toMatchObject({ desired: false, confirmed: false, turned: 'not-moved' });
    expect(row(site).lastError).toContain('preset 9 and did not move');
    expect(notReturned(site)).toHaveLength(1);
    expect(site.notReturned).toHaveLength(1);
    site.outputs.deviceOnline('box');
    await site.advance(60_000);
    expect(site.box.orders.filter((order) => order === '1: preset 9')).toHaveLength(3);
  });

  it('that returns to another place is told of, and not sent again', async () => {
    const site = await started();
    site.box.turned = 'elsewhere';
    await site.raise('a', off, camera(1));
    await site.advance(TURN_MS);
    expect(site.notReturned).toEqual([]);
    await site.end('a');
    await site.advance(60_000);
    expect(site.box.orders.filter((order) => order === '1: preset 9')).toHaveLength(1);
    expect(site.notReturned).toEqual([expect.stringContaining('rests elsewhere')]);
  });

  it('whose node is removed while it turns is let go without a look', async () => {
    const site = await started();
    site.box.turned = 'still-turning';
    await site.raise('a', off, camera(1));
    site.outputs.detach('camera');
    await site.alarms.delete('a');
    const before = site.clock.monotonic();
    await site.outputs.flowsStarted();
    expect(site.clock.monotonic() - before).toBeLessThan(TURN_MS);
  });
});
