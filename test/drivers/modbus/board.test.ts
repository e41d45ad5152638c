import { afterEach, describe, expect, it, vi } from 'vitest';
import {
  createModbusDriver,
  type ModbusSimulator,
  type ModbusSimulatorOptions,
  startModbusSimulator,
} from '../../../engine/drivers/modbus';
import { closeDrivers, closeLater, connectDriver, linkIs, never } from '../../support/connected-driver';
import { decodeAll } from '../../support/drain-decoder';
import { until } from '../../support/recording-sink';
import { pause, steadyClock } from '../../support/steady-clock';

// Far above what it takes: a machine on which others want to compute is slow, not wrong.
vi.setConfig({ testTimeout: 60_000 });

afterEach(closeDrivers);

/** The same driver, its waits 20 times shorter. */
const modbusDriver = createModbusDriver({ graceMs: 150, backoff: (failures) => 50 * 2 ** Math.min(failures, 6) });

async function board(simulated: ModbusSimulatorOptions = {}, options: Record<string, unknown> = {}, start = true) {
  const sim: ModbusSimulator = await startModbusSimulator({ clock: steadyClock, ...simulated });
  closeLater(() => sim.close());
  const given = { pollHz: 20, timeout: 100, framing: simulated.model ?? 'tcp', ...options };
  const driven = connectDriver(modbusDriver, sim.port, { options: given }, start);
  return { sim, ...driven };
}

/** Types and phases of one input. */
const ofInput = (sink: Awaited<ReturnType<typeof board>>['sink'], input: string): string[] =>
  sink.events.filter((e) => e.draft.input === input).map((e) => `${e.draft.type} ${e.draft.phase}`);

