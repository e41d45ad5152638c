import { createSocket } from 'node:dgram';
import { afterEach, describe, expect, it } from 'vitest';
import type { DeviceDefinition } from '../../../engine/domain/devices';
import { defaultPolicy } from '../../../engine/domain/triggers';
import {
  type SnmpSimulatorOptions,
  snmpScenes,
  snmpTrapsDriver,
  startSnmpSimulator,
} from '../../../engine/drivers/snmp-traps';
import { alarmKey } from '../../../engine/gates/key';
import { closeDrivers, closeLater, connectDriver, linkIs, never } from '../../support/connected-driver';
import { decodeAll } from '../../support/drain-decoder';
import { until } from '../../support/recording-sink';
import { freeUdpPort } from '../../support/snmptrapd';
import { pause, steadyClock } from '../../support/steady-clock';

afterEach(closeDrivers);

const login = { user: 'admin', password: 'simulated1' };

async function receiver(options: Record<string, unknown> = {}, change: Partial<DeviceDefinition> = {}) {
  const port = (options.listenPort as number | undefined) ?? (await freeUdpPort());
  const driven = connectDriver(snmpTrapsDriver, 0, {
    options: { listenPort: port, ...options },
    host: '',
    credentials: login,
    ...change,
  });
  const told = () => driven.sink.events.map((e) => `${e.draft.type} ${e.draft.phase} ${e.draft.rule ?? ''}`.trim());
  return { port, told, ...driven };
}

async function sender(port: number, options: SnmpSimulatorOptions = {}) {
  const sim = await startSnmpSimulator({ port, everyMs: 0, clock: steadyClock, ...options });
  closeLater(() => sim.close());
  return sim;
}

const optionsOf = (model: string) => (model === '3' ? { access: 'authPriv' } : {});

describe.each(['1', '2c', '3'])('version %s', (model) => {
  it('tells what happens, with its end', async () => {
    const { port, told, sink } = await receiver(optionsOf(model));
    await until('online', linkIs(sink, 'online'));
    const sim = await sender(port, { model });
    for (const scene of [
      'link-down',
      'link-down',
      'link-up',
      'battery-alarm',
      'battery-alarm-over',
      'poe-off',
      'poe-on',
    ])
      await sim.fire(scene);
    await until('all', () => told().length === 7);
    expect(told()).toEqual([
      'network-fault start 3',
      'network-fault refresh 3',
      'network-fault stop 3',
      'power-fault start on-battery',
      'power-fault stop on-battery',
      'power-fault start 1.5',
      'power-fault stop 1.5',
    ]);
  });

  it('lets nobody in with another community or key', async () => {
    const { port, sink, warnings } = await receiver(optionsOf(model));
    await until('online', linkIs(sink, 'online'));
    const sim = await sender(port, { model, faults: ['wrong-community'] });
    await sim.fire('link-down');
    await until('it is told', () => warnings.length > 0);
    expect(sink.events).toEqual([]);
    expect(JSON.stringify([warnings, sink.links])).not.toMatch(/simulated1|not-it|not-the-key/);
  });

  it('passes unknown ones on with all that they say', async () => {
    const { port, sink } = await receiver(optionsOf(model));
    await until('online', linkIs(sink, 'online'));
    const sim = await sender(port, { model });
    // Version 1 has no 64-bit numbers.
    await sim.fire(model === '1' ? 'cold-start' : 'unknown');
    await until('it is there', () => sink.events.length === 1);
    if (model === '1') return;
    expect(sink.events[0]?.draft).toMatchObject({ type: 'vendor:1.3.6.1.4.1.32473.9.0.1', phase: 'pulse' });
    expect(JSON.parse(sink.events[0]!.draft.raw)).toMatchObject({
      version: model,
      values: {
        '1.3.6.1.4.1.32473.9.1': 'Tür offen',
        '1.3.6.1.4.1.32473.9.2': '001bff10',
        '1.3.6.1.4.1.32473.9.3': '18446744073709551615',
      },
    });
  });

  it.each(['garbage', 'empty', 'extra-zero'])('understands a sender with the fault %s', async (fault) => {
    const { port, told, sink } = await receiver(optionsOf(model));
    await until('online', linkIs(sink, 'online'));
    const sim = await sender(port, { model, faults: [fault] });
    await sim.fire('battery-alarm');
    await until('it is there', () => told().length === 1);
    expect(told()).toEqual(['power-fault start on-battery']);
  });

  it('refuses one that is cut off', async () => {
    const { port, sink, warnings } = await receiver(optionsOf(model));
    await until('online', linkIs(sink, 'online'));
    await (await sender(port, { model, faults: ['truncated'] })).fire('link-down');
    await until('it is told', () => warnings.length > 0);
    expect(sink.events).toEqual([]);
  });
});

