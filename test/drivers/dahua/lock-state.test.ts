import { describe, expect, it } from 'vitest';
import { lockStateIn } from '../../../engine/drivers/dahua/lock-state';
import { cpuTime } from '../wire/cpu-time';

describe('the words of a refused login', () => {
  it.each([
    ['Error\r\nAccount is locked, remaining 1795 s\r\n', 1_795_000],
    ['{"error":"Locked","remainLockSecond":300}', 300_000],
    ['the user is locked, try after 60', 60_000],
    ['Account lock', 1_800_000],
    ['locked for 9999999 s', 86_400_000],
  ])('tell how long the account is locked: %s', (text, unlockMs) => {
    expect(lockStateIn(text)?.unlockMs).toBe(unlockMs);
  });

  it.each(['', 'Error\r\nInvalid Authority!\r\n', 'blocked by the firewall for 60 s'])('tell no lock: %j', (text) => {
    expect(lockStateIn(text)).toBeNull();
  });

  it.each(['remain', 'time ', '1 ', 'after\n', '123456 '])('are read quickly, whatever is repeated: %j', (word) => {
    const text = `lock ${word.repeat(64 * 1024)}`.slice(0, 64 * 1024);
    expect(cpuTime(() => lockStateIn(text))).toBeLessThan(500);
  });
});
