import { describe, expect, it } from 'vitest';
import { createDeviceClock } from '../../../engine/drivers/hikvision/device-clock';

const NOW = Date.parse('2026-06-01T12:00:00Z');
const told = (deviceAt: number, more: { retransmitted?: boolean; deviceTime?: string } = {}) => ({
  deviceTime: `${new Date(deviceAt).toISOString().slice(0, 19)}+00:00`,
  deviceAt,
  ...more,
});

describe('the clock of a device', () => {
  it('suspects, but never calls late, a time while the offset is unknown', () => {
    const clock = createDeviceClock();
    expect(clock.judge(told(NOW - 3_600_000), NOW)).toEqual({ late: false, clockSuspect: true });
    expect(clock.judge(told(NOW - 30_000), NOW)).toEqual({ late: false, clockSuspect: false });
  });

  it('judges by the device’s own time once it is known', () => {
    const clock = createDeviceClock();
    const year2017 = Date.parse('2017-01-01T00:00:00Z');
    clock.measured('heart-beat', year2017, NOW);
    expect(clock.judge(told(year2017 - 10_000), NOW)).toEqual({ late: false, clockSuspect: false });
    expect(clock.judge(told(year2017 - 61_000), NOW)).toEqual({ late: true, clockSuspect: false });
    expect(clock.judge(told(NOW), NOW)).toEqual({ late: false, clockSuspect: true });
  });

  it('suspects a time that cannot be read, and not one that was not told', () => {
    const clock = createDeviceClock();
    expect(clock.judge({ deviceTime: 'yesterday', deviceAt: null }, NOW)).toEqual({ late: false, clockSuspect: true });
    expect(clock.judge({ deviceTime: null, deviceAt: null }, NOW)).toEqual({ late: false, clockSuspect: false });
  });

  it('believes the retransmission flag in any case', () => {
    const clock = createDeviceClock();
    expect(clock.judge(told(NOW, { retransmitted: true }), NOW).late).toBe(true);
    expect(clock.judge({ deviceTime: null, deviceAt: null, retransmitted: true }, NOW).late).toBe(true);
  });

  it('calls a replay what lies before the last event of the former connection', () => {
    const clock = createDeviceClock();
    clock.judge(told(NOW), NOW);
    expect(clock.judge(told(NOW - 2_000), NOW).late).toBe(false);
    clock.reconnected();
    expect(clock.judge(told(NOW - 2_000), NOW + 5_000).late).toBe(true);
    expect(clock.judge(told(NOW + 4_000), NOW + 5_000).late).toBe(false);
  });

  it('takes a clock that was set back for what it is, not for a replay without end', () => {
    const clock = createDeviceClock();
    clock.judge(told(NOW), NOW);
    clock.reconnected();
    clock.measured('system-time', NOW - 3_600_000, NOW + 10_000);
    expect(clock.judge(told(NOW - 3_600_000), NOW + 10_000).late).toBe(false);
  });

  it('does not call a time without a zone late on the word of the Date header alone', () => {
    const clock = createDeviceClock();
    clock.measured('date-header', NOW, NOW);
    const local = { deviceTime: '2026-06-01T11:00:00', deviceAt: NOW - 3_600_000 };
    expect(clock.judge(local, NOW)).toEqual({ late: false, clockSuspect: true });
    expect(clock.judge(told(NOW - 3_600_000), NOW).late).toBe(true);
    clock.measured('system-time', NOW, NOW);
    expect(clock.judge(local, NOW).late).toBe(true);
  });

  it('prefers the clock that the events come from, and overlooks noise', () => {
    const clock = createDeviceClock();
    expect(clock.measured('heart-beat', NOW + 5_000, NOW)).toBe(true);
    expect(clock.measured('date-header', NOW + 90_000, NOW)).toBe(false);
    expect(clock.measured('heart-beat', NOW + 5_900, NOW)).toBe(false);
    expect(clock.offset()).toBe(5_000);
    clock.reconnected();
    expect(clock.offset()).toBeNull();
  });
});
