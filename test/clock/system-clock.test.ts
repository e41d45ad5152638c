import { describe, expect, it } from 'vitest';
import { sleepMeter, systemClock } from '../../engine/clock/system-clock';

/** Three clocks turned by hand; the uptime is told in whole seconds, as systems do. */
function clocks() {
  const at = { uptime: 1_000_400, monotonic: 50, wall: 1_700_000_000_000 };
  let asked = 0;
  const meter = sleepMeter(
    () => {
      asked++;
      return Math.floor(at.uptime / 1_000) * 1_000;
    },
    () => at.monotonic,
    () => at.wall,
  );
  const wake = (ms: number): void => {
    at.uptime += ms;
    at.monotonic += ms;
    at.wall += ms;
  };
  const sleep = (ms: number, wallMs = ms): void => {
    at.uptime += ms;
    at.wall += wallMs;
  };
  return { meter, wake, sleep, asked: () => asked };
}

describe('the meter of the machine’s sleep', () => {
  it('counts nothing while the machine is awake', () => {
    const { meter, wake } = clocks();
    for (let i = 0; i < 500; i++) {
      wake(337);
      expect(meter()).toBe(0);
    }
  });

  it('counts each sleep, never too much and at most two seconds too little', () => {
    const { meter, wake, sleep } = clocks();
    wake(10_123);
    sleep(3_600_000);
    const first = meter();
    expect(first).toBeLessThanOrEqual(3_600_000);
    expect(first).toBeGreaterThanOrEqual(3_598_000);
    wake(60_777);
    expect(meter()).toBe(first);
    sleep(100_000);
    const both = meter();
    expect(both).toBeLessThanOrEqual(3_700_000);
    expect(both).toBeGreaterThanOrEqual(3_698_000);
  });

  it('asks the system once a second while nothing says that it slept', () => {
    const { meter, wake, asked } = clocks();
    meter();
    const before = asked();
    for (let i = 0; i < 1_000; i++) {
      wake(5);
      meter();
    }
    expect(asked() - before).toBe(5);
  });

  it('notices a sleep at once, and one in which the wall clock stood still within a second', () => {
    const { meter, wake, sleep } = clocks();
    meter();
    wake(10);
    sleep(60_000);
    expect(meter()).toBeGreaterThanOrEqual(58_000);
    wake(10);
    sleep(60_000, 0);
    wake(1_000);
    expect(meter()).toBeGreaterThanOrEqual(116_000);
  });

  it('says that this machine has not slept during the test', () => {
    expect(systemClock.slept?.()).toBe(0);
  });
});