describe('inputs', () => {
  it.each<[string, ModbusSimulatorOptions, Record<string, unknown>]>([
    ['discrete inputs', {}, {}],
    ['RTU over TCP', { model: 'rtu' }, {}],
    ['bits of an input register', {}, { inputKind: 'input-bits' }],
    ['one input register each', {}, { inputKind: 'input-words', firstInput: 100 }],
    ['one holding register each', {}, { inputKind: 'holding-words', firstInput: 101, counting: 'one' }],
  ])('tell their edges, read as %s', async (_name, simulated, options) => {
    const { sim, sink } = await board(simulated, options);
    await until('the first look', () => ofInput(sink, '3').length === 1);
    sim.setInput(3, true);
    await until('the start', () => ofInput(sink, '3').length === 2);
    sim.setInput(3, false);
    await until('the stop', () => ofInput(sink, '3').length === 3);
    expect(ofInput(sink, '3')).toEqual(['digital-input stop', 'digital-input start', 'digital-input stop']);
  });

  it('tells what is active at the start as a snapshot, not as an edge', async () => {
    const { sim, sink } = await board({}, { pollHz: 5 });
    sim.setInput(2, true);
    await until('the first look', () => ofInput(sink, '2').length === 1);
    expect(ofInput(sink, '2')).toEqual(['digital-input snapshot']);
  });

  it('turns inputs that are closed at rest around', async () => {
    const { sim, sink } = await board({}, { normallyClosed: '1' });
    await until('the first look', () => ofInput(sink, '1').length === 1);
    sim.setInput(1, true);
    await until('the stop', () => ofInput(sink, '1').length === 2);
    expect(ofInput(sink, '1')).toEqual(['digital-input snapshot', 'digital-input stop']);
  });

  it('says nothing of a contact that does not come to rest', async () => {
    const { sink } = await board({ faults: ['contact-bounce'] });
    await until('the other inputs', () => ofInput(sink, '2').length === 1);
    await pause(400);
    expect(ofInput(sink, '1')).toEqual([]);
  });

  const harmless = ['one-byte-chunks', 'other-transaction-first', 'wrong-unit', 'busy-once', 'acknowledge-once'];
  it.each(harmless)('are read all the same with the fault %s', async (fault) => {
    const { sim, sink } = await board({ faults: [fault] });
    await until('online', linkIs(sink, 'online'));
    await until('the first look', () => ofInput(sink, '3').length === 1);
    sim.setInput(3, true);
    await until('the start', () => ofInput(sink, '3').at(-1) === 'digital-input start');
    expect(sink.links.map((l) => l.link)).toEqual(['connecting', 'online']);
  });

  it.each(['one-byte-chunks', 'noise-first'])('are read over RTU with the fault %s', async (fault) => {
    const { sim, sink } = await board({ model: 'rtu', faults: [fault] });
    await until('the first look', () => ofInput(sink, '3').length === 1);
    sim.setInput(3, true);
    await until('the start', () => ofInput(sink, '3').at(-1) === 'digital-input start');
  });

  it.each<[string, ModbusSimulatorOptions]>([
    ['half-open', {}],
    ['slow', {}],
    ['bad-crc', { model: 'rtu' }],
    ['broken-header', {}],
    ['short-answer', {}],
    ['busy', {}],
    ['illegal-function', {}],
    ['illegal-address', {}],
    ['illegal-value', {}],
    ['device-failure', {}],
    ['no-target', {}],
    ['close-at-once', {}],
  ])('are unknown, not open, and the board is offline with the fault %s', async (fault, simulated) => {
    const { sim, sink } = await board(simulated);
    sim.setInput(3, true);
    await until('the first look', () => ofInput(sink, '3').length === 1);
    const before = sink.events.length;
    sim.faults.set(fault);
    if (fault === 'close-at-once') sim.cut();
    await until('offline', linkIs(sink, 'offline'));
    expect(sink.events.length).toBe(before);
    sim.faults.clear();
    await until('online again', linkIs(sink, 'online'));
    await until('the state is told again', () => ofInput(sink, '3').at(-1) === 'digital-input refresh');
  });

  it('tells what changed while the connection was cut, and was never away', async () => {
    const { sim, sink } = await board();
    sim.setInput(3, true);
    await until('the first look', () => ofInput(sink, '3').length === 1);
    sim.setInput(3, false);
    sim.setInput(4, true);
    sim.cut();
    await until('both', () => ofInput(sink, '4').length === 2 && ofInput(sink, '3').length === 2);
    expect([ofInput(sink, '3').at(-1), ofInput(sink, '4').at(-1)]).toEqual([
      'digital-input stop',
      'digital-input start',
    ]);
    expect(sink.links.map((l) => l.link)).not.toContain('offline');
  });

  it('waits longer and longer for a board that closes at once', async () => {
    const { sim, sink } = await board({ faults: ['close-at-once'] });
    await until('offline', linkIs(sink, 'offline'));
    await pause(1_000);
    expect(sim.state().connectionsOpened).toBeLessThanOrEqual(6);
  });

  it('captures what comes, and decode reads what was captured', async () => {
    for (const model of ['tcp', 'rtu'] as const) {
      const { sim, sink, parts } = await board({ model }, { outputs: 0 });
      await until('the first look', () => ofInput(sink, '3').length === 1);
      sim.setInput(3, true);
      await until('the start', () => ofInput(sink, '3').length === 2);
      const bytes = Buffer.concat(parts.map((p) => p.bytes));
      for (const size of [1, 7, bytes.length]) {
        const found = await decodeAll(bytes, { kind: 'modbus', size });
        expect(found.filter((f) => f.kind !== 'heartbeat')).toEqual([
          { kind: 'event', event: expect.objectContaining({ type: 'digital-input', phase: 'start', input: '3' }) },
        ]);
      }
      expect(parts[0]?.contentType).toBe(`application/x-modbus-${model}`);
    }
  });
});

describe('several boards behind one gateway', () => {
  it.each(['unit-2-silent', 'unit-2-late'])('do not lose their inputs for one with the fault %s', async (fault) => {
    const { sim, sink } = await board({ faults: [fault], slowMs: 150 });
    const other = connectDriver(modbusDriver, sim.port, { id: 'two', options: { unit: 2, timeout: 100, pollHz: 20 } });
    await until('the one', linkIs(sink, 'online'));
    await until('the other', linkIs(other.sink, 'offline'));
    await until('the first look', () => ofInput(sink, '3').length === 1);
    sim.setInput(3, true);
    await until('the start', () => ofInput(sink, '3').length === 2, 1_000);
    await pause(1_000);
    expect(sink.links.map(({ link }) => link)).toEqual(['connecting', 'online']);
    expect(other.sink.events).toEqual([]);
    expect(sim.state().connectionsOpened).toBe(1);
  });

  it('notice together that the gateway is gone', async () => {
    const { sim, sink } = await board();
    const other = connectDriver(modbusDriver, sim.port, { id: 'two', options: { unit: 2, timeout: 100, pollHz: 20 } });
    await until('both', () => linkIs(sink, 'online')() && linkIs(other.sink, 'online')());
    sim.faults.set('half-open');
    await until('offline', () => linkIs(sink, 'offline')() && linkIs(other.sink, 'offline')());
    sim.faults.clear();
    await until('both again', () => linkIs(sink, 'online')() && linkIs(other.sink, 'online')());
  });
});

