import { describe, expect, it } from 'vitest';
import { type BenchNode, BenchSite } from './bench-site';

const ID = 'box/relay/1';
const row = (site: BenchSite) => site.outputs.list()[0]!;

async function dry(): Promise<BenchSite> {
  const site = new BenchSite();
  site.dry = null;
  await site.start();
  return site;
}

describe('an output in a dry run', () => {
  it('is held like any other and gets no command, from the start to the end of the hold', async () => {
    const site = await dry();
    await site.raise('a', { afterClearMs: 5_000 });
    expect(row(site)).toMatchObject({ desired: true, confirmed: null, lastError: null });
    expect(row(site).leases).toHaveLength(1);
    await site.clear('a');
    await site.advance(10_000);
    expect(row(site)).toMatchObject({ desired: false, confirmed: null });
    expect(site.box.commands).toEqual([]);
  });

  it('gets no command either when it is set on by hand or its device comes back', async () => {
    const site = await dry();
    await site.outputs.setMode(ID, 'on', 'anna');
    site.outputs.deviceOnline('box');
    await site.advance(1_000);
    expect(row(site)).toMatchObject({ mode: 'on', desired: true });
    expect(site.box.commands).toEqual([]);
  });

  it('is driven to its desired state when the dry run ends', async () => {
    const site = await dry();
    await site.raise('a');
    site.dry = new Set();
    site.outputs.deviceOnline('box');
    await site.settle();
    expect(site.box.commands.map(({ on }) => on)).toEqual([true]);
    expect(row(site)).toMatchObject({ desired: true, confirmed: true });
  });

  it('that was on before is switched off at the end of its hold, and not on again', async () => {
    const site = new BenchSite();
    await site.start();
    await site.raise('a', { afterClearMs: 5_000 });
    site.dry = null;
    site.box.commands.length = 0;
    await site.clear('a');
    await site.advance(10_000);
    expect(site.box.commands.map(({ on }) => on)).toEqual([false]);
    await site.raise('b');
    expect(site.box.commands.map(({ on }) => on)).toEqual([false]);
    expect(row(site)).toMatchObject({ desired: true, confirmed: false });
  });

  it('that may be on, because its "on" got no answer before, is switched off', async () => {
    const site = new BenchSite();
    await site.start();
    site.box.away = true;
    await site.raise('a', { afterClearMs: 0 });
    site.dry = null;
    site.box.away = false;
    site.box.commands.length = 0;
    await site.clear('a');
    await site.advance(1_000);
    expect(site.box.commands.map(({ on }) => on)).toEqual([false]);
  });

  it('stays held and undriven through a crash', async () => {
    const site = await dry();
    await site.raise('a');
    await site.restart();
    expect(row(site).desired).toBe(true);
    expect(site.box.commands).toEqual([]);
  });

  it('is forgotten without a command when no node works on it any more', async () => {
    const site = await dry();
    await site.raise('a');
    await site.deploy([]);
    expect(site.outputs.list()).toEqual([]);
    expect(site.box.commands).toEqual([]);
  });

  it('leaves the others to be driven', async () => {
    const site = new BenchSite([
      { nodeId: 'relay-node', output: '1' },
      { nodeId: 'other', output: '2' },
    ]);
    site.dry = new Set([ID]);
    await site.start();
    site.box.commands.length = 0;
    await site.raise('a');
    await site.raise('b', {}, { nodeId: 'other', output: '2' });
    expect(site.box.commands.map(({ output, on }) => `${output} ${on}`)).toEqual(['2 true']);
  });
});

/** On for an alarm from before the dry run, which begins now. */
async function turnedDry(hold = {}, nodes?: BenchNode[], fields = {}): Promise<BenchSite> {
  const site = nodes ? new BenchSite(nodes) : new BenchSite();
  await site.start();
  await site.raise('real', { afterClearMs: 5_000, ...hold }, fields);
  site.dry = null;
  await site.outputs.dryRunTurned();
  await site.settle();
  site.box.commands.length = 0;
  site.box.orders.length = 0;
  return site;
}

