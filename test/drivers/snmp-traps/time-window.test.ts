import { createSocket, type RemoteInfo } from 'node:dgram';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { VirtualClock } from '../../../engine/clock/virtual-clock';
import { type SnmpSimulator, startSnmpSimulator } from '../../../engine/drivers/snmp-traps';
import { trapAccess } from '../../../engine/drivers/snmp-traps/settings';
import {
  createTimeWindows,
  engineTimeIn,
  isOurTime,
  ownEngineTime,
} from '../../../engine/drivers/snmp-traps/time-window';
import { createTrapDecoder, type DecodedTrap } from '../../../engine/drivers/snmp-traps/trap-decoder';
import { closeDrivers, closeLater } from '../../support/connected-driver';
import { deviceAt } from '../../support/recording-sink';
import { pause, steadyClock } from '../../support/steady-clock';

afterEach(closeDrivers);

describe('the window of a sender', () => {
  const told = (boots: number, time: number, engineId = 'aa') => ({ engineId, boots, time });

  it.each<[string, [boots: number, time: number, waitS: number][], boolean]>([
    ['the first that is heard', [[3, 5_000, 0]], true],
    [
      '150 s late',
      [
        [3, 5_000, 0],
        [3, 4_850, 0],
      ],
      true,
    ],
    [
      '151 s late',
      [
        [3, 5_000, 0],
        [3, 4_849, 0],
      ],
      false,
    ],
    [
      'the same 150 s later',
      [
        [3, 5_000, 150],
        [3, 5_000, 0],
      ],
      true,
    ],
    [
      'the same 151 s later',
      [
        [3, 5_000, 151],
        [3, 5_000, 0],
      ],
      false,
    ],
    [
      'far ahead, for its clock runs',
      [
        [3, 5_000, 0],
        [3, 9_000, 0],
      ],
      true,
    ],
    [
      'late against what was far ahead',
      [
        [3, 5_000, 0],
        [3, 9_000, 0],
        [3, 5_000, 0],
      ],
      false,
    ],
    [
      'after a restart',
      [
        [3, 5_000, 500],
        [4, 0, 0],
      ],
      true,
    ],
    [
      'of before a restart',
      [
        [3, 5_000, 0],
        [4, 0, 0],
        [3, 5_001, 0],
      ],
      false,
    ],
    ['at the end of all counting', [[2 ** 31 - 1, 5, 0]], false],
    ['of no number', [[-1, 5, 0]], false],
  ])('%s', async (_what, messages, taken) => {
    const clock = new VirtualClock(0);
    const windows = createTimeWindows(clock);
    let last = false;
    for (const [boots, time, waitS] of messages) {
      last = windows.takes(told(boots, time));
      await clock.advance(waitS * 1_000);
    }
    expect(last).toBe(taken);
  });

  it('is that of its engine alone', () => {
    const windows = createTimeWindows(new VirtualClock(0));
    expect(windows.takes(told(9, 9_000, 'aa'))).toBe(true);
    expect(windows.takes(told(1, 1, 'bb'))).toBe(true);
  });

  it('is kept for a bounded number of senders', () => {
    const windows = createTimeWindows(new VirtualClock(0));
    for (let at = 0; at < 6_000; at++) windows.takes(told(9, 9_000, `e${at}`));
    expect([windows.takes(told(1, 1, 'e0')), windows.takes(told(1, 1, 'e5999'))]).toEqual([true, false]);
  });
});

describe('our own time', () => {
  it('goes on by seconds, and its boots are more after each start', async () => {
    const clock = new VirtualClock(1_800_000_000_000);
    const first = ownEngineTime(clock);
    await clock.advance(5_900);
    const second = ownEngineTime(clock);
    expect(first().time).toBe(5);
    expect(second().time).toBe(0);
    expect(second().boots).toBeGreaterThan(first().boots);
    expect(second().boots).toBeLessThan(2 ** 31 - 1);
  });

  it.each([
    [7, 1_000, true],
    [7, 850, true],
    [7, 1_150, true],
    [7, 849, false],
    [7, 1_151, false],
    [6, 1_000, false],
    [8, 1_000, false],
  ])('is met by boots %i and time %i: %s', (boots, time, met) => {
    expect(isOurTime({ engineId: 'aa', boots, time }, { boots: 7, time: 1_000 })).toBe(met);
  });
});

it('the parameters of any bytes are read without an exception', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), (noise) => {
      engineTimeIn(Buffer.from(noise));
      engineTimeIn(Buffer.concat([Buffer.from('30400201033005', 'hex'), Buffer.from(noise)]));
    }),
  );
});

