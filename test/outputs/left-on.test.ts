/** What is on where no device of the flow is any more: after a move or a removal that nobody was there to see. */
import { describe, expect, it } from 'vitest';
import { userError } from '../../engine/domain/errors';
import { BenchSite, placeAt, RelayBox } from './bench-site';

const OLD = '192.0.2.10';
const NEW = '192.0.2.11';

/** A site whose relay was on when its process was killed. */
async function killedWhileOn(serialNumber = 'S1'): Promise<BenchSite> {
  const site = new BenchSite();
  site.place = placeAt(OLD, serialNumber);
  await site.start();
  await site.raise('a', { afterClearMs: null });
  site.kill();
  return site;
}

/** The device at another address now; the old one is `left` there, or nothing answers. */
function move(site: BenchSite, serialNumber = 'S2', left?: RelayBox): void {
  site.place = placeAt(NEW, serialNumber);
  if (left) site.visited.set(OLD, left);
}

function leftThere(site: BenchSite): RelayBox {
  const box = new RelayBox('old box', site.clock);
  box.relays.set('1', true);
  return box;
}

const actions = (site: BenchSite): string[] => site.record.audit.map(({ action }) => action);
const row = (site: BenchSite) => [...site.record.outputs.values()][0];

describe('where an output is on', () => {
  it('is on disk before the first command, in the transaction of its claim', async () => {
    const site = new BenchSite();
    await site.start();
    site.box.away = true;
    const before = site.record.commits;
    await site.outputs.request(site.claim(null));
    expect(site.record.commits).toBe(before + 1);
    expect(row(site)?.onAt).toEqual([placeAt(OLD)]);
  });

  it('is known by the serial number that the device tells after it was switched on', async () => {
    const site = new BenchSite();
    await site.start();
    await site.raise('a', { afterClearMs: null });
    site.place = placeAt(OLD, 'S1');
    site.outputs.deviceKnown('box');
    await site.settle();
    expect(row(site)?.onAt).toEqual([placeAt(OLD, 'S1')]);
  });

  it('is forgotten when it is proven off', async () => {
    const site = new BenchSite();
    await site.start();
    await site.raise('a', { afterClearMs: 0 });
    await site.clear('a');
    expect(site.on).toBe(false);
    expect(row(site)?.onAt).toBeUndefined();
  });

  it('is nowhere while it makes a dry run, and is known when that ends', async () => {
    const site = new BenchSite();
    site.dry = null;
    await site.start();
    await site.raise('a', { afterClearMs: null });
    expect(row(site)?.onAt).toBeUndefined();
    site.dry = new Set();
    await site.outputs.dryRunTurned();
    await site.settle();
    expect(site.on).toBe(true);
    expect(row(site)?.onAt).toEqual([placeAt(OLD)]);
  });

  it('is nowhere for a camera that looks somewhere', async () => {
    const site = new BenchSite([{ nodeId: 'ptz', output: '1', kind: 'ptz', manner: { move: { move: 'home' } } }]);
    await site.start();
    await site.message(true, {}, { nodeId: 'ptz', kind: 'ptz', manner: { move: { move: 'preset', number: 1 } } });
    expect(row(site)).toMatchObject({ desired: true, confirmed: true });
    expect(row(site)?.onAt).toBeUndefined();
  });
});