describe.each(['2c', '3'])('informs of version %s', (model) => {
  it('are confirmed when their event is kept', async () => {
    const { port, sink } = await receiver(optionsOf(model));
    await until('online', linkIs(sink, 'online'));
    const sim = await sender(port, { model });
    await sim.fire('link-down', { inform: true });
    expect(sink.events.length).toBe(1);
    expect(sim.state().confirmed).toBe(1);
  });

  it('are one event however often they are sent', async () => {
    const { port, sink } = await receiver(optionsOf(model));
    await until('online', linkIs(sink, 'online'));
    const sim = await sender(port, { model, faults: model === '2c' ? ['deaf-to-answers'] : [] });
    // A version 3 sender must hear the answer to its first question, so there the confirmation is what fails first.
    if (model === '2c') await expect(sim.fire('link-down', { inform: true })).rejects.toThrow();
    else await sim.fire('link-down', { inform: true });
    expect(sim.state().sent).toBeGreaterThan(1);
    expect(sink.events.length).toBe(1);
  });

  it('are not confirmed when their event could not be kept, and taken when they come again', async () => {
    const { port, sink } = await receiver(optionsOf(model));
    await until('online', linkIs(sink, 'online'));
    const keep = sink.event;
    let failures = 1;
    sink.event = async (received) => {
      if (failures-- > 0) throw new Error('disk full');
      return keep(received);
    };
    const sim = await sender(port, { model });
    await sim.fire('link-down', { inform: true });
    expect(sink.events.length).toBe(1);
  });
});

describe('version 3', () => {
  it('does not let a message of the empty user pass', async () => {
    for (const access of ['community', 'authPriv', 'noAuthNoPriv']) {
      const { port, sink, warnings } = await receiver({ access });
      await until('online', linkIs(sink, 'online'));
      const sim = await sender(port, { model: '3', faults: ['version-3-nobody'] });
      await sim.fire('link-down');
      await until('it is told', () => warnings.length > 0);
      expect(sink.events).toEqual([]);
    }
  });

  it('does not take a community', async () => {
    const { port, sink, warnings } = await receiver({ access: 'authPriv' });
    await until('online', linkIs(sink, 'online'));
    await (await sender(port)).fire('link-down');
    await until('it is told', () => warnings.length > 0);
    expect(sink.events).toEqual([]);
  });
});

