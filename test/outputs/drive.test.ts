import { describe, expect, it, vi } from 'vitest';
import { operationalError, userError } from '../../engine/domain/errors';
import { anAlarm, BenchSite, START } from './bench-site';

const ID = 'box/relay/1';

async function started(): Promise<BenchSite> {
  const site = new BenchSite();
  await site.start();
  return site;
}

const row = (site: BenchSite) => site.outputs.list()[0]!;

describe('driving an output', () => {
  it('brings every output to its desired state at the start', async () => {
    const site = new BenchSite();
    site.box.relays.set('1', true);
    await site.start();
    expect(site.on).toBe(false);
    expect(site.record.outputs.get(ID)).toMatchObject({ desired: false, confirmed: false, lastError: null });
  });

  it('sends again until a device that was away has the right state', async () => {
    const site = await started();
    site.box.away = true;
    await site.raise('a', { afterClearMs: 60_000 });
    await site.advance(10_000);
    expect(row(site)).toMatchObject({ desired: true, confirmed: false, lastError: expect.stringContaining('offline') });
    expect(site.record.outputs.get(ID)?.lastError).toContain('offline');
    site.box.away = false;
    await site.advance(500);
    expect(site.on).toBe(true);
    expect(row(site)).toMatchObject({ confirmed: true, lastError: null });
  });

  it('gives a device that comes back the state of now, not that of then', async () => {
    const site = await started();
    site.box.away = true;
    await site.raise('a', { afterClearMs: 1_000 });
    await site.clear('a');
    await site.advance(60_000);
    site.box.relays.set('1', true);
    site.box.commands.length = 0;
    site.box.away = false;
    site.outputs.deviceOnline('box');
    await site.advance(1_000);
    expect(site.box.commands.map((command) => command.on)).toEqual([false]);
  });

  it('sends the state again when the device comes back, although it was confirmed', async () => {
    const site = await started();
    await site.raise('a');
    site.box.relays.set('1', false);
    site.outputs.deviceOnline('another');
    await site.settle();
    expect(site.on).toBe(false);
    site.outputs.deviceOnline('box');
    await site.settle();
    expect(site.on).toBe(true);
  });

  it.each([
    ['is still connecting', 'connecting', []],
    ['is away', 'offline', ['output.not-driven']],
  ])('warns of a device that %s: %s', async (_what, link, expected) => {
    const site = await started();
    site.box.setOutput = () => Promise.reject(operationalError('E_DEVICE_OFFLINE', 'not yet', { facts: { link } }));
    await site.outputs.setMode(ID, 'on', 'anna');
    await site.settle();
    expect(row(site).lastError).toBe('not yet');
    expect(site.warnings).toEqual(expected);
  });

  it('does not write a failure that stays the same again and again', async () => {
    const site = await started();
    site.box.away = true;
    await site.raise('a');
    await site.advance(1_000);
    const commits = site.record.commits;
    await site.advance(60_000);
    expect(site.record.commits).toBe(commits);
  });

  it('asks once for what the device has not got and is to be off, and again when it comes back', async () => {
    const site = new BenchSite([{ nodeId: 'node', output: '1', kind: 'siren' }]);
    site.box.lacks.add('siren');
    const set = vi.spyOn(site.box, 'setSwitch');
    await site.start();
    await site.advance(3_600_000);
    expect(set).toHaveBeenCalledTimes(1);
    expect(row(site)).toMatchObject({ confirmed: null, lastError: expect.stringContaining('has no siren') });
    site.outputs.deviceOnline('box');
    await site.advance(60_000);
    expect(set).toHaveBeenCalledTimes(2);
    site.box.lacks.clear();
    site.outputs.deviceOnline('box');
    await site.settle();
    expect(row(site)).toMatchObject({ confirmed: false, lastError: null });
  });

  it('asks again and again for what is to be on, or has been on, although the device has not got it', async () => {
    const node = { nodeId: 'node', output: '1', kind: 'siren' } as const;
    const site = new BenchSite([node]);
    await site.start();
    const set = vi.spyOn(site.box, 'setSwitch');
    site.box.lacks.add('siren');
    await site.raise('a', { afterClearMs: 0 }, node);
    await site.advance(10_000);
    expect(set.mock.calls.length).toBeGreaterThan(2);
    site.box.lacks.clear();
    await site.advance(1_000);
    expect(row(site)).toMatchObject({ desired: true, confirmed: true });
    site.box.lacks.add('siren');
    await site.clear('a');
    set.mockClear();
    await site.advance(10_000);
    expect(set.mock.calls.length).toBeGreaterThan(2);
  });

  it('never sends two commands of one output at once, and the newest wins', async () => {
    const site = await started();
    site.box.commands.length = 0;
    site.box.slowMs = 2_000;
    await site.raise('a', { afterClearMs: 0 });
    await site.advance(100);
    await site.clear('a');
    await site.raise('b', { afterClearMs: 0 });
    await site.clear('b');
    await Promise.all([site.advance(20_000), ...[1, 2, 3].map(() => site.outputs.reconcile(ID))]);
    expect(site.box.mostAtOnce).toBe(1);
    expect(site.box.commands.map((command) => command.on)).toEqual([true, false]);
    expect(site.on).toBe(false);
  });

  it('that fails while the desired state moves goes on with the newest at once', async () => {
    const site = await started();
    await site.outputs.setMode(ID, 'on', 'anna');
    site.box.slowMs = 2_000;
    site.box.away = true;
    const driven = site.outputs.reconcile(ID);
    await site.advance(1_000);
    site.box.commands.length = 0;
    await site.outputs.setMode(ID, 'off', 'anna');
    await site.advance(1_000);
    site.box.away = false;
    await site.advance(2_000);
    await expect(driven).resolves.toBeUndefined();
    expect(site.box.commands.map((command) => command.on)).toEqual([false]);
  });

  it('is refused by a read-back that differs', async () => {
    const site = await started();
    site.box.stuck = true;
    await site.outputs.setMode(ID, 'on', 'anna');
    await expect(site.outputs.reconcile(ID)).rejects.toMatchObject({
      code: 'E_OUTPUT_NOT_CONFIRMED',
      family: 'operational',
    });
    expect(row(site)).toMatchObject({
      desired: true,
      confirmed: false,
      lastError: expect.stringContaining('reports it off'),
    });
    site.box.stuck = false;
    await site.advance(1_000);
    expect(row(site)).toMatchObject({ confirmed: true, lastError: null });
  });

  it('takes the word of a device that cannot be read', async () => {
    const site = await started();
    site.box.readsBack = false;
    await site.raise('a');
    expect(row(site)).toMatchObject({ confirmed: true, confirmedAt: START });
  });

  it('gives a command up that takes too long', async () => {
    const site = await started();
    await site.outputs.setMode(ID, 'on', 'anna');
    site.box.slowMs = 60_000;
    const driven = site.outputs.reconcile(ID);
    const refused = expect(driven).rejects.toMatchObject({ code: 'E_OUTPUT_TIMEOUT', family: 'operational' });
    await site.advance(15_000);
    await refused;
  });

  it('gives a driver up that does not stop when it is told to', async () => {
    const site = await started();
    await site.outputs.setMode(ID, 'on', 'anna');
    site.box.setOutput = () => new Promise(() => undefined);
    const refused = expect(site.outputs.reconcile(ID)).rejects.toMatchObject({ code: 'E_OUTPUT_TIMEOUT' });
    await site.advance(20_000);
    await refused;
  });

  it('of an output that nobody knows is nothing to do', async () => {
    const site = await started();
    await expect(site.outputs.reconcile('box/relay/99')).resolves.toBeUndefined();
  });

  it('asks with a generation that grows with every change of the desired state and over restarts', async () => {
    const site = await started();
    await site.raise('a', { afterClearMs: 0 });
    await site.clear('a');
    await site.restart();
    await site.raise('b');
    const generations = site.requests.map((request) => request.generation);
    expect([...generations].sort((x, y) => x - y)).toEqual(generations);
    expect(new Set(generations).size).toBeGreaterThanOrEqual(4);
  });

  it('goes on when the record fails after the command: the state is sent again and then kept', async () => {
    const site = await started();
    site.alarms.clear();
    await site.outputs.setMode(ID, 'on', 'anna');
    site.record.failing = true;
    await site.settle();
    expect(site.on).toBe(true);
    expect(site.record.outputs.get(ID)?.confirmed).toBe(false);
    site.record.failing = false;
    await site.advance(1_000);
    expect(site.record.outputs.get(ID)?.confirmed).toBe(true);
  });

  it('switches off at the end of a hold also when the record fails, and writes it down later', async () => {
    const site = await started();
    await site.raise('a', { afterClearMs: 1_000 });
    await site.clear('a');
    site.record.failing = true;
    await site.advance(1_500);
    expect(site.on).toBe(false);
    expect(site.record.timers.size).toBe(1);
    site.record.failing = false;
    await site.advance(5_000);
    expect(site.record.timers.size).toBe(0);
    expect(site.record.leases.size).toBe(0);
    expect(site.alarms.size).toBe(0);
  });
});

