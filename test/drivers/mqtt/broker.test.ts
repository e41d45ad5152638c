import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { DeviceDefinition } from '../../../engine/domain/devices';
import {
  createMqttDriver,
  type MqttSimulator,
  type MqttSimulatorOptions,
  mqttDriver,
  startMqttSimulator,
} from '../../../engine/drivers/mqtt';
import { simulatedThings } from '../../../engine/drivers/mqtt/simulator';
import { closeDrivers, closeLater, connectDriver, linkIs, never } from '../../support/connected-driver';
import { decodeAll } from '../../support/drain-decoder';
import { until } from '../../support/recording-sink';
import { selfSigned } from '../../support/smtp-certificate';
import { pause, steadyClock } from '../../support/steady-clock';

// Far above what it takes: a machine on which others want to compute is slow, not wrong.
vi.setConfig({ testTimeout: 60_000 });

afterEach(closeDrivers);

const certificate = selfSigned();

/** The same driver, its waits shorter. */
const driver = createMqttDriver({
  keepaliveS: 1,
  connectMs: 500,
  graceMs: 300,
  backoff: (failures) => 50 * 2 ** Math.min(failures, 6),
});

const { tasmota, shelly1, shelly2, door, smoke, warning, plug, lamp } = simulatedThings;
const things = [
  `tasmota Siren topic=${tasmota} output=1 input=1 switch=siren`,
  `shelly1 Gate id=${shelly1} output=0 input=0`,
  `shelly2 Barrier id=${shelly2} output=0 input=0`,
  `zigbee Door device=${door}`,
  `zigbee Kitchen device=${smoke} input=smoke`,
  `zigbee Attic device=${warning} output=warning switch=siren`,
  `zigbee Plug device=${plug} output=state`,
  `topic Lamp command=${lamp}/set state=${lamp}/state path=light.state available=${lamp}/available`,
].join('\n');

/** Its waits as they are shipped, for what takes a busy machine long: the handshake of TLS. */
const patient = mqttDriver;

async function site(
  simulated: MqttSimulatorOptions = {},
  options: Record<string, unknown> = {},
  change: Partial<DeviceDefinition> = {},
  before: (things: MqttSimulator['things']) => void = () => undefined,
  waits = driver,
) {
  const sim = await startMqttSimulator({ clock: steadyClock, ...simulated });
  before(sim.things);
  closeLater(() => sim.close());
  const given = { things, confirm: 400, ...options };
  const driven = connectDriver(waits, sim.port, { options: given, ...change });
  const told = (name: string): string[] =>
    driven.sink.events
      .filter((e) => (e.draft.input ?? e.draft.output) === name && e.draft.type !== 'source-offline')
      .map((e) => `${e.draft.type} ${e.draft.phase}`);
  const online = () => until('online', linkIs(driven.sink, 'online'));
  return { sim, told, online, ...driven };
}

