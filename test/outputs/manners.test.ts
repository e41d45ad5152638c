/** Two alarms on one siren, on one camera, on one recording: who says how (DESIGN §2, REQUIREMENTS L2, L8). */
import { describe, expect, it } from 'vitest';
import type { PtzMove } from '../../engine/domain/devices';
import { decidingLease, outputId } from '../../engine/domain/outputs';
import { type BenchNode, BenchSite, START } from './bench-site';

const preset = (number: number): PtzMove => ({ move: 'preset', number });
const off = { afterClearMs: 0, capMs: null };
const sirenNode: BenchNode = { nodeId: 'horn', output: '1', kind: 'siren' };
const cameraNode: BenchNode = { nodeId: 'camera', output: '1', kind: 'ptz' };
const siren = (fields = {}) => ({ nodeId: 'horn', kind: 'siren' as const, output: '1', ...fields });
const camera = (fields = {}) => ({ nodeId: 'camera', kind: 'ptz' as const, output: '1', ...fields });

async function siteWith(...nodes: BenchNode[]): Promise<BenchSite> {
  const site = new BenchSite(nodes);
  await site.start();
  return site;
}
const horn = (site: BenchSite) => site.box.switches.get('siren/1');
const look = (site: BenchSite) => site.box.looks.get(1);

describe('the deciding claim', () => {
  const lease = (id: string, acquiredAt: number, priority?: number) => ({
    id,
    acquiredAt,
    ...(priority === undefined ? {} : { priority }),
  });

  it.each([
    ['none', [], undefined],
    ['the only one', [lease('a', 1)], 'a'],
    ['the highest priority, though it is older', [lease('a', 1, 80), lease('b', 2, 20)], 'a'],
    ['of equal ones the newest', [lease('a', 1), lease('b', 2)], 'b'],
    ['of equal ones the newest, in any order', [lease('b', 2), lease('a', 1)], 'b'],
    ['of two at once the greater id', [lease('b', 1), lease('a', 1)], 'b'],
    ['no priority as 50', [lease('a', 1, 51), lease('b', 2)], 'a'],
    ['priority 0 below all', [lease('a', 2, 0), lease('b', 1)], 'b'],
  ])('is %s', (_name, leases, id) => {
    expect(decidingLease(leases)?.id).toBe(id);
  });
});

describe('two alarms on one siren', () => {
  it('sound as the higher priority wants it, and as the other when that has let go', async () => {
    const site = await siteWith(sirenNode);
    await site.raise('a', off, siren({ manner: { sound: 1 }, priority: 50 }));
    expect(horn(site)).toEqual({ on: true, manner: { sound: 1 } });
    await site.raise('b', off, siren({ manner: { sound: 2, volume: 90 }, priority: 80 }));
    expect(horn(site)?.manner).toEqual({ sound: 2, volume: 90 });
    await site.raise('c', off, siren({ manner: { sound: 3 }, priority: 10 }));
    expect(horn(site)?.manner).toEqual({ sound: 2, volume: 90 });
    await site.end('b');
    expect(horn(site)).toEqual({ on: true, manner: { sound: 1 } });
    await site.end('a');
    expect(horn(site)?.manner).toEqual({ sound: 3 });
    await site.end('c');
    expect(horn(site)).toEqual({ on: false, manner: {} });
    expect(site.box.orders.slice(1)).toEqual(['on', 'on', 'on', 'on', 'off'].map((word) => `siren 1 ${word}`));
  });

  it('send nothing anew where the manner stays the same', async () => {
    const site = await siteWith(sirenNode);
    await site.raise('a', off, siren({ manner: { sound: 1 } }));
    const before = site.box.orders.length;
    await site.raise('b', off, siren({ manner: { sound: 1 } }));
    await site.end('a');
    expect(site.box.orders).toHaveLength(before);
    expect(horn(site)?.on).toBe(true);
  });

  it('are a change of generation when the manner changes', async () => {
    const site = await siteWith(sirenNode);
    await site.raise('a', off, siren({ manner: { sound: 1 } }));
    const { generation } = site.outputs.list()[0]!;
    await site.raise('b', off, siren({ manner: { sound: 2 } }));
    expect(site.outputs.list()[0]).toMatchObject({ generation: generation + 1, manner: { sound: 2 }, desired: true });
  });

  it('survive a restart with the right one deciding', async () => {
    const site = await siteWith(sirenNode);
    await site.raise('a', off, siren({ manner: { sound: 1 }, priority: 80 }));
    await site.advance(10);
    await site.raise('b', off, siren({ manner: { sound: 2 } }));
    site.box.switches.clear();
    await site.restart();
    expect(horn(site)).toEqual({ on: true, manner: { sound: 1 } });
    await site.end('a');
    expect(horn(site)?.manner).toEqual({ sound: 2 });
  });
});

