import { describe, expect, it } from 'vitest';
import { BenchSite } from './bench-site';

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