describe('inputs', () => {
  it.each([
    ['Siren', tasmota, 'digital-input'],
    ['Gate', shelly1, 'digital-input'],
    ['Barrier', shelly2, 'digital-input'],
    ['Door', door, 'digital-input'],
    ['Kitchen', smoke, 'smoke'],
  ])('of %s tell their edges at once', async (name, thing, type) => {
    const { sim, told, online } = await site();
    await online();
    const own = () => told(name).filter((t) => t.startsWith(type));
    // Its answer to the question for its states looks like an edge.
    if (name === 'Gate') await until('the state', () => own().length > 0);
    sim.things.setInput(thing, true);
    await until('the start', () => own().includes(`${type} start`), 1_000);
    sim.things.setInput(thing, false);
    await until('the stop', () => own().at(-1) === `${type} stop`, 1_000);
  });

  it('take what the broker has kept for a state, not for an edge', async () => {
    const { sim, told, online } = await site({}, { things: `shelly1 Gate id=${shelly1} input=0` }, {});
    await online();
    await until('the state', () => told('Gate').length === 1);
    expect(told('Gate')).toEqual(['digital-input stop']);
    sim.things.setInput(shelly1, true);
    await until('the start', () => told('Gate').length === 2);
    sim.cut();
    await until('the state again', () => told('Gate').length >= 3);
    expect([...new Set(told('Gate').slice(1))]).toEqual(['digital-input start', 'digital-input refresh']);
    const other = connectDriver(driver, sim.port, { options: { things: `shelly1 Gate id=${shelly1} input=0` } });
    await until('the kept state', () => other.sink.events.some((e) => e.draft.type === 'digital-input'));
    await pause(50);
    const phases = other.sink.events.filter((e) => e.draft.type === 'digital-input').map((e) => e.draft.phase);
    expect(phases[0]).toBe('snapshot');
    expect(phases).not.toContain('start');
  });

  it.each([
    ['Siren', tasmota],
    ['Gate', shelly1],
    ['Barrier', shelly2],
  ])('of %s are asked for at the start, and are states, not edges', async (name, thing) => {
    const { sim, told, sink } = await site({}, {}, {}, (things) => things.setInput(thing, true));
    await until('the state', () => told(name).some((t) => t.startsWith('digital-input')));
    await pause(50);
    expect(told(name).filter((t) => t.startsWith('digital-input'))[0]).toBe('digital-input snapshot');
    expect(sink.events.filter((e) => e.draft.phase === 'start')).toEqual([]);
    sim.things.setInput(thing, false);
    await until('the stop', () => told(name).includes('digital-input stop'));
  });

  it.each([
    ['Siren', tasmota],
    ['Gate', shelly1],
    ['Barrier', shelly2],
  ])('of %s that end while nobody listens end when the connection is back', async (name, thing) => {
    const { sim, told, online, sink } = await site();
    await online();
    await until('the state', () => told(name).includes('digital-input stop'));
    sim.things.setInput(thing, true);
    await until('the start', () => told(name).includes('digital-input start'));
    sim.faults.set('close-at-once', true);
    sim.cut();
    await until('offline', linkIs(sink, 'offline'));
    sim.things.setInput(thing, false);
    sim.faults.set('close-at-once', false);
    await until('the stop', () => told(name).filter((t) => t === 'digital-input stop').length === 2);
  });

  it('that a thing refuses to tell are a warning', async () => {
    const { sink, online } = await site({ faults: ['rpc-error'] });
    await online();
    await until('it is told', () => (sink.factList.at(-1)?.warnings.join() ?? '').includes('"Barrier" refuses'));
  });

  it('of a thing that comes back are asked for', async () => {
    const { sim, told, online } = await site();
    await online();
    await until('the state', () => told('Barrier').includes('digital-input stop'));
    sim.things.setAvailable(shelly2, false);
    sim.things.setSilently(shelly2, true);
    sim.things.setAvailable(shelly2, true);
    await until('the start', () => told('Barrier').includes('digital-input start'));
  });

  it('take what is told again and again for no edge', async () => {
    const { sim, told, online } = await site();
    await online();
    sim.things.tellPeriodically();
    await until('the first', () => told('Siren').length === 2);
    sim.things.tellPeriodically();
    sim.things.setInput(smoke, true);
    await until('the next', () => told('Kitchen').length === 1);
    expect(told('Siren').sort()).toEqual(['digital-input stop', 'relay-state stop']);
  });

  it('tell a repeated alarm as a refresh', async () => {
    const { sim, told, online } = await site();
    await online();
    sim.things.setInput(smoke, true);
    sim.things.setInput(smoke, true);
    await until('both', () => told('Kitchen').length === 2);
    expect(told('Kitchen')).toEqual(['smoke start', 'smoke refresh']);
  });

  it('tell buttons as pulses, once', async () => {
    const { sim, sink, online } = await site({ faults: ['duplicates'] });
    await online();
    sim.things.press(shelly2, 'double');
    sim.things.press(door, 'single');
    const pulses = () => sink.events.filter((e) => e.draft.phase === 'pulse').map((e) => e.draft.rule);
    await until('both', () => pulses().length >= 2);
    // What comes behind them proves that no second one is on its way.
    sim.things.setInput(smoke, true);
    await until('what comes behind them', () => sink.told().includes('smoke start'));
    expect(pulses().sort()).toEqual(['double_push', 'single']);
  });

  it('take no button that the broker has kept', async () => {
    const { sim, told, online } = await site({}, { things: `shelly1 Gate id=${shelly1} input=0` });
    await online();
    sim.things.press(shelly1, 'long');
    await until('the press', () => told('Gate').includes('digital-input pulse'));
    const other = connectDriver(driver, sim.port, { options: { things: `shelly1 Gate id=${shelly1} input=0` } });
    await until('online', linkIs(other.sink, 'online'));
    // What the broker has kept comes before what is told afterwards.
    sim.things.setInput(shelly1, true);
    await until('what comes behind it', () => other.sink.told().includes('digital-input start'));
    expect(other.sink.told()).not.toContain('digital-input pulse');
  });

  it('come through whatever else comes', async () => {
    const { sim, told, online } = await site({ faults: ['garbage', 'one-byte-chunks'] });
    await online();
    sim.things.setInput(smoke, true);
    await until('the start', () => told('Kitchen').length > 0);
    expect(told('Kitchen')).toEqual(['smoke start']);
  });
});