/** A decoder behind a socket, with its time in our hands. */
async function receiver(options: Record<string, unknown> = {}) {
  const clock = new VirtualClock(1_800_000_000_000);
  const access = trapAccess(deviceAt(1, { options: { access: 'authPriv', ...options } }));
  const decoder = createTrapDecoder(access, 'r1', clock);
  const seen: { bytes: Buffer; found: DecodedTrap }[] = [];
  const socket = createSocket('udp4');
  socket.on('message', (bytes: Buffer, from: RemoteInfo) => {
    const found = decoder.decode(bytes, from);
    seen.push({ bytes, found });
    for (const reply of found.replies) socket.send(reply, from.port, from.address);
  });
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  closeLater(() => new Promise((resolve) => socket.close(() => resolve())));
  const sim: SnmpSimulator = await startSnmpSimulator({ port: socket.address().port, model: '3', everyMs: 0 });
  closeLater(() => sim.close());
  const last = async (): Promise<{ bytes: Buffer; found: DecodedTrap }> => {
    const end = steadyClock.monotonic() + 15_000;
    while (!seen.some(({ found }) => found.trap || found.refusal) && steadyClock.monotonic() < end) await pause(5);
    const found = seen.splice(0).at(-1);
    if (!found) throw new Error('nothing has come');
    return found;
  };
  const again = (bytes: Buffer): DecodedTrap => decoder.decode(bytes, { address: '127.0.0.1', port: 9 });
  return { clock, sim, last, again };
}

describe('a trap of version 3', () => {
  it('that was recorded is refused when it comes again after the window, and says why', async () => {
    const { clock, sim, last, again } = await receiver();
    await sim.fire('link-down');
    const { bytes, found } = await last();
    expect(found.trap?.version).toBe('3');
    await clock.advance(140_000);
    expect(again(bytes).trap).not.toBeNull();
    await clock.advance(11_000);
    expect(again(bytes)).toMatchObject({ trap: null, replies: [], refusal: expect.stringMatching(/time window/) });
  });

  it('of a sender that has lost its count of restarts is refused, but with the window off it is taken', async () => {
    for (const window of ['checked', 'off']) {
      const { sim, last } = await receiver({ window });
      await sim.fire('link-down');
      await last();
      sim.faults.set('lost-boots');
      await sim.fire('link-down');
      expect((await last()).found.trap !== null).toBe(window === 'off');
    }
  });

  it('that proves nothing does not move the window of the sender', async () => {
    const { sim, last } = await receiver();
    sim.faults.set('wrong-community');
    await sim.fire('link-down');
    expect((await last()).found.trap).toBeNull();
    sim.faults.clear();
    sim.faults.set('lost-boots');
    await sim.fire('link-down');
    expect((await last()).found.trap).not.toBeNull();
  });
});

describe('an inform of version 3', () => {
  it('is confirmed to a sender that has found our engine, and neither taken nor confirmed after its window', async () => {
    const { clock, sim, last, again } = await receiver();
    await sim.fire('link-down', { inform: true });
    expect(sim.state().confirmed).toBe(1);
    const { bytes, found } = await last();
    expect(found.trap).toMatchObject({ version: '3', inform: true });
    await clock.advance(150_000);
    expect(again(bytes).trap).not.toBeNull();
    await clock.advance(1_000);
    const late = again(bytes);
    expect(late).toMatchObject({ trap: null, refusal: null });
    // usmStatsNotInTimeWindows.0, with the flag of a message that proves itself and is no request.
    expect(late.replies[0]?.toString('hex')).toMatch(/2b060106030f01010200/);
    expect(late.replies[0]?.toString('hex')).toContain('040101020103');
  });

  it('is confirmed later, too, by the time that a sender learns then', async () => {
    const { clock, sim } = await receiver();
    await clock.advance(86_400_000);
    await sim.fire('link-down', { inform: true });
    expect(sim.state().confirmed).toBe(1);
  });

  it('that was meant for another receiver is not taken', async () => {
    const other = await receiver();
    await other.sim.fire('link-down', { inform: true });
    const { bytes } = await other.last();
    const access = trapAccess(deviceAt(1, { options: { access: 'authPriv' } }));
    const mine = createTrapDecoder(access, 'r2', other.clock);
    const found = mine.decode(bytes, { address: '127.0.0.1', port: 9 });
    expect(found).toMatchObject({ trap: null, refusal: null });
    // usmStatsUnknownEngineIDs.0
    expect(found.replies[0]?.toString('hex')).toMatch(/2b060106030f01010400/);
  });
});
