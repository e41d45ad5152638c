import type { DeviceDriver } from '../driver';
import { connectDahua } from './connection';
import { decodeDahua } from './decode';
import { defaultTiming, type StreamTiming } from './event-stream';
import { dahuaDialog, readDahuaOptions } from './options';

export type { StreamTiming } from './event-stream';
export { defaultTiming } from './event-stream';
export type { DahuaSimulator, DahuaSimulatorOptions, DahuaSimulatorState, EventRequest } from './simulator';
export { faultNames, startDahuaSimulator } from './simulator';

/** The driver with times of its own, for tests. */
export const createDahuaDriver = (timing: StreamTiming): DeviceDriver => ({
  kind: 'dahua',
  title: 'Dahua and makers of its line (HTTP CGI)',
  defaultPort: 80,
  dialog: dahuaDialog,
  readOptions: (options) => ({ ...readDahuaOptions(options) }),
  visits: true,
  connect: (context) => connectDahua(context, timing),
  decode: decodeDahua,
});

/** Recorders, cameras and thermal cameras of the Dahua line over HTTP CGI (PROTOCOLS §2). */
export const dahuaDriver: DeviceDriver = createDahuaDriver(defaultTiming);