describe('things that are away', () => {
  it('are told one by one, and the broker stays online', async () => {
    const { sim, sink, online } = await site();
    await online();
    const of = (name: string) =>
      sink.events.filter((e) => e.draft.type === 'source-offline' && e.draft.input === name).map((e) => e.draft.phase);
    await until('they are there', () => of('Siren').length === 1);
    sim.things.setAvailable(tasmota, false);
    await until('it is away', () => of('Siren').length === 2);
    sim.things.setAvailable(tasmota, true);
    await until('it is back', () => of('Siren').length === 3);
    expect(of('Siren')).toEqual(['stop', 'start', 'stop']);
    expect(of('Gate')).toEqual(['stop']);
    expect(sink.links.at(-1)?.link).toBe('online');
  });

  it('are all of Zigbee2MQTT when its bridge is', async () => {
    const { sim, sink, online } = await site();
    await online();
    const away = () =>
      sink.events
        .filter((e) => e.draft.type === 'source-offline' && e.draft.phase === 'start')
        .map((e) => e.draft.input);
    sim.things.setAvailable('bridge', false);
    await until('they are away', () => away().length === 4);
    expect(away().sort()).toEqual(['Attic', 'Door', 'Kitchen', 'Plug']);
  });

  it('are not switched', async () => {
    const { sim, sink, connection, online } = await site();
    await online();
    sim.things.setAvailable(tasmota, false);
    await until('it is away', () =>
      sink.events.some((e) => e.draft.type === 'source-offline' && e.draft.phase === 'start'),
    );
    await expect(connection.setOutput('Siren', true, never)).rejects.toMatchObject({ code: 'E_DEVICE_OFFLINE' });
  });
});

