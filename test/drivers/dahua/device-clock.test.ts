import { describe, expect, it } from 'vitest';
import { createDeviceClock } from '../../../engine/drivers/dahua/device-clock';

const NOW = 1_780_000_000_000;
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const judged = (clock: ReturnType<typeof createDeviceClock>, deviceAt: number, now = NOW, place = '1//') =>
  clock.judge('text', deviceAt, place, now);

describe('the clock of a device', () => {
  it('is taken for ours until it is known, and then nothing is late', () => {
    const clock = createDeviceClock();
    clock.reconnected(NOW);
    expect(judged(clock, NOW)).toEqual({ late: false, clockSuspect: false });
    expect(judged(clock, NOW - HOUR)).toEqual({ late: false, clockSuspect: true });
  });

  it('that is wrong by much makes events late by its own time only', () => {
    const clock = createDeviceClock();
    clock.reconnected(NOW);
    clock.measured(NOW - 1_000 * HOUR - 5 * MINUTE, NOW);
    const deviceNow = NOW - 1_000 * HOUR - 5 * MINUTE;
    expect(judged(clock, deviceNow)).toEqual({ late: false, clockSuspect: false });
    expect(judged(clock, deviceNow - 10 * MINUTE)).toEqual({ late: true, clockSuspect: false });
  });

  it('that may only be read in a wrong zone calls nothing late that is new by our clock', () => {
    const clock = createDeviceClock();
    clock.reconnected(NOW);
    clock.measured(NOW + 2 * HOUR + 20_000, NOW);
    expect(judged(clock, NOW)).toEqual({ late: false, clockSuspect: false });
    expect(judged(clock, NOW - 10 * MINUTE)).toMatchObject({ late: true });
  });

  it('of a camera behind a recorder may differ: suspect, not late, once the replay is over', () => {
    const clock = createDeviceClock();
    clock.reconnected(NOW);
    clock.measured(NOW, NOW);
    const later = NOW + 5 * MINUTE;
    expect(judged(clock, later - 7 * MINUTE, later, '4//')).toEqual({ late: false, clockSuspect: true });
    // A place that has been right before is late when it is behind.
    expect(judged(clock, later, later, '1//')).toEqual({ late: false, clockSuspect: false });
    expect(judged(clock, later - 7 * MINUTE, later, '1//')).toMatchObject({ late: true });
  });

  it('knows a replay after a reconnection by the events that it had seen', () => {
    const clock = createDeviceClock();
    clock.reconnected(NOW);
    expect(judged(clock, NOW)).toMatchObject({ late: false });
    const later = NOW + 30_000;
    clock.reconnected(later);
    expect(judged(clock, NOW - 1_000, later)).toMatchObject({ late: true });
    expect(judged(clock, later, later)).toMatchObject({ late: false });
    expect(judged(clock, NOW - 1_000, later, '2//')).toMatchObject({ late: false });
  });

  it('is told anew only when it has changed by more than noise', () => {
    const clock = createDeviceClock();
    expect(clock.measured(NOW, NOW)).toBe(true);
    expect(clock.measured(NOW + 1_500, NOW)).toBe(false);
    expect(clock.measured(NOW + 9_000, NOW)).toBe(true);
    expect(clock.offset()).toBe(9_000);
  });

  it('makes a time that cannot be read suspect, a missing one not', () => {
    const clock = createDeviceClock();
    expect(clock.judge('x', null, '', NOW)).toEqual({ late: false, clockSuspect: true });
    expect(clock.judge(null, null, '', NOW)).toEqual({ late: false, clockSuspect: false });
  });
});