describe('several senders', () => {
  const inputs = ({ sink }: Awaited<ReturnType<typeof receiver>>) =>
    sink.events.map(({ draft }) => `${draft.input ?? '-'} ${draft.phase}`);

  it('of one receiver begin and end each by itself, and are named', async () => {
    const all = await receiver({ sources: '127.0.0.0/8' });
    await until('online', linkIs(all.sink, 'online'));
    const near = await sender(all.port, { from: '127.0.0.1' });
    const far = await sender(all.port, { from: '127.0.0.2' });
    await near.fire('link-down');
    await until('the first', () => all.sink.events.length === 1);
    await far.fire('link-down');
    await until('the second', () => all.sink.events.length === 2);
    await near.fire('link-up');
    await until('the end', () => all.sink.events.length === 3);
    expect(inputs(all)).toEqual(['127.0.0.1 start', '127.0.0.2 start', '127.0.0.1 stop']);
    expect(all.sink.events[1]?.draft.description).toBe('127.0.0.2: link down (3)');
    expect(keysOf(all)).toHaveLength(2);
  });

  it('behind one address are told apart by the agent that they name', async () => {
    const all = await receiver();
    await until('online', linkIs(all.sink, 'online'));
    await (await sender(all.port, { model: '1', agent: '10.0.0.7' })).fire('link-down');
    await until('the first', () => all.sink.events.length === 1);
    await (await sender(all.port, { model: '1', agent: '10.0.0.8' })).fire('link-down');
    await until('the second', () => all.sink.events.length === 2);
    expect(inputs(all)).toEqual(['10.0.0.7 start', '10.0.0.8 start']);
  });

  it.each([
    ['a list of one address', { sources: '127.0.0.2' }],
    ['addresses of one device', { sources: '127.0.0.2\n127.0.0.1', several: 'one' }],
  ])('are none with %s', async (_what, options) => {
    const one = await receiver(options);
    await until('online', linkIs(one.sink, 'online'));
    await (await sender(one.port, { from: '127.0.0.2' })).fire('link-down');
    await until('it is there', () => one.sink.events.length === 1);
    expect(inputs(one)).toEqual(['- start']);
  });

  it('are called by the name that the list has for them', async () => {
    const all = await receiver({ sources: 'localhost\n192.0.2.0/24' });
    await until('online', linkIs(all.sink, 'online'));
    const sim = await sender(all.port, { from: '127.0.0.1' });
    // Nobody is taken before the name is looked up.
    while (all.sink.events.length === 0) {
      await sim.fire('link-down');
      await pause(50);
    }
    expect(inputs(all)[0]).toBe('localhost start');
  });
});

/** The alarms of a trigger as it is offered, one per condition. */
const keysOf = ({ sink }: Awaited<ReturnType<typeof receiver>>): string[] => [
  ...new Set(sink.events.map(({ draft }) => alarmKey(defaultPolicy.keyParts, { ...draft, deviceId: 'switch' }))),
];

it('a sender that no list has is told, once in a while', async () => {
  const one = await receiver({ sources: '192.0.2.1' });
  await until('online', linkIs(one.sink, 'online'));
  const sim = await sender(one.port, { faults: ['flood'] });
  await sim.fire('link-down');
  await until('it is told', () => (one.sink.links.at(-1)?.detail ?? '').includes('in no list'));
  expect(one.sink.links.at(-1)).toMatchObject({ link: 'online' });
  expect(one.sink.links.at(-1)?.detail).toMatch(/of 127\.0\.0\.1: its address is in no list of senders/);
  expect((await one.connection.probe(never)).warnings.join()).toMatch(/\d+ notifications were refused/);
  expect(one.warnings).toHaveLength(1);
  expect(one.sink.events).toEqual([]);
});

describe('conditions of one sender', () => {
  it('are alarms of their own: the end of one interface is not that of another', async () => {
    const one = await receiver({ sources: '127.0.0.1' });
    await until('online', linkIs(one.sink, 'online'));
    const sim = await sender(one.port);
    for (const scene of ['link-down', 'link-down-7', 'link-up']) await sim.fire(scene);
    await until('all', () => one.told().length === 3);
    const [third, seventh, ended] = one.sink.events.map(({ draft }) =>
      alarmKey(defaultPolicy.keyParts, { ...draft, deviceId: 'switch' }),
    );
    expect(third).not.toBe(seventh);
    expect(ended).toBe(third);
  });

  it('end all, one by one, with an end that names none', async () => {
    const one = await receiver({ sources: '127.0.0.1' });
    await until('online', linkIs(one.sink, 'online'));
    const sim = await sender(one.port);
    for (const scene of ['link-down', 'link-down-7', 'link-up-unnamed']) await sim.fire(scene);
    await until('all', () => one.told().length === 4);
    expect(one.told().slice(2)).toEqual(['network-fault stop 3', 'network-fault stop 7']);
    expect(keysOf(one)).toHaveLength(2);
  });
});