describe('outputs', () => {
  const switched: [string, string][] = [
    ['Siren', tasmota],
    ['Gate', shelly1],
    ['Barrier', shelly2],
    ['Plug', plug],
    ['Lamp', lamp],
  ];

  it.each(switched)('%s is switched and confirms', async (name, thing) => {
    const { sim, connection, online } = await site();
    await online();
    expect(await connection.setOutput(name, true, never)).toBe(true);
    expect(sim.state().outputs[thing]).toBe(true);
    expect(await connection.readOutput(name, never)).toBe(true);
    expect(await connection.setOutput(name, false, never)).toBe(false);
    expect(sim.state().commands.join('\n')).not.toMatch(/toggle"|TOGGLE/);
  });

  it.each(switched)('%s that is so already confirms as well', async (name) => {
    const { sim, told, connection, online } = await site();
    await online();
    // What the broker has kept comes first.
    if (name === 'Lamp' || name === 'Gate')
      await until('its state', () => told(name).some((t) => t.startsWith('relay')));
    expect(await connection.setOutput(name, true, never)).toBe(true);
    sim.faults.set('changes-only');
    expect(await connection.setOutput(name, true, never)).toBe(true);
  });

  it.each(switched)('%s fails when it does not answer', async (name) => {
    const { connection, online } = await site({ faults: ['deaf-things'] });
    await online();
    await expect(connection.setOutput(name, true, never)).rejects.toMatchObject({ code: 'E_DEVICE_TIMEOUT' });
  });

  it.each(switched)('%s tells the state it has, not the one that was sent', async (name) => {
    const { connection, online } = await site({ faults: ['stubborn-things'] });
    await online();
    expect(await connection.setOutput(name, true, never)).toBe(false);
  });

  it('that has nothing to confirm with is proved by the broker alone', async () => {
    const { sim, connection, online } = await site();
    await online();
    expect(await connection.setSwitch?.('siren', 'Attic', true, { forMs: 5_000 }, never)).toBeNull();
    await until('it sounds', () => sim.state().outputs[warning] === true);
    expect(sim.state().commands.at(-1)).toContain('"duration":5');
  });

  it.each([
    ['Barrier', 'rpc-error', /Argument id/],
    ['Siren', 'unknown-command', /does not know the command/],
    ['Plug', 'bridge-error', /no response/],
  ])('%s tells why it refuses (%s)', async (name, fault, words) => {
    const { connection, online } = await site({ faults: [fault] });
    await online();
    await expect(connection.setOutput(name, true, never)).rejects.toThrow(words);
  });

  it.each([
    ['Siren', tasmota, 'PulseTime1 5'],
    ['Barrier', shelly2, '"toggle_after":0.5'],
  ])('%s has its own timer as a second net', async (name, thing, words) => {
    const { sim, connection, online } = await site();
    await online();
    await connection.setSwitch?.('siren', name, true, { forMs: 500 }, never);
    expect(sim.state().commands.join('\n')).toContain(words);
    await until('it is off by itself', () => sim.state().outputs[thing] === false, 2_000);
  });

  it('with pulse= stays on while alarmflow lives, and falls when it is gone', async () => {
    const { sim, connection, online } = await site({}, { things: `shelly2 Barrier id=${shelly2} output=0 pulse=1` });
    await online();
    await connection.setOutput('Barrier', true, never);
    await pause(1_400);
    expect(sim.state().outputs[shelly2]).toBe(true);
    await connection.close();
    await until('it fell', () => sim.state().outputs[shelly2] === false, 2_000);
  });

  it('that nobody knows are refused', async () => {
    const { connection, online } = await site();
    await online();
    await expect(connection.setOutput('Roof', true, never)).rejects.toMatchObject({ code: 'E_BAD_PARAMETER' });
    await expect(connection.setOutput('Door', true, never)).rejects.toMatchObject({ code: 'E_BAD_PARAMETER' });
  });
});

describe('discovery', () => {
  it('brings things that announce themselves, to read and to switch', async () => {
    const { sim, told, connection, online } = await site({}, { things: '', discovery: 'homeassistant' });
    await online();
    await until('the lamp', () => told('sim/lamp').length === 1);
    expect(await connection.setOutput('sim/lamp', true, never)).toBe(true);
    sim.things.setInput(smoke, true);
    await until('smoke', () => told('sim/smoke').includes('smoke start'));
    const offers = await connection.offers?.(never);
    expect(offers).toMatchObject({ inputs: [{ input: 'sim/smoke' }], switches: [{ kind: 'light', name: 'sim/lamp' }] });
    sim.publish('homeassistant/light/sim/lamp/config', '', true);
    const offered = async (): Promise<unknown> => (await connection.offers?.(never))?.switches;
    await expect.poll(offered, { timeout: 15_000 }).toEqual([]);
    await expect(connection.setOutput('sim/lamp', true, never)).rejects.toMatchObject({ code: 'E_BAD_PARAMETER' });
  });
});

describe('the connection', () => {
  it('notices a broker that says nothing any more, and recovers', async () => {
    const { sim, sink, online } = await site();
    await online();
    sim.faults.set('half-open');
    await until('offline', linkIs(sink, 'offline'));
    sim.faults.clear();
    await until('online again', linkIs(sink, 'online'));
  });

  it('is never away when the broker starts anew at once', async () => {
    const { sim, sink, online } = await site();
    await online();
    sim.cut();
    await until('a second connection', () => sink.links.filter((l) => l.link === 'online').length === 2);
    sim.things.setInput(smoke, true);
    await until('the alarm', () => sink.told().includes('smoke start'));
    expect(sink.links.map((l) => l.link)).not.toContain('offline');
  });

  it.each(['unavailable', 'close-at-once', 'half-open'])('waits longer and longer with the fault %s', async (fault) => {
    const { sim, sink } = await site({ faults: [fault] });
    await until('offline', linkIs(sink, 'offline'));
    await pause(800);
    expect(sim.state().connectionsOpened).toBeLessThanOrEqual(6);
  });

  it('tries a wrong password no more than twice and says so', async () => {
    const { sim, sink } = await site(
      { user: 'admin', password: 'right-one' },
      {},
      { credentials: { user: 'admin', password: 'wrong-one' } },
    );
    await until('refused', linkIs(sink, 'refused'));
    await pause(500);
    expect(sim.state().logins.refused).toBeLessThanOrEqual(2);
    expect(sink.locks.at(-1)).toBeGreaterThan(Date.now() + 30_000);
    expect(JSON.stringify(sink.links)).not.toContain('wrong-one');
  });

  it.skipIf(!certificate)('logs in over TLS', async () => {
    const { sim, connection, online } = await site(
      { user: 'admin', password: 'right-one', tls: certificate ?? undefined },
      {},
      { credentials: { user: 'admin', password: 'right-one' }, tls: true },
      undefined,
      patient,
    );
    await online();
    expect(await connection.setOutput('Siren', true, never)).toBe(true);
    expect(sim.state().logins).toEqual({ accepted: 1, refused: 0 });
  });

  it.skipIf(!certificate)('says that a certificate is not trusted', async () => {
    const { connection } = await site({ tls: certificate ?? undefined }, {}, { tls: true, allowSelfSigned: false });
    await expect(connection.probe(never)).rejects.toMatchObject({ code: 'E_DEVICE_TLS' });
  });

  it('says that the broker does not speak MQTT 5', async () => {
    const { sink } = await site({}, { version: '5' });
    await until('offline', linkIs(sink, 'offline'));
    expect(sink.links.at(-1)?.detail).toMatch(/does not speak this version/);
  });

  it('says which topics the broker does not give', async () => {
    const { sink, connection, online } = await site({ faults: ['topics-refused'] });
    await online();
    expect(sink.links.at(-1)?.detail).toMatch(/does not give tele\//);
    expect((await connection.probe(never)).warnings[0]).toMatch(/tele\/yard\/siren/);
  });

  it('keeps its own state on the broker', async () => {
    const { sim, connection, online } = await site({}, { statusTopic: 'alarmflow/state' });
    await online();
    await until('told', () => sim.heard('alarmflow/state').at(-1) === 'online');
    sim.cut();
    await until('the will', () => sim.heard('alarmflow/state').includes('offline'));
    await until('told again', () => sim.heard('alarmflow/state').at(-1) === 'online');
    await connection.close();
    await until('in order', () => sim.heard('alarmflow/state').at(-1) === 'offline');
  });

  it('closes within a second, also while the broker is silent', async () => {
    const { sim, connection, online } = await site();
    await online();
    sim.faults.set('half-open');
    const before = steadyClock.monotonic();
    await connection.close();
    expect(steadyClock.monotonic() - before).toBeLessThan(1_000);
  });

  it('is given up when a message has no end in sight', async () => {
    const sockets = new Set<Socket>();
    const server = createServer((socket) => {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.once('data', () => {
        socket.write(Buffer.from('20020000', 'hex'));
        // A PUBLISH of 256 MiB.
        socket.write(Buffer.from('30ffffff7f000161', 'hex'));
        for (let sent = 0; sent < 6; sent++) socket.write(Buffer.alloc(1 << 20, 0x61));
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    closeLater(async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    });
    const { sink } = connectDriver(driver, (server.address() as AddressInfo).port, { options: { things } });
    const told = (): boolean =>
      sink.links.some(({ link, detail }) => link === 'offline' && /more than 4 MiB/.test(detail));
    await until('offline, and why', told);
  });

  it('captures messages that decode reads', async () => {
    const { sim, parts, told, online } = await site();
    await online();
    sim.things.setInput(smoke, true);
    await until('the alarm', () => told('Kitchen').length === 1);
    const bytes = Buffer.concat(parts.map((p) => p.bytes));
    for (const size of [1, 13, bytes.length]) {
      const found = await decodeAll(bytes, { kind: 'mqtt', size });
      expect(found).toContainEqual({
        kind: 'event',
        event: expect.objectContaining({ type: 'smoke', phase: 'start', input: smoke }),
      });
      expect(found.filter((f) => f.kind === 'fault')).toEqual([]);
    }
  });

  it('decodes odd lines as faults and goes on', async () => {
    const lines = 'nonsense\n{"topic":7}\n{"topic":"x","payload":{"a":1}}\n{"topic":"stat/s/POWER2","payload":"ON"}';
    const found = await decodeAll(lines, { kind: 'mqtt' });
    expect(found.map((f) => f.kind)).toEqual(['fault', 'fault', 'notice', 'event']);
  });
});

describe('decode with the settings of the device', () => {
  it('goes by the list of things', async () => {
    const options = { things: 'topic "Back door" state=doors/back on=open off=shut' };
    const lines = async function* () {
      yield Buffer.from('{"topic":"doors/back","payload":"open"}\n{"topic":"stat/s/POWER2","payload":"ON"}');
    };
    const found = [];
    for await (const line of driver.decode(lines(), null, options)) found.push(line);
    expect(found).toEqual([
      { kind: 'event', event: expect.objectContaining({ phase: 'start', input: 'Back door' }) },
      expect.objectContaining({ kind: 'notice' }),
    ]);
  });
});
