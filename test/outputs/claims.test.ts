import { describe, expect, it } from 'vitest';
import { emptyChange } from '../../engine/domain/record';
import { anAlarm, BenchSite, START } from './bench-site';

async function started(nodes?: { nodeId: string; output: string }[]): Promise<BenchSite> {
  const site = new BenchSite(nodes);
  await site.start();
  return site;
}

describe('a claim of an alarm', () => {
  it('is on disk, with the timer that ends it, before the first command is sent', async () => {
    const site = await started();
    site.box.commands.length = 0;
    site.alarms.set('a', anAlarm('a', START));
    const asked = site.outputs.request(site.claim('a', { capMs: 60_000 }));
    await asked;
    expect(site.record.leases.has('a:relay-node')).toBe(true);
    expect(site.record.timers.get('lease:a:relay-node')?.at).toBe(START + 60_000);
    expect(site.box.commands).toEqual([]);
    await site.settle();
    expect(site.box.commands.map((command) => command.on)).toEqual([true]);
  });

  it('asked again is the same lease and sends nothing', async () => {
    const site = await started();
    await site.raise('a');
    const commands = site.box.commands.length;
    await site.advance(3_000);
    await site.outputs.request(site.claim('a'));
    await site.settle();
    expect(site.outputs.list()[0]!.leases).toMatchObject([{ id: 'a:relay-node', acquiredAt: START }]);
    expect(site.box.commands.length).toBe(commands);
  });

  it('asked again while the first is on its way to disk waits for it', async () => {
    const site = await started();
    site.alarms.set('a', anAlarm('a', START));
    site.record.failing = true;
    const first = site.outputs.request(site.claim('a'));
    const second = site.outputs.request(site.claim('a'));
    await expect(first).rejects.toMatchObject({ code: 'E_RECORD_WRITE' });
    await expect(second).rejects.toMatchObject({ code: 'E_RECORD_WRITE' });
    expect(site.outputs.holdsFor('a')).toBe(false);
    await site.settle();
    expect(site.on).toBe(false);
  });

  it('ends at its cap whatever the alarm does, and a message sent again does not take the output once more', async () => {
    const site = await started();
    await site.raise('a', { capMs: 30_000 });
    await site.advance(29_999);
    expect(site.on).toBe(true);
    await site.advance(1);
    expect(site.on).toBe(false);
    await site.outputs.request(site.claim('a', { capMs: 30_000 }));
    await site.advance(1_000);
    expect(site.on).toBe(false);
    await site.restart();
    await site.outputs.request(site.claim('a', { capMs: 30_000 }));
    await site.advance(1_000);
    expect(site.on).toBe(false);
  });

  it('whose cap passed while the process was away is not taken up again by a message sent again', async () => {
    const site = await started();
    await site.raise('a', { capMs: 30_000 });
    site.kill();
    await site.advance(600_000);
    site.box.commands.length = 0;
    await site.start();
    await site.outputs.request(site.claim('a', { capMs: 30_000 }));
    await site.advance(1_000);
    expect(site.on).toBe(false);
    expect(site.box.commands.every((command) => !command.on)).toBe(true);
  });

  it('may be made once more by the escalation after the pre-alarm has used up its cap', async () => {
    const site = await started();
    await site.raise('a', { capMs: 5_000 });
    await site.advance(6_000);
    const claim = site.claim('a', { capMs: 5_000 });
    const escalation = { ...claim, alarm: { ...claim.alarm!, phase: 'escalate' as const } };
    await site.outputs.request(escalation);
    await site.advance(1_000);
    expect(site.on).toBe(true);
    await site.advance(5_000);
    expect(site.on).toBe(false);
    await site.outputs.request(escalation);
    await site.advance(1_000);
    expect(site.on).toBe(false);
  });

  it.each(['remind', 'clear', 'end'] as const)('is not made by the phase %s', async (phase) => {
    const site = await started();
    site.alarms.set('a', anAlarm('a', START));
    const claim = site.claim('a');
    await site.outputs.request({ ...claim, alarm: { ...claim.alarm!, phase } });
    await site.settle();
    expect(site.on).toBe(false);
    expect(site.outputs.holdsFor('a')).toBe(false);
  });

  it('ends at its cap also when its hold would last longer', async () => {
    const site = await started();
    await site.raise('a', { afterClearMs: 60_000, capMs: 20_000 });
    await site.clear('a');
    await site.advance(19_999);
    expect(site.on).toBe(true);
    await site.advance(1);
    expect(site.on).toBe(false);
  });

  it('with hold 0 ends at the clear', async () => {
    const site = await started();
    await site.raise('a', { afterClearMs: 0 });
    await site.clear('a');
    expect(site.on).toBe(false);
    expect(site.alarms.has('a')).toBe(false);
  });

  it('with no end stays until it is cleared by hand', async () => {
    const site = await started();
    await site.raise('a', { afterClearMs: null });
    await site.clear('a');
    await site.advance(30 * 86_400_000);
    expect(site.on).toBe(true);
    await site.restart();
    expect(site.on).toBe(true);
    await site.outputs.resetAll('anna');
    await site.settle();
    expect(site.on).toBe(false);
    expect(site.alarms.has('a')).toBe(false);
  });

  it('that comes after the clear holds for what is left, counted from the clear', async () => {
    const site = await started();
    site.alarms.set('a', anAlarm('a', START, { state: 'clearing', clearedAt: START }));
    await site.advance(4_000);
    await site.outputs.request(site.claim('a'));
    await site.settle();
    expect(site.on).toBe(true);
    await site.advance(5_999);
    expect(site.on).toBe(true);
    await site.advance(1);
    expect(site.on).toBe(false);
  });

  it('that comes after its hold has passed switches nothing', async () => {
    const site = await started();
    site.alarms.set('a', anAlarm('a', START, { state: 'clearing', clearedAt: START }));
    await site.advance(10_000);
    await site.outputs.request(site.claim('a'));
    await site.settle();
    expect(site.on).toBe(false);
    expect(site.box.commands.every((command) => !command.on)).toBe(true);
  });

  it('that came too late holds after all when its alarm comes back', async () => {
    const site = await started();
    site.alarms.set('a', anAlarm('a', START, { state: 'clearing', clearedAt: START }));
    await site.outputs.request(site.claim('a', { afterClearMs: 0 }));
    await site.resume('a');
    expect(site.on).toBe(true);
  });

  it('of an alarm that nobody knows switches nothing', async () => {
    const site = await started();
    await site.outputs.request(site.claim('gone'));
    await site.settle();
    expect(site.on).toBe(false);
    expect(site.record.leases.size).toBe(0);
  });

  it('of an alarm that was disarmed meanwhile switches nothing', async () => {
    const site = await started();
    const ended = { state: 'normal', clearedAt: START, endedAt: START, endReason: 'disarmed' } as const;
    site.alarms.set('a', anAlarm('a', START, ended));
    await site.outputs.request(site.claim('a'));
    await site.settle();
    expect(site.on).toBe(false);
  });

  it('is remembered by no row once its alarm has ended', async () => {
    const site = await started();
    await site.raise('a', { afterClearMs: 1_000 });
    await site.clear('a');
    await site.advance(2_000);
    expect(site.record.leases.size).toBe(0);
    expect(site.record.timers.size).toBe(0);
    expect(site.timers.ids()).toEqual([]);
  });

  it('on a siren that is already silent is back when the alarm comes back during the hold of its light', async () => {
    const site = await started([
      { nodeId: 'siren', output: '1' },
      { nodeId: 'light', output: '2' },
    ]);
    await site.raise('a', { afterClearMs: 0 }, { nodeId: 'siren', output: '1' });
    await site.outputs.request(site.claim('a', { afterClearMs: 300_000 }, { nodeId: 'light', output: '2' }));
    await site.clear('a');
    await site.advance(120_000);
    expect([site.on, site.box.relays.get('2')]).toEqual([false, true]);
    await site.restart();
    await site.resume('a');
    expect([site.on, site.box.relays.get('2')]).toEqual([true, true]);
    await site.clear('a');
    expect([site.on, site.box.relays.get('2')]).toEqual([false, true]);
  });

  it('leaves no trace of a countdown that began and was released in one change', async () => {
    const site = await started();
    await site.raise('a');
    const change = emptyChange();
    site.outputs.alarmCleared('a', START, change);
    site.outputs.alarmEnded('a', START, change);
    expect(change.writes).toMatchObject({ leasesDeleted: ['a:relay-node'], timersDeleted: ['lease:a:relay-node'] });
    expect(change.writes.leases ?? []).toEqual([]);
    expect(change.writes.timers ?? []).toEqual([]);
  });
});