async function endDry(site: BenchSite): Promise<void> {
  site.dry = new Set();
  await site.outputs.dryRunTurned();
  await site.settle();
}

const sent = (site: BenchSite): boolean[] => site.box.commands.map(({ on }) => on);

describe('an output that is on when a dry run begins', () => {
  it('stays on without a command while its alarm lasts', async () => {
    const site = await turnedDry();
    site.outputs.deviceOnline('box');
    await site.advance(60_000);
    expect([site.on, sent(site)]).toEqual([true, []]);
  });

  it('is switched off when that alarm ends, although one of the dry run holds it on', async () => {
    const site = await turnedDry();
    await site.raise('dry');
    await site.clear('real');
    await site.advance(4_000);
    expect(sent(site)).toEqual([]);
    await site.advance(2_000);
    expect(sent(site)).toEqual([false]);
    expect(row(site)).toMatchObject({ desired: true, confirmed: false });
    await endDry(site);
    expect(sent(site)).toEqual([false, true]);
  });

  it('is switched off although it was set on by hand in the dry run', async () => {
    const site = await turnedDry();
    await site.outputs.setMode(ID, 'on', 'anna');
    await site.clear('real');
    await site.advance(6_000);
    expect(sent(site)).toEqual([false]);
    await endDry(site);
    expect(sent(site)).toEqual([false, true]);
  });

  it('stays on when it was set on by hand before', async () => {
    const site = new BenchSite();
    await site.start();
    await site.outputs.setMode(ID, 'on', 'anna');
    await site.settle();
    site.dry = null;
    await site.outputs.dryRunTurned();
    await site.raise('dry', { afterClearMs: 0 });
    await site.clear('dry');
    await site.advance(1_000);
    expect(site.on).toBe(true);
  });

  it('is switched off although its alarm comes back after the end of its hold', async () => {
    const site = await turnedDry({ afterClearMs: 0 });
    await site.raise('other', { afterClearMs: 60_000 });
    await site.clear('real');
    await site.advance(1_000);
    expect(site.on).toBe(false);
    await site.raise('real', { afterClearMs: 0 });
    await site.advance(1_000);
    expect(sent(site)).toEqual([false]);
  });

  it('tells a claim of the dry run from an older one over a crash, too', async () => {
    const site = await turnedDry();
    await site.raise('dry');
    await site.restart();
    expect(site.on).toBe(true);
    await site.clear('real');
    await site.advance(6_000);
    expect(site.on).toBe(false);
  });

  it('is not renewed in the manner of a claim of the dry run, but is when that ends', async () => {
    const horn = { nodeId: 'horn', kind: 'siren' as const, output: '1' };
    const site = await turnedDry({}, [horn], { ...horn, manner: { sound: 1 }, priority: 50 });
    await site.raise('dry', {}, { ...horn, manner: { sound: 2 }, priority: 80 });
    await site.advance(10_000);
    expect(site.box.orders).toEqual([]);
    await endDry(site);
    expect(site.box.switches.get('siren/1')).toMatchObject({ on: true, manner: { sound: 2 } });
  });

  it('counts a claim of a dry run that is over as any other in the next', async () => {
    const site = await turnedDry();
    await site.raise('dry');
    await endDry(site);
    site.dry = null;
    await site.outputs.dryRunTurned();
    await site.clear('real');
    await site.advance(6_000);
    expect(site.on).toBe(true);
    await site.clear('dry');
    await site.advance(11_000);
    expect(site.on).toBe(false);
  });

  it('is driven when a deploy ends the dry run of its nodes', async () => {
    const site = await dry();
    await site.raise('a');
    site.dry = new Set();
    await site.deploy([{ nodeId: 'relay-node', output: '1' }]);
    expect(site.on).toBe(true);
  });
});
