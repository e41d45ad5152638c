import { afterEach, describe, expect, it } from 'vitest';
import type { DeviceDefinition, DeviceRecording, LiveStream } from '../../engine/domain/devices';
import { silentLog } from '../../engine/domain/log';
import { startOnvifSimulator } from '../../engine/drivers/onvif';
import { driverOf } from '../../engine/drivers/registry';
import { startVivotekSimulator } from '../../engine/drivers/vivotek';
import { deviceAt, recordingSink } from '../support/recording-sink';
import { steadyClock } from '../support/steady-clock';

const never = new AbortController().signal;
const root = { user: 'root', password: 'simulated1' };
const opened: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of opened.splice(0).reverse()) await one.close();
});

const recording = (change: Partial<DeviceRecording> = {}): Partial<DeviceDefinition> => ({
  recording: { channels: [1], seconds: 30, stream: 'main', rtspPort: null, ...change },
});

async function streamOf(definition: DeviceDefinition, channel: number): Promise<LiveStream> {
  const connection = driverOf(definition.driver).connect({
    definition,
    sink: recordingSink(),
    clock: steadyClock,
    log: silentLog,
  });
  opened.push(connection);
  return await connection.liveStream!(channel, never);
}

describe('the live stream of a device', () => {
  for (const [driver, change, channel, path] of [
    ['hikvision', {}, 1, ':554/Streaming/Channels/101'],
    ['hikvision', recording({ stream: 'sub' }), 12, ':554/Streaming/Channels/1202'],
    ['dahua', {}, 3, ':554/cam/realmonitor?channel=3&subtype=0'],
    ['dahua', recording({ stream: 'sub', rtspPort: 8554 }), 1, ':8554/cam/realmonitor?channel=1&subtype=1'],
  ] as const)
    it(`of ${driver} is at ${path}, its login beside it`, async () => {
      const login = { user: 'admin', password: 'geheim' };
      const stream = await streamOf({ ...deviceAt(1, { driver, ...change }), credentials: login }, channel);
      expect(stream).toEqual({ url: `rtsp://127.0.0.1${path}`, login });
    });

  it.each(['hikvision', 'dahua'])('of %s over TLS is on its own port', async (driver) => {
    const { url } = await streamOf({ ...deviceAt(1, { driver, ...recording({ transport: 'tls' }) }) }, 1);
    expect(url).toMatch(/^rtsps:\/\/127\.0\.0\.1:322\//);
    const own = await streamOf({ ...deviceAt(1, { driver, ...recording({ transport: 'tls', rtspPort: 8322 }) }) }, 1);
    expect(own.url).toMatch(/^rtsps:\/\/127\.0\.0\.1:8322\//);
  });

  it('has an IPv6 address in brackets', async () => {
    const stream = await streamOf({ ...deviceAt(1, { driver: 'hikvision' }), host: 'fe80::1' }, 1);
    expect(stream.url).toBe('rtsp://[fe80::1]:554/Streaming/Channels/101');
  });

  it('of VIVOTEK is asked of the camera, and is the usual one where that says nothing', async () => {
    const sim = await startVivotekSimulator({});
    opened.push(sim);
    expect((await streamOf(deviceAt(sim.port, { driver: 'vivotek', credentials: root }), 1)).url).toBe(
      'rtsp://127.0.0.1:554/live.sdp',
    );
    const second = deviceAt(sim.port, { driver: 'vivotek', credentials: root, ...recording({ stream: 'sub' }) });
    expect((await streamOf(second, 1)).url).toBe('rtsp://127.0.0.1:554/live2.sdp');
    expect((await streamOf(second, 2)).url).toBe('rtsp://127.0.0.1:554/live2s2.sdp');
  });

  it('of ONVIF is the one that the device names, on the host by which it is reached', async () => {
    const sim = await startOnvifSimulator({ channels: 2 });
    opened.push(sim);
    const { url } = await streamOf(deviceAt(sim.port, { driver: 'onvif' }), 2);
    expect(url).toMatch(/^rtsp:\/\/127\.0\.0\.1:8554\/media\/profile\?channel=\d&unicast=true$/);
    await expect(streamOf(deviceAt(sim.port, { driver: 'onvif' }), 9)).rejects.toMatchObject({
      code: 'E_BAD_PARAMETER',
    });
  });

  it('of ONVIF over TLS is asked for where the device has a word for it, else expected on the usual port', async () => {
    const knowing = await startOnvifSimulator({ faults: ['media2-only'] });
    opened.push(knowing);
    const secure = recording({ transport: 'tls' });
    expect((await streamOf(deviceAt(knowing.port, { driver: 'onvif', ...secure }), 1)).url).toMatch(
      /^rtsps:\/\/127\.0\.0\.1:8322\/media/,
    );
    const old = await startOnvifSimulator({});
    opened.push(old);
    expect((await streamOf(deviceAt(old.port, { driver: 'onvif', ...secure }), 1)).url).toMatch(
      /^rtsps:\/\/127\.0\.0\.1:322\/media/,
    );
  });

  it('is offered by the dialogs of exactly the drivers that have it', () => {
    for (const kind of [
      'hikvision',
      'dahua',
      'vivotek',
      'onvif',
      'modbus',
      'mqtt',
      'snmp-traps',
      'genicam',
      'http-push',
    ]) {
      const driver = driverOf(kind);
      const options = driver.readOptions ? {} : undefined;
      if (!driver.dialog?.live) {
        expect(driver.dialog?.live).toBeUndefined();
        continue;
      }
      const connection = driver.connect({
        definition: { ...deviceAt(1, { driver: kind }), ...(options ? { options: driver.readOptions!({}) } : {}) },
        sink: recordingSink(),
        clock: steadyClock,
        log: silentLog,
      });
      opened.push(connection);
      expect(typeof connection.liveStream).toBe('function');
    }
  });
});