describe('the operator', () => {
  it('overrules the leases by mode, and the record says who did', async () => {
    const site = await started();
    await site.outputs.setMode(ID, 'on', 'anna');
    await site.settle();
    expect(site.on).toBe(true);
    await site.raise('a', { afterClearMs: 0 });
    await site.outputs.setMode(ID, 'off', 'ben');
    await site.settle();
    expect(site.on).toBe(false);
    await site.restart();
    expect(site.on).toBe(false);
    await site.outputs.setMode(ID, 'auto', 'ben');
    await site.settle();
    expect(site.on).toBe(true);
    expect(site.record.audit.map(({ who, action, detail }) => [who, action, detail])).toEqual([
      ['anna', 'output.mode', 'Relay 1: auto → on'],
      ['ben', 'output.mode', 'Relay 1: on → off'],
      ['ben', 'output.mode', 'Relay 1: off → auto'],
    ]);
  });

  it('cannot set a mode that the record does not keep', async () => {
    const site = await started();
    site.record.failing = true;
    await expect(site.outputs.setMode(ID, 'on', 'anna')).rejects.toMatchObject({ code: 'E_RECORD_WRITE' });
    site.record.failing = false;
    await site.advance(2_000);
    expect(row(site)).toMatchObject({ mode: 'auto', desired: false });
    expect(site.on).toBe(false);
  });

  it('is told of an output or a mode that does not exist', async () => {
    const site = await started();
    await expect(site.outputs.setMode('box/relay/9', 'on', 'anna')).rejects.toMatchObject({ code: 'E_UNKNOWN_OUTPUT' });
    await expect(site.outputs.setMode(ID, 'blink' as 'on', 'anna')).rejects.toMatchObject({ code: 'E_BAD_MODE' });
  });

  it('resets all: running alarms do not take their outputs again, the next alarm does', async () => {
    const site = await started();
    await site.raise('a');
    await site.message(true);
    await site.outputs.resetAll('anna');
    await site.settle();
    expect(site.on).toBe(false);
    expect(site.record.audit[0]).toMatchObject({ action: 'output.reset', detail: '2 leases on 1 outputs dropped' });
    await site.outputs.request(site.claim('a'));
    await site.resume('a');
    await site.restart();
    await site.advance(1_000);
    expect(site.on).toBe(false);
    await site.raise('b');
    expect(site.on).toBe(true);
  });

  it('sees what changed announced after it is on disk', async () => {
    const site = await started();
    site.announced = [];
    site.alarms.set('a', anAlarm('a', START));
    const asked = site.outputs.request(site.claim('a'));
    expect(site.announced).toEqual([]);
    await asked;
    expect(site.announced).toContain(ID);
  });
});

