import { describe, expect, it } from 'vitest';
import type { Clock, Timer } from '../../engine/clock/clock';
import { systemClock } from '../../engine/clock/system-clock';
import { VirtualClock } from '../../engine/clock/virtual-clock';
import { operationalError } from '../../engine/domain/errors';
import { type Log, silentLog } from '../../engine/domain/log';
import type { TimerRow } from '../../engine/domain/record';
import { createTimers } from '../../engine/executor';

const START = Date.UTC(2026, 10, 21);
const row = (id: string, at: number, kind = 'alarm'): TimerRow => ({ id, kind, at, payload: {} });

function bench(clock: Clock = new VirtualClock(START), log: Log = silentLog) {
  const timers = createTimers({ clock, log });
  const fired: { id: string; at: number }[] = [];
  timers.onDue('alarm', async (timer) => {
    fired.push({ id: timer.id, at: clock.now() });
  });
  return { timers, fired, ids: () => fired.map(({ id }) => id) };
}

describe('durable timers', () => {
  it('fire at their time, in the order of their times', async () => {
    const clock = new VirtualClock(START);
    const { timers, fired } = bench(clock);
    timers.arm(row('late', START + 90_000));
    timers.arm(row('early', START + 1_500));
    await clock.advance(89_999);
    expect(fired).toEqual([{ id: 'early', at: START + 1_500 }]);
    await clock.advance(1);
    expect(fired[1]).toEqual({ id: 'late', at: START + 90_000 });
    expect(timers.size()).toBe(0);
  });

  it('fire overdue ones at once at the resume, oldest first, and keep the rest', async () => {
    const clock = new VirtualClock(START);
    const { timers, ids } = bench(clock);
    timers.resume([row('c', START + 5), row('b', START - 5), row('a', START - 60_000)]);
    expect(ids()).toEqual(['a', 'b']);
    await clock.advance(5);
    expect(ids()).toEqual(['a', 'b', 'c']);
  });

  it('leave what was armed since the record was read as it is', async () => {
    const clock = new VirtualClock(START);
    const { timers, ids } = bench(clock);
    timers.arm(row('x', START + 500));
    timers.resume([row('x', START - 100), row('y', START - 50)]);
    await clock.advance(0);
    expect(ids()).toEqual(['y']);
    await clock.advance(500);
    expect(ids()).toEqual(['y', 'x']);
  });

  it('fire those of one millisecond in the order in which they were armed', async () => {
    const clock = new VirtualClock(START);
    const { timers, ids } = bench(clock);
    for (const id of ['one', 'two', 'three']) timers.arm(row(id, START + 10));
    await clock.advance(10);
    expect(ids()).toEqual(['one', 'two', 'three']);
  });

  it('are replaced by a row of the same id', async () => {
    const clock = new VirtualClock(START);
    const { timers, fired } = bench(clock);
    timers.arm(row('x', START + 10));
    timers.arm(row('x', START + 1_000));
    await clock.advance(2_000);
    expect(fired).toEqual([{ id: 'x', at: START + 1_000 }]);
  });

  it('do not fire once disarmed, and disarming an unknown one is harmless', async () => {
    const clock = new VirtualClock(START);
    const { timers, ids } = bench(clock);
    timers.arm(row('x', START + 10));
    timers.disarm('x');
    timers.disarm('never seen');
    await clock.advance(100);
    expect(ids()).toEqual([]);
    expect(clock.nextAt()).toBeNull();
  });

  it('call a handler that rejects again, with growing waits, and log each failure', async () => {
    const clock = new VirtualClock(START);
    const logged: string[] = [];
    const log: Log = { ...silentLog, error: (event) => logged.push(event) };
    const timers = createTimers({ clock, log });
    const calls: number[] = [];
    timers.onDue('alarm', async () => {
      calls.push(clock.now() - START);
      if (calls.length < 4) throw operationalError('E_RECORD_WRITE', 'The disk is full');
    });
    timers.arm(row('x', START));
    await clock.advance(60_000);
    expect(calls).toHaveLength(4);
    const waits = calls.slice(1).map((at, index) => at - calls[index]!);
    for (const [index, wait] of waits.entries()) {
      expect(wait).toBeGreaterThanOrEqual(1_000 * 2 ** index * 0.75);
      expect(wait).toBeLessThanOrEqual(1_000 * 2 ** index * 1.25);
    }
    expect(logged).toHaveLength(3);
    expect(timers.size()).toBe(0);
  });

  it('treat a handler that throws at once like one that rejects', async () => {
    const clock = new VirtualClock(START);
    const timers = createTimers({ clock, log: silentLog });
    let calls = 0;
    timers.onDue('alarm', () => {
      calls++;
      if (calls === 1) throw new Error('boom');
      return Promise.resolve();
    });
    timers.arm(row('x', START));
    timers.arm(row('y', START));
    await clock.advance(5_000);
    expect(calls).toBe(3);
  });

  it.each([
    ['disarmed', (timers: ReturnType<typeof createTimers>) => timers.disarm('x'), 1],
    ['replaced', (timers: ReturnType<typeof createTimers>) => timers.arm(row('x', START + 3_600_000)), 1],
  ])('do not call a failed handler again for a row that was %s meanwhile', async (_name, change, expected) => {
    const clock = new VirtualClock(START);
    const timers = createTimers({ clock, log: silentLog });
    let calls = 0;
    timers.onDue('alarm', async () => {
      calls++;
      await clock.sleep(500);
      throw operationalError('E_RECORD_WRITE', 'The disk is full');
    });
    timers.arm(row('x', START));
    await clock.advance(100);
    change(timers);
    await clock.advance(600_000);
    expect(calls).toBe(expected);
  });

  it('never run two handlers of one id at once', async () => {
    const clock = new VirtualClock(START);
    const timers = createTimers({ clock, log: silentLog });
    let inside = 0;
    let most = 0;
    const starts: number[] = [];
    timers.onDue('alarm', async () => {
      starts.push(clock.now() - START);
      most = Math.max(most, ++inside);
      await clock.sleep(1_000);
      inside--;
    });
    timers.arm(row('x', START));
    await clock.advance(10);
    timers.arm(row('x', START + 20));
    await clock.advance(5_000);
    expect(most).toBe(1);
    expect(starts).toEqual([0, 1_000]);
  });

  it('let a handler arm its own id again', async () => {
    const clock = new VirtualClock(START);
    const timers = createTimers({ clock, log: silentLog });
    const calls: number[] = [];
    timers.onDue('alarm', async (timer) => {
      calls.push(clock.now() - START);
      if (calls.length < 3) timers.arm({ ...timer, at: clock.now() + 100 });
    });
    timers.arm(row('x', START));
    await clock.advance(1_000);
    expect(calls).toEqual([0, 100, 200]);
  });

  it('hold rows of a kind that nobody handles yet, and give them to the handler that comes', async () => {
    const clock = new VirtualClock(START);
    const { timers, ids } = bench(clock);
    timers.arm(row('x', START, 'lease'));
    await clock.advance(10);
    const taken: string[] = [];
    timers.onDue('lease', async (timer) => {
      taken.push(timer.id);
    });
    await clock.advance(1);
    expect(taken).toEqual(['x']);
    expect(ids()).toEqual([]);
  });

  it('refuse a time that is no number', () => {
    expect(() => bench().timers.arm(row('x', Number.NaN))).toThrow(/has no time/);
  });

  it.each([
    ['back', -3_600_000],
    ['forward', 3_600_000],
  ])('are neither delayed nor hastened when the wall clock is set %s while they wait', async (_name, ms) => {
    const clock = new VirtualClock(START);
    const { timers, fired } = bench(clock);
    timers.arm(row('before', START + 30_000));
    await clock.advance(10_000);
    clock.jump(ms);
    await clock.advance(5_000);
    timers.arm(row('after', clock.now() + 20_000));
    await clock.advance(14_999);
    expect(fired).toEqual([]);
    await clock.advance(1);
    expect(fired).toEqual([{ id: 'before', at: START + 30_000 + ms }]);
    await clock.advance(5_000);
    expect(fired[1]).toEqual({ id: 'after', at: START + 35_000 + ms });
  });

  it('tell their handler by how much the wall clock was set since they were armed, and let it arm what follows', async () => {
    const clock = new VirtualClock(START);
    const timers = createTimers({ clock, log: silentLog });
    const calls: [at: number, shiftMs: number | undefined][] = [];
    timers.onDue('alarm', async (timer, shiftMs) => {
      calls.push([clock.monotonic(), shiftMs]);
      // Counts from the time of its own row, as a chain of reminders does.
      if (calls.length < 4) timers.arm({ ...timer, at: timer.at + 10_000 }, shiftMs);
    });
    timers.arm(row('x', START + 10_000));
    await clock.advance(15_000);
    clock.jump(-3_600_000);
    await clock.advance(10_000);
    clock.jump(60_000);
    await clock.advance(60_000);
    expect(calls).toEqual([
      [10_000, 0],
      [20_000, -3_600_000],
      [30_000, -3_540_000],
      [40_000, -3_540_000],
    ]);
  });

  it('follow a wall clock that is slewed by little at a time', async () => {
    const clock = new VirtualClock(START);
    const { timers, fired } = bench(clock);
    timers.arm(row('x', START + 60_000));
    for (let i = 0; i < 5; i++) {
      await clock.advance(10_000);
      clock.jump(-200);
    }
    await clock.advance(10_999);
    expect(fired).toEqual([]);
    await clock.advance(1);
    expect(fired).toEqual([{ id: 'x', at: START + 60_000 }]);
  });

  it('wait after a failed handler for the same time whatever the wall clock is set to', async () => {
    const clock = new VirtualClock(START);
    const timers = createTimers({ clock, log: silentLog });
    const calls: number[] = [];
    timers.onDue('alarm', async () => {
      calls.push(clock.monotonic());
      if (calls.length === 1) throw operationalError('E_RECORD_WRITE', 'The disk is full');
    });
    timers.arm(row('x', START));
    await clock.advance(100);
    clock.jump(-3_600_000);
    await clock.advance(2_000);
    expect(calls).toHaveLength(2);
  });

  it('fire within 10 s what became overdue while the machine slept', async () => {
    class SleepyClock extends VirtualClock {
      sleptMs = 0;
      slept = (): number => this.sleptMs;
    }
    const clock = new SleepyClock(START);
    const { timers, fired } = bench(clock);
    timers.arm(row('soon', START + 1_800_000));
    timers.arm(row('later', START + 7_200_000));
    await clock.advance(1_000);
    // In its sleep the wall clock goes on and the monotonic one does not.
    clock.sleptMs = 3_600_000;
    clock.jump(3_600_000);
    await clock.advance(10_000);
    expect(fired.map(({ id }) => id)).toEqual(['soon']);
    await clock.advance(7_200_000 - 3_600_000 - 11_000 - 1);
    expect(fired).toHaveLength(1);
    await clock.advance(1);
    expect(fired).toHaveLength(2);
  });

  it('never fire early when the timer of the system comes early', () => {
    let wall = START;
    const callbacks: (() => void)[] = [];
    const hasty: Clock = {
      ...systemClock,
      now: () => wall,
      after(_ms, callback): Timer {
        callbacks.push(callback);
        return { cancel() {} };
      },
    };
    const { timers, ids } = bench(hasty);
    timers.arm(row('x', START + 10));
    wall = START + 9;
    callbacks.shift()!();
    expect(ids()).toEqual([]);
    wall = START + 10;
    callbacks.shift()!();
    expect(ids()).toEqual(['x']);
  });

  it('are silent after the close', async () => {
    const clock = new VirtualClock(START);
    const { timers, ids } = bench(clock);
    timers.arm(row('x', START + 10));
    timers.close();
    timers.arm(row('y', START + 10));
    await clock.advance(100);
    expect(ids()).toEqual([]);
    expect(clock.nextAt()).toBeNull();
  });

  it('are at most 20 ms later than plain timers at the 99th percentile with 10,000 set, and never early', async () => {
    const count = 10_000;
    const lateness: number[] = [];
    const plain: number[] = [];
    const timers = createTimers({ clock: systemClock, log: silentLog });
    const p99 = (values: number[]): number => values.sort((a, b) => a - b)[Math.floor(values.length * 0.99)]!;
    await new Promise<void>((resolve) => {
      timers.onDue('alarm', async (timer) => {
        lateness.push(systemClock.now() - timer.at);
        if (lateness.length === count) resolve();
      });
      const from = systemClock.now() + 300;
      for (let i = 0; i < count; i++) timers.arm(row(`t${i}`, from + Math.floor((i * 1_000) / count)));
      // What the machine itself is late while others have the core.
      for (let i = 0; i < 250; i++) {
        const at = from + i * 4;
        systemClock.after(at - systemClock.now(), () => plain.push(systemClock.now() - at));
      }
    });
    timers.close();
    expect(Math.min(...lateness)).toBeGreaterThanOrEqual(0);
    expect(p99(lateness)).toBeLessThanOrEqual(20 + p99(plain));
  });
});