describe('a device that was moved while the process was away', () => {
  it('has its relay switched off at the old address and on at the new one', async () => {
    const site = await killedWhileOn();
    const old = leftThere(site);
    site.box.relays.clear();
    move(site, 'S2', old);
    await site.start();
    expect(old.commands.map(({ on }) => on)).toEqual([false]);
    expect(site.on).toBe(true);
    expect(row(site)?.onAt).toEqual([placeAt(NEW, 'S2')]);
    expect(site.record.standing).toEqual([]);
    expect(actions(site)).toEqual(['output.left-off']);
    expect(site.told.size).toBe(0);
  });

  it('is left alone where it is the same one at another address: its relay is driven there', async () => {
    const site = await killedWhileOn('S1');
    move(site, 'S1');
    await site.start();
    await site.advance(60_000);
    expect(site.told.size).toBe(0);
    expect(site.record.standing).toEqual([]);
  });

  it('is told of after half a minute, when nothing answers there', async () => {
    const site = await killedWhileOn();
    move(site);
    await site.start();
    await site.advance(25_000);
    expect(site.told.size).toBe(0);
    await site.advance(30_000);
    expect([...site.told.values()]).toMatchObject([
      { kind: 'relay', output: '1', place: { host: OLD }, reason: `${OLD} does not answer` },
    ]);
    expect(site.record.audit).toMatchObject([
      { who: 'alarmflow', action: 'output.left-on', detail: expect.stringContaining(`at ${OLD}:80 may still be on`) },
    ]);
  });

  it('has it switched off when it answers at last, and the message goes', async () => {
    const site = await killedWhileOn();
    move(site);
    await site.start();
    await site.advance(120_000);
    expect(site.told.size).toBe(1);
    const old = leftThere(site);
    site.visited.set(OLD, old);
    await site.advance(300_000);
    expect(old.relays.get('1')).toBe(false);
    expect(site.told.size).toBe(0);
    expect(actions(site)).toEqual(['output.left-on', 'output.left-off']);
  });

  it('is told of again after each restart until a person has seen to it', async () => {
    const site = await killedWhileOn();
    move(site);
    await site.start();
    await site.advance(60_000);
    site.told.clear();
    await site.restart();
    expect(site.told.size).toBe(1);
    await site.outputs.acknowledgeLeftOn([...site.told.keys()][0]!, 'guard');
    expect(site.told.size).toBe(0);
    await site.restart();
    await site.advance(600_000);
    expect(site.told.size).toBe(0);
    expect(site.record.audit.at(-1)).toMatchObject({ who: 'guard', action: 'output.left-seen' });
  });

  it('is not visited again once another device has answered there', async () => {
    const site = await killedWhileOn();
    move(site);
    site.noVisit = userError('E_STRANGER', 'another device answers there: look');
    await site.start();
    await site.advance(60_000);
    site.noVisit = null;
    const old = leftThere(site);
    site.visited.set(OLD, old);
    await site.advance(900_000);
    expect(old.commands).toEqual([]);
    expect([...site.told.values()]).toMatchObject([{ reason: 'another device answers there: look' }]);
  });

  it('is driven again where the old address is given back, and what is on at the new one is looked after', async () => {
    const site = await killedWhileOn();
    move(site);
    await site.start();
    await site.advance(60_000);
    site.kill();
    site.place = placeAt(OLD, 'S1');
    await site.start();
    expect(site.told.size).toBe(0);
    expect(site.outputs.leftOn().map(({ place }) => place.host)).toEqual([NEW]);
  });

  it('that was moved twice has both places looked after', async () => {
    const site = await killedWhileOn();
    move(site);
    await site.start();
    site.kill();
    site.place = placeAt('192.0.2.12', 'S3');
    await site.start();
    await site.advance(60_000);
    expect([...site.told.values()].map(({ place }) => place.host).sort()).toEqual([OLD, NEW]);
  });

  it('says nothing where the output was proven off before', async () => {
    const site = new BenchSite();
    await site.start();
    await site.raise('a', { afterClearMs: 0 });
    await site.clear('a');
    site.kill();
    move(site);
    await site.start();
    await site.advance(60_000);
    expect(site.told.size).toBe(0);
  });

  it('says it also where the process was killed before the device had answered the "on"', async () => {
    const site = new BenchSite();
    await site.start();
    site.box.slowMs = 10_000;
    await site.outputs.request(site.claim(null));
    await site.settle();
    site.kill();
    await site.advance(20_000);
    site.box.slowMs = 0;
    move(site);
    await site.start();
    await site.advance(60_000);
    expect([...site.told.values()]).toMatchObject([{ place: { host: OLD } }]);
  });
});

describe('a device that was removed while the process was away', () => {
  it.each([
    ['with its relay node', []],
    ['without it', [{ nodeId: 'relay-node', output: '1' }]],
  ])('%s is told of within seconds, and its output is not driven', async (_what, nodes) => {
    const site = await killedWhileOn();
    const commands = site.box.commands.length;
    site.place = null;
    site.noVisit = userError('E_NO_VISIT', 'its login is gone: look');
    await site.start(nodes);
    await site.advance(15_000);
    expect([...site.told.values()]).toMatchObject([{ place: { host: OLD }, reason: 'its login is gone: look' }]);
    expect(site.box.commands).toHaveLength(commands);
  });

  it('and is found there by another node of the flow, is switched off by that', async () => {
    const site = await killedWhileOn();
    await site.start([]);
    await site.advance(15_000);
    expect(site.on).toBe(false);
    expect(site.told.size).toBe(0);
  });
});

describe('a device that is moved by a deploy', () => {
  async function leave(site: BenchSite): Promise<void> {
    const left = site.outputs.deviceLeaving(site.box, `${OLD}:80`, new AbortController().signal, placeAt(OLD, 'S1'));
    await site.advance(6_000);
    await left;
  }

  async function held(): Promise<BenchSite> {
    const site = new BenchSite();
    site.place = placeAt(OLD, 'S1');
    await site.start();
    await site.raise('a', { afterClearMs: null });
    return site;
  }

  it('and did not answer is looked after like any other, also over a kill', async () => {
    const site = await held();
    move(site);
    site.box.away = true;
    await leave(site);
    site.box.away = false;
    site.kill();
    await site.start();
    await site.advance(60_000);
    expect([...site.told.values()]).toMatchObject([{ place: { host: OLD } }]);
    expect(actions(site)[0]).toBe('output.left-on');
  });

  it('and was killed before it was switched off there is, too', async () => {
    const site = await held();
    move(site);
    site.box.slowMs = 4_000;
    void site.outputs.deviceLeaving(site.box, `${OLD}:80`, new AbortController().signal, placeAt(OLD, 'S1'));
    await site.advance(100);
    site.kill();
    site.box.slowMs = 0;
    await site.start();
    await site.advance(60_000);
    expect([...site.told.values()]).toMatchObject([{ place: { host: OLD } }]);
  });

  it('and went off leaves nothing behind', async () => {
    const site = await held();
    move(site);
    await leave(site);
    expect(row(site)?.onAt).toEqual([placeAt(NEW, 'S2')]);
    site.kill();
    await site.start();
    await site.advance(60_000);
    expect(site.told.size).toBe(0);
  });
});

it('an output that no node defines any more and whose device refuses it for good is told of', async () => {
  const site = new BenchSite();
  await site.start();
  await site.raise('a', { afterClearMs: null });
  site.box.setOutput = () =>
    Promise.reject(userError('E_BAD_PARAMETER', 'output 1 is used by the device itself: free it'));
  await site.deploy([]);
  await site.advance(60_000);
  expect([...site.told.values()]).toMatchObject([{ reason: 'output 1 is used by the device itself: free it' }]);
});