describe('a deploy', () => {
  it('keeps leases and countdowns of nodes that are defined again', async () => {
    const site = await started();
    await site.raise('a');
    await site.clear('a');
    await site.advance(5_000);
    const commands = site.box.commands.length;
    await site.deploy([{ nodeId: 'relay-node', output: '1' }]);
    expect(site.on).toBe(true);
    expect(site.box.commands.length).toBe(commands);
    await site.advance(5_000);
    expect(site.on).toBe(false);
  });

  it('releases an output that no node defines any more, drives it off and forgets it', async () => {
    const site = await started();
    await site.raise('a');
    await site.deploy([]);
    expect(site.on).toBe(false);
    expect(site.outputs.list()).toEqual([]);
    expect(site.record.outputs.size).toBe(0);
    expect(site.record.leases.size).toBe(0);
  });

  it('keeps a removed output until its device has confirmed the off, also over a restart', async () => {
    const site = await started();
    await site.raise('a');
    site.box.away = true;
    await site.deploy([]);
    await site.advance(60_000);
    expect(site.record.outputs.size).toBe(1);
    await site.restart();
    site.box.away = false;
    await site.advance(1_000);
    expect(site.on).toBe(false);
    expect(site.record.outputs.size).toBe(0);
  });

  it('forgets a removed output whose device is gone too', async () => {
    const site = await started();
    await site.raise('a');
    site.box.setOutput = () => Promise.reject(userError('E_UNKNOWN_DEVICE', 'The flow has no device "box"'));
    await site.deploy([]);
    expect(site.record.outputs.size).toBe(0);
  });

  it('takes an output back that is defined again before it was driven off', async () => {
    const site = await started();
    site.box.away = true;
    await site.deploy([]);
    await site.deploy([{ nodeId: 'relay-node', output: '1' }]);
    site.box.away = false;
    await site.raise('a');
    await site.advance(2_000);
    expect(site.on).toBe(true);
    expect(site.outputs.list()).toHaveLength(1);
  });

  it('that gives a node another output releases the former one', async () => {
    const site = await started();
    await site.raise('a');
    await site.deploy([{ nodeId: 'relay-node', output: '2' }]);
    expect(site.box.relays.get('1')).toBe(false);
    await site.raise('b', {}, { output: '2' });
    expect(site.box.relays.get('2')).toBe(true);
  });

  it('releases the leases of a removed node and leaves those of its neighbour', async () => {
    const both = [
      { nodeId: 'relay-node', output: '1' },
      { nodeId: 'other', output: '1' },
    ];
    const site = new BenchSite(both);
    await site.start();
    await site.raise('a');
    await site.raise('b', { afterClearMs: 0 }, { nodeId: 'other' });
    await site.deploy([both[1]!]);
    expect(site.on).toBe(true);
    await site.clear('b');
    expect(site.on).toBe(false);
  });

  it('drops at the start the leases of alarms that are gone', async () => {
    const site = await started();
    await site.raise('a');
    site.kill();
    site.alarms.clear();
    await site.start();
    expect(site.on).toBe(false);
    expect(site.record.leases.size).toBe(0);
  });

  it('tells an alarm whose last hold ended while the process was away', async () => {
    const site = await started();
    await site.raise('a');
    await site.clear('a');
    site.kill();
    await site.advance(60_000);
    await site.start();
    expect(site.holdEnded).toContain('a');
    expect(site.alarms.size).toBe(0);
    expect(site.record.leases.size).toBe(0);
    expect(site.record.timers.size).toBe(0);
  });

  it('waits no longer than three seconds for a removed output whose device hangs', async () => {
    const site = await started();
    site.box.slowMs = 3_600_000;
    site.outputs.detach('relay-node');
    let done = false;
    const deployed = site.outputs.flowsStarted().then(() => {
      done = true;
    });
    await site.advance(2_999);
    expect(done).toBe(false);
    await site.advance(1);
    await deployed;
    expect(done).toBe(true);
  });
});
