/** A device that goes or is found elsewhere leaves nothing switched on where it was. */
import { describe, expect, it } from 'vitest';
import { BenchSite } from './bench-site';

const row = (site: BenchSite) => site.outputs.list()[0]!;

async function leave(site: BenchSite): Promise<void> {
  const limit = new AbortController();
  site.clock.after(5_000, () => limit.abort(new Error('too slow')));
  const left = site.outputs.deviceLeaving(site.box, '192.0.2.7:80', limit.signal);
  await site.advance(6_000);
  await left;
}

async function held(): Promise<BenchSite> {
  const site = new BenchSite();
  await site.start();
  await site.raise('a');
  site.box.commands.length = 0;
  return site;
}

const sent = (site: BenchSite): boolean[] => site.box.commands.map(({ on }) => on);

describe('an output whose device leaves', () => {
  it('is switched off there and then driven to its desired state where it is found', async () => {
    const site = await held();
    await leave(site);
    expect(sent(site)).toEqual([false, true]);
    expect(row(site)).toMatchObject({ desired: true, confirmed: true });
    expect(site.record.audit).toEqual([]);
  });

  it('gets no command when it is off', async () => {
    const site = new BenchSite();
    await site.start();
    const before = site.box.commands.length;
    const limit = new AbortController();
    site.box.away = true;
    await site.outputs.deviceLeaving(site.box, '192.0.2.7:80', limit.signal);
    expect(site.box.commands).toHaveLength(before);
    expect(site.record.audit).toEqual([]);
  });

  it.each([
    ['does not answer', { away: true }, 'is offline'],
    ['hangs', { slowMs: 60_000 }, 'too slow'],
    ['stays on', { stuck: true }, 'reports it on'],
  ])('is told of in the audit trail when the device %s', async (_case, fault, reason) => {
    const site = await held();
    Object.assign(site.box, fault);
    await leave(site);
    expect(site.record.audit).toMatchObject([
      { who: 'alarmflow', action: 'output.left-on', subject: 'box/relay/1', detail: expect.stringContaining(reason) },
    ]);
    expect(site.record.audit[0]?.detail).toContain('the relay at 192.0.2.7:80 could not be switched off');
  });

  it('is switched off after an "on" that was under way', async () => {
    const site = new BenchSite();
    await site.start();
    site.box.commands.length = 0;
    site.box.slowMs = 1_000;
    await site.raise('a', { afterClearMs: 0 });
    const limit = new AbortController();
    const left = site.outputs.deviceLeaving(site.box, '192.0.2.7:80', limit.signal);
    await site.clear('a');
    await site.advance(4_000);
    await left;
    expect(sent(site).at(-1)).toBe(false);
    expect(site.on).toBe(false);
  });

  it('that may be on, because its "on" got no answer, is switched off too', async () => {
    const site = new BenchSite();
    await site.start();
    site.box.commands.length = 0;
    site.box.away = true;
    await site.raise('a');
    site.box.away = false;
    const left = site.outputs.deviceLeaving(site.box, '192.0.2.7:80', new AbortController().signal);
    await site.settle();
    await left;
    expect(sent(site)[0]).toBe(false);
  });
});
