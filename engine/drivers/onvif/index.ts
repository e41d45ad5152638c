import type { DeviceDriver } from '../driver';
import { connectOnvif } from './connection';
import { decodeOnvif } from './decode';
import { discoverOnvif } from './discover';
import { defaultTiming, type FeedTiming } from './event-feed';
import { onvifDialog, readOnvifOptions } from './options';

export type { DiscoveryOptions } from './discover';
export { discoverOnvif } from './discover';
export type { FeedTiming } from './event-feed';
export { defaultTiming } from './event-feed';
export type {
  OnvifFaultName,
  OnvifFaults,
  OnvifMessage,
  OnvifSimulator,
  OnvifSimulatorOptions,
  OnvifSimulatorState,
} from './simulator';
export { onvifFaultNames, startOnvifSimulator } from './simulator';

/** The driver with times of its own, for tests. */
export const createOnvifDriver = (timing: FeedTiming): DeviceDriver => ({
  kind: 'onvif',
  title: 'ONVIF (any maker)',
  defaultPort: 80,
  dialog: onvifDialog,
  readOptions: (options) => ({ ...readOnvifOptions(options) }),
  discover: (found, signal) => discoverOnvif(found, signal),
  connect: (context) => connectOnvif(context, timing),
  decode: (chunks, _contentType, options) => decodeOnvif(chunks, options),
});

/** Cameras, recorders and I/O boxes of any maker over ONVIF (PROTOCOLS §4). */
export const onvifDriver: DeviceDriver = createOnvifDriver(defaultTiming);
