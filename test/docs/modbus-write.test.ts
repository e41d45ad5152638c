/** Runs the fault table of docs/actions/modbus-write.md against a board over a real socket. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../engine/clock/system-clock';
import type { ActionRow } from '../../engine/domain/actions';
import { asAlarmflowError } from '../../engine/domain/errors';
import { createModbusDriver, type ModbusFaultName, startModbusSimulator } from '../../engine/drivers/modbus';
import { ActionBench, anAlarm, aRow, Camera } from '../actions/action-bench';
import { closeDrivers, closeLater, connectDriver, linkIs } from '../support/connected-driver';
import { tablesIn } from '../support/doc-tables';
import { until } from '../support/recording-sink';

const table = tablesIn(readFileSync(join(__dirname, '../../docs/actions/modbus-write.md'), 'utf8')).find(
  ({ section }) => section === 'Faults',
)!;
afterEach(closeDrivers);

/** Faults of the board; null: nothing of the board is wrong. */
const faults: Record<string, ModbusFaultName | null> = {
  'board away': 'close-at-once',
  'answers nothing': 'half-open',
  'closes in the middle': 'half-open',
  busy: 'busy',
  'gateway without its board': 'no-target',
  'no such address': 'illegal-address',
  'does not know the function': 'illegal-function',
  'takes the write and does nothing': 'output-ignored',
  'answer of another request': 'wrong-echo',
  'device that is no board': null,
  'device deleted from the flow': null,
};

async function board() {
  const sim = await startModbusSimulator({});
  closeLater(() => sim.close());
  const driver = createModbusDriver({ graceMs: 100, backoff: () => 50 });
  // Few polls, so that a fault meets the write.
  const { connection, sink } = connectDriver(driver, sim.port, { options: { pollHz: 1, timeout: 100, inputs: 0 } });
  await until('online', linkIs(sink, 'online'));
  return { sim, connection };
}

const aWrite = (fields: Record<string, unknown> = {}): ActionRow =>
  aRow(
    'modbus-write',
    {
      phases: ['raise'],
      table: 'coil',
      address: 2,
      value: 1,
      pulseMs: null,
      restValue: null,
      unit: null,
      multiple: false,
      readBack: true,
      ...fields,
    },
    { alarm: { ...anAlarm(), phase: 'raise' } },
  );

async function benchOn(device: unknown): Promise<ActionBench> {
  const bench = new ActionBench();
  bench.cameras.set('cam', device as Camera);
  return bench;
}

/** Tries it, as the executor would, until it is done. */
async function untilDone(bench: ActionBench, row: ActionRow): Promise<string> {
  for (let tries = 0; ; tries++) {
    try {
      return (await bench.run(row)).status;
    } catch (thrown) {
      const error = asAlarmflowError(thrown);
      if (tries > 20 || error.family !== 'operational') throw error;
      await systemClock.sleep(Math.min(200, error.retryAfterMs ?? 100));
    }
  }
}

describe('docs/actions/modbus-write.md', () => {
  it('has a scene for each fault, and no other', () => {
    expect(table.rows.map(([fault]) => fault)).toEqual(Object.keys(faults));
  });

  it.each(table.rows)('%s: %s', async (fault, code, again, journal, then, coil) => {
    const { sim, connection } = await board();
    const bench = await benchOn(connection);
    const name = faults[fault!];
    if (name) sim.faults.set(name, true);
    if (fault === 'board away') sim.cut();
    if (fault === 'closes in the middle') systemClock.after(30, () => sim.cut());
    if (fault === 'device that is no board') bench.cameras.set('cam', new Camera('cam', 'Hall'));
    if (fault === 'device deleted from the flow') bench.cameras.delete('cam');
    const error = await bench.run(aWrite()).then(
      () => null,
      (thrown: unknown) => asAlarmflowError(thrown),
    );
    expect(error?.code).toBe(code);
    expect(error?.family === 'operational' ? 'yes' : 'no').toBe(again);
    expect(error?.message).toContain(journal);
    if (name) sim.faults.set(name, false);
    bench.cameras.set('cam', connection as unknown as Camera);
    expect(await untilDone(bench, aWrite())).toBe(then);
    expect(sim.state().outputs[2]?.on).toBe(coil === 'on');
  });
});

describe('a write', () => {
  it('of a register is read back', async () => {
    const { sim, connection } = await board();
    const { summary } = await (await benchOn(connection)).run(
      aWrite({ table: 'register', address: 1, value: 4711, multiple: true }),
    );
    expect(summary).toContain('to 4711: read back 4711');
    expect(sim.state().outputs[1]?.register).toBe(4711);
  });

  it('opens no second connection', async () => {
    const { sim, connection } = await board();
    await (await benchOn(connection)).run(aWrite());
    expect(sim.state().connectionsOpened).toBe(1);
  });

  it('as a pulse ends with the value after it', async () => {
    const { sim, connection } = await board();
    const done = (await benchOn(connection)).run(aWrite({ pulseMs: 150, restValue: 0 }));
    await until('on', () => sim.state().outputs[2]?.on === true);
    expect((await done).summary).toContain('for 0.15 s, then to 0: read back 0');
    expect(sim.state().outputs[2]?.on).toBe(false);
  });

  it('as a pulse ends also when it is called off', async () => {
    const { sim, connection } = await board();
    const stop = new AbortController();
    const done = (await benchOn(connection)).run(aWrite({ pulseMs: 30_000, restValue: 0 }), stop.signal);
    const failed = expect(done).rejects.toThrow('deadline');
    await until('on', () => sim.state().outputs[2]?.on === true);
    stop.abort(new Error('deadline'));
    await failed;
    expect(sim.state().outputs[2]?.on).toBe(false);
  });

  it('is rehearsed without touching the board', async () => {
    const { sim, connection } = await board();
    const before = sim.state().commands.length;
    const bench = await benchOn(connection);
    expect(bench.handler('modbus-write').rehearse?.(aWrite({ unit: 7 }))).toMatch(
      /^would set coil 2 of unit 7 of ".*" to 1$/,
    );
    expect(sim.state().commands).toHaveLength(before);
  });
});
