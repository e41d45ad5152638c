import { afterEach, describe, expect, it } from 'vitest';
import type { DeviceDefinition } from '../../../engine/domain/devices';
import { silentLog } from '../../../engine/domain/log';
import type { DriverConnection } from '../../../engine/drivers/driver';
import {
  type HikvisionSimulator,
  type HikvisionSimulatorOptions,
  hikvisionDriver,
  startHikvisionSimulator,
} from '../../../engine/drivers/hikvision';
import { deviceAt, recordingSink } from '../../support/recording-sink';
import { steadyClock } from '../../support/steady-clock';

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function setUp(
  options: HikvisionSimulatorOptions = {},
  change: Partial<DeviceDefinition> = {},
): Promise<{ sim: HikvisionSimulator; device: DriverConnection }> {
  const sim = await startHikvisionSimulator({ clock: steadyClock, ...options });
  closers.push(() => sim.close());
  const device = hikvisionDriver.connect({
    definition: deviceAt(sim.port, change),
    sink: recordingSink(),
    clock: steadyClock,
    log: silentLog,
  });
  closers.push(() => device.close());
  return { sim, device };
}

const signal = (): AbortSignal => AbortSignal.timeout(30_000);

describe('alarm outputs', () => {
  it('are set, confirmed and read back', async () => {
    const { sim, device } = await setUp();
    expect(await device.setOutput('2', true, signal())).toBe(true);
    expect(sim.state().outputs.map((o) => o.on)).toEqual([false, true]);
    expect(await device.readOutput('2', signal())).toBe(true);
    expect(await device.setOutput('2', false, signal())).toBe(false);
    expect(sim.state().commands.map((c) => c.command)).toEqual(['output 2 on', 'output 2 off']);
  });

  it('of a camera behind a recorder are reached by its proxy', async () => {
    const { sim, device } = await setUp({ model: 'nvr' });
    expect(await device.setOutput('proxy:101', true, signal())).toBe(true);
    expect(await device.setOutput('102', true, signal())).toBe(true);
    expect(sim.state().cameraOutputs.map((o) => o.on)).toEqual([true, true]);
    expect(await device.setOutput('1', true, signal())).toBe(true);
    expect(sim.state().outputs[0]?.on).toBe(true);
  });

  it('whose state the device does not tell are confirmed without it', async () => {
    const { device } = await setUp({ faults: ['output-status-missing'] });
    expect(await device.setOutput('1', true, signal())).toBeNull();
  });

  it('that do not follow show the state that they have', async () => {
    const { device } = await setUp({ faults: ['output-ignored'] });
    expect(await device.setOutput('1', true, signal())).toBe(false);
  });

  it.each([
    ['an error in a 200', ['error-in-200'], '1', 'E_DEVICE_ERROR', 'operational'],
    ['a busy device', ['busy-once'], '1', 'E_DEVICE_BUSY', 'operational'],
    ['an output that does not exist', [], '9', 'E_BAD_PARAMETER', 'user'],
    ['no number at all', [], '../../System/reboot', 'E_BAD_PARAMETER', 'user'],
  ])('answer %s by an error of the right family', async (_name, faults, output, code, family) => {
    const { device } = await setUp({ faults });
    await expect(device.setOutput(output, true, signal())).rejects.toMatchObject({ code, family });
  });

  it('give up when told so', async () => {
    const { device } = await setUp({ faults: ['slow'] });
    const aborted = AbortSignal.timeout(100);
    const before = steadyClock.monotonic();
    await expect(device.setOutput('1', true, aborted)).rejects.toMatchObject({ family: 'operational' });
    expect(steadyClock.monotonic() - before).toBeLessThan(1_000);
  });

  it('are kept back together after one refused password', async () => {
    const { sim } = await setUp();
    const definition = deviceAt(sim.port, { credentials: { user: 'admin', password: 'no' } });
    const device = hikvisionDriver.connect({ definition, sink: recordingSink(), clock: steadyClock, log: silentLog });
    closers.push(() => device.close());
    const tries = await Promise.allSettled([1, 2, 3, 4].map((n) => device.setOutput(`${n}`, true, signal())));
    expect(tries.map((t) => t.status === 'rejected' && t.reason.code)).toEqual(Array(4).fill('E_CREDENTIALS_REFUSED'));
    expect(sim.state().logins.refused).toBe(1);
  });
});

