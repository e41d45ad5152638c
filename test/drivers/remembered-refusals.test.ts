import { afterEach, describe, expect, it } from 'vitest';
import type { DeviceDefinition } from '../../engine/domain/devices';
import { silentLog } from '../../engine/domain/log';
import { createDevices, type Devices, startSimulator } from '../../engine/drivers';
import { openRefusedLogins } from '../../engine/host/refused-logins';
import { memorySettings } from '../support/memory-settings';
import { deviceAt, until } from '../support/recording-sink';
import { steadyClock } from '../support/steady-clock';

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

const kinds = ['hikvision', 'dahua', 'vivotek', 'onvif'] as const;
type Kind = (typeof kinds)[number];

/** A simulated device that takes another password than the one in the settings, and runs of a site that follow. */
async function site(kind: Kind) {
  const sim = await startSimulator(kind, {});
  closers.push(() => sim.close());
  const settings = memorySettings();
  const wrong = deviceAt(sim.port, { driver: kind, credentials: { user: 'admin', password: 'mistyped' } });

  async function run(definition: DeviceDefinition = wrong): Promise<Devices> {
    const devices = createDevices({
      clock: steadyClock,
      log: silentLog,
      onEvent: async () => 'e1',
      onPictures: async () => undefined,
      onStatus() {},
      refusalsOf: await openRefusedLogins({
        record: settings,
        secret: async () => 'the key of this installation',
        clock: steadyClock,
        log: silentLog,
      }),
    });
    closers.push(() => devices.close());
    devices.define(definition);
    devices.start();
    return devices;
  }

  const link = (devices: Devices): string => devices.status('cam1')!.link;
  const refusedAs = async (devices: Devices): Promise<string> => {
    await until('refused', () => link(devices) === 'refused');
    return devices.status('cam1')!.detail;
  };
  const refusals = (): number => {
    const state = sim.state() as { logins?: { refused: number }; refusedLogins?: number };
    return state.logins?.refused ?? state.refusedLogins!;
  };
  const kept = (): string => settings.written.get('refused-logins') ?? '{}';
  /** As after four refusals, whose pause outlasts every test. */
  const refusedOften = (): void => {
    settings.written.set('refused-logins', kept().replace(/"times":\d+/g, '"times":4'));
  };
  return { sim, wrong, run, link, refusedAs, refusals, kept, refusedOften };
}

describe.each(kinds)('a login that a %s device has refused', (kind) => {
  it('is not tried again by restarts, and by a test at once', async () => {
    const { wrong, run, link, refusedAs, refusals, kept, refusedOften } = await site(kind);
    const first = await run();
    await refusedAs(first);
    await until('kept', () => kept() !== '{}');
    await first.close();
    const tried = refusals();
    expect(tried).toBeGreaterThan(0);
    expect(kept()).not.toContain('mistyped');
    refusedOften();
    for (let restart = 0; restart < 3; restart++) {
      const again = await run();
      expect(await refusedAs(again)).toContain('before');
      expect(again.status('cam1')!.lockedUntil).toBeGreaterThan(Date.now() + 10 * 60_000);
      await again.close();
    }
    expect(refusals()).toBe(tried);

    const last = await run();
    await refusedAs(last);
    await expect(last.test({ ...wrong, id: 'test' }, AbortSignal.timeout(30_000))).rejects.toMatchObject({
      code: expect.stringMatching(/^E_(CREDENTIALS_REFUSED|ACCOUNT_LOCKED)$/),
    });
    expect(refusals()).toBeGreaterThan(tried);
    expect(link(last)).toBe('refused');
  });
});

describe('a refused login', () => {
  it('gives way to another password at once', async () => {
    const { run, wrong, link, refusedAs, kept } = await site('hikvision');
    const first = await run();
    await refusedAs(first);
    await until('kept', () => kept() !== '{}');
    first.define({ ...wrong, credentials: { user: 'admin', password: 'simulated1' } });
    await until('online', () => link(first) === 'online');
    expect(first.status('cam1')!.lockedUntil).toBeNull();
  });

  it('is tried again at once where a test shows that the device takes it now', async () => {
    const { sim, run, wrong, link, refusedAs, kept } = await site('hikvision');
    const first = await run();
    await refusedAs(first);
    await until('kept', () => kept() !== '{}');
    await first.close();
    (sim as unknown as { setPassword(password: string): void }).setPassword('mistyped');
    const second = await run();
    await refusedAs(second);
    await second.test({ ...wrong, id: 'test' }, AbortSignal.timeout(30_000));
    await until('online', () => link(second) === 'online');
    await until('forgotten', () => kept() === '{}');
  });
});