describe('a sound with a number of times', () => {
  const thrice = siren({ manner: { sound: 1, times: 3 } });

  it('counts from the claim, also when the device is told again', async () => {
    const site = await siteWith(sirenNode);
    await site.raise('a', off, thrice);
    expect(horn(site)?.manner).toEqual({ sound: 1, times: 3, since: START });
    await site.advance(60_000);
    const before = site.box.orders.length;
    site.outputs.deviceOnline('box');
    await site.restart();
    expect(site.box.orders.length).toBeGreaterThan(before);
    expect(horn(site)?.manner.since).toBe(START);
  });

  it('is told anew for an alarm that joins, and not when that has let go', async () => {
    const site = await siteWith(sirenNode);
    await site.raise('a', off, thrice);
    await site.advance(60_000);
    await site.raise('b', off, thrice);
    expect(horn(site)?.manner.since).toBe(START + 60_000);
    const before = site.box.orders.length;
    await site.end('b');
    expect(site.box.orders).toHaveLength(before);
    expect(horn(site)?.on).toBe(true);
  });

  it('counts from each order when it is set on by hand', async () => {
    const site = await siteWith({ ...sirenNode, manner: { times: 2 } });
    await site.outputs.setMode('box/siren/1', 'on', 'anna');
    await site.settle();
    expect(horn(site)).toEqual({ on: true, manner: { times: 2 } });
  });

  it('moves with the wall clock', async () => {
    const site = await siteWith(sirenNode);
    await site.raise('a', off, thrice);
    const before = site.box.orders.length;
    site.clock.jump(3_600_000);
    await site.raise('low', off, siren({ manner: { sound: 2 }, priority: 1 }));
    expect(site.box.orders).toHaveLength(before);
  });
});

describe("the device's own timer as a second net", () => {
  it('is told the end of a fixed hold and a little more, and nothing where no end is known', async () => {
    const site = await siteWith(sirenNode);
    await site.raise('a', { kind: 'fixed', onMs: 10_000 }, siren());
    expect(horn(site)?.manner).toEqual({ forMs: 12_000 });
    const other = await siteWith(sirenNode);
    await other.raise('a', off, siren());
    expect(horn(other)?.manner).toEqual({});
  });

  it('is set anew when the hold becomes longer, and not when it becomes shorter', async () => {
    const site = await siteWith(sirenNode);
    await site.raise('a', { kind: 'extended', onMs: 10_000 }, siren());
    await site.advance(4_000);
    await site.merge('a');
    expect(horn(site)?.manner).toEqual({ forMs: 12_000 });
    const before = site.box.orders.length;
    await site.raise('b', { kind: 'fixed', onMs: 1_000 }, siren());
    expect(site.box.orders).toHaveLength(before);
    await site.raise('c', off, siren());
    expect(horn(site)?.manner).toEqual({});
  });

  it('is never shorter than what still holds after the wall clock was set', async () => {
    const site = await siteWith(sirenNode);
    await site.raise('a', { kind: 'fixed', onMs: 10_000 }, siren());
    site.clock.jump(3_600_000);
    await site.advance(1_000);
    expect(horn(site)?.on).toBe(true);
    await site.advance(9_000);
    expect(horn(site)?.on).toBe(false);
  });
});