describe('pictures', () => {
  it.each([1, 2])('of channel %i are whole', async (channel) => {
    const { device } = await setUp();
    const { contentType, bytes } = await device.snapshot(channel, signal());
    expect(contentType).toBe('image/jpeg');
    expect(bytes.subarray(0, 3).toString('hex')).toBe('ffd8ff');
    expect(bytes.subarray(-2).toString('hex')).toBe('ffd9');
  });

  it('are tried once more after an error 3', async () => {
    const { device } = await setUp({ faults: ['snapshot-error-once'] });
    expect((await device.snapshot(1, signal())).bytes.length).toBeGreaterThan(500);
  });

  it('of a camera that has them at the other path come from there', async () => {
    const { device } = await setUp({ faults: ['snapshot-other-path'] });
    expect((await device.snapshot(1, signal())).bytes.length).toBeGreaterThan(500);
  });

  it('of a recorder come by its proxy, which is asked at once the next time', async () => {
    const { sim, device } = await setUp({ model: 'nvr', login: 'none' });
    await device.snapshot(3, signal());
    const requests = sim.state().requests;
    await device.snapshot(3, signal());
    expect(sim.state().requests).toBe(requests + 1);
  });

  it.each([
    ['xml-instead-of-jpeg', 'E_LOW_PRIVILEGE'],
    ['truncated-jpeg', 'E_BAD_PICTURE'],
  ])('are refused with the fault %s', async (fault, code) => {
    const { device } = await setUp({ faults: [fault] });
    await expect(device.snapshot(1, signal())).rejects.toMatchObject({ code });
  });

  it.each([0, -1, 1.5, Number.NaN])('of channel %s are no request at all', async (channel) => {
    const { sim, device } = await setUp();
    await expect(device.snapshot(channel, signal())).rejects.toMatchObject({ code: 'E_BAD_PARAMETER' });
    expect(sim.state().requests).toBe(0);
  });
});

describe('presets', () => {
  it('are called', async () => {
    const { sim, device } = await setUp();
    await device.gotoPreset(1, 5, signal());
    expect(sim.state().preset).toMatchObject({ channel: 1, preset: 5 });
  });

  it.each([
    [{ presets: 4 }, 'E_BAD_PARAMETER'],
    [{ presets: 0 }, 'E_NOT_SUPPORTED'],
    [{ faults: ['error-in-200'] }, 'E_NOT_SUPPORTED'],
  ])('fail with %o as %s', async (options, code) => {
    const { device } = await setUp(options);
    await expect(device.gotoPreset(1, 9, signal())).rejects.toMatchObject({ code });
  });
});

describe('the question who it is', () => {
  it.each([
    ['thermal', { deviceType: 'IPCamera', hasThermal: true, hasPtz: true, channels: 2, inputs: 2, outputs: 2 }],
    ['camera', { deviceType: 'IPCamera', hasThermal: false, channels: 1 }],
    ['nvr', { deviceType: 'NVR', hasPtz: false, channels: 8 }],
  ])('is answered by a %s', async (model, facts) => {
    const { device } = await setUp({ model });
    expect(await device.probe(signal())).toMatchObject({ ...facts, warnings: [] });
  });

  it('warns of events that do not notify the surveillance centre', async () => {
    const { device } = await setUp({ faults: ['no-center'] });
    expect((await device.probe(signal())).warnings).toEqual([
      expect.stringMatching(/VMD-1.*Notify Surveillance Center/),
    ]);
  });

  it.each([
    ['stream', [expect.stringMatching(/Notify Surveillance Center/)]],
    ['both', [expect.stringMatching(/Notify Surveillance Center/)]],
    ['push', []],
  ] as const)(
    'takes a linkage with HTTP alone for enough to push, not for the stream (%s)',
    async (receive, warnings) => {
      const { device } = await setUp({ faults: ['http-linkage-only'] }, { receive });
      expect((await device.probe(signal())).warnings).toEqual(warnings);
    },
  );

  it('asks event by event where the list is refused', async () => {
    const { device } = await setUp({ faults: ['no-center', 'triggers-refused'] });
    expect((await device.probe(signal())).warnings).toEqual([expect.stringMatching(/thermometry-2/)]);
  });
});