describe('outputs', () => {
  it('that cannot be read are told, and the inputs go on', async () => {
    const { sim, sink } = await board({ faults: ['outputs-unreadable'] });
    await until('online', linkIs(sink, 'online'));
    expect(sink.links.at(-1)?.detail).toMatch(/outputs are not read: .*exception 4/);
    await until('the first look', () => ofInput(sink, '3').length === 1);
    await pause(1_200);
    sim.setInput(3, true);
    await until('the start', () => ofInput(sink, '3').length === 2, 500);
    expect(sink.links.map(({ link }) => link)).toEqual(['connecting', 'online']);
    sim.faults.clear();
    await until('they are read', () => sink.links.at(-1)?.detail === 'Answers as unit 1');
  });

  it.each<[string, ModbusSimulatorOptions, Record<string, unknown>, string]>([
    ['a coil', {}, {}, 'coil 2 on'],
    ['a coil over RTU', { model: 'rtu' }, {}, 'coil 2 on'],
    ['one of many coils', {}, { writeWith: 'multiple' }, 'write 1 from 2'],
    ['one of many coils over RTU', { model: 'rtu' }, { writeWith: 'multiple' }, 'write 1 from 2'],
    ['a register', {}, { outputKind: 'register', onValue: 7 }, 'register 2 = 7'],
    ['one of many registers', {}, { outputKind: 'register', writeWith: 'multiple' }, 'write 1 from 2'],
  ])('are switched as %s and read back', async (_name, simulated, options, command) => {
    const { sim, connection } = await board(simulated, options, false);
    expect(await connection.setOutput('2', true, never)).toBe(true);
    expect(await connection.readOutput('2', never)).toBe(true);
    expect(await connection.readOutput('3', never)).toBe(false);
    expect(sim.state().commands).toEqual([command]);
    expect(await connection.setOutput('2', false, never)).toBe(false);
  });

  it('tell what they read, not what was sent', async () => {
    const { connection } = await board({ faults: ['output-ignored'] }, {}, false);
    expect(await connection.setOutput('1', true, never)).toBe(false);
  });

  it('wait for a relay that follows late', async () => {
    const { connection } = await board({ faults: ['output-slow'] }, {}, false);
    expect(await connection.setOutput('1', true, never)).toBe(true);
  });

  it('tell nothing where they cannot be read back', async () => {
    const { connection } = await board({}, { readBack: false }, false);
    expect(await connection.setOutput('1', true, never)).toBeNull();
  });

  it.each<[string, string]>([
    ['illegal-function', 'E_NOT_SUPPORTED'],
    ['illegal-address', 'E_BAD_PARAMETER'],
    ['illegal-value', 'E_BAD_PARAMETER'],
    ['device-failure', 'E_DEVICE_ERROR'],
    ['busy', 'E_DEVICE_BUSY'],
    ['no-target', 'E_DEVICE_OFFLINE'],
    ['wrong-echo', 'E_DEVICE_PROTOCOL'],
    ['half-open', 'E_DEVICE_TIMEOUT'],
    ['close-at-once', 'E_DEVICE_OFFLINE'],
  ])('fail by name with the fault %s', async (fault, code) => {
    const { connection } = await board({ faults: [fault] }, {}, false);
    await expect(connection.setOutput('1', true, never)).rejects.toMatchObject({ code });
  });

  it('try again while the board is busy', async () => {
    const { sim, connection } = await board({ faults: ['busy-once'] }, {}, false);
    expect(await connection.setOutput('1', true, never)).toBe(true);
    expect(sim.state().commands).toEqual(['coil 1 on']);
  });

  it.each(['0', '9', 'x', '1; 2'])('refuse the output %s', async (output) => {
    const { connection } = await board({}, {}, false);
    await expect(connection.setOutput(output, true, never)).rejects.toMatchObject({ code: 'E_BAD_PARAMETER' });
  });

  it('are known by their names', async () => {
    const { sim, connection } = await board({}, { outputNames: 'Siren\nGate' }, false);
    await connection.setOutput('Gate', true, never);
    expect(sim.state().commands).toEqual(['coil 2 on']);
    const offers = await connection.offers?.(never);
    expect(offers?.outputs.slice(0, 3)).toEqual([
      { output: '1', name: 'Siren' },
      { output: '2', name: 'Gate' },
      { output: '3', name: 'Output 3' },
    ]);
  });

  it('stop waiting when their caller does', async () => {
    const { connection } = await board({ faults: ['half-open'] }, { timeout: 2_000 }, false);
    const caller = new AbortController();
    const setting = connection.setOutput('1', true, caller.signal);
    caller.abort(new Error('enough'));
    await expect(setting).rejects.toThrow('enough');
  });

  it('that the board switches off by itself are told', async () => {
    const { sim, sink, connection } = await board({ faults: ['relays-off-on-drop'] });
    await until('online', linkIs(sink, 'online'));
    await connection.setOutput('1', true, never);
    const told = () => sink.events.filter((e) => e.draft.output === '1').map((e) => e.draft.phase);
    await until('on', () => told().at(-1) === 'start');
    sim.cut();
    await until('off', () => told().at(-1) === 'stop');
  });
});