describe('two alarms on one camera', () => {
  it('have it look where the higher priority, then the newest wants it, and return at the last end', async () => {
    const site = await siteWith(cameraNode);
    await site.raise('a', off, camera({ manner: { move: preset(1), home: preset(9) } }));
    await site.advance(10);
    await site.raise('b', off, camera({ manner: { move: preset(2), home: preset(9) } }));
    expect(look(site)).toEqual(preset(2));
    await site.raise('c', off, camera({ manner: { move: { move: 'tour', number: 4 } }, priority: 90 }));
    expect(look(site)).toEqual({ move: 'tour', number: 4 });
    await site.end('c');
    expect(look(site)).toEqual(preset(2));
    await site.end('b');
    expect(look(site)).toEqual(preset(1));
    await site.end('a');
    expect(look(site)).toEqual(preset(9));
  });

  it('leave it where it is when nobody asks for a return', async () => {
    const site = await siteWith(cameraNode);
    await site.raise('a', off, camera({ manner: { move: preset(1) } }));
    await site.end('a');
    expect(site.box.orders).toEqual(['1: preset 1']);
    expect(site.outputs.list()[0]).toMatchObject({ desired: false, confirmed: false, lastError: null });
  });

  it('return as the one says that lets go last', async () => {
    const site = await siteWith(cameraNode);
    await site.raise('a', off, camera({ manner: { move: preset(1), home: preset(9) } }));
    await site.advance(10);
    await site.raise('b', off, camera({ manner: { move: preset(2) } }));
    await site.end('a');
    await site.end('b');
    expect(look(site)).toEqual(preset(2));
  });

  it('do not move a camera again that was let go and is directed by hand since', async () => {
    const site = await siteWith(cameraNode);
    await site.raise('a', off, camera({ manner: { move: preset(1), home: preset(9) } }));
    await site.end('a');
    const before = site.box.orders.length;
    site.outputs.deviceOnline('box');
    await site.settle();
    await site.restart();
    await site.deploy([cameraNode]);
    await site.outputs.setMode(outputId('box', 'ptz', '1'), 'off', 'anna');
    await site.settle();
    expect(site.box.orders).toHaveLength(before);
  });

  it('have it return after a crash in the middle of the move, though no answer ever came', async () => {
    const site = await siteWith(cameraNode);
    site.box.slowMs = 5_000;
    await site.raise('a', off, camera({ manner: { move: preset(1), home: preset(9) } }));
    site.kill();
    site.box.slowMs = 0;
    site.alarms.delete('a');
    await site.start();
    expect(look(site)).toEqual(preset(9));
  });

  it('switch auxiliary switches beside its direction, each off at its end', async () => {
    const site = await siteWith(cameraNode);
    const wiper = camera({ manner: { move: { move: 'aux', number: 2, on: true } } });
    await site.raise('a', off, camera({ manner: { move: preset(1) } }));
    await site.raise('b', off, wiper);
    expect(look(site)).toEqual(preset(1));
    expect([...site.box.aux]).toEqual(['1/2']);
    await site.end('b');
    expect([...site.box.aux]).toEqual([]);
    expect(look(site)).toEqual(preset(1));
    expect(site.outputs.list().map(({ id }) => id)).toContain('box/ptz/1:aux2');
  });

  it('hold it by hand where its node says', async () => {
    const site = await siteWith({ ...cameraNode, manner: { move: preset(5), home: preset(9) } });
    const id = outputId('box', 'ptz', '1');
    await site.outputs.setMode(id, 'on', 'anna');
    await site.settle();
    expect(look(site)).toEqual(preset(5));
    await site.restart();
    expect(look(site)).toEqual(preset(5));
    await site.outputs.setMode(id, 'auto', 'anna');
    await site.settle();
    expect(look(site)).toEqual(preset(9));
  });
});

describe('one node with several outputs', () => {
  const nodes: BenchNode[] = ['1', '2', '3'].map((output) => ({ ...sirenNode, output }));

  it('holds each by a lease of its own, and all are off at the end', async () => {
    const site = await siteWith(...nodes);
    site.alarms.set('a', (site.alarms.get('a') ?? (await raised(site, 'a')))!);
    for (const output of ['2', '3']) await site.outputs.request(site.claim('a', off, siren({ output })));
    await site.settle();
    expect([...site.record.leases.keys()].sort()).toEqual([1, 2, 3].map((n) => `a:horn:@box/siren/${n}`));
    expect([...site.box.switches.values()].every(({ on }) => on)).toBe(true);
    await site.end('a');
    expect([...site.box.switches.values()].some(({ on }) => on)).toBe(false);
    expect(site.record.leases.size).toBe(0);
  });

  async function raised(site: BenchSite, id: string) {
    await site.raise(id, off, siren({ output: '1' }));
    return site.alarms.get(id);
  }

  it('releases what a deploy took from it and goes on with the rest', async () => {
    const site = await siteWith(...nodes);
    await site.raise('a', off, siren({ output: '1' }));
    await site.outputs.request(site.claim('a', off, siren({ output: '2' })));
    await site.deploy([nodes[0]!]);
    expect(site.box.switches.get('siren/1')?.on).toBe(true);
    expect(site.box.switches.get('siren/2')?.on).toBe(false);
    expect(site.outputs.list().map(({ id }) => id)).toEqual(['box/siren/1']);
  });

  it('keeps the ids of relays as they were', async () => {
    const site = await siteWith({ nodeId: 'relay-node', output: '1' });
    await site.raise('a');
    await site.message(true, {}, { topic: 'x' });
    expect([...site.record.leases.keys()].sort()).toEqual(['a:relay-node', 'msg:relay-node:x']);
  });

  it('holds several by plain messages, and takes a new manner at the next', async () => {
    const site = await siteWith(...nodes);
    for (const output of ['1', '2']) await site.message(true, off, siren({ output, manner: { sound: 1 } }));
    expect(site.record.leases.size).toBe(2);
    await site.message(true, off, siren({ manner: { sound: 2 } }));
    expect(horn(site)?.manner).toEqual({ sound: 2 });
    await site.message(false, off, siren());
    expect(horn(site)?.on).toBe(false);
    expect(site.box.switches.get('siren/2')?.on).toBe(true);
  });
});

