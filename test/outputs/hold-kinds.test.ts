import { describe, expect, it } from 'vitest';
import type { OutputClaim } from '../../engine/domain/outputs';
import { anAlarm, BenchSite, START } from './bench-site';

async function started(): Promise<BenchSite> {
  const site = new BenchSite();
  await site.start();
  return site;
}

const fixed = (onMs: number) => ({ kind: 'fixed' as const, onMs });
const extended = (onMs: number) => ({ kind: 'extended' as const, onMs });

describe('a claim on an alarm that is over', () => {
  const over = (clearedAt: number) => anAlarm('a', START, { state: 'clearing', clearedAt });

  it.each([
    ['soon after the start', 9_999, true],
    ['much later', 10_000, false],
  ])('with a short pulse, %s', async (_name, lateMs, on) => {
    const site = await started();
    site.alarms.set('a', over(START));
    await site.advance(lateMs);
    await site.outputs.request(site.claim('a', fixed(1_000)));
    await site.settle();
    expect(site.on).toBe(on);
    await site.advance(1_000);
    expect(site.on).toBe(false);
  });

  it('with a long pulse is in time for as long as the pulse itself', async () => {
    const site = await started();
    site.alarms.set('a', over(START));
    await site.advance(59_000);
    await site.outputs.request(site.claim('a', fixed(60_000)));
    await site.advance(59_999);
    expect(site.on).toBe(true);
    await site.advance(1);
    expect(site.on).toBe(false);
  });
});

describe('a message that tells of something worse', () => {
  const step = (site: BenchSite, round: number): OutputClaim => {
    const claim = site.claim('a', fixed(5_000));
    const escalation = { nodeId: 'esc', step: 1, round, outputs: [0] };
    return { ...claim, alarm: { ...claim.alarm!, phase: 'escalate', escalation } };
  };

  it('pulses once more for every step of an escalation, and only once for each', async () => {
    const site = await started();
    await site.raise('a', fixed(5_000));
    await site.advance(5_000);
    expect(site.on).toBe(false);
    for (const round of [1, 2]) {
      await site.outputs.request(step(site, round));
      await site.settle();
      expect(site.on).toBe(true);
      await site.advance(5_000);
      expect(site.on).toBe(false);
      await site.outputs.request(step(site, round));
      await site.settle();
      expect(site.on).toBe(false);
    }
    await site.end('a');
    expect(site.record.leases.size).toBe(0);
  });

  it('changes nothing while the first pulse lasts', async () => {
    const site = await started();
    await site.raise('a', fixed(5_000));
    await site.advance(3_000);
    await site.outputs.request(step(site, 1));
    await site.advance(1_999);
    expect(site.on).toBe(true);
    await site.advance(1);
    expect(site.on).toBe(false);
  });
});

describe('a relay node that is disarmed', () => {
  it.each([
    ['after-clear', {}],
    ['until-cleared', { afterClearMs: null }],
    ['fixed', fixed(60_000)],
    ['extended', extended(60_000)],
  ])('lets go of what it holds %s, and neither a start nor a restart brings it back', async (_name, hold) => {
    const site = await started();
    await site.raise('a', hold);
    await site.raise('b', hold);
    await site.outputs.releaseNode('relay-node');
    await site.settle();
    expect(site.on).toBe(false);
    await site.merge('a');
    await site.clear('b');
    await site.restart();
    await site.outputs.request(site.claim('a', hold));
    await site.settle();
    expect(site.on).toBe(false);
    expect(site.record.timers.size).toBe(0);
  });

  it('lets go of what plain messages hold, and takes it again with the next', async () => {
    const site = await started();
    await site.message(true);
    await site.outputs.releaseNode('relay-node');
    await site.settle();
    expect(site.on).toBe(false);
    await site.message(true);
    expect(site.on).toBe(true);
  });

  it('leaves what others hold', async () => {
    const site = new BenchSite([
      { nodeId: 'relay-node', output: '1' },
      { nodeId: 'other', output: '1' },
    ]);
    await site.start();
    await site.raise('a');
    await site.raise('b', {}, { nodeId: 'other' });
    await site.outputs.releaseNode('relay-node');
    await site.settle();
    expect(site.on).toBe(true);
    expect(site.outputs.list()[0]!.leases.map((lease) => lease.nodeId)).toEqual(['other']);
  });
});

describe('a start whose change never reaches the record', () => {
  it('lengthens an extended hold all the same, and then it is on record', async () => {
    const site = await started();
    await site.raise('a', extended(10_000));
    await site.advance(8_000);
    site.record.failing = true;
    await expect(site.merge('a')).rejects.toMatchObject({ code: 'E_RECORD_WRITE' });
    site.record.failing = false;
    await site.advance(9_999);
    expect(site.on).toBe(true);
    expect(site.record.leases.get('a:relay-node')?.endsAt).toBe(START + 18_000);
    await site.advance(1);
    expect(site.on).toBe(false);
  });

  it('does not leave an extended hold without an end', async () => {
    const site = await started();
    await site.raise('a', extended(2_000));
    await site.advance(1_000);
    site.record.failing = true;
    await expect(site.merge('a')).rejects.toMatchObject({ code: 'E_RECORD_WRITE' });
    await site.advance(20_000);
    site.record.failing = false;
    await site.advance(10_000);
    expect(site.on).toBe(false);
    expect(site.record.timers.size).toBe(0);
  });
});

describe('a hold that makes no sense', () => {
  it.each([
    [{ kind: 'sometimes' }, 'the kind of hold'],
    [{ kind: 'fixed' }, 'alarm output time'],
    [{ kind: 'fixed', onMs: -1 }, 'alarm output time'],
    [{ kind: 'extended', onMs: Number.POSITIVE_INFINITY }, 'alarm output time'],
    [{ kind: 'extended', onMs: '5' }, 'alarm output time'],
  ])('is refused: %j', async (hold, reason) => {
    const site = await started();
    const request = site.outputs.request(site.claim('a', hold as Partial<OutputClaim['hold']>));
    await expect(request).rejects.toMatchObject({ code: 'E_BAD_HOLD', message: expect.stringContaining(reason) });
  });
});

describe('a wall clock that was set back while the process was away', () => {
  it.each([
    ['fixed', fixed(60_000)],
    ['extended', extended(60_000)],
    ['capped', { afterClearMs: null, capMs: 60_000 }],
  ])('keeps no %s hold on for longer than its time', async (_name, hold) => {
    const site = await started();
    await site.raise('a', hold);
    site.kill();
    site.clock.jump(-3_600_000);
    await site.start();
    expect(site.on).toBe(true);
    await site.advance(59_999);
    expect(site.on).toBe(true);
    await site.advance(1);
    expect(site.on).toBe(false);
    expect(site.record.timers.size).toBe(0);
  });
});
