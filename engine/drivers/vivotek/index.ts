import type { DeviceDriver } from '../driver';
import { type CameraTiming, connectVivotek, defaultTiming } from './connection';
import { decodeVivotek } from './decode';
import { readVivotekOptions, vivotekDialog } from './options';

export type { CameraTiming, VivotekConnection } from './connection';
export { defaultTiming } from './connection';
export type { PushSetup } from './push-setup';
export type {
  CameraEvent,
  CameraFault,
  CameraPrivilege,
  MediaName,
  VivotekSimulator,
  VivotekSimulatorOptions,
  VivotekSimulatorState,
} from './simulator';
export { cameraFaults, mediaNames, startVivotekSimulator } from './simulator';

/** The driver with times of its own, for tests. */
export const createVivotekDriver = (timing: CameraTiming): DeviceDriver => ({
  kind: 'vivotek',
  title: 'VIVOTEK (CGI and HTTP push)',
  defaultPort: 80,
  dialog: vivotekDialog,
  readOptions: readVivotekOptions,
  visits: true,
  setsUpPush: true,
  connect: (context) => connectVivotek(context, timing),
  // Its URL alone tells the event: a request without a body is enough.
  pushMethods: () => ['POST', 'PUT', 'GET'],
  decode: decodeVivotek,
});

/** VIVOTEK cameras over their CGI programs and HTTP notification (PROTOCOLS §3). */
export const vivotekDriver: DeviceDriver = createVivotekDriver(defaultTiming);