describe('a claim of a plain message', () => {
  it('holds while the condition holds and counts down from its end', async () => {
    const site = await started();
    await site.message(true);
    await site.advance(60_000);
    expect(site.on).toBe(true);
    await site.message(false);
    await site.advance(9_999);
    expect(site.on).toBe(true);
    await site.advance(1);
    expect(site.on).toBe(false);
    expect(site.record.leases.size).toBe(0);
  });

  it('is kept by a condition that comes back during the hold', async () => {
    const site = await started();
    await site.message(true);
    await site.message(false);
    await site.advance(9_000);
    await site.message(true);
    await site.advance(60_000);
    expect(site.on).toBe(true);
  });

  it('does not count anew at a second end', async () => {
    const site = await started();
    await site.message(true);
    await site.message(false);
    await site.advance(9_000);
    await site.message(false);
    await site.advance(1_000);
    expect(site.on).toBe(false);
  });

  it('is one for each topic', async () => {
    const site = await started();
    await site.message(true, { afterClearMs: 0 }, { topic: 'gate' });
    await site.message(true, { afterClearMs: 0 }, { topic: 'door' });
    await site.message(false, { afterClearMs: 0 }, { topic: 'gate' });
    expect(site.on).toBe(true);
    await site.message(false, { afterClearMs: 0 }, { topic: 'door' });
    expect(site.on).toBe(false);
  });

  it('survives a restart, and its hold ends on time', async () => {
    const site = await started();
    await site.message(true);
    await site.restart();
    expect(site.on).toBe(true);
    await site.message(false);
    await site.restart();
    await site.advance(9_999);
    expect(site.on).toBe(true);
    await site.advance(1);
    expect(site.on).toBe(false);
  });

  it('whose hold passed while the process was away ends at the start, without a blink', async () => {
    const site = await started();
    await site.message(true);
    await site.message(false);
    site.kill();
    await site.advance(60_000);
    site.box.commands.length = 0;
    await site.start();
    expect(site.box.commands.map((command) => command.on)).toEqual([false]);
    expect(site.record.leases.size).toBe(0);
    expect(site.record.timers.size).toBe(0);
  });

  it('ends at its cap, and the next message begins anew', async () => {
    const site = await started();
    await site.message(true, { capMs: 5_000 });
    await site.advance(5_000);
    expect(site.on).toBe(false);
    await site.message(true, { capMs: 5_000 });
    expect(site.on).toBe(true);
  });

  it.each(['x'.repeat(100_000), 'a\u0000b', '\ud800'])('takes the topic of any flow (%#)', async (topic) => {
    const site = await started();
    await site.message(true, {}, { topic });
    const [lease] = site.outputs.list()[0]!.leases;
    expect(lease!.id).toMatch(/^msg:relay-node:#[0-9a-f]{64}$/);
    await site.message(false, { afterClearMs: 0 }, { topic });
    await site.advance(10_000);
    expect(site.on).toBe(false);
  });
});

describe('what a relay node may ask', () => {
  it.each([
    [{ deviceId: '' }, {}, 'E_BAD_OUTPUT', 'names no device'],
    [{ output: '' }, {}, 'E_BAD_OUTPUT', 'names no alarm output'],
    [{ output: '1\u0000' }, {}, 'E_BAD_OUTPUT', 'names no alarm output'],
    [{}, { afterClearMs: -1 }, 'E_BAD_HOLD', 'post-alarm time'],
    [{}, { afterClearMs: Number.NaN }, 'E_BAD_HOLD', 'post-alarm time'],
    [{}, { capMs: 0 }, 'E_BAD_HOLD', 'longest time on'],
    [{}, { capMs: Number.POSITIVE_INFINITY }, 'E_BAD_HOLD', 'longest time on'],
  ])('%j %j is refused with %s', async (fields, hold, code, text) => {
    const site = await started();
    const asked = site.outputs.request(site.claim(null, hold, fields));
    await expect(asked).rejects.toMatchObject({ code, family: 'user', message: expect.stringContaining(text) });
  });
});