describe('one output that is reset alone', () => {
  it('falls silent, the others go on, and running alarms do not take it again', async () => {
    const site = await siteWith(sirenNode, { ...sirenNode, output: '2' });
    await site.raise('a', off, siren());
    await site.outputs.request(site.claim('a', off, siren({ output: '2' })));
    await site.outputs.reset('box/siren/1', 'anna');
    await site.settle();
    expect(horn(site)?.on).toBe(false);
    expect(site.box.switches.get('siren/2')?.on).toBe(true);
    await site.outputs.request(site.claim('a', off, siren()));
    await site.settle();
    expect(horn(site)?.on).toBe(false);
    expect(site.record.audit.at(-1)).toMatchObject({
      who: 'anna',
      subject: 'box/siren/1',
      facts: { kind: 'output-reset', output: 'box/siren/1' },
    });
  });

  it('is refused for one that is not there', async () => {
    const site = await siteWith(sirenNode);
    await expect(site.outputs.reset('box/siren/9', 'anna')).rejects.toMatchObject({ code: 'E_UNKNOWN_OUTPUT' });
  });
});

describe('rows of a version that knew relays alone', () => {
  it('are relays', async () => {
    const site = new BenchSite();
    site.record.outputs.set('box/relay/1', {
      id: 'box/relay/1',
      deviceId: 'box',
      kind: 'relay',
      output: '1',
      name: 'Siren',
      mode: 'auto',
      generation: 4,
      desired: true,
      confirmed: true,
      confirmedAt: START,
      lastError: null,
    });
    await site.start();
    expect(site.on).toBe(false);
    expect(site.record.outputs.get('box/relay/1')).not.toHaveProperty('manner');
  });
});

describe('a claim that cannot be', () => {
  it.each<[object, string, string]>([
    [{ kind: 'laser' }, 'E_BAD_OUTPUT', 'kind "laser"'],
    [{ priority: 101 }, 'E_BAD_PRIORITY', '0 to 100'],
    [{ priority: 1.5 }, 'E_BAD_PRIORITY', '0 to 100'],
    [{ manner: { volume: 101 } }, 'E_BAD_MANNER', 'volume'],
    [{ manner: { times: 0 } }, 'E_BAD_MANNER', '1 to 50 times'],
    [{ manner: { times: 51 } }, 'E_BAD_MANNER', '1 to 50 times'],
    [{ manner: { brightness: -1 } }, 'E_BAD_MANNER', 'brightness'],
    [{ manner: { flash: 'disco' } }, 'E_BAD_MANNER', 'flashes'],
    [{ kind: 'ptz', manner: { move: { move: 'fly' } } }, 'E_BAD_MANNER', 'preset, tour'],
    [{ kind: 'ptz', manner: { move: { move: 'preset', number: 0 } } }, 'E_BAD_MANNER', 'preset, tour'],
    [{ kind: 'ptz', output: 'front' }, 'E_BAD_OUTPUT', 'number of its channel'],
    [{ kind: 'siren', output: '' }, 'E_BAD_OUTPUT', 'Audible alarm node'],
  ])('%j is refused with %s', async (fields, code, words) => {
    const site = await siteWith(sirenNode);
    const claim = { ...site.claim(null, off, siren()), ...fields } as Parameters<typeof site.outputs.request>[0];
    await expect(site.outputs.request(claim)).rejects.toMatchObject({
      code,
      family: 'user',
      message: expect.stringContaining(words),
    });
    expect(site.record.leases.size).toBe(0);
  });
});