describe('the port', () => {
  it('is shared by devices, told apart by their senders', async () => {
    const mine = await receiver({ sources: '127.0.0.1' });
    const others = await receiver({ listenPort: mine.port }, { id: 'any' });
    const nobody = await receiver({ listenPort: mine.port, sources: '192.0.2.0/24' }, { id: 'far' });
    await until('online', () => [mine, others, nobody].every((r) => linkIs(r.sink, 'online')()));
    await (await sender(mine.port)).fire('link-down');
    await until('it is there', () => mine.sink.events.length === 1);
    await mine.connection.close();
    await (await sender(mine.port)).fire('link-down');
    await until('the other has it', () => others.sink.events.length === 1);
    expect([mine.sink.events.length, nobody.sink.events.length]).toEqual([1, 0]);
  });

  it('goes by the device that a proxy speaks for', async () => {
    // The simulated sender says 127.0.0.1 of itself in version 1, and sends from ::1.
    const { port, sink } = await receiver({ sources: '127.0.0.1' });
    await until('online', linkIs(sink, 'online'));
    await (await sender(port, { model: '1', host: '::1' })).fire('link-down');
    await until('it is there', () => sink.events.length === 1);
    expect(JSON.parse(sink.events[0]!.draft.raw)).toMatchObject({ source: '::1', agent: '127.0.0.1' });
    expect(sink.events[0]!.draft.sender).toBe('127.0.0.1');
  });

  it('that another program has is told, and opened when it is free', async () => {
    const taken = createSocket('udp6');
    const port = await freeUdpPort();
    await new Promise<void>((resolve) => taken.bind(port, () => resolve()));
    const { sink } = await receiver({ listenPort: port });
    await until('offline', linkIs(sink, 'offline'));
    expect(sink.links.at(-1)?.detail).toMatch(/Another program/);
    await new Promise<void>((resolve) => taken.close(() => resolve()));
    await until('online', linkIs(sink, 'online'));
  });

  it('is not opened for a device without community', async () => {
    const { sink, connection } = await receiver({}, { credentials: null });
    await until('refused', linkIs(sink, 'refused'));
    expect(sink.links.at(-1)?.detail).toMatch(/give the community/);
    await expect(connection.probe(never)).rejects.toMatchObject({ code: 'E_CREDENTIALS_MISSING' });
  });

  it('is tried by a test', async () => {
    const port = await freeUdpPort();
    const { connection } = connectDriver(
      snmpTrapsDriver,
      0,
      { options: { listenPort: port }, host: '', credentials: login },
      false,
    );
    expect((await connection.probe(never)).warnings).toEqual([
      expect.stringMatching(/unencrypted/),
      expect.stringMatching(/Any address/),
    ]);
  });
});

describe('a flood', () => {
  it('is cut to the limit, counted and told', async () => {
    const { port, sink, warnings } = await receiver({ rate: 10 });
    await until('online', linkIs(sink, 'online'));
    const sim = await sender(port, { faults: ['flood'] });
    await sim.fire('link-down');
    await until('it is told', () => warnings.length > 0);
    expect(sink.events.length).toBeLessThan(80);
    expect(sink.links.at(-1)?.detail).toMatch(/sends more than 10 a second/);
  });
});

describe('a capture', () => {
  it('is read by decode, in chunks of any size', async () => {
    const { port, sink, parts } = await receiver();
    await until('online', linkIs(sink, 'online'));
    const sim = await sender(port);
    for (const scene of Object.keys(snmpScenes)) await sim.fire(scene);
    await until('all', () => sink.events.length === Object.keys(snmpScenes).length);
    expect(Buffer.concat(parts.map((p) => p.bytes)).includes('simulated1')).toBe(false);
    const bytes = Buffer.concat([...parts.map((p) => p.bytes), Buffer.from('noise')]);
    for (const size of [1, 50, bytes.length]) {
      const found = await decodeAll(bytes, { kind: 'snmp-traps', size });
      expect(
        found.filter((f) => f.kind === 'event').map((f) => f.kind === 'event' && `${f.event.type} ${f.event.phase}`),
      ).toEqual(sink.events.map((e) => `${e.draft.type} ${e.draft.phase}`));
      expect(found.at(-1)).toEqual({ kind: 'fault', reason: 'bytes that are no SNMP message', bytes: 5 });
    }
  });
});
