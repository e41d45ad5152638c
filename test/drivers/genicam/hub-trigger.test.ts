import { expect, it } from 'vitest';
import { silentLog } from '../../../engine/domain/log';
import { createDevices } from '../../../engine/drivers/devices';
import { createGenicamDriver, startGenicamSimulator } from '../../../engine/drivers/genicam';
import { hikvisionDriver } from '../../../engine/drivers/hikvision';
import { until } from '../../support/recording-sink';
import { steadyClock } from '../../support/steady-clock';
import { cameraAt, never } from './connected';

it('a software trigger is fired through the directory of devices, and refused where there is none', async () => {
  const sim = await startGenicamSimulator({ camera: 'stand-in' });
  const genicam = createGenicamDriver(sim.run ? { run: sim.run } : {});
  const devices = createDevices({
    clock: steadyClock,
    log: silentLog,
    onEvent: async () => 'e',
    onPictures: async () => undefined,
    onStatus: () => undefined,
    driverOf: (kind) => (kind === 'genicam' ? genicam : hikvisionDriver),
  });
  try {
    devices.define(cameraAt({ triggerMode: 'On', triggerSource: 'Software' }));
    devices.define({ ...cameraAt(), id: 'other', driver: 'hikvision', receive: 'push', options: undefined });
    devices.start();
    await until('it is online', () => devices.status('cam1')?.link === 'online');
    await devices.device('cam1').trigger?.('', never);
    expect(sim.state().fired).toBe(1);
    await expect(devices.device('other').trigger?.('', never)).rejects.toMatchObject({ code: 'E_NOT_SUPPORTED' });
  } finally {
    await devices.close();
    await sim.close();
  }
});
