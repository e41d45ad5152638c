import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../engine/clock/virtual-clock';
import { cpuTime } from '../support/cpu-time';

describe('the virtual clock', () => {
  it('fires timers at their times, those of one millisecond in the order in which they were set', async () => {
    const clock = new VirtualClock(1_000);
    const fired: string[] = [];
    clock.after(20, () => fired.push(`b ${clock.now()}`));
    clock.after(10, () => fired.push(`a ${clock.now()}`));
    clock.after(20, () => fired.push(`c ${clock.now()}`));
    await clock.advance(30);
    expect(fired).toEqual(['a 1010', 'b 1020', 'c 1020']);
    expect(clock.now()).toBe(1_030);
  });

  it('repeats until it is cancelled, also from within', async () => {
    const clock = new VirtualClock(0);
    const fired: number[] = [];
    const timer = clock.every(10, () => {
      fired.push(clock.now());
      if (fired.length === 3) timer.cancel();
    });
    await clock.advance(100);
    expect(fired).toEqual([10, 20, 30]);
    expect(clock.nextAt()).toBeNull();
  });

  it('skips at once only where no timer falls due on the way, and never back', () => {
    const clock = new VirtualClock(0);
    clock.after(10, () => undefined);
    expect(clock.skipTo(9)).toBe(true);
    expect(clock.now()).toBe(9);
    expect(clock.skipTo(10)).toBe(false);
    expect(clock.now()).toBe(9);
    expect(clock.skipTo(3)).toBe(true);
    expect(clock.now()).toBe(9);
  });

  it('keeps 100,000 timers without slowing down', async () => {
    const clock = new VirtualClock(0, async () => undefined);
    let fired = 0;
    const began = cpuTime();
    const timers = Array.from({ length: 100_000 }, (_none, index) => clock.after(100_000 - index, () => fired++));
    for (let index = 0; index < timers.length; index += 2) timers[index]!.cancel();
    await clock.advance(100_000);
    expect(fired).toBe(50_000);
    expect(cpuTime() - began).toBeLessThan(5_000);
  });
});
