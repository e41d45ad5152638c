import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../engine/clock/virtual-clock';
import { type Log, silentLog } from '../../engine/domain/log';
import { createOutbox } from '../../engine/executor/outbox';
import { createMemoryRecord } from '../contract/memory-record';
import { actionRow } from '../support/action-rows';

const START = Date.UTC(2026, 10, 21);

/** An outbox over a queue that a test can break. */
function bench() {
  const clock = new VirtualClock(START);
  const record = createMemoryRecord();
  const queue = new Set<string>();
  const batches: string[][] = [];
  const warnings: string[] = [];
  const log: Log = { ...silentLog, warn: (event) => warnings.push(event) };
  const state = { isDown: false };
  const outbox = createOutbox({
    record,
    async add(rows) {
      if (state.isDown) throw new Error('connection refused');
      batches.push(rows.map((row) => row.key));
      for (const row of rows) queue.add(row.key);
    },
    countJobs: async () => queue.size,
    alsoSweep: async () => {},
    clock,
    log,
  });
  const row = (key: string) => actionRow(key, { requestedAt: clock.now(), deadlineAt: clock.now() + 3_600_000 });
  const submit = async (...keys: string[]): Promise<void> => {
    const rows = keys.map(row);
    record.keep(...rows);
    await outbox.submit(rows);
  };
  return { clock, record, queue, batches, warnings, state, outbox, row, submit };
}

describe('the outbox', () => {
  it('joins callers of one turn into one batch and asks once for a key', async () => {
    const { batches, submit } = bench();
    await Promise.all([submit('a'), submit('b', 'a'), submit('c')]);
    expect(batches).toEqual([['a', 'b', 'c']]);
  });

  it('splits what is too much for one call', async () => {
    const { batches, submit } = bench();
    await submit(...Array.from({ length: 1_200 }, (_, i) => `k${i}`));
    expect(batches.map((batch) => batch.length)).toEqual([500, 500, 200]);
  });

  it('adds first what is over first when it takes up what was left', async () => {
    const { clock, record, batches, outbox, row } = bench();
    const now = clock.now();
    record.keep(row('mail-1'), row('mail-2'), { ...row('fire'), deadlineAt: now + 10_000 }, row('mail-3'));
    await outbox.refill();
    expect(batches).toEqual([['fire', 'mail-1', 'mail-2', 'mail-3']]);
  });

  it('keeps what it could not add, says so once, and adds it when the queue is back', async () => {
    const { clock, queue, warnings, state, outbox, submit } = bench();
    expect(outbox.trouble()).toBeNull();
    state.isDown = true;
    await submit('a');
    await submit('b');
    await clock.advance(20_000);
    expect(queue.size).toBe(0);
    expect(outbox.trouble()).toContain('connection refused');
    state.isDown = false;
    await clock.advance(40_000);
    expect([...queue]).toEqual(['a', 'b']);
    expect(warnings).toHaveLength(1);
    expect(outbox.trouble()).toBeNull();
  });

  it('adds at once when it is told that the server answers again', async () => {
    const { clock, queue, state, outbox, submit } = bench();
    state.isDown = true;
    await submit('a');
    state.isDown = false;
    outbox.recovered();
    await clock.advance(1);
    expect([...queue]).toEqual(['a']);
  });

  it('gives rows that have lost their job a new one within 30 s and a bit', async () => {
    const { clock, queue, outbox, submit } = bench();
    await outbox.refill();
    outbox.start();
    await submit('a', 'b');
    queue.delete('a');
    await clock.advance(33_000);
    expect(queue.has('a')).toBe(true);
  });

  it('leaves the queue alone while every open row has a job', async () => {
    const { clock, batches, outbox, submit } = bench();
    await outbox.refill();
    outbox.start();
    await submit('a', 'b');
    await clock.advance(300_000);
    expect(batches).toEqual([['a', 'b']]);
  });

  it('finds a row that was written while it started, and no other', async () => {
    const { clock, record, batches, outbox, row } = bench();
    record.keep(row('before'));
    await outbox.refill();
    record.keep(row('between'));
    outbox.start();
    await clock.advance(3_000);
    expect(batches).toEqual([['before'], ['between']]);
  });

  it('reads past its first page', async () => {
    const { record, queue, outbox, row } = bench();
    record.keep(...Array.from({ length: 4_500 }, (_, i) => row(`k${i}`)));
    expect(await outbox.refill()).toBe(4_500);
    expect(queue.size).toBe(4_500);
  });

  it('does nothing after its close', async () => {
    const { clock, queue, state, outbox, submit } = bench();
    state.isDown = true;
    await submit('a');
    outbox.close();
    state.isDown = false;
    await clock.advance(120_000);
    expect(queue.size).toBe(0);
    expect(clock.nextAt()).toBeNull();
  });
});