describe('the board’s own timers', () => {
  const timers = { timer: 'flash-on' };

  it('are the second net of a siren', async () => {
    const { sim, connection } = await board({}, timers, false);
    expect(await connection.setSwitch?.('siren', '1', true, { forMs: 1_450 }, never)).toBe(true);
    expect(sim.state().commands).toEqual(['flash 1 1500 ms']);
    await until('it is off by itself', () => sim.state().outputs[0]?.on === false);
  });

  it('keep an output on while alarmflow lives, and let it fall when it is gone', async () => {
    const { sim, connection } = await board({}, { ...timers, secondNet: 1 }, false);
    await connection.setOutput('1', true, never);
    await pause(1_400);
    expect(sim.state().outputs[0]?.on).toBe(true);
    await connection.close();
    await until('it fell', () => sim.state().outputs[0]?.on === false);
  });

  it('are stopped by switching off', async () => {
    const { sim, connection } = await board({}, { ...timers, secondNet: 1 }, false);
    await connection.setOutput('1', true, never);
    expect(await connection.setOutput('1', false, never)).toBe(false);
    await pause(500);
    expect(sim.state()).toMatchObject({ commands: ['flash 1 1000 ms', 'coil 1 off'] });
  });
});

describe('one connection', () => {
  it('serves the test of a board that is in use, where the board takes no second', async () => {
    const { sim, sink } = await board({ faults: ['one-connection'] });
    await until('online', linkIs(sink, 'online'));
    const other = connectDriver(modbusDriver, sim.port, { options: { timeout: 150 } }, false);
    expect(await other.connection.probe(never)).toMatchObject({ inputs: 8, outputs: 8 });
    expect(sim.state().connectionsOpened).toBe(1);
  });

  it('closes within a second, also while the board is silent', async () => {
    const { connection } = await board({ faults: ['half-open'] }, { timeout: 5_000 });
    await pause(100);
    const before = steadyClock.monotonic();
    await connection.close();
    expect(steadyClock.monotonic() - before).toBeLessThan(1_000);
  });
});

describe('the test of a board', () => {
  it('tells that nothing listens', async () => {
    const { sim, connection } = await board({}, {}, false);
    await sim.close();
    await expect(connection.probe(never)).rejects.toMatchObject({ code: 'E_DEVICE_OFFLINE' });
  });

  it.each<[string, string, RegExp]>([
    ['rtu', 'tcp', /speaks RTU over TCP/],
    ['tcp', 'rtu', /speaks Modbus TCP/],
  ])('tells that the board speaks %s', async (model, framing, words) => {
    const { connection } = await board({ model }, { framing, timeout: 300 }, false);
    await expect(connection.probe(never)).rejects.toThrow(words);
  });

  it('tells a wrong unit id by silence', async () => {
    const { connection } = await board({ model: 'rtu' }, { unit: 7 }, false);
    await expect(connection.probe(never)).rejects.toThrow(/unit id 7/);
  });

  it('tells wrong addresses', async () => {
    const { connection } = await board({}, { firstInput: 100 }, false);
    await expect(connection.probe(never)).rejects.toThrow(/no such address/);
  });
});
