import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../../engine/clock/virtual-clock';
import { silentLog } from '../../../engine/domain/log';
import { readTable } from '../../../engine/drivers/dahua/answer';
import type { Cgi } from '../../../engine/drivers/dahua/cgi';
import { createSwitches } from '../../../engine/drivers/dahua/switches';
import { createFormerSettings } from '../../../engine/drivers/former-settings';

function camera() {
  const clock = new VirtualClock(0);
  const closing = new AbortController();
  let until = 0;
  const starts: number[] = [];
  /** A siren that sounds for 10 s at a time. */
  const text: Cgi['text'] = async ({ parameters }) => {
    const value = (name: string): string | undefined => parameters.find(([key]) => key === name)?.[1];
    if (value('action') === 'getStatus') return `status.status.Speaker=${clock.monotonic() < until ? 'On' : 'Off'}`;
    const on = value('info[0].IO') === '1';
    if (on) starts.push(clock.monotonic());
    until = on ? clock.monotonic() + 10_000 : 0;
    return 'OK';
  };
  const cgi = { text, table: async (request, what) => readTable(await text(request, what)) } as Cgi;
  const switches = createSwitches({
    cgi,
    deviceName: 'Yard',
    normalRecordMode: 'auto',
    former: createFormerSettings(undefined, silentLog),
    clock,
    log: silentLog,
    closing: closing.signal,
  });
  return { clock, switches, starts, signal: closing.signal };
}

describe('a held siren', () => {
  it('sounds on beyond its own time, until it is switched off', async () => {
    const { clock, switches, starts, signal } = camera();
    expect(await switches.set('siren', '1', true, {}, signal)).toBe(true);
    for (let second = 0; second < 60; second++) {
      await clock.advance(1_000);
      expect(await switches.read('siren', '1', signal)).toBe(true);
    }
    expect(await switches.set('siren', '1', false, {}, signal)).toBe(false);
    const { length } = starts;
    await clock.advance(60_000);
    expect(starts.length).toBe(length);
  });

  it('falls silent by itself after the time that it was to sound', async () => {
    const { clock, switches, signal } = camera();
    await switches.set('siren', '1', true, { forMs: 25_000 }, signal);
    await clock.advance(24_000);
    expect(await switches.read('siren', '1', signal)).toBe(true);
    await clock.advance(15_000);
    expect(await switches.read('siren', '1', signal)).toBe(false);
  });

  it('falls silent by itself when the connection is closed', async () => {
    const { clock, switches, signal } = camera();
    await switches.set('siren', '1', true, {}, signal);
    switches.close();
    await clock.advance(11_000);
    expect(await switches.read('siren', '1', signal)).toBe(false);
  });
});
