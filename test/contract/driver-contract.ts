/**
 * What every driver promises, whatever its protocol (PROTOCOLS §0): run for each kind that has a simulator, through the
 * hub that the site uses, over real sockets and with the drivers' own times.
 */
import { afterAll, describe, expect, it, vi } from 'vitest';
import { until } from '../support/recording-sink';
import { pause, steadyClock } from '../support/steady-clock';
import { type Closers, type DriverKind, hubWith, NOTICED_MS, online, phasesOf } from './played-device';

const never = new AbortController().signal;

/** Until polls and heart-beats have told what is on before anything happens. */
const SETTLED_MS = 700;

/** Sockets, pipes and timers that keep the process busy. */
export const busy = (): number =>
  process.getActiveResourcesInfo().filter((name) => /^(TCP|TLS|UDP|Pipe|Timeout|Process)/.test(name)).length;

/** Runs a test with what it opens, and closes that. */
export const opening =
  (work: (closers: Closers) => Promise<void>): (() => Promise<void>) =>
  async () => {
    const closers: Closers = [];
    try {
      await work(closers);
    } finally {
      for (const close of closers.reverse()) await close();
    }
  };

/** The contract of the drivers; the tests of all kinds run side by side, because they wait rather than work. */
export function driverContract(kinds: readonly DriverKind[]): void {
  // They wait for what a driver does in its own times, some of them for seconds.
  vi.setConfig({ testTimeout: 60_000 });
  const strays: unknown[] = [];
  const stray = (reason: unknown): void => void strays.push(reason);
  process.on('unhandledRejection', stray);
  afterAll(() => {
    process.removeListener('unhandledRejection', stray);
    expect(strays).toEqual([]);
  });

  describe.concurrent.each(kinds)('the driver $kind', (kind) => {
    /** A test for those kinds alone that have the thing; for others there is nothing to skip. */
    const where = (has: boolean): typeof it => (has ? it : ((() => undefined) as unknown as typeof it));

    it(
      'is online within seconds, and says so once',
      opening(async (closers) => {
        const hub = await online(kind, closers);
        await until('it is told', () => hub.told().includes('source-online pulse'));
        expect(hub.told().filter((one) => one === 'source-online pulse')).toHaveLength(1);
      }),
    );

    it(
      'makes one alarm of a condition that is told again and again, and ends it; signs of life do neither',
      opening(async (closers) => {
        const hub = await online(kind, closers);
        const life = async (): Promise<void> => {
          await hub.device.beat?.();
          await pause(SETTLED_MS);
        };
        await life();
        // None of them is an event of the condition, but a state told at the start.
        expect(hub.of('start', 'refresh', 'pulse')).toEqual([]);
        for (let i = 0; i < 3; i++) await hub.device.repeat();
        await until('the condition', () => hub.of('start').length > 0);
        const begun = hub.of('start')[0]!.receivedAt;
        const ends = (): number => hub.of('stop').filter(({ receivedAt }) => receivedAt >= begun).length;
        await life();
        expect(ends()).toBe(0);
        await hub.device.end();
        await until('its end', () => ends() > 0);
        await life();
        const phases = await phasesOf(hub, 0);
        expect(phases.filter((phase) => phase === 'raise')).toHaveLength(1);
        expect(phases.filter((phase) => phase === 'clear')).toHaveLength(1);
      }),
    );

    it(
      'lets the quiet time end a condition whose end never comes',
      opening(async (closers) => {
        const hub = await online(kind, closers);
        // What is on before the device is looked at is a state, no beginning.
        await pause(SETTLED_MS);
        await hub.device.repeat();
        await until('the condition', () => hub.of('start').length > 0);
        const phases = await phasesOf(hub, 120_000, 30_000);
        expect(phases.filter((phase) => phase === 'raise')).toHaveLength(1);
        expect(phases.filter((phase) => phase === 'clear')).toHaveLength(1);
      }),
    );

    where(kind.has.includes('odd'))(
      'takes odd bytes for no event, and goes on behind them',
      opening(async (closers) => {
        const hub = await online(kind, closers);
        await pause(SETTLED_MS);
        const before = hub.events.length;
        await hub.device.odd!();
        await pause(SETTLED_MS);
        // A camera that only pushes may have meant something by it: that passes as what it is, unknown.
        const made = hub.events
          .slice(before)
          .filter(({ draft }) => !/^(stop|snapshot)$/.test(draft.phase) && !draft.type.startsWith('vendor:'));
        expect(made.map(({ draft }) => `${draft.type} ${draft.phase}`)).toEqual([]);
        await hub.device.repeat();
        await until('the condition behind it', () => hub.of('start').length > 0);
        expect(hub.link()).toBe('online');
        expect(hub.told()).not.toContain('source-offline start');
      }),
    );

    where(kind.has.includes('unknown'))(
      'passes on what no document names, under the name that the device gives it',
      opening(async (closers) => {
        const hub = await online(kind, closers);
        await pause(SETTLED_MS);
        const before = hub.events.length;
        await hub.device.unknown!();
        await until('it is told', () => hub.events.length > before);
        const { draft } = hub.events[before]!;
        expect(draft.type).toMatch(/^vendor:(neverSeen|Never\/Seen|1\.3\.6\.1\.4\.1\.32473\.)/i);
        expect(draft.raw.length).toBeGreaterThan(2);
      }),
    );

    where(kind.output !== undefined)(
      'switches a relay and proves it, the same twice over',
      opening(async (closers) => {
        const { devices, device } = await online(kind, closers);
        const relay = devices.device('cam1');
        for (const on of [true, true, false, false]) {
          expect(await relay.setOutput(kind.output!, on, never)).toBe(on);
          expect(await relay.readOutput(kind.output!, never)).toBe(on);
          expect(await device.isOn?.()).toBe(on);
        }
      }),
    );

    where(kind.has.includes('login'))(
      'tries a wrong password twice at most, says so, and takes the right one',
      opening(async (closers) => {
        const hub = await hubWith(kind, closers, { password: 'another-one' });
        await until('the refusal', () => hub.link() === 'refused', NOTICED_MS);
        await until('it is told', () => hub.told().includes('credentials-refused start'));
        await pause(3_000);
        expect(hub.device.refused!()).toBeGreaterThanOrEqual(1);
        expect(hub.device.refused!()).toBeLessThanOrEqual(2);
        const user = hub.definition.credentials?.user ?? 'admin';
        hub.devices.define({ ...hub.definition, credentials: { user, password: 'another-one' } });
        await until('online', () => hub.link() === 'online', NOTICED_MS);
        await until('it is told', () => hub.told().includes('credentials-refused stop'));
      }),
    );
  });

  // One after the other: what is open belongs to the whole process.
  it.each(kinds.filter(({ pushOnly }) => !pushOnly))(
    'the driver $kind leaves no socket and no timer behind when it closes',
    async (kind) => {
      const before = busy();
      const closers: Closers = [];
      const { devices, device } = await online(kind, closers);
      const begun = steadyClock.monotonic();
      await devices.close();
      expect(steadyClock.monotonic() - begun).toBeLessThan(1_000);
      await device.close();
      await until('nothing of it is left open', () => busy() <= before);
    },
  );
}
