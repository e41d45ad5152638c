import type { DeviceDriver } from '../driver';
import { defaultTiming, type StreamTiming } from './alert-stream';
import { connectHikvision } from './connection';
import { decodeHikvision } from './decode';
import { hikvisionDialog, readHikvisionOptions } from './options';
import { discoverHikvision } from './sadp';

export type { StreamTiming } from './alert-stream';
export { defaultTiming } from './alert-stream';
export type {
  FaultName,
  Faults,
  HikvisionSimulator,
  HikvisionSimulatorOptions,
  HikvisionSimulatorState,
  SceneRequest,
} from './simulator';
export { faultNames, sceneNames, sceneTitles, startHikvisionSimulator } from './simulator';

/** The driver with times of its own, for tests. */
export const createHikvisionDriver = (timing: StreamTiming): DeviceDriver => ({
  kind: 'hikvision',
  title: 'Hikvision / HIKMICRO (ISAPI)',
  defaultPort: 80,
  dialog: hikvisionDialog,
  readOptions: (options) => ({ ...readHikvisionOptions(options) }),
  discover: (found, signal) => discoverHikvision(found, signal),
  visits: true,
  setsUpPush: true,
  connect: (context) => connectHikvision(context, timing),
  decode: decodeHikvision,
});

/** Hikvision and HIKMICRO cameras, thermal cameras and recorders over ISAPI (PROTOCOLS §1). */
export const hikvisionDriver: DeviceDriver = createHikvisionDriver(defaultTiming);
